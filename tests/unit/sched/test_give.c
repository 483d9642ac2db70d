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

struct fixture {
    struct locals locals;
    struct clock_manual clock;
    struct sched *sched;
    struct sched_worker *worker, *other;
    struct priced tasks[3];
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    clock_manual_init(&f->clock, NS_PER_S, 0);
    f->sched = given_seeded(&f->locals, 2, 1, &f->clock.clock);
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

static void other_is_idle(struct fixture *f) {
    atomic_store(&f->other->idle, true);
    atomic_store(&f->sched->idle_count, 1);
}

/* All tasks cost the same per unit, and each activation takes `takes_ns`. */
static void given_tasks(struct fixture *f, uint64_t takes_ns, uint32_t units) {
    for (unsigned i = 0; i < 3; i++) {
        f->tasks[i] = (struct priced){.clock = &f->clock, .takes_ns = takes_ns, .units = units};
        task_init(&f->tasks[i].task, &priced_ops, f->worker);
        sched_ready(&f->tasks[i].task);
    }
}

static unsigned moved(struct fixture *f) {
    unsigned count = 0;
    for (unsigned i = 0; i < 3; i++) {
        count += atomic_load(&f->tasks[i].task.home) == f->other;
    }
    return count;
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

    assert_int_equal(moved(f), 2); /* one stays: it runs here at once */
    worker_enter(f->other);
    assert_true(worker_step(f->other));
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

    step(f, 1);

    assert_false(atomic_load(&f->worker->measure));
}

static void test_lone_task_is_never_given(void **state) {
    struct fixture *f = *state;
    f->tasks[0] = (struct priced){.clock = &f->clock, .takes_ns = NS_PER_MS, .units = 1};
    task_init(&f->tasks[0].task, &priced_ops, f->worker);
    sched_ready(&f->tasks[0].task);
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
        IN_FIXTURE(test_cheap_task_stays_however_long_it_waits),
        IN_FIXTURE(test_young_task_stays_however_dear_it_is),
        IN_FIXTURE(test_dear_task_stays_while_nobody_is_idle),
        IN_FIXTURE(test_nobody_prices_while_nobody_is_idle),
        IN_FIXTURE(test_lone_task_is_never_given),
        IN_FIXTURE(test_one_slow_activation_does_not_make_a_task_dear),
        cmocka_unit_test(test_sleeping_worker_is_found_and_gets_dear_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
