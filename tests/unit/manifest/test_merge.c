/* Several files: included ones, and later ones that override. */
#include "unit/manifest/given.h"

static struct given load(size_t files, const struct manifest_text *texts) {
    struct given given = given_load(texts, files, NULL);
    assert_string_equal(str_text(&given.printed), "");
    return given;
}

static void test_included_actors_come_first(void **state) {
    (void)state;
    struct given given = load(
        1, (const struct manifest_text[]){
               {"d/m.yaml", HEAD "actors: { c: { type: x.C } }\ninclude: [a.yaml, e/b.yaml]\n", 0},
               {"d/a.yaml", "troupe: 1\nactors: { a: { type: x.A } }\n", 0},
               {"d/e/b.yaml", "troupe: 1\nactors: { b: { type: x.B } }\n", 0},
               {0}});

    assert_int_equal(given.manifest->actor_count, 3);
    assert_string_equal(given.manifest->actors[0].name, "a");
    assert_string_equal(given.manifest->actors[1].name, "b");
    assert_string_equal(given.manifest->actors[2].name, "c");
    assert_string_equal(given.manifest->actors[1].mark.file, "d/e/b.yaml");
    given_done(&given);
}

static void test_maps_of_included_files_grow_together(void **state) {
    (void)state;
    struct given given =
        load(1, (const struct manifest_text[]){
                    {"m.yaml",
                     HEAD TAIL "include: [a.yaml]\nsnapshots: { keep: 5 }\n"
                               "wires: [a.b -> c.d]\n",
                     0},
                    {"a.yaml", "troupe: 1\nsnapshots: { directory: x }\nwires: [e.f -> g.h]\n", 0},
                    {0}});

    assert_int_equal(given.manifest->snapshots.keep, 5);
    assert_string_equal(given.manifest->snapshots.directory, "x");
    assert_int_equal(given.manifest->wire_count, 2);
    assert_string_equal(given.manifest->wires[0].from.text, "e.f");
    given_done(&given);
}

static void test_file_reached_twice_counts_once(void **state) {
    (void)state;
    struct given given = load(
        1, (const struct manifest_text[]){{"m.yaml", HEAD TAIL "include: [a.yaml, b.yaml]\n", 0},
                                          {"a.yaml", "troupe: 1\ninclude: [c.yaml]\n", 0},
                                          {"b.yaml", "troupe: 1\ninclude: [c.yaml]\n", 0},
                                          {"c.yaml", "troupe: 1\nworkers: 3\n", 0},
                                          {0}});

    assert_int_equal(given.manifest->workers, 3);
    given_done(&given);
}

static void test_later_file_overrides_key_by_key(void **state) {
    (void)state;
    struct given given = load(
        2, (const struct manifest_text[]){
               {"m.yaml",
                HEAD "workers: 1\nlog: { level: debug, format: json }\nplugins: { path: [a, b] }\n"
                     "actors:\n  tail: { type: x.Y, config: { p: 1, q: [1, 2] }, memory: 1KiB }\n",
                0},
               {"o.yaml",
                "troupe: 1\nlog: { level: error }\nplugins: { path: [c] }\n"
                "actors:\n  tail: { config: { q: [3] }, memory: 2KiB }\n  more: { type: x.Z }\n",
                0},
               {0}});
    const struct manifest *m = given.manifest;

    assert_int_equal(m->workers, 1);
    assert_int_equal(m->log_level, 0);
    assert_int_equal(m->log_format, 1);
    assert_int_equal(m->plugin_path_count, 1);
    assert_string_equal(m->plugin_path[0].text, "c");
    assert_int_equal(m->actor_count, 2);
    assert_string_equal(m->actors[0].type.text, "x.Y");
    assert_int_equal(m->actors[0].memory, 2048);
    assert_int_equal(m->actors[0].setting_count, 2);
    assert_string_equal(m->actors[0].settings[0].value.text, "1");
    assert_int_equal(m->actors[0].settings[1].value.count, 1);
    assert_string_equal(m->actors[1].name, "more");
    given_done(&given);
}

static void test_later_wire_with_the_same_ends_replaces(void **state) {
    (void)state;
    struct given given = load(
        2, (const struct manifest_text[]){
               {"m.yaml", HEAD TAIL "wires: [a.b -> c.d, e.f -> g.h]\n", 0},
               {"o.yaml",
                "troupe: 1\nwires: [{ to: c.d, from: a.b, route: broadcast }, i.j -> k.l]\n", 0},
               {0}});
    const struct manifest_wire *wires = given.manifest->wires;

    assert_int_equal(given.manifest->wire_count, 3);
    assert_string_equal(wires[0].from.text, "a.b");
    assert_int_equal(wires[0].route, ROUTE_BROADCAST);
    assert_string_equal(wires[0].mark.file, "o.yaml");
    assert_string_equal(wires[1].from.text, "e.f");
    assert_string_equal(wires[2].from.text, "i.j");
    given_done(&given);
}

static void test_third_file_overrides_the_second(void **state) {
    (void)state;
    struct given given =
        load(3, (const struct manifest_text[]){{"m.yaml", HEAD TAIL, 0},
                                               {"o.yaml", "troupe: 1\nworkers: 2\n", 0},
                                               {"p.yaml", "troupe: 1\nworkers: 3\n", 0},
                                               {0}});

    assert_int_equal(given.manifest->workers, 3);
    given_done(&given);
}

static void test_overriding_file_may_include_too(void **state) {
    (void)state;
    struct given given =
        load(2, (const struct manifest_text[]){{"m.yaml", HEAD TAIL "workers: 1\n", 0},
                                               {"d/o.yaml", "troupe: 1\ninclude: [p.yaml]\n", 0},
                                               {"d/p.yaml", "troupe: 1\nworkers: 3\n", 0},
                                               {0}});

    assert_int_equal(given.manifest->workers, 3);
    given_done(&given);
}

static void test_findings_are_sorted_by_file_as_read(void **state) {
    (void)state;
    struct given given = given_load(
        (const struct manifest_text[]){{"z.yaml", HEAD TAIL "workers: x\n", 0},
                                       {"a.yaml", "troupe: 1\nstop: { timeout: y }\n", 0},
                                       {0}},
        2, NULL);

    assert_string_equal(str_text(&given.printed),
                        "z.yaml:5:10: error: 'workers': 'x' is not a whole number\n"
                        "workers: x\n"
                        "         ^\n"
                        "a.yaml:2:18: error: 'timeout': 'y' is not a duration; write 250ms, 10s, "
                        "5m or 1h\n"
                        "stop: { timeout: y }\n"
                        "                 ^\n");
    given_done(&given);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_included_actors_come_first),
        cmocka_unit_test(test_maps_of_included_files_grow_together),
        cmocka_unit_test(test_file_reached_twice_counts_once),
        cmocka_unit_test(test_later_file_overrides_key_by_key),
        cmocka_unit_test(test_later_wire_with_the_same_ends_replaces),
        cmocka_unit_test(test_third_file_overrides_the_second),
        cmocka_unit_test(test_overriding_file_may_include_too),
        cmocka_unit_test(test_findings_are_sorted_by_file_as_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
