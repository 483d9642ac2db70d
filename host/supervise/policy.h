/* Policies as arithmetic: how many restarts within a period, and how long to wait before each.
 *
 * Pure: time and randomness are given by the caller, so that the same calls give the same answers.
 *
 * W-1  of the restarts that a window admitted, no more than `limit` lie within any span shorter than
 *      `period`: [t, t + period).
 * W-2  up to WINDOW_EXACT a window refuses nothing else. A larger limit is counted in steps of
 *      period / WINDOW_EXACT, a step being remembered until its last restart is too old: then up to
 *      one step longer than needed, and memory stays bounded whatever the limit.
 * B-1  a delay lies in [base - jitter, base + jitter] and never above `max`; base begins at `initial`
 *      and grows by `factor` up to `max` until backoff_reset. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "manifest/manifest.h"

#define WINDOW_EXACT 256u

struct window_entry {
    uint64_t first_ns, last_ns;
    uint32_t count;
};

struct window {
    uint32_t limit;
    uint64_t period_ns;
    uint64_t step_ns;          /* restarts less than this apart share an entry; 0: none do */
    struct window_entry *ring; /* owned; NULL for limit 0 */
    uint32_t room, oldest, used;
    uint32_t total; /* restarts in the ring */
};

/* Allocates all it will ever need; -1: no memory. */
int window_init(struct window *w, uint32_t limit, uint64_t period_ns);
void window_fini(struct window *w);
/* Notes a restart at `now`, unless there were too many: then false, and nothing is noted. Times must
 * not go backwards. */
bool window_admit(struct window *w, uint64_t now_ns);
/* Restarts within the last period. */
uint32_t window_count(struct window *w, uint64_t now_ns);
void window_clear(struct window *w);

struct backoff {
    uint64_t base_ns; /* of the last delay, without jitter; 0: there was none */
};

/* The delay before the next restart. `random` is any number, all 64 bits of it. */
uint64_t backoff_next(struct backoff *b, const struct backoff_policy *policy, uint64_t random);
void backoff_reset(struct backoff *b);
