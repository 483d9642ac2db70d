/* Windows of restarts, and delays that grow. */
#include "supervise/policy.h"

#include "base/alloc.h"

int window_init(struct window *w, uint32_t limit, uint64_t period_ns) {
    *w = (struct window){.limit = limit, .period_ns = period_ns};
    w->room = limit;
    if (limit > WINDOW_EXACT) {
        /* Entries begin at least a step apart, so that fewer than WINDOW_EXACT + 1 begin within the
         * period, and one before it may still count. */
        w->step_ns = period_ns / WINDOW_EXACT + 1;
        w->room = WINDOW_EXACT + 2;
    }
    if (w->room > 0) {
        w->ring = mem_array(w->room, sizeof *w->ring);
    }
    return w->room > 0 && !w->ring ? -1 : 0;
}

void window_fini(struct window *w) {
    mem_free(w->ring);
    *w = (struct window){.limit = 0};
}

void window_clear(struct window *w) {
    w->oldest = 0;
    w->used = 0;
    w->total = 0;
}

static void forget_old(struct window *w, uint64_t now_ns) {
    while (w->used > 0) {
        const struct window_entry *entry = &w->ring[w->oldest];
        if (now_ns < entry->last_ns || now_ns - entry->last_ns < w->period_ns) {
            return;
        }
        w->total -= entry->count;
        w->oldest = (w->oldest + 1) % w->room;
        w->used--;
    }
}

uint32_t window_count(struct window *w, uint64_t now_ns) {
    forget_old(w, now_ns);
    return w->total;
}

bool window_admit(struct window *w, uint64_t now_ns) {
    if (window_count(w, now_ns) >= w->limit) {
        return false;
    }
    w->total++;
    if (w->used > 0) {
        struct window_entry *newest = &w->ring[(w->oldest + w->used - 1) % w->room];
        if (now_ns - newest->first_ns < w->step_ns) {
            newest->last_ns = now_ns;
            newest->count++;
            return true;
        }
    }
    w->ring[(w->oldest + w->used++) % w->room] = (struct window_entry){now_ns, now_ns, 1};
    return true;
}

/* Compared before it is converted: what is too large for an integer is above the limit. */
static uint64_t at_most(double ns, uint64_t limit_ns) {
    return ns < (double)limit_ns ? (uint64_t)ns : limit_ns;
}

uint64_t backoff_next(struct backoff *b, const struct backoff_policy *policy, uint64_t random) {
    uint64_t max = policy->max_ns;
    uint64_t first = policy->initial_ns < max ? policy->initial_ns : max;
    b->base_ns = b->base_ns ? at_most((double)b->base_ns * policy->factor, max) : first;
    uint64_t base = b->base_ns;
    uint64_t low = at_most((double)base * (1 - policy->jitter), base);
    uint64_t high = at_most((double)base * (1 + policy->jitter), max);
    high = high > base && policy->jitter > 0 ? high : base;
    /* Spread evenly over what is left below the cap: those that fail together at the cap would
     * otherwise all come back together. */
    uint64_t span = high - low;
    return low + (span == UINT64_MAX ? random : random % (span + 1));
}

void backoff_reset(struct backoff *b) {
    b->base_ns = 0;
}
