/* Sending: from a handler's struct to messages in the outbox. */
#include <stddef.h>
#include <string.h>

#include "actor/host_impl.h"

const struct inst_row *host_row(const struct runner *r, uint32_t port, uint32_t kinds) {
    const struct inst_type *type = r->inst->type;
    uint16_t number = inst_type_number(type, port);
    if (number == INST_NO_ROW) {
        return NULL;
    }
    const struct inst_row *row = &type->rows[number];
    return kinds & (1u << row->kind) ? row : NULL;
}

/* 8 to 16 bytes by two moves that may overlap, for less than a call of memcpy. */
static inline void copy_small(char *to, const char *from, uint64_t size) {
    uint64_t head, tail;
    memcpy(&head, from, 8);
    memcpy(&tail, from + size - 8, 8);
    memcpy(to, &head, 8);
    memcpy(to + size - 8, &tail, 8);
}

/* A body without pointers, and no stray bytes behind its last field (MB-8). */
static inline void copy_plain(char *to, const char *from, uint64_t end, uint64_t room) {
    if (end >= 8 && end <= 16) {
        copy_small(to, from, end);
    } else {
        memcpy(to, from, end);
    }
    if (room > end) {
        memset(to + end, 0, room - end);
    }
}

struct msg *host_new_message(struct runner *r, enum msg_kind kind, unsigned flags,
                             const struct msg_type *type, const void *body, uint64_t room) {
    uint64_t trace = r->msg ? msg_trace(r->msg) : 0;
    if (trace) {
        flags |= MSG_EXTENDED;
    }
    if (room <= type->abi.body_size) {
        room = type->abi.body_size;
    } else {
        flags |= MSG_ROOMY;
    }
    uint64_t size = type->has_pointers ? type_copy_size(type, body, room) : room;
    struct msg *m = msg_alloc(r->pool, kind, flags, size);
    if (!m) {
        return NULL;
    }
    m->sender = inst_uid(r->inst);
    m->type = type->index;
    if (trace) {
        msg_extension(m)->trace = trace;
    }
    if (type->has_pointers) {
        type_copy(type, body, msg_own_body(m), room);
    } else {
        copy_plain(msg_own_body(m), body, type->end, room);
    }
    return m;
}

static int add(struct runner *r, const struct wire_target *target, struct wire *wire,
               struct msg *m) {
    if (outbox_add_message(&r->outbox, target, wire, m) < 0) {
        msg_free(r->pool, m);
        return -1;
    }
    return 0;
}

/* A further copy of what this turn sends. The body may be another actor's, when it is sent on: sender
 * and trace are this turn's all the same. */
static struct msg *new_copy(struct runner *r, struct msg *origin, unsigned flags, uint64_t trace) {
    struct msg *m = msg_share(r->pool, origin, flags | (trace ? MSG_EXTENDED : 0));
    if (m) {
        m->sender = inst_uid(r->inst);
    }
    if (m && trace) {
        msg_extension(m)->trace = trace;
    }
    return m;
}

/* One message to all targets of a port: the first gets the block, the others share its body. */
__attribute__((noinline, flatten)) static int32_t
copy_to_all(struct runner *r, struct port *port, const struct msg_type *type, struct msg *m) {
    struct msg *spare = m; /* not handed over yet */
    int32_t status = TROUPE_OK;
    struct msg *origin = msg_hold(m);
    uint64_t trace = msg_trace(m);
    unsigned flags = m->flags & MSG_ROOMY;
    for (uint32_t w = 0; w < port->count && status == TROUPE_OK; w++) {
        struct wire *wire = &port->wires[w];
        struct wire_target *target;
        uint32_t count = wire_pick(wire, type, msg_body(m), &target);
        bool has_live = count > 1 && wire_has_live(wire);
        for (uint32_t i = 0; i < (count ? count : 1); i++) {
            bool rests = has_live && mbox_is_resting(target[i].mbox);
            if (count > 1 && (rests || mbox_is_closed(target[i].mbox))) {
                continue; /* PT-3: the live ones */
            }
            struct msg *next = spare ? spare : new_copy(r, origin, flags, trace);
            if (!next || add(r, &target[i], wire, next) < 0) {
                status = TROUPE_NO_MEMORY;
            }
            spare = NULL;
        }
    }
    if (spare) {
        msg_free(r->pool, spare);
    }
    msg_release(r->pool, origin);
    return status;
}

__attribute__((noinline, flatten)) static int32_t
fan_out(struct runner *r, struct port *port, const struct msg_type *type, struct msg *m) {
    struct wire *wire = &port->wires[0];
    if (port->count > 1 || wire->mode == WIRE_BROADCAST) {
        return copy_to_all(r, port, type, m);
    }
    struct wire_target *target;
    (void)wire_pick(wire, type, msg_body(m), &target); /* a closed one refuses by itself */
    return add(r, target, wire, m) < 0 ? TROUPE_NO_MEMORY : TROUPE_OK;
}

__attribute__((noinline, flatten)) static int32_t send_any(struct runner *r, uint32_t at,
                                                           const void *body) {
    const struct inst_row *row = host_row(r, at, ROW(out));
    if (!row || !body) {
        return TROUPE_INVALID;
    }
    struct port *port = host_port(r, row);
    if (!port || port->count == 0) {
        return TROUPE_OK;
    }
    struct msg *m = host_new_message(r, MSG_DATA, 0, row->type, body, port->body_room);
    if (!m) {
        return TROUPE_NO_MEMORY;
    }
    if (port->count == 1 && port->wires[0].mode == WIRE_DIRECT) {
        return add(r, port->wires[0].targets, &port->wires[0], m) < 0 ? TROUPE_NO_MEMORY
                                                                      : TROUPE_OK;
    }
    return fan_out(r, port, row->type, m);
}

/* The usual message, without a call on its way: plain and small, one receiver, and memory at hand. NULL: it is none. Else
 * *ret_is_added says whether it has been added to the outbox. */
static inline struct msg *send_plain(struct runner *r, struct port *port, const void *body,
                                     bool *ret_is_added) {
    bool is_plain = port->plain && body && outbox_has_room(&r->outbox);
    struct msg *m = is_plain ? pool_take_small(r->pool) : NULL;
    if (!m) {
        return NULL;
    }
    m->head = port->plain_head;
    m->sender = inst_uid(r->inst);
    copy_small((char *)(m + 1), body, port->plain_size);
    *ret_is_added = outbox_add_plain(&r->outbox, port, m);
    return m;
}

/* The turn sends to several places. */
__attribute__((noinline, flatten)) static int32_t send_anywhere(struct runner *r, struct port *port,
                                                                struct msg *m, uint32_t before) {
    outbox_add_plain_anywhere(&r->outbox, port, m);
    gate_leave(r, before);
    return TROUPE_OK;
}

__attribute__((noinline, flatten)) static int32_t send_slowly(struct troupe_turn *turn, uint32_t at,
                                                              const void *body) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    return send_any(r, at, body);
}

/* Itself it calls nothing, but at its end, so that the usual message costs no registers to be saved. */
__attribute__((flatten)) int32_t host_send(struct troupe_turn *turn, uint32_t at,
                                           const void *body) {
    struct runner *r = runner_of(turn);
    uint32_t before;
    if (THREAD_IS_RIGHT(r) && gate_try(r, &before)) {
        bool may_be = at < r->plain_count && r->ports;
        struct port *port = may_be ? &r->ports[at] : NULL;
        bool is_added;
        struct msg *m = port ? send_plain(r, port, body, &is_added) : NULL;
        if (m && !is_added) {
            return send_anywhere(r, port, m, before);
        }
        gate_leave(r, before);
        if (m) {
            return TROUPE_OK;
        }
    }
    return send_slowly(turn, at, body);
}

#define PORT_NAME_MASK UINT16_MAX

/* Where nobody is, the mailbox is not looked at: its line may be another worker's, that waits for something to arrive in it,
 * and to fetch it now and once more for the commit would take twice as long. */
static inline bool is_choosy(const struct runner *r, const struct inst *in) {
    return atomic_load_explicit(&r->proc->has_choosy, memory_order_relaxed) &&
           mbox_is_choosy(&in->mbox);
}

int32_t host_address(struct runner *r, struct msg *m, struct troupe_ref to) {
    struct proc *proc = r->proc;
    bool local = to.port <= PORT_NAME_MASK;
    struct inst *in = local && to.port != QUERIES_PORT ? cell_find(proc, to.uid) : NULL;
    struct wire_target target = {in ? &in->mbox : NULL, to.uid, 0, WIRE_BLOCK};
    m->port = (uint16_t)to.port;
    if (in && is_choosy(r, in)) {
        uint16_t row = inst_type_handler(inst_type(in), m->port);
        target.row = row;
        target.overflow = row == INST_NO_ROW ? WIRE_BLOCK : (uint8_t)inst_overflow(in, row);
    }
    if (add(r, &target, NULL, m) < 0) {
        return TROUPE_NO_MEMORY;
    }
    if (!local) {
        r->outbox.items[r->outbox.count - 1].remote = true;
        msg_extension(m)->far = to.port;
    }
    return TROUPE_OK;
}

/* As send_plain: to an actor of this proc that blocks whoever sends to it, *ret_in. */
static inline struct msg *send_plain_to(struct runner *r, const struct inst_row *row,
                                        struct troupe_ref to, const void *body,
                                        struct inst **ret_in, bool *ret_is_added) {
    bool is_plain = row->kind == TROUPE_ROW_to && row->usual && body && to.port < QUERIES_PORT &&
                    outbox_has_room(&r->outbox);
    struct inst *in = is_plain ? cell_find(r->proc, to.uid) : NULL;
    if (!in || is_choosy(r, in)) {
        return NULL;
    }
    struct msg *m = pool_take_small(r->pool);
    if (!m) {
        return NULL;
    }
    m->head = msg_head_for(row->usual, (uint16_t)to.port);
    m->dest = to.uid;
    m->sender = inst_uid(r->inst);
    copy_small((char *)(m + 1), body, row->type->end);
    *ret_in = in;
    *ret_is_added = outbox_add_named(&r->outbox, &in->mbox, m);
    return m;
}

__attribute__((noinline, flatten)) static int32_t
send_to_anywhere(struct runner *r, struct inst *in, struct msg *m, uint32_t before) {
    outbox_add_named_anywhere(&r->outbox, &in->mbox, m);
    gate_leave(r, before);
    return TROUPE_OK;
}

__attribute__((noinline, flatten)) static int32_t
send_slowly_to(struct troupe_turn *turn, uint32_t port, struct troupe_ref to, const void *body) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    const struct inst_row *row = host_row(r, port, ROW(to));
    if (!row || !body || to.uid == 0) {
        return TROUPE_INVALID;
    }
    unsigned flags = MSG_BY_NAME | (to.port > PORT_NAME_MASK ? MSG_EXTENDED : 0);
    struct msg *m = host_new_message(r, MSG_DATA, flags, row->type, body, 0);
    return m ? host_address(r, m, to) : TROUPE_NO_MEMORY;
}

__attribute__((flatten)) /* as host_send */
int32_t
host_send_to(struct troupe_turn *turn, uint32_t port, struct troupe_ref to, const void *body) {
    struct runner *r = runner_of(turn);
    uint32_t before;
    if (THREAD_IS_RIGHT(r) && gate_try(r, &before)) {
        struct inst *in;
        bool is_added;
        const struct inst_row *row = port < r->plain_count ? &r->inst->type->rows[port] : NULL;
        struct msg *m = row ? send_plain_to(r, row, to, body, &in, &is_added) : NULL;
        if (m && !is_added) {
            return send_to_anywhere(r, in, m, before);
        }
        gate_leave(r, before);
        if (m) {
            return TROUPE_OK;
        }
    }
    return send_slowly_to(turn, port, to, body);
}

struct msg *host_find_held(struct runner *r, uint16_t source, const struct troupe_any *message) {
    if (r->msg && message->body == msg_body(r->msg)) {
        return r->row == &r->inst->type->rows[source] ? r->msg : NULL;
    }
    struct inst_memory *own = inst_has_memory(r->inst);
    if (own) {
        LIST_EACH (link, &own->kept) {
            struct kept *kept = LIST_OF(link, struct kept, link);
            if (&kept->any == message || kept->any.body == message->body) {
                return kept->row == source ? kept->origin : NULL;
            }
        }
    }
    return NULL;
}

int32_t host_forward(struct troupe_turn *turn, uint32_t at, const struct troupe_any *message) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    const struct inst_row *row = host_row(r, at, ROW(as));
    struct msg *held = row && message ? host_find_held(r, row->source, message) : NULL;
    if (!held) {
        return TROUPE_INVALID;
    }
    struct port *port = host_port(r, row);
    if (!port || port->count == 0) {
        return TROUPE_OK;
    }
    /* not ROOMY: what is wired here may expect more than what is wired where it came from */
    struct msg *envelope = new_copy(r, held, 0, r->msg ? msg_trace(r->msg) : 0);
    if (!envelope) {
        return TROUPE_NO_MEMORY;
    }
    return fan_out(r, port, type_get(r->proc->types, held->type), envelope);
}

const struct troupe_any *host_keep(struct troupe_turn *turn) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, NULL);
    const struct msg_type *type = r->msg ? type_get(r->proc->types, r->msg->type) : NULL;
    struct inst_memory *own = type ? inst_memory(r->inst) : NULL;
    struct kept *kept = own ? heap_alloc(&own->kept_heap, sizeof *kept) : NULL;
    if (!kept) {
        return NULL;
    }
    kept->origin = msg_hold(r->msg);
    kept->any = (struct troupe_any){&type->abi, msg_body(r->msg)};
    kept->row = (uint16_t)(r->row - r->inst->type->rows);
    list_add_last(&own->kept, &kept->link);
    return &kept->any;
}

void host_drop(struct troupe_turn *turn, const struct troupe_any *any) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, );
    struct inst_memory *own = inst_has_memory(r->inst);
    if (!any || !own) {
        return;
    }
    LIST_EACH (link, &own->kept) {
        struct kept *kept = LIST_OF(link, struct kept, link);
        if (&kept->any == any) {
            list_remove(&kept->link);
            msg_release(r->pool, kept->origin);
            (void)heap_free(&own->kept_heap, kept);
            return;
        }
    }
}
