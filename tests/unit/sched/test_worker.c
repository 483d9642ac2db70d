/* Workers: queue and run-next slot, the inbox and its notes, tasks on their home only. */
#include "given.h"

/* Runs as often as it is asked, and notes the order. */
struct counted {
    struct sched_task task; /* first */
    uint32_t left;          /* runs that it asks for by itself */
    uint32_t ran;
    struct counted **order; /* where it enters itself, or NULL */
    uint32_t *order_count;
    struct counted *peer;     /* see pass_on_run */
    struct sched_task *noted; /* gets a note at each run; NULL: none does */
};

static enum task_result counted_run(struct sched_task *task, struct sched_worker *worker) {
    struct counted *c = (struct counted *)(void *)task;
    sched_count(worker, 1);
    c->ran++;
    if (c->order) {
        c->order[(*c->order_count)++] = c;
    }
    if (c->left > 0) {
        c->left--;
        return TASK_AGAIN;
    }
    return TASK_IDLE;
}

static const struct task_ops counted_ops = {.run = counted_run, .arrived = clear_note};

struct fixture {
    struct locals locals;
    struct clock_manual clock;
    struct sched *sched;
    struct sched_worker *worker, *other;
    struct counted tasks[4];
    struct counted *order[512];
    uint32_t count;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    clock_manual_init(&f->clock, 1, 0);
    f->sched = given_seeded(&f->locals, 2, 1, &f->clock.clock);
    f->worker = sched_worker_at(f->sched, 0);
    f->other = sched_worker_at(f->sched, 1);
    for (unsigned i = 0; i < 4; i++) {
        task_init(&f->tasks[i].task, &counted_ops, f->worker);
        f->tasks[i].order = f->order;
        f->tasks[i].order_count = &f->count;
    }
    worker_enter(f->worker);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    worker_enter(NULL);
    end_sched(f->sched);
    free(f);
    return 0;
}

static void step_until_idle(struct fixture *f) {
    while (worker_step(f->worker)) {
    }
}

static void test_task_readied_last_runs_next_the_others_in_order(void **state) {
    struct fixture *f = *state;
    sched_ready(&f->tasks[0].task);
    sched_ready(&f->tasks[1].task);
    sched_ready(&f->tasks[2].task);

    step_until_idle(f);

    assert_int_equal(f->count, 3);
    assert_ptr_equal(f->order[0], &f->tasks[2]);
    assert_ptr_equal(f->order[1], &f->tasks[0]);
    assert_ptr_equal(f->order[2], &f->tasks[1]);
}

static void test_ready_is_harmless_when_queued(void **state) {
    struct fixture *f = *state;
    sched_ready(&f->tasks[0].task);
    sched_ready(&f->tasks[1].task);
    sched_ready(&f->tasks[0].task);
    sched_ready(&f->tasks[1].task);

    step_until_idle(f);

    assert_int_equal(f->tasks[0].ran, 1);
    assert_int_equal(f->tasks[1].ran, 1);
}

static void test_task_that_wants_again_goes_behind_the_queue(void **state) {
    struct fixture *f = *state;
    f->tasks[0].left = 1;
    sched_ready(&f->tasks[1].task);
    sched_ready(&f->tasks[0].task);

    step_until_idle(f);

    assert_int_equal(f->count, 3);
    assert_ptr_equal(f->order[0], &f->tasks[0]);
    assert_ptr_equal(f->order[1], &f->tasks[1]);
    assert_ptr_equal(f->order[2], &f->tasks[0]);
}

/* Two that ready each other, `left` times each. */
static enum task_result pass_on_run(struct sched_task *task, struct sched_worker *worker) {
    for (struct sched_task *next = task; next; next = sched_run_on(worker, task)) {
        task = next;
        struct counted *c = (struct counted *)(void *)task;
        c->ran++;
        (*c->order_count)++;
        if (c->left > 0) {
            c->left--;
            sched_ready(&c->peer->task);
        }
        if (c->noted) {
            notify(c->noted);
        }
    }
    return TASK_IDLE;
}

static const struct task_ops pass_on_ops = {.run = pass_on_run, .arrived = clear_note};

static void given_pair(struct fixture *f, uint32_t passes) {
    f->worker->run_on_most = NEXT_STREAK_MAX; /* as without a seed */
    for (unsigned i = 0; i < 2; i++) {
        f->tasks[i].task.ops = &pass_on_ops;
        f->tasks[i].peer = &f->tasks[1 - i];
        f->tasks[i].left = passes;
    }
}

static void test_run_on_goes_on_with_who_is_next(void **state) {
    struct fixture *f = *state;
    given_pair(f, 5);
    sched_ready(&f->tasks[0].task);

    assert_true(worker_step(f->worker));

    assert_int_equal(f->tasks[0].ran, 6);
    assert_int_equal(f->tasks[1].ran, 5);
    assert_false(worker_step(f->worker));
    sched_ready(&f->tasks[0].task); /* none of them counts as queued any more */
    sched_ready(&f->tasks[1].task);
    step_until_idle(f);
    assert_int_equal(f->count, 13);
}

static void test_run_on_goes_on_with_the_queue_unless_somebody_is_to_run_later(void **state) {
    struct fixture *f = *state;
    given_pair(f, 0);
    sched_ready(&f->tasks[0].task);
    sched_ready(&f->tasks[1].task);

    assert_true(worker_step(f->worker));
    assert_int_equal(f->count, 2);
    assert_false(worker_step(f->worker));

    sched_ready(&f->tasks[0].task);
    sched_ready(&f->tasks[1].task);
    sched_ready_later(&f->tasks[2].task);
    assert_true(worker_step(f->worker));
    assert_int_equal(f->count, 3);
    step_until_idle(f);
    assert_int_equal(f->tasks[2].ran, 1);
}

static void test_run_on_leaves_the_queue_its_turn(void **state) {
    struct fixture *f = *state;
    given_pair(f, 1000);
    sched_ready(&f->tasks[2].task);
    sched_ready(&f->tasks[0].task);

    assert_true(worker_step(f->worker));
    assert_int_equal(f->count, NEXT_STREAK_MAX);
    assert_true(worker_step(f->worker));

    assert_int_equal(f->tasks[2].ran, 1);
    f->tasks[0].left = f->tasks[1].left = 0;
    step_until_idle(f);
}

static void test_run_on_makes_way_for_what_came_from_elsewhere(void **state) {
    struct fixture *f = *state;
    given_pair(f, 1000);
    f->tasks[1].noted = &f->tasks[2].task;
    f->tasks[2].task.ops = &counted_ops;
    sched_ready(&f->tasks[0].task);

    assert_true(worker_step(f->worker));

    assert_int_equal(f->tasks[0].ran, 1);
    assert_int_equal(f->tasks[1].ran, 1);
    f->tasks[0].left = f->tasks[1].left = 0;
    f->tasks[1].noted = NULL;
    step_until_idle(f);
    assert_int_equal(f->tasks[2].ran, 1);
}

static void test_run_on_is_not_for_who_is_stepped_by_a_seed(void **state) {
    struct fixture *f = *state;
    given_pair(f, 5);
    f->worker->run_on_most = f->other->run_on_most;
    sched_ready(&f->tasks[0].task);

    assert_true(worker_step(f->worker));

    assert_int_equal(f->count, 1);
    step_until_idle(f);
    assert_int_equal(f->count, 11);
}

static enum task_result ready_self_run(struct sched_task *task, struct sched_worker *worker) {
    struct counted *c = (struct counted *)(void *)task;
    (void)worker;
    c->ran++;
    sched_ready(task);
    return TASK_IDLE;
}

/* Queued holds while a task runs: it says itself that it has more to do. */
static void test_ready_on_a_running_task_is_no_second_run(void **state) {
    static const struct task_ops ops = {.run = ready_self_run, .arrived = clear_note};
    struct fixture *f = *state;
    f->tasks[0].task.ops = &ops;
    sched_ready(&f->tasks[0].task);

    step_until_idle(f);

    assert_int_equal(f->tasks[0].ran, 1);
    sched_ready(&f->tasks[0].task);
    step_until_idle(f);
    assert_int_equal(f->tasks[0].ran, 2);
}

static void test_task_readied_later_lets_the_queue_go_first(void **state) {
    struct fixture *f = *state;
    sched_ready(&f->tasks[0].task);
    sched_ready(&f->tasks[1].task);
    sched_ready_later(&f->tasks[2].task);
    sched_ready(&f->tasks[2].task); /* it is queued already */

    step_until_idle(f);

    assert_int_equal(f->count, 3);
    assert_ptr_equal(f->order[2], &f->tasks[2]);
}

static void test_task_readied_later_runs_next_when_nothing_is_queued(void **state) {
    struct fixture *f = *state;
    sched_ready_later(&f->tasks[0].task);
    assert_true(worker_has_work(f->worker));
    sched_ready_later(&f->tasks[1].task);

    step_until_idle(f);

    assert_int_equal(f->count, 2);
    assert_false(worker_has_work(f->worker));
}

static void test_task_readied_later_waits_for_so_many_only(void **state) {
    struct fixture *f = *state;
    f->tasks[0].left = f->tasks[1].left = 100;
    sched_ready(&f->tasks[0].task);
    sched_ready(&f->tasks[1].task);
    sched_ready_later(&f->tasks[2].task);

    for (unsigned i = 0; i <= SCHED_LATER_MOST + 1; i++) {
        assert_true(worker_step(f->worker));
    }

    assert_int_equal(f->tasks[2].ran, 1);
    step_until_idle(f);
}

static void test_task_readied_last_lets_all_go_first_that_are_ready(void **state) {
    struct fixture *f = *state;
    sched_ready(&f->tasks[0].task);
    sched_ready(&f->tasks[1].task);
    sched_ready_last(&f->tasks[2].task);
    sched_ready_last(&f->tasks[2].task); /* it is queued already */

    step_until_idle(f);

    assert_int_equal(f->count, 3);
    assert_ptr_equal(f->order[2], &f->tasks[2]);
}

/* Two that chat through the run-next slot. */
static enum task_result chat_run(struct sched_task *task, struct sched_worker *worker) {
    struct counted *c = (struct counted *)(void *)task;
    (void)worker;
    c->order[(*c->order_count)++] = c;
    if (c->left > 0) {
        c->left--;
        sched_ready(&c[1].task);
    }
    return TASK_IDLE;
}

static enum task_result chat_back_run(struct sched_task *task, struct sched_worker *worker) {
    struct counted *c = (struct counted *)(void *)task;
    (void)worker;
    c->order[(*c->order_count)++] = c;
    sched_ready(&c[-1].task);
    return TASK_IDLE;
}

static void test_chatting_pair_does_not_starve_the_queue(void **state) {
    static const struct task_ops ping = {.run = chat_run, .arrived = clear_note};
    static const struct task_ops pong = {.run = chat_back_run, .arrived = clear_note};
    struct fixture *f = *state;
    f->tasks[0].task.ops = &ping;
    f->tasks[0].left = 100;
    f->tasks[1].task.ops = &pong;
    sched_ready(&f->tasks[2].task);
    sched_ready(&f->tasks[0].task);

    step_until_idle(f);

    uint32_t at = 0;
    while (f->order[at] != &f->tasks[2]) {
        at++;
    }
    assert_true(at >= 32 && at <= 128);
    assert_int_equal(f->count, 202);
}

static void test_inbox_is_taken_in_the_order_of_notes(void **state) {
    struct fixture *f = *state;
    worker_enter(NULL);
    for (unsigned i = 0; i < 4; i++) {
        notify(&f->tasks[i].task);
    }
    worker_enter(f->worker);

    step_until_idle(f);

    assert_int_equal(f->count, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_ptr_equal(f->order[i], &f->tasks[i]);
    }
}

static void test_t3_note_is_set_exactly_while_the_task_is_in_an_inbox(void **state) {
    struct fixture *f = *state;
    struct sched_task *task = &f->tasks[0].task;

    notify(task);
    notify(task);

    assert_true(atomic_load(&task->word) & TASK_NOTE);
    assert_ptr_equal(atomic_load(&f->worker->inbox), task);
    assert_null(task->inbox_next);
    worker_collect(f->worker);
    assert_false(atomic_load(&task->word) & TASK_NOTE);
    assert_null(atomic_load(&f->worker->inbox));
}

static void test_t3_given_task_keeps_its_note_and_is_passed_on(void **state) {
    struct fixture *f = *state;
    struct sched_task *task = &f->tasks[0].task;
    notify(task);

    give_to(task, f->other);

    assert_ptr_equal(atomic_load(&task->home), f->other);
    assert_null(atomic_load(&f->other->inbox)); /* it is still linked into the first inbox */
    worker_collect(f->worker);
    assert_true(atomic_load(&task->word) & TASK_NOTE);
    assert_ptr_equal(atomic_load(&f->other->inbox), task);
    assert_false(worker_step(f->worker));
    worker_enter(f->other);
    assert_true(worker_step(f->other));
    assert_int_equal(f->tasks[0].ran, 1);
}

static void test_t3_task_given_without_a_note_gets_one_and_runs_there(void **state) {
    struct fixture *f = *state;
    struct sched_task *task = &f->tasks[0].task;

    give_to(task, f->other);

    assert_true(atomic_load(&task->word) & TASK_NOTE);
    worker_enter(f->other);
    assert_true(worker_step(f->other));
    assert_int_equal(f->tasks[0].ran, 1);
    assert_false(atomic_load(&task->word) & TASK_NOTE);
}

static enum task_result move_run(struct sched_task *task, struct sched_worker *worker) {
    struct counted *c = (struct counted *)(void *)task;
    c->ran++;
    task->pull_to = 1;
    return worker->index == 1 ? TASK_IDLE : TASK_MOVE;
}

static void test_task_that_wants_to_move_goes_on_at_the_other_worker(void **state) {
    static const struct task_ops ops = {.run = move_run, .arrived = clear_note};
    struct fixture *f = *state;
    f->tasks[0].task.ops = &ops;
    sched_ready(&f->tasks[0].task);

    step_until_idle(f);

    assert_ptr_equal(atomic_load(&f->tasks[0].task.home), f->other);
    worker_enter(f->other);
    assert_true(worker_step(f->other));
    assert_int_equal(f->tasks[0].ran, 2);
}

static enum task_result gone_run(struct sched_task *task, struct sched_worker *worker) {
    (void)worker;
    free(task);
    return TASK_GONE;
}

static void test_task_that_is_gone_is_not_touched_any_more(void **state) {
    static const struct task_ops ops = {.run = gone_run, .arrived = clear_note};
    struct fixture *f = *state;
    struct sched_task *task = malloc(sizeof *task);
    task_init(task, &ops, f->worker);
    sched_ready(task);
    atomic_store(&f->worker->measure, true);

    step_until_idle(f);

    assert_false(worker_has_work(f->worker));
}

static void test_clock_is_read_once_in_32_units(void **state) {
    struct fixture *f = *state;
    (void)sched_now(f->worker);
    clock_manual_set(&f->clock, 1000);

    sched_count(f->worker, 31);
    assert_int_equal(sched_now(f->worker), 1);
    sched_count(f->worker, 1);
    assert_int_equal(sched_now(f->worker), 1000);
}

static void test_dear_task_makes_way_after_fewer_units(void **state) {
    static const struct {
        uint32_t cost_ns;
        unsigned budget;
    } cases[] = {{0, SCHED_BUDGET}, {200, SCHED_BUDGET}, {201, 995},
                 {2000, 100},       {150000, 1},         {UINT32_MAX, 1}};
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 1);

    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sched_task task = {.cost_ns = cases[i].cost_ns};
        assert_int_equal(sched_budget(sched_worker_at(sched, 0), &task), cases[i].budget);
    }

    end_sched(sched);
}

int main(void) {
#define IN_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        IN_FIXTURE(test_task_readied_last_runs_next_the_others_in_order),
        IN_FIXTURE(test_ready_is_harmless_when_queued),
        IN_FIXTURE(test_task_that_wants_again_goes_behind_the_queue),
        IN_FIXTURE(test_run_on_goes_on_with_who_is_next),
        IN_FIXTURE(test_run_on_goes_on_with_the_queue_unless_somebody_is_to_run_later),
        IN_FIXTURE(test_run_on_leaves_the_queue_its_turn),
        IN_FIXTURE(test_run_on_makes_way_for_what_came_from_elsewhere),
        IN_FIXTURE(test_run_on_is_not_for_who_is_stepped_by_a_seed),
        IN_FIXTURE(test_ready_on_a_running_task_is_no_second_run),
        IN_FIXTURE(test_task_readied_later_lets_the_queue_go_first),
        IN_FIXTURE(test_task_readied_later_runs_next_when_nothing_is_queued),
        IN_FIXTURE(test_task_readied_later_waits_for_so_many_only),
        IN_FIXTURE(test_task_readied_last_lets_all_go_first_that_are_ready),
        IN_FIXTURE(test_chatting_pair_does_not_starve_the_queue),
        IN_FIXTURE(test_inbox_is_taken_in_the_order_of_notes),
        IN_FIXTURE(test_t3_note_is_set_exactly_while_the_task_is_in_an_inbox),
        IN_FIXTURE(test_t3_given_task_keeps_its_note_and_is_passed_on),
        IN_FIXTURE(test_t3_task_given_without_a_note_gets_one_and_runs_there),
        IN_FIXTURE(test_task_that_wants_to_move_goes_on_at_the_other_worker),
        IN_FIXTURE(test_task_that_is_gone_is_not_touched_any_more),
        IN_FIXTURE(test_clock_is_read_once_in_32_units),
        cmocka_unit_test(test_dear_task_makes_way_after_fewer_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
