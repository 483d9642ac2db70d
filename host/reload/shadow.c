/* Before actors go over to new code, it runs behind the code that runs (actor/shadow.h): what becomes of that. */
#include <inttypes.h>
#include <stdio.h>

#include "reload/reload_impl.h"

/* How often actors without a shadow are looked for: some were starting, some have been spawned since. */
#define LOOK_AGAIN_NS (10 * NS_PER_MS)
/* How often it is looked whether all have ended. */
#define END_AGAIN_NS (2 * NS_PER_MS)
/* How many are woken each time; the last of them wakes the others (W-6). */
#define WAKE_AT_ONCE 64u

static uint64_t now(const struct transaction *t) {
    struct clock *clock = proc_clock(t->reload->proc);
    return clock->now(clock);
}

static const struct reload_shadow *shadow_how(const struct transaction *t) {
    return t->how->has_shadow ? &t->how->shadow : &t->reload->plan->manifest->reload.shadow;
}

bool transaction_wants_shadow(const struct transaction *t) {
    return shadow_how(t)->messages > 0 && t->exchange_count > 0;
}

static bool touches_world(const struct inst_type *type) {
    return type->source->note->touches_world;
}

/* Other settings alone are meant to make a difference. */
static bool is_compared(const struct turnover *turnover) {
    return turnover->from && turnover->from->library != turnover->to->library &&
           !touches_world(turnover->from) && !touches_world(turnover->to);
}

static void begin(struct transaction *t, enum swap_phase phase) {
    for (size_t i = 0; i < t->turnover_count; i++) {
        if (is_compared(&t->turnovers[i])) {
            swap_begin_shadow(t->turnovers[i].from, t->turnovers[i].to, phase, t->shadow);
        }
    }
}

static void leave_out_types(const struct transaction *t) {
    for (size_t i = 0; i < t->turnover_count; i++) {
        const struct turnover *turnover = &t->turnovers[i];
        if (turnover->from && (touches_world(turnover->from) || touches_world(turnover->to))) {
            shadow_run_leave_out(t->shadow, turnover->to->id,
                                 "its type acts on the world by itself");
        }
    }
}

/* Those that have not been told yet, or have to end; they wake each other (W-6). */
static uint64_t tell_all(const struct transaction *t) {
    struct proc *proc = t->reload->proc;
    uint64_t sum = 0;
    for (size_t i = 0; i < t->turnover_count; i++) {
        const struct turnover *turnover = &t->turnovers[i];
        uint64_t left = is_compared(turnover) ? swap_signal(proc, turnover->to, NULL, 0) : 0;
        if (left > 0) {
            swap_wake(proc, turnover->to, WAKE_AT_ONCE);
        }
        sum += left;
    }
    return sum;
}

/* Lets things happen until then at the latest; `to` NULL: until the comparison is done. */
static void wait_until(const struct transaction *t, const struct inst_type *to, bool stops,
                       uint64_t until_ns) {
    uint64_t again_ns = now(t) + (to ? END_AGAIN_NS : LOOK_AGAIN_NS);
    uint64_t soon_ns = again_ns < until_ns ? again_ns : until_ns;
    if (t->how->step) {
        t->how->step(t->how->context, soon_ns);
    } else if (to) {
        swap_wait(to, UINT64_MAX, UINT64_MAX, soon_ns);
    } else {
        shadow_run_wait(t->shadow, stops, soon_ns);
    }
}

/* How many actors there are, and how many of them may be compared still. */
static uint64_t count_actors(const struct transaction *t, uint64_t *ret_open) {
    uint64_t sum = 0;
    *ret_open = 0;
    for (size_t i = 0; i < t->turnover_count; i++) {
        uint64_t open = 0;
        if (t->turnovers[i].from) {
            sum += swap_count(t->reload->proc, t->turnovers[i].from, &open);
        }
        *ret_open += is_compared(&t->turnovers[i]) ? open : 0;
    }
    return sum;
}

/* Until enough has been compared, nobody is left who could be, or until then. Returns how many actors there are. */
static uint64_t compare(const struct transaction *t, bool stops, uint64_t until_ns) {
    for (;;) {
        uint64_t open;
        (void)tell_all(t);
        uint64_t all = count_actors(t, &open);
        if (open == 0 || now(t) >= until_ns || shadow_run_is_done(t->shadow, stops)) {
            return all;
        }
        wait_until(t, NULL, stops, until_ns);
    }
}

static void end_all(struct transaction *t) {
    uint64_t until_ns = now(t) + t->reload->plan->manifest->reload.swap_timeout_ns;
    shadow_run_close(t->shadow);
    begin(t, SWAP_UNSHADOW);
    while (tell_all(t) > 0 && now(t) < until_ns) {
        wait_until(t, t->turnovers[0].to, false, until_ns);
    }
}

static int differ(struct transaction *t, struct err *err) {
    const struct shadow_counts *counts = &t->report->shadow;
    (void)snprintf(t->report->actor, sizeof t->report->actor, "%s", counts->actor);
    return err_set(err, ERR_REFUSED,
                   "%" PRIu64 " of %" PRIu64 " turns that were compared differ; first '%s': %s",
                   counts->differences, counts->compared, counts->actor, counts->what);
}

static int have_too_few(const struct transaction *t, uint64_t took_ns, struct err *err) {
    const struct shadow_counts *counts = &t->report->shadow;
    err_set(err, ERR_REFUSED,
            "only %" PRIu64 " of %" PRIu64 " turns could be compared in %" PRIu64 " ms",
            counts->compared, counts->wanted, (uint64_t)(took_ns / NS_PER_MS));
    if (counts->left_out > 0) {
        char text[sizeof err->text];
        (void)snprintf(text, sizeof text, "%.*s; left out were %" PRIu64 ", first '%s': %s", 256,
                       err->text, counts->left_out, counts->left_out_actor, counts->left_out_why);
        return err_set(err, ERR_REFUSED, "%s", text);
    }
    return -1;
}

int transaction_shadow(struct transaction *t, struct err *err) {
    const struct reload_shadow *how = shadow_how(t);
    bool promotes = how->differences == DIFFERENCES_PROMOTE;
    uint64_t from_ns = now(t);
    t->shadow = shadow_run_create(how->messages);
    if (!t->shadow) {
        return err_set(err, ERR_NOMEM, "shadows");
    }
    leave_out_types(t);
    begin(t, SWAP_SHADOW);
    uint64_t actors = compare(t, !promotes, from_ns + how->time_ns);
    end_all(t);
    shadow_run_counts(t->shadow, &t->report->shadow);
    const struct shadow_counts *counts = &t->report->shadow;
    if (promotes || actors == 0) {
        return 0;
    }
    if (counts->differences > 0) {
        return differ(t, err);
    }
    return counts->compared < counts->wanted ? have_too_few(t, now(t) - from_ns, err) : 0;
}
