/* Clocks one can replace: real time for the program, a logical one for deterministic runs. */
#pragma once

#include <stdint.h>

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull

/* now: monotonic; wall: since 1970 UTC. Both may be called from any thread. */
struct clock {
    uint64_t (*now)(struct clock *clock);
    int64_t (*wall)(struct clock *clock);
};

/* The system's clocks; static. [any] */
struct clock *clock_system(void);

/* A clock that stands still until moved. */
struct clock_manual {
    struct clock clock;
    _Atomic uint64_t now_ns;
    int64_t wall_base_ns; /* wall = wall_base_ns + now_ns */
};
void clock_manual_init(struct clock_manual *clock, uint64_t now_ns, int64_t wall_base_ns);
void clock_manual_set(struct clock_manual *clock, uint64_t now_ns); /* never backwards */
