/* Post-mortem files as pages and lines: what a person reads, and files that are none. */
#include "unit/record/snapshot_given.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "inspect/post_mortem.h"

static int setup(void **state) {
    (void)state;
    return setenv("TZ", "CET-1", 1); /* "local" for all */
}

static struct post_mortem *parse(const char *text) {
    struct post_mortem *pm = NULL;
    struct err err;
    if (post_mortem_parse(text, strlen(text), "x.json", &pm, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return pm;
}

static char *page_of(const char *text, bool colour) {
    struct post_mortem *pm = parse(text);
    struct str out;
    str_init(&out);
    post_mortem_text(pm, colour, &out);
    assert_false(out.failed);
    post_mortem_destroy(pm);
    return str_take(&out);
}

static char *line_of(const char *text) {
    struct post_mortem *pm = parse(text);
    struct str out;
    str_init(&out);
    post_mortem_line(pm, false, &out);
    post_mortem_destroy(pm);
    return str_take(&out);
}

static void assert_shows(const char *text, const char *expected) {
    char *page = page_of(text, false);
    if (!strstr(page, expected)) {
        fail_msg("'%s' is not in:\n%s", expected, page);
    }
    mem_free(page);
}

static void assert_refused(const char *text, size_t size, const char *sentence) {
    struct post_mortem *pm = NULL;
    struct err err;
    assert_int_equal(post_mortem_parse(text, size, "x.json", &pm, &err), -1);
    assert_string_equal(err.text, sentence);
    assert_null(pm);
}

static char *json_of(const struct snapshot_facts *facts, struct flight *flight) {
    struct snapshot *snapshot = snapshot_create(facts, flight);
    struct str out;
    assert_non_null(snapshot);
    str_init(&out);
    snapshot_json(snapshot, &out);
    snapshot_unref(snapshot);
    return str_take(&out);
}

static struct flight *given_flight(void) {
    struct flight *flight = flight_create();
    assert_non_null(flight);
    flight_note(flight, 88000000000, FLIGHT_RESTARTED, 3, NULL);
    flight_log(flight, 95500000000, LOG_WARN, "odd line", 8);
    for (uint64_t i = 0; i < 10022; i++) {
        flight_ran(flight, 96000000000 + i * 390000, 1, "line");
    }
    uint64_t mark = flight_mark(flight);
    flight_log(flight, 99999000000, LOG_ERROR, "about to fail", 13);
    flight_discard(flight, mark);
    flight_note(flight, 99999990000, FLIGHT_FAILED, 0, "SIGSEGV at address 0x10");
    return flight;
}

static void test_a_page_tells_all_that_is_known(void **state) {
    (void)state;
    struct flight *flight = given_flight();
    struct snapshot_facts facts = given_failed();
    char *json = json_of(&facts, flight);

    char *page = page_of(json, false);

    assert_string_equal(
        page,
        "main/parse[0] failed in incarnation 3\n"
        "\n"
        "  what      it crashed in its handler 'line': SIGSEGV at address 0x10\n"
        "  when      2026-11-23 13:04:05.122 +0100, 11.999 s after it began\n"
        "  type      demo.Crash of plugin demo 1.2.0, generation 2\n"
        "  parent    main/judge[0]\n"
        "  children  2: main/parse/helper[1], main/parse[2]\n"
        "\n"
        "backtrace\n"
        "  #0 on_line at plugins/demo/crash.c:42 (demo.so, generation 2)\n"
        "  #1 dispatch at plugins/demo/crash.c:77 (demo.so, generation 2)\n"
        "\n"
        "message in hand\n"
        "  text.line/1 on port 'line', from main/tail[0]; one life ended on it; in quarantine as "
        "number 9\n"
        "  {\n"
        "    \"text\": \"boom\",\n"
        "    \"number\": 42\n"
        "  }\n"
        "\n"
        "what it did last, and how long before its end\n"
        "     -12.000 s  restarted as incarnation 3\n"
        "      -4.500 s  warn: odd line\n"
        "      -4.000 s  ran 'line' 10022 times, until 91 ms before the end\n"
        "         -1 ms  error: about to fail (in a turn that was discarded)\n"
        "        -10 us  failed: SIGSEGV at address 0x10\n"
        "\n"
        "lives before\n"
        "  incarnation 1 ended 2026-11-23 13:03:05.123: panic: SIGSEGV at address 0x0\n"
        "  incarnation 2 ended 2026-11-23 13:03:35.123: error\n"
        "\n"
        "what it published\n"
        "  {\n"
        "    \"lines\": 12,\n"
        "    \"path\": \"/var/log/x\"\n"
        "  }\n"
        "\n"
        "numbers\n"
        "  messages  10023 handled in 456 us of work\n"
        "  queue     5 waiting at its end, 64 at most\n"
        "  state     what 21 messages had changed in it is lost\n");
    mem_free(page);
    mem_free(json);
    flight_destroy(flight);
}

static void test_each_way_to_fail_has_its_sentence(void **state) {
    (void)state;
    static const struct {
        enum failure_kind kind;
        const char *sentence;
    } ways[] = {
        {FAILURE_PANIC, "  what      it crashed in its handler 'line': cannot\n"},
        {FAILURE_ERROR, "  what      its handler 'line' gave an error: cannot\n"},
        {FAILURE_STUCK, "  what      its handler 'line' did not return and was given up: cannot\n"},
        {FAILURE_CHILD, "  what      a child of it failed, and it did not handle that: cannot\n"},
        {FAILURE_HOST, "  what      it failed: cannot\n"},
    };

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct snapshot_facts facts = given_failed();
        facts.failure.kind = ways[i].kind;
        facts.failure.message = "cannot";
        char *json = json_of(&facts, NULL);
        assert_shows(json, ways[i].sentence);
        mem_free(json);
    }
}

static void test_the_root_cause_is_named_when_it_is_another_actor(void **state) {
    (void)state;
    struct snapshot_facts facts = given_failed();
    facts.failure.root_id = "main/tail[0]";
    char *json = json_of(&facts, NULL);

    assert_shows(json,
                 "\n  cause     it began in main/tail[0], which has a post-mortem of its own\n");

    mem_free(json);
}

static void test_a_clean_stop_is_shown_too(void **state) {
    (void)state;
    struct snapshot_facts facts = given_stopped();
    char *json = json_of(&facts, NULL);

    assert_shows(json, "main/tail[0] stopped in incarnation 1\n\n"
                       "  what      it stopped: inputs ended\n");

    mem_free(json);
}

static void test_colours_are_there_when_asked(void **state) {
    (void)state;
    struct snapshot_facts facts = given_failed();
    char *json = json_of(&facts, NULL);

    char *page = page_of(json, true), *plain = page_of(json, false);

    assert_non_null(strstr(page, "\033[1;31mfailed\033[0m"));
    assert_null(strchr(plain, '\033'));
    mem_free(page);
    mem_free(plain);
    mem_free(json);
}

static const char process[] =
    "{\"format\":1,\"kind\":\"process\",\"occurred_at\":1795435445123000000,\"pid\":1234,"
    "\"version\":\"0.1.0\",\"proc\":\"main\",\"signal\":\"SIGSEGV\",\"address\":16,"
    "\"why\":\"a lock of the C library was held\",\"actor\":\"main/parse[0]\",\"handler\":\"line\","
    "\"frames\":[{\"address\":\"0x7f10\",\"module\":\"demo.so\",\"file\":\"/lib/demo.so\","
    "\"offset\":\"0x1234\"},{\"address\":1,\"module\":\"libc.so.6\",\"file\":\"/my lib/it's\","
    "\"offset\":4096},{\"address\":2,\"file\":\"/lib/demo.so\",\"offset\":\"0x2234\"},"
    "{\"address\":255}]}";

static void test_a_process_is_shown_with_the_commands_that_name_its_frames(void **state) {
    (void)state;
    char *page = page_of(process, false);

    assert_string_equal(page, "process 1234 died of SIGSEGV at address 0x10\n"
                              "\n"
                              "  why       a lock of the C library was held\n"
                              "  actor     main/parse[0]\n"
                              "  handler   line\n"
                              "  when      2026-11-23 13:04:05.123 +0100\n"
                              "  proc      main\n"
                              "  version   0.1.0\n"
                              "\n"
                              "frames, the innermost first\n"
                              "  #0 demo.so + 0x1234\n"
                              "  #1 libc.so.6 + 0x1000\n"
                              "  #2 /lib/demo.so + 0x2234\n"
                              "  #3 0xff\n"
                              "\n"
                              "to see functions and lines\n"
                              "  addr2line -Cfipe /lib/demo.so 0x1234 0x2234\n"
                              "  addr2line -Cfipe '/my lib/it'\\''s' 0x1000\n");
    mem_free(page);
}

/* A command is meant to be pasted: nothing gets into it that is no path and no number. */
static void test_no_command_is_made_of_what_cannot_be_pasted(void **state) {
    (void)state;
    char *page =
        page_of("{\"format\":1,\"kind\":\"process\",\"frames\":["
                "{\"file\":\"/a\",\"offset\":\"0x1;rm\"},{\"file\":\"/b\\n\",\"offset\":1},"
                "{\"file\":\"-x\",\"offset\":1},{\"file\":\"/c\",\"offset\":\"0x\"},"
                "{\"file\":\"/\\u202e\",\"offset\":1}]}",
                false);

    assert_null(strstr(page, "addr2line"));
    mem_free(page);
}

static void test_fc4_a_message_in_quarantine_is_shown(void **state) {
    (void)state;
    char *page = page_of(
        "{\"format\":1,\"kind\":\"message\",\"number\":4,\"actor\":\"main/parse[0]\",\"uid\":7,"
        "\"incarnation\":3,\"deaths\":2,\"at\":\"2026-11-23T12:04:05.123Z\",\"port\":\"line\","
        "\"sender\":\"main/tail[0]\",\"why\":\"error\",\"type\":\"text.line/1\","
        "\"value\":{\"line\":{\"number\":42}}}",
        false);

    assert_string_equal(page,
                        "a message in quarantine, which main/parse[0] died on in incarnation "
                        "3\n"
                        "\n"
                        "  why       error\n"
                        "  when      2026-11-23 13:04:05.123 +0100\n"
                        "\n"
                        "message in hand\n"
                        "  text.line/1 on port 'line', from main/tail[0]; 2 lives ended on it; "
                        "in quarantine as number 4\n"
                        "  {\n"
                        "    \"number\": 42\n"
                        "  }\n");
    mem_free(page);
}

static void test_a_line_says_when_who_why_and_which_file(void **state) {
    (void)state;
    struct snapshot_facts facts = given_failed();
    char *json = json_of(&facts, NULL);

    char *line = line_of(json), *second = line_of(process);

    assert_string_equal(line, "2026-11-23 13:04:05.122  main/parse[0]  panic: SIGSEGV at address "
                              "0x10  x.json\n");
    assert_string_equal(second, "2026-11-23 13:04:05.123  process 1234  SIGSEGV: a lock of the C "
                                "library was held  x.json\n");
    mem_free(line);
    mem_free(second);
    mem_free(json);
}

static void test_a_line_as_json(void **state) {
    (void)state;
    struct post_mortem *pm = parse(process);
    struct str out;
    str_init(&out);

    post_mortem_line_json(pm, &out);

    assert_string_equal(str_text(&out),
                        "{\"file\": \"x.json\", \"kind\": \"process\", \"at\": "
                        "\"2026-11-23T12:04:05.123Z\", \"who\": \"process 1234\", \"why\": "
                        "\"SIGSEGV: a lock of the C library was held\"}");
    str_fini(&out);
    post_mortem_destroy(pm);
}

static void test_json_is_passed_through_as_it_is(void **state) {
    (void)state;
    struct post_mortem *pm =
        parse(" \n{\"format\": 1, \"kind\": \"message\", \"x\": 18446744073709551615 }\n\n");
    struct str out;
    str_init(&out);

    post_mortem_json(pm, &out);

    assert_string_equal(str_text(&out),
                        "{\"format\": 1, \"kind\": \"message\", \"x\": 18446744073709551615 }");
    str_fini(&out);
    post_mortem_destroy(pm);
}

static void test_numbers_beyond_64_bits_are_shown_exactly(void **state) {
    (void)state;
    assert_shows("{\"format\":1,\"kind\":\"message\",\"type\":\"t\",\"value\":{\"a\":"
                 "18446744073709551615,\"b\":-7,\"c\":0.1,\"d\":\"9223372036854775808 \\\"1\"}}",
                 "  {\n"
                 "    \"a\": \"18446744073709551615\",\n"
                 "    \"b\": -7,\n"
                 "    \"c\": 0.1,\n"
                 "    \"d\": \"9223372036854775808 \"1\"\n"
                 "  }\n");
}

static void test_long_values_are_shortened(void **state) {
    (void)state;
    struct str text;
    str_init(&text);
    str_add(&text, "{\"format\":1,\"kind\":\"message\",\"value\":{\"list\":[");
    for (unsigned i = 0; i < 100; i++) {
        str_addf(&text, "%s%u", i ? "," : "", i);
    }
    str_add(&text, "],\"long\":\"");
    for (unsigned i = 0; i < 399; i++) {
        str_add_char(&text, 'x');
    }
    str_add(&text, "\xe2\x82\xac\xe2\x82\xac\",\"deep\":[[[[[[[[[[1]]]]]]]]]]}}");

    char *page = page_of(str_text(&text), false);

    assert_non_null(strstr(page, "      19\n      ... and 80 more\n    ]"));
    assert_non_null(strstr(page, "x...\" (405 bytes)"));
    assert_non_null(strstr(page, "[...]"));
    mem_free(page);
    str_fini(&text);
}

static void test_nothing_from_the_file_reaches_the_terminal_as_control(void **state) {
    (void)state;
    char *page = page_of(
        "{\"format\":1,\"kind\":\"actor\",\"id\":\"\\u001b[2J\\u0000x\",\"status\":\"failed\","
        "\"error_message\":\"a\\nb\\u009b31m\\u202e\\u007f\",\"failure_backtrace\":[\"\\u001b]0;\"]"
        ","
        "\"flight_recorder\":[{\"kind\":\"\\u001b\",\"text\":\"\\u0007\",\"level\":\"\\r\"}],"
        "\"attributes\":{\"\\u001b\":\"\\u001b\"},\"restarts\":[{\"why\":\"\\u001b\"}],"
        "\"failure_message\":{\"type\":\"\\u001b\",\"value\":\"\\u001b\"}}",
        false);

    for (const char *at = page; *at; at++) {
        assert_true((unsigned char)*at >= 0x20 || *at == '\n');
        assert_true((unsigned char)*at < 0x7f);
    }
    assert_non_null(strstr(page, "\\x1b[2J\\x00x failed"));
    assert_non_null(strstr(page, "a\\nb\\xc2\\x9b31m\\xe2\\x80\\xae\\x7f"));
    mem_free(page);
}

static void test_members_of_other_types_are_passed_over(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{\"format\":1,\"kind\":\"actor\"}", "{\"format\":1,\"kind\":\"process\"}",
        "{\"format\":1,\"kind\":\"message\"}",
        "{\"format\":1,\"kind\":\"actor\",\"id\":1,\"status\":[],\"created_at\":\"x\",\"ended_at\":"
        "{},"
        "\"children\":1,\"child_count\":\"2\",\"failure_backtrace\":[1,null,{}],\"restarts\":[1,[]]"
        ","
        "\"flight_recorder\":[1,{}],\"attributes\":[],\"failure_message\":3,\"uid\":-1}",
        "{\"format\":1,\"kind\":\"process\",\"signal\":11,\"frames\":[1,[],{\"offset\":{}}],"
        "\"pid\":\"x\","
        "\"occurred_at\":-1}"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        mem_free(page_of(texts[i], false));
        mem_free(line_of(texts[i]));
    }
    assert_shows(texts[4], "process 0 died of signal 11\n");
}

static void test_what_is_no_post_mortem_is_refused_with_a_sentence(void **state) {
    (void)state;
    static const char none[] = "'x.json' is no post-mortem: it has no \"format\" and \"kind\"";

    assert_refused("", 0,
                   "'x.json' is no post-mortem: it is not JSON, line 1: '[' or '{' expected near "
                   "end of file");
    assert_refused("{\n\"a\": \x1b}", 9,
                   "'x.json' is no post-mortem: it is not JSON, line 2: invalid token near "
                   "'\\x1b'");
    assert_refused("{}", 2, none);
    assert_refused("[]", 2, none);
    assert_refused("{\"format\":\"1\",\"kind\":\"actor\"}", 29, none);
    assert_refused("{\"format\":2,\"kind\":\"actor\"}", 27,
                   "'x.json' is of format 2, and this program knows 1 only: take a newer one");
    assert_refused("{\"format\":1,\"kind\":\"planet\"}", 28,
                   "'x.json' is a post-mortem of an unknown kind: 'planet'");
}

static void test_without_memory_it_is_an_error_and_nothing_leaks(void **state) {
    (void)state;
    struct post_mortem *pm = NULL;
    struct err err = {0};

    TEST_EACH_FAILED_ALLOCATION(
        n, (void)post_mortem_parse(process, sizeof process - 1, "x.json", &pm, &err), pm)

    assert_int_equal(err.code, ERR_NOMEM);
    post_mortem_destroy(pm);
    post_mortem_destroy(NULL);
}

#define TEST(name) cmocka_unit_test(name)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_page_tells_all_that_is_known),
        TEST(test_each_way_to_fail_has_its_sentence),
        TEST(test_the_root_cause_is_named_when_it_is_another_actor),
        TEST(test_a_clean_stop_is_shown_too),
        TEST(test_colours_are_there_when_asked),
        TEST(test_a_process_is_shown_with_the_commands_that_name_its_frames),
        TEST(test_no_command_is_made_of_what_cannot_be_pasted),
        TEST(test_fc4_a_message_in_quarantine_is_shown),
        TEST(test_a_line_says_when_who_why_and_which_file),
        TEST(test_a_line_as_json),
        TEST(test_json_is_passed_through_as_it_is),
        TEST(test_numbers_beyond_64_bits_are_shown_exactly),
        TEST(test_long_values_are_shortened),
        TEST(test_nothing_from_the_file_reaches_the_terminal_as_control),
        TEST(test_members_of_other_types_are_passed_over),
        TEST(test_what_is_no_post_mortem_is_refused_with_a_sentence),
        TEST(test_without_memory_it_is_an_error_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
