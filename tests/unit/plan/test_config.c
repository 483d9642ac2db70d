/* Configs: the plugin's struct filled from settings and defaults, and what is said when they are off. */
#include "plan/config.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "lib/test.h"
#include "manifest/manifest.h"

#define ALL_KINDS(C)                                                                               \
    C(bool, follow, false, "go on")                                                                \
    C(enum, from, start, "where to begin", "start|end|middle")                                     \
    C(path, path, required, "the file to read")                                                    \
    C(int, depth, -3, "how deep", "-10..10")                                                       \
    C(float, share, 0.5, "how much", "0..1")                                                       \
    C(duration, poll, 250ms, "how often", "1ms..1h")                                               \
    C(size, room, 64KiB, "how much room", "4096..")                                                \
    C(bool, quiet, true, "say nothing")                                                            \
    C(list, words, "a, b", "what to look for")                                                     \
    C(str, label, "", "a name")                                                                    \
    C(field, by, source, "what to group by", "event")                                              \
    C(int, limit, 0, "how many", "..100")
TROUPE_CONFIG(all_kinds, ALL_KINDS);

static struct note_key all_keys[] = {
    {NOTE_OPTION_BOOL, "follow", false, "false", "go on", ""},
    {NOTE_OPTION_ENUM, "from", false, "start", "where to begin", "start|end|middle"},
    {NOTE_OPTION_PATH, "path", true, NULL, "the file to read", ""},
    {NOTE_OPTION_INT, "depth", false, "-3", "how deep", "-10..10"},
    {NOTE_OPTION_FLOAT, "share", false, "0.5", "how much", "0..1"},
    {NOTE_OPTION_DURATION, "poll", false, "250ms", "how often", "1ms..1h"},
    {NOTE_OPTION_SIZE, "room", false, "64KiB", "how much room", "4096.."},
    {NOTE_OPTION_BOOL, "quiet", false, "true", "say nothing", ""},
    {NOTE_OPTION_LIST, "words", false, "a, b", "what to look for", ""},
    {NOTE_OPTION_STR, "label", false, "", "a name", ""},
    {NOTE_OPTION_FIELD, "by", false, "source", "what to group by", "event"},
    {NOTE_OPTION_INT, "limit", false, "0", "how many", "..100"},
};
static const struct note_config all_note = {"all_kinds", all_keys,
                                            sizeof all_keys / sizeof all_keys[0]};

/* What was reported: one "setting: text" a line, "-" for a missing key. */
struct findings {
    struct str text;
    size_t count;
};

static void note_finding(void *context, size_t setting, const char *text, const char *hint) {
    (void)hint;
    struct findings *findings = context;
    findings->count++;
    if (setting == SIZE_MAX) {
        str_addf(&findings->text, "-: %s\n", text);
    } else {
        str_addf(&findings->text, "%zu: %s\n", setting, text);
    }
}

static struct config_setting scalar(const char *key, struct troupe_str *value) {
    return (struct config_setting){troupe_str(key), value, 1, false, NULL};
}

static struct config *build_path_and(const char *key, const char *value) {
    struct troupe_str values[] = {troupe_str("x.log"), troupe_str(value ? value : "")};
    struct config_setting settings[] = {scalar("path", &values[0]), scalar(key, &values[1])};
    struct config *config = NULL;
    struct err err = {.text = ""};
    if (config_build(&all_note, settings, value ? 2 : 1, "logs", NULL, NULL, &config, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return config;
}

/* Given one setting beside the path, then exactly this is found. */
static void assert_found(const char *key, const char *value, const char *expected) {
    struct troupe_str values[] = {troupe_str("x.log"), troupe_str(value)};
    struct config_setting settings[] = {scalar("path", &values[0]), scalar(key, &values[1])};
    struct config *config = NULL;
    struct findings findings = {.count = 0};
    struct err err = {.text = ""};

    int status = config_build(&all_note, settings, 2, NULL, note_finding, &findings, &config, &err);

    assert_int_equal(status, -1);
    assert_null(config);
    assert_string_equal(str_text(&findings.text), expected);
    assert_int_equal(err.code, ERR_INVALID);
    str_fini(&findings.text);
}

static void test_body_is_the_struct_that_troupe_config_declares(void **state) {
    (void)state;
    struct config *config = build_path_and("", NULL);

    const struct all_kinds *body = config->body;

    assert_int_equal(config->size, sizeof *body);
    assert_false(body->follow);
    assert_int_equal(body->from, 0);
    assert_int_equal(body->depth, -3);
    assert_true(body->share == 0.5);
    assert_int_equal(body->poll, 250000000);
    assert_int_equal(body->room, 65536);
    assert_true(body->quiet);
    assert_int_equal(body->limit, 0);
    assert_string_equal(body->by.data, "source");
    config_unref(config);
}

static void test_each_offset_is_that_of_c(void **state) {
    (void)state;
    struct config *config = build_path_and("", NULL);
    const size_t expected[] = {
        offsetof(struct all_kinds, follow), offsetof(struct all_kinds, from),
        offsetof(struct all_kinds, path),   offsetof(struct all_kinds, depth),
        offsetof(struct all_kinds, share),  offsetof(struct all_kinds, poll),
        offsetof(struct all_kinds, room),   offsetof(struct all_kinds, quiet),
        offsetof(struct all_kinds, words),  offsetof(struct all_kinds, label),
        offsetof(struct all_kinds, by),     offsetof(struct all_kinds, limit),
    };

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_int_equal(config->offsets[i], expected[i]);
    }
    config_unref(config);
}

static void test_given_values_replace_defaults(void **state) {
    (void)state;
    struct troupe_str values[] = {troupe_str("true"), troupe_str("end"), troupe_str("/x"),
                                  troupe_str("-10"),  troupe_str("1"),   troupe_str("1h"),
                                  troupe_str("4096"), troupe_str("100")};
    struct config_setting settings[] = {scalar("follow", &values[0]), scalar("from", &values[1]),
                                        scalar("path", &values[2]),   scalar("depth", &values[3]),
                                        scalar("share", &values[4]),  scalar("poll", &values[5]),
                                        scalar("room", &values[6]),   scalar("limit", &values[7])};
    struct config *config;

    int status = config_build(&all_note, settings, 8, "logs", NULL, NULL, &config, NULL);

    assert_int_equal(status, 0);
    const struct all_kinds *body = config->body;
    assert_true(body->follow);
    assert_int_equal(body->from, 1);
    assert_string_equal(body->path.data, "/x");
    assert_int_equal(body->depth, -10);
    assert_true(body->share == 1.0);
    assert_int_equal(body->poll, 3600000000000);
    assert_int_equal(body->room, 4096);
    assert_int_equal(body->limit, 100);
    config_unref(config);
}

static void test_relative_path_is_resolved_against_the_folder(void **state) {
    (void)state;
    struct config *config = build_path_and("", NULL);

    struct troupe_str path = config_text(config, 2);

    assert_int_equal(path.size, strlen("logs/x.log"));
    assert_string_equal(path.data, "logs/x.log");
    config_unref(config);
}

static void test_path_of_a_setting_with_its_own_folder_is_resolved_there(void **state) {
    (void)state;
    struct troupe_str value = troupe_str("x.log");
    struct config_setting setting = scalar("path", &value);
    setting.folder = "other/";
    struct config *config;

    int status = config_build(&all_note, &setting, 1, "logs", NULL, NULL, &config, NULL);

    assert_int_equal(status, 0);
    assert_string_equal(config_text(config, 2).data, "other/x.log");
    config_unref(config);
}

static void test_default_path_is_resolved_and_empty_and_dash_stay(void **state) {
    (void)state;
    struct note_key keys[] = {{NOTE_OPTION_PATH, "a", false, "a.log", "", ""},
                              {NOTE_OPTION_PATH, "b", false, "", "", ""},
                              {NOTE_OPTION_PATH, "c", false, "-", "", ""}};
    struct note_config note = {"paths", keys, 3};
    struct config *config;

    int status = config_build(&note, NULL, 0, "logs", NULL, NULL, &config, NULL);

    assert_int_equal(status, 0);
    assert_string_equal(config_text(config, 0).data, "logs/a.log");
    assert_string_equal(config_text(config, 1).data, "");
    assert_string_equal(config_text(config, 2).data, "-");
    config_unref(config);
}

static void test_default_of_a_list_is_split_at_commas(void **state) {
    (void)state;
    struct config *config = build_path_and("", NULL);

    const struct all_kinds *body = config->body;

    assert_int_equal(body->words.count, 2);
    assert_string_equal(body->words.items[0].data, "a");
    assert_string_equal(body->words.items[1].data, "b");
    config_unref(config);
}

static void test_default_bool_may_have_been_expanded_by_the_preprocessor(void **state) {
    (void)state;
    struct note_key keys[] = {{NOTE_OPTION_BOOL, "a", false, "1", "", ""},
                              {NOTE_OPTION_BOOL, "b", false, "0", "", ""}};
    struct note_config note = {"bools", keys, 2};
    struct config *config;

    int status = config_build(&note, NULL, 0, NULL, NULL, NULL, &config, NULL);

    assert_int_equal(status, 0);
    assert_true(((const bool *)config->body)[0]);
    assert_false(((const bool *)config->body)[1]);
    config_unref(config);
}

static void test_empty_default_of_a_list_has_no_items(void **state) {
    (void)state;
    struct note_key keys[] = {{NOTE_OPTION_LIST, "words", false, "", "", ""}};
    struct note_config note = {"lists", keys, 1};
    struct config *config;

    int status = config_build(&note, NULL, 0, NULL, NULL, NULL, &config, NULL);

    assert_int_equal(status, 0);
    assert_int_equal(((const struct troupe_strs *)config->body)->count, 0);
    config_unref(config);
}

static void test_given_list_keeps_its_items_whole(void **state) {
    (void)state;
    struct troupe_str path = troupe_str("x");
    struct troupe_str words[] = {troupe_str("a,b"), troupe_str_n("c\0d", 3)};
    struct config_setting settings[] = {scalar("path", &path),
                                        {troupe_str("words"), words, 2, true, NULL}};
    struct config *config;

    int status = config_build(&all_note, settings, 2, NULL, NULL, NULL, &config, NULL);

    assert_int_equal(status, 0);
    const struct all_kinds *body = config->body;
    assert_int_equal(body->words.count, 2);
    assert_string_equal(body->words.items[0].data, "a,b");
    assert_int_equal(body->words.items[1].size, 3);
    assert_memory_equal(body->words.items[1].data, "c\0d", 4);
    config_unref(config);
}

static void test_text_outlives_the_setting_it_came_from(void **state) {
    (void)state;
    char text[] = "mine";
    struct config *config = build_path_and("label", text);

    memset(text, 'x', sizeof text - 1);

    assert_string_equal(config_text(config, 9).data, "mine");
    config_unref(config);
}

static void test_unknown_key_is_told_with_the_nearest(void **state) {
    (void)state;
    assert_found("folow", "true", "1: unknown config key 'folow'; did you mean 'follow'?\n");
}

static void test_unknown_key_far_from_all_is_told_with_the_list(void **state) {
    (void)state;
    assert_found("zzzzzz", "true",
                 "1: unknown config key 'zzzzzz'; the keys are 'follow', 'from', 'path', 'depth', "
                 "'share', 'poll', 'room', 'quiet', 'words', 'label', 'by', 'limit'\n");
}

static void test_key_given_twice_is_told(void **state) {
    (void)state;
    assert_found("path", "y", "1: config key 'path' is given twice\n");
}

static void test_missing_required_key_is_told_with_its_help(void **state) {
    (void)state;
    struct config *config = NULL;
    struct findings findings = {.count = 0};
    struct err err;

    int status = config_build(&all_note, NULL, 0, NULL, note_finding, &findings, &config, &err);

    assert_int_equal(status, -1);
    assert_string_equal(str_text(&findings.text),
                        "-: config key 'path' is missing: the file to read\n");
    assert_string_equal(err.text, "config key 'path' is missing: the file to read");
    str_fini(&findings.text);
}

static void test_value_of_another_kind_is_told(void **state) {
    (void)state;
    struct err why;
    uint64_t ns;
    char expected[1200];
    assert_int_equal(scalar_duration("10x", &ns, &why), -1);
    (void)snprintf(expected, sizeof expected, "1: config key 'poll': %s\n", why.text);

    assert_found("poll", "10x", expected);
}

static void test_values_outside_of_their_range_are_told(void **state) {
    (void)state;
    assert_found("poll", "2h", "1: config key 'poll' must be from 1ms to 1h, not '2h'\n");
    assert_found("depth", "-11", "1: config key 'depth' must be from -10 to 10, not '-11'\n");
    assert_found("share", "1.01", "1: config key 'share' must be from 0 to 1, not '1.01'\n");
    assert_found("room", "1KiB", "1: config key 'room' must be at least 4096, not '1KiB'\n");
    assert_found("limit", "101", "1: config key 'limit' must be at most 100, not '101'\n");
}

static void test_choice_that_is_none_is_told_with_the_choices(void **state) {
    (void)state;
    assert_found("from", "strat",
                 "1: config key 'from' must be 'start', 'end' or 'middle', not 'strat'; did you "
                 "mean 'start'?\n");
    assert_found("from", "zzzzz",
                 "1: config key 'from' must be 'start', 'end' or 'middle', not 'zzzzz'\n");
}

static void test_list_for_one_value_is_told(void **state) {
    (void)state;
    struct troupe_str words[] = {troupe_str("a"), troupe_str("b")};
    struct config_setting settings[] = {{troupe_str("path"), words, 2, true, NULL}};
    struct config *config;
    struct err err;

    int status = config_build(&all_note, settings, 1, NULL, NULL, NULL, &config, &err);

    assert_int_equal(status, -1);
    assert_string_equal(err.text, "config key 'path' takes one value, not a list");
}

static void test_one_value_for_a_list_is_told(void **state) {
    (void)state;
    assert_found("words", "a", "1: config key 'words' takes a list; write [a]\n");
}

static void test_key_without_a_value_is_told(void **state) {
    (void)state;
    struct config_setting settings[] = {{troupe_str("path"), NULL, 0, false, NULL}};
    struct config *config;
    struct err err;

    int status = config_build(&all_note, settings, 1, NULL, NULL, NULL, &config, &err);

    assert_int_equal(status, -1);
    assert_string_equal(err.text, "config key 'path' has no value");
}

static void test_number_with_a_zero_byte_is_told(void **state) {
    (void)state;
    struct troupe_str values[] = {troupe_str("x"), troupe_str_n("5\0garbage", 9)};
    struct config_setting settings[] = {scalar("path", &values[0]), scalar("depth", &values[1])};
    struct config *config;
    struct err err;

    int status = config_build(&all_note, settings, 2, NULL, NULL, NULL, &config, &err);

    assert_int_equal(status, -1);
    assert_string_equal(err.text, "config key 'depth' holds a zero byte");
}

static void test_default_out_of_its_range_is_the_plugins_mistake(void **state) {
    (void)state;
    struct note_key keys[] = {{NOTE_OPTION_INT, "n", false, "7", "", "0..5"}};
    struct note_config note = {"wrong", keys, 1};
    struct config *config;
    struct err err;

    int status = config_build(&note, NULL, 0, NULL, NULL, NULL, &config, &err);

    assert_int_equal(status, -1);
    assert_string_equal(
        err.text, "the plugin's default is wrong: config key 'n' must be from 0 to 5, not '7'");
}

static void test_range_that_is_none_is_the_plugins_mistake(void **state) {
    (void)state;
    struct note_key keys[] = {{NOTE_OPTION_INT, "n", true, NULL, "", "0..many"}};
    struct note_config note = {"wrong", keys, 1};
    struct troupe_str value = troupe_str("1");
    struct config_setting setting = scalar("n", &value);
    struct config *config;
    struct err err;

    int status = config_build(&note, &setting, 1, NULL, NULL, NULL, &config, &err);

    assert_int_equal(status, -1);
    assert_string_equal(err.text,
                        "the plugin gives config key 'n' the range '0..many', which is none");
}

static void test_all_findings_are_told_and_the_first_is_the_error(void **state) {
    (void)state;
    struct troupe_str values[] = {troupe_str("x"), troupe_str("99"), troupe_str("99")};
    struct config_setting settings[] = {scalar("pth", &values[0]), scalar("depth", &values[1]),
                                        scalar("share", &values[2])};
    struct findings findings = {.count = 0};
    struct config *config;
    struct err err;

    int status = config_build(&all_note, settings, 3, NULL, note_finding, &findings, &config, &err);

    assert_int_equal(status, -1);
    assert_string_equal(str_text(&findings.text),
                        "0: unknown config key 'pth'; did you mean 'path'?\n"
                        "-: config key 'path' is missing: the file to read\n"
                        "1: config key 'depth' must be from -10 to 10, not '99'\n"
                        "2: config key 'share' must be from 0 to 1, not '99'\n");
    assert_string_equal(err.text, "unknown config key 'pth'; did you mean 'path'?");
    str_fini(&findings.text);
}

static void test_config_lives_until_its_last_holder_lets_go(void **state) {
    (void)state;
    struct config *config = build_path_and("label", "kept");

    struct config *second = config_ref(config);
    config_unref(config);

    assert_string_equal(config_text(second, 9).data, "kept");
    config_unref(second);
    config_unref(NULL);
}

static void test_build_survives_any_failed_allocation(void **state) {
    (void)state;
    struct troupe_str values[] = {troupe_str("x"), troupe_str("end")};
    struct config_setting settings[] = {scalar("path", &values[0]), scalar("from", &values[1])};
    struct config *config = NULL;
    struct err err;
    int status;

    TEST_EACH_FAILED_ALLOCATION(
        n, status = config_build(&all_note, settings, 2, "f", NULL, NULL, &config, &err),
        status == 0 || err.code != ERR_NOMEM);

    assert_int_equal(status, 0);
    config_unref(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body_is_the_struct_that_troupe_config_declares),
        cmocka_unit_test(test_each_offset_is_that_of_c),
        cmocka_unit_test(test_given_values_replace_defaults),
        cmocka_unit_test(test_relative_path_is_resolved_against_the_folder),
        cmocka_unit_test(test_path_of_a_setting_with_its_own_folder_is_resolved_there),
        cmocka_unit_test(test_default_path_is_resolved_and_empty_and_dash_stay),
        cmocka_unit_test(test_default_of_a_list_is_split_at_commas),
        cmocka_unit_test(test_default_bool_may_have_been_expanded_by_the_preprocessor),
        cmocka_unit_test(test_empty_default_of_a_list_has_no_items),
        cmocka_unit_test(test_given_list_keeps_its_items_whole),
        cmocka_unit_test(test_text_outlives_the_setting_it_came_from),
        cmocka_unit_test(test_unknown_key_is_told_with_the_nearest),
        cmocka_unit_test(test_unknown_key_far_from_all_is_told_with_the_list),
        cmocka_unit_test(test_key_given_twice_is_told),
        cmocka_unit_test(test_missing_required_key_is_told_with_its_help),
        cmocka_unit_test(test_value_of_another_kind_is_told),
        cmocka_unit_test(test_values_outside_of_their_range_are_told),
        cmocka_unit_test(test_choice_that_is_none_is_told_with_the_choices),
        cmocka_unit_test(test_list_for_one_value_is_told),
        cmocka_unit_test(test_one_value_for_a_list_is_told),
        cmocka_unit_test(test_key_without_a_value_is_told),
        cmocka_unit_test(test_number_with_a_zero_byte_is_told),
        cmocka_unit_test(test_default_out_of_its_range_is_the_plugins_mistake),
        cmocka_unit_test(test_range_that_is_none_is_the_plugins_mistake),
        cmocka_unit_test(test_all_findings_are_told_and_the_first_is_the_error),
        cmocka_unit_test(test_config_lives_until_its_last_holder_lets_go),
        cmocka_unit_test(test_build_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
