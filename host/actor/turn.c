/* Turns: one activation of an instance, and one run of a row within it. */
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "actor/gate.h"
#include "actor/panic.h"
#include "actor/proc_impl.h"
#include "base/alloc.h"

/* How often a runner looks at what the other workers have queued, in activations. */
#define LOOK_EVERY 32u

static inline void turn_enter(struct runner *r, struct inst *in, uint16_t row, struct msg *m) {
    r->inst = in;
    r->msg = m;
    r->row = &in->type->rows[row];
    r->logged = 0;
    r->answered = false;
    r->failed = false;
    r->has_context = false;
    r->refused = false;
    r->committed = false;
    r->has_flight = false;
    r->ports = in->ports;
    r->port_count = in->ports && !(m && m->flags & MSG_EXTENDED) ? in->type->row_count : 0;
    if (r->now_ns != atomic_load_explicit(&in->since_ns, memory_order_relaxed)) {
        /* else not written: senders by reference read this line */
        atomic_store_explicit(&in->since_ns, r->now_ns, memory_order_relaxed);
    }
    atomic_store_explicit(&in->handler, (uint16_t)(row + 1), memory_order_relaxed);
    if (atomic_load_explicit(&in->status, memory_order_relaxed) == INST_IDLE) {
        inst_move(in, INST_PROCESSING);
    }
}

static inline void turn_leave(struct runner *r, struct inst *in, uint16_t row) {
    uint64_t since_ns = r->now_ns;
    uint64_t now_ns = sched_coarse_now(r->worker);
    if (now_ns != since_ns) {
        record_time(r, in, atomic_load_explicit(&in->since_ns, memory_order_relaxed));
        r->now_ns = sched_coarse_now(r->worker);
    }
    if (in->flight) {
        flight_ran(in->flight, now_ns, row, r->row->name);
    } else {
        record_first_ran(in, now_ns, row);
    }
    uint64_t processed = atomic_load_explicit(&in->processed, memory_order_relaxed);
    atomic_store_explicit(&in->processed, processed + 1, memory_order_relaxed);
    r->inst = NULL;
    r->msg = NULL;
    r->port_count = 0;
}

/* A request that the turn did not answer stays open, to be answered later or refused at the end. */
__attribute__((noinline)) static void keep_request(struct runner *r, struct inst *in,
                                                   struct msg *m) {
    struct troupe_once once = {m->sender, msg_call(m)};
    if (request_add(in, once) < 0) {
        request_refuse(r, in, once, TROUPE_NO_MEMORY, troupe_str("no memory"));
    }
}

static struct outbox *more_room(struct inst *in) {
    struct inst_more *more = in->more; /* made before it began to wait; NULL: no memory */
    if (more && !more->rest) {
        more->rest = mem_alloc(sizeof *more->rest);
    }
    return more ? more->rest : NULL;
}

/* Early commits may have left a rest behind; then everything waits behind it, in order. */
__attribute__((cold, noinline)) static void hold_back(struct runner *r, struct inst *in) {
    struct outbox *rest = more_room(in);
    if (!rest) {
        if (in->more) {
            pause_cancel(&in->proc->pauses, &in->more->pauser);
        }
        outbox_abort(r, in, &r->outbox);
        life_fail(r, in, FAILURE_HOST, TROUPE_NO_MEMORY, "no memory to hold back messages", NULL);
        return;
    }
    outbox_move(&r->outbox, rest);
    in->paused = true;
    record_note(r, in, FLIGHT_PAUSED, rest->count, NULL);
}

/* TX-1: nothing of it was; what it logged is kept, and marked. */
__attribute__((cold, noinline)) static void discard(struct runner *r, struct inst *in,
                                                    struct msg *m) {
    uint64_t discarded = atomic_load_explicit(&r->discarded_turns, memory_order_relaxed);
    atomic_store_explicit(&r->discarded_turns, discarded + 1, memory_order_relaxed);
    /* an answer that was committed early stays the only one */
    r->answered = r->answered && m && !outbox_has_answer(&r->outbox, m->sender, msg_call(m));
    outbox_discard(r, in, &r->outbox);
    if (r->has_flight && in->flight) {
        flight_discard(in->flight, r->flight_at);
    }
    if (r->logged > 0) {
        char name[160];
        inst_name(in, name, sizeof name);
        log_write(in->proc->options.log, r->logged_level, name,
                  "discarded the turn of '%s' that logged the %u line%s before", r->row->name,
                  r->logged, r->logged == 1 ? "" : "s");
    }
}

__attribute__((always_inline)) static inline void close_turn(struct runner *r, struct inst *in,
                                                             struct msg *m, bool failed) {
    if (failed) {
        discard(r, in, m);
    }
    if (m && m->kind == MSG_REQUEST && !r->answered) {
        keep_request(r, in, m);
    }
    if (r->outbox.count > 0 && !outbox_commit(r, in, &r->outbox, true)) {
        hold_back(r, in);
    }
}

void turn_close(struct runner *r, struct inst *in, struct msg *m, bool failed) {
    close_turn(r, in, m, failed);
}

int32_t turn_run(struct runner *r, struct inst *in, uint16_t row, const void *arg, struct msg *m) {
    turn_enter(r, in, row, m);
    struct fault_thread *fault = r->fault;
    int32_t (*run)(struct troupe_turn *, void *, const void *) = r->row->run;
    void *state = in->state;
    gate_call(r, in); /* nothing of the host's is read behind it */
    int32_t status = fault_call(fault, run, &r->turn, state, arg);
    if (!gate_return(r)) {
        stuck_come_back(r);
    }
    bool panicked = status == FAULT_STATUS && fault_was_given_up(fault);
    if (panicked) {
        status = panic(r, in, &fault->report);
    }
    if (r->failed && status >= 0) {
        status = r->fail_status;
    }
    close_turn(r, in, m, status < 0);
    if (panicked) {
        turn_fail(r, in, row, status); /* whoever called would let it live (FC-2) */
    }
    scratch_reset(&r->scratch);
    turn_leave(r, in, row);
    return status;
}

__attribute__((cold, noinline)) void turn_fail(struct runner *r, struct inst *in, uint16_t row,
                                               int32_t status) {
    char text[sizeof r->fail_text + 96];
    const char *name = in->type->rows[row].name;
    if (r->failed || !r->refused) {
        (void)snprintf(text, sizeof text, "%s: %s", name,
                       r->failed ? r->fail_text : troupe_status_text(status));
    } else {
        (void)snprintf(text, sizeof text, "%s: %s (spawn: %s)", name, troupe_status_text(status),
                       r->refusal);
    }
    life_fail(r, in, r->failed ? r->fail_kind : FAILURE_ERROR, status, text, NULL);
}

/* The held-back rest goes on; true when nothing is held back any more. */
static bool resume(struct runner *r, struct inst *in) {
    if (!pause_is_over(&in->proc->pauses, &in->more->pauser)) {
        return false;
    }
    outbox_withdraw(r, in, in->more->rest);
    if (!outbox_commit(r, in, in->more->rest, true)) {
        return false;
    }
    in->paused = false;
    record_note(r, in, FLIGHT_RESUMED, 0, NULL);
    return true;
}

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

static inline bool has_orders(const struct inst *in) {
    return atomic_load_explicit(&in->signals, memory_order_relaxed) || in->starts || in->finishes;
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

static void obey(struct runner *r, struct inst *in) {
    uint32_t signals = take_orders(in);
    sched_interrupted(r->worker);
    if (signals & SIGNAL_ABANDON) {
        stuck_abandon(r, in);
    }
    if (signals & SIGNAL_WATCH) {
        in->alive_by_timers = signals & SIGNAL_ALIVE;
        in->watched = true;
        inst_signal_children(in, signals & (SIGNAL_WATCH | SIGNAL_ALIVE));
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
}

/* Nothing queued and nothing pending: a draining instance may end (DR-1). Its children drain first. */
__attribute__((noinline)) static void drain_on(struct runner *r, struct inst *in) {
    if (in->is_calling) {
        return;
    }
    if (inst_open_children(in) == 0) {
        life_stop(r, in, true, in->inputs_ended ? REASON_INPUTS_ENDED : REASON_DRAINED);
    } else if (!in->children_draining) {
        in->children_draining = true;
        inst_signal_children(in, SIGNAL_DRAIN);
    }
}

static struct msg *take(struct runner *r, struct inst *in) {
    struct msg *m = mbox_take(&in->mbox);
    if (m) {
        queue_count_taken(r);
    }
    return m;
}

/* While stopping, only the ends of children are heard; the rest stays where it is, to be returned. */
static bool stop_on(struct runner *r, struct inst *in) {
    if (in->hears) {
        life_hear(r, in);
        return true;
    }
    struct msg *m = mbox_take_kind(&in->mbox, MSG_ENDED);
    if (!m) {
        return false;
    }
    queue_count_taken(r);
    life_child_ended(r, in, m);
    return true;
}

enum step { STEP_MORE, STEP_REST, STEP_GONE };

static inline enum step step_message(struct runner *r, struct inst *in) {
    struct msg *m = take(r, in);
    if (!m) {
        return STEP_REST;
    }
    sched_count(r->worker, 1);
    inst_handle(r, in, m);
    return STEP_MORE;
}

static enum step step_live(struct runner *r, struct inst *in) {
    if (in->hears) {
        life_hear(r, in);
        return STEP_MORE;
    }
    enum step next = step_message(r, in);
    if (next == STEP_REST && in->draining) {
        drain_on(r, in);
        return in->phase == PHASE_LIVE ? STEP_REST : STEP_MORE;
    }
    return next;
}

/* Nothing stands between it and its next message: so it is nearly always. */
static inline bool is_at_ease(const struct inst *in) {
    return (atomic_load_explicit(&in->signals, memory_order_relaxed) | in->unease) == 0;
}

__attribute__((noinline)) static enum step step_slowly(struct runner *r, struct inst *in) {
    if (in->phase == PHASE_CLIENT) {
        return client_step(r, in) ? STEP_REST : STEP_GONE;
    }
    /* a turn that a signal brings may ask for a stop: that too comes before the next message (MB-3) */
    while (has_orders(in)) {
        obey(r, in);
    }
    if (in->paused) { /* a stop of its own may be in what was held back */
        return resume(r, in) ? STEP_MORE : STEP_REST;
    }
    if (in->phase == PHASE_DOWN) {
        return STEP_REST;
    }
    if (in->phase == PHASE_CLOSED) {
        return STEP_GONE;
    }
    if (in->phase == PHASE_LIVE) {
        return step_live(r, in);
    }
    bool spawned = in->spawned;
    if (life_proceed(r, in)) {
        return spawned ? STEP_GONE : STEP_MORE; /* gone: `in` must not be touched any more */
    }
    return !in->paused && stop_on(r, in) ? STEP_MORE : STEP_REST;
}

static bool has_more_to_do(const struct inst *in) {
    if (has_orders(in)) {
        return true;
    }
    return in->phase == PHASE_LIVE && !in->paused && (in->hears || mbox_has_message(&in->mbox));
}

/* It may not look quiet, though it runs no turn. */
static inline bool is_held(const struct inst *in) {
    bool begun = in->phase != PHASE_DOWN || inst_incarnation(in) > 0;
    bool ordered = in->starts || in->finishes || in->hears;
    return ordered || ((in->paused || in->phase != PHASE_LIVE || in->is_calling) && begun);
}

static inline bool has_timers_or_watches(const struct inst *in) {
    return in->more && (inst_has_timers(in) || inst_has_watches(in));
}

static inline void settle(struct inst *in) {
    bool held = ((in->unease || in->is_calling) && is_held(in)) ||
                (in->alive_by_timers && has_timers_or_watches(in));
    if (mbox_has_waiters(&in->mbox)) {
        pause_wake(&in->proc->pauses, &in->mbox);
    }
    uint16_t handler = atomic_load_explicit(&in->handler, memory_order_relaxed);
    if (handler) {
        atomic_store_explicit(&in->last_handler, handler, memory_order_relaxed);
        atomic_store_explicit(&in->handler, 0, memory_order_relaxed);
    }
    if (atomic_load_explicit(&in->status, memory_order_relaxed) == INST_PROCESSING) {
        inst_move(in, INST_IDLE);
    }
    /* release: pairs with inst_is_quiet; who sees it quiet sees what its turns sent */
    atomic_store_explicit(&in->running, held, memory_order_release);
}

/* Flattened: each message goes through all of this, and calls would cost as much as what they do. What
 * is rare stays apart, as noinline or cold. */
__attribute__((flatten)) enum task_result inst_run(struct sched_task *task,
                                                   struct sched_worker *worker) {
    struct inst *in = (struct inst *)(void *)task;
    struct runner *r = worker->local;
    unsigned budget = sched_budget(worker, task);
    if (++r->activations % LOOK_EVERY == 0) {
        queue_look_at_others(r);
    }
    r->now_ns = sched_coarse_now(worker);
    atomic_store_explicit(&in->running, true, memory_order_relaxed);
    uint32_t before = worker->done;
    enum step next;
    bool at_ease;
    do {
        at_ease = is_at_ease(in);
        next = at_ease ? step_message(r, in) : step_slowly(r, in);
        worker = r->worker; /* the thread may have moved to another */
    } while (next == STEP_MORE && worker->done - before < budget);
    if (next == STEP_GONE) {
        return TASK_GONE;
    }
    settle(in);
    if (pool_wants_flush(r->pool) && !worker->head && !worker->next) {
        pool_flush(r->pool);
    }
    if (move_decide(r, in)) {
        return TASK_MOVE;
    }
    /* MORE: the budget ended between a last message and what follows from it, such as an end. At ease, it
     * has just found nothing more; what came since is noted. */
    return next == STEP_MORE || (!at_ease && has_more_to_do(in)) ? TASK_AGAIN : TASK_IDLE;
}

bool inst_arrived(struct sched_task *task, struct sched_worker *worker) {
    struct inst *in = (struct inst *)(void *)task;
    mbox_arrived(&in->mbox);
    if (in->phase == PHASE_CLOSED) {
        life_leave(worker->local, in); /* the inbox was what still held it */
        return false;
    }
    return true;
}
