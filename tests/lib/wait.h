/* Waiting in tests: for what happens, never for a time. All fail the test after half a minute. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#define TEST_DEADLINE_S 30

/* Counts what happens in other threads. */
struct test_counter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned long count;
};

void test_counter_init(struct test_counter *counter);
void test_counter_fini(struct test_counter *counter);
/* [any] */
void test_counter_add(struct test_counter *counter);
unsigned long test_counter_get(struct test_counter *counter);
/* Returns when the count is `least` or more. */
void test_counter_wait(struct test_counter *counter, unsigned long least);

/* Asks `holds` again and again until it does: for what nobody announces, such as a file's growth. */
#define test_wait_until(holds, context) test_wait_until_at(holds, context, __FILE__, __LINE__)
void test_wait_until_at(bool (*holds)(void *context), void *context, const char *file, int line);
