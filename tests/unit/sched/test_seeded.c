/* The seeded mode: one thread, an order that the seed decides, every interleaving between tasks. */
#include "given.h"

#include <string.h>

#define TASKS 12u
#define NOTES 4000u

struct story;

struct player {
    struct sched_task task;
    struct story *story;
    uint32_t index;
    uint32_t asked;
};

/* Tasks that ask each other, and the order in which they ran. */
struct story {
    struct locals locals;
    struct clock_manual clock;
    struct sched *sched;
    struct player players[TASKS];
    struct {
        uint32_t player, worker;
    } order[NOTES];
    uint32_t count;
    uint32_t moved; /* runs that were not on the worker where the task began */
    bool wrong_home;
};

static enum task_result play(struct sched_task *task, struct sched_worker *worker) {
    struct player *p = (struct player *)(void *)task;
    struct story *s = p->story;
    s->wrong_home |= atomic_load(&task->home) != worker || sched_current() != worker;
    s->moved += worker->index != p->index % sched_worker_count(s->sched);
    if (s->count == NOTES) {
        p->asked = 0;
        return TASK_IDLE;
    }
    s->order[s->count].player = p->index;
    s->order[s->count].worker = worker->index;
    s->count++;
    sched_count(worker, 1);
    uint32_t to = (p->index * 7 + s->count) % TASKS;
    s->players[to].asked++;
    if (atomic_load(&s->players[to].task.home) == worker) {
        sched_ready(&s->players[to].task);
    } else {
        notify(&s->players[to].task);
    }
    p->asked -= p->asked > 0;
    return p->asked > 0 ? TASK_AGAIN : TASK_IDLE;
}

static const struct task_ops play_ops = {.run = play, .arrived = clear_note};

static struct story *told(uint64_t seed) {
    struct story *s = calloc(1, sizeof *s);
    clock_manual_init(&s->clock, 1, 0);
    s->sched = given_seeded(&s->locals, 3, seed, &s->clock.clock);
    for (uint32_t i = 0; i < TASKS; i++) {
        s->players[i] = (struct player){.story = s, .index = i, .asked = 1};
        task_init(&s->players[i].task, &play_ops, sched_worker_at(s->sched, i));
        notify(&s->players[i].task);
    }
    (void)sched_step_all(s->sched, UINT64_MAX);
    return s;
}

static void forget(struct story *s) {
    end_sched(s->sched);
    free(s);
}

static void test_same_seed_gives_the_same_order(void **state) {
    (void)state;

    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct story *a = told(seed);
        struct story *b = told(seed);

        assert_int_equal(a->count, NOTES);
        assert_memory_equal(a->order, b->order, sizeof a->order);

        forget(a);
        forget(b);
    }
}

static void test_other_seeds_give_other_orders(void **state) {
    (void)state;
    struct story *a = told(1);
    struct story *b = told(2);

    assert_memory_not_equal(a->order, b->order, sizeof a->order);

    forget(a);
    forget(b);
}

static void test_t1_tasks_run_at_home_and_move_now_and_then(void **state) {
    (void)state;
    struct story *s = told(5);

    assert_false(s->wrong_home);
    assert_true(s->moved > 0);

    forget(s);
}

static void test_steps_end_when_nothing_is_runnable(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_seeded(&locals, 2, 1, clock_system());

    assert_int_equal(sched_step_all(sched, UINT64_MAX), 0);

    end_sched(sched);
}

static enum task_result run_on(struct sched_task *task, struct sched_worker *worker) {
    (void)task;
    (void)worker;
    return TASK_AGAIN;
}

static void test_steps_are_at_most_those_asked_for(void **state) {
    (void)state;
    static const struct task_ops ops = {.run = run_on, .arrived = clear_note};
    struct locals locals = {0};
    struct sched *sched = given_seeded(&locals, 2, 1, clock_system());
    struct sched_task task;
    task_init(&task, &ops, sched_worker_at(sched, 0));
    notify(&task);

    assert_int_equal(sched_step_all(sched, 17), 17);
    assert_null(sched_current());

    end_sched(sched);
}

static void test_budgets_are_mostly_tiny_and_sometimes_whole(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_seeded(&locals, 1, 1, clock_system());
    struct sched_task task = {0};
    unsigned tiny = 0;
    unsigned whole = 0;

    for (unsigned i = 0; i < 400; i++) {
        unsigned budget = sched_budget(sched_worker_at(sched, 0), &task);
        tiny += budget >= 1 && budget <= 8;
        whole += budget == SCHED_BUDGET;
    }

    assert_int_equal(tiny + whole, 400);
    assert_true(tiny > 200 && whole > 20);
    end_sched(sched);
}

static void test_random_numbers_stay_below_their_bound_and_reach_all(void **state) {
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_seeded(&locals, 1, 9, clock_system());
    bool seen[5] = {false};

    for (unsigned i = 0; i < 200; i++) {
        uint64_t number = sched_random(sched, 5);
        assert_true(number < 5);
        seen[number] = true;
    }

    for (unsigned i = 0; i < 5; i++) {
        assert_true(seen[i]);
    }
    end_sched(sched);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_seed_gives_the_same_order),
        cmocka_unit_test(test_other_seeds_give_other_orders),
        cmocka_unit_test(test_t1_tasks_run_at_home_and_move_now_and_then),
        cmocka_unit_test(test_steps_end_when_nothing_is_runnable),
        cmocka_unit_test(test_steps_are_at_most_those_asked_for),
        cmocka_unit_test(test_budgets_are_mostly_tiny_and_sometimes_whole),
        cmocka_unit_test(test_random_numbers_stay_below_their_bound_and_reach_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
