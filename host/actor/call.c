/* Calls: what an instance asked and has no answer to yet, and what it was asked and has not
 * answered (MB-6). A call ends in exactly one of reply, error, timeout, callee gone. */
#include <stddef.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"

/* A call's number: which place in the table, and how many calls were made before it. */
#define PLACE_BITS 20
#define PLACE_MASK ((1ull << PLACE_BITS) - 1)
#define NO_PLACE UINT32_MAX

static void deadline_fire(struct timer *timer, uint64_t now_ns) {
    struct inst_calls *all = LIST_OF(timer, struct inst_calls, timer);
    struct pool *pool = pools_shared(all->self->proc->pools);
    (void)now_ns;
    struct msg *m = msg_alloc(pool, MSG_DEADLINE, 0, 0);
    if (m) {
        deliver_host(pool, all->self, m);
    }
}

static int grow_calls(struct inst_calls *all) {
    uint32_t room = all->room ? all->room * 2 : 4;
    if (room > PLACE_MASK) {
        return -1;
    }
    struct call *calls = mem_resize(all->calls, room * sizeof *calls);
    if (!calls) {
        return -1;
    }
    for (uint32_t i = all->room; i < room; i++) {
        calls[i] = (struct call){.next_free = i + 1 < room ? i + 1 : NO_PLACE};
    }
    all->calls = calls;
    if (all->room == 0) {
        all->timer.fire = deadline_fire; /* before its first start: who fires it reads this */
    }
    all->free = all->room;
    all->room = room;
    return 0;
}

static void arm(struct inst *in, uint64_t deadline_ns) {
    struct inst_calls *all = in->more->calls;
    if (deadline_ns < all->earliest_ns) {
        all->earliest_ns = deadline_ns;
        timers_start(&in->proc->timers, &all->timer, deadline_ns);
    }
}

static void count_pending(struct inst *in, uint32_t pending) {
    in->more->calls->pending = pending;
    in->is_calling = pending > 0;
}

__attribute__((noinline)) struct msg *call_refusal(struct pool *pool, int32_t status,
                                                   struct troupe_str text) {
    struct msg *m =
        msg_alloc(pool, MSG_REPLY, MSG_EXTENDED, sizeof(struct troupe_str) + text.size + 1);
    if (m) {
        struct troupe_str *body = msg_own_body(m);
        char *copy = (char *)(body + 1);
        memcpy(copy, text.size ? text.data : "", text.size);
        copy[text.size] = '\0';
        *body = troupe_str_n(copy, text.size);
        m->reason = (uint8_t) - (status < -255 ? TROUPE_ERROR : status);
    }
    return m;
}

uint64_t call_begin(struct inst *in, uint16_t row, uint64_t deadline_ns) {
    struct inst_calls *all = inst_has_calls(in);
    all = all ? all : inst_calls(in);
    if (!all || (all->pending == all->room && grow_calls(all) < 0)) {
        return 0;
    }
    uint32_t place = all->free;
    struct call *call = &all->calls[place];
    all->free = call->next_free;
    *call = (struct call){
        .number = ++all->series << PLACE_BITS | place, .deadline_ns = deadline_ns, .row = row};
    count_pending(in, all->pending + 1);
    arm(in, deadline_ns);
    return call->number;
}

static void free_all(struct inst *in) {
    struct inst_calls *all = in->more->calls;
    for (uint32_t i = 0; i < all->room; i++) {
        all->calls[i] = (struct call){.next_free = i + 1 < all->room ? i + 1 : NO_PLACE};
    }
    all->free = 0;
    all->earliest_ns = UINT64_MAX;
    count_pending(in, 0);
}

static struct call *find_call(const struct inst *in, uint64_t number) {
    const struct inst_calls *all = inst_has_calls(in);
    uint64_t place = number & PLACE_MASK;
    if (!all || place >= all->room || all->calls[place].number != number || !number) {
        return NULL;
    }
    return &all->calls[place];
}

bool call_is_over(const struct inst *in, uint64_t number, uint64_t now_ns) {
    const struct call *call = find_call(in, number);
    return !call || call->deadline_ns <= now_ns;
}

static void end_call(struct inst *in, struct call *call) {
    struct inst_calls *all = in->more->calls;
    call->number = 0;
    call->next_free = all->free;
    all->free = (uint32_t)(call - all->calls);
    count_pending(in, all->pending - 1);
}

void call_withdraw(struct inst *in, uint64_t number) {
    struct call *call = find_call(in, number);
    if (call) {
        end_call(in, call);
    }
}

static void run_outcome(struct runner *r, struct inst *in, uint16_t row,
                        const struct troupe_outcome *outcome, struct msg *m) {
    int32_t status = turn_run(r, in, row, outcome, m);
    if (status < 0) {
        turn_fail(r, in, row, status);
    }
}

/* What the caller is told of an answer that is not of the type it expects, or is none at all. */
__attribute__((noinline)) static void read_outcome(struct runner *r, struct inst *in, struct msg *m,
                                                   const struct msg_type *wanted,
                                                   struct troupe_outcome *outcome) {
    const struct msg_type *sent = type_get(in->proc->types, m->type);
    if (m->reason) {
        outcome->status = -(int32_t)m->reason;
        outcome->text = sent ? troupe_str(troupe_status_text(outcome->status))
                             : *(struct troupe_str *)msg_body(m);
    } else if (sent && type_check_compatible(sent, wanted, NULL) == 0) {
        uint64_t size = type_copy_size(sent, msg_body(m), wanted->abi.body_size);
        void *copy = scratch_alloc(&r->scratch, size);
        if (copy) {
            type_copy(sent, msg_body(m), copy, wanted->abi.body_size);
        }
        outcome->status = copy ? TROUPE_OK : TROUPE_NO_MEMORY;
        outcome->body = copy;
    } else {
        outcome->status = TROUPE_NO_SUCH_PORT;
        outcome->text = troupe_str("the reply is of another type");
    }
}

void call_reply(struct runner *r, struct inst *in, struct msg *m) {
    struct call *call = m->dest == inst_uid(in) ? find_call(in, msg_call(m)) : NULL;
    if (!call) {
        uint64_t late = atomic_load_explicit(&r->late_replies, memory_order_relaxed);
        atomic_store_explicit(&r->late_replies, late + 1, memory_order_relaxed);
        return;
    }
    uint16_t row = call->row;
    struct troupe_outcome outcome = {.size = sizeof outcome, .call = call->number};
    const struct msg_type *wanted = in->type->rows[row].reply;
    end_call(in, call);
    if (m->type == wanted->index && !m->reason) {
        outcome.body = msg_body(m);
    } else {
        read_outcome(r, in, m, wanted, &outcome);
    }
    run_outcome(r, in, row, &outcome, m);
}

void call_expire(struct runner *r, struct inst *in, struct msg *m) {
    struct inst_calls *all = inst_has_calls(in);
    if (!all) {
        return;
    }
    /* the timer has fired: the next call must set it anew, one that an outcome's handler makes too */
    all->earliest_ns = UINT64_MAX;
    uint64_t now_ns = in->proc->clock->now(in->proc->clock);
    uint64_t earliest_ns = UINT64_MAX;
    /* an outcome's handler may pause the actor: then the rest waits for the next look */
    for (uint32_t i = 0; i < all->room && in->phase == PHASE_LIVE && !in->paused; i++) {
        struct call *call = &all->calls[i];
        if (call->number && call->deadline_ns <= now_ns) {
            struct troupe_outcome outcome = {.size = sizeof outcome,
                                             .status = TROUPE_TIMEOUT,
                                             .call = call->number,
                                             .text = troupe_str("no reply before the deadline")};
            uint16_t row = call->row;
            end_call(in, call);
            run_outcome(r, in, row, &outcome, m);
        } else if (call->number && call->deadline_ns < earliest_ns) {
            earliest_ns = call->deadline_ns;
        }
    }
    if (in->paused) {
        earliest_ns = now_ns;
    }
    if (in->phase == PHASE_LIVE && earliest_ns != UINT64_MAX) {
        arm(in, earliest_ns);
    }
}

void calls_look_again(struct inst *in) {
    struct inst_calls *all = inst_has_calls(in);
    if (all && all->pending > 0) {
        arm(in, in->proc->clock->now(in->proc->clock));
    }
}

/* Own pending calls end with the incarnation (AI-4); whoever waits for an answer hears so. */
void calls_end(struct runner *r, struct inst *in) {
    struct inst_calls *all = inst_has_calls(in);
    if (!all) {
        return;
    }
    (void)timers_stop(&in->proc->timers, &all->timer);
    for (uint32_t i = 0; i < all->request_count; i++) {
        request_refuse(r, in, all->requests[i], TROUPE_GONE,
                       troupe_str(in->failed ? "the callee failed" : "the callee stopped"));
    }
    all->request_count = 0;
    free_all(in); /* a reply that comes still is late, for a next life too */
}

int request_add(struct inst *in, struct troupe_once once) {
    struct inst_calls *all = inst_calls(in);
    if (!all) {
        return -1;
    }
    if (all->request_count == all->request_room) {
        uint32_t room = all->request_room ? all->request_room * 2 : 4;
        struct troupe_once *requests = mem_resize(all->requests, room * sizeof *requests);
        if (!requests) {
            return -1;
        }
        all->requests = requests;
        all->request_room = room;
    }
    all->requests[all->request_count++] = once;
    return 0;
}

static struct troupe_once *find_request(const struct inst *in, struct troupe_once once) {
    struct inst_calls *all = inst_has_calls(in);
    for (uint32_t i = all ? all->request_count : 0; i-- > 0;) {
        if (all->requests[i].uid == once.uid && all->requests[i].call == once.call) {
            return &all->requests[i];
        }
    }
    return NULL;
}

bool request_waits(const struct inst *in, struct troupe_once once) {
    return find_request(in, once) != NULL;
}

bool request_remove(struct inst *in, struct troupe_once once) {
    struct troupe_once *request = find_request(in, once);
    struct inst_calls *all = inst_has_calls(in);
    if (request) {
        *request = all->requests[--all->request_count];
    }
    return request != NULL;
}

void request_refuse(struct runner *r, struct inst *in, struct troupe_once once, int32_t status,
                    struct troupe_str text) {
    struct inst *caller = cell_find(in->proc, once.uid);
    struct msg *m =
        msg_alloc(r->pool, MSG_REPLY, MSG_EXTENDED, sizeof(struct troupe_str) + text.size + 1);
    if (!caller || !m) {
        if (m) {
            msg_free(r->pool, m);
        }
        return;
    }
    struct troupe_str *body = msg_own_body(m);
    char *copy = (char *)(body + 1);
    memcpy(copy, text.data ? text.data : "", text.size);
    copy[text.size] = '\0';
    *body = troupe_str_n(copy, text.size);
    m->reason = (uint8_t)-status;
    m->dest = once.uid;
    m->sender = inst_uid(in);
    msg_extension(m)->call = once.call;
    deliver_host(r->pool, caller, m);
}
