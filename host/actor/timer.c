/* Timers of an instance: ticks arrive as messages, at most one waiting per timer (TM-2). */
#include <stddef.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"

struct tick_body {
    uint32_t series;
    uint16_t row;
};

static void send_tick(struct pool *pool, struct inst_timer *it) {
    struct msg *m = msg_alloc(pool, MSG_TICK, 0, sizeof(struct tick_body));
    if (!m) {
        atomic_fetch_add_explicit(&it->missed, 1, memory_order_relaxed);
        atomic_store_explicit(&it->waiting, false, memory_order_relaxed);
        return;
    }
    *(struct tick_body *)msg_own_body(m) =
        (struct tick_body){atomic_load_explicit(&it->armed_series, memory_order_relaxed), it->row};
    m->dest = it->uid;
    deliver_host(pool, it->inst, m);
}

/* Runs on whatever thread drives the timers; never together with a stop (timers_stop waits). */
static void fire(struct timer *timer, uint64_t now_ns) {
    struct inst_timer *it = LIST_OF(timer, struct inst_timer, timer);
    if (atomic_exchange_explicit(&it->waiting, true, memory_order_acq_rel)) {
        atomic_fetch_add_explicit(&it->missed, 1, memory_order_relaxed);
    } else {
        send_tick(pools_shared(it->inst->proc->pools), it);
    }
    if (it->period_ns == 0) {
        return;
    }
    it->due_ns += it->period_ns;
    if (it->due_ns <= now_ns) {
        uint64_t late = (now_ns - it->due_ns) / it->period_ns + 1;
        atomic_fetch_add_explicit(&it->missed, late, memory_order_relaxed);
        it->due_ns += late * it->period_ns;
    }
    timers_start(&it->inst->proc->timers, timer, it->due_ns);
}

static struct inst_timer *find(struct inst *in, uint16_t row) {
    struct inst_timer *it = in->more ? in->more->timers : NULL;
    while (it && it->row != row) {
        it = it->next;
    }
    return it;
}

int inst_timer_start(struct runner *r, struct inst *in, uint16_t row, uint64_t first_ns,
                     uint64_t period_ns) {
    struct inst_more *more = inst_more(in);
    struct inst_timer *it = find(in, row);
    if (!more) {
        return -1;
    }
    if (in->quiet || in->phase != PHASE_LIVE) {
        return 0; /* the sources dry up: DR-3 */
    }
    if (!it) {
        it = mem_alloc(sizeof *it);
        if (!it) {
            return -1;
        }
        *it = (struct inst_timer){.timer.fire = fire, .inst = in, .uid = inst_uid(in), .row = row};
        it->next = more->timers;
        more->timers = it;
        in->timed = true;
    }
    (void)timers_stop(&in->proc->timers, &it->timer);
    uint64_t now_ns = in->proc->clock->now(in->proc->clock);
    it->series = ++more->timer_series;
    it->active = true;
    it->period_ns = period_ns;
    it->due_ns = first_ns > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + first_ns;
    atomic_store_explicit(&it->armed_series, it->series, memory_order_relaxed);
    atomic_store_explicit(&it->missed, 0, memory_order_relaxed);
    atomic_store_explicit(&it->waiting, false, memory_order_relaxed);
    if (first_ns == 0) {
        /* due now: no detour over the timers' thread, which would cost a wake-up each way */
        atomic_store_explicit(&it->waiting, true, memory_order_relaxed);
        send_tick(r->pool, it);
        it->due_ns = period_ns > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + period_ns;
    }
    if (first_ns > 0 || period_ns > 0) {
        timers_start(&in->proc->timers, &it->timer, it->due_ns);
    }
    return 0;
}

void inst_timer_stop(struct inst *in, uint16_t row) {
    struct inst_timer *it = find(in, row);
    if (it) {
        (void)timers_stop(&in->proc->timers, &it->timer);
        it->series++; /* a tick already in the mailbox is an old one now */
        it->active = false;
    }
}

/* TM-1: they end with the incarnation. */
void inst_timers_end(struct inst *in) {
    struct inst_more *more = in->more;
    while (more && more->timers) {
        struct inst_timer *it = more->timers;
        more->timers = it->next;
        (void)timers_stop(&in->proc->timers, &it->timer);
        mem_free(it);
    }
}

bool inst_has_timers(const struct inst *in) {
    const struct inst_timer *it = in->more ? in->more->timers : NULL;
    while (it && !it->active) {
        it = it->next;
    }
    return it != NULL;
}

void inst_tick(struct runner *r, struct inst *in, struct msg *m) {
    const struct tick_body *body = msg_body(m);
    struct inst_timer *it = find(in, body->row);
    if (m->dest != inst_uid(in) || !it || it->series != body->series) {
        return;
    }
    it->active = it->period_ns != 0;
    /* first open for the next tick, then read what was missed: a tick in between counts as the next */
    atomic_store_explicit(&it->waiting, false, memory_order_release);
    struct troupe_tick tick = {atomic_exchange_explicit(&it->missed, 0, memory_order_acq_rel),
                               in->proc->clock->now(in->proc->clock)};
    int32_t status = turn_run(r, in, body->row, &tick, m);
    if (status < 0) {
        turn_fail(r, in, body->row, status);
    }
}
