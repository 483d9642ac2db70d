/* The memory of instances: found by uid, used again, wherever they end. */
#include "actor/proc_impl.h"
#include "base/alloc.h"
#include "lib/test.h"

struct given {
    struct proc *proc;
    struct runner *here, *there;
};

static void given_proc(struct given *g) {
    struct proc_options options = {.name = "cells", .workers = 2, .seeded = true};
    struct err err;
    assert_int_equal(proc_create(&options, &g->proc, &err), 0);
    g->here = sched_worker_at(g->proc->sched, 0)->local;
    g->there = sched_worker_at(g->proc->sched, 1)->local;
}

static struct inst *take(struct given *g) {
    struct inst *in = cell_take(g->here, g->proc);
    assert_non_null(in);
    return in;
}

static void test_cells_stand_on_lines_of_their_own_and_are_found_as_slabs_double(void **state) {
    struct given g;
    const uint32_t count = 40000; /* past the largest slab */
    (void)state;
    given_proc(&g);

    uint64_t first = inst_uid(take(&g));
    for (uint32_t i = 1; i < count; i++) {
        struct inst *in = take(&g);
        assert_int_equal((uintptr_t)in % 64, 0);
        assert_int_equal(inst_uid(in), first + i); /* as proc_planned has it */
        assert_ptr_equal(cell_find(g.proc, first + i), in);
        assert_ptr_equal(cell_at(g.proc, (uint32_t)(first + i - 1)), in);
    }

    assert_true(cell_count(g.proc) >= count && cell_count(g.proc) < count + 128);
    proc_destroy(g.proc);
}

static void test_no_uid_finds_what_is_not_there(void **state) {
    struct given g;
    (void)state;
    given_proc(&g);
    uint64_t uid = inst_uid(take(&g));

    assert_null(cell_find(g.proc, 0));
    assert_null(cell_find(g.proc, cell_count(g.proc) + 1));
    assert_null(cell_find(g.proc, CELLS_MOST));
    assert_null(cell_find(g.proc, (1ull << 28) - 1));
    assert_null(cell_find(g.proc, uid + (1ull << 28)));
    assert_null(cell_find(g.proc, UINT64_MAX));
    proc_destroy(g.proc);
}

/* Else a proc that spawns on one worker and gives the work to others would grow for ever. */
static void test_what_ends_elsewhere_is_used_again(void **state) {
    struct given g;
    (void)state;
    given_proc(&g);

    for (unsigned i = 0; i < 100000; i++) {
        cell_give_back(g.there, take(&g));
    }

    assert_true(cell_count(g.proc) < 1000);
    proc_destroy(g.proc);
}

static void test_without_memory_there_is_no_cell_and_later_there_is(void **state) {
    struct given g;
    (void)state;
    given_proc(&g);
    while (g.here->free_cells) {
        (void)take(&g);
    }
    struct inst *in;
    mem_fail_at(1);
    while ((in = cell_take(g.here, g.proc))) {
    }
    mem_fail_at(0);

    assert_non_null(cell_take(g.here, g.proc));
    proc_destroy(g.proc);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_stand_on_lines_of_their_own_and_are_found_as_slabs_double),
        cmocka_unit_test(test_no_uid_finds_what_is_not_there),
        cmocka_unit_test(test_what_ends_elsewhere_is_used_again),
        cmocka_unit_test(test_without_memory_there_is_no_cell_and_later_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
