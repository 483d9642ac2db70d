/* The outbox: what a turn asked for, carried out at commit in program order (TX-1).
 *
 * Messages to one mailbox are linked into one batch, so that a batch costs one atomic however many
 * messages it has. Batches keep the order per destination; anything that is not a message is a
 * barrier that later messages do not pass. */
#include <stddef.h>
#include <unistd.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"

void outbox_reset(struct outbox *box) {
    box->count = 0;
    box->done = 0;
    box->barrier = 0;
    box->committed = 0;
}

void outbox_fini(struct outbox *box) {
    mem_free(box->items);
    *box = (struct outbox){0};
}

/* `to` is empty; it gets the items, and `from` its old memory. */
void outbox_move(struct outbox *from, struct outbox *to) {
    struct outbox held = *from;
    from->items = to->items;
    from->room = to->room;
    *to = held;
    outbox_reset(from);
}

void outbox_count_sent(struct runner *r, uint32_t count) {
    sched_count(r->worker, count);
    count_add(&r->sent, count);
}

static inline void count_sent_by(struct runner *r, struct wire *wire, uint32_t count) {
    outbox_count_sent(r, count);
    if (wire) {
        count_add(&wire->sent, count);
    }
}

/* PD-5: counted before it can be taken, taken back when refused. */
static inline enum offer offer(struct runner *r, struct out_item *item, struct msg *first,
                               struct msg *last, uint32_t count, uint32_t limit) {
    queue_count(r, count);
    /* before: after that the line is on its way to the receiver */
    struct sched_worker *home =
        atomic_load_explicit(&item->u.to.mbox->task.home, memory_order_relaxed);
    enum offer result = mbox_offer(item->u.to.mbox, first, last, count, limit);
    if (result == OFFER_TAKEN) {
        count_sent_by(r, item->u.to.wire, count);
        move_note(r, home, item->u.to.uid);
    } else {
        queue_uncount(r, count);
    }
    return result;
}

/* Offers the first `count` messages of the batch and, when taken, shortens it. */
static enum offer offer_front(struct runner *r, struct out_item *item, uint32_t count,
                              uint32_t limit) {
    struct msg *first = item->u.to.first;
    if (count == item->count) {
        enum offer result = offer(r, item, first, item->u.to.last, count, limit);
        item->count = result == OFFER_TAKEN ? 0 : item->count;
        return result;
    }
    struct msg *last = first;
    for (uint32_t i = 1; i < count; i++) {
        last = last->next;
    }
    struct msg *after = last->next;
    last->next = NULL;
    enum offer result = offer(r, item, first, last, count, limit);
    if (result == OFFER_TAKEN) {
        item->u.to.first = after;
        item->count -= count;
    } else {
        last->next = after;
    }
    return result;
}

/* As many as fit below `limit` (MB-2: a batch is split where room ends). */
static enum offer offer_what_fits(struct runner *r, struct out_item *item, uint32_t limit) {
    enum offer result = offer_front(r, item, item->count, limit);
    while (result == OFFER_FULL && item->count > 1) {
        uint32_t room = mbox_room(item->u.to.mbox, limit);
        if (room == 0) {
            return OFFER_FULL;
        }
        result = offer_front(r, item, room < item->count ? room : 1, limit);
        if (result == OFFER_FULL) {
            result = offer_front(r, item, 1, limit);
        }
        if (result == OFFER_TAKEN && item->count > 0) {
            result = offer_front(r, item, item->count, limit);
        }
    }
    return result;
}

/* Waiting would be for ever: up to the hard limit it is let through, the rest comes back. */
static void deliver_hard(struct runner *r, struct inst *in, struct out_item *item) {
    uint32_t hard = mbox_capacity(item->u.to.mbox) * MBOX_HARD_FACTOR;
    enum offer result = offer_what_fits(r, item, hard);
    if (result != OFFER_TAKEN) {
        bounce_chain(r, in->proc, item->u.to.first,
                     result == OFFER_CLOSED ? TROUPE_GONE : TROUPE_CYCLE_OVERFLOW);
    }
}

/* It has no room for all of it, or none any more. */
__attribute__((noinline)) static bool deliver_slowly(struct runner *r, struct inst *in,
                                                     struct out_item *item, bool may_pause) {
    for (;;) {
        enum offer result = offer_what_fits(r, item, mbox_capacity(item->u.to.mbox));
        if (result == OFFER_TAKEN) {
            return true;
        }
        if (result == OFFER_CLOSED) {
            bounce_chain(r, in->proc, item->u.to.first, TROUPE_GONE);
            return true;
        }
        if (!may_pause) {
            return false;
        }
        if (!inst_more(in)) {
            return false; /* hold_back() says what follows */
        }
        switch (pause_wait(&in->proc->pauses, &in->more->pauser, item->u.to.mbox)) {
        case PAUSE_WAITS:
            return false;
        case PAUSE_CYCLE:
            deliver_hard(r, in, item);
            return true;
        case PAUSE_RETRY:
            break;
        }
    }
}

static inline bool deliver_batch(struct runner *r, struct inst *in, struct out_item *item,
                                 bool may_pause) {
    struct msg *first = item->u.to.first;
    uint32_t capacity = mbox_capacity(item->u.to.mbox);
    return offer(r, item, first, item->u.to.last, item->count, capacity) == OFFER_TAKEN ||
           deliver_slowly(r, in, item, may_pause);
}

/* Counted for all as well: what was sent to a reference has no wire. */
static void drop(struct runner *r, struct wire *wire, struct msg *m) {
    count_add(&r->dropped, 1);
    if (wire) {
        atomic_fetch_add_explicit(&wire->dropped, 1, memory_order_relaxed);
    }
    msg_free(r->pool, m);
}

static void deliver_to_ring(struct runner *r, struct inst *in, struct out_item *item,
                            struct mbox_ring *ring) {
    struct mbox *mb = item->u.to.mbox;
    struct msg *m = item->u.to.first;
    struct msg *evicted = NULL;
    queue_count(r, 1);
    if (mbox_ring_offer(mb, ring, m, &evicted) == OFFER_CLOSED) {
        queue_uncount(r, 1);
        bounce(r, in->proc, m, TROUPE_GONE);
        return;
    }
    count_sent_by(r, item->u.to.wire, 1);
    if (evicted) {
        queue_uncount(r, 1);
        drop(r, item->u.to.wire, evicted);
    }
}

/* Who was meant may be gone, and the cell somebody else's, who is to lose nothing by it. */
static bool is_for(const struct msg *m, const struct mbox *mb) {
    return inst_uid((const struct inst *)(const void *)mb) == m->dest;
}

static void deliver_one(struct runner *r, struct inst *in, struct out_item *item) {
    struct msg *m = item->u.to.first;
    struct mbox *mb = item->u.to.mbox;
    if (!mb && m->port == QUERIES_PORT) { /* no row has this number either */
        queries_take(in->proc, m);        /* S-3 */
        return;
    }
    if (!mb) {
        bounce(r, in->proc, m, TROUPE_GONE);
        return;
    }
    struct mbox_ring *ring =
        item->overflow == WIRE_DROP_OLDEST && is_for(m, mb) ? mbox_ring_find(mb, item->row) : NULL;
    if (ring) {
        deliver_to_ring(r, in, item, ring);
        return;
    }
    enum offer result = offer(r, item, m, m, 1, mbox_capacity(mb));
    if (result == OFFER_TAKEN) {
        return;
    }
    if (result == OFFER_FULL && item->overflow == WIRE_DROP_NEWEST) {
        drop(r, item->u.to.wire, m);
    } else {
        bounce(r, in->proc, m, result == OFFER_FULL ? TROUPE_FULL : TROUPE_GONE);
    }
}

/* False: as of outbox_commit. */
__attribute__((noinline)) static bool carry_out(struct runner *r, struct inst *in,
                                                struct out_item *item, bool may_pause) {
    switch ((enum out_kind)item->kind) {
    case OUT_STOP_CHILD:
        inst_signal(item->u.child, item->drain ? SIGNAL_DRAIN : SIGNAL_STOP);
        break;
    case OUT_STOP:
        /* what follows in this turn is still carried out; the stop is seen before the next message */
        in->finishes = true;
        break;
    case OUT_TIMER:
        if (inst_timer_start(r, in, item->row, item->u.timer.first_ns, item->u.timer.period_ns)) {
            life_fail(r, in, FAILURE_HOST, TROUPE_NO_MEMORY, "no memory for a timer", NULL);
        }
        break;
    case OUT_TIMER_OFF:
        inst_timer_stop(in, item->row);
        break;
    case OUT_WATCH:
        inst_watch_start(r, in, item->row, item->u.watch.fd, item->u.watch.events);
        break;
    case OUT_WATCH_OFF:
        inst_watch_stop(in, item->row, item->u.watch.fd);
        break;
    case OUT_PUBLISH:
        inst_publish(in, item->u.attribute);
        break;
    case OUT_ONE:
        if (item->u.to.first && item->remote) { /* else withdrawn */
            return far_deliver(r, in, item->u.to.first, may_pause);
        }
        if (item->u.to.first) {
            deliver_one(r, in, item);
        }
        break;
    case OUT_SPAWN:
    case OUT_BATCH:
    case OUT_ANSWERED:
        break;
    }
    return true;
}

/* What its turn will need that sending to it did not touch. It runs next, or soon: by then the lines are here. */
static inline void prefetch_turn(const struct mbox *mbox) {
    const struct inst *to = (const struct inst *)(const void *)mbox;
    __builtin_prefetch(to->state); /* as small as it may be, others may have a part of the line */
    if (to->flight) {
        flight_prefetch(to->flight);
    }
}

/* PD-5: what is counted behind the offer is counted before it is taken, by this worker. */
static inline bool deliver_plain_here(struct runner *r, const struct out_item *item,
                                      uint32_t count) {
    struct mbox *mbox = item->u.to.mbox;
    if (!item->plain ||
        !mbox_offer_here(mbox, r->worker, item->u.to.first, item->u.to.last, count)) {
        return false;
    }
    prefetch_turn(mbox);
    queue_count(r, count);
    outbox_count_sent(r, count);
    return true;
}

/* Nothing but a stop. */
static inline bool stop_here(struct inst *in, struct outbox *box) {
    if (box->count != 1 || box->items->kind != OUT_STOP || box->done != 0) {
        return false;
    }
    in->finishes = true;
    outbox_reset(box);
    return true;
}

bool outbox_commit_here(struct runner *r, struct inst *in, struct outbox *box) {
    const struct out_item *item = box->items;
    uint32_t count = item->count; /* read once */
    /* no barrier: nothing of it was committed early, and a stop is one */
    if (box->count != 1 || box->barrier != 0 || !deliver_plain_here(r, item, count)) {
        return stop_here(in, box);
    }
    if (item->u.to.port) {
        count_add(&item->u.to.port->plain_sent, count);
    }
    in->mbox.task.pull = 0; /* as move_decide, when something went elsewhere */
    box->count = 0;         /* which is all there is to reset */
    return true;
}

static inline bool deliver_plain(struct runner *r, struct out_item *item) {
    if (!deliver_plain_here(r, item, item->count)) {
        return false;
    }
    if (item->u.to.wire) { /* the turn may be over: not by its port */
        count_add(&item->u.to.wire->sent, item->count);
    }
    r->went_to = r->worker; /* as move_note */
    return true;
}

bool outbox_commit(struct runner *r, struct inst *in, struct outbox *box, bool may_pause) {
    struct out_item *end = box->items + box->count;
    for (struct out_item *item = box->items + box->done; item != end; item++) {
        bool done;
        if (item->kind == OUT_SPAWN) {
            box->done = (uint32_t)(item - box->items);
            children_commit(r, in, item);
            done = true;
        } else if (item->kind > OUT_BATCH) {
            box->done = (uint32_t)(item - box->items);
            done = carry_out(r, in, item, may_pause);
        } else {
            done = !item->u.to.first || deliver_plain(r, item) ||
                   deliver_batch(r, in, item, may_pause);
        }
        if (!done) {
            box->done = (uint32_t)(item - box->items);
            box->barrier = box->barrier < box->done ? box->done : box->barrier;
            return false;
        }
    }
    outbox_reset(box);
    return true;
}

static void withdraw_from(struct runner *r, struct inst *in, struct out_item *item,
                          uint64_t now_ns) {
    struct msg *last = NULL;
    for (struct msg **at = &item->u.to.first; *at;) {
        struct msg *m = *at;
        if (m->kind == MSG_REQUEST && call_is_over(in, msg_call(m), now_ns)) {
            *at = m->next;
            item->count--;
            msg_free(r->pool, m);
        } else {
            last = m;
            at = &m->next;
        }
    }
    item->u.to.last = last;
}

void outbox_withdraw(struct runner *r, struct inst *in, struct outbox *box) {
    if (!in->is_calling) {
        return;
    }
    uint64_t now_ns = in->proc->clock->now(in->proc->clock);
    for (uint32_t i = box->done; i < box->count; i++) {
        if (box->items[i].kind <= OUT_ONE) {
            withdraw_from(r, in, &box->items[i], now_ns);
        }
    }
}

static uint32_t first_discarded(const struct outbox *box) {
    return box->committed > box->done ? box->committed : box->done;
}

bool outbox_has_answer(const struct outbox *box, uint64_t caller, uint64_t call) {
    for (uint32_t i = first_discarded(box); i < box->count; i++) {
        struct msg *m = box->items[i].kind <= OUT_ONE ? box->items[i].u.to.first : NULL;
        for (; m; m = m->next) {
            if (m->kind == MSG_REPLY && m->dest == caller && msg_call(m) == call) {
                return true;
            }
        }
    }
    return false;
}

static void discard_messages(struct runner *r, struct inst *in, struct msg *first) {
    for (struct msg *m = first; m; m = m->next) {
        if (m->kind == MSG_REQUEST) {
            call_withdraw(in, msg_call(m)); /* never made: no outcome comes */
        }
    }
    msg_free_chain(r->pool, first);
}

/* The turn failed: nothing of it was (TX-1). */
void outbox_discard(struct runner *r, struct inst *in, struct outbox *box) {
    uint32_t from = first_discarded(box);
    for (uint32_t i = from; i < box->count; i++) {
        struct out_item *item = &box->items[i];
        switch ((enum out_kind)item->kind) {
        case OUT_BATCH:
        case OUT_ONE:
            discard_messages(r, in, item->u.to.first);
            break;
        case OUT_SPAWN:
            children_discard(r, item, 0);
            break;
        case OUT_PUBLISH:
            mem_free(item->u.attribute);
            break;
        case OUT_ANSWERED:
            (void)request_add(in, item->u.once);
            break;
        case OUT_WATCH:
            (void)close(item->u.watch.fd); /* the host's since the call (TM-3) */
            break;
        case OUT_STOP_CHILD:
        case OUT_STOP:
        case OUT_TIMER:
        case OUT_TIMER_OFF:
        case OUT_WATCH_OFF:
            break;
        }
    }
    box->count = from;
    if (box->done == box->count) {
        outbox_reset(box);
    }
}

void outbox_abort(struct runner *r, struct inst *in, struct outbox *box) {
    for (uint32_t i = box->done; i < box->count; i++) {
        struct out_item *item = &box->items[i];
        if (item->kind == OUT_BATCH || item->kind == OUT_ONE) {
            struct msg *m = item->u.to.first;
            while (m) {
                struct msg *next = m->next;
                bury(r, in->proc, m, TROUPE_ABORTED);
                m = next;
            }
            item->u.to.first = NULL;
        } else if (item->kind == OUT_SPAWN) {
            children_discard(r, item, TROUPE_ABORTED);
        }
    }
    box->committed = 0;
    outbox_discard(r, in, box);
}
