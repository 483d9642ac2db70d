/* Taking a turn from a thread that does not come back (SV-7): what it may still touch is set aside, the
 * instance goes back to its home worker and ends there, as failed. */
#include <stdio.h>
#include <string.h>

#include "actor/shadow.h"
#include "actor/stuck_impl.h"
#include "base/alloc.h"
#include "plugin/saved.h"

/* --- the gate --- */

bool gate_close(struct runner *r, uint64_t calls, uint32_t *ret_before) {
    pthread_mutex_lock(&r->proc->stuck.gate);
    *ret_before = atomic_load_explicit(&r->asked, memory_order_relaxed);
    atomic_store_explicit(&r->asked, GATE_CLOSED, memory_order_seq_cst);
    /* G-2; acquire: pairs with gate_leave */
    return sched_barrier(r->proc->sched) &&
           atomic_load_explicit(&r->gate, memory_order_acquire) == GATE_PLUGIN &&
           atomic_load_explicit(&r->calls, memory_order_acquire) == calls;
}

void gate_open(struct runner *r, uint32_t asked) {
    /* release: pairs with gate_obey */
    atomic_store_explicit(&r->asked, asked, memory_order_release);
    pthread_mutex_unlock(&r->proc->stuck.gate);
}

uint32_t gate_obey(struct runner *r) {
    pthread_mutex_lock(&r->proc->stuck.gate); /* until it is open */
    pthread_mutex_unlock(&r->proc->stuck.gate);
    uint32_t asked = atomic_load_explicit(&r->asked, memory_order_acquire);
    if (asked == GATE_MOVED || asked == GATE_REVOKED) {
        sched_moved(r->worker);
    }
    if (asked == GATE_MOVED) {
        uint32_t moved = GATE_MOVED; /* unless somebody closes it again just now */
        atomic_compare_exchange_strong_explicit(&r->asked, &moved, GATE_OPEN, memory_order_relaxed,
                                                memory_order_relaxed);
    }
    return asked;
}

/* --- revoking --- */

static void set_aside(struct runner *r, struct inst *in, struct estate *estate) {
    struct inst_more *more = in->more;
    if (more) {
        estate->memory = more->memory;
        more->memory = NULL;
        estate->config = more->config ? config_ref(more->config) : NULL;
    }
    struct inst_lives *lives = inst_has_lives(in);
    if (lives && r->row == &in->type->rows[in->type->load]) {
        estate->saved = lives->saved; /* it is being read */
        lives->saved = NULL;
    }
    estate->state = in->state;
    in->state = NULL;
    const struct library *library = in->type->library;
    estate->library = library ? library_ref((struct library *)(uintptr_t)library) : NULL;
    estate->m = r->msg;
    estate->saver = r->saver;
    estate->going = r->going;
    estate->gone_from = r->gone_from;
    r->going = NULL;
    r->gone_from = NULL;
    estate->handler = r->row->name;
    inst_name(in, estate->name, sizeof estate->name);
}

static void note_turn(struct runner *r, struct inst *in, struct stuck_abandoned *a) {
    a->uid = inst_uid(in);
    a->row = r->row;
    a->answered = r->answered;
    a->goes = r->goes;
    a->has_flight = r->has_flight;
    a->flight_at = r->flight_at;
    a->logged = r->logged;
    a->logged_level = r->logged_level;
    outbox_move(&r->outbox, &a->outbox);
    if (r->msg) {
        size_t size = r->msg->flags & MSG_EXTENDED ? sizeof a->m : sizeof a->m.header;
        memcpy(&a->m, r->msg, size);
        a->body = msg_hold(r->msg);
    }
}

static void hand_over(struct runner *r, struct stuck *stuck, struct stuck_abandoned *a,
                      struct estate *estate) {
    struct inst *in = stuck->in;
    struct stuck_keeper *keeper = &r->proc->stuck;
    struct inst *body = shadow_body(r);
    note_turn(r, in, a);
    set_aside(r, body ? body : in, estate);
    if (body) {
        a->is_shadow = true;
        shadow_set_aside(r->shadow, &estate->saved);
    }
    r->shadow = NULL;
    atomic_store_explicit(&r->plays, false, memory_order_relaxed);
    r->worker = stuck->stray;
    r->estate = estate;
    r->inst = NULL; /* what the call asks of the host from now on is refused */
    r->msg = NULL;
    r->plain_count = 0;
    pthread_mutex_lock(&keeper->lock);
    a->next = keeper->abandoned;
    keeper->abandoned = a;
    pthread_mutex_unlock(&keeper->lock);
    /* release: pairs with the exchange in turn.c */
    atomic_fetch_or_explicit(&in->signals, (uint16_t)SIGNAL_ABANDON, memory_order_release);
    sched_revoke(stuck->stray, &in->mbox.task);
    stuck->revoked = true;
}

static bool has_stray(struct runner *r, struct stuck *stuck, struct err *err) {
    return stuck->stray ||
           sched_seize(r->proc->sched, r, &stuck->in->mbox.task, &stuck->stray, err) == 0;
}

bool stuck_revoke(struct runner *r, struct stuck *stuck, uint64_t ran_ns) {
    struct stuck_abandoned *a = mem_alloc(sizeof *a);
    struct estate *estate = mem_alloc(sizeof *estate);
    if (a && estate) {
        /* acquire: pairs with the release of who wrote it */
        bool is_written =
            stuck->report && atomic_load_explicit(&stuck->report->is_written, memory_order_acquire);
        const struct panic_stack *stack = is_written ? &stuck->report->stack : NULL;
        stuck_text(ran_ns, stack ? stack->first : "", a->own, sizeof a->own);
        a->frames = stack && stack->lines ? mem_text(stack->lines) : NULL;
        struct err err = {0};
        uint32_t asked;
        if (gate_close(r, stuck->calls, &asked) && has_stray(r, stuck, &err)) {
            hand_over(r, stuck, a, estate);
            asked = GATE_REVOKED;
        }
        gate_open(r, asked);
        stuck_say_hopeless(r, stuck, &err);
    }
    if (!stuck->revoked) {
        if (a) {
            mem_free(a->frames);
        }
        mem_free(a);
        mem_free(estate);
    }
    return stuck->revoked;
}

/* --- at home --- */

static struct stuck_abandoned *take(struct stuck_keeper *keeper, uint64_t uid) {
    pthread_mutex_lock(&keeper->lock);
    struct stuck_abandoned **at = &keeper->abandoned;
    while (*at && (*at)->uid != uid) {
        at = &(*at)->next;
    }
    struct stuck_abandoned *a = *at;
    if (a) {
        *at = a->next;
    }
    pthread_mutex_unlock(&keeper->lock);
    return a;
}

static void count_turn(struct inst *in) {
    count_add(&in->processed, 1);
    inst_set_handler(in, inst_handler_now(in) & ~DOING_NOW);
}

/* As after a turn that failed; the thread has none in hand. */
static void close_turn(struct runner *r, struct inst *in, struct stuck_abandoned *a) {
    struct msg *m = a->body ? &a->m.header : NULL;
    outbox_move(&a->outbox, &r->outbox);
    r->row = a->row;
    r->answered = a->answered;
    r->has_flight = a->has_flight;
    r->flight_at = a->flight_at;
    r->logged = a->logged;
    r->logged_level = a->logged_level;
    turn_close(r, in, m, true);
    if (m && m->kind == MSG_NOTICE) {
        notice_refuse(a->body);
    }
    count_turn(in);
}

/* The message is the other thread's, which may still read it; what is kept of it shares its body. */
static struct msg *copy_message(struct runner *r, struct stuck_abandoned *a) {
    const struct msg *from = &a->m.header;
    const unsigned kept = MSG_EXTENDED | MSG_BY_NAME | MSG_ROOMY | MSG_RETRIED;
    struct msg *m = msg_share(r->pool, a->body, from->flags & kept);
    if (m) {
        m->kind = from->kind;
        m->sender = from->sender;
        m->dest = from->dest;
        m->port = from->port;
        if (from->flags & MSG_EXTENDED) {
            *msg_extension(m) = a->m.extension;
        }
    }
    return m;
}

/* FC-4 */
static void died_in_hand(struct runner *r, struct inst *in, struct stuck_abandoned *a) {
    uint8_t kind = a->m.header.kind;
    struct msg *m = kind == MSG_DATA || kind == MSG_REQUEST ? copy_message(r, a) : NULL;
    if (m) {
        died_on(r, in, (uint16_t)(a->row - in->type->rows), m);
    }
}

static void end_abandoned(struct stuck_abandoned *a) {
    outbox_fini(&a->outbox);
    mem_free(a);
}

/* W-3: it was the first turn on new code. What the other thread may still touch is gone with it; the code
 * before handles the message. */
static void go_on_before(struct runner *r, struct inst *in, struct stuck_abandoned *a) {
    uint8_t kind = a->m.header.kind;
    bool is_message = a->body && (kind == MSG_DATA || kind == MSG_REQUEST);
    struct msg *m = is_message ? copy_message(r, a) : NULL;
    swap_undo_turn(r, in, (uint16_t)(a->row - in->type->rows), TROUPE_ERROR);
    if (m) {
        if (kind == MSG_REQUEST) {
            (void)request_remove(in, (struct troupe_once){m->sender, msg_call(m)});
        }
        queue_count(r, 1);
        mbox_untake(&in->mbox, m);
    }
    if (a->body) {
        msg_release(r->pool, a->body);
    }
    mem_free(a->frames);
    end_abandoned(a);
}

/* Its own turn has been committed before: it has only lost its shadow. */
static void end_shadow(struct runner *r, struct inst *in, struct stuck_abandoned *a) {
    const struct msg_type *type = a->body ? type_get(in->proc->types, a->m.header.type) : NULL;
    shadow_abandon(r, in, a->row, type, a->body ? msg_body(a->body) : NULL, a->own);
    if (a->goes) {
        swap_abandon(in);
    } else {
        count_turn(in);
        calls_look_again(in); /* the thread may have been at a timeout of several */
    }
    if (a->body) {
        msg_release(r->pool, a->body);
    }
    mem_free(a->frames);
    end_abandoned(a);
}

static void fail_to_go(struct inst *in, const struct stuck_abandoned *a) {
    char text[sizeof a->own + 64];
    (void)snprintf(text, sizeof text, "%s: %s", a->row->name, a->own);
    swap_fail(in, text);
}

void stuck_abandon(struct runner *r, struct inst *in) {
    struct stuck_abandoned *a = take(&r->proc->stuck, inst_uid(in));
    if (!a) {
        return;
    }
    if (a->is_shadow) {
        end_shadow(r, in, a);
        return;
    }
    close_turn(r, in, a);
    r->failed = true;
    r->fail_kind = FAILURE_STUCK;
    memcpy(r->fail_text, a->own, sizeof a->own);
    if (a->goes) {
        swap_abandon(in);
    }
    if (in->holds && swap_takes_back(in, a->row->kind, TROUPE_ERROR)) {
        go_on_before(r, in, a);
        return;
    }
    if (a->goes) {
        fail_to_go(in, a);
    }
    in->cleanup_ok = false; /* ST-4: its state is gone */
    r->fail_frames = a->frames;
    turn_fail(r, in, (uint16_t)(a->row - in->type->rows), TROUPE_ERROR);
    if (a->body) {
        died_in_hand(r, in, a);
        msg_release(r->pool, a->body);
    }
    end_abandoned(a);
}

/* --- the thread, if it comes back --- */

__attribute__((cold, noinline)) _Noreturn void stuck_come_back(struct runner *r) {
    struct estate *estate = r->estate;
    struct log *log = r->proc->options.log;
    if (log) {
        log_write(log, LOG_WARN, estate->name,
                  "the abandoned turn of '%s' has come back and was discarded", estate->handler);
    }
    r->estate = NULL;
    inst_memory_end(r->pool, estate->memory);
    mem_free(estate->memory);
    mem_free(estate->state);
    mem_free((void *)(uintptr_t)estate->saved);
    if (estate->saver) {
        str_fini(&estate->saver->bytes);
        r->saver = NULL;
    }
    if (estate->m) {
        msg_free(r->pool, estate->m);
    }
    config_unref(estate->config);
    config_unref(estate->going);
    config_unref(estate->gone_from);
    library_unref(estate->library);
    mem_free(estate);
    sched_leave(r->worker);
}
