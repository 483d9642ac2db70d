/* The I/O thread: timers on time, signals, posts, start and stop. */
#include "lib/test.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"
#include "io/loop.h"
#include "lib/wait.h"

struct fixture {
    struct timers timers;
    struct io *io;
    struct test_counter happened;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    timers_init(&f->timers, clock_system());
    test_counter_init(&f->happened);
    *state = f;
    return io_create(clock_system(), &f->timers, &f->io, NULL);
}

static int teardown(void **state) {
    struct fixture *f = *state;
    io_destroy(f->io);
    timers_fini(&f->timers);
    test_counter_fini(&f->happened);
    free(f);
    return 0;
}

static void start(struct fixture *f) {
    struct err err = {0};
    if (io_start(f->io, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

/* --- timers --- */

struct alarm {
    struct timer timer;
    struct fixture *fixture;
    atomic_ullong fired_at;
};

static void alarm_fire(struct timer *timer, uint64_t now_ns) {
    struct alarm *a = LIST_OF(timer, struct alarm, timer);
    atomic_store(&a->fired_at, now_ns);
    test_counter_add(&a->fixture->happened);
}

static struct alarm *alarm_new(struct fixture *f) {
    struct alarm *a = calloc(1, sizeof *a);
    a->timer.fire = alarm_fire;
    a->fixture = f;
    return a;
}

static void test_a_timer_fires_and_not_before_it_is_due(void **state) {
    struct fixture *f = *state;
    struct alarm *a = alarm_new(f);
    start(f);

    timers_start_in(&f->timers, &a->timer, 3 * NS_PER_MS);

    test_counter_wait(&f->happened, 1);
    assert_true(atomic_load(&a->fired_at) >= a->timer.due_ns);
    free(a);
}

static void test_an_earlier_timer_does_not_wait_for_a_later_one(void **state) {
    struct fixture *f = *state;
    struct alarm *late = alarm_new(f);
    struct alarm *early = alarm_new(f);
    start(f);

    timers_start_in(&f->timers, &late->timer, 3600 * NS_PER_S);
    timers_start_in(&f->timers, &early->timer, NS_PER_MS);

    test_counter_wait(&f->happened, 1);
    assert_true(timers_stop(&f->timers, &late->timer));
    assert_true(atomic_load(&early->fired_at) != 0);
    free(late);
    free(early);
}

static void test_a_later_timer_fires_after_the_earliest_was_stopped(void **state) {
    struct fixture *f = *state;
    struct alarm *stopped = alarm_new(f);
    struct alarm *kept = alarm_new(f);
    timers_start_in(&f->timers, &stopped->timer, NS_PER_MS);
    timers_start_in(&f->timers, &kept->timer, 2 * NS_PER_MS);
    timers_stop(&f->timers, &stopped->timer);

    start(f);

    test_counter_wait(&f->happened, 1);
    assert_true(atomic_load(&kept->fired_at) != 0);
    assert_true(atomic_load(&stopped->fired_at) == 0);
    free(stopped);
    free(kept);
}

static void test_a_timer_due_in_the_past_fires_at_once(void **state) {
    struct fixture *f = *state;
    struct alarm *a = alarm_new(f);
    start(f);

    timers_start(&f->timers, &a->timer, 0);

    test_counter_wait(&f->happened, 1);
    free(a);
}

static void test_a_timer_started_before_the_loop_was_made_fires(void **state) {
    struct fixture *f = *state;
    struct timers timers;
    struct io *io = NULL;
    struct alarm *a = alarm_new(f);
    timers_init(&timers, clock_system());
    timers_start_in(&timers, &a->timer, NS_PER_MS);

    assert_int_equal(io_create(clock_system(), &timers, &io, NULL), 0);
    assert_int_equal(io_start(io, NULL), 0);

    test_counter_wait(&f->happened, 1);
    io_destroy(io);
    timers_fini(&timers);
    free(a);
}

static void again_fire(struct timer *timer, uint64_t now_ns) {
    struct alarm *a = LIST_OF(timer, struct alarm, timer);
    timers_start(&a->fixture->timers, timer, now_ns + 100 * NS_PER_US);
    test_counter_add(&a->fixture->happened);
}

static void test_a_timer_may_start_itself_again_and_again(void **state) {
    struct fixture *f = *state;
    struct alarm *a = alarm_new(f);
    a->timer.fire = again_fire;
    start(f);

    timers_start_in(&f->timers, &a->timer, 0);

    test_counter_wait(&f->happened, 50);
    timers_stop(&f->timers, &a->timer);
    free(a);
}

enum { STARTERS = 4, STARTS = 500 };

static void *starter(void *context) {
    struct fixture *f = context;
    struct alarm *alarms[STARTS];
    for (int i = 0; i < STARTS; i++) {
        alarms[i] = alarm_new(f);
        timers_start_in(&f->timers, &alarms[i]->timer, (uint64_t)((STARTS - i) * 1000));
    }
    test_counter_wait(&f->happened, (unsigned long)STARTERS * STARTS);
    for (int i = 0; i < STARTS; i++) {
        timers_stop(&f->timers, &alarms[i]->timer); /* its fire may be in its last lines */
        free(alarms[i]);
    }
    return NULL;
}

static void test_timers_started_by_many_threads_all_fire(void **state) {
    struct fixture *f = *state;
    pthread_t threads[STARTERS];
    start(f);

    for (int i = 0; i < STARTERS; i++) {
        pthread_create(&threads[i], NULL, starter, f);
    }

    for (int i = 0; i < STARTERS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(test_counter_get(&f->happened), STARTERS * STARTS);
}

/* --- posts --- */

struct note {
    struct fixture *fixture;
    char *text;
    char letter;
};

static void add_letter(void *context) {
    struct note *n = context;
    n->text[strlen(n->text)] = n->letter;
    test_counter_add(&n->fixture->happened);
}

static void test_posts_run_in_order(void **state) {
    struct fixture *f = *state;
    char text[8] = "";
    struct note notes[] = {{f, text, 'a'}, {f, text, 'b'}, {f, text, 'c'}};
    start(f);

    for (int i = 0; i < 3; i++) {
        assert_int_equal(io_post(f->io, add_letter, &notes[i], NULL), 0);
    }

    test_counter_wait(&f->happened, 3);
    assert_string_equal(text, "abc");
}

static void test_what_was_posted_runs_before_the_stop(void **state) {
    struct fixture *f = *state;
    char text[8] = "";
    struct note notes[] = {{f, text, 'a'}, {f, text, 'b'}};
    assert_int_equal(io_post(f->io, add_letter, &notes[0], NULL), 0);
    assert_int_equal(io_post(f->io, add_letter, &notes[1], NULL), 0);

    io_stop(f->io); /* never started */

    assert_string_equal(text, "ab");
}

static void test_a_post_after_the_stop_is_refused(void **state) {
    struct fixture *f = *state;
    struct err err = {0};
    start(f);
    io_stop(f->io);

    int status = io_post(f->io, add_letter, NULL, &err);

    assert_int_equal(status, -1);
    assert_int_equal(err.code, ERR_STOPPED);
    assert_string_equal(err.text, "the I/O thread has ended");
    io_stop(f->io);
}

static void test_a_post_without_memory_is_refused(void **state) {
    struct fixture *f = *state;
    struct err err = {0};

    mem_fail_at(1);
    int status = io_post(f->io, add_letter, NULL, &err);
    mem_fail_at(0);

    assert_int_equal(status, -1);
    assert_string_equal(err.text, "out of memory");
}

/* --- the thread and its signals --- */

struct looks {
    struct fixture *fixture;
    char name[16];
    sigset_t blocked;
};

static void look(void *context) {
    struct looks *l = context;
    pthread_getname_np(pthread_self(), l->name, sizeof l->name);
    pthread_sigmask(SIG_SETMASK, NULL, &l->blocked);
    test_counter_add(&l->fixture->happened);
}

static void count_signal(void *context, int signo) {
    struct fixture *f = context;
    assert_int_equal(signo, SIGHUP);
    test_counter_add(&f->happened);
}

static void test_the_thread_has_a_name_and_takes_only_watched_signals(void **state) {
    struct fixture *f = *state;
    struct looks looks = {.fixture = f};
    assert_int_equal(io_signal_start(f->io, SIGHUP, count_signal, f, NULL), 0);
    start(f);

    assert_int_equal(io_post(f->io, look, &looks, NULL), 0);

    test_counter_wait(&f->happened, 1);
    assert_string_equal(looks.name, "troupe-io");
    assert_false(sigismember(&looks.blocked, SIGHUP));
    assert_false(sigismember(&looks.blocked, SIGSEGV));
    assert_true(sigismember(&looks.blocked, SIGTERM));
    assert_true(sigismember(&looks.blocked, SIGUSR1));
}

static void test_each_signal_is_reported(void **state) {
    struct fixture *f = *state;
    assert_int_equal(io_signal_start(f->io, SIGHUP, count_signal, f, NULL), 0);
    start(f);

    for (unsigned long i = 1; i <= 3; i++) {
        raise(SIGHUP);
        test_counter_wait(&f->happened, i);
    }

    io_stop(f->io);
    assert_int_equal(test_counter_get(&f->happened), 3);
}

static void test_a_signal_blocked_elsewhere_reaches_the_thread(void **state) {
    struct fixture *f = *state;
    sigset_t hup;
    sigemptyset(&hup);
    sigaddset(&hup, SIGHUP);
    assert_int_equal(io_signal_start(f->io, SIGHUP, count_signal, f, NULL), 0);
    start(f);
    pthread_sigmask(SIG_BLOCK, &hup, NULL);

    kill(getpid(), SIGHUP);

    test_counter_wait(&f->happened, 1);
    pthread_sigmask(SIG_UNBLOCK, &hup, NULL);
}

static void test_a_signal_that_nobody_can_watch_is_refused(void **state) {
    struct fixture *f = *state;
    struct err err = {0};

    int status = io_signal_start(f->io, SIGKILL, count_signal, f, &err);

    assert_int_equal(status, -1);
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.text, "cannot watch signal 9: invalid argument");
}

static void test_the_default_of_a_signal_is_back_after_the_loop(void **state) {
    struct fixture *f = *state;
    struct io *io = NULL;
    struct sigaction action;
    assert_int_equal(io_create(clock_system(), NULL, &io, NULL), 0);
    assert_int_equal(io_signal_start(io, SIGUSR2, count_signal, f, NULL), 0);

    io_destroy(io);

    assert_int_equal(sigaction(SIGUSR2, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_DFL);
}

static void test_no_memory_for_a_loop_is_reported(void **state) {
    (void)state;
    struct io *io = NULL;
    struct err err = {0};

    mem_fail_at(1);
    int status = io_create(clock_system(), NULL, &io, &err);
    mem_fail_at(0);

    assert_int_equal(status, -1);
    assert_null(io);
    assert_int_equal(err.code, ERR_NOMEM);
    io_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_a_timer_fires_and_not_before_it_is_due),
        TEST(test_an_earlier_timer_does_not_wait_for_a_later_one),
        TEST(test_a_later_timer_fires_after_the_earliest_was_stopped),
        TEST(test_a_timer_due_in_the_past_fires_at_once),
        TEST(test_a_timer_started_before_the_loop_was_made_fires),
        TEST(test_a_timer_may_start_itself_again_and_again),
        TEST(test_timers_started_by_many_threads_all_fire),
        TEST(test_posts_run_in_order),
        TEST(test_what_was_posted_runs_before_the_stop),
        TEST(test_a_post_after_the_stop_is_refused),
        TEST(test_a_post_without_memory_is_refused),
        TEST(test_the_thread_has_a_name_and_takes_only_watched_signals),
        TEST(test_each_signal_is_reported),
        TEST(test_a_signal_blocked_elsewhere_reaches_the_thread),
        TEST(test_a_signal_that_nobody_can_watch_is_refused),
        TEST(test_the_default_of_a_signal_is_back_after_the_loop),
        TEST(test_no_memory_for_a_loop_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
