/* All actors of some types go over to new code, are watched, and settle, or go back. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "reload/reload_impl.h"

/* When none has gone for as long, those that have not are looked for: some were ending, some have been spawned since. */
#define LOOK_AGAIN_NS (5 * NS_PER_MS)
/* How many are woken when none has gone since: a message may wait for as many. */
#define WAKE_AT_ONCE 64u

static uint64_t now(const struct transaction *t) {
    struct clock *clock = proc_clock(t->reload->proc);
    return clock->now(clock);
}

static void add_counts(struct swap_counts *sum, const struct swap_counts *more) {
    sum->gated += more->gated;
    sum->over += more->over;
    sum->proven += more->proven;
    sum->back += more->back;
    sum->undone += more->undone;
    sum->sent_since += more->sent_since;
    sum->unguarded += more->unguarded;
    sum->settled += more->settled;
    sum->failures += more->failures;
    sum->longest_ns = more->longest_ns > sum->longest_ns ? more->longest_ns : sum->longest_ns;
}

/* Of all types together; the first failure goes into the report. */
static void take_counts(struct transaction *t) {
    struct reload_report *report = t->report;
    report->counts = (struct swap_counts){0};
    for (size_t i = 0; i < t->turnover_count; i++) {
        struct swap_counts counts;
        struct swap_failure failure;
        if (!t->turnovers[i].from) {
            continue;
        }
        swap_counts(t->turnovers[i].to, &counts, &failure);
        add_counts(&report->counts, &counts);
        if (counts.failures > 0 && !report->actor[0]) {
            (void)snprintf(report->actor, sizeof report->actor, "%s", failure.name);
            (void)snprintf(report->reason, sizeof report->reason, "%s", failure.text);
        }
    }
}

static int failed(const struct transaction *t, struct err *err) {
    return err_set(err, ERR_REFUSED, "'%s': %s", t->report->actor, t->report->reason);
}

/* --- waiting --- */

/* Lets things happen, until then at the latest: for the type with this many to go, or any. */
static void wait_for(const struct transaction *t, const struct inst_type *to, uint64_t left,
                     uint64_t until_ns) {
    if (t->how->step) {
        uint64_t soon_ns = now(t) + LOOK_AGAIN_NS;
        t->how->step(t->how->context, soon_ns < until_ns ? soon_ns : until_ns);
        return;
    }
    struct swap_counts counts;
    swap_counts(to, &counts, NULL);
    swap_wait(to, swap_gone(&counts) + left, counts.failures, until_ns);
}

/* The same, for as long as some go: to look for all of them takes the workers' lines and a core. */
static void wait_while_they_go(const struct transaction *t, const struct inst_type *to,
                               uint64_t left, uint64_t until_ns) {
    struct swap_counts counts;
    struct swap_counts before;
    swap_counts(to, &counts, NULL);
    uint64_t most = swap_gone(&counts) + left;
    do {
        uint64_t again_ns = now(t) + LOOK_AGAIN_NS;
        before = counts;
        wait_for(t, to, most - swap_gone(&counts), again_ns < until_ns ? again_ns : until_ns);
        swap_counts(to, &counts, NULL);
    } while (swap_gone(&counts) > swap_gone(&before) && swap_gone(&counts) < most &&
             counts.failures == before.failures && now(t) < until_ns);
}

/* Those of all types that have not gone the way yet; *ret_type is one that has such. */
static uint64_t signal_all(const struct transaction *t, const struct inst_type **ret_type,
                           char *ret_one, size_t size) {
    uint64_t sum = 0;
    for (size_t i = 0; i < t->turnover_count; i++) {
        const struct turnover *turnover = &t->turnovers[i];
        uint64_t left = turnover->from ? swap_signal(t->reload->proc, turnover->to,
                                                     sum ? NULL : ret_one, sum ? 0 : size)
                                       : 0;
        *ret_type = left && !sum ? turnover->to : *ret_type;
        sum += left;
    }
    return sum;
}

/* When they don't wake each other, or no longer. */
static void wake_some(const struct transaction *t, bool is_first) {
    for (size_t i = 0; i < t->turnover_count; i++) {
        if (t->turnovers[i].from) {
            swap_wake(t->reload->proc, t->turnovers[i].to, is_first ? 1 : WAKE_AT_ONCE);
        }
    }
}

/* Until all have gone; 0: they have. Else how many have not: none has gone for as long as it was until `until`, or,
 * `stops_on_failure`, one failed. */
static uint64_t drive(struct transaction *t, bool stops_on_failure, uint64_t until_ns,
                      char *ret_one, size_t size) {
    uint64_t before = UINT64_MAX;
    const uint64_t most_ns = until_ns - now(t);
    for (;;) {
        const struct inst_type *type = NULL;
        const struct swap_counts *counts = &t->report->counts;
        uint64_t left = signal_all(t, &type, ret_one, size);
        take_counts(t);
        uint64_t now_ns = now(t);
        if (left == 0 || now_ns >= until_ns || (stops_on_failure && counts->failures > 0)) {
            return left;
        }
        if (counts->over + counts->back == before || before == UINT64_MAX) {
            wake_some(t, before == UINT64_MAX);
        } else {
            until_ns = now_ns + most_ns; /* the others have had their turn */
        }
        before = counts->over + counts->back;
        wait_while_they_go(t, type, left, until_ns);
    }
}

/* --- over --- */

static void begin(struct transaction *t, enum swap_phase phase, uint64_t probation) {
    for (size_t i = 0; i < t->turnover_count; i++) {
        const struct turnover *turnover = &t->turnovers[i];
        if (turnover->from) {
            swap_begin(turnover->from, turnover->to, phase, probation);
        }
    }
}

static const struct manifest *manifest_of(const struct transaction *t) {
    return t->reload->plan->manifest;
}

static uint64_t until_over(const struct transaction *t) {
    return now(t) + (t->how->over_ns ? t->how->over_ns : manifest_of(t)->reload.swap_timeout_ns);
}

static int all_over(struct transaction *t, struct err *err) {
    char one[160] = "";
    uint64_t left = drive(t, true, until_over(t), one, sizeof one);
    if (t->report->counts.failures > 0) {
        return failed(t, err);
    }
    if (left > 0) {
        (void)snprintf(t->report->actor, sizeof t->report->actor, "%s", one);
        return err_set(err, ERR_FAILED,
                       "'%s' has not come to the end of a turn in time%s; 'reload.swap_timeout' "
                       "says how long that may take",
                       one, left > 1 ? ", nor have others" : "");
    }
    return 0;
}

int transaction_await_late(struct transaction *t, struct err *err) {
    uint64_t until_ns = until_over(t);
    for (size_t i = 0; i < t->turnover_count; i++) {
        const struct turnover *turnover = &t->turnovers[i];
        while (turnover->from &&
               (swap_is_busy(turnover->to) || swap_awaits(t->reload->proc, turnover->to))) {
            if (now(t) >= until_ns) {
                return err_set(err, ERR_REFUSED,
                               "actor type '%s': a reload before was taken back, and an actor that "
                               "it waited for in vain has not come back yet",
                               turnover->to->id);
            }
            wait_for(t, turnover->to, UINT32_MAX, now(t) + LOOK_AGAIN_NS);
        }
    }
    return 0;
}

static void make_current(const struct transaction *t, bool is_back) {
    for (size_t i = 0; i < t->turnover_count; i++) {
        const struct turnover *turnover = &t->turnovers[i];
        type_make_current(turnover->to->line, is_back ? turnover->from : turnover->to);
    }
}

static uint64_t probation_messages(const struct transaction *t) {
    return t->how->has_probation ? t->how->probation_messages
                                 : manifest_of(t)->reload.probation_messages;
}

enum reload_mode transaction_mode(const struct transaction *t) {
    return t->how->has_mode ? t->how->mode : manifest_of(t)->reload.mode;
}

/* So many of one type. */
static void some_of(struct transaction *t, const struct inst_type *to, uint64_t most,
                    uint64_t until_ns) {
    struct swap_counts counts = {0};
    while (counts.over < most && counts.failures == 0 && now(t) < until_ns) {
        uint64_t told = swap_signal_some(t->reload->proc, to, most - counts.over);
        if (told == 0) {
            return;
        }
        wait_for(t, to, told, now(t) + LOOK_AGAIN_NS);
        swap_counts(to, &counts, NULL);
    }
}

static int some_over(struct transaction *t, uint64_t most, struct err *err) {
    uint64_t until_ns = until_over(t);
    begin(t, SWAP_OVER, probation_messages(t));
    for (size_t i = 0; i < t->turnover_count; i++) {
        if (t->turnovers[i].from) {
            some_of(t, t->turnovers[i].to, most, until_ns);
        }
    }
    take_counts(t);
    return t->report->counts.failures > 0 ? failed(t, err) : 0;
}

int transaction_canary(struct transaction *t, struct err *err) {
    uint32_t most = t->how->has_mode ? t->how->canary : manifest_of(t)->reload.canary;
    return some_over(t, most, err) < 0 || transaction_prove(t, err) < 0 ? -1 : 0;
}

/* --- all at once --- */

#define GATE_PATIENCE_NS (50 * NS_PER_MS)

/* Whether all stop between two turns, and soon: meanwhile they do nothing. */
static bool all_stop(struct transaction *t) {
    char one[160];
    uint64_t until_ns = now(t) + GATE_PATIENCE_NS;
    begin(t, SWAP_GATE, 0);
    for (;;) {
        const struct inst_type *type = NULL;
        uint64_t there = signal_all(t, &type, one, sizeof one);
        take_counts(t);
        uint64_t gated = t->report->counts.gated;
        if (gated >= there || now(t) >= until_ns) {
            return gated >= there;
        }
        wait_for(t, type, there - gated, now(t) + LOOK_AGAIN_NS);
    }
}

static void open_all(const struct transaction *t) {
    for (size_t i = 0; i < t->turnover_count; i++) {
        if (t->turnovers[i].from) {
            swap_open(t->reload->proc, t->turnovers[i].to);
        }
    }
}

/* By what one took. */
static bool is_cheap(const struct transaction *t) {
    uint64_t left = 0;
    for (size_t i = 0; i < t->turnover_count; i++) {
        left += t->turnovers[i].from ? swap_left(t->reload->proc, t->turnovers[i].to) : 0;
    }
    return t->report->counts.longest_ns * left <= RELOAD_ATOMIC_NS;
}

static int gate(struct transaction *t, struct err *err) {
    if (some_over(t, 1, err) < 0) {
        return -1;
    }
    t->report->at_once = is_cheap(t) && all_stop(t);
    if (!t->report->at_once) {
        open_all(t); /* rolling, then */
    }
    return 0;
}

int transaction_over(struct transaction *t, struct err *err) {
    if (transaction_mode(t) == RELOAD_ATOMIC && gate(t, err) < 0) {
        return -1;
    }
    begin(t, SWAP_OVER, probation_messages(t));
    int status = all_over(t, err);
    if (status == 0) {
        make_current(t, false);
        status = all_over(t, err); /* those that were spawned meanwhile */
    }
    open_all(t);
    return status;
}

int transaction_prove(struct transaction *t, struct err *err) {
    uint64_t most_ns = t->how->has_probation ? t->how->probation_ns
                                             : t->reload->plan->manifest->reload.probation_ns;
    uint64_t until_ns = now(t) + most_ns;
    for (;;) {
        take_counts(t);
        if (t->report->counts.failures > 0) {
            return failed(t, err);
        }
        uint64_t now_ns = now(t);
        if (now_ns >= until_ns || t->turnover_count == 0) {
            return 0;
        }
        wait_for(t, t->turnovers[0].to, UINT32_MAX, until_ns);
    }
}

/* Until nobody refers to this type, which is to go; not for ever. */
static void wait_until_free(const struct transaction *t, const struct turnover *turnover,
                            const struct inst_type *type, uint64_t until_ns) {
    struct proc *proc = t->reload->proc;
    uint64_t before = UINT64_MAX;
    while (swap_refers(proc, type) && now(t) < until_ns) {
        uint64_t left = swap_signal(proc, turnover->to, NULL, 0);
        if (left >= before || before == UINT64_MAX) {
            swap_wake(proc, turnover->to, before == UINT64_MAX ? 1 : WAKE_AT_ONCE);
        }
        before = left;
        wait_while_they_go(t, turnover->to, left ? left : UINT32_MAX, until_ns);
    }
}

static void wait_until_all_free(const struct transaction *t, bool is_back, uint64_t until_ns) {
    for (size_t i = 0; i < t->turnover_count; i++) {
        const struct turnover *turnover = &t->turnovers[i];
        if (turnover->from) {
            wait_until_free(t, turnover, is_back ? turnover->to : turnover->from, until_ns);
        }
    }
}

void transaction_settle(struct transaction *t) {
    begin(t, SWAP_SETTLE, 0);
    wait_until_all_free(t, false, now(t) + t->reload->plan->manifest->reload.swap_timeout_ns);
}

void transaction_back(struct transaction *t) {
    char one[160];
    make_current(t, true);
    begin(t, SWAP_BACK, probation_messages(t));
    uint64_t most_ns = manifest_of(t)->reload.swap_timeout_ns;
    t->report->stranded = drive(t, false, now(t) + most_ns, one, sizeof one);
    if (t->report->stranded == 0) {
        wait_until_all_free(t, true, now(t) + most_ns);
    }
}
