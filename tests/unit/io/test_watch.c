/* Watches: one report each, hang-ups, refusals, and no report after the end. */
#include "lib/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/loop.h"
#include "io/watch.h"
#include "lib/wait.h"

struct fixture {
    struct io *io;
    struct io_watch watch;
    struct test_counter reports;
    struct test_counter closings;
    _Atomic uint32_t events; /* of the last report */
    atomic_int fd;
    int pipe[2];
};

static void on_ready(void *context, int fd, uint32_t events) {
    struct fixture *f = context;
    atomic_store(&f->events, events);
    atomic_store(&f->fd, fd);
    test_counter_add(&f->reports);
}

static void on_closed(void *context) {
    struct fixture *f = context;
    test_counter_add(&f->closings);
}

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    test_counter_init(&f->reports);
    test_counter_init(&f->closings);
    signal(SIGPIPE, SIG_IGN);
    return pipe2(f->pipe, O_CLOEXEC) + io_create(clock_system(), NULL, &f->io, NULL) +
           io_start(f->io, NULL);
}

static void close_end(struct fixture *f, int end) {
    if (f->pipe[end] >= 0) {
        close(f->pipe[end]);
        f->pipe[end] = -1;
    }
}

static int teardown(void **state) {
    struct fixture *f = *state;
    io_destroy(f->io);
    close_end(f, 0);
    close_end(f, 1);
    test_counter_fini(&f->reports);
    test_counter_fini(&f->closings);
    free(f);
    return 0;
}

static void watch(struct fixture *f, int fd, uint32_t events) {
    struct err err = {0};
    if (io_watch_start(f->io, &f->watch, fd, events, on_ready, f, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

static void stop(struct fixture *f) {
    unsigned long before = test_counter_get(&f->closings);
    io_watch_stop(f->io, &f->watch, false, on_closed);
    test_counter_wait(&f->closings, before + 1);
}

static void put(struct fixture *f, const char *text) {
    assert_int_equal(write(f->pipe[1], text, strlen(text)), strlen(text));
}

static void beacon_ready(void *context, int fd, uint32_t events) {
    (void)fd;
    (void)events;
    test_counter_add(context);
}

static void beacon_closed(void *context) {
    test_counter_add(context);
}

/* Returns when all that was ready before has been reported: the kernel reports in order of becoming
 * ready, and a beacon becomes ready now. */
static void let_the_loop_report(struct fixture *f) {
    struct io_watch beacon;
    struct test_counter counter;
    int ends[2];
    test_counter_init(&counter);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(
        io_watch_start(f->io, &beacon, ends[0], TROUPE_READABLE, beacon_ready, &counter, NULL), 0);
    test_counter_wait(&counter, 1);
    io_watch_stop(f->io, &beacon, true, beacon_closed);
    test_counter_wait(&counter, 2);
    close(ends[1]);
    test_counter_fini(&counter);
}

static void test_readable_is_reported_with_its_descriptor(void **state) {
    struct fixture *f = *state;
    watch(f, f->pipe[0], TROUPE_READABLE);

    put(f, "x");

    test_counter_wait(&f->reports, 1);
    assert_int_equal(f->events, TROUPE_READABLE);
    assert_int_equal(f->fd, f->pipe[0]);
    stop(f);
}

static void test_i1_a_report_comes_once_until_asked_again(void **state) {
    struct fixture *f = *state;
    watch(f, f->pipe[0], TROUPE_READABLE);
    put(f, "x");
    test_counter_wait(&f->reports, 1);

    put(f, "y");
    let_the_loop_report(f);
    assert_int_equal(test_counter_get(&f->reports), 1);

    assert_int_equal(io_watch_again(f->io, &f->watch, TROUPE_READABLE, NULL), 0);
    test_counter_wait(&f->reports, 2);
    stop(f);
}

static void test_writable_is_reported(void **state) {
    struct fixture *f = *state;

    watch(f, f->pipe[1], TROUPE_WRITABLE);

    test_counter_wait(&f->reports, 1);
    assert_int_equal(f->events, TROUPE_WRITABLE);
    stop(f);
}

static void test_only_what_is_asked_for_is_reported(void **state) {
    struct fixture *f = *state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    watch(f, pair[0], TROUPE_READABLE); /* writable as well */
    let_the_loop_report(f);
    assert_int_equal(test_counter_get(&f->reports), 0);

    assert_int_equal(io_watch_again(f->io, &f->watch, TROUPE_READABLE | TROUPE_WRITABLE, NULL), 0);
    test_counter_wait(&f->reports, 1);

    assert_int_equal(f->events, TROUPE_WRITABLE);
    stop(f);
    close(pair[0]);
    close(pair[1]);
}

static void test_a_hangup_comes_with_what_was_asked_for(void **state) {
    struct fixture *f = *state;
    watch(f, f->pipe[0], TROUPE_READABLE);

    close_end(f, 1);

    test_counter_wait(&f->reports, 1);
    assert_int_equal(f->events, TROUPE_READABLE | TROUPE_HANGUP);
    stop(f);
}

static void test_a_pipe_without_reader_hangs_up_its_writer(void **state) {
    struct fixture *f = *state;
    close_end(f, 0);

    watch(f, f->pipe[1], TROUPE_WRITABLE);

    test_counter_wait(&f->reports, 1);
    assert_int_equal(f->events, TROUPE_WRITABLE | TROUPE_HANGUP);
    stop(f);
}

static void test_blocking_mode_is_left_alone(void **state) {
    struct fixture *f = *state;
    int before = fcntl(f->pipe[0], F_GETFL);

    watch(f, f->pipe[0], TROUPE_READABLE);
    put(f, "x");
    test_counter_wait(&f->reports, 1);

    assert_int_equal(fcntl(f->pipe[0], F_GETFL), before);
    stop(f);
}

static void test_tm3_a_stop_closes_the_descriptor_when_told_to(void **state) {
    struct fixture *f = *state;
    watch(f, f->pipe[0], TROUPE_READABLE);

    io_watch_stop(f->io, &f->watch, true, on_closed);
    test_counter_wait(&f->closings, 1);

    assert_int_equal(write(f->pipe[1], "x", 1), -1); /* EPIPE: the reading end is closed */
    f->pipe[0] = -1;
}

static void stop_in_report(void *context, int fd, uint32_t events) {
    struct fixture *f = context;
    io_watch_stop(f->io, &f->watch, false, on_closed);
    on_ready(context, fd, events);
}

static void test_a_report_may_stop_its_own_watch(void **state) {
    struct fixture *f = *state;
    assert_int_equal(
        io_watch_start(f->io, &f->watch, f->pipe[0], TROUPE_READABLE, stop_in_report, f, NULL), 0);

    put(f, "x");

    test_counter_wait(&f->closings, 1);
    assert_int_equal(test_counter_get(&f->reports), 1);
}

static void test_a_descriptor_may_be_watched_again_after_a_stop(void **state) {
    struct fixture *f = *state;
    put(f, "x");
    for (unsigned long i = 1; i <= 3; i++) {
        watch(f, f->pipe[0], TROUPE_READABLE);
        test_counter_wait(&f->reports, i);
        stop(f);
    }
}

static void test_a_watch_is_closed_at_once_when_the_thread_has_ended(void **state) {
    struct fixture *f = *state;
    watch(f, f->pipe[0], TROUPE_READABLE);
    io_stop(f->io);

    io_watch_stop(f->io, &f->watch, true, on_closed);

    assert_int_equal(test_counter_get(&f->closings), 1);
    assert_int_equal(write(f->pipe[1], "x", 1), -1);
    f->pipe[0] = -1;
}

/* --- refusals --- */

static void assert_refused(struct fixture *f, int fd, uint32_t events, const char *format) {
    struct err err = {0};
    char expected[200];
    snprintf(expected, sizeof expected, format, fd);

    int status = io_watch_start(f->io, &f->watch, fd, events, on_ready, f, &err);

    assert_int_equal(status, -1);
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.text, expected);
}

static void test_what_is_always_ready_is_refused(void **state) {
    struct fixture *f = *state;
    const struct {
        const char *path;
        const char *sentence;
    } cases[] = {
        {__FILE__, "fd %d is a regular file: it is always ready and can't be watched; read it on a "
                   "timer"},
        {"/", "fd %d is a folder: it is always ready and can't be watched; read it on a timer"},
        {"/dev/null", "fd %d is a device without readiness: it is always ready and can't be "
                      "watched; read it on a timer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int fd = open(cases[i].path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_refused(f, fd, TROUPE_READABLE, cases[i].sentence);
        close(fd);
    }
}

static void test_a_descriptor_that_is_not_open_is_refused(void **state) {
    struct fixture *f = *state;

    assert_refused(f, 12345, TROUPE_READABLE, "fd %d is not open");
    assert_refused(f, -1, TROUPE_READABLE, "fd %d is not open");
}

static void test_a_second_watch_on_one_descriptor_is_refused(void **state) {
    struct fixture *f = *state;
    struct io_watch second;
    struct err err = {0};
    char expected[64];
    snprintf(expected, sizeof expected, "fd %d is watched already", f->pipe[0]);
    watch(f, f->pipe[0], TROUPE_READABLE);

    int status = io_watch_start(f->io, &second, f->pipe[0], TROUPE_READABLE, on_ready, f, &err);

    assert_int_equal(status, -1);
    assert_string_equal(err.text, expected);
    stop(f);
}

static void test_events_that_can_not_be_asked_for_are_refused(void **state) {
    struct fixture *f = *state;

    assert_refused(f, 0, 0, "events 0x0 of fd %d are not TROUPE_READABLE, TROUPE_WRITABLE or both");
    assert_refused(f, 0, TROUPE_READABLE | TROUPE_HANGUP,
                   "events 0x5 of fd %d are not TROUPE_READABLE, TROUPE_WRITABLE or both");
}

static void test_a_watch_after_the_stop_is_refused(void **state) {
    struct fixture *f = *state;
    struct err err = {0};
    io_stop(f->io);

    int status = io_watch_start(f->io, &f->watch, f->pipe[0], TROUPE_READABLE, on_ready, f, &err);

    assert_int_equal(status, -1);
    assert_int_equal(err.code, ERR_STOPPED);
    assert_string_equal(err.text, "the I/O thread has ended");
}

static void test_no_memory_is_reported(void **state) {
    struct fixture *f = *state;
    struct err err = {0};

    mem_fail_at(1);
    int status = io_watch_start(f->io, &f->watch, f->pipe[0], TROUPE_READABLE, on_ready, f, &err);
    mem_fail_at(0);

    assert_int_equal(status, -1);
    assert_int_equal(err.code, ERR_NOMEM);
}

/* --- descriptors closed behind our back --- */

static void test_asking_again_for_a_closed_descriptor_is_refused(void **state) {
    struct fixture *f = *state;
    struct err err = {0};
    char expected[64];
    snprintf(expected, sizeof expected, "fd %d is not open", f->pipe[0]);
    watch(f, f->pipe[0], TROUPE_READABLE);
    close_end(f, 0);

    int status = io_watch_again(f->io, &f->watch, TROUPE_READABLE, &err);

    assert_int_equal(status, -1);
    assert_string_equal(err.text, expected);
    stop(f);
}

static void test_an_event_that_outlives_its_watch_is_dropped(void **state) {
    struct fixture *f = *state;
    struct io_watch *ghost = calloc(1, sizeof *ghost);
    int twin = dup(f->pipe[0]);
    assert_int_equal(io_watch_start(f->io, ghost, f->pipe[0], TROUPE_READABLE, on_ready, f, NULL),
                     0);
    close_end(f, 0); /* the twin keeps the kernel's side of the watch alive */
    io_watch_stop(f->io, ghost, false, on_closed);
    test_counter_wait(&f->closings, 1);
    free(ghost);

    int other[2];
    assert_int_equal(pipe2(other, O_CLOEXEC), 0);
    watch(f, other[0], TROUPE_READABLE); /* takes the slot of the ghost */
    put(f, "x");
    let_the_loop_report(f);

    assert_int_equal(test_counter_get(&f->reports), 0);
    stop(f);
    close(other[0]);
    close(other[1]);
    close(twin);
}

/* --- many threads --- */

enum { CHURNERS = 4, CHURNS = 500 };

struct churn {
    struct fixture *fixture;
    struct io_watch watch;
    int fd;
    struct test_counter *closings;
    int *reports; /* plain: the sanitizer sees a report that comes after `closed` */
};

static void churn_ready(void *context, int fd, uint32_t events) {
    struct churn *c = context;
    assert_int_equal(fd, c->fd);
    assert_int_equal(events, TROUPE_READABLE);
    *c->reports += 1;
    (void)io_watch_again(c->fixture->io, &c->watch, TROUPE_READABLE, NULL);
}

static void churn_closed(void *context) {
    struct churn *c = context;
    struct test_counter *closings = c->closings;
    free(c);
    test_counter_add(closings);
}

static void *churner(void *context) {
    struct fixture *f = context;
    struct test_counter closings;
    test_counter_init(&closings);
    for (unsigned long i = 1; i <= CHURNS; i++) {
        int reports = 0;
        int ends[2];
        struct churn *c = calloc(1, sizeof *c);
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        *c = (struct churn){f, .fd = ends[0], .closings = &closings, .reports = &reports};
        assert_int_equal(write(ends[1], "x", 1), 1);
        assert_int_equal(
            io_watch_start(f->io, &c->watch, c->fd, TROUPE_READABLE, churn_ready, c, NULL), 0);
        io_watch_stop(f->io, &c->watch, true, churn_closed);
        test_counter_wait(&closings, i);
        close(ends[1]);
    }
    test_counter_fini(&closings);
    return NULL;
}

static void test_i2_no_report_after_closed_with_many_threads(void **state) {
    struct fixture *f = *state;
    pthread_t threads[CHURNERS];

    for (int i = 0; i < CHURNERS; i++) {
        pthread_create(&threads[i], NULL, churner, f);
    }

    for (int i = 0; i < CHURNERS; i++) {
        pthread_join(threads[i], NULL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_readable_is_reported_with_its_descriptor),
        TEST(test_i1_a_report_comes_once_until_asked_again),
        TEST(test_writable_is_reported),
        TEST(test_only_what_is_asked_for_is_reported),
        TEST(test_a_hangup_comes_with_what_was_asked_for),
        TEST(test_a_pipe_without_reader_hangs_up_its_writer),
        TEST(test_blocking_mode_is_left_alone),
        TEST(test_tm3_a_stop_closes_the_descriptor_when_told_to),
        TEST(test_a_report_may_stop_its_own_watch),
        TEST(test_a_descriptor_may_be_watched_again_after_a_stop),
        TEST(test_a_watch_is_closed_at_once_when_the_thread_has_ended),
        TEST(test_what_is_always_ready_is_refused),
        TEST(test_a_descriptor_that_is_not_open_is_refused),
        TEST(test_a_second_watch_on_one_descriptor_is_refused),
        TEST(test_events_that_can_not_be_asked_for_are_refused),
        TEST(test_a_watch_after_the_stop_is_refused),
        TEST(test_no_memory_is_reported),
        TEST(test_asking_again_for_a_closed_descriptor_is_refused),
        TEST(test_an_event_that_outlives_its_watch_is_dropped),
        TEST(test_i2_no_report_after_closed_with_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
