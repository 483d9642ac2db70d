/* Calls and answers as the host table offers them. */
#include <stddef.h>

#include "actor/host_impl.h"

/* From here on a deadline may come SCHED_LINGER_NS late: less than two parts in a hundred. */
#define LONG_TIMEOUT_NS NS_PER_S

/* When a call made now ends, never too early (MB-6). A look at the clock costs as much as a message, so a
 * long one counts from the coarse time, and from when that can't be older, but where ticks wait for a core. */
static uint64_t deadline(const struct runner *r, uint64_t timeout_ns) {
    uint64_t from_ns;
    if (timeout_ns < LONG_TIMEOUT_NS || sched_is_seeded(r->proc->sched)) {
        from_ns = r->proc->clock->now(r->proc->clock);
    } else {
        (void)sched_now(r->worker);
        from_ns = sched_coarse_now(r->worker) + SCHED_LINGER_NS;
    }
    return timeout_ns > UINT64_MAX - from_ns ? UINT64_MAX : from_ns + timeout_ns;
}

/* The request, with its call begun; NULL: no memory, or too many calls pending. */
static struct msg *new_request(struct runner *r, const struct inst_row *row, unsigned flags,
                               const void *body, uint64_t timeout_ns) {
    struct msg *m = host_new_message(r, MSG_REQUEST, flags | MSG_EXTENDED, row->type, body, 0);
    if (!m) {
        return NULL;
    }
    uint64_t number = call_begin(r->inst, host_number(r, row), deadline(r, timeout_ns));
    if (number == 0) {
        msg_free(r->pool, m);
        return NULL;
    }
    msg_extension(m)->call = number;
    return m;
}

__attribute__((flatten)) /* as inst_run */
uint64_t
host_ask(struct troupe_turn *turn, uint32_t at, const void *body, uint64_t timeout_ns) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, 0);
    const struct inst_row *row = host_row(r, at, ROW(ask));
    struct port *port = row ? host_port(r, row) : NULL;
    if (!body || !port || port->count != 1 || port->wires[0].mode == WIRE_BROADCAST) {
        return 0;
    }
    struct msg *m = new_request(r, row, 0, body, timeout_ns);
    if (!m) {
        return 0;
    }
    uint64_t number = msg_call(m);
    struct wire_target *target;
    (void)wire_pick(&port->wires[0], row->type, msg_body(m), &target);
    if (outbox_add_message(&r->outbox, target, &port->wires[0], m) < 0) {
        call_withdraw(r->inst, number);
        msg_free(r->pool, m);
        return 0;
    }
    return number;
}

uint64_t host_ask_to(struct troupe_turn *turn, uint32_t at, struct troupe_ref to, const void *body,
                     uint64_t timeout_ns) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, 0);
    const struct inst_row *row = host_row(r, at, ROW(ask));
    if (!row || !body || to.uid == 0) {
        return 0;
    }
    struct msg *m = new_request(r, row, MSG_BY_NAME, body, timeout_ns);
    if (!m) {
        return 0;
    }
    uint64_t number = msg_call(m);
    if (host_address(r, m, to) < 0) {
        call_withdraw(r->inst, number);
        return 0;
    }
    return number;
}

/* Whether `request` waits for an answer of ours; from now on it doesn't. */
static bool claim(struct runner *r, struct troupe_once request) {
    bool in_hand = r->msg && r->msg->kind == MSG_REQUEST && r->msg->sender == request.uid &&
                   msg_call(r->msg) == request.call;
    if (in_hand) {
        bool first = !r->answered;
        r->answered = true;
        return first;
    }
    struct out_item *item =
        request_remove(r->inst, request) ? outbox_add(&r->outbox, OUT_ANSWERED) : NULL;
    if (item) {
        item->u.once = request;
    }
    return item != NULL;
}

__attribute__((flatten)) /* as inst_run */
int32_t
host_answer(struct troupe_turn *turn, uint32_t at, struct troupe_once request, int32_t status,
            struct troupe_str text, const void *body) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    const struct inst_row *row = host_row(r, at, ROW(call));
    if (!row || status > 0 || (status == 0 && !body) || !claim(r, request)) {
        return TROUPE_INVALID;
    }
    struct msg *m = status < 0 ? call_refusal(r->pool, status, text)
                               : host_new_message(r, MSG_REPLY, MSG_EXTENDED, row->reply, body, 0);
    if (!m) {
        return TROUPE_NO_MEMORY;
    }
    m->sender = inst_uid(r->inst);
    msg_extension(m)->call = request.call;
    struct inst *caller = cell_find(r->proc, request.uid);
    struct wire_target target = {caller ? &caller->mbox : NULL, request.uid, 0, WIRE_BLOCK};
    if (outbox_add_message(&r->outbox, &target, NULL, m) < 0) {
        msg_free(r->pool, m);
        return TROUPE_NO_MEMORY;
    }
    return TROUPE_OK;
}
