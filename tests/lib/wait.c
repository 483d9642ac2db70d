/* Waiting in tests; see wait.h. */
#include "lib/wait.h"

#include <poll.h>
#include <time.h>

#include "lib/test.h"

void test_counter_init(struct test_counter *counter) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&counter->lock, NULL);
    pthread_cond_init(&counter->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    counter->count = 0;
}

void test_counter_fini(struct test_counter *counter) {
    pthread_cond_destroy(&counter->changed);
    pthread_mutex_destroy(&counter->lock);
}

void test_counter_add(struct test_counter *counter) {
    pthread_mutex_lock(&counter->lock);
    counter->count++;
    pthread_cond_broadcast(&counter->changed);
    pthread_mutex_unlock(&counter->lock);
}

unsigned long test_counter_get(struct test_counter *counter) {
    pthread_mutex_lock(&counter->lock);
    unsigned long count = counter->count;
    pthread_mutex_unlock(&counter->lock);
    return count;
}

static struct timespec deadline(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += TEST_DEADLINE_S;
    return t;
}

void test_counter_wait(struct test_counter *counter, unsigned long least) {
    struct timespec until = deadline();
    int status = 0;
    pthread_mutex_lock(&counter->lock);
    while (counter->count < least && status == 0) {
        status = pthread_cond_timedwait(&counter->changed, &counter->lock, &until);
    }
    unsigned long count = counter->count;
    pthread_mutex_unlock(&counter->lock);
    if (count < least) {
        fail_msg("only %lu of %lu happened within %d s", count, least, TEST_DEADLINE_S);
    }
}

void test_wait_until_at(bool (*holds)(void *context), void *context, const char *file, int line) {
    struct timespec until = deadline();
    struct timespec now = {0};
    while (!holds(context)) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec > until.tv_sec) {
            print_error("what was waited for did not come within %d s\n", TEST_DEADLINE_S);
            _fail(file, line);
        }
        (void)poll(NULL, 0, 1);
    }
}
