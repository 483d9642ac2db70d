/* Configs across generations of an actor type. */
#include "plan/config.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "lib/test.h"

static struct note_key old_keys[] = {
    {NOTE_OPTION_BOOL, "follow", false, "false", "go on", ""},
    {NOTE_OPTION_ENUM, "from", false, "start", "where to begin", "start|end|middle"},
    {NOTE_OPTION_PATH, "path", true, NULL, "the file to read", ""},
    {NOTE_OPTION_INT, "depth", false, "-3", "how deep", "-10..10"},
    {NOTE_OPTION_FLOAT, "share", false, "0.5", "how much", "0..1"},
    {NOTE_OPTION_DURATION, "poll", false, "0s", "how often", ""},
    {NOTE_OPTION_SIZE, "room", false, "0", "how much room", ""},
    {NOTE_OPTION_LIST, "words", false, "a, b", "what to look for", ""},
    {NOTE_OPTION_STR, "label", false, "", "a name", ""},
    {NOTE_OPTION_INT, "gone", false, "7", "not for long", ""},
};
static const struct note_config old_note = {"old", old_keys, sizeof old_keys / sizeof old_keys[0]};

/* Another order, choices and defaults; `label` is of another kind, `gone` has gone, `fresh` is new. */
static struct note_key new_keys[] = {
    {NOTE_OPTION_LIST, "words", false, "", "what to look for", ""},
    {NOTE_OPTION_SIZE, "room", false, "1KiB", "how much room", ""},
    {NOTE_OPTION_DURATION, "poll", false, "1s", "how often", ""},
    {NOTE_OPTION_FLOAT, "share", false, "1", "how much", "0..1"},
    {NOTE_OPTION_INT, "depth", false, "0", "how deep", "-10..10"},
    {NOTE_OPTION_PATH, "path", true, NULL, "the file to read", ""},
    {NOTE_OPTION_ENUM, "from", false, "begin", "where to begin", "begin|end|middle|start"},
    {NOTE_OPTION_BOOL, "follow", false, "false", "go on", ""},
    {NOTE_OPTION_INT, "label", false, "5", "a number", ""},
    {NOTE_OPTION_STR, "fresh", false, "new", "a text", ""},
};
static const struct note_config new_note = {"new", new_keys, sizeof new_keys / sizeof new_keys[0]};

/* With what is given in place of the default of `depth`, `share` and `follow`. */
static struct config *build(const struct note_config *note, const char *depth) {
    struct troupe_str words[] = {troupe_str("one, two"), troupe_str("")};
    struct troupe_str values[] = {troupe_str("/x.log"), troupe_str(depth), troupe_str("0.1"),
                                  troupe_str("true")};
    const struct config_setting settings[] = {
        {troupe_str("path"), &values[0], 1, false, NULL},
        {troupe_str("depth"), &values[1], 1, false, NULL},
        {troupe_str("share"), &values[2], 1, false, NULL},
        {troupe_str("follow"), &values[3], 1, false, NULL},
        {troupe_str("words"), words, 2, true, NULL},
    };
    struct config *config = NULL;
    assert_int_equal(config_build(note, settings, 5, NULL, NULL, NULL, &config, NULL), 0);
    return config;
}

static void assert_values(const struct config *config, const struct note_config *note,
                          const char *expected) {
    struct str text;
    str_init(&text);
    for (size_t i = 0; i < note->key_count; i++) {
        str_addf(&text, "%s%s: ", i ? ", " : "", note->keys[i].name);
        config_add_value(config, note, i, &text);
    }
    assert_string_equal(str_text(&text), expected);
    str_fini(&text);
}

static void test_values_are_shown_as_a_manifest_has_them(void **state) {
    (void)state;
    struct config *config = build(&old_note, "4");

    assert_values(config, &old_note,
                  "follow: true, from: start, path: \"/x.log\", depth: 4, share: 0.1, poll: 0s, "
                  "room: 0B, words: [\"one, two\", \"\"], label: \"\", gone: 7");
    config_unref(config);
}

static void test_keys_of_the_same_name_and_kind_are_carried_over(void **state) {
    (void)state;
    struct config *old = build(&old_note, "4");
    struct config *new = NULL;

    assert_int_equal(config_convert(old, &old_note, &new_note, &new, NULL), 0);

    config_unref(old); /* nothing of it is needed any more */
    assert_values(new, &new_note,
                  "words: [\"one, two\", \"\"], room: 0B, poll: 0s, share: 0.1, depth: 4, "
                  "path: \"/x.log\", from: start, follow: true, label: 5, fresh: \"new\"");
    config_unref(new);
}

static void test_a_key_that_has_to_be_given_refuses(void **state) {
    struct note_key keys[] = {{NOTE_OPTION_INT, "must", true, NULL, "what must be", ""}};
    const struct note_config note = {"must", keys, 1};
    struct config *old = build(&old_note, "4");
    struct config *new = NULL;
    struct err err = {.code = ERR_NONE};
    (void)state;

    assert_int_equal(config_convert(old, &old_note, &note, &new, &err), -1);

    assert_string_equal(err.text, "config key 'must' is missing: what must be");
    assert_int_equal(err.code, ERR_INVALID);
    assert_null(new);
    config_unref(old);
}

static void test_a_value_out_of_the_new_range_refuses(void **state) {
    struct note_key keys[] = {{NOTE_OPTION_INT, "depth", false, "0", "how deep", "0..3"}};
    const struct note_config note = {"narrow", keys, 1};
    struct config *old = build(&old_note, "4");
    struct config *new = NULL;
    struct err err = {.code = ERR_NONE};
    (void)state;

    assert_int_equal(config_convert(old, &old_note, &note, &new, &err), -1);

    assert_string_equal(err.text, "config key 'depth' must be from 0 to 3, not '4'");
    config_unref(old);
}

static void test_who_had_no_config_gets_the_defaults(void **state) {
    struct note_key keys[] = {{NOTE_OPTION_INT, "depth", false, "2", "how deep", ""}};
    const struct note_config note = {"first", keys, 1};
    struct config *new = NULL;
    (void)state;

    assert_int_equal(config_convert(NULL, NULL, &note, &new, NULL), 0);

    assert_values(new, &note, "depth: 2");
    config_unref(new);
}

static void test_same_is_what_has_the_same_keys_and_values(void **state) {
    struct config *one = build(&old_note, "4");
    struct config *two = build(&old_note, "4");
    struct config *three = build(&old_note, "5");
    struct config *other = build(&new_note, "4");
    (void)state;

    assert_true(config_is_same(one, &old_note, two, &old_note));
    assert_false(config_is_same(one, &old_note, three, &old_note));
    assert_false(config_is_same(one, &old_note, other, &new_note));
    assert_false(config_is_same(one, &old_note, NULL, NULL));
    assert_true(config_is_same(NULL, NULL, NULL, NULL));
    assert_true(config_is_same_schema(&old_note, &old_note));
    assert_false(config_is_same_schema(&old_note, &new_note));
    assert_false(config_is_same_schema(&old_note, NULL));
    config_unref(one);
    config_unref(two);
    config_unref(three);
    config_unref(other);
}

static void test_converting_survives_any_failed_allocation(void **state) {
    struct config *old = build(&old_note, "4");
    struct config *new = NULL;
    struct err err = {.code = ERR_NONE};
    (void)state;

    TEST_EACH_FAILED_ALLOCATION(n, (void)config_convert(old, &old_note, &new_note, &new, &err),
                                new != NULL);

    assert_int_equal(err.code, ERR_NOMEM);
    config_unref(new);
    config_unref(old);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_shown_as_a_manifest_has_them),
        cmocka_unit_test(test_keys_of_the_same_name_and_kind_are_carried_over),
        cmocka_unit_test(test_a_key_that_has_to_be_given_refuses),
        cmocka_unit_test(test_a_value_out_of_the_new_range_refuses),
        cmocka_unit_test(test_who_had_no_config_gets_the_defaults),
        cmocka_unit_test(test_same_is_what_has_the_same_keys_and_values),
        cmocka_unit_test(test_converting_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
