/* The instance of a client: it hands over what arrives, and ends. */
#include "actor/client.h"

#include <stdio.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"
#include "base/hot.h"
#include "base/prefetch.h"

#define PORT_NAME_MASK UINT16_MAX

#define CLIENT_TYPE                                                                                \
    {                                                                                              \
        .id = "()", .init = INST_NO_ROW, .cleanup = INST_NO_ROW, .save = INST_NO_ROW,              \
        .load = INST_NO_ROW, .returned = INST_NO_ROW                                               \
    }
const struct inst_type type_client = CLIENT_TYPE;
const struct inst_type type_plain_client = CLIENT_TYPE;

/* --- making --- */

static int check_name(const char *name, struct err *err) {
    if (name && (!*name || strpbrk(name, "/[]."))) {
        return err_set(err, ERR_INVALID,
                       "a client's name is not empty, and has none of the characters / [ ] .: '%s'",
                       name);
    }
    return 0;
}

/* AI-2. Takes the place of the name. */
static int name_it(struct proc *proc, struct inst *in, const char *name, struct err *err) {
    char made[32];
    pthread_mutex_lock(&proc->lock);
    const struct inst *first = name ? map_find(&proc->names, name) : NULL;
    while (!name || first) {
        if (name && inst_has_name(first)) {
            pthread_mutex_unlock(&proc->lock);
            return err_set(err, ERR_EXISTS, "the name '%s' is taken by '%s/%s[%llu]'", name,
                           proc->name, name, (unsigned long long)first->pid);
        }
        first = NULL;
        if (!name) {
            (void)snprintf(made, sizeof made, "client-%llu",
                           (unsigned long long)++proc->clients_made);
            name = map_find(&proc->names, made) ? NULL : made;
        }
    }
    in->more->name = mem_text(name);
    int status = in->more->name ? map_set(&proc->names, name, in) : -1;
    pthread_mutex_unlock(&proc->lock);
    return status < 0 ? err_set(err, ERR_NOMEM, "client '%s'", name) : 0;
}

static void unname(struct inst *in) {
    struct proc *proc = in->proc;
    pthread_mutex_lock(&proc->lock);
    if (in->more->name && map_find(&proc->names, in->more->name) == in) {
        (void)map_remove(&proc->names, in->more->name);
    }
    pthread_mutex_unlock(&proc->lock);
}

/* Its mailbox is shut yet: nobody else looks. */
static void seat_it(struct inst *in, const struct client_seat *seat) {
    struct clock *clock = in->proc->clock;
    in->spawned = true; /* one life, and the cell is used again */
    in->more->seat = seat;
    in->phase = PHASE_CLIENT;
    atomic_store_explicit(&in->holders, 1, memory_order_relaxed); /* the home worker */
    atomic_store_explicit(&in->parent, in->proc->self, memory_order_relaxed);
    inst_begin(in);
    atomic_store_explicit(&in->created_ns, clock->now(clock), memory_order_relaxed);
    inst_move(in, INST_CLIENT);
}

int client_make(struct proc *proc, const struct client_spec *spec, const struct client_seat *seat,
                struct inst **ret, struct err *err) {
    const struct inst_type *type = spec->is_shown ? &type_client : &type_plain_client;
    if (check_name(spec->name, err) < 0) {
        return -1;
    }
    pthread_mutex_lock(&proc->making);
    unsigned home = proc->next_home++ % sched_worker_count(proc->sched);
    struct inst *in = inst_make_shut(&proc->outside, proc, type, spec->capacity,
                                     sched_worker_at(proc->sched, home));
    int status = in && inst_more(in) ? name_it(proc, in, spec->name, err)
                                     : err_set(err, ERR_NOMEM, "a client");
    if (in && status < 0) {
        in->spawned = true;
        inst_unmake(&proc->outside, in);
    }
    pthread_mutex_unlock(&proc->making);
    if (status < 0) {
        return -1;
    }
    seat_it(in, seat);
    mbox_open(&in->mbox);
    *ret = in;
    return 0;
}

/* --- its activations --- */

static void count(_Atomic uint64_t *counter) {
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

static void hand_over(struct runner *r, struct inst *in, struct msg *m) {
    const struct client_seat *seat = in->more->seat;
    if (m->kind == MSG_ENDED) {
        struct inst_end end;
        (void)life_let_go(r, in, m, &end);
        seat->child_ended(seat->context, &end);
        return;
    }
    int32_t took = m->dest == inst_uid(in) ? seat->took(seat->context, m) : TROUPE_GONE;
    if (took == CLIENT_TAKEN) {
        count(&in->processed);
        return;
    }
    if (took < 0) {
        bounce(r, in->proc, m, took);
        return;
    }
    count(took == CLIENT_LATE ? &r->late_replies : &r->dropped);
    msg_free(r->pool, m);
}

static void bounce_left(struct runner *r, struct inst *in, struct msg *first) {
    while (first) {
        struct msg *next = first->next;
        bounce(r, in->proc, first, TROUPE_GONE);
        first = next;
    }
}

/* CI-2, in the order of SV-3. */
static void end(struct runner *r, struct inst *in, struct msg *left) {
    const struct client_seat seat = *in->more->seat;
    unname(in);
    inst_move(in, INST_STOPPING);
    in->reason = REASON_STOPPED;
    bounce_left(r, in, left);
    for (struct msg *m = mbox_close(&in->mbox), *next; m; m = next) {
        next = m->next;
        queue_count_taken(r);
        bounce(r, in->proc, m, TROUPE_GONE);
    }
    record_end(r, in);
    inst_move(in, INST_STOPPED);
    inst_tell_closed(in);
    in->phase = PHASE_CLOSED;
    pause_wake(&in->proc->pauses, &in->mbox);
    bool noted = mbox_is_noted(&in->mbox);
    seat.ended(seat.context);
    if (!noted) {
        life_leave(r, in);
    }
}

static void spawn(struct runner *r, struct inst *in, struct client_order *order) {
    const struct inst_type *type = proc_find_type(in->proc, order->type);
    if (!type) {
        order->status = TROUPE_NOT_FOUND;
        (void)snprintf(order->why, sizeof order->why, "the proc knows no actor type '%s'",
                       order->type);
        return;
    }
    order->uid = child_spawn_by_hand(r, in, type, order->how).uid;
    order->status = order->uid ? TROUPE_OK : TROUPE_REFUSED;
    (void)snprintf(order->why, sizeof order->why, "%s", order->uid ? "" : r->refusal);
}

static void stop_child(struct inst *in, struct client_order *order) {
    order->status = TROUPE_NOT_FOUND;
    LIST_EACH (link, &in->more->children) {
        struct inst *child = LIST_OF(link, struct inst, sibling);
        if (inst_uid(child) == order->uid) {
            inst_signal(child, order->signal);
            order->status = TROUPE_OK;
        }
    }
}

/* They stand in the order they were spawned in: that of their pids. */
static void list(struct inst *in, struct client_order *order) {
    order->children = mem_array(inst_open_children(in) + 1, sizeof *order->children);
    order->status = order->children ? TROUPE_OK : TROUPE_NO_MEMORY;
    LIST_EACH (link, &in->more->children) {
        struct inst *child = LIST_OF(link, struct inst, sibling);
        if (order->children) {
            struct client_child *to = &order->children[order->child_count++];
            *to = (struct client_child){
                .uid = inst_uid(child), .pid = child->pid, .status = inst_status(child)};
            inst_name(child, to->name, sizeof to->name);
        }
    }
}

static void carry_out_one(struct runner *r, struct inst *in, struct client_order *order) {
    switch (order->what) {
    case CLIENT_SPAWN:
        spawn(r, in, order);
        break;
    case CLIENT_STOP_CHILD:
        stop_child(in, order);
        break;
    case CLIENT_LIST:
        list(in, order);
        break;
    }
}

/* Mostly there are none. Who gives one pokes the client behind it. */
static struct client_order *take_orders(struct inst *in) {
    if (!atomic_load_explicit(&in->more->orders, memory_order_relaxed)) {
        return NULL;
    }
    pthread_mutex_lock(&in->proc->lock);
    struct client_order *orders =
        atomic_exchange_explicit(&in->more->orders, NULL, memory_order_relaxed);
    pthread_mutex_unlock(&in->proc->lock);
    return orders;
}

static void carry_out(struct runner *r, struct inst *in) {
    struct proc *proc = in->proc;
    struct client_order *orders = take_orders(in);
    while (orders) {
        struct client_order *next = orders->next;
        carry_out_one(r, in, orders);
        pthread_mutex_lock(&proc->lock);
        orders->done = true; /* it is gone from here on */
        pthread_cond_broadcast(&proc->order_done);
        pthread_mutex_unlock(&proc->lock);
        orders = next;
    }
}

void client_do(struct inst *in, struct client_order *order) {
    struct proc *proc = in->proc;
    pthread_mutex_lock(&proc->lock);
    order->done = false;
    order->next = atomic_load_explicit(&in->more->orders, memory_order_relaxed);
    atomic_store_explicit(&in->more->orders, order, memory_order_relaxed);
    pthread_mutex_unlock(&proc->lock);
    mbox_poke(&in->mbox);
    pthread_mutex_lock(&proc->lock);
    while (!order->done) {
        pthread_cond_wait(&proc->order_done, &proc->lock);
    }
    pthread_mutex_unlock(&proc->lock);
}

bool client_step(struct runner *r, struct inst *in) {
    const struct client_seat *seat = in->more->seat;
    struct msg *left = NULL;
    struct msg *m;
    /* acquire: pairs with inst_signal */
    uint32_t signals = atomic_exchange_explicit(&in->signals, 0, memory_order_acq_rel);
    while ((m = mbox_take(&in->mbox))) {
        queue_count_taken(r);
        sched_count(r->worker, 1);
        hand_over(r, in, m);
    }
    carry_out(r, in);
    seat->woken(seat->context);
    if (signals && !in->told) {
        in->told = true; /* its children end first (SV-4) */
        inst_signal_children(in, SIGNAL_STOP);
    }
    if (!in->told || inst_open_children(in) > 0 || !seat->may_end(seat->context, &left)) {
        return true;
    }
    end(r, in, left);
    return false;
}

void client_stop(struct inst *in) {
    inst_signal(in, SIGNAL_STOP);
}

/* --- messages --- */

static enum client_sent drop(struct proc *proc, struct msg *m) {
    atomic_fetch_add_explicit(&proc->outside.dropped, 1, memory_order_relaxed);
    msg_free(pools_shared(proc->pools), m);
    return CLIENT_SENT;
}

uint16_t client_port_number(struct proc *proc, const char *name) {
    return proc_port_name(proc, name);
}

void client_free_message(struct proc *proc, struct msg *m) {
    msg_free(pools_shared(proc->pools), m);
}

void client_drop(struct inst *in, struct msg *m) {
    (void)drop(in->proc, m);
}

uint16_t client_translate_port(struct proc *from, uint16_t number, struct proc *to) {
    const char *name = proc_port_name_text(from, number);
    return *name ? proc_port_name(to, name) : 0;
}

void client_return(struct proc *proc, struct msg *m, int32_t reason) {
    bounce(&proc->outside, proc, m, reason);
}

struct msg *client_new_message(struct proc *proc, enum msg_kind kind, uint64_t room) {
    return msg_alloc(pools_shared(proc->pools), kind, MSG_EXTENDED | MSG_BY_NAME, room);
}

static void count_late(struct proc *proc, struct msg *m) {
    atomic_fetch_add_explicit(&proc->outside.late_replies, 1, memory_order_relaxed);
    msg_free(pools_shared(proc->pools), m);
}

void client_deliver(struct proc *proc, struct msg *m) {
    struct inst *to = cell_find(proc, m->dest);
    if (to && queue_from_outside(&to->mbox, m, proc, 0) == OFFER_TAKEN) {
        return;
    }
    if (m->kind == MSG_RETURNED) {
        bury(&proc->outside, proc, m, -(int32_t)m->reason);
        return;
    }
    count_late(proc, m);
}

int client_answer(struct inst *in, struct troupe_once once, int32_t status, struct troupe_str text,
                  const struct msg_type *type, const void *body) {
    struct proc *proc = in->proc;
    struct pool *pool = pools_shared(proc->pools);
    struct troupe_ref to = {once.uid, 0};
    struct msg *m = type ? client_message(in, MSG_REPLY, MSG_EXTENDED, to, type, body)
                         : call_refusal(pool, status, text);
    if (!m) {
        return -1;
    }
    m->dest = once.uid;
    m->sender = inst_uid(in);
    msg_extension(m)->call = once.call;
    client_deliver(proc, m);
    return 0;
}

/* --- sending --- */

HOT struct msg *client_message(struct inst *in, enum msg_kind kind, unsigned flags,
                               struct troupe_ref to, const struct msg_type *type,
                               const void *body) {
    uint64_t room = type->abi.body_size;
    bool far = to.port > PORT_NAME_MASK;
    const struct inst *receiver = far ? NULL : cell_find(in->proc, to.uid);
    if (receiver) {
        prefetch_to_write(receiver); /* comes while the message is made */
    }
    flags |= MSG_BY_NAME | (far ? MSG_EXTENDED : 0);
    struct msg *m =
        msg_alloc(pools_shared(in->proc->pools), kind, flags, type_copy_size(type, body, room));
    if (!m) {
        return NULL;
    }
    type_copy(type, body, msg_own_body(m), room);
    m->type = type->index;
    m->sender = inst_uid(in);
    m->dest = to.uid;
    m->port = (uint16_t)to.port;
    if (far) {
        msg_extension(m)->far = to.port;
    }
    return m;
}

/* Only actors of the plan have one. */
static enum overflow policy_of(const struct inst *to, uint64_t port, uint16_t *ret_row) {
    bool planned = mbox_is_choosy(&to->mbox);
    *ret_row = planned ? inst_type_handler(inst_type(to), (uint16_t)port) : INST_NO_ROW;
    return *ret_row == INST_NO_ROW ? OVERFLOW_BLOCK : inst_overflow(to, *ret_row);
}

static enum client_sent count_sent(struct proc *proc) {
    atomic_fetch_add_explicit(&proc->outside.sent, 1, memory_order_relaxed);
    return CLIENT_SENT;
}

static enum client_sent offer_ring(struct proc *proc, struct mbox *mb, struct mbox_ring *ring,
                                   struct msg *m, int32_t *ret_reason) {
    struct msg *evicted = NULL;
    _Atomic int64_t *queued = &proc->outside.queued;
    atomic_fetch_add_explicit(queued, 1, memory_order_relaxed);
    if (mbox_ring_offer(mb, ring, m, &evicted) == OFFER_CLOSED) {
        atomic_fetch_sub_explicit(queued, 1, memory_order_relaxed);
        *ret_reason = TROUPE_GONE;
        return CLIENT_REFUSED;
    }
    if (evicted) {
        atomic_fetch_sub_explicit(queued, 1, memory_order_relaxed);
        (void)drop(proc, evicted);
    }
    return count_sent(proc);
}

/* `receiver`: NULL: there is none. */
static inline enum client_sent offer_to(struct inst *receiver, struct proc *proc, struct msg *m,
                                        uint64_t port, bool hard, int32_t *ret_reason) {
    uint16_t row;
    enum overflow policy = receiver ? policy_of(receiver, port, &row) : OVERFLOW_BLOCK;
    struct mbox_ring *ring =
        policy == OVERFLOW_DROP_OLDEST ? mbox_ring_find(&receiver->mbox, row) : NULL;
    if (ring) {
        return offer_ring(proc, &receiver->mbox, ring, m, ret_reason);
    }
    uint32_t limit = receiver ? mbox_capacity(&receiver->mbox) * (hard ? MBOX_HARD_FACTOR : 1) : 0;
    enum offer result =
        receiver ? queue_from_outside(&receiver->mbox, m, proc, limit) : OFFER_CLOSED;
    if (result == OFFER_TAKEN) {
        return count_sent(proc);
    }
    *ret_reason = result == OFFER_FULL ? TROUPE_FULL : TROUPE_GONE;
    if (result == OFFER_FULL && policy == OVERFLOW_BLOCK) {
        return CLIENT_FULL;
    }
    return result == OFFER_FULL && policy == OVERFLOW_DROP_NEWEST ? drop(proc, m) : CLIENT_REFUSED;
}

/* What its mailbox has beyond others goes with it, so it is looked for first (L-1). */
static __attribute__((noinline)) enum client_sent offer_to_special(struct proc *proc, struct msg *m,
                                                                   struct troupe_ref to, bool hard,
                                                                   int32_t *ret_reason) {
    struct looker looker;
    looks_begin(proc, &looker);
    enum client_sent sent =
        offer_to(looks_find_any(proc, to.uid), proc, m, to.port, hard, ret_reason);
    looks_end(proc, &looker);
    return sent;
}

HOT enum client_sent client_offer_here(struct inst *in, struct msg *m, struct troupe_ref to,
                                       bool hard, int32_t *ret_reason) {
    struct proc *proc = in->proc;
    if (to.port == QUERIES_PORT) {
        queries_take(proc, m); /* S-3 */
        return count_sent(proc);
    }
    struct inst *receiver = cell_find(proc, to.uid);
    return receiver && mbox_is_special(&receiver->mbox)
               ? offer_to_special(proc, m, to, hard, ret_reason)
               : offer_to(receiver, proc, m, to.port, hard, ret_reason);
}

bool client_query(struct inst *in, struct troupe_ref to, const struct msg_type *type,
                  const void *body, uint64_t call) {
    struct proc *proc = in->proc;
    const struct client_seat *seat = in->more->seat;
    if (to.port != QUERIES_PORT) {
        return false;
    }
    const struct question q = {inst_uid(in), to.uid, call, type, body};
    struct msg *answer = queries_answer_here(proc, &q);
    if (answer && seat->took(seat->context, answer) != CLIENT_TAKEN) {
        count_late(proc, answer);
    }
    (void)count_sent(proc);
    return true;
}

HOT enum client_sent client_offer(struct inst *in, struct msg *m, struct troupe_ref to,
                                  int32_t *ret_reason) {
    struct proc_forwarder *forwarder = &in->proc->options.forwarder;
    if (to.port <= PORT_NAME_MASK) {
        return client_offer_here(in, m, to, false, ret_reason);
    }
    *ret_reason = TROUPE_NOT_LOCAL;
    if (!forwarder->forward) {
        return CLIENT_REFUSED;
    }
    return forwarder->forward(forwarder->context, in->proc, m, false) == FORWARD_FULL
               ? CLIENT_FULL
               : count_sent(in->proc); /* PR-1 */
}

enum pause_result client_wait_there(struct proc *from, struct pauser *pauser, struct proc *to,
                                    uint64_t uid) {
    struct looker looker;
    looks_begin(to, &looker); /* as in offer_to_special */
    struct inst *receiver = looks_find_any(to, uid);
    enum pause_result result =
        receiver ? pause_wait(&from->pauses, pauser, &receiver->mbox) : PAUSE_RETRY;
    looks_end(to, &looker);
    return result;
}

enum pause_result client_wait(struct inst *in, struct pauser *pauser, struct troupe_ref to) {
    struct proc *proc = in->proc;
    struct proc_forwarder *forwarder = &proc->options.forwarder;
    pauser->self = &in->mbox;
    return to.port > PORT_NAME_MASK ? forwarder->wait(forwarder->context, proc, to, pauser)
                                    : client_wait_there(proc, pauser, proc, to.uid);
}

void client_release_all(struct proc *proc) {
    for (uint32_t i = 0, count = cell_count(proc); i < count; i++) {
        struct mbox *mb = &cell_at(proc, i)->mbox;
        if (mbox_has_waiters(mb)) {
            pause_release(&proc->pauses, mb);
        }
    }
}

bool client_has_room(struct inst *in, struct pauser *pauser) {
    return pause_is_over(&in->proc->pauses, pauser);
}

void client_wait_no_more(struct inst *in, struct pauser *pauser) {
    pause_cancel(&in->proc->pauses, pauser);
}
