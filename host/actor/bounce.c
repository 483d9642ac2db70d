/* Undeliverables: back to the sender with a reason, else dead letters (MB-4). */
#include <stddef.h>

#include "actor/proc_impl.h"

static void bury_between(struct runner *r, struct proc *proc, struct msg *m, uint64_t from,
                         uint64_t to, int32_t reason) {
    dead_add(&proc->dead, r->pool, m, from, to, reason, proc->clock->now(proc->clock));
}

void bury(struct runner *r, struct proc *proc, struct msg *m, int32_t reason) {
    bool turned = m->kind == MSG_RETURNED;
    bury_between(r, proc, m, turned ? m->dest : m->sender, turned ? m->sender : m->dest, reason);
}

static void count_late(struct runner *r) {
    uint64_t late = atomic_load_explicit(&r->late_replies, memory_order_relaxed);
    atomic_store_explicit(&r->late_replies, late + 1, memory_order_relaxed);
}

/* An undeliverable request is the end of its call: the caller hears of it as of a reply. */
static void turn_around(struct msg *m, enum msg_kind kind, int32_t reason) {
    uint64_t to = m->dest;
    m->kind = (uint8_t)kind;
    m->reason = (uint8_t)-reason;
    m->dest = m->sender;
    m->sender = to;
    m->next = NULL;
}

static void return_to_sender(struct runner *r, struct proc *proc, struct msg *m, int32_t reason) {
    bool is_request = m->kind == MSG_REQUEST;
    uint64_t from = m->sender;
    uint64_t to = m->dest;
    struct inst *sender = cell_find(proc, from);
    turn_around(m, is_request ? MSG_REPLY : MSG_RETURNED, reason);
    /* MB-10: bounded; what is too much becomes a dead letter */
    bool excess = sender && !is_request &&
                  atomic_load_explicit(&sender->mbox.uncharged, memory_order_relaxed) >=
                      mbox_capacity(&sender->mbox);
    if (!sender || excess || queue_from_outside(&sender->mbox, m, proc, 0) != OFFER_TAKEN) {
        bury_between(r, proc, m, from, to, reason);
    }
}

__attribute__((cold, noinline)) void bounce(struct runner *r, struct proc *proc, struct msg *m,
                                            int32_t reason) {
    switch ((enum msg_kind)m->kind) {
    case MSG_DATA:
    case MSG_REQUEST:
        if (m->sender) {
            return_to_sender(r, proc, m, reason);
        } else {
            bury(r, proc, m, reason);
        }
        break;
    case MSG_RETURNED:
        bury(r, proc, m, -(int32_t)m->reason);
        break;
    case MSG_REPLY:
        count_late(r); /* the caller is gone */
        msg_free(r->pool, m);
        break;
    case MSG_NOTICE:
        notice_refuse(m);
        msg_free(r->pool, m);
        break;
    default:
        msg_free(r->pool, m); /* the host's own: nobody misses them */
        break;
    }
}

void bounce_chain(struct runner *r, struct proc *proc, struct msg *first, int32_t reason) {
    while (first) {
        struct msg *next = first->next;
        bounce(r, proc, first, reason);
        first = next;
    }
}

void deliver_host(struct pool *pool, struct inst *to, struct msg *m) {
    if (queue_from_outside(&to->mbox, m, to->proc, 0) != OFFER_TAKEN) {
        msg_free(pool, m);
    }
}
