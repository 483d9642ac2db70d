/* RL-2: who goes over after whom (W-6, actor/swap.h). */
#include "lib/app/kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "lib/app/kit_case.h"
#include "lib/temp.h"

#define REPLICAS 24u

static const struct reload_how at_once = {.has_probation = true};

/* Where each is at home. */
struct workers {
    uint64_t uid[REPLICAS];
    struct sched_worker *of[REPLICAS];
};

static void note_workers(struct kit *kit, struct workers *ret) {
    unsigned count = 0;
    for (uint32_t i = 0; i < cell_count(kit_proc(kit)); i++) {
        struct inst *in = cell_at(kit_proc(kit), i);
        if (in && in->proc && strcmp(inst_type(in)->id, "adder.Adder") == 0) {
            assert_true(count < REPLICAS);
            ret->uid[count] = inst_uid(in);
            ret->of[count++] = atomic_load(&in->mbox.task.home);
        }
    }
    assert_int_equal(count, REPLICAS);
}

static unsigned count_workers(const struct workers *workers) {
    unsigned count = 0;
    for (unsigned i = 0; i < REPLICAS; i++) {
        unsigned first = 0;
        while (workers->of[first] != workers->of[i]) {
            first++;
        }
        count += first == i;
    }
    return count;
}

/* Of the uids that went, line by line: how many of them in a row were at home at one worker, run by run. */
static unsigned count_runs(const struct workers *workers, char *order, unsigned *ret_gone) {
    const struct sched_worker *before = NULL;
    unsigned runs = 0;
    *ret_gone = 0;
    for (char *line = strtok(order, "\n"); line; line = strtok(NULL, "\n")) {
        unsigned i = 0;
        while (i < REPLICAS && workers->uid[i] != strtoull(line, NULL, 10)) {
            i++;
        }
        assert_true(i < REPLICAS);
        runs += workers->of[i] != before;
        before = workers->of[i];
        ++*ret_gone;
    }
    return runs;
}

static void test_rl2_those_of_one_worker_go_before_those_of_another(void **state) {
    struct reload_report report;
    struct workers workers;
    unsigned gone;
    char *path = test_path(((const struct kit_case *)*state)->folder, "order");
    kit_plugin(*state, "adder_1", "adder.so");
    struct kit *kit = kit_start(*state, "actors: { adder: { type: adder.Adder, replicas: 24 } }");
    kit_settle(kit);
    note_workers(kit, &workers);
    struct reload_how how = at_once;
    how.skips_probe = true;
    setenv("ADDER_ORDER", path, 1);
    kit_plugin(*state, "adder_2", "adder.so");

    assert_int_equal(kit_reload(kit, how, &report), 0);

    unsetenv("ADDER_ORDER");
    char *order = test_read_lines(path);
    assert_int_equal(count_runs(&workers, order, &gone), count_workers(&workers));
    assert_int_equal(gone, REPLICAS);
    free(order);
    free(path);
    kit_stop(kit);
}

/* They stop first, and stay what they are: who has stopped is not to be asked again and again. */
static void test_rl2_who_stops_for_all_to_go_at_once_is_asked_for_a_while_only(void **state) {
    struct reload_report report;
    kit_plugin(*state, "adder_1", "adder.so");
    struct kit *kit = kit_start(*state, "actors: { adder: { type: adder.Adder, replicas: 24 } }");
    struct reload_how how = at_once;
    how.has_mode = true;
    kit_plugin(*state, "adder_2",
               "adder.so"); /* one by one, so that somebody has been woken last */
    assert_int_equal(kit_reload(kit, how, &report), 0);
    how.mode = RELOAD_ATOMIC;
    kit_plugin(*state, "adder_1", "adder.so");

    assert_int_equal(kit_reload(kit, how, &report), 0);

    assert_int_equal(report.outcome, RELOAD_DONE);
    assert_int_equal(report.counts.over, REPLICAS);
    kit_stop(kit);
}

static unsigned count_noted(struct kit *kit) {
    unsigned count = 0;
    for (uint32_t i = 0; i < cell_count(kit_proc(kit)); i++) {
        struct inst *in = cell_at(kit_proc(kit), i);
        count += in && in->proc && mbox_is_noted(&in->mbox);
    }
    return count;
}

/* No gate was shut, so none is to be woken by opening it. */
static void test_rl2_nobody_is_woken_who_did_not_stop(void **state) {
    kit_plugin(*state, "adder_1", "adder.so");
    struct kit *kit = kit_start(*state, "actors: { adder: { type: adder.Adder, replicas: 24 } }");
    kit_settle(kit);

    swap_open(kit_proc(kit), proc_find_type(kit_proc(kit), "adder.Adder"));

    assert_int_equal(count_noted(kit), 0);
    kit_stop(kit);
}

/* One in each round of thousands would take for ever: it tells one more for each 64 that wait. */
static void test_rl2_more_are_told_at_a_time_where_many_wait(void **state) {
    kit_plugin(*state, "adder_1", "adder.so");
    struct kit *kit = kit_start(*state, "actors: { adder: { type: adder.Adder, replicas: 24 } }");
    kit_settle(kit);
    const struct inst_type *type = proc_find_type(kit_proc(kit), "adder.Adder");
    swap_begin(type, type, SWAP_GATE, 0);

    swap_pass_on(kit_proc(kit), &type->line->swap, 63);
    assert_int_equal(count_noted(kit), 1);
    swap_pass_on(kit_proc(kit), &type->line->swap, 640);
    assert_int_equal(count_noted(kit), 12);
    swap_pass_on(kit_proc(kit), &type->line->swap, 1000000);
    assert_int_equal(count_noted(kit), REPLICAS);

    swap_open(kit_proc(kit), type);
    swap_end(type);
    kit_stop(kit);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_SEEDED, test_rl2_those_of_one_worker_go_before_those_of_another),
    KIT_TEST(KIT_BOTH, test_rl2_who_stops_for_all_to_go_at_once_is_asked_for_a_while_only),
    KIT_TEST(KIT_SEEDED, test_rl2_nobody_is_woken_who_did_not_stop),
    KIT_TEST(KIT_SEEDED, test_rl2_more_are_told_at_a_time_where_many_wait),
};

int main(void) {
    return KIT_RUN(tests);
}
