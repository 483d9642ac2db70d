/* What the fault boundary adds to a call of a plugin: a call through a pointer, the same within the
 * boundary, and around it what the alternatives would cost.
 *
 * usage: bench_fault [CALLS]; prints lines "fault 1 name value", value in ns a call, the least of
 * several rounds, each with all ways in turn. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sched/fault.h"

#define ROUNDS 9

static volatile uint64_t sink;

__attribute__((noinline)) static int32_t handler(struct troupe_turn *turn, void *state,
                                                 const void *arg) {
    (void)turn;
    uint64_t *count = state;
    *count += (uint64_t)(uintptr_t)arg;
    return 0;
}

static int32_t (*volatile pointer)(struct troupe_turn *, void *, const void *) = handler;
static struct fault_thread thread;

static int32_t call_plain(uint64_t *count) {
    return pointer(NULL, count, (void *)1);
}

static int32_t call_boundary(uint64_t *count) {
    return fault_call(NULL, count, (void *)1, pointer, &thread);
}

static int32_t call_jump(uint64_t *count) {
    static sigjmp_buf jump;
    return sigsetjmp(jump, 0) == 0 ? pointer(NULL, count, (void *)1) : -1;
}

static int32_t call_jump_with_mask(uint64_t *count) {
    static sigjmp_buf jump;
    return sigsetjmp(jump, 1) == 0 ? pointer(NULL, count, (void *)1) : -1;
}

static const struct way {
    const char *name;
    int32_t (*call)(uint64_t *count);
    unsigned share; /* one in so many calls is made */
} ways[] = {{"plain", call_plain, 1},
            {"boundary", call_boundary, 1},
            {"sigsetjmp", call_jump, 1},
            {"sigsetjmp-mask", call_jump_with_mask, 32}};
#define WAY_COUNT (sizeof ways / sizeof *ways)

static double measure(const struct way *way, uint64_t calls) {
    struct timespec from;
    struct timespec to;
    uint64_t count = 0;
    calls /= way->share;
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    for (uint64_t i = 0; i < calls; i++) {
        (void)way->call(&count);
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    sink = count;
    double ns = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
    return ns / (double)calls;
}

int main(int argc, char **argv) {
    uint64_t calls = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
    double best[WAY_COUNT] = {0};
    struct err err = {0};
    if (calls < 1000 || fault_thread_init(&thread, &err) < 0) {
        (void)fprintf(stderr, "usage: bench_fault [CALLS, 1000 or more]\n");
        return 2;
    }
    fault_open();
    fault_thread_enter(&thread);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < WAY_COUNT; i++) {
            double ns = measure(&ways[i], calls);
            best[i] = round == 0 || ns < best[i] ? ns : best[i];
        }
    }
    fault_thread_leave(&thread);
    fault_close();
    fault_thread_fini(&thread);
    for (unsigned i = 0; i < WAY_COUNT; i++) {
        (void)printf("fault 1 %s %.2f\n", ways[i].name, best[i]);
    }
    (void)printf("fault 1 added %.2f\n", best[1] - best[0]);
    return 0;
}
