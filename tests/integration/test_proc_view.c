/* A running proc looked at as a whole: totals, dead letters, quarantine, lives that ended (PD, IK). */
#include "lib/app/kit_look.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "inspect/proc_page.h"
#include "record/proc_view.h"

static struct proc_view *look_at_it(struct kit *kit) {
    struct proc_view *view = NULL;
    struct err err = {0};
    assert_int_equal(look_at_proc(kit_proc(kit), &view, &err), 0);
    return view;
}

static json_t *json_of(const struct proc_view *view) {
    struct str json;
    str_init(&json);
    proc_page_json(view, &json);
    json_error_t error;
    json_t *root = json_loads(str_text(&json), 0, &error);
    str_fini(&json);
    if (!root) {
        fail_msg("%s", error.text);
    }
    return root;
}

static const char *text_at(const json_t *root, const char *list, size_t i, const char *key) {
    return json_string_value(json_object_get(json_array_get(json_object_get(root, list), i), key));
}

static void test_pd6_view_has_the_totals_that_metrics_have(void **state) {
    struct kit *kit =
        kit_create(*state, "actors:\n"
                           "  a: { type: kit.Player, config: { number: 'note got $' } }\n");

    for (unsigned i = 0; i < 5; i++) {
        kit_number(kit, "a", "number", i);
    }
    struct proc_view *before = look_at_it(kit);
    kit_go(kit);
    kit_wait(kit, "a: got 4");
    kit_settle(kit);
    struct proc_view *after = look_at_it(kit);
    struct proc_totals totals = kit_totals(kit);

    assert_int_equal(before->queued, 5);
    assert_int_equal(before->queued_high_water, 5);
    assert_int_equal(after->queued, 0);
    assert_int_equal(after->queued_high_water,
                     5); /* PD-8: the burst shows, though it has drained */
    assert_int_equal(after->handled, totals.handled);
    assert_int_equal(after->live_instances, 2);
    proc_view_destroy(before);
    proc_view_destroy(after);
    kit_stop(kit);
}

static void test_pd7_view_tells_when_something_was_queued_last(void **state) {
    struct kit *kit = kit_create(*state, "actors:\n  a: { type: kit.Player }\n");

    struct proc_view *before = look_at_it(kit);
    kit_number(kit, "a", "number", 1);
    struct proc_view *after = look_at_it(kit);
    json_t *none = json_of(before), *some = json_of(after);

    assert_null(json_object_get(none, "last_nonzero"));
    assert_non_null(json_object_get(some, "last_nonzero"));
    json_decref(none);
    json_decref(some);
    proc_view_destroy(before);
    proc_view_destroy(after);
    kit_go(kit);
    kit_stop(kit);
}

static void test_what_is_kept_is_shown(void **state) {
    struct kit *kit = kit_start(
        *state, "supervision: { intensity: 9, backoff: { initial: 1ms, jitter: 0 } }\n"
                "actors:\n"
                "  a: { type: kit.Player, config: { init: 'note init', number: 'fail no' } }\n"
                "  b: { type: kit.Player, config: { number: 'spawn; note up', second: 'stop_kid',\n"
                "       ended: 'tell 3; note over' } }\n");

    kit_wait(kit, "a: init");
    kit_number(kit, "a", "number", 7);
    kit_wait_lines(kit, "a: init", 2);
    kit_number(kit, "b", "number", 1);
    kit_wait(kit, "b: up");
    kit_number(kit, "b", "second", 1);
    kit_wait(kit, "b: over");
    kit_settle(kit);
    struct proc_view *view = look_at_it(kit);
    json_t *root = json_of(view);

    assert_string_equal(text_at(root, "terminated", 0, "id"), "p/a[0]");
    assert_string_equal(text_at(root, "terminated", 0, "status"), "failed");
    assert_string_equal(text_at(root, "terminated", 1, "id"), "p/b[1]");
    assert_string_equal(text_at(root, "terminated", 1, "status"), "stopped");
    assert_string_equal(text_at(root, "quarantine_kept", 0, "actor"), "p/a[0]");
    assert_string_equal(text_at(root, "quarantine_kept", 0, "type"), "kit.number/1");
    assert_int_equal(json_integer_value(json_object_get(root, "quarantined")), 1);
    assert_int_equal(json_integer_value(json_object_get(root, "dead_letters")), 1);
    assert_string_equal(text_at(root, "dead_letters_kept", 0, "type"), "kit.number/1");
    assert_string_equal(text_at(root, "dead_letters_kept", 0, "from"), "p/b[0]");
    assert_string_equal(text_at(root, "dead_letters_kept", 0, "to"), "p/b[1]");
    assert_string_equal(text_at(root, "dead_letters_kept", 0, "reason"), "actor is gone");
    json_decref(root);

    struct str page;
    str_init(&page);
    proc_page_text(view, false, &page);
    assert_non_null(strstr(page.data, "\n  quarantined         1\n"));
    assert_non_null(strstr(page.data, "  kit.number/1 from p/b[0] to p/b[1]: actor is gone\n"));
    assert_non_null(strstr(page.data, "  p/a[0] incarnation 1 failed: number: no\n"));
    str_fini(&page);
    proc_view_destroy(view);
    kit_stop(kit);
}

static void test_ik1_names_of_the_proc_view_are_unique_and_described(void **state) {
    (void)state;
    static const char *const all[][2] = {
#define PROC_ROW(name, description) {#name, description},
        PROC_NUMBERS(PROC_ROW) PROC_PARTS(PROC_ROW)
#undef PROC_ROW
    };
    struct kit *kit = kit_create(*state, "actors:\n  a: { type: kit.Player }\n");
    kit_number(kit, "a", "number", 1);
    struct proc_view *view = look_at_it(kit);
    json_t *root = json_of(view);

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_non_null(json_object_get(root, all[i][0]));
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(all[i][0], all[k][0]);
            assert_string_not_equal(all[i][1], all[k][1]);
        }
    }
    assert_int_equal(json_object_size(root), sizeof all / sizeof *all + 4);
    json_decref(root);
    proc_view_destroy(view);
    kit_go(kit);
    kit_stop(kit);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_pd6_view_has_the_totals_that_metrics_have),
    KIT_TEST(KIT_BOTH, test_pd7_view_tells_when_something_was_queued_last),
    KIT_TEST(KIT_BOTH, test_what_is_kept_is_shown),
    KIT_TEST(KIT_SEEDED, test_ik1_names_of_the_proc_view_are_unique_and_described),
};

int main(void) {
    return KIT_RUN(tests);
}
