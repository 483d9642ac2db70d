/* Clocks one can replace; see clock.h. */
#include "base/clock.h"

#include <stdbool.h>
#include <time.h>

#include "base/hot.h"

HOT static uint64_t system_now(struct clock *clock) {
    (void)clock;
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail for this clock */
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static int64_t system_wall(struct clock *clock) {
    (void)clock;
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t); /* cannot fail for this clock */
    return (int64_t)t.tv_sec * (int64_t)NS_PER_S + t.tv_nsec;
}

struct clock *clock_system(void) {
    static struct clock clock = {.now = system_now, .wall = system_wall};
    return &clock;
}

static uint64_t manual_now(struct clock *clock) {
    /* acquire: pairs with clock_manual_set; who sees the time sees what was done before it */
    struct clock_manual *manual = (struct clock_manual *)clock;
    return __atomic_load_n((uint64_t *)&manual->now_ns, __ATOMIC_ACQUIRE);
}

static int64_t manual_wall(struct clock *clock) {
    return ((struct clock_manual *)clock)->wall_base_ns + (int64_t)manual_now(clock);
}

void clock_manual_init(struct clock_manual *clock, uint64_t now_ns, int64_t wall_base_ns) {
    clock->clock = (struct clock){.now = manual_now, .wall = manual_wall};
    clock->now_ns = now_ns;
    clock->wall_base_ns = wall_base_ns;
}

void clock_manual_set(struct clock_manual *clock, uint64_t now_ns) {
    uint64_t seen = __atomic_load_n((uint64_t *)&clock->now_ns, __ATOMIC_RELAXED);
    /* release: pairs with the acquire in manual_now */
    while (seen < now_ns &&
           !__atomic_compare_exchange_n((uint64_t *)&clock->now_ns, &seen, now_ns, true,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
    }
}
