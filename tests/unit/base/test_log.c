/* The log: levels, both formats, escaping, cutting, one write a record. */
#include "base/log.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "lib/test.h"

/* 2026-11-22T12:04:05.123Z */
#define WALL_NS 1795349045123456789ll

struct fixture {
    struct clock_manual clock;
    struct log log;
    int read_fd;
    char line[8192];
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    int fds[2];
    if (!f || pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0 || setenv("TZ", "UTC", 1) < 0) {
        free(f);
        return -1;
    }
    f->read_fd = fds[0];
    clock_manual_init(&f->clock, 0, WALL_NS);
    log_init(&f->log, fds[1], LOG_INFO, LOG_TEXT, &f->clock.clock);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    (void)close(f->read_fd);
    (void)close(f->log.fd);
    free(f);
    return 0;
}

/* All that was written since the last call; "" when nothing was. */
static const char *written(struct fixture *f) {
    ssize_t n = read(f->read_fd, f->line, sizeof f->line - 1);
    f->line[n > 0 ? n : 0] = '\0';
    return f->line;
}

static void test_text_line_has_time_level_actor_text(void **state) {
    struct fixture *f = *state;

    log_write(&f->log, LOG_INFO, "tail", "opened '%s'", "x");

    assert_string_equal(written(f), "12:04:05.123 info  tail: opened 'x'\n");
}

static void test_text_line_without_actor(void **state) {
    struct fixture *f = *state;

    log_write(&f->log, LOG_ERROR, NULL, "no workers");

    assert_string_equal(written(f), "12:04:05.123 error no workers\n");
}

static void test_json_line_is_one_object(void **state) {
    struct fixture *f = *state;
    f->log.format = LOG_JSON;

    log_write(&f->log, LOG_WARN, "p/tail[0]", "full");

    assert_string_equal(written(f), "{\"time\":\"2026-11-22T12:04:05.123Z\",\"level\":\"warn\","
                                    "\"actor\":\"p/tail[0]\",\"text\":\"full\"}\n");
}

static void test_json_line_without_actor_has_no_actor(void **state) {
    struct fixture *f = *state;
    f->log.format = LOG_JSON;

    log_write(&f->log, LOG_INFO, NULL, "ready");

    assert_string_equal(
        written(f),
        "{\"time\":\"2026-11-22T12:04:05.123Z\",\"level\":\"info\",\"text\":\"ready\"}\n");
}

static void test_records_above_the_level_are_dropped(void **state) {
    struct fixture *f = *state;

    log_write(&f->log, LOG_DEBUG, NULL, "detail");
    assert_string_equal(written(f), "");
    f->log.level = LOG_DEBUG;
    log_write(&f->log, LOG_DEBUG, NULL, "detail");

    assert_string_equal(written(f), "12:04:05.123 debug detail\n");
}

static void test_colour_is_around_the_level_only(void **state) {
    struct fixture *f = *state;
    f->log.colour = true;

    log_write(&f->log, LOG_WARN, NULL, "full");

    assert_string_equal(written(f), "12:04:05.123\033[33m warn \033[0m full\n");
}

static void test_a_pipe_gets_no_colour(void **state) {
    struct fixture *f = *state;

    assert_false(f->log.colour);
}

static void test_text_escapes_control_characters_and_broken_utf8(void **state) {
    struct fixture *f = *state;
    static const char text[] = "x\n\033[0m\xff \xc3\xa4 \"q\"\0.";

    log_write_n(&f->log, LOG_INFO, "a\nb", text, sizeof text - 1);

    assert_string_equal(written(f), "12:04:05.123 info  a\\nb: x\\n\\x1b[0m\\xff \xc3\xa4 \"q\""
                                    "\\x00.\n");
}

static void test_json_of_any_bytes_is_valid(void **state) {
    struct fixture *f = *state;
    f->log.format = LOG_JSON;
    char bytes[256];
    for (int i = 0; i < 256; i++) {
        bytes[i] = (char)i;
    }

    log_write_n(&f->log, LOG_INFO, "a\"\\\x01", bytes, sizeof bytes);

    json_error_t error;
    json_t *object = json_loads(written(f), JSON_ALLOW_NUL, &error);
    assert_non_null(object);
    assert_string_equal(json_string_value(json_object_get(object, "actor")), "a\"\\\x01");
    json_t *text = json_object_get(object, "text");
    assert_int_equal(json_string_length(text), 128 + 128 * 3);
    assert_memory_equal(json_string_value(text), bytes, 128);
    json_decref(object);
}

static void test_json_refuses_overlong_and_surrogate_sequences(void **state) {
    struct fixture *f = *state;
    f->log.format = LOG_JSON;
    static const char text[] = "\xc0\x80 \xed\xa0\x80 \xf5\x80\x80\x80 \xe2\x82";

    log_write_n(&f->log, LOG_INFO, NULL, text, sizeof text - 1);

    json_t *object = json_loads(written(f), 0, NULL);
    assert_non_null(object);
    json_decref(object);
}

static void test_a_long_record_is_cut_to_4096_bytes_and_ends_its_line(void **state) {
    struct fixture *f = *state;
    char text[6000];
    memset(text, 'x', sizeof text);

    log_write_n(&f->log, LOG_INFO, "tail", text, sizeof text);

    const char *line = written(f);
    assert_true(strlen(line) <= 4096);
    assert_true(strlen(line) > 4000);
    assert_string_equal(line + strlen(line) - 3, "xx\n");
}

static void test_a_long_json_record_is_cut_to_4096_bytes_and_still_json(void **state) {
    struct fixture *f = *state;
    f->log.format = LOG_JSON;
    char text[6000];
    memset(text, '\n', sizeof text);
    char actor[6000];
    memset(actor, '"', sizeof actor - 1);
    actor[sizeof actor - 1] = '\0';

    log_write_n(&f->log, LOG_INFO, actor, text, sizeof text);

    const char *line = written(f);
    assert_true(strlen(line) <= 4096);
    json_t *object = json_loads(line, 0, NULL);
    assert_non_null(object);
    json_decref(object);
}

static void test_time_before_1970_is_still_a_time(void **state) {
    struct fixture *f = *state;
    clock_manual_init(&f->clock, 0, -1);

    log_write(&f->log, LOG_INFO, NULL, "x");

    assert_string_equal(written(f), "23:59:59.999 info  x\n");
}

static void test_levels_parse_as_they_print(void **state) {
    (void)state;

    for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
        assert_int_equal(log_level_parse(log_level_text(level)), level);
    }
    assert_int_equal(log_level_parse("loud"), -1);
    assert_int_equal(log_level_parse(""), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_text_line_has_time_level_actor_text),
        TEST(test_text_line_without_actor),
        TEST(test_json_line_is_one_object),
        TEST(test_json_line_without_actor_has_no_actor),
        TEST(test_records_above_the_level_are_dropped),
        TEST(test_colour_is_around_the_level_only),
        TEST(test_a_pipe_gets_no_colour),
        TEST(test_text_escapes_control_characters_and_broken_utf8),
        TEST(test_json_of_any_bytes_is_valid),
        TEST(test_json_refuses_overlong_and_surrogate_sequences),
        TEST(test_a_long_record_is_cut_to_4096_bytes_and_ends_its_line),
        TEST(test_a_long_json_record_is_cut_to_4096_bytes_and_still_json),
        TEST(test_time_before_1970_is_still_a_time),
        cmocka_unit_test(test_levels_parse_as_they_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
