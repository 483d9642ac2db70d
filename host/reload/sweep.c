/* What is left of actors that a reload has removed, or has added in vain, is given back, and so are their plugin files. */
#include <time.h>

#include "base/alloc.h"
#include "reload/reload_impl.h"
#include "sched/sched.h"

/* Who is in a turn for longer than this keeps it until the next reload. */
#define PATIENCE_NS NS_PER_S
#define AGAIN_NS (100 * (long)NS_PER_US)

/* All but those of the plan. Returns how many have ended just now, and are to be asked for again; without memory for it
 * they stay until next time. */
static size_t drop_ended(struct reload *reload) {
    uint32_t *numbers = NULL;
    size_t count = 0;
    size_t left = 0;
    struct dropped *dropped = proc_make_dropped(reload->proc);
    if (!dropped || supervisor_vacate(reload->supervisor, reload->numbers,
                                      reload->plan->actor_count, &numbers, &count, &left) < 0) {
        mem_free(dropped);
        return 0;
    }
    if (count > 0) {
        proc_drop(reload->proc, dropped, numbers, count);
    } else {
        mem_free(dropped);
    }
    mem_free(numbers);
    return left;
}

/* Mostly a moment: until each worker has come to the end of an activation. Seeded, nothing runs meanwhile. */
static bool wait_dropped(struct reload *reload) {
    struct clock *clock = clock_system();
    uint64_t until_ns = clock->now(clock) + PATIENCE_NS;
    bool waits = !sched_is_seeded(proc_sched(reload->proc));
    for (;;) {
        size_t left = drop_ended(reload);
        bool is_over = proc_free_dropped(reload->proc) && left == 0;
        if (is_over || !waits || clock->now(clock) >= until_ns) {
            return is_over;
        }
        (void)nanosleep(&(struct timespec){0, AGAIN_NS}, NULL);
    }
}

/* As if nobody had been dropped. */
bool reload_wait_activations(struct reload *reload) {
    struct dropped *dropped = proc_make_dropped(reload->proc);
    if (!dropped) {
        return false;
    }
    proc_drop(reload->proc, dropped, NULL, 0);
    return wait_dropped(reload);
}

void reload_sweep(struct reload *reload, uint64_t grace_ns) {
    if (wait_dropped(reload)) {
        files_retire_unused(reload, grace_ns);
    }
}

bool reload_needs(struct reload *reload, const struct plan *plan) {
    return plan == reload->plan || supervisor_needs(reload->supervisor, plan);
}
