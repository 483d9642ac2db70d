/* The lives of a slot: start, stop, failure, end, the close; and how a parent hears of the end. */
#include <stdio.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "actor/shadow.h"
#include "base/alloc.h"
#include "base/prefetch.h"

static struct troupe_str reason_text(const struct inst *in) {
    static const struct troupe_str texts[INST_REASON_COUNT] = {
#define INST_REASON_TEXT(name, text) [REASON_##name] = {text, sizeof text - 1},
        INST_REASONS(INST_REASON_TEXT)
#undef INST_REASON_TEXT
    };
    return texts[in->reason ? in->reason : REASON_STOPPED];
}

const char *life_reason(const struct inst *in) {
    return reason_text(in).data;
}

static void describe(const struct inst *in, struct inst_end *end) {
    const struct failure *failure = in->failed ? inst_failure(in) : NULL;
    *end = (struct inst_end){.uid = inst_uid(in),
                             .incarnation = inst_incarnation(in),
                             .failed = in->failed,
                             .told = in->told,
                             .status = failure      ? failure->status
                                       : in->failed ? TROUPE_NO_MEMORY
                                                    : TROUPE_OK,
                             .frames = failure ? failure->frames : NULL};
    (void)inst_name(in, end->name, sizeof end->name);
    (void)snprintf(end->text, sizeof end->text, "%s",
                   failure      ? failure->text
                   : in->failed ? "out of memory"
                                : life_reason(in));
    (void)snprintf(end->root, sizeof end->root, "%s",
                   failure && failure->root[0] ? failure->root : end->name);
}

static int make_state(struct runner *r, struct inst *in) {
    uint64_t size = in->type->state_size;
    in->state = size ? stock_take(&r->states, size) : NULL;
    if (size && !in->state) {
        return -1;
    }
    const struct config *config = in->more ? in->more->config : NULL;
    if (config && in->type->config) {
        memcpy((char *)in->state + in->type->config_offset, config->body, config->size);
    }
    return 0;
}

/* AI-4: nothing of the life before is left, but for what it was told for good: to drain, to be quiet. */
static void forget_life(struct inst *in) {
    in->failed = in->aborted = in->told = in->cleanup_ok = in->children_draining = false;
    in->reason = REASON_NONE;
    inst_attributes_end(in);
    struct inst_lives *lives = inst_has_lives(in);
    if (lives) {
        failure_destroy(lives->failure);
        lives->failure = NULL;
        lives->checkpoint.since = lives->checkpoint.tried = 0;
    }
    atomic_store_explicit(&in->processed, 0, memory_order_relaxed);
    atomic_store_explicit(&in->busy_ns, 0, memory_order_relaxed);
    inst_set_handler(in, 0);
    in->timed = false;
}

static void begin(struct runner *r, struct inst *in) {
    if (inst_incarnation(in) > 0) {
        forget_life(in);
    }
    atomic_store_explicit(&in->created_ns, r->worker ? sched_coarse_now(r->worker) : 0,
                          memory_order_relaxed);
    inst_begin(in);
    swap_take_next_config(in);
    if (in->flight) {
        record_note(r, in, FLIGHT_RESTARTED, inst_incarnation(in), NULL);
    }
}

/* The turns of init, of loading and of cleanup handle no message. */
static void uncount_turn(struct inst *in) {
    uint64_t processed = atomic_load_explicit(&in->processed, memory_order_relaxed);
    atomic_store_explicit(&in->processed, processed - 1, memory_order_relaxed);
}

__attribute__((cold, noinline)) static void fail_to_start(struct runner *r, struct inst *in) {
    life_fail(r, in, FAILURE_HOST, TROUPE_NO_MEMORY, "init: no memory for the state", NULL);
}

void life_start(struct runner *r, struct inst *in) {
    begin(r, in);
    in->phase = PHASE_LIVE;
    pause_begin(&in->mbox);
    mbox_rest(&in->mbox, false);
    inst_move(in, INST_INITIALIZING);
    if (!in->spawned || in->type->init != INST_NO_ROW) {
        inst_tell(in);
    }
    if (make_state(r, in) < 0) {
        fail_to_start(r, in);
        return;
    }
    bool loads = inst_has_lives(in) && in->more->lives->saved;
    uint16_t row = loads ? in->type->load : in->type->init;
    int32_t status = TROUPE_OK;
    if (loads) {
        status = inst_load_state(r, in);
    } else if (row != INST_NO_ROW) {
        status = turn_run(r, in, row, NULL, NULL);
    }
    if (loads || row != INST_NO_ROW) {
        uncount_turn(in);
    }
    if (loads && (status < 0 || !in->checkpoints)) {
        inst_forget_state(in); /* one that does not load must not stop the next life, too */
    }
    if (status < 0) {
        turn_fail(r, in, row, status);
        return;
    }
    in->cleanup_ok = true;
    if (in->phase != PHASE_LIVE) {
        return; /* what it asked for could not be done */
    }
    inst_move(in, INST_IDLE);
    inst_tell(in);
    struct proc_observer *observer = &in->proc->options.observer;
    if (observer->ready && inst_plan_index(in) != UINT32_MAX) {
        observer->ready(observer->context, in);
    }
}

/* Nobody has seen it yet, so nothing is told, and no status in between either. */
bool life_start_unseen(struct runner *r, struct inst *in) {
    if (in->type->init != INST_NO_ROW) {
        return false;
    }
    in->phase = PHASE_LIVE;
    in->starts = true;
    in->cleanup_ok = true;
    atomic_store_explicit(&in->created_ns, sched_coarse_now(r->worker), memory_order_relaxed);
    inst_begin_unseen(in);
    return true;
}

void life_start_seen(struct runner *r, struct inst *in) {
    in->starts = false;
    if (make_state(r, in) < 0) {
        fail_to_start(r, in);
    }
}

/* Nothing of it is left to be done, or waited for. */
static bool ends_at_once(const struct inst *in) {
    return in->spawned && inst_open_children(in) == 0 && !in->paused &&
           in->type->cleanup == INST_NO_ROW;
}

static void begin_end(struct inst *in) {
    in->phase = PHASE_CHILDREN;
    if (inst_status(in) != INST_STOPPING) {
        inst_move(in, INST_STOPPING);
    }
    inst_timers_end(in);
    inst_watches_end(in);
    checkpoint_end(in);
    if (ends_at_once(in)) {
        return; /* the end itself is told at once */
    }
    inst_tell(in);
    if (inst_open_children(in) > 0) {
        pause_end(&in->proc->pauses, &in->mbox);
    }
    inst_signal_children(in, in->aborted ? SIGNAL_ABORT : SIGNAL_STOP);
}

void life_stop(struct runner *r, struct inst *in, bool told, enum inst_reason reason) {
    bool aborted = in->aborted;
    if (in->phase == PHASE_DOWN) {
        begin(r, in);
        in->aborted = aborted;
    }
    if (in->phase == PHASE_DOWN || in->phase == PHASE_LIVE) {
        in->reason = reason & 15u;
        in->told = told;
        begin_end(in);
    }
}

/* FI-1: all of it is written before the status turns terminal. */
static void note_failure(struct runner *r, struct inst *in, enum failure_kind kind, int32_t status,
                         const char *text, const char *root) {
    struct inst_lives *lives = inst_lives(in);
    struct failure *failure = lives ? mem_alloc(sizeof *failure) : NULL;
    in->failed = true;
    if (!failure) {
        return;
    }
    failure->kind = kind;
    failure->status = status;
    failure->wall_ns = in->proc->clock->wall(in->proc->clock);
    (void)snprintf(failure->text, sizeof failure->text, "%.*s", (int)sizeof failure->text - 1,
                   text);
    (void)snprintf(failure->own, sizeof failure->own, "%.*s", (int)sizeof failure->own - 1,
                   r->failed ? r->fail_text : text);
    (void)snprintf(failure->root, sizeof failure->root, "%s", root ? root : "");
    failure->frames = r->fail_frames;
    r->fail_frames = NULL;
    lives->failure = failure;
    (void)record_flight(in);
}

void life_fail(struct runner *r, struct inst *in, enum failure_kind kind, int32_t status,
               const char *text, const char *root) {
    if (in->phase == PHASE_DOWN) {
        begin(r, in);
    }
    if (!in->failed) {
        note_failure(r, in, kind, status, text, root);
    }
    mem_free(r->fail_frames);
    r->fail_frames = NULL;
    if (in->phase == PHASE_DOWN || in->phase == PHASE_LIVE) {
        begin_end(in);
    }
}

int32_t life_end_status(const struct inst *in) {
    return in->aborted ? TROUPE_ABORTED : TROUPE_GONE;
}

/* AI-4: what is queued when the slot closes comes back, with the end as the reason. */
__attribute__((noinline)) static void return_chain(struct runner *r, struct inst *in,
                                                   struct msg *m) {
    int32_t reason = life_end_status(in);
    while (m) {
        struct msg *next = m->next;
        queue_count_taken(r);
        if (in->aborted && m->kind == MSG_DATA) {
            bury(r, in->proc, m, reason);
        } else {
            bounce(r, in->proc, m, reason);
        }
        m = next;
    }
}

static void return_queued(struct runner *r, struct inst *in) {
    struct msg *queued = mbox_close(&in->mbox);
    if (queued) {
        return_chain(r, in, queued);
    }
}

/* Whether nobody but this worker can do anything with the parent just now (T-2). */
static bool parent_is_here(const struct runner *r, const struct inst *in) {
    return atomic_load_explicit(&inst_parent(in)->mbox.task.home, memory_order_relaxed) ==
           r->worker;
}

/* In one message, that many at the most: they are handled one after another. */
#define ENDS_MOST 64u

static void add_end(struct ends *ends, struct inst *in) {
    in->mbox.task.queue_next = NULL;
    if (ends->first) {
        ends->last->mbox.task.queue_next = &in->mbox.task;
    } else {
        ends->first = in;
    }
    ends->last = in;
    ends->count++;
}

/* What the parent was told last, if that is another end and it has not heard of it yet. */
static struct ends *find_last_told(struct inst *parent) {
    bool is_client = parent->phase == PHASE_CLIENT; /* it takes them one by one */
    struct msg *m = is_client ? NULL : mbox_last(&parent->mbox, MSG_ENDED);
    struct ends *ends = m ? msg_own_body(m) : NULL;
    return ends && ends->count < ENDS_MOST ? ends : NULL;
}

static void tell_parent(struct runner *r, struct inst *in, bool here) {
    struct inst *parent = inst_parent(in);
    struct ends *last = here ? find_last_told(parent) : NULL;
    if (last) {
        add_end(last, in);
        return;
    }
    struct msg *m = msg_alloc(r->pool, MSG_ENDED, 0, sizeof *last);
    while (!m) {
        /* The parent waits for this one message and there is no way to do without; memory comes back
         * as others end. */
        m = msg_alloc(pools_shared(in->proc->pools), MSG_ENDED, 0, sizeof *last);
    }
    last = msg_own_body(m);
    *last = (struct ends){0};
    add_end(last, in);
    queue_count(r, 1);
    if (here) {
        mbox_add_later(&parent->mbox, m);
    } else if (mbox_offer(&parent->mbox, m, m, 1, 0) != OFFER_TAKEN) {
        queue_uncount(r, 1);
        msg_free(r->pool, m);
    }
}

static void release(struct runner *r, struct inst *in) {
    /* The last holder needs no atomic write. acquire, acq_rel: the one who frees sees what the other did */
    bool last = atomic_load_explicit(&in->holders, memory_order_acquire) == 1 ||
                atomic_fetch_sub_explicit(&in->holders, 1, memory_order_acq_rel) == 1;
    if (last && in->spawned && inst_is_bare(in)) {
        inst_unmake_bare(r, in);
    } else if (last && in->spawned) {
        inst_unmake(r, in);
    }
}

void life_leave(struct runner *r, struct inst *in) {
    struct sched_worker *worker = r->worker;
    release(r, in);
    if (worker->dedicated) {
        sched_retire(worker);
    }
}

/* What belongs to the life and not to the slot (AI-4). */
static void drop_life(struct runner *r, struct inst *in) {
    in->finishes = false; /* cleanup may have asked for it once more */
    swap_drop(r, in);
    swap_ask_again(in);
    shadow_end(r, in);
    calls_end(r, in);
    inst_memory_end(r->pool, inst_has_memory(in));
    stock_give(&r->states, in->state, in->type->state_size);
    in->state = NULL;
}

/* SV-3: facts, then the event, then the status. Who sees the status can read the rest. */
static void end_planned(struct inst *in) {
    struct proc_observer *observer = &in->proc->options.observer;
    struct inst_end end;
    describe(in, &end);
    in->phase = PHASE_DOWN;
    pause_begin(&in->mbox);
    mbox_rest(&in->mbox, true);
    if (observer->ended) {
        observer->ended(observer->context, in, &end);
    }
    inst_move(in, in->failed ? INST_FAILED : INST_STOPPED);
    inst_tell(in);
}

/* The end of the only life is the end of the slot. */
static void end_spawned(struct runner *r, struct inst *in) {
    return_queued(r, in);
    in->phase = PHASE_CLOSED;
    pause_wake(&in->proc->pauses, &in->mbox);
    bool noted = mbox_is_noted(&in->mbox); /* closed: it can't become so any more */
    bool here = parent_is_here(r, in);
    tell_parent(r, in, here);
    inst_move(in, in->failed ? INST_FAILED : INST_STOPPED);
    inst_tell_closed(in);
    if (!noted && here && !r->worker->dedicated) {
        /* the parent has yet to hear of it, so it is still the other holder */
        atomic_store_explicit(&in->holders, 1, memory_order_release);
    } else if (!noted) {
        life_leave(r, in);
    }
}

/* So most children end: by themselves, with nothing but their state, beside their parent. Whether somebody has it in
 * hand may change at any time: inst_tell_closed, behind the close, sees to that as ever (H-3). */
static bool ends_simply(const struct runner *r, const struct inst *in) {
    bool is_bare = in->spawned && inst_is_bare(in);
    bool only_finishes = in->finishes && in->phase == PHASE_LIVE && !in->paused && !in->holds &&
                         !in->gated && !in->starts && !inst_has_signals(in);
    return is_bare && only_finishes && in->type->cleanup == INST_NO_ROW && parent_is_here(r, in) &&
           !r->worker->dedicated && !inst_is_held(in);
}

/* Flattened: each of millions goes through all of it. */
__attribute__((noinline, flatten)) bool life_finish_simply(struct runner *r, struct inst *in) {
    if (!ends_simply(r, in)) {
        return false;
    }
    in->finishes = false;
    in->reason = REASON_STOPPED;
    inst_move(in, INST_STOPPING);
    record_end_of_child(r, in);
    stock_give(&r->states, in->state, in->type->state_size);
    in->state = NULL;
    end_spawned(r, in);
    return true;
}

void life_close(struct runner *r, struct inst *in) {
    struct proc_observer *observer = &in->proc->options.observer;
    return_queued(r, in);
    in->phase = PHASE_CLOSED;
    pause_wake(&in->proc->pauses, &in->mbox);
    bool noted = mbox_is_noted(&in->mbox);
    if (observer->closed) {
        observer->closed(observer->context, in);
    }
    inst_tell_closed(in);
    if (!noted) {
        life_leave(r, in);
    }
}

bool life_proceed(struct runner *r, struct inst *in) {
    if (inst_open_children(in) > 0) {
        return false;
    }
    if (in->phase == PHASE_CHILDREN) {
        in->phase = PHASE_FLUSH;
        if (in->cleanup_ok && !in->aborted && !in->failed) {
            checkpoint_take_last(r, in);
        }
        if (in->cleanup_ok && !in->aborted && in->type->cleanup != INST_NO_ROW) {
            int32_t status = turn_run(r, in, in->type->cleanup, NULL, NULL);
            uncount_turn(in);
            if (status < 0) {
                turn_fail(r, in, in->type->cleanup, status);
            }
        }
    }
    if (in->paused) {
        return false;
    }
    record_end(r, in);
    drop_life(r, in);
    if (in->spawned) {
        end_spawned(r, in);
    } else {
        end_planned(in);
    }
    return true;
}

/* SV-2: an event its parent does not handle is the parent's failure, with the same root cause. */
static void escalate(struct runner *r, struct inst *in, const struct inst_end *end) {
    char text[sizeof end->text + sizeof end->name + 32];
    (void)snprintf(text, sizeof text, "child '%s' failed: %s", end->name, end->text);
    life_fail(r, in, FAILURE_CHILD, end->status, text, end->root);
}

/* What its handler makes of the end: TROUPE_UNHANDLED when there is none, or it says so. */
static int32_t hear(struct runner *r, struct inst *in, uint16_t row,
                    const struct troupe_ended *ended) {
    int32_t status = row == INST_NO_ROW ? TROUPE_UNHANDLED : turn_run(r, in, row, ended, NULL);
    if (status < 0 && status != TROUPE_UNHANDLED) {
        turn_fail(r, in, row, status);
    }
    return status;
}

static void let_child_go(struct runner *r, struct inst *in, struct inst *child) {
    inst_let_go(in, child);
    release(r, child);
}

/* Not inlined: its texts are large, and most children end well. */
__attribute__((noinline)) static void hear_failed(struct runner *r, struct inst *in,
                                                  struct inst *child) {
    struct inst_end end;
    uint16_t row = child->child_row;
    describe(child, &end);
    let_child_go(r, in, child);
    struct troupe_ended ended = {.size = sizeof ended,
                                 .status = end.status,
                                 .child = {end.uid, 0},
                                 .failed = true,
                                 .name = troupe_str(end.name),
                                 .text = troupe_str(end.text),
                                 .root = troupe_str(end.root)};
    /* when no handler runs any more, a failure is not lost for that */
    if (in->phase != PHASE_LIVE || hear(r, in, row, &ended) == TROUPE_UNHANDLED) {
        escalate(r, in, &end);
    }
}

/* Adds one to the number before the last character, "[41]"; false: it has no room for it, and is spoiled. */
static bool count_up(struct heard_name *name) {
    char *digit = name->text + name->size - 2;
    while (*digit == '9') {
        *digit-- = '0';
    }
    if (*digit < '0' || *digit > '8') {
        return false;
    }
    ++*digit;
    return true;
}

/* Not inlined: its text would cost the common path registers. */
__attribute__((noinline)) static void name_anew(struct heard_name *name, const struct inst *in,
                                                const struct inst *child) {
    name->size = inst_name(child, name->text, sizeof name->text);
    bool is_whole = name->size > 2 && name->text[name->size - 1] == ']';
    name->parent = is_whole && !child->more ? inst_uid(in) : 0;
}

/* Nameless children mostly end in the order they were spawned in: then a name is the one before with the next number. */
static struct troupe_str heard_name(struct runner *r, const struct inst *in,
                                    const struct inst *child) {
    struct heard_name *name = &r->heard;
    bool is_next = name->parent == inst_uid(in) && child->pid == name->pid + 1 && !child->more;
    if (!is_next || !count_up(name)) {
        name_anew(name, in, child);
    }
    name->pid = child->pid;
    return troupe_str_n(name->text, name->size);
}

static void hear_stopped(struct runner *r, struct inst *in, struct inst *child) {
    uint16_t row = child->child_row;
    bool is_heard = in->phase == PHASE_LIVE && row != INST_NO_ROW;
    struct troupe_ended ended = {.size = sizeof ended, .status = TROUPE_OK};
    if (is_heard) {
        ended.child.uid = inst_uid(child);
        ended.name = heard_name(r, in, child);
        ended.text = reason_text(child);
        ended.root = ended.name;
    }
    let_child_go(r, in, child);
    if (is_heard) {
        (void)hear(r, in, row, &ended);
    }
}

/* A client is told of one at a time. */
uint16_t life_let_go(struct runner *r, struct inst *in, struct msg *m, struct inst_end *ret) {
    struct inst *child = ((struct ends *)msg_body(m))->first;
    uint16_t row = child->child_row;
    describe(child, ret);
    ret->frames = NULL; /* the child's, which goes */
    msg_free(r->pool, m);
    let_child_go(r, in, child);
    return row;
}

static void hear_one(struct runner *r, struct inst *in, struct inst *child) {
    if (child->failed) {
        hear_failed(r, in, child);
    } else {
        hear_stopped(r, in, child);
    }
}

static struct inst *take_end(struct ends *ends) {
    struct inst *child = ends->first;
    ends->first = (struct inst *)(void *)child->mbox.task.queue_next;
    ends->count--;
    prefetch_ahead(child, CELLS_AHEAD, sizeof *child);
    return child;
}

/* What is left is noted before: the turn may not come back (SV-7). */
static void hear_next(struct runner *r, struct inst *in) {
    struct ends *ends = &in->more->ends;
    struct inst *child = take_end(ends);
    in->hears = ends->count > 0;
    hear_one(r, in, child);
}

void life_hear(struct runner *r, struct inst *in) {
    uint64_t before = inst_processed(in);
    sched_count(r->worker, 1);
    hear_next(r, in);
    if (in->checkpoints && !in->failed && inst_processed(in) != before) {
        checkpoint_count(r, in); /* as after a message */
    }
}

static bool only_hears(const struct inst *in) {
    return in->hears && in->phase == PHASE_LIVE && !in->paused && !in->draining && !in->holds &&
           !in->checkpoints && !in->starts && !in->finishes && !inst_has_signals(in);
}

/* One after another at once, while nothing comes between, as signals do, or a stop. Flattened, as what each goes
 * through. */
__attribute__((noinline, flatten)) void life_child_ended(struct runner *r, struct inst *in,
                                                         struct msg *m) {
    in->more->ends = *(struct ends *)msg_body(m);
    msg_free(r->pool, m);
    for (uint32_t heard = 0; heard == 0 || only_hears(in); heard++) {
        sched_count(r->worker, heard > 0); /* the message was the first */
        hear_next(r, in);
    }
}
