/* `--explain`: every effective value with its source. */
#include "unit/manifest/given.h"

#include <jansson.h>

static void assert_line(const struct given *given, const char *line) {
    struct str text = {0};
    struct str wanted = {0};
    str_add_char(&text, '\n');
    manifest_explain(given->manifest, &text);
    str_addf(&wanted, "\n%s\n", line);
    if (!strstr(str_text(&text), str_text(&wanted))) {
        fail_msg("'%s' is not in:%s", line, str_text(&text));
    }
    str_fini(&wanted);
    str_fini(&text);
}

static struct given explained(void) {
    struct given_variable variables[] = {{"LOG", "/var/log/auth.log"}, {0}};
    struct given given = given_load(
        (const struct manifest_text[]){
            {"m.yaml",
             HEAD "defaults: { mailbox: { capacity: 8 }, restart: permanent }\n"
                  "supervision: { period: 3s }\n"
                  "actors:\n"
                  "  a: { type: x.Y, config: { path: ${LOG}, by: [p, q] }, thread: own }\n"
                  "  g:\n"
                  "    supervise: { period: 4s }\n"
                  "    actors:\n"
                  "      b: { type: x.Z, restart: { backoff: { max: 1m } }, after: [a] }\n"
                  "      h: { actors: { c: { type: x.Z } } }\n"
                  "  d: { type: x.Z, mailbox: { ports: { p: fail } } }\n"
                  "wires: [{ from: a.o, to: g/b.i, route: hash, key: k }]\n",
             0},
            {"o.yaml", "troupe: 1\nworkers: 4\nidle: sleep\n", 0},
            {0}},
        2, variables);
    assert_string_equal(str_text(&given.printed), "");
    return given;
}

static void test_value_names_its_place(void **state) {
    (void)state;
    struct given given = explained();

    assert_line(&given, "proc = demo    # m.yaml:2:7");
    assert_line(&given, "workers = 4    # o.yaml:2:10");
    assert_line(&given, "idle = sleep    # o.yaml:3:7");
    assert_line(&given, "actors.a.thread = own    # m.yaml:6:65");
    assert_line(&given, "actors.a.config.by = [p, q]    # m.yaml:6:47");
    assert_line(&given, "actors.d.mailbox.ports.p = fail    # m.yaml:12:39");
    assert_line(&given, "actors.g.actors.b.after = a    # m.yaml:10:66");
    assert_line(&given, "wires = a.o -> g/b.i, route: hash, key: k    # m.yaml:13:9");
    given_done(&given);
}

static void test_value_from_a_variable_shows_it(void **state) {
    (void)state;
    struct given given = explained();

    assert_line(&given, "actors.a.config.path = /var/log/auth.log    # m.yaml:6:35, ${LOG}");
    given_done(&given);
}

static void test_built_in_value_is_a_default(void **state) {
    (void)state;
    struct given given = explained();

    assert_line(&given, "stop.timeout = 30s    # default");
    assert_line(&given, "actors.a.memory = no cap    # default");
    assert_line(&given, "snapshots.directory = none    # default");
    assert_line(&given, "actors.a.checkpoint = none    # default");
    given_done(&given);
}

static void test_value_from_defaults_shows_them(void **state) {
    (void)state;
    struct given given = explained();

    assert_line(&given, "actors.a.mailbox.capacity = 8    # m.yaml:3:34");
    assert_line(&given, "actors.a.restart.policy = permanent    # m.yaml:3:48");
    assert_line(&given, "actors.g.actors.b.restart.policy = permanent    # m.yaml:3:48");
    given_done(&given);
}

static void test_value_from_the_supervisor_shows_it(void **state) {
    (void)state;
    struct given given = explained();

    assert_line(&given, "actors.a.restart.period = 3s    # m.yaml:4:24");
    assert_line(&given, "actors.g.restart.period = 3s    # m.yaml:4:24");
    assert_line(&given, "actors.g.actors.b.restart.period = 4s    # m.yaml:8:26");
    assert_line(&given, "actors.g.actors.b.restart.backoff.max = 1m    # m.yaml:10:50");
    assert_line(&given, "actors.g.actors.h.actors.c.restart.period = 10s    # default");
    assert_line(&given, "actors.d.restart.period = 3s    # m.yaml:4:24");
    given_done(&given);
}

static void test_json_says_the_same(void **state) {
    (void)state;
    struct given given = explained();
    struct str text = {0};
    struct str lines = {0};
    size_t count = 0;

    manifest_explain_json(given.manifest, &text);
    manifest_explain(given.manifest, &lines);

    json_t *json = json_loads(str_text(&text), 0, NULL);
    for (const char *c = str_text(&lines); *c; c++) {
        count += *c == '\n';
    }
    assert_int_equal(json_array_size(json), count);
    const json_t *proc = json_array_get(json, 0);
    assert_string_equal(json_string_value(json_object_get(proc, "key")), "proc");
    assert_string_equal(json_string_value(json_object_get(proc, "value")), "demo");
    assert_string_equal(json_string_value(json_object_get(proc, "file")), "m.yaml");
    assert_int_equal(json_integer_value(json_object_get(proc, "column")), 7);
    json_decref(json);
    str_fini(&lines);
    str_fini(&text);
    given_done(&given);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value_names_its_place),
        cmocka_unit_test(test_value_from_a_variable_shows_it),
        cmocka_unit_test(test_built_in_value_is_a_default),
        cmocka_unit_test(test_value_from_defaults_shows_them),
        cmocka_unit_test(test_value_from_the_supervisor_shows_it),
        cmocka_unit_test(test_json_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
