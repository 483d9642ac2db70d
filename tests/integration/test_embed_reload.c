/* Reloading by embedding programs: what they may say of how, and the generations that there are. */
#include "lib/app/embedded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <troupe/reload.h>

#include "lib/plugin_file.h"
#include "lib/temp.h"
#include "lib/wait.h"
#include "sched/fault.h"

#define S UINT64_C(1000000000)
#define ADDER                                                                                      \
    "actors:\n"                                                                                    \
    "  adder: { type: adder.Adder }\n"                                                             \
    "reload: { probation: { time: 1ms }, probe: 60s, grace: 1h }\n"
#define RASH "actors: { rash: { type: rash.Rash } }\nreload: { probation: { time: 1ms } }\n"
#define ROOM 64u

struct world {
    char *folder, *plugin;
    struct troupe_proc *proc;
    struct troupe_error error;
    struct troupe_reload_report report;
    struct troupe_generation generations[ROOM]; /* of the plugin, as listed last */
    size_t count;
};

/* With the plugin's name in the world's folder, at once, as who installs a new version does. */
static void install(struct world *w, const char *fixture) {
    struct plugin_file file;
    char *new = test_path(w->folder, "new");
    plugin_file_init(&file, fixture);
    test_write_file_n(new, file.bytes, file.size);
    assert_int_equal(rename(new, w->plugin), 0);
    plugin_file_fini(&file);
    free(new);
}

/* The same code in other bytes. */
static void change(struct world *w) {
    char *new = test_path(w->folder, "new");
    size_t size;
    char *bytes = test_read_file(w->plugin, &size);
    test_write_file_n(new, bytes, size);
    test_append_file(new, "and a word behind it");
    assert_int_equal(rename(new, w->plugin), 0);
    free(bytes);
    free(new);
}

static void world_init(struct world *w, const char *fixture, const char *name,
                       const char *manifest) {
    memset(w, 0, sizeof *w);
    assert_int_equal(setenv("TROUPE_PROBE", TROUPE_BUILD_DIR "/troupe-probe", 0), 0);
    w->folder = test_temp_create();
    w->plugin = test_path(w->folder, name);
    install(w, fixture);
    w->proc = embedded_create(NULL, 0, manifest);
    embedded_ok(troupe_proc_add_plugins(w->proc, w->plugin, &w->error), &w->error);
    embedded_ok(troupe_proc_start(w->proc, &w->error), &w->error);
}

static void world_fini(struct world *w) {
    embedded_stop(w->proc);
    free(w->plugin);
    test_temp_remove(w->folder);
}

static int32_t reload(struct world *w, struct troupe_reload how) {
    how.size = sizeof how;
    w->report = (struct troupe_reload_report){.size = sizeof w->report};
    return troupe_proc_reload(w->proc, &how, &w->report, &w->error);
}

static void keep(void *context, const struct troupe_generation *generation) {
    struct world *w = context;
    assert_int_equal(generation->size, sizeof *generation);
    if (strcmp(generation->file, w->plugin) == 0) {
        assert_true(w->count < ROOM);
        w->generations[w->count++] = *generation;
    }
}

static const struct troupe_generation *find(struct world *w, uint32_t number) {
    w->count = 0;
    embedded_ok(troupe_proc_generations(w->proc, keep, w, &w->error), &w->error);
    for (size_t i = 0; i < w->count; i++) {
        if (w->generations[i].number == number) {
            return &w->generations[i];
        }
    }
    fail_msg("generation %u is not listed", number);
    return NULL;
}

static void assert_state(struct world *w, uint32_t number, uint32_t state, const char *version) {
    const struct troupe_generation *generation = find(w, number);
    assert_int_equal(generation->state, state);
    assert_string_equal(generation->version, version);
    assert_string_equal(generation->reason, "");
}

static bool is_settled(void *context) {
    struct world *w = context;
    return find(w, w->report.from_generation)->state != TROUPE_GENERATION_RETIRING;
}

/* --- generations --- */

/* An audit is careful: what another test left at the same place may make a generation stay, now and then. */
#define TRIES 6u
static void reload_until(struct world *w, struct troupe_reload how, uint32_t state) {
    uint32_t last = UINT32_MAX;
    for (unsigned i = 0; i < TRIES && last != state; i++) {
        install(w, i % 2 ? "adder_1" : "adder_2");
        embedded_ok(reload(w, how), &w->error);
        test_wait_until(is_settled, w);
        last = find(w, w->report.from_generation)->state;
    }
    assert_int_equal(last, state);
    const char *to = w->report.version;
    assert_state(w, w->report.to_generation, TROUPE_GENERATION_CURRENT, to);
    assert_state(w, w->report.from_generation, state, *to == '2' ? "1" : "2");
    assert_string_equal(find(w, w->report.from_generation)->build_id, w->report.from_build);
}

static void test_rl7_generations_are_listed_from_the_first_on(void **state) {
    struct world w;
    (void)state;
    world_init(&w, "adder_1", "adder.so", ADDER);

    embedded_ok(troupe_proc_generations(w.proc, keep, &w, &w.error), &w.error);

    assert_int_equal(w.count, 1);
    assert_state(&w, w.generations[0].number, TROUPE_GENERATION_CURRENT, "1");
    world_fini(&w);
}

static void test_rl5_code_lies_still_for_the_time_of_grace(void **state) {
    struct world w;
    if (!fault_is_contained()) {
        skip(); /* such a build unloads at once */
    }
    (void)state;
    world_init(&w, "adder_1", "adder.so", ADDER);

    reload_until(&w, (struct troupe_reload){.size = 0}, TROUPE_GENERATION_QUIET);

    world_fini(&w);
}

static void test_rl5_without_grace_code_is_gone_when_the_reload_returns(void **state) {
    struct world w;
    (void)state;
    world_init(&w, "adder_1", "adder.so", ADDER);

    reload_until(&w, (struct troupe_reload){.flags = TROUPE_GRACE_SAID},
                 TROUPE_GENERATION_UNLOADED);

    world_fini(&w);
}

/* However many come after it. */
static void test_rl7_what_stays_is_listed_with_its_reason(void **state) {
    const struct troupe_reload quick = {.flags = TROUPE_GRACE_SAID | TROUPE_PROBE_SKIPPED};
    struct world w;
    if (!fault_is_contained()) {
        skip(); /* such a build does not look through its memory */
    }
    (void)state;
    assert_int_equal(setenv("RASH", "pointer", 1), 0);
    world_init(&w, "rash", "rash.so", RASH);
    (void)unsetenv("RASH");
    change(&w);
    embedded_ok(reload(&w, quick), &w.error);
    uint32_t number = w.report.from_generation;

    for (unsigned i = 0; i < 40; i++) {
        change(&w);
        embedded_ok(reload(&w, quick), &w.error);
    }

    const struct troupe_generation *stays = find(&w, number);
    assert_int_equal(stays->state, TROUPE_GENERATION_STAYS);
    /* or what is left on a stack, which may be found first */
    assert_true(strncmp(stays->reason, "a word at 0x", 12) == 0 ||
                strncmp(stays->reason, "the thread '", 12) == 0);
    world_fini(&w);
}

static void test_generations_of_a_proc_that_does_not_run_are_refused(void **state) {
    struct world w = {0};
    (void)state;
    w.proc = embedded_create(NULL, 0, "actors: { a: { type: kit.Player } }");

    int32_t status = troupe_proc_generations(w.proc, keep, &w, &w.error);

    assert_int_equal(status, TROUPE_STOPPING);
    assert_string_equal(w.error.text, "proc 'p' does not run");
    embedded_drop(w.proc);
}

/* --- the probe --- */

static void test_rl1_without_a_probe_it_goes_wrong_here_and_is_taken_back(void **state) {
    struct world w;
    (void)state;
    world_init(&w, "adder_1", "adder.so", ADDER);
    install(&w, "adder_2");
    assert_int_equal(setenv("ADDER_LOAD", "error", 1), 0);

    assert_int_equal(reload(&w, (struct troupe_reload){.size = 0}), TROUPE_REFUSED);
    assert_int_equal(w.report.outcome, TROUPE_RELOAD_REFUSED);
    assert_string_equal(w.report.step, "probe");
    (void)reload(&w, (struct troupe_reload){.flags = TROUPE_PROBE_SKIPPED});

    (void)unsetenv("ADDER_LOAD");
    assert_int_equal(w.report.outcome, TROUPE_RELOAD_TAKEN_BACK);
    assert_string_equal(w.report.actor, "p/adder[0]");
    world_fini(&w);
}

static void test_rl1_a_probe_takes_no_longer_than_it_may(void **state) {
    struct world w;
    (void)state;
    world_init(&w, "adder_1", "adder.so", ADDER);
    install(&w, "adder_2");
    assert_int_equal(setenv("ADDER_LOAD", "hang", 1), 0);

    int32_t status = reload(&w, (struct troupe_reload){.probe_time = S / 5});

    (void)unsetenv("ADDER_LOAD");
    assert_int_equal(status, TROUPE_REFUSED);
    assert_string_equal(w.report.step, "probe");
    assert_true(w.report.took >= S / 5 && w.report.took < 30 * S); /* the manifest's is 60 s */
    world_fini(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rl7_generations_are_listed_from_the_first_on),
        cmocka_unit_test(test_rl5_code_lies_still_for_the_time_of_grace),
        cmocka_unit_test(test_rl5_without_grace_code_is_gone_when_the_reload_returns),
        cmocka_unit_test(test_rl7_what_stays_is_listed_with_its_reason),
        cmocka_unit_test(test_generations_of_a_proc_that_does_not_run_are_refused),
        cmocka_unit_test(test_rl1_without_a_probe_it_goes_wrong_here_and_is_taken_back),
        cmocka_unit_test(test_rl1_a_probe_takes_no_longer_than_it_may),
    };
    return cmocka_run_group_tests(tests, embedded_gates_make, embedded_gates_remove);
}
