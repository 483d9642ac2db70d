/* What an instance does when it is told something: its signals, taken before its next message (MB-3). */
#include <stddef.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"

static void abort_now(struct runner *r, struct inst *in) {
    in->aborted = true;
    if (in->paused) {
        pause_cancel(&in->proc->pauses, &in->more->pauser);
        outbox_abort(r, in, in->more->rest);
        in->paused = false;
    }
    inst_signal_children(in, SIGNAL_ABORT);
    life_stop(r, in, true, REASON_ABORTED);
}

static void go_quiet(struct inst *in) {
    in->quiet = true;
    inst_timers_end(in);
    inst_watches_end(in);
}

/* A child of this worker without anything of its own has neither children nor timers: what it is told changes nothing but
 * what those get that it may make. So it needs no signal, nor an activation; there may be a million. */
static void watch_children(struct runner *r, struct inst *in, uint32_t signals) {
    if (inst_open_children(in) == 0 || inst_is_group(in) || in == in->proc->self) {
        return; /* as in inst_signal_each_child */
    }
    LIST_EACH (link, &in->more->children) {
        struct inst *child = LIST_OF(link, struct inst, sibling);
        bool is_ours = atomic_load_explicit(&child->mbox.task.home, memory_order_relaxed) ==
                       r->worker; /* T-2 */
        if (is_ours && !child->more) {
            child->alive_by_timers = signals & SIGNAL_ALIVE;
            child->watched = true;
        } else {
            inst_signal(child, signals);
        }
    }
}

static void fail_as_told(struct runner *r, struct inst *in) {
    struct inst_end *end =
        atomic_exchange_explicit(&in->more->fail_with, NULL, memory_order_acq_rel);
    if (end) {
        life_fail(r, in, FAILURE_CHILD, end->status, end->text, end->root);
        mem_free(end);
    }
}

/* In a life that has begun. */
static void obey_alive(struct runner *r, struct inst *in, uint32_t signals) {
    if (signals & SIGNAL_STOP) {
        pause_leave(&in->proc->pauses, &in->mbox);
    }
    if (signals & SIGNAL_ABORT) {
        abort_now(r, in);
    } else if (signals & SIGNAL_FAIL) {
        fail_as_told(r, in);
    } else if (signals & (SIGNAL_STOP | SIGNAL_FINISH)) {
        life_stop(r, in, signals & SIGNAL_STOP, REASON_STOPPED);
    } else if (signals & SIGNAL_STOPPING && inst_status(in) == INST_IDLE) {
        inst_move(in, INST_STOPPING); /* DR-3: until its last member has ended */
        inst_tell(in);
    }
}

/* A slot between two lives, or after the last. */
static void obey_down(struct runner *r, struct inst *in, uint32_t signals) {
    if (signals & SIGNAL_CLOSE) {
        in->aborted = signals & SIGNAL_ABORT;
        life_close(r, in);
    } else if (signals & SIGNAL_ABORT) {
        abort_now(r, in);
    } else if (signals & SIGNAL_START) {
        life_start(r, in);
        obey_alive(r, in, signals);
    } else if (signals & SIGNAL_STOP) {
        life_stop(r, in, true, REASON_NOT_STARTED);
    } else if (signals & SIGNAL_FAIL) {
        fail_as_told(r, in);
    } else if (signals & SIGNAL_HOLD) {
        pause_end(&in->proc->pauses, &in->mbox);
    } else if (signals & SIGNAL_UNHOLD) {
        pause_begin(&in->mbox);
    }
}

static uint32_t take_orders(struct inst *in) {
    uint32_t signals = (in->starts ? SIGNAL_START : 0) | (in->finishes ? SIGNAL_FINISH : 0);
    in->starts = in->finishes = false;
    if (atomic_load_explicit(&in->signals, memory_order_relaxed)) {
        /* acquire: pairs with inst_signal */
        signals |= atomic_exchange_explicit(&in->signals, 0, memory_order_acq_rel);
    }
    return signals;
}

void inst_obey(struct runner *r, struct inst *in) {
    uint32_t signals = take_orders(in);
    sched_interrupted(r->worker);
    if (signals & SIGNAL_ABANDON) {
        stuck_abandon(r, in);
    }
    if (signals & SIGNAL_SWAP) {
        swap_obey(r, in);
    }
    if (signals & SIGNAL_WATCH) {
        in->alive_by_timers = signals & SIGNAL_ALIVE;
        in->watched = true;
        watch_children(r, in, signals & (SIGNAL_WATCH | SIGNAL_ALIVE));
    }
    if (signals & SIGNAL_QUIET) {
        go_quiet(in);
    }
    if (signals & SIGNAL_DRAIN) {
        in->inputs_ended |= (signals & SIGNAL_INPUTS_ENDED) != 0;
        in->draining =
            true; /* one that has not started yet does so first: messages may wait for it */
    }
    if (in->phase == PHASE_DOWN) {
        obey_down(r, in, signals);
    } else if (in->phase != PHASE_CLOSED) {
        obey_alive(r, in, signals);
    }
    if (signals & SIGNAL_SWAP) {
        rewire_obey(in);
    }
}
