/* Giving: a dear task that has waited moves to an idle worker; anything else stays. */
#include "given.h"

#include "lib/wait.h"

/* A task whose activations take a time of the manual clock and do some units of work. */
struct priced {
    struct sched_task task; /* first */
    struct clock_manual *clock;
    uint64_t takes_ns;
    uint32_t units;
    uint32_t ran;
};

static enum task_result priced_run(struct sched_task *task, struct sched_worker *worker) {
    struct priced *p = (struct priced *)(void *)task;
    clock_manual_set(p->clock, p->clock->now_ns + p->takes_ns);
    sched_count(worker, p->units);
    p->ran++;
    return TASK_AGAIN;
}

static const struct task_ops priced_ops = {.run = priced_run, .arrived = clear_note};

#define TASKS_MAX 200

struct fixture {
    struct locals locals;
    struct clock_manual clock;
    struct sched *sched;
    struct sched_worker *worker, *other; /* the first two of four */
    struct priced tasks[TASKS_MAX];
    unsigned count;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    clock_manual_init(&f->clock, NS_PER_S, 0);
    f->sched = given_seeded(&f->locals, 4, 1, &f->clock.clock);
    f->worker = sched_worker_at(f->sched, 0);
    f->other = sched_worker_at(f->sched, 1);
    worker_enter(f->worker);
    worker_read_clock(f->worker);
    atomic_store(&f->worker->measure, true);
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

static void is_idle(struct fixture *f, unsigned worker) {
    atomic_store(&sched_worker_at(f->sched, worker)->idle, true);
    atomic_fetch_add(&f->sched->idle_count, 1);
}

static void other_is_idle(struct fixture *f) {
    is_idle(f, 1);
}

/* All tasks cost the same per unit, and each activation takes `takes_ns`. */
static void given_many(struct fixture *f, unsigned count, uint64_t takes_ns, uint32_t units) {
    f->count = count;
    for (unsigned i = 0; i < count; i++) {
        f->tasks[i] = (struct priced){.clock = &f->clock, .takes_ns = takes_ns, .units = units};
        task_init(&f->tasks[i].task, &priced_ops, f->worker);
        sched_ready(&f->tasks[i].task);
    }
}

static void given_tasks(struct fixture *f, uint64_t takes_ns, uint32_t units) {
    given_many(f, 3, takes_ns, units);
}

static unsigned count_at(const struct fixture *f, unsigned worker) {
    unsigned count = 0;
    for (unsigned i = 0; i < f->count; i++) {
        count += atomic_load(&f->tasks[i].task.home) == sched_worker_at(f->sched, worker);
    }
    return count;
}

static unsigned moved(struct fixture *f) {
    return f->count - count_at(f, 0);
}

static void step(struct fixture *f, unsigned steps) {
    for (unsigned i = 0; i < steps; i++) {
        assert_true(worker_step(f->worker));
    }
}

static void test_dear_old_task_moves_to_an_idle_worker(void **state) {
    struct fixture *f = *state;
    given_tasks(f, NS_PER_MS, 10); /* 100 us a unit */
    other_is_idle(f);

    step(f, 10);

    assert_true(moved(f) > 0);
    worker_enter(f->other);
    assert_true(worker_step(f->other));
}

/* Prices all without a chance to give, until the queue is in order. */
static void price_all(struct fixture *f) {
    f->worker->give_after = UINT64_MAX;
    atomic_fetch_add(&f->sched->idle_count, 1); /* nobody prices while nobody is idle */
    step(f, 3 * f->count);
    atomic_fetch_sub(&f->sched->idle_count, 1);
    f->worker->give_after = 0;
}

static void test_half_of_the_dear_tasks_move_at_once(void **state) {
    struct fixture *f = *state;
    given_many(f, 21, NS_PER_MS, 10);
    price_all(f);
    other_is_idle(f);

    step(f, 1);

    assert_int_equal(moved(f), 10); /* the one that ran last has not waited */
}

static void test_gifts_are_spread_over_all_who_are_idle(void **state) {
    struct fixture *f = *state;
    given_many(f, 21, NS_PER_MS, 10);
    price_all(f);
    is_idle(f, 1);
    is_idle(f, 2);
    is_idle(f, 3);

    step(f, 1);

    assert_int_equal(count_at(f, 1), 4);
    assert_int_equal(count_at(f, 2), 3);
    assert_int_equal(count_at(f, 3), 3);
}

static void test_who_has_got_something_and_not_woken_gets_no_more(void **state) {
    struct fixture *f = *state;
    given_many(f, 21, NS_PER_MS, 10);
    price_all(f);
    is_idle(f, 1);
    step(f, 1);
    assert_int_equal(count_at(f, 1), 10);
    is_idle(f, 3);

    step(f, 1);

    assert_int_equal(count_at(f, 1), 10);
    assert_int_equal(count_at(f, 3), 5);
}

static void test_dear_task_behind_a_cheap_one_is_found(void **state) {
    struct fixture *f = *state;
    given_tasks(f, NS_PER_MS, 10);
    price_all(f);
    f->worker->head->cost_ns = 1;
    struct sched_task *dear = f->worker->head->queue_next;
    other_is_idle(f);

    step(f, 1); /* the cheap one comes to its turn, and is priced anew */

    assert_int_equal(moved(f), 1);
    assert_ptr_equal(atomic_load(&dear->home), f->other);
}

static void test_one_look_is_bounded(void **state) {
    struct fixture *f = *state;
    given_many(f, 200, NS_PER_MS, 10);
    price_all(f);
    other_is_idle(f);

    step(f, 1);

    assert_int_equal(moved(f), 32);
    assert_int_equal(f->worker->queue_length, 168);
}

static void test_cheap_task_stays_however_long_it_waits(void **state) {
    struct fixture *f = *state;
    given_tasks(f, NS_PER_MS, 10000); /* 100 ns a unit */
    other_is_idle(f);

    step(f, 300);

    assert_int_equal(moved(f), 0);
}

static void test_young_task_stays_however_dear_it_is(void **state) {
    struct fixture *f = *state;
    given_tasks(f, 10 * NS_PER_US, 1); /* 10 us a unit; none waits for 100 us */
    other_is_idle(f);

    step(f, 300);

    assert_int_equal(moved(f), 0);
}

static void test_dear_task_stays_while_nobody_is_idle(void **state) {
    struct fixture *f = *state;
    given_tasks(f, NS_PER_MS, 10);

    step(f, 30);

    assert_int_equal(moved(f), 0);
}

static void test_nobody_prices_while_nobody_is_idle(void **state) {
    struct fixture *f = *state;
    given_tasks(f, NS_PER_MS, 10);

    step(f, 30);

    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(f->tasks[i].task.cost_ns, 0);
    }
}

/* Who is idle again and again for a moment never gets to watch, and still is helped to work. */
static void test_slow_worker_gives_at_once_when_somebody_is_idle_again(void **state) {
    struct fixture *f = *state;
    given_many(f, 21, NS_PER_MS, 10);
    price_all(f);
    step(f, 100);
    other_is_idle(f);

    step(f, 1);

    assert_int_equal(moved(f), 10);
}

static void test_worker_that_gets_on_well_stops_measuring(void **state) {
    struct fixture *f = *state;
    given_tasks(f, 100 * NS_PER_US, 1000); /* 100 ns a unit */
    other_is_idle(f);

    step(f, 9);
    assert_true(atomic_load(&f->worker->measure));
    step(f, 1);
    assert_false(atomic_load(&f->worker->measure));
}

static void test_slow_worker_goes_on_measuring(void **state) {
    struct fixture *f = *state;
    given_many(f, 1, NS_PER_MS, 10);
    other_is_idle(f);

    step(f, 100);

    assert_true(atomic_load(&f->worker->measure));
}

static void test_lone_task_is_never_given(void **state) {
    struct fixture *f = *state;
    given_many(f, 1, NS_PER_MS, 1);
    other_is_idle(f);

    step(f, 30);

    assert_int_equal(moved(f), 0);
}

/* One page fault or stolen time slice must not mark a cheap task as dear. */
static void test_one_slow_activation_does_not_make_a_task_dear(void **state) {
    struct fixture *f = *state;
    given_tasks(f, NS_PER_MS, 10000);
    other_is_idle(f);
    step(f, 30);

    for (unsigned i = 0; i < 3; i++) {
        f->tasks[i].takes_ns = NS_PER_S;
    }
    step(f, 3);
    for (unsigned i = 0; i < 3; i++) {
        f->tasks[i].takes_ns = NS_PER_MS;
    }
    step(f, 30);

    assert_int_equal(moved(f), 0);
}

/* Burns real time on a real worker until it ran somewhere else. */
struct burner {
    struct sched_task task; /* first */
    struct sched *sched;
    struct test_counter *elsewhere;
    bool counted;
    _Atomic bool *stop;
};

static enum task_result burn(struct sched_task *task, struct sched_worker *worker) {
    struct burner *b = (struct burner *)(void *)task;
    struct clock *clock = clock_system();
    uint64_t until_ns = clock->now(clock) + 200 * NS_PER_US;
    while (clock->now(clock) < until_ns) {
    }
    sched_count(worker, 1);
    if (worker->index != 0 && !b->counted) {
        b->counted = true;
        test_counter_add(b->elsewhere);
    }
    return atomic_load(b->stop) ? TASK_IDLE : TASK_AGAIN;
}

static void test_sleeping_worker_is_found_and_gets_dear_tasks(void **state) {
    static const struct task_ops ops = {.run = burn, .arrived = clear_note};
    (void)state;
    struct locals locals = {0};
    struct sched *sched = given_threads(&locals, 2);
    struct test_counter elsewhere;
    test_counter_init(&elsewhere);
    static struct burner burners[6];
    static _Atomic bool stop;
    atomic_store(&stop, false);

    for (unsigned i = 0; i < 6; i++) {
        burners[i] = (struct burner){.sched = sched, .elsewhere = &elsewhere, .stop = &stop};
        task_init(&burners[i].task, &ops, sched_worker_at(sched, 0));
        notify(&burners[i].task);
    }

    test_counter_wait(&elsewhere, 1);
    atomic_store(&stop, true);
    end_sched(sched);
    test_counter_fini(&elsewhere);
}

int main(void) {
#define IN_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        IN_FIXTURE(test_dear_old_task_moves_to_an_idle_worker),
        IN_FIXTURE(test_half_of_the_dear_tasks_move_at_once),
        IN_FIXTURE(test_gifts_are_spread_over_all_who_are_idle),
        IN_FIXTURE(test_who_has_got_something_and_not_woken_gets_no_more),
        IN_FIXTURE(test_dear_task_behind_a_cheap_one_is_found),
        IN_FIXTURE(test_one_look_is_bounded),
        IN_FIXTURE(test_cheap_task_stays_however_long_it_waits),
        IN_FIXTURE(test_young_task_stays_however_dear_it_is),
        IN_FIXTURE(test_dear_task_stays_while_nobody_is_idle),
        IN_FIXTURE(test_nobody_prices_while_nobody_is_idle),
        IN_FIXTURE(test_slow_worker_gives_at_once_when_somebody_is_idle_again),
        IN_FIXTURE(test_worker_that_gets_on_well_stops_measuring),
        IN_FIXTURE(test_slow_worker_goes_on_measuring),
        IN_FIXTURE(test_lone_task_is_never_given),
        IN_FIXTURE(test_one_slow_activation_does_not_make_a_task_dear),
        cmocka_unit_test(test_sleeping_worker_is_found_and_gets_dear_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
