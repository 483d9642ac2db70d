/* What a turn does about its own actor: identity, children, timers, watches, waiting, committing. */
#include <poll.h>
#include <stddef.h>
#include <string.h>

#include "actor/host_impl.h"

/* Not inlined: its text would cost the common path registers. */
__attribute__((noinline)) static void name_anew(const struct inst *in, struct shown_name *name) {
    inst_name(in, name->text, sizeof name->text);
    name->size = strlen(name->text);
    name->uid = inst_uid(in);
}

static inline struct troupe_str shown_name(struct runner *r) {
    uint64_t uid = inst_uid(r->inst);
    struct shown_name *name = &r->names[uid % SHOWN_NAMES];
    if (name->uid != uid) {
        name_anew(r->inst, name);
    }
    return troupe_str_n(name->text, name->size);
}

const struct troupe_context *host_context(struct troupe_turn *turn) {
    struct runner *r = runner_of(turn);
    static const struct troupe_context nothing = {.size = sizeof nothing, .name = {"", 0}};
    TURN_OR(r, &nothing);
    if (!r->has_context) {
        struct msg *m = r->msg;
        r->context = (struct troupe_context){.size = sizeof r->context,
                                             .self = {inst_uid(r->inst), 0},
                                             .trace = m ? msg_trace(m) : 0,
                                             .name = shown_name(r)};
        if (m && (m->kind == MSG_DATA || m->kind == MSG_REQUEST || m->kind == MSG_REPLY)) {
            r->context.sender = msg_from(m);
            r->context.ttl = msg_ttl(m);
        }
        if (m && m->kind == MSG_REQUEST) {
            r->context.request = (struct troupe_once){m->sender, msg_call(m)};
        }
        r->has_context = true;
    }
    return &r->context;
}

struct troupe_ref host_own_port(struct troupe_turn *turn, uint32_t port) {
    struct runner *r = runner_of(turn);
    struct troupe_ref none = {0, 0};
    TURN_OR(r, none);
    const struct inst_row *row = host_row(r, port, ROW(in) | ROW(any) | ROW(call));
    return row ? (struct troupe_ref){inst_uid(r->inst), row->name_id} : none;
}

struct troupe_ref host_port_of(struct troupe_turn *turn, struct troupe_ref actor,
                               struct troupe_str port) {
    struct runner *r = runner_of(turn);
    struct troupe_ref none = {0, 0};
    TURN_OR(r, none);
    uint16_t number = proc_find_port_name(r->proc, port);
    uint64_t proc = actor.port & ~(uint64_t)UINT16_MAX; /* of another proc: stays with it */
    return number ? (struct troupe_ref){actor.uid, proc | number} : none;
}

struct troupe_ref host_spawn(struct troupe_turn *turn, uint32_t port,
                             const struct troupe_spawn *how) {
    struct runner *r = runner_of(turn);
    struct troupe_ref none = {0, 0};
    TURN_OR(r, none);
    const struct inst_row *row = host_row(r, port, ROW(child));
    return row ? child_spawn(r, host_number(r, row), how) : none;
}

static struct inst *find_child(struct runner *r, uint64_t uid) {
    struct inst *child = cell_find(r->proc, uid);
    /* only our own children can't become another's: we have not heard of their end */
    return child && inst_parent(child) == r->inst ? child : NULL;
}

int32_t host_stop_child(struct troupe_turn *turn, struct troupe_ref ref, bool drain) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    struct inst *child = find_child(r, ref.uid);
    if (!child) {
        return TROUPE_NOT_FOUND;
    }
    struct out_item *item = outbox_add(&r->outbox, OUT_STOP_CHILD);
    if (!item) {
        return TROUPE_NO_MEMORY;
    }
    item->u.child = child;
    item->drain = drain;
    return TROUPE_OK;
}

int32_t host_stop(struct troupe_turn *turn) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    return outbox_add(&r->outbox, OUT_STOP) ? TROUPE_OK : TROUPE_NO_MEMORY;
}

int32_t host_start_timer(struct troupe_turn *turn, uint32_t port, uint64_t first_ns,
                         uint64_t period_ns) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    const struct inst_row *row = host_row(r, port, ROW(timer));
    if (!row) {
        return TROUPE_INVALID;
    }
    struct out_item *item = outbox_add(&r->outbox, OUT_TIMER);
    if (!item) {
        return TROUPE_NO_MEMORY;
    }
    item->row = host_number(r, row);
    item->u.timer.first_ns = first_ns;
    item->u.timer.period_ns = period_ns;
    return TROUPE_OK;
}

int32_t host_stop_timer(struct troupe_turn *turn, uint32_t port) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    const struct inst_row *row = host_row(r, port, ROW(timer));
    if (!row) {
        return TROUPE_INVALID;
    }
    struct out_item *item = outbox_add(&r->outbox, OUT_TIMER_OFF);
    if (!item) {
        return TROUPE_NO_MEMORY;
    }
    item->row = host_number(r, row);
    return TROUPE_OK;
}

static int32_t add_watch(struct runner *r, enum out_kind kind, uint32_t port, int32_t fd,
                         uint32_t events) {
    const struct inst_row *row = host_row(r, port, ROW(watch));
    if (!row || fd < 0) {
        return TROUPE_INVALID;
    }
    struct out_item *item = outbox_add(&r->outbox, kind);
    if (!item) {
        return TROUPE_NO_MEMORY;
    }
    item->row = host_number(r, row);
    item->u.watch.fd = fd;
    item->u.watch.events = events;
    return TROUPE_OK;
}

int32_t host_watch(struct troupe_turn *turn, uint32_t port, int32_t fd, uint32_t events) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    if (!(events & (TROUPE_READABLE | TROUPE_WRITABLE)) || !r->proc->io) {
        return TROUPE_INVALID;
    }
    int32_t status = add_watch(r, OUT_WATCH, port, fd, events);
    if (status >= 0) {
        (void)inst_disown_fd(r->inst, fd); /* the watch, and before it the outbox, sees to it now */
    }
    return status;
}

int32_t host_unwatch(struct troupe_turn *turn, uint32_t port, int32_t fd) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    return add_watch(r, OUT_WATCH_OFF, port, fd, 0);
}

int32_t host_commit(struct troupe_turn *turn) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    if (r->inst->holds) {
        return TROUPE_REFUSED; /* TX-2, W-3: it may not have been */
    }
    /* TX-2: what was committed stays; the rest of the turn is a transaction of its own */
    r->logged = 0;
    r->committed = true;
    r->has_flight = false;
    if (outbox_commit(r, r->inst, &r->outbox, false)) {
        return TROUPE_OK;
    }
    r->outbox.committed = r->outbox.count;
    r->outbox.barrier = r->outbox.count;
    return TROUPE_FULL;
}

#define WAIT_FDS_MAX 16u

/* Also for a signal that was obeyed before this turn began. */
static bool must_return(struct inst *in) {
    return in->draining || in->quiet || in->finishes || in->phase != PHASE_LIVE ||
           atomic_load_explicit(&in->signals, memory_order_acquire) & SIGNALS_THAT_STOP;
}

int32_t host_wait(struct troupe_turn *turn, struct troupe_pollfd *fds, uint64_t count,
                  uint64_t timeout_ns) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    if (!r->worker->dedicated || r->worker->origin || sched_is_seeded(r->proc->sched)) {
        return TROUPE_UNSUPPORTED;
    }
    if (count > WAIT_FDS_MAX) {
        return TROUPE_INVALID;
    }
    struct sched_pollfd set[WAIT_FDS_MAX];
    for (uint64_t i = 0; i < count; i++) {
        set[i].fd = fds[i].fd;
        set[i].events = (short)((fds[i].events & TROUPE_READABLE ? POLLIN : 0) |
                                (fds[i].events & TROUPE_WRITABLE ? POLLOUT : 0));
        fds[i].ready = 0;
    }
    if (r->inst->holds) {
        swap_drop(r, r->inst); /* it has come as far as to wait: that is its turn */
    }
    bool full = host_commit(turn) == TROUPE_FULL;
    pause_wake(&r->proc->pauses, &r->inst->mbox);
    if (must_return(r->inst) || full) {
        return full ? TROUPE_FULL : TROUPE_STOPPING;
    }
    bool has_message = mbox_has_message(&r->inst->mbox);
    gate_wait_begin(r);
    int ready = sched_wait(r->worker, set, (unsigned)count, has_message ? 0 : timeout_ns);
    gate_wait_end(r);
    for (uint64_t i = 0; ready > 0 && i < count; i++) {
        fds[i].ready = (set[i].ready & POLLIN ? TROUPE_READABLE : 0) |
                       (set[i].ready & POLLOUT ? TROUPE_WRITABLE : 0) |
                       (set[i].ready & (POLLHUP | POLLERR) ? TROUPE_HANGUP : 0);
    }
    return must_return(r->inst) ? TROUPE_STOPPING : ready < 0 ? TROUPE_ERROR : ready;
}
