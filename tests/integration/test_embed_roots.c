/* Roots that a program adds to a proc that runs. */
#include "lib/app/embedded_client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "lib/wait.h"

#define SETTINGS_MAX 4

/* A kit.Player: settings as "key=value", NULL ends them; wires as {output, to}. */
struct wanted {
    const char *name;
    const char *type; /* NULL: kit.Player */
    const char *settings[SETTINGS_MAX];
    struct troupe_root_wire wires[2];
    uint64_t wire_count;
};

static int32_t try_add(struct troupe_proc *proc, const struct wanted *wanted,
                       struct troupe_error *error) {
    struct troupe_setting settings[SETTINGS_MAX];
    struct troupe_root root = {.size = sizeof root,
                               .name = wanted->name,
                               .type = wanted->type ? wanted->type : "kit.Player",
                               .settings = settings,
                               .wires = wanted->wires,
                               .wire_count = wanted->wire_count};
    for (; root.setting_count < SETTINGS_MAX && wanted->settings[root.setting_count];
         root.setting_count++) {
        const char *text = wanted->settings[root.setting_count];
        size_t key = strcspn(text, "=");
        settings[root.setting_count] =
            (struct troupe_setting){troupe_str_n(text, key), troupe_str(text + key + 1)};
    }
    return troupe_proc_spawn(proc, &root, error);
}

static void add(struct embedded *w, const struct wanted *wanted) {
    embedded_ok(try_add(w->proc, wanted, &w->error), &w->error);
}

static void assert_refused(struct embedded *w, const struct wanted *wanted, int32_t status,
                           const char *text) {
    assert_int_equal(try_add(w->proc, wanted, &w->error), status);
    if (!strstr(w->error.text, text)) {
        fail_msg("refused with '%s', not with '%s'", w->error.text, text);
    }
}

static void test_added_root_is_found_by_its_name_and_wired(void **state) {
    struct embedded *w = *state;
    embedded_begin(w, "actors: { a: { type: kit.Player, config: { number: 'log got $' } } }");

    add(w, &(struct wanted){.name = "new",
                            .settings = {"number=log passes $; out $", "init=name; log is there"},
                            .wires = {{.output = "out", .to = "a.number"}},
                            .wire_count = 1});

    embedded_wait_logged(&w->log, "p/new[0]: is there");
    embedded_ok(embedded_send(w, "new", 7, EMBEDDED_S), &w->error);
    embedded_wait_logged(&w->log, "p/new[0]: passes 7");
    embedded_wait_logged(&w->log, "p/a[0]: got 7");
    assert_int_equal(embedded_find(w, "p/new[0]", NULL).uid, embedded_find(w, "new", NULL).uid);
    embedded_finish(w);
}

static void test_ai2_second_root_of_a_name_is_refused_while_it_runs(void **state) {
    struct embedded *w = *state;
    embedded_begin(w,
                   "actors: { a: { type: kit.Player }, pool: { type: kit.Player, replicas: 2 } }");
    add(w, &(struct wanted){.name = "new"});

    assert_refused(w, &(struct wanted){.name = "a"}, TROUPE_REFUSED,
                   "the name 'a' is taken by 'p/a[0]'");
    assert_refused(w, &(struct wanted){.name = "new"}, TROUPE_REFUSED,
                   "the name 'new' is taken by 'p/new[0]'");
    assert_refused(w, &(struct wanted){.name = "client-1"}, TROUPE_REFUSED,
                   "the name 'client-1' is taken by 'p/client-1[0]'");
    assert_refused(w, &(struct wanted){.name = "pool"}, TROUPE_REFUSED,
                   "the name 'pool' is taken by the pool of 'p/pool.0[0]'");
    const struct troupe_client_options options = {.size = sizeof options, .name = "new"};
    struct troupe_client *client = NULL;
    assert_int_equal(troupe_client_create(w->proc, &options, &client, &w->error), TROUPE_REFUSED);
    assert_string_equal(w->error.text, "the name 'new' is taken by 'p/new[0]'");
    embedded_finish(w);
}

static void test_ai2_name_of_a_root_is_free_when_it_has_ended(void **state) {
    struct embedded *w = *state;
    embedded_begin(w, "actors: { a: { type: kit.Player, config: { number: 'log got $' } } }");
    add(w, &(struct wanted){.name = "new", .settings = {"init=stop"}});
    embedded_wait_gone(w, "new");

    add(w, &(struct wanted){.name = "new", .settings = {"number=log again $"}});

    embedded_ok(embedded_send(w, "new", 3, EMBEDDED_S), &w->error);
    embedded_wait_logged(&w->log, "p/new[0]: again 3");
    embedded_finish(w);
}

static void test_added_root_restarts_as_the_manifest_says(void **state) {
    struct embedded *w = *state;
    embedded_begin(w, "supervision: { intensity: 2, backoff: { initial: 1ms } }\n"
                      "defaults: { restart: { policy: permanent } }\n"
                      "actors: { a: { type: kit.Player } }");

    add(w, &(struct wanted){.name = "new", .settings = {"init=log begins; tick 1 0", "tick=stop"}});

    struct troupe_end *end = NULL;
    embedded_ok(troupe_proc_wait(w->proc, TROUPE_FOR_EVER, &end, &w->error), &w->error);
    assert_int_equal(troupe_end_status(end), TROUPE_ERROR);
    assert_string_equal(troupe_end_cause(end),
                        "actor 'p/new[0]' ended too often: stopped; the deployment gives up: "
                        "'new' ended again after 2 restarts in 10s");
    troupe_end_free(end);
    troupe_client_free(w->client);
    embedded_drop(w->proc);
}

static int32_t let_go(void *context, const struct troupe_root_end *end) {
    struct embedded_log *log = context;
    embedded_log_take(log, TROUPE_LOG_INFO, troupe_str("asked"), end->name);
    return TROUPE_LET_GO;
}

static void test_sv2_coordinator_is_asked_about_added_roots(void **state) {
    struct embedded *w = *state;
    w->proc = embedded_create(&w->log, TROUPE_STAYS, "actors: {}");
    embedded_ok(troupe_proc_set_coordinator(w->proc, let_go, &w->log, &w->error), &w->error);
    embedded_ok(troupe_proc_start(w->proc, &w->error), &w->error);

    add(w, &(struct wanted){.name = "new", .settings = {"init=tick 1 0", "tick=fail oh"}});

    embedded_wait_logged(&w->log, "asked: p/new[0]");
    embedded_stop(w->proc);
}

static void test_dr3_added_root_drains_and_is_counted_in_the_end(void **state) {
    struct embedded *w = *state;
    struct troupe_end *end = NULL;
    embedded_begin(w, "actors: { a: { type: kit.Player, config: { number: 'log got $', "
                      "cleanup: 'log bye' } } }");
    add(w, &(struct wanted){.name = "new",
                            .settings = {"init=tick 1 1; log ticks", "cleanup=out 99"},
                            .wires = {{.output = "out", .to = "a.number"}},
                            .wire_count = 1});
    embedded_wait_logged(&w->log, "ticks");

    troupe_client_free(w->client);
    embedded_ok(troupe_proc_destroy(w->proc, TROUPE_FOR_EVER, &end, &w->error), &w->error);

    assert_int_equal(troupe_end_status(end), TROUPE_OK);
    assert_int_equal(troupe_end_count(end, TROUPE_END_STOPPED), 2);
    assert_string_equal(troupe_end_name(end, TROUPE_END_STOPPED, 1), "p/new[0]");
    const char *last = strstr(w->log.text, "p/a[0]: got 99\n");
    assert_non_null(last);
    assert_non_null(strstr(last, "p/a[0]: bye\n"));
    troupe_end_free(end);
}

static void test_dr1_target_lives_as_long_as_the_added_root(void **state) {
    struct embedded *w = *state;
    embedded_begin(
        w, "actors:\n"
           "  first: { type: kit.Player, config: { number: stop, cleanup: log over } }\n"
           "  a: { type: kit.Player, config: { number: 'log got $', cleanup: 'log bye' } }\n"
           "wires: [ first.out -> a.number ]\n");
    add(w, &(struct wanted){.name = "new",
                            .settings = {"number=out $"},
                            .wires = {{.output = "out", .to = "a.number"}},
                            .wire_count = 1});
    embedded_ok(embedded_send(w, "first", 1, EMBEDDED_S), &w->error);
    embedded_wait_logged(&w->log, "p/first[0]: over");

    embedded_ok(embedded_send(w, "new", 5, EMBEDDED_S), &w->error);
    embedded_wait_logged(&w->log, "p/a[0]: got 5");
    assert_false(embedded_logged(&w->log, "bye"));
    embedded_order(w, "new", "stop", (struct troupe_ref){0, 0});
    embedded_wait_logged(&w->log, "p/a[0]: bye");

    embedded_finish(w);
}

static void test_findings_of_an_added_root_name_both_ends(void **state) {
    struct embedded *w = *state;
    embedded_begin(w, "actors:\n  a: { type: kit.Player }\n"
                      "  pool: { type: kit.Player, replicas: 2 }\n"
                      "  g: { actors: { m: { type: kit.Player } } }\n");
    struct wanted wanted = {.name = "new", .wires = {{.output = "item", .to = "a.number"}}};
    wanted.wire_count = 1;

    assert_refused(w, &wanted, TROUPE_INVALID,
                   "'new.item' sends 'kit.item/1', which 'a.number' cannot take: ");
    wanted.wires[0] = (struct troupe_root_wire){.output = "out", .to = "a.numbr"};
    assert_refused(w, &wanted, TROUPE_INVALID,
                   "'a' (kit.Player) has no input port 'numbr'; did you mean 'number'?");
    wanted.wires[0] = (struct troupe_root_wire){.output = "ot", .to = "a.number"};
    assert_refused(w, &wanted, TROUPE_INVALID,
                   "'new' (kit.Player) has no output port 'ot'; did you mean 'out'?");
    wanted.wires[0] = (struct troupe_root_wire){.output = "out", .to = "nobody.number"};
    assert_refused(w, &wanted, TROUPE_INVALID, "there is no actor 'nobody'");
    wanted.wires[0] = (struct troupe_root_wire){.output = "out", .to = "g.number"};
    assert_refused(w, &wanted, TROUPE_INVALID, "'g' is a group and has no ports");
    wanted.wires[0] = (struct troupe_root_wire){.output = "out", .to = "pool.number"};
    assert_refused(w, &wanted, TROUPE_INVALID, "round_robin");
    wanted.wires[0] = (struct troupe_root_wire){.output = "out", .to = NULL};
    assert_refused(w, &wanted, TROUPE_INVALID, "a wire needs two ends");
    wanted = (struct wanted){.name = "new", .type = "kit.Plaier"};
    assert_refused(w, &wanted, TROUPE_INVALID,
                   "(spawn):5:11: error: no plugin file offers actor type 'kit.Plaier'; did you "
                   "mean 'kit.Player'?");
    wanted = (struct wanted){.name = "new", .settings = {"inti=x"}};
    assert_refused(w, &wanted, TROUPE_INVALID, "unknown config key 'inti'; did you mean 'init'?");
    wanted = (struct wanted){.name = "new/x"};
    assert_refused(w, &wanted, TROUPE_INVALID, "new/x");
    embedded_finish(w);
}

static void test_added_root_is_wired_to_pools_members_and_other_added_ones(void **state) {
    struct embedded *w = *state;
    embedded_begin(
        w, "actors:\n"
           "  pool: { type: kit.Player, replicas: 2, config: { number: 'log got $' } }\n"
           "  g: { actors: { m: { type: kit.Player, config: { number: 'log got $' } } } }\n");
    add(w, &(struct wanted){.name = "one",
                            .settings = {"number=out $; other $"},
                            .wires = {{.output = "out", .to = "pool.number", .route = "broadcast"},
                                      {.output = "other", .to = "g/m.number"}},
                            .wire_count = 2});
    add(w, &(struct wanted){.name = "two",
                            .settings = {"number=out $"},
                            .wires = {{.output = "out", .to = "one.number"}},
                            .wire_count = 1});

    embedded_ok(embedded_send(w, "two", 4, EMBEDDED_S), &w->error);

    embedded_wait_logged(&w->log, "p/pool.0[0]: got 4");
    embedded_wait_logged(&w->log, "p/pool.1[0]: got 4");
    embedded_wait_logged(&w->log, "p/g/m[1]: got 4");
    embedded_finish(w);
}

static void test_pt2_what_a_target_passes_on_must_fit_its_receivers(void **state) {
    struct embedded *w = *state;
    embedded_begin(w, "actors:\n  source: { type: kit.Player }\n  probe: { type: kit.Probe }\n"
                      "  last: { type: kit.Player, config: { number: 'log got $' } }\n"
                      "wires: [ source.out -> probe.item, probe.copy -> last.number ]\n");
    struct wanted wanted = {.name = "new",
                            .settings = {"number=out $"},
                            .wires = {{.output = "item", .to = "probe.item"}},
                            .wire_count = 1};

    assert_refused(w, &wanted, TROUPE_INVALID,
                   "'new' cannot be wired to 'probe.item', which passes on by 'copy' what comes "
                   "in: its receivers were wired for 'kit.number/1', not for 'kit.item/1'");
    wanted.wires[0].output = "out";
    add(w, &wanted);
    embedded_ok(embedded_send(w, "new", 8, EMBEDDED_S), &w->error);
    embedded_wait_logged(&w->log, "p/last[0]: got 8");
    embedded_finish(w);
}

static void test_plugin_file_of_an_added_root_is_loaded_when_it_is_needed(void **state) {
    struct embedded *w = *state;
    w->proc =
        embedded_create(&w->log, TROUPE_STAYS,
                        "actors: { a: { type: kit.Player, config: { number: 'log got $' } } }");
    embedded_ok(troupe_proc_add_plugins(w->proc, TROUPE_BUILD_DIR "/plugins/demo.so", &w->error),
                &w->error);
    embedded_ok(troupe_proc_start(w->proc, &w->error), &w->error);

    add(w, &(struct wanted){.name = "echo", .type = "demo.Echo"});
    add(w, &(struct wanted){.name = "says",
                            .settings = {"init=out 6; other 6"},
                            .wires = {{.output = "out", .to = "echo.message"},
                                      {.output = "other", .to = "a.number"}},
                            .wire_count = 2});

    embedded_wait_logged(&w->log, "p/a[0]: got 6");
    struct troupe_end *end = NULL;
    embedded_ok(troupe_proc_destroy(w->proc, TROUPE_FOR_EVER, &end, &w->error), &w->error);
    assert_string_equal(troupe_end_name(end, TROUPE_END_STOPPED, 1), "p/echo[0]");
    assert_int_equal(troupe_end_dead_letters(end, 0), 0);
    troupe_end_free(end);
}

static void test_wires_of_one_that_runs_are_settled(void **state) {
    struct embedded *w = *state;
    embedded_begin(w, "actors: { a: { type: kit.Player } }");

    int32_t status = troupe_proc_wire(w->proc, "a.out", "a.number", &w->error);

    assert_int_equal(status, TROUPE_REFUSED);
    assert_string_equal(w->error.text,
                        "'a.out' cannot be wired to 'a.number': where an actor sends to is settled "
                        "when it begins; say the wires of a new one in its troupe_root.wires");
    embedded_finish(w);
}

static void test_target_that_has_ended_is_refused(void **state) {
    struct embedded *w = *state;
    embedded_begin(w, "actors: { new: { type: kit.Player, config: { init: stop } } }");
    embedded_wait_gone(w, "new");

    assert_refused(w,
                   &(struct wanted){.name = "late",
                                    .wires = {{.output = "out", .to = "new.number"}},
                                    .wire_count = 1},
                   TROUPE_REFUSED, "'late' cannot be wired to 'new', which has ended");

    embedded_finish(w);
}

static void test_nothing_is_added_when_the_proc_is_to_stop(void **state) {
    struct embedded *w = *state;
    w->proc = embedded_start(&w->log, TROUPE_STAYS,
                             "actors: { a: { type: kit.Player, config: { init: 'tick 1 0', "
                             "tick: 'log waits' } } }");
    embedded_wait_logged(&w->log, "waits");

    troupe_proc_stop(w->proc);

    assert_refused(w, &(struct wanted){.name = "late"}, TROUPE_STOPPING,
                   "proc 'p' is starting, is to stop, or has ended");
    embedded_stop(w->proc);
}

struct inside {
    struct embedded *w;
    struct test_counter done;
    int32_t status;
};

static void take_log(void *context, uint32_t level, struct troupe_str actor,
                     struct troupe_str text) {
    struct inside *inside = context;
    (void)level;
    (void)actor;
    if (troupe_str_eq(text, troupe_str("go"))) {
        inside->status = try_add(inside->w->proc, &(struct wanted){.name = "x"}, &inside->w->error);
        test_counter_add(&inside->done);
    }
}

static void test_adding_from_a_callback_is_refused(void **state) {
    struct embedded *w = *state;
    struct inside inside = {.w = w};
    const struct troupe_options options = {
        .size = sizeof options, .id = "p", .log = take_log, .log_context = &inside};
    const char *text =
        "troupe: 1\nactors: { a: { type: kit.Player, config: { number: 'log go' } } }";
    test_counter_init(&inside.done);
    embedded_ok(troupe_proc_create(&options, &w->proc, &w->error), &w->error);
    embedded_ok(
        troupe_proc_add_plugins(w->proc, TROUPE_BUILD_DIR "/test-plugins/kit.so", &w->error),
        &w->error);
    embedded_ok(troupe_proc_load_text(w->proc, "m", text, strlen(text), &w->error), &w->error);
    embedded_ok(troupe_proc_start(w->proc, &w->error), &w->error);

    add(w, &(struct wanted){.name = "b",
                            .settings = {"init=out 1"},
                            .wires = {{.output = "out", .to = "a.number"}},
                            .wire_count = 1});
    test_counter_wait(&inside.done, 1);

    assert_int_equal(inside.status, TROUPE_WRONG_THREAD);
    embedded_stop(w->proc);
    test_counter_fini(&inside.done);
}

static void test_roots_of_an_older_program_have_no_wires(void **state) {
    struct embedded *w = *state;
    struct troupe_root root = {.size = offsetof(struct troupe_root, wires),
                               .name = "new",
                               .type = "kit.Player",
                               .wires = (void *)(uintptr_t)1, /* beyond the size: never looked at */
                               .wire_count = 7};
    embedded_begin(w, "actors: { a: { type: kit.Player } }");

    embedded_ok(troupe_proc_spawn(w->proc, &root, &w->error), &w->error);
    root.size = offsetof(struct troupe_root, setting_count);
    assert_int_equal(troupe_proc_spawn(w->proc, &root, &w->error), TROUPE_INVALID);

    embedded_finish(w);
}

static int32_t add_without_memory(struct embedded *w, size_t n) {
    char name[32];
    (void)snprintf(name, sizeof name, "n%zu", n);
    mem_fail_at(n);
    int32_t status = try_add(w->proc,
                             &(struct wanted){.name = name,
                                              .settings = {"init=log up"},
                                              .wires = {{.output = "out", .to = "a.number"}},
                                              .wire_count = 1},
                             &w->error);
    mem_fail_at(0);
    return status;
}

static void test_each_failed_allocation_of_an_added_root_is_an_error(void **state) {
    struct embedded *w = *state;
    int32_t status = TROUPE_ERROR;
    embedded_begin(w, "supervision: { intensity: 10000, backoff: { initial: 1ms } }\n"
                      "actors: { a: { type: kit.Player } }");

    TEST_EACH_FAILED_ALLOCATION(n, status = add_without_memory(w, n), status == TROUPE_OK);

    embedded_wait_logged(&w->log, ": up");
    embedded_finish(w);
}

/* --- many at once --- */

#define THREADS 4
#define ROOTS 40u

struct crowd {
    struct troupe_proc *proc;
    _Atomic unsigned number, added, refused, failed;
};

static void *add_many(void *context) {
    struct crowd *crowd = context;
    unsigned seen = 0;
    while (seen < ROOTS) {
        struct troupe_error error;
        char name[32];
        unsigned number = atomic_fetch_add(&crowd->number, 1);
        seen++;
        (void)snprintf(name, sizeof name, "r%u", number);
        const char *init = number % 3 == 0 ? "init=out 1 5; stop" : "init=out 1 5; tick 1 1";
        int32_t status = try_add(crowd->proc,
                                 &(struct wanted){.name = name,
                                                  .settings = {init, "tick=out 1"},
                                                  .wires = {{.output = "out", .to = "sink.number"}},
                                                  .wire_count = 1},
                                 &error);
        atomic_fetch_add(status == TROUPE_OK         ? &crowd->added
                         : status == TROUPE_STOPPING ? &crowd->refused
                                                     : &crowd->failed,
                         1);
    }
    return NULL;
}

static void start_crowd(struct crowd *crowd, pthread_t *threads) {
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, crowd), 0);
    }
}

static void join_crowd(const pthread_t *threads) {
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

#define SINK "actors: { sink: { type: kit.Player, when_inputs_end: stay } }"

static void test_threads_add_roots_while_others_come_and_go(void **state) {
    struct embedded *w = *state;
    struct troupe_end *end = NULL;
    pthread_t threads[THREADS];
    w->proc = embedded_start(&w->log, TROUPE_STAYS, SINK);
    struct crowd crowd = {.proc = w->proc};

    start_crowd(&crowd, threads);
    join_crowd(threads);
    embedded_ok(troupe_proc_destroy(w->proc, TROUPE_FOR_EVER, &end, &w->error), &w->error);

    assert_int_equal(crowd.failed, 0);
    assert_int_equal(crowd.added, THREADS * ROOTS);
    assert_int_equal(troupe_end_status(end), TROUPE_OK);
    assert_int_equal(troupe_end_count(end, TROUPE_END_STOPPED), 1 + THREADS * ROOTS);
    troupe_end_free(end);
}

static bool has_added_some(void *context) {
    const struct crowd *crowd = context;
    return atomic_load(&crowd->added) >= ROOTS;
}

static void test_threads_add_roots_while_the_proc_stops(void **state) {
    struct embedded *w = *state;
    struct troupe_end *end = NULL;
    pthread_t threads[THREADS];
    w->proc = embedded_start(&w->log, TROUPE_STAYS, SINK);
    struct crowd crowd = {.proc = w->proc};

    start_crowd(&crowd, threads);
    test_wait_until(has_added_some, &crowd);
    troupe_proc_stop(w->proc);
    join_crowd(threads);
    embedded_ok(troupe_proc_destroy(w->proc, TROUPE_FOR_EVER, &end, &w->error), &w->error);

    assert_int_equal(crowd.failed, 0);
    assert_int_equal(crowd.added + crowd.refused, THREADS * ROOTS);
    assert_int_equal(troupe_end_status(end), TROUPE_OK);
    assert_int_equal(troupe_end_count(end, TROUPE_END_STOPPED), 1 + crowd.added);
    troupe_end_free(end);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, embedded_setup, embedded_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_added_root_is_found_by_its_name_and_wired),
        TEST(test_ai2_second_root_of_a_name_is_refused_while_it_runs),
        TEST(test_ai2_name_of_a_root_is_free_when_it_has_ended),
        TEST(test_added_root_restarts_as_the_manifest_says),
        TEST(test_sv2_coordinator_is_asked_about_added_roots),
        TEST(test_dr3_added_root_drains_and_is_counted_in_the_end),
        TEST(test_dr1_target_lives_as_long_as_the_added_root),
        TEST(test_findings_of_an_added_root_name_both_ends),
        TEST(test_added_root_is_wired_to_pools_members_and_other_added_ones),
        TEST(test_pt2_what_a_target_passes_on_must_fit_its_receivers),
        TEST(test_plugin_file_of_an_added_root_is_loaded_when_it_is_needed),
        TEST(test_wires_of_one_that_runs_are_settled),
        TEST(test_target_that_has_ended_is_refused),
        TEST(test_nothing_is_added_when_the_proc_is_to_stop),
        TEST(test_adding_from_a_callback_is_refused),
        TEST(test_roots_of_an_older_program_have_no_wires),
        TEST(test_each_failed_allocation_of_an_added_root_is_an_error),
        TEST(test_threads_add_roots_while_others_come_and_go),
        TEST(test_threads_add_roots_while_the_proc_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
