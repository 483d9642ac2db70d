/* What an instance does with a message it took. */
#include <stddef.h>

#include "actor/proc_impl.h"

/* The row that a data message or request is for, or INST_NO_ROW. */
static inline uint16_t find_row(const struct inst *in, const struct msg *m) {
    const struct inst_type *type = in->type;
    uint16_t at = m->flags & MSG_BY_NAME ? inst_type_handler(type, m->port) : m->port;
    return at < type->row_count && type->rows[at].accepts >> m->kind & 1 ? at : INST_NO_ROW;
}

__attribute__((noinline)) const void *inst_fit_body(struct runner *r, const struct inst *in,
                                                    struct msg *m, const struct inst_row *row) {
    void *body = msg_body(m);
    const struct msg_type *sent = type_get(in->proc->types, m->type);
    if (!sent || type_check_compatible(sent, row->type, NULL) < 0) {
        return NULL;
    }
    if (sent->end >= row->type->end || m->flags & MSG_ROOMY) {
        return body;
    }
    void *copy = scratch_alloc(&r->scratch, type_copy_size(sent, body, row->type->abi.body_size));
    if (copy) {
        type_copy(sent, body, copy, row->type->abi.body_size);
    }
    return copy;
}

static void handle_data(struct runner *r, struct inst *in, struct msg *m) {
    uint16_t at = m->dest == inst_uid(in) ? find_row(in, m) : INST_NO_ROW;
    if (at == INST_NO_ROW) {
        bounce(r, in->proc, m, m->dest == inst_uid(in) ? TROUPE_NO_SUCH_PORT : TROUPE_GONE);
        return;
    }
    const struct inst_row *row = &in->type->rows[at];
    struct troupe_any any;
    const void *body;
    if (!row->type) {
        const struct msg_type *type = type_get(in->proc->types, m->type);
        any = (struct troupe_any){&type->abi, msg_body(m)};
        body = &any;
    } else {
        body = row->type->index == m->type ? msg_body(m) : inst_fit_body(r, in, m, row);
    }
    if (!body) {
        bounce(r, in->proc, m, TROUPE_NO_SUCH_PORT);
        return;
    }
    int32_t status = turn_run(r, in, at, body, m);
    count_add(&r->handled, 1);
    if (status < 0) {
        turn_fail(r, in, at, status);
        died_on(r, in, at, m);
        return;
    }
    msg_free(r->pool, m);
}

/* Where a returned message was sent. What a wire carried names the receiver's row; only actors of the
 * plan can be asked for its name: they keep their type. */
static struct troupe_ref sent_to(const struct inst *in, struct msg *m) {
    struct troupe_ref to = {m->sender, msg_far(m) ? msg_far(m) : m->port};
    if (!(m->flags & MSG_BY_NAME)) {
        const struct inst *receiver = proc_planned(in->proc, m->sender);
        const struct inst_type *type = receiver ? inst_type(receiver) : NULL;
        to.port = type && m->port < type->row_count ? type->rows[m->port].name_id : 0;
    }
    return to;
}

/* An undeliverable of this actor's: its handler's, else a dead letter (MB-4). */
static void handle_returned(struct runner *r, struct inst *in, struct msg *m) {
    uint16_t at = in->type->returned;
    if (at == INST_NO_ROW || m->dest != inst_uid(in)) {
        bury(r, in->proc, m, -(int32_t)m->reason);
        return;
    }
    const struct msg_type *type = type_get(in->proc->types, m->type);
    struct troupe_returned returned = {.size = sizeof returned,
                                       .reason = -(int32_t)m->reason,
                                       .to = sent_to(in, m),
                                       .message = {&type->abi, msg_body(m)},
                                       .text = troupe_str(troupe_status_text(-(int32_t)m->reason))};
    int32_t status = turn_run(r, in, at, &returned, m);
    if (status < 0 && status != TROUPE_UNHANDLED) {
        turn_fail(r, in, at, status);
    }
    if (status < 0) {
        bury(r, in->proc, m, -(int32_t)m->reason); /* nobody took it, one that failed neither */
        return;
    }
    msg_free(r->pool, m);
}

/* Not inlined: its cases would cost the common one registers. */
__attribute__((noinline)) static void handle_host(struct runner *r, struct inst *in,
                                                  struct msg *m) {
    switch ((enum msg_kind)m->kind) {
    case MSG_RETURNED:
        handle_returned(r, in, m);
        return;
    case MSG_ENDED:
        life_child_ended(r, in, m);
        return;
    case MSG_REPLY:
        call_reply(r, in, m);
        break;
    case MSG_TICK:
        inst_tick(r, in, m);
        break;
    case MSG_READY:
        inst_ready(r, in, m);
        break;
    case MSG_DEADLINE:
        call_expire(r, in, m);
        break;
    case MSG_NOTICE:
        inst_notice(r, in, m);
        break;
    case MSG_DATA:
    case MSG_REQUEST:
    case MSG_KIND_COUNT:
        break;
    }
    msg_free(r->pool, m);
}

static inline void handle(struct runner *r, struct inst *in, struct msg *m) {
    if (msg_is_charged(m)) {
        handle_data(r, in, m);
    } else {
        handle_host(r, in, m);
    }
}

/* Whatever a handler ran for has changed the state: a tick, a reply, as much as a message.
 * Not inlined: the usual message goes by turn_usual, and would have to save registers for these. */
__attribute__((noinline, flatten)) void inst_handle(struct runner *r, struct inst *in,
                                                    struct msg *m) {
    if (__builtin_expect(!in->checkpoints, 1)) {
        handle(r, in, m);
        return;
    }
    uint64_t before = inst_processed(in);
    handle(r, in, m);
    if (!in->failed && inst_processed(in) != before) {
        checkpoint_count(r, in);
    }
}
