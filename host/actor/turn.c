/* Turns: one activation of an instance, and one run of a row within it. */
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "actor/gate.h"
#include "actor/panic.h"
#include "actor/proc_impl.h"
#include "actor/shadow.h"
#include "actor/turn_impl.h"
#include "base/alloc.h"
#include "base/forget.h"
#include "base/hot.h"

/* Turns of the instance follow, for messages of this row. */
static inline void turns_enter(struct runner *r, struct inst *in, const struct inst_row *row) {
    r->inst = in;
    r->row = row;
    r->ports = in->ports;
    r->plain_count = in->type->plain_rows;
    if (r->now_ns != atomic_load_explicit(&in->since_ns, memory_order_relaxed)) {
        /* else not written: senders by reference read this line */
        atomic_store_explicit(&in->since_ns, r->now_ns, memory_order_relaxed);
    }
}

static inline void turns_leave(struct runner *r) {
    r->inst = NULL;
    r->msg = NULL;
    r->plain_count = 0;
}

/* The time has moved on since the turn began; and before the next one begins. */
__attribute__((noinline)) static void note_time(struct runner *r, struct inst *in) {
    record_time(r, in, atomic_load_explicit(&in->since_ns, memory_order_relaxed));
    r->now_ns = sched_coarse_now(r->worker);
    atomic_store_explicit(&in->since_ns, r->now_ns, memory_order_relaxed);
}

/* The recorder does not know the handler to have run at this time, or there is none yet. */
__attribute__((noinline)) static void note_ran(struct runner *r, struct inst *in,
                                               const struct inst_row *row, uint16_t at) {
    if (in->flight) {
        flight_ran_anew(in->flight, r->now_ns, at, row->name);
    } else {
        record_first_ran(in, r->now_ns, at);
    }
}

/* It has ended; the row's number + 1. */
static inline void turn_note(struct runner *r, struct inst *in, const struct inst_row *row,
                             uint16_t number) {
    if (__builtin_expect(sched_ticked(r->worker) > r->now_ns, 0)) {
        note_time(r, in);
    }
    if (__builtin_expect(!in->flight || !flight_ran_again(in->flight, r->now_ns, number), 0)) {
        note_ran(r, in, row, (uint16_t)(number - 1));
    }
    count_add(&in->processed, 1);
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
    count_add(&r->discarded_turns, 1);
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

/* Not inlined, as the usual turn sends to one place. */
__attribute__((noinline, flatten)) static void commit(struct runner *r, struct inst *in) {
    if (!outbox_commit(r, in, &r->outbox, true)) {
        hold_back(r, in);
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
    if (r->outbox.count > 0 && !outbox_commit_here(r, in, &r->outbox)) {
        commit(r, in);
    }
}

void turn_close(struct runner *r, struct inst *in, struct msg *m, bool failed) {
    close_turn(r, in, m, failed);
}

/* It did not return success. Returns the row's status, < 0. */
__attribute__((cold, noinline)) static int32_t
close_failed(struct runner *r, struct inst *in, uint16_t row, struct msg *m, int32_t status) {
    bool panicked = status == FAULT_STATUS && fault_was_given_up(r->fault);
    if (panicked) {
        status = panic(r, in, &r->fault->report);
    }
    if (r->failed && status >= 0) {
        status = r->fail_status;
    }
    close_turn(r, in, m, true);
    if (in->holds && swap_takes_back(in, r->row->kind, status)) {
        return status; /* W-3: see run_again */
    }
    if (panicked) {
        turn_fail(r, in, row, status); /* whoever called would let it live (FC-2) */
    }
    return status;
}

/* The call itself. */
static inline int32_t turn_call(struct runner *r, struct inst *in, const struct inst_row *row,
                                const void *arg) {
    struct fault_thread *fault = r->fault;
    void *state = in->state;
    gate_call(r, in); /* nothing of the host's is read behind it */
    int32_t status = fault_call(&r->turn, state, arg, row->run, fault);
    if (!gate_return(r)) {
        stuck_come_back(r);
    }
    return status;
}

static inline bool has_failed(const struct runner *r, int32_t status) {
    return __builtin_expect(status < 0 || r->failed, 0);
}

/* W-3: the first turn on new code has failed, so it never was; the code before handles the same once more. */
__attribute__((cold, noinline)) static int32_t run_again(struct runner *r, struct inst *in,
                                                         uint16_t at, const void *arg,
                                                         struct msg *m, int32_t status) {
    if (m && m->kind == MSG_REQUEST) {
        (void)request_remove(in, (struct troupe_once){m->sender, msg_call(m)});
    }
    swap_undo_turn(r, in, at, status);
    if (in->phase != PHASE_LIVE) {
        scratch_reset(&r->scratch);
        turns_leave(r);
        return status;
    }
    return turn_run(r, in, at, arg, m); /* which may lie in turn memory */
}

int32_t turn_run(struct runner *r, struct inst *in, uint16_t at, const void *arg, struct msg *m) {
    const struct inst_row *row = &in->type->rows[at];
    turns_enter(r, in, row);
    turn_begin(r, m);
    if (m && m->flags & MSG_EXTENDED) {
        r->plain_count = 0; /* what it sends carries the trace */
    }
    inst_set_handler(in, DOING_ROW(at));
    if (inst_status(in) == INST_IDLE) {
        inst_move(in, INST_PROCESSING);
    }
    bool is_followed = in->shadowed && shadow_write(r, in, at);
    int32_t status = turn_call(r, in, row, arg);
    if (has_failed(r, status)) {
        status = close_failed(r, in, at, m, status);
        if (in->holds && swap_takes_back(in, row->kind, status)) {
            return run_again(r, in, at, arg, m, status);
        }
    } else {
        close_turn(r, in, m, false);
    }
    if (is_followed) {
        shadow_play(r, in, at, arg, m, status);
    }
    scratch_reset(&r->scratch);
    turn_note(r, in, row, (uint16_t)(at + 1));
    turns_leave(r);
    return status;
}

/* A row that no message came for, and that counts as none. */
static int32_t try_row(struct runner *r, struct inst *in, uint16_t at, const void *arg,
                       bool commits) {
    const struct inst_row *row = &in->type->rows[at];
    uint32_t last = inst_handler_now(in);
    turns_enter(r, in, row);
    turn_begin(r, NULL);
    inst_set_handler(in, DOING_ROW(at));
    int32_t status = turn_call(r, in, row, arg);
    bool panicked = status == FAULT_STATUS && fault_was_given_up(r->fault);
    if (panicked) {
        status = panic(r, in, &r->fault->report);
    }
    status = r->failed && status >= 0 ? r->fail_status : status;
    if (commits && status >= 0) {
        turn_close(r, in, NULL, false);
    } else {
        outbox_discard(r, in, &r->outbox);
    }
    if (commits && panicked) {
        turn_fail(r, in, at, status);
    }
    scratch_reset(&r->scratch);
    turns_leave(r);
    inst_set_handler(in, last);
    return status;
}

int32_t turn_try(struct runner *r, struct inst *in, uint16_t at, const void *arg) {
    return try_row(r, in, at, arg, false);
}

int32_t turn_reconfigure(struct runner *r, struct inst *in, const void *config) {
    return try_row(r, in, in->type->reconfigure, config, true);
}

/* DONE: as REST, at ease to the end. */
enum step { STEP_MORE, STEP_REST, STEP_GONE, STEP_DONE };

/* `limit` is what the worker will have done when the activation's budget is spent. */
static inline bool is_below(const struct runner *r, uint32_t limit) {
    return (int32_t)(limit - sched_done(r->worker)) >
           0; /* the thread may have moved to another worker */
}

static inline void count_handled(struct runner *r) {
    count_add(&r->handled, 1);
}

/* The turn failed, and with it the instance. */
__attribute__((cold, noinline)) static void fail_on(struct runner *r, struct inst *in,
                                                    const struct inst_row *row, struct msg *m,
                                                    int32_t status) {
    uint16_t at = inst_row_index(in->type, row);
    status = close_failed(r, in, at, m, status);
    scratch_reset(&r->scratch);
    turn_note(r, in, row, (uint16_t)(at + 1));
    turns_leave(r);
    count_handled(r);
    turn_fail(r, in, at, status);
    died_on(r, in, at, m);
}

/* Nothing stands between it and its next message: so it is nearly always. */
static inline bool is_at_ease(const struct inst *in) {
    return (atomic_load_explicit(&in->signals, memory_order_relaxed) | in->unease) == 0;
}

/* The first message, which is usual and has just been found. */
static inline struct msg *take_usual(struct runner *r, struct inst *in) {
    queue_count_taken(r);
    sched_count(r->worker, 1);
    return mbox_take_usual(&in->mbox);
}

/* Whether it can be done by turn_usual, for a row that has this among its usual heads. */
static inline bool is_usual(const struct inst *in, const struct msg *m, uint64_t head) {
    return m->head == head && m->dest == inst_uid(in);
}

/* One turn for a usual message, between turns_enter and turns_leave, of an instance at ease: so that it is idle
 * or processing. *m becomes the next message of this kind, if one stands first; else NULL. */
static inline enum step turn_usual(struct runner *r, struct inst *in, const struct inst_row *row,
                                   struct msg **m_, uint32_t limit) {
    struct msg *m = *m_;
    uint64_t head = m->head;
    *m_ = NULL;
    turn_begin(r, m);
    int32_t status = turn_call(r, in, row, m + 1);
    if (has_failed(r, status)) {
        fail_on(r, in, row, m, status);
        return STEP_MORE;
    }
    close_turn(r, in, NULL, false); /* it is no request */
    scratch_reset(&r->scratch);
    turn_note(r, in, row, doing_handler(row->doing));
    count_handled(r);
    msg_release_small(r->pool, m); /* its body is its own */
    if (!is_at_ease(in)) {
        return STEP_MORE;
    }
    if (!in->mbox.head) {
        return __builtin_expect(mbox_is_done(&in->mbox), 1) ? STEP_DONE : STEP_MORE;
    }
    if (is_usual(in, in->mbox.head, head) && is_below(r, limit) && mbox_is_roomy(&in->mbox)) {
        *m_ = take_usual(r, in);
    }
    return STEP_MORE;
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
    rewire_obey(in); /* E-1 */
    swap_ask_again(in);
    return true;
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

static enum step step_message(struct runner *r, struct inst *in) {
    struct msg *m = take(r, in);
    if (!m) {
        return STEP_REST;
    }
    sched_count(r->worker, 1);
    inst_handle(r, in, m);
    return STEP_MORE;
}

/* The row that the first message is usual for; NULL: it is none, or there is none at hand. */
static inline const struct inst_row *find_usual(const struct inst *in) {
    const struct msg *m = in->mbox.head;
    if (!m || !mbox_is_roomy(&in->mbox)) {
        return NULL;
    }
    const struct inst_type *type = in->type;
    bool by_name = m->flags & MSG_BY_NAME;
    uint32_t at = by_name ? type->handlers[m->port % INST_HANDLER_HASHES] - 1u : m->port;
    if (at >= type->row_count) {
        return NULL;
    }
    const struct inst_row *row = &type->rows[at];
    /* what other rows have in place of `named` is an address, and never looks like a head by name */
    return is_usual(in, m, by_name ? row->named : row->usual) ? row : NULL;
}

static enum step step_live(struct runner *r, struct inst *in) {
    if (in->shadowed && (in->hears || mbox_has_message(&in->mbox))) {
        shadow_begin(r, in);
    }
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

static enum step step_slowly(struct runner *r, struct inst *in) {
    if (in->phase == PHASE_CLIENT) {
        return client_step(r, in) ? STEP_REST : STEP_GONE;
    }
    if (in->starts && in->phase == PHASE_LIVE) {
        life_start_seen(r, in);
        return STEP_MORE;
    }
    if (in->finishes && life_finish_simply(r, in)) {
        return STEP_GONE;
    }
    if (in->holds) {
        swap_look(r, in);
    }
    /* a turn that a signal brings may ask for a stop: that too comes before the next message (MB-3) */
    while (inst_has_orders(in)) {
        inst_obey(r, in);
    }
    if (in->paused) { /* a stop of its own may be in what was held back */
        return resume(r, in) ? STEP_MORE : STEP_REST;
    }
    if (in->gated && swap_is_gated(in)) {
        return STEP_REST;
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

/* Whatever is not usual. */
__attribute__((noinline)) static enum step step_unusual(struct runner *r, struct inst *in) {
    if (is_at_ease(in) && mbox_is_spent(&in->mbox)) {
        return STEP_REST;
    }
    inst_set_running(in, true); /* before a message is taken: see inst_is_quiet */
    enum step next = is_at_ease(in) ? step_message(r, in) : step_slowly(r, in);
    r->now_ns = sched_coarse_now(r->worker); /* it may have taken long without a turn that counts */
    return next;
}

static bool has_more_to_do(const struct inst *in) {
    if (inst_has_orders(in)) {
        return true;
    }
    return in->phase == PHASE_LIVE && !in->paused && !in->gated &&
           (in->hears || mbox_has_message(&in->mbox));
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

/* The activation is over. */
static inline void settle(struct inst *in) {
    bool held = (in->unease || in->is_calling || in->timed) &&
                (((in->unease || in->is_calling) && is_held(in)) ||
                 (in->alive_by_timers && has_timers_or_watches(in)));
    if (mbox_has_waiters(&in->mbox)) {
        pause_wake(&in->proc->pauses, &in->mbox);
    }
    uint32_t doing =
        inst_doing(in) & ~(DOING_RUNS | DOING_NOW | DOING_TURN); /* so that it is idle */
    /* release: pairs with inst_is_quiet; who sees it quiet sees what its turns sent */
    atomic_store_explicit(&in->doing, doing | (held ? DOING_RUNS : 0), memory_order_release);
}

/* One activation. */
static inline enum task_result activate(struct runner *r, struct inst *in,
                                        struct sched_worker *worker) {
    uint32_t done = sched_done(worker);
    uint32_t limit = done + sched_budget(worker, &in->mbox.task);
    if ((int32_t)(done - r->look_at) >= 0) {
        queue_look_at_others(r);
    }
    enum step next;
    do {
        const struct inst_row *row = is_at_ease(in) ? find_usual(in) : NULL;
        if (!row) {
            next = step_unusual(r, in);
            continue;
        }
        turns_enter(r, in, row);
        /* before the message is taken: see inst_is_quiet */
        atomic_store_explicit(&in->doing, row->doing, memory_order_relaxed);
        struct msg *m = take_usual(r, in);
        do { /* what the turns for one row have in common has been done once */
            FORGET(r);
            FORGET(in);
            next = turn_usual(r, in, row, &m, limit);
        } while (m);
        turns_leave(r);
    } while (next == STEP_MORE && is_below(r, limit));
    if (next == STEP_GONE) {
        return TASK_GONE;
    }
    settle(in);
    if (move_decide(r, in)) {
        return TASK_MOVE;
    }
    /* MORE: the budget ended between a last message and what follows from it, such as an end. At ease, it
     * has just found nothing more; what came since is noted. */
    bool has_more = next == STEP_REST && !is_at_ease(in) && has_more_to_do(in);
    return next == STEP_MORE || has_more ? TASK_AGAIN : TASK_IDLE;
}

/* Flattened: each message goes through all of this, and calls would cost as much as what they do. What
 * is rare stays apart, as noinline or cold. */
HOT __attribute__((flatten)) enum task_result inst_run(struct sched_task *task,
                                                       struct sched_worker *worker) {
    struct runner *r = worker->local;
    enum task_result result;
    struct sched_task *next = task;
    r->now_ns = sched_coarse_now(worker); /* from then on each step leaves it as it should be */
    do {
        FORGET(worker);
        task = next;
        result = activate(r, (struct inst *)(void *)task, worker);
        /* the thread may have moved to another worker, whose only task it is */
        next = result == TASK_IDLE && r->worker == worker ? sched_run_on(worker, task) : NULL;
    } while (next);
    if (pool_wants_flush(r->pool) && !r->worker->head && !r->worker->next) {
        pool_flush(r->pool);
    }
    return result;
}

HOT bool inst_arrived(struct sched_task *task, struct sched_worker *worker) {
    struct inst *in = (struct inst *)(void *)task;
    mbox_arrived(&in->mbox);
    if (in->phase == PHASE_CLOSED) {
        life_leave(worker->local, in); /* the inbox was what still held it */
        return false;
    }
    return true;
}
