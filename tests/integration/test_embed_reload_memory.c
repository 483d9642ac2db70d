/* Reading a manifest again, over and over: what was added and removed is given back, to the last part. */
#include "lib/app/embedded.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include <troupe/cell.h>
#include <troupe/reload.h>

#include "base/str.h"
#include "lib/temp.h"

#define ROUNDS 200u
#define WARM 20u /* until pools, tables and lists that are kept are as large as they get */
#define ACTORS 50u
/* Threads keep a few freed blocks of each size; one actor of each round would be more than 180 KB. */
#define SLACK ((int64_t)96 << 10)

/* Of AddressSanitizer, whose heap is its own; absent without. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

/* What is allocated and not freed, by the allocator's own account. */
static int64_t in_use(void) {
    return __sanitizer_get_current_allocated_bytes
               ? (int64_t)__sanitizer_get_current_allocated_bytes()
               : (int64_t)mallinfo2().uordblks;
}

struct world {
    char *folder, *manifest;
    struct troupe_proc *proc;
    struct troupe_error error;
    struct troupe_reload_report report;
};

#define HEAD                                                                                       \
    "troupe: 1\nproc: p\nreload: { probation: { time: 0s } }\nactors:\n"                           \
    "  talker: { type: kit.Player, config: { number: 'out $' } }\n"

/* A group, a pool, actors that drop, actors with a hash: each with what it alone has. */
static void write_manifest(struct world *w, unsigned actors, unsigned round) {
    struct str text;
    str_init(&text);
    str_add(&text, HEAD);
    for (unsigned i = 0; i < actors; i++) {
        str_addf(&text, "  ear-%u-%u: { type: kit.Player, config: { number: 'note $' }%s }\n",
                 round % 3, i,
                 i % 5 == 0   ? ", replicas: 2"
                 : i % 5 == 1 ? ", mailbox: { ports: { number: drop_oldest }, bytes: 64KiB }"
                              : "");
    }
    if (actors > 0) {
        str_add(&text, "  group:\n    actors:\n"
                       "      one: { type: kit.Player, config: { number: 'out $' } }\n"
                       "      two: { type: kit.Player, config: { number: 'note $' } }\n"
                       "wires:\n  - { from: group/one.out, to: group/two.number }\n");
    }
    for (unsigned i = 0; i < actors; i++) {
        str_addf(&text, "  - { from: talker.out, to: ear-%u-%u.number%s }\n", round % 3, i,
                 i % 5 == 0 ? ", route: hash, key: number" : "");
    }
    test_write_file(w->manifest, str_text(&text));
    str_fini(&text);
}

static void reload(struct world *w, uint32_t added, uint32_t removed) {
    w->report = (struct troupe_reload_report){.size = sizeof w->report};
    embedded_ok(troupe_proc_reload(w->proc, NULL, &w->report, &w->error), &w->error);
    assert_int_equal(w->report.added, added);
    assert_int_equal(w->report.removed, removed);
}

static void world_init(struct world *w) {
    *w = (struct world){.folder = test_temp_create()};
    w->manifest = test_path(w->folder, "m.yaml");
    write_manifest(w, 0, 0);
    const struct troupe_options options = {.size = sizeof options,
                                           .log_level = 1 + TROUPE_LOG_ERROR};
    embedded_ok(troupe_proc_create(&options, &w->proc, &w->error), &w->error);
    embedded_ok(
        troupe_proc_add_plugins(w->proc, TROUPE_BUILD_DIR "/test-plugins/kit.so", &w->error),
        &w->error);
    embedded_ok(troupe_proc_load_file(w->proc, w->manifest, &w->error), &w->error);
    embedded_ok(troupe_proc_start(w->proc, &w->error), &w->error);
}

static void world_fini(struct world *w) {
    embedded_stop(w->proc);
    free(w->manifest);
    test_temp_remove(w->folder);
}

#define SLOTS (ACTORS + ACTORS / 5 + 3) /* the pools' second ones, the group and its members */

static void round_of(struct world *w, unsigned round) {
    write_manifest(w, ACTORS, round);
    reload(w, SLOTS, 0);
    write_manifest(w, 0, round);
    reload(w, 0, SLOTS);
}

static void test_rl_what_comes_and_goes_with_manifests_leaves_no_memory_behind(void **state) {
    (void)state;
    struct world w;
    int64_t before = 0;
    world_init(&w);

    for (unsigned round = 0; round < ROUNDS; round++) {
        before = round == WARM ? in_use() : before;
        round_of(&w, round);
    }

    int64_t more = in_use() - before;
    if (more > SLACK) {
        fail_msg("%u rounds of %u actors left %lld bytes behind", ROUNDS - WARM, SLOTS,
                 (long long)more);
    }
    world_fini(&w);
}

/* An old handle is of nobody, also when somebody else has the number of the one it was made for. */
static void test_rl_a_handle_of_one_that_was_removed_reaches_nobody(void **state) {
    (void)state;
    struct world w;
    struct troupe_error error;
    world_init(&w);
    write_manifest(&w, 4, 0);
    reload(&w, 4 + 1 + 3, 0);
    struct troupe_cell *cell;
    struct troupe_cell *none;
    embedded_ok(troupe_proc_cell(w.proc, "ear-0-3", &cell, &error), &error);
    write_manifest(&w, 0, 0);
    reload(&w, 0, 4 + 1 + 3);
    write_manifest(&w, 4, 1);
    reload(&w, 4 + 1 + 3, 0);

    assert_int_equal(troupe_cell_signal(cell, TROUPE_CELL_SIGNAL_ABORT, &error), TROUPE_GONE);

    troupe_cell_unref(cell);
    assert_int_equal(troupe_proc_cell(w.proc, "ear-0-3", &none, &error), TROUPE_NOT_FOUND);
    world_fini(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rl_what_comes_and_goes_with_manifests_leaves_no_memory_behind),
        cmocka_unit_test(test_rl_a_handle_of_one_that_was_removed_reaches_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
