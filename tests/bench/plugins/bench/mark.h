/* What the actors of the benchmarks tell the driver: attributes with times of CLOCK_MONOTONIC. */
#pragma once

#include <time.h>

#include <troupe/troupe.h>

static inline TROUPE_UNUSED uint64_t bench_now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The measured time lasts from the earliest "started" to the latest "ended" of all actors. */
static inline TROUPE_UNUSED int bench_started(struct troupe_turn *t) {
    return troupe_publish_u64(t, "started", bench_now());
}
static inline TROUPE_UNUSED int bench_ended(struct troupe_turn *t) {
    return troupe_publish_u64(t, "ended", bench_now());
}
