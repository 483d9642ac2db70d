/* The ways of demo.Crash that do not return, or late. */
#define _GNU_SOURCE
#include "demo/crash.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define WAY(name) int die_##name(struct troupe_turn *t, const struct crash_config *config)
#define UNUSED (void)t, (void)config

static volatile int zero;
static volatile unsigned long sink;

WAY(loop) {
    UNUSED;
    while (!zero) {
    }
    return 0;
}

WAY(malloc_loop) {
    UNUSED;
    while (!zero) {
        void *volatile memory = malloc(4000);
        free(memory);
        for (unsigned i = 0; i < 100; i++) {
            sink++;
        }
    }
    return 0;
}

static void nap(uint64_t ns) {
    struct timespec time = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    while (nanosleep(&time, &time) < 0) {
    }
}

WAY(sleep) {
    UNUSED;
    while (!zero) {
        (void)usleep(900000);
    }
    return 0;
}

/* A thread that waits for itself. */
WAY(lock) {
    UNUSED;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    (void)pthread_mutex_lock(&lock);
    (void)pthread_mutex_lock(&lock);
    return 0;
}

/* From a pipe into which nobody writes. */
WAY(read) {
    (void)config;
    int ends[2];
    char byte;
    if (pipe2(ends, 0) < 0) {
        return troupe_fail(t, "no pipe to wait at");
    }
    while (read(ends[0], &byte, 1) < 0) {
    }
    return byte;
}

WAY(slow) {
    (void)t;
    nap(config->time);
    return 0;
}
