/* Timers: order, moving, stopping, also while another thread fires. */
#include "lib/test.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/list.h"
#include "sched/timer.h"

#define NOTES_MAX 64

struct fixture {
    struct clock_manual clock;
    struct timers timers;
    int notes[NOTES_MAX]; /* ids of probes, as they fired */
    int note_count;
    int told; /* how often an earlier due time was announced */
};

/* A timer that notes that it fired. */
struct probe {
    struct timer timer;
    struct fixture *fixture;
    int id;
    uint64_t fired_at;
    uint64_t again_at; /* not 0: its fire starts it again for this time */
};

static void probe_fire(struct timer *timer, uint64_t now_ns) {
    struct probe *p = LIST_OF(timer, struct probe, timer);
    assert_true(p->fixture->note_count < NOTES_MAX);
    p->fixture->notes[p->fixture->note_count++] = p->id;
    p->fired_at = now_ns;
    if (p->again_at) {
        timers_start(&p->fixture->timers, timer, p->again_at);
    }
}

static struct probe probe(struct fixture *f, int id) {
    return (struct probe){.timer.fire = probe_fire, .fixture = f, .id = id};
}

static void count_told(void *context) {
    struct fixture *f = context;
    f->told++;
}

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    clock_manual_init(&f->clock, 1000, 0);
    timers_init(&f->timers, &f->clock.clock);
    timers_watch(&f->timers, count_told, f);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    timers_fini(&f->timers);
    free(f);
    return 0;
}

#define ASSERT_NOTES(f, ...)                                                                       \
    do {                                                                                           \
        const int expected_[] = {__VA_ARGS__};                                                     \
        assert_int_equal((f)->note_count, sizeof expected_ / sizeof expected_[0]);                 \
        assert_memory_equal((f)->notes, expected_, sizeof expected_);                              \
    } while (0)

static void test_nothing_pending_is_never_due(void **state) {
    struct fixture *f = *state;

    assert_true(timers_next(&f->timers) == TIMER_NEVER);
    assert_true(timers_run(&f->timers, 5000) == TIMER_NEVER);
}

static void test_due_timers_fire_in_order_of_due_time(void **state) {
    struct fixture *f = *state;
    struct probe a = probe(f, 1), b = probe(f, 2), c = probe(f, 3), d = probe(f, 4);
    timers_start(&f->timers, &a.timer, 300);
    timers_start(&f->timers, &b.timer, 100);
    timers_start(&f->timers, &c.timer, 400);
    timers_start(&f->timers, &d.timer, 200);

    uint64_t next = timers_run(&f->timers, 300);

    ASSERT_NOTES(f, 2, 4, 1);
    assert_int_equal(next, 400);
    assert_int_equal(b.fired_at, 300);
}

static void test_ties_fire_in_order_of_start(void **state) {
    struct fixture *f = *state;
    struct probe a = probe(f, 1), b = probe(f, 2), c = probe(f, 3);
    timers_start(&f->timers, &c.timer, 100);
    timers_start(&f->timers, &a.timer, 100);
    timers_start(&f->timers, &b.timer, 100);
    timers_start(&f->timers, &c.timer, 100); /* moved: now the last */

    timers_run(&f->timers, 100);

    ASSERT_NOTES(f, 1, 2, 3);
}

static void test_a_pending_timer_is_moved_by_start(void **state) {
    struct fixture *f = *state;
    struct probe a = probe(f, 1), b = probe(f, 2);
    timers_start(&f->timers, &a.timer, 100);
    timers_start(&f->timers, &b.timer, 200);

    timers_start(&f->timers, &a.timer, 300);

    assert_int_equal(timers_run(&f->timers, 250), 300);
    ASSERT_NOTES(f, 2);
}

static void test_start_in_counts_from_the_clock(void **state) {
    struct fixture *f = *state;
    struct probe a = probe(f, 1), b = probe(f, 2);

    timers_start_in(&f->timers, &a.timer, 500);
    timers_start_in(&f->timers, &b.timer, UINT64_MAX - 10);

    assert_int_equal(timers_run(&f->timers, 1499), 1500);
    assert_true(timers_run(&f->timers, 1500) == TIMER_NEVER);
    ASSERT_NOTES(f, 1);
}

static void test_a_stopped_timer_does_not_fire(void **state) {
    struct fixture *f = *state;
    struct probe a = probe(f, 1), b = probe(f, 2);
    timers_start(&f->timers, &a.timer, 100);
    timers_start(&f->timers, &b.timer, 100);

    bool was_pending = timers_stop(&f->timers, &a.timer);

    assert_true(was_pending);
    timers_run(&f->timers, 100);
    ASSERT_NOTES(f, 2);
}

static void test_stop_tells_whether_it_was_pending(void **state) {
    struct fixture *f = *state;
    struct probe a = probe(f, 1);

    assert_false(timers_stop(&f->timers, &a.timer));
    timers_start(&f->timers, &a.timer, 100);
    timers_run(&f->timers, 100);
    assert_false(timers_stop(&f->timers, &a.timer));
}

static void test_a_timer_started_by_its_fire_waits_for_the_next_run(void **state) {
    struct fixture *f = *state;
    struct probe a = probe(f, 1);
    a.again_at = 1010;
    timers_start(&f->timers, &a.timer, 100);

    uint64_t next = timers_run(&f->timers, 1000);

    ASSERT_NOTES(f, 1);
    assert_int_equal(next, 1010);
}

static void test_a_due_timer_started_by_a_fire_does_not_keep_the_run_going(void **state) {
    struct fixture *f = *state;
    struct probe a = probe(f, 1), b = probe(f, 2);
    timers_start(&f->timers, &a.timer, 100);
    timers_start(&f->timers, &b.timer, 200);
    a.again_at = 250;

    uint64_t next = timers_run(&f->timers, 300);

    ASSERT_NOTES(f, 1, 2);
    assert_int_equal(next, 250);
}

static void stop_self(struct timer *timer, uint64_t now_ns) {
    struct probe *p = LIST_OF(timer, struct probe, timer);
    timers_start(&p->fixture->timers, timer, now_ns + 5);
    assert_true(timers_stop(&p->fixture->timers, timer));
    assert_false(timers_stop(&p->fixture->timers, timer));
    p->fixture->notes[p->fixture->note_count++] = p->id;
}

static void test_fire_may_stop_its_own_timer(void **state) {
    struct fixture *f = *state;
    struct probe a = probe(f, 1);
    a.timer.fire = stop_self;
    timers_start(&f->timers, &a.timer, 100);

    uint64_t next = timers_run(&f->timers, 100);

    assert_true(next == TIMER_NEVER);
    ASSERT_NOTES(f, 1);
}

static void free_self(struct timer *timer, uint64_t now_ns) {
    (void)now_ns;
    struct probe *p = LIST_OF(timer, struct probe, timer);
    p->fixture->notes[p->fixture->note_count++] = p->id;
    free(p);
}

static void test_fire_may_free_its_own_timer(void **state) {
    struct fixture *f = *state;
    for (int id = 1; id <= 3; id++) {
        struct probe *p = malloc(sizeof *p);
        *p = probe(f, id);
        p->timer.fire = free_self;
        timers_start(&f->timers, &p->timer, 100);
    }

    timers_run(&f->timers, 100);

    ASSERT_NOTES(f, 1, 2, 3);
}

static void test_only_an_earlier_due_time_is_told(void **state) {
    struct fixture *f = *state;
    struct probe a = probe(f, 1), b = probe(f, 2);

    timers_start(&f->timers, &a.timer, 100);
    assert_int_equal(f->told, 1);
    timers_start(&f->timers, &b.timer, 200);
    assert_int_equal(f->told, 1);
    timers_start(&f->timers, &b.timer, 50);
    assert_int_equal(f->told, 2);
    timers_start(&f->timers, &b.timer, 60);
    timers_stop(&f->timers, &b.timer);
    assert_int_equal(f->told, 2);
}

static void test_the_runner_is_not_told_of_what_its_fires_start(void **state) {
    struct fixture *f = *state;
    struct probe a = probe(f, 1);
    a.again_at = 10;
    timers_start(&f->timers, &a.timer, 100);
    f->told = 0;

    timers_run(&f->timers, 100);

    assert_int_equal(f->told, 0);
}

/* --- against a simple model --- */

#define MODEL_COUNT 300

struct model {
    struct fixture *fixture;
    struct probe probes[MODEL_COUNT];
    uint64_t due[MODEL_COUNT]; /* TIMER_NEVER: not pending */
    uint64_t order[MODEL_COUNT];
    uint64_t starts;
    int fired;
};

static struct model *model_now; /* fire has no other way to the model */

static int model_earliest(const struct model *m) {
    int best = -1;
    for (int i = 0; i < MODEL_COUNT; i++) {
        if (m->due[i] != TIMER_NEVER &&
            (best < 0 || m->due[i] < m->due[best] ||
             (m->due[i] == m->due[best] && m->order[i] < m->order[best]))) {
            best = i;
        }
    }
    return best;
}

static void model_fire(struct timer *timer, uint64_t now_ns) {
    struct probe *p = LIST_OF(timer, struct probe, timer);
    struct model *m = model_now;
    assert_int_equal(p->id, model_earliest(m));
    assert_true(m->due[p->id] <= now_ns);
    m->due[p->id] = TIMER_NEVER;
    m->fired++;
}

static void model_step(struct model *m, uint64_t *now) {
    int i = rand() % MODEL_COUNT;
    int choice = rand() % 10;
    if (choice < 6) {
        m->due[i] = *now + (uint64_t)(rand() % 50);
        m->order[i] = ++m->starts;
        timers_start(&m->fixture->timers, &m->probes[i].timer, m->due[i]);
    } else if (choice < 9) {
        bool was_pending = timers_stop(&m->fixture->timers, &m->probes[i].timer);
        assert_int_equal(was_pending, m->due[i] != TIMER_NEVER);
        m->due[i] = TIMER_NEVER;
    } else {
        *now += (uint64_t)(rand() % 10);
        uint64_t next = timers_run(&m->fixture->timers, *now);
        int earliest = model_earliest(m);
        assert_true(next == (earliest < 0 ? TIMER_NEVER : m->due[earliest]));
        assert_true(next > *now);
    }
}

static void test_any_sequence_fires_as_a_sorted_list_would(void **state) {
    struct model *m = calloc(1, sizeof *m);
    m->fixture = *state;
    for (int i = 0; i < MODEL_COUNT; i++) {
        m->probes[i] = probe(*state, i);
        m->probes[i].timer.fire = model_fire;
        m->due[i] = TIMER_NEVER;
    }
    model_now = m;
    srand(7);

    uint64_t now = 0;
    for (int step = 0; step < 20000; step++) {
        model_step(m, &now);
    }

    assert_true(m->fired > 1000);
    free(m);
}

/* --- two threads --- */

struct meeting {
    struct timers *timers;
    struct timer timer;
    sem_t entered; /* fire has begun */
    sem_t go_on;   /* fire may end */
    atomic_bool ended;
};

static void meeting_fire(struct timer *timer, uint64_t now_ns) {
    (void)now_ns;
    struct meeting *m = LIST_OF(timer, struct meeting, timer);
    sem_post(&m->entered);
    sem_wait(&m->go_on);
    timers_start(m->timers, timer, 500); /* a stop that waits must undo this too */
    atomic_store(&m->ended, true);
}

static void *run_thread(void *timers) {
    timers_run(timers, 100);
    return NULL;
}

static void *release_thread(void *meeting) {
    struct meeting *m = meeting;
    sem_post(&m->go_on);
    return NULL;
}

static void test_i3_stop_waits_for_a_firing_in_another_thread(void **state) {
    struct fixture *f = *state;
    struct meeting m = {.timers = &f->timers, .timer.fire = meeting_fire};
    sem_init(&m.entered, 0, 0);
    sem_init(&m.go_on, 0, 0);
    pthread_t runner, releaser;
    timers_watch(&f->timers, NULL, NULL);
    timers_start(&f->timers, &m.timer, 100);
    pthread_create(&runner, NULL, run_thread, &f->timers);
    sem_wait(&m.entered);

    pthread_create(&releaser, NULL, release_thread, &m);
    bool was_pending = timers_stop(&f->timers, &m.timer);

    assert_true(atomic_load(&m.ended));
    assert_true(was_pending);
    pthread_join(runner, NULL);
    pthread_join(releaser, NULL);
    assert_true(timers_next(&f->timers) == TIMER_NEVER);
    sem_destroy(&m.entered);
    sem_destroy(&m.go_on);
}

struct busy {
    struct timers *timers;
    atomic_bool stop;
};

static void *busy_runner(void *context) {
    struct busy *b = context;
    for (uint64_t now = 0; !atomic_load(&b->stop); now++) {
        timers_run(b->timers, now);
    }
    return NULL;
}

/* Freed right after its stop: the sanitizers see a fire that comes too late. */
struct short_lived {
    struct timer timer;
    int *fired; /* the owner's; plain, as only a fire before the stop may touch it */
};

static void short_lived_fire(struct timer *timer, uint64_t now_ns) {
    (void)now_ns;
    *LIST_OF(timer, struct short_lived, timer)->fired += 1;
}

static void test_i3_a_stopped_timer_may_be_freed_while_another_thread_runs(void **state) {
    struct fixture *f = *state;
    struct busy b = {.timers = &f->timers};
    pthread_t runner;
    timers_watch(&f->timers, NULL, NULL);
    pthread_create(&runner, NULL, busy_runner, &b);

    int total = 0;
    for (int i = 0; i < 20000; i++) {
        int fired = 0;
        struct short_lived *s = calloc(1, sizeof *s);
        s->timer.fire = short_lived_fire;
        s->fired = &fired;
        timers_start(&f->timers, &s->timer, (uint64_t)(i % 3 ? 0 : TIMER_NEVER));
        bool was_pending = timers_stop(&f->timers, &s->timer);
        assert_int_equal(fired, was_pending ? 0 : 1);
        total += fired;
        free(s);
    }

    atomic_store(&b.stop, true);
    pthread_join(runner, NULL);
    assert_true(total < 20000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_nothing_pending_is_never_due),
        TEST(test_due_timers_fire_in_order_of_due_time),
        TEST(test_ties_fire_in_order_of_start),
        TEST(test_a_pending_timer_is_moved_by_start),
        TEST(test_start_in_counts_from_the_clock),
        TEST(test_a_stopped_timer_does_not_fire),
        TEST(test_stop_tells_whether_it_was_pending),
        TEST(test_a_timer_started_by_its_fire_waits_for_the_next_run),
        TEST(test_a_due_timer_started_by_a_fire_does_not_keep_the_run_going),
        TEST(test_fire_may_stop_its_own_timer),
        TEST(test_fire_may_free_its_own_timer),
        TEST(test_only_an_earlier_due_time_is_told),
        TEST(test_the_runner_is_not_told_of_what_its_fires_start),
        TEST(test_any_sequence_fires_as_a_sorted_list_would),
        TEST(test_i3_stop_waits_for_a_firing_in_another_thread),
        TEST(test_i3_a_stopped_timer_may_be_freed_while_another_thread_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
