/* The typed document: what a manifest says, and what it leaves out. */
#include "unit/manifest/given.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

static void test_smallest_manifest_has_built_in_values(void **state) {
    (void)state;
    struct given given = given_good(HEAD TAIL);
    const struct manifest *m = given.manifest;

    assert_string_equal(m->proc, "demo");
    assert_int_equal(m->workers, 0);
    assert_int_equal(m->idle, IDLE_NAP);
    assert_int_equal(m->log_level, LOG_INFO);
    assert_int_equal(m->log_format, LOG_TEXT);
    assert_int_equal(m->stop_timeout_ns, 30 * NS_PER_S);
    assert_int_equal(m->supervision.strategy, STRATEGY_ONE_FOR_ONE);
    assert_int_equal(m->supervision.intensity, 5);
    assert_int_equal(m->supervision.period_ns, 10 * NS_PER_S);
    assert_int_equal(m->snapshots.keep, 100);
    assert_int_equal(m->snapshots.max_age_ns, 24 * 3600 * NS_PER_S);
    assert_null(m->snapshots.directory);
    assert_int_equal(m->quarantine.keep, 100);
    assert_int_equal(m->quarantine.bytes, 16 << 20);
    assert_int_equal(m->dead_letters_keep, 1000);
    assert_int_equal(m->reload.mode, RELOAD_ROLLING);
    assert_int_equal(m->reload.canary, 1);
    assert_int_equal(m->reload.swap_timeout_ns, 5 * NS_PER_S);
    assert_null(m->control_socket);
    assert_int_equal(m->wire_count, 0);
    assert_int_equal(m->unused_count, 0);
    assert_true(m->complete);
    given_done(&given);
}

static void test_actor_has_built_in_values(void **state) {
    (void)state;
    struct given given = given_good(HEAD TAIL);
    const struct manifest_actor *tail = &given.manifest->actors[0];

    assert_int_equal(given.manifest->actor_count, 1);
    assert_string_equal(tail->name, "tail");
    assert_int_equal(tail->mark.line, 4);
    assert_int_equal(tail->mark.column, 3);
    assert_string_equal(tail->type.text, "file.Tail");
    assert_int_equal(tail->type.mark.column, 17);
    assert_false(tail->is_group);
    assert_int_equal(tail->replicas, 0);
    assert_false(tail->thread_given);
    assert_int_equal(tail->mailbox.capacity, 1024);
    assert_int_equal(tail->mailbox.bytes, 0);
    assert_int_equal(tail->mailbox.overflow, OVERFLOW_BLOCK);
    assert_int_equal(tail->memory, 0);
    assert_int_equal(tail->quarantine_after, 1);
    assert_int_equal(tail->when_inputs_end, INPUTS_END_STOP);
    assert_int_equal(tail->stop_timeout_ns, 5 * NS_PER_S);
    assert_int_equal(tail->stuck_after_ns, 2 * NS_PER_S);
    assert_int_equal(tail->on_stuck, ON_STUCK_REPORT);
    assert_int_equal(tail->on_fault, ON_FAULT_RECOVER);
    assert_int_equal(tail->restart.policy, RESTART_TRANSIENT);
    assert_false(tail->restart.own);
    given_done(&given);
}

static void test_defaults_hold_key_by_key(void **state) {
    (void)state;
    struct given given =
        given_good(HEAD "actors:\n"
                        "  a: { type: x.Y, mailbox: { capacity: 9 }, on_fault: recover }\n"
                        "  b: { type: x.Y, restart: permanent }\n"
                        "defaults:\n"
                        "  mailbox: { capacity: 7, bytes: 1KiB, overflow: fail }\n"
                        "  restart: temporary\n"
                        "  stop_timeout: 1s\n"
                        "  stuck_after: 3s\n"
                        "  on_stuck: exit\n"
                        "  on_fault: exit\n");
    const struct manifest_actor *a = &given.manifest->actors[0];
    const struct manifest_actor *b = &given.manifest->actors[1];

    assert_int_equal(a->mailbox.capacity, 9);
    assert_int_equal(a->mailbox.bytes, 1024);
    assert_int_equal(a->mailbox.overflow, OVERFLOW_FAIL);
    assert_int_equal(a->on_fault, ON_FAULT_RECOVER);
    assert_int_equal(a->restart.policy, RESTART_TEMPORARY);
    assert_int_equal(b->mailbox.capacity, 7);
    assert_int_equal(b->on_fault, ON_FAULT_EXIT);
    assert_int_equal(b->on_stuck, ON_STUCK_EXIT);
    assert_int_equal(b->stuck_after_ns, 3 * NS_PER_S);
    assert_int_equal(b->stop_timeout_ns, NS_PER_S);
    assert_int_equal(b->restart.policy, RESTART_PERMANENT);
    given_done(&given);
}

static void test_restart_block_takes_what_it_leaves_out_from_its_supervisor(void **state) {
    (void)state;
    struct given given =
        given_good(HEAD "supervision: { intensity: 2, period: 3s, backoff: { max: 7s } }\n"
                        "actors:\n"
                        "  root: { type: x.Y, restart: { intensity: 9 } }\n"
                        "  group:\n"
                        "    supervise: { strategy: one_for_all, intensity: 4, period: 5s }\n"
                        "    actors:\n"
                        "      in: { type: x.Y, restart: { backoff: { initial: 1ms } } }\n");
    const struct restart_block *root = &given.manifest->actors[0].restart;
    const struct manifest_actor *group = &given.manifest->actors[1];
    const struct restart_block *in = &group->actors[0].restart;

    assert_true(root->own);
    assert_int_equal(root->intensity, 9);
    assert_int_equal(root->period_ns, 3 * NS_PER_S);
    assert_int_equal(root->backoff.max_ns, 7 * NS_PER_S);
    assert_int_equal(root->backoff.initial_ns, 100 * NS_PER_MS);
    assert_true(root->backoff.factor == 2.0);
    assert_true(root->backoff.jitter == 0.2);
    assert_int_equal(group->restart.intensity, 2);
    assert_int_equal(group->supervise.strategy, STRATEGY_ONE_FOR_ALL);
    assert_false(in->own);
    assert_int_equal(in->intensity, 4);
    assert_int_equal(in->period_ns, 5 * NS_PER_S);
    assert_int_equal(in->backoff.initial_ns, NS_PER_MS);
    assert_int_equal(in->backoff.max_ns, 10 * NS_PER_S);
    given_done(&given);
}

static void test_groups_hold_members_in_order_of_appearance(void **state) {
    (void)state;
    struct given given =
        given_good(HEAD "actors:\n  judge:\n    after: [b]\n    stop_timeout: 9s\n    actors:\n"
                        "      window: { type: x.W, replicas: 1 }\n"
                        "      inner: { actors: { deep: { type: x.D } } }\n  b: { type: x.B }\n");
    const struct manifest_actor *judge = &given.manifest->actors[0];

    assert_true(judge->is_group);
    assert_null(judge->type.text);
    assert_int_equal(judge->stop_timeout_ns, 9 * NS_PER_S);
    assert_int_equal(judge->after_count, 1);
    assert_string_equal(judge->after[0].text, "b");
    assert_int_equal(judge->actor_count, 2);
    assert_string_equal(judge->actors[0].name, "window");
    assert_int_equal(judge->actors[0].replicas, 1);
    assert_string_equal(judge->actors[1].actors[0].name, "deep");
    assert_string_equal(given.manifest->actors[1].name, "b");
    given_done(&given);
}

static void test_config_keeps_what_is_written_with_its_place(void **state) {
    (void)state;
    struct given given = given_good(HEAD "actors:\n"
                                         "  a:\n"
                                         "    type: x.Y\n"
                                         "    config: { span: 60s, name: \"7\", by: [p, 'q'] }\n");
    const struct manifest_actor *a = &given.manifest->actors[0];
    const struct manifest_setting *by = &a->settings[2];

    assert_int_equal(a->setting_count, 3);
    assert_int_equal(a->config_mark.line, 6);
    assert_string_equal(a->settings[0].key, "span");
    assert_string_equal(a->settings[0].value.text, "60s");
    assert_false(a->settings[0].value.quoted);
    assert_true(a->settings[1].value.quoted);
    assert_int_equal(a->settings[1].mark.column, 26);
    assert_int_equal(a->settings[1].value.mark.column, 32);
    assert_int_equal(by->value.kind, VALUE_LIST);
    assert_int_equal(by->value.count, 2);
    assert_string_equal(by->value.items[1].text, "q");
    assert_true(by->value.items[1].quoted);
    given_done(&given);
}

static void test_other_keys_of_an_actor(void **state) {
    (void)state;
    struct given given =
        given_good(HEAD "actors:\n  a:\n    type: x.Y\n    thread: own\n    memory: 64MiB\n"
                        "    quarantine_after: 3\n    when_inputs_end: stay\n"
                        "    checkpoint: { messages: 10, time: 5s }\n"
                        "    mailbox: { ports: { debug: drop_oldest, log: drop_newest } }\n");
    const struct manifest_actor *a = &given.manifest->actors[0];

    assert_true(a->thread_given);
    assert_true(a->own_thread);
    assert_int_equal(a->memory, 64 << 20);
    assert_int_equal(a->quarantine_after, 3);
    assert_int_equal(a->when_inputs_end, INPUTS_END_STAY);
    assert_int_equal(a->checkpoint.messages, 10);
    assert_int_equal(a->checkpoint.time_ns, 5 * NS_PER_S);
    assert_int_equal(a->mailbox.port_count, 2);
    assert_string_equal(a->mailbox.ports[0].port, "debug");
    assert_int_equal(a->mailbox.ports[0].overflow, OVERFLOW_DROP_OLDEST);
    assert_int_equal(a->mailbox.ports[1].overflow, OVERFLOW_DROP_NEWEST);
    given_done(&given);
}

static void test_wires_as_text_and_as_map(void **state) {
    (void)state;
    struct given given =
        given_good(HEAD TAIL "wires:\n  - tail.line->judge/win.in\n"
                             "  - { from: a.b, to: c.d, route: hash, key: source }\n"
                             "  - { to: c.e, from: a.b, route: broadcast }\n");
    const struct manifest_wire *wires = given.manifest->wires;

    assert_int_equal(given.manifest->wire_count, 3);
    assert_string_equal(wires[0].from.text, "tail.line");
    assert_int_equal(wires[0].from.mark.column, 5);
    assert_string_equal(wires[0].to.text, "judge/win.in");
    assert_int_equal(wires[0].to.mark.column, 16);
    assert_false(wires[0].has_route);
    assert_int_equal(wires[0].route, ROUTE_DIRECT);
    assert_null(wires[0].key.text);
    assert_int_equal(wires[1].route, ROUTE_HASH);
    assert_string_equal(wires[1].key.text, "source");
    assert_int_equal(wires[1].key.mark.column, 45);
    assert_int_equal(wires[2].route, ROUTE_BROADCAST);
    assert_true(wires[2].has_route);
    given_done(&given);
}

static void test_plugin_path_is_relative_to_its_file(void **state) {
    (void)state;
    struct given given = given_load(
        (const struct manifest_text[]){
            {"a/m.yaml", HEAD TAIL "include: [b/n.yaml]\n", 0},
            {"a/b/n.yaml", "troupe: 1\nplugins: { path: [../lib, /usr/lib/x, .] }\n", 0},
            {0}},
        1, NULL);

    assert_string_equal(str_text(&given.printed), "");
    assert_int_equal(given.manifest->plugin_path_count, 3);
    assert_string_equal(given.manifest->plugin_path[0].text, "a/b/../lib");
    assert_string_equal(given.manifest->plugin_path[1].text, "/usr/lib/x");
    assert_string_equal(given.manifest->plugin_path[2].text, "a/b/.");
    given_done(&given);
}

static void test_pins_are_lower_case(void **state) {
    (void)state;
    struct given given = given_good(
        HEAD TAIL "plugins:\n  pin:\n    text.so: "
                  "sha256:9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08\n");

    assert_int_equal(given.manifest->pin_count, 1);
    assert_string_equal(given.manifest->pins[0].file, "text.so");
    assert_string_equal(given.manifest->pins[0].sha256,
                        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    given_done(&given);
}

static const struct manifest_text with_paths[] = {
    {"dir/m.yaml", HEAD TAIL "snapshots: { directory: dead }\ncontrol: { socket: run/x.sock }\n",
     0},
    {0}};

static void test_run_paths_stand_in_the_manifests_folder(void **state) {
    (void)state;
    struct given given = given_load(with_paths, 1, NULL);

    assert_string_equal(given.manifest->snapshots.directory, "dir/dead");
    assert_string_equal(given.manifest->control_socket, "dir/run/x.sock");
    given_done(&given);
}

static void test_run_paths_stand_in_the_directories_of_the_service(void **state) {
    (void)state;
    struct given_variable variables[] = {
        {"STATE_DIRECTORY", "/var/lib/one:/var/lib/two"}, {"RUNTIME_DIRECTORY", "/run/demo"}, {0}};

    struct given given = given_load(with_paths, 1, variables);

    assert_string_equal(given.manifest->snapshots.directory, "/var/lib/one/dead");
    assert_string_equal(given.manifest->control_socket, "/run/demo/run/x.sock");
    given_done(&given);
}

static void test_options_name_the_directories_first(void **state) {
    (void)state;
    struct given_variable variables[] = {{"STATE_DIRECTORY", "/var/lib/one"}, {0}};
    struct manifest_text text = with_paths[0];
    text.size = strlen(text.data);
    struct manifest_options options = {.env = given_env,
                                       .env_context = variables,
                                       .state_directory = "/srv:1",
                                       .runtime_directory = "/tmp",
                                       .texts = &text,
                                       .text_count = 1};
    struct given given = {0};

    given.status = manifest_load(&text.path, 1, &options, &given.manifest, &given.diags, NULL);

    assert_int_equal(given.status, 0);
    assert_string_equal(given.manifest->snapshots.directory, "/srv:1/dead");
    assert_string_equal(given.manifest->control_socket, "/tmp/run/x.sock");
    given_done(&given);
}

static void test_byte_order_mark_and_crlf_are_accepted(void **state) {
    (void)state;
    struct given given =
        given_good("\xef\xbb\xbftroupe: 1\r\nproc: demo\r\nactors:\r\n  a: { type: x.Y }\r\n");

    assert_int_equal(given.manifest->actors[0].mark.line, 4);
    assert_int_equal(given.manifest->actors[0].mark.column, 3);
    given_done(&given);
}

static void test_document_with_errors_holds_the_rest(void **state) {
    (void)state;
    struct given given = given_text(
        HEAD "workers: 2\nlog: { level: loud }\nactors:\n"
             "  a: { typ: x.Y, memory: 1KiB }\n  b: { type: x.Z }\nwires: [a.b, a.c -> b.d]\n");

    assert_int_equal(given.status, -1);
    assert_string_equal(given.err.text, "the manifest has 4 errors");
    assert_true(given.manifest->complete);
    assert_int_equal(given.manifest->workers, 2);
    assert_int_equal(given.manifest->actor_count, 2);
    assert_null(given.manifest->actors[0].type.text);
    assert_int_equal(given.manifest->actors[0].memory, 1024);
    assert_int_equal(given.manifest->wire_count, 1);
    given_done(&given);
}

static void test_broken_yaml_leaves_the_document_incomplete(void **state) {
    (void)state;
    struct given given = given_text("troupe: [\n");

    assert_int_equal(given.status, -1);
    assert_false(given.manifest->complete);
    given_done(&given);
}

static void test_no_file_is_wrong_usage(void **state) {
    (void)state;
    struct given given = {0};

    given.status = manifest_load(NULL, 0, NULL, &given.manifest, &given.diags, &given.err);

    assert_int_equal(given.status, -1);
    assert_int_equal(given.err.code, ERR_USAGE);
    assert_string_equal(given.err.text, "a manifest file is needed");
    given_done(&given);
}

static void test_file_that_cannot_be_opened_is_a_finding(void **state) {
    (void)state;
    struct given given =
        given_load((const struct manifest_text[]){{"m.yaml", HEAD, 0}, {0}}, 1, NULL);
    given_done(&given);
    const char *path = "/absent/m.yaml";
    given = (struct given){0};

    given.status = manifest_load(&path, 1, NULL, &given.manifest, &given.diags, &given.err);
    diags_print(&given.diags, false, &given.printed);

    assert_int_equal(given.status, -1);
    assert_string_equal(str_text(&given.printed),
                        "error: cannot open '/absent/m.yaml': No such file or directory\n");
    given_done(&given);
}

/* Everything that allocates: includes, overrides, variables, findings. */
static const struct manifest_text everything[] = {
    {"m.yaml",
     "troupe: 1\nproc: ${NAME:-demo}\ninclude: [n.yaml]\nworkers: 2\nactors:\n"
     "  a: { type: x.Y, config: { a: ${A}, b: [1, 2] }, after: [b], restart: permanent }\n"
     "  g: { actors: { b: { type: x.Z, mailbox: { ports: { p: fail } } } } }\n"
     "wires: [a.b -> c.d, { from: a.b, to: c.e, route: hash, key: f }]\n"
     "plugins: { path: [x], pin: { y.so: "
     "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 } }\n",
     0},
    {"o.yaml", "troupe: 1\nwires: [a.b -> c.d, e.f -> g.h]\nworkers: 3\n", 0},
    {"n.yaml", "troupe: 1\nsnapshots: { directory: x }\ncontrol: { socket: y }\n", 0},
    {0}};

static void test_load_survives_every_failed_allocation(void **state) {
    (void)state;
    struct given_variable variables[] = {{"A", "value"}, {0}};
    struct given given = {0};
    bool done = false;

    for (uint64_t n = 1; !done; n++) {
        mem_fail_at(n);
        given = given_load(everything, 2, variables);
        mem_fail_at(0);
        assert_true(given.status == 0 || given.err.code == ERR_NOMEM);
        done = given.status == 0 && !given.printed.failed;
        given_done(&given);
        assert_true(n < 100000);
    }
}

static void test_findings_survive_every_failed_allocation(void **state) {
    (void)state;
    const char *text = HEAD "workers: x\nlogs: 1\nactors:\n  a: { type: x.Y, on_fault: exi }\n";
    struct given given = {0};
    bool done = false;

    for (uint64_t n = 1; !done; n++) {
        mem_fail_at(n);
        given = given_text(text);
        mem_fail_at(0);
        assert_int_equal(given.status, -1);
        done = given.err.code == ERR_INVALID && given.diags.count == 3 && !given.printed.failed;
        given_done(&given);
        assert_true(n < 100000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smallest_manifest_has_built_in_values),
        cmocka_unit_test(test_actor_has_built_in_values),
        cmocka_unit_test(test_defaults_hold_key_by_key),
        cmocka_unit_test(test_restart_block_takes_what_it_leaves_out_from_its_supervisor),
        cmocka_unit_test(test_groups_hold_members_in_order_of_appearance),
        cmocka_unit_test(test_config_keeps_what_is_written_with_its_place),
        cmocka_unit_test(test_other_keys_of_an_actor),
        cmocka_unit_test(test_wires_as_text_and_as_map),
        cmocka_unit_test(test_plugin_path_is_relative_to_its_file),
        cmocka_unit_test(test_pins_are_lower_case),
        cmocka_unit_test(test_run_paths_stand_in_the_manifests_folder),
        cmocka_unit_test(test_run_paths_stand_in_the_directories_of_the_service),
        cmocka_unit_test(test_options_name_the_directories_first),
        cmocka_unit_test(test_byte_order_mark_and_crlf_are_accepted),
        cmocka_unit_test(test_document_with_errors_holds_the_rest),
        cmocka_unit_test(test_broken_yaml_leaves_the_document_incomplete),
        cmocka_unit_test(test_no_file_is_wrong_usage),
        cmocka_unit_test(test_file_that_cannot_be_opened_is_a_finding),
        cmocka_unit_test(test_load_survives_every_failed_allocation),
        cmocka_unit_test(test_findings_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
