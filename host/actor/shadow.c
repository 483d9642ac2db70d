/* The shadow of an actor: made between two turns, run behind each of them, ended by the first thing that no actor
 * survives. */
#include "actor/shadow.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "actor/gate.h"
#include "actor/panic.h"
#include "actor/shadow_impl.h"
#include "actor/swap_impl.h"
#include "actor/turn_impl.h"
#include "base/alloc.h"
#include "message/json.h"
#include "plugin/saved.h"

/* more.shadowing. NONE: it has not been told yet; ARMED: it gets one with its next message; OVER: no more. */
enum { SHADOW_NONE, SHADOW_ARMED, SHADOW_OVER, SHADOW_THERE };

static unsigned shadowing(const struct inst *in) {
    const struct inst_more *more = inst_seen(in);
    /* acquire: pairs with set_shadowing; nothing of the shadow's type is read any more */
    return more ? atomic_load_explicit(&more->shadowing, memory_order_acquire) : SHADOW_NONE;
}

static void set_shadowing(struct inst *in, uint8_t to) {
    in->shadowed = to != SHADOW_NONE && to != SHADOW_OVER;
    atomic_store_explicit(&in->more->shadowing, to, memory_order_release);
}

bool shadow_is_told(const struct inst *in) {
    return shadowing(in) != SHADOW_NONE;
}

bool shadow_is_over(const struct inst *in) {
    return shadowing(in) == SHADOW_OVER;
}

bool shadow_is_there(const struct inst *in) {
    return shadowing(in) >= SHADOW_THERE;
}

const struct inst *shadow_actor(const struct shadow *shadow) {
    return shadow->actor;
}

struct inst *shadow_body(const struct runner *r) {
    return r->shadow && r->shadow->tape.plays ? &r->shadow->body : NULL;
}

/* --- its turns --- */

/* One call of the new code. A status; when it is negative, r->fail_text says why, or is "". */
static int32_t call(struct runner *r, struct inst *in, struct shadow *s, uint16_t at,
                    const void *arg, struct msg *m) {
    const struct inst_row *row = &s->body.type->rows[at];
    struct fault_thread *fault = r->fault;
    void *state = s->body.state;
    int32_t (*run)(struct troupe_turn *, void *, const void *) = row->run;
    turn_begin(r, m);
    r->shadow = s;
    r->turn.host = &in->proc->plays;
    r->inst = NULL; /* S-5 */
    r->row = row;
    r->plain_count = 0;
    r->fail_kind = FAILURE_ERROR;
    atomic_store_explicit(&s->body.since_ns, sched_coarse_now(r->worker), memory_order_relaxed);
    atomic_store_explicit(&r->plays, true, memory_order_relaxed); /* gate_call lets it be seen */
    gate_call(r, in); /* nothing of the host's is read behind it */
    int32_t status = fault_call(&r->turn, state, arg, run, fault);
    if (!gate_return(r)) {
        stuck_come_back(r);
    }
    atomic_store_explicit(&r->plays, false, memory_order_relaxed);
    if (status == FAULT_STATUS && fault_was_given_up(fault)) {
        status = panic_note(r, &s->body, &fault->report);
        mem_free(r->fail_frames);
        r->fail_frames = NULL;
    }
    r->shadow = NULL;
    r->turn.host = &in->proc->host;
    assert(r->outbox.count == 0); /* S-1 */
    r->fail_text[0] = r->failed ? r->fail_text[0] : '\0';
    status = r->failed && status >= 0 ? r->fail_status : status;
    r->failed = false;
    return status;
}

/* What the handler gets, as the new code's row expects it; NULL: no memory. */
static const void *fit(struct runner *r, const struct inst *in, const struct inst_row *old,
                       const struct inst_row *new, const void *arg, struct msg *m,
                       struct troupe_outcome *room) {
    if ((new->kind == TROUPE_ROW_in || new->kind == TROUPE_ROW_call) && new->type != old->type) {
        return new->type->index == m->type ? msg_body(m) : inst_fit_body(r, in, m, new);
    }
    const struct troupe_outcome *outcome = arg;
    if (new->kind != TROUPE_ROW_ask || !outcome->body || new->reply == old->reply) {
        return arg;
    }
    uint64_t size = new->reply->abi.body_size;
    *room = *outcome;
    void *body = scratch_alloc(&r->scratch, type_copy_size(old->reply, outcome->body, size));
    if (body) {
        type_copy(old->reply, outcome->body, body, size);
    }
    room->body = body;
    return body ? room : NULL;
}

/* --- what is told of it --- */

/* No more for it in this reload. */
static void end(struct runner *r, struct inst *in) {
    shadow_end(r, in);
    set_shadowing(in, SHADOW_OVER);
}

static void leave_out(struct runner *r, struct inst *in, struct shadow_run *run, const char *why) {
    char name[160];
    (void)inst_name(in, name, sizeof name);
    shadow_run_leave_out(run, name, why);
    end(r, in);
}

static void add_message(struct str *out, const struct msg_type *type, const void *body) {
    struct str json;
    str_init(&json);
    if (type && body) {
        msg_json_add(&json, &(struct troupe_any){&type->abi, body});
        tape_add_shown(out, &json);
    } else {
        str_add(out, "null");
    }
    out->failed |= json.failed;
    str_fini(&json);
}

static void add_key(struct str *out, const char *key, const char *text) {
    str_addf(out, "%s\"%s\": ", out->size > 1 ? ", " : "", key);
    msg_json_add_text(out, text, strlen(text));
}

/* The tape's difference, in the turn of this row. */
static void tell(struct inst *in, struct shadow *s, const char *handler,
                 const struct msg_type *type, const void *body) {
    char name[160];
    struct str json;
    const struct tape *tape = &s->tape;
    (void)inst_name(in, name, sizeof name);
    str_init(&json);
    str_add(&json, "{");
    add_key(&json, "actor", name);
    str_addf(&json, ", \"turn\": %llu", (unsigned long long)inst_processed(in) + 1);
    add_key(&json, "handler", handler);
    str_add(&json, ", \"message\": ");
    add_message(&json, type, body);
    add_key(&json, "what", str_text(&tape->what));
    str_addf(&json, ", \"old\": %s, \"new\": %s}", str_text(&tape->expected), str_text(&tape->got));
    struct shadow_difference difference = {.actor = name, .what = str_text(&tape->what)};
    difference.json =
        json.failed || tape->got.failed || tape->expected.failed ? NULL : str_take(&json);
    str_fini(&json);
    shadow_run_compared(s->run, &difference);
    s->taken = false;
}

/* The new code has failed where the other has not. */
static void differ_in_status(struct shadow *s, int32_t status, const char *text) {
    char got[640];
    (void)snprintf(got, sizeof got, "%s%s%s", troupe_status_text(status), text[0] ? ": " : "",
                   text);
    tape_begin(&s->tape);
    tape_differ(&s->tape, "how the turn ends", troupe_status_text(TROUPE_OK), got);
}

/* --- behind the actor's turn --- */

/* Rows whose turns change the state, and that a message, or what is as good as one, has come for. */
static bool is_followed(uint32_t kind) {
    return kind == TROUPE_ROW_in || kind == TROUPE_ROW_any || kind == TROUPE_ROW_call ||
           kind == TROUPE_ROW_ask || kind == TROUPE_ROW_timer || kind == TROUPE_ROW_child ||
           kind == TROUPE_ROW_returned;
}

bool shadow_write(struct runner *r, struct inst *in, uint16_t at) {
    struct shadow *s = in->more->shadow;
    if (!s || !is_followed(in->type->rows[at].kind)) {
        return false;
    }
    s->taken = s->taken || shadow_run_take(s->run);
    if (!s->taken) {
        end(r, in); /* it would not have been given this turn */
        return false;
    }
    tape_begin(&s->tape);
    r->shadow = s;
    r->turn.host = &in->proc->writes;
    return true;
}

/* Whether it may go on. */
static bool play(struct runner *r, struct inst *in, struct shadow *s, uint16_t at, const void *arg,
                 struct msg *m) {
    struct troupe_outcome outcome;
    const struct inst_type *type = s->body.type;
    const struct inst_row *old = &in->type->rows[at];
    bool has_row = type->rows[at].kind == old->kind;
    const void *fitted = has_row ? fit(r, in, old, &type->rows[at], arg, m, &outcome) : NULL;
    bool goes_on = fitted != NULL;
    if (goes_on) {
        tape_rewind(&s->tape);
        int32_t status = call(r, in, s, at, fitted, m);
        goes_on = status >= 0;
        if (goes_on) {
            tape_end(&s->tape, type);
        } else if (!s->tape.differs || r->fail_kind != FAILURE_ERROR) {
            differ_in_status(s, status, r->fail_text); /* else it may come of what it was refused */
        }
    } else {
        tape_begin(&s->tape);
        tape_differ(&s->tape, "its handler", old->name, has_row ? "no memory" : "none");
    }
    if (s->tape.differs) {
        tell(in, s, old->name, m ? type_get(in->proc->types, m->type) : NULL,
             m ? msg_body(m) : NULL);
    } else {
        shadow_run_compared(s->run, NULL);
        s->taken = false;
    }
    return goes_on;
}

void shadow_play(struct runner *r, struct inst *in, uint16_t at, const void *arg, struct msg *m,
                 int32_t status) {
    struct shadow *s = in->more->shadow;
    const char *why = s->tape.left_out;
    r->shadow = NULL;
    r->turn.host = &in->proc->host;
    if (status == TROUPE_UNHANDLED) {
        why = "its handler left it to others";
    } else if (status < 0) {
        why = "its turn failed on the code that runs";
    }
    if (why) {
        leave_out(r, in, s->run, why);
    } else if (!play(r, in, s, at, arg, m)) {
        end(r, in);
    }
}

/* --- made --- */

static bool has_descriptors(const struct inst *in) {
    const struct inst_memory *memory = inst_has_memory(in);
    return inst_has_watches(in) || (memory && memory->fds.count > 0);
}

static bool has_memory(const struct inst *in) {
    const struct inst_memory *memory = inst_has_memory(in);
    return memory && (memory->heap.used > 0 || !list_is_empty(&memory->kept));
}

/* Whether a word of it is an address in it: in a copy that would be one of the actor's own state. */
static bool points_into_itself(const void *state, uint64_t size) {
    uintptr_t word;
    for (uint64_t at = 0; at + sizeof word <= size; at += sizeof word) {
        memcpy(&word, (const char *)state + at, sizeof word);
        if (word - (uintptr_t)state < size) {
            return true;
        }
    }
    return false;
}

/* Why it can have none, whatever its state is; NULL: it may. */
static const char *find_obstacle(const struct inst *in, const struct inst_type *to) {
    bool is_copied = !swap_version(in->type, to);
    if (has_descriptors(in)) {
        return "it has descriptors";
    }
    if (is_copied && has_memory(in)) {
        return "its state is copied as it lies, and it has memory beside it";
    }
    if (is_copied && points_into_itself(in->state, in->type->state_size)) {
        return "its state is copied as it lies, and points into itself";
    }
    return NULL;
}

/* As its actor, of the new code, without what belongs to the life. */
static void make_body(struct shadow *s, struct inst *in, const struct inst_type *to) {
    struct inst *body = &s->body;
    atomic_store_explicit(&body->uid, inst_uid(in), memory_order_relaxed);
    atomic_store_explicit(&body->parent, inst_parent(in), memory_order_relaxed);
    atomic_store_explicit(&body->plan_index,
                          atomic_load_explicit(&in->plan_index, memory_order_relaxed) &
                              ~INST_IS_HELD,
                          memory_order_relaxed);
    body->type = to;
    body->pid = in->pid;
    body->proc = in->proc;
    body->more = &s->more;
    s->more.name = in->more->name;
    list_init(&s->more.children);
    s->actor = in;
    tape_begin(&s->tape);
}

static void destroy(struct runner *r, struct shadow *s) {
    if (s->taken) {
        shadow_run_give_back(s->run);
    }
    shadow_run_leave(s->run, s->bytes);
    shadow_run_unref(s->run);
    inst_memory_end(r->pool, s->more.memory);
    mem_free(s->more.memory);
    mem_free(s->body.state);
    mem_free((void *)(uintptr_t)s->saved);
    config_unref(s->more.config);
    tape_fini(&s->tape);
    mem_free(s);
}

/* Its settings, which wait for its actor to go itself, else those that this has. -1: it can't have any. */
static int find_config(struct shadow *s, struct inst *in, char *why, size_t size) {
    struct config *config;
    if (swap_find_config(in, s->body.type, &config, why, size) < 0) {
        return -1;
    }
    if (config) {
        swap_put_config(in, config_ref(config));
    } else if (in->more->config) {
        config = config_ref(in->more->config);
    }
    s->more.config = config;
    return 0;
}

/* With a turn taken for it. */
static struct shadow *make(struct runner *r, struct inst *in, const struct inst_type *to,
                           struct shadow_run *run, char *why, size_t size) {
    struct shadow *s = mem_aligned(_Alignof(struct shadow), sizeof *s);
    (void)snprintf(why, size, "no memory");
    if (!s) {
        shadow_run_give_back(run);
        return NULL;
    }
    make_body(s, in, to);
    s->run = shadow_run_ref(run);
    s->taken = true;
    s->bytes = sizeof *s + to->state_size;
    bool is_let = shadow_run_enter(run, s->bytes);
    if (!is_let) {
        (void)snprintf(why, size, "copies of states take too much memory already");
    }
    s->body.state = is_let ? mem_alloc(to->state_size) : NULL;
    if (!s->body.state || find_config(s, in, why, size) < 0) {
        destroy(r, s);
        return NULL;
    }
    return s;
}

/* What it is loaded from; nothing when the state is copied as it lies. -1: there is none. */
static int save(struct runner *r, struct inst *in, uint32_t version, struct str *ret, char *why,
                size_t size) {
    int32_t status = swap_save(r, in, version, ret);
    if (status < 0) {
        (void)snprintf(why, size, "save: %.*s", (int)size - 8,
                       r->failed ? r->fail_text : troupe_status_text(status));
        mem_free(r->fail_frames);
        r->fail_frames = NULL;
        str_fini(ret);
    }
    return status < 0 ? -1 : 0;
}

/* False: the new code does not take it, which is a difference. */
static bool load(struct runner *r, struct inst *in, struct shadow *s, uint32_t version,
                 uint64_t size) {
    struct troupe_loader loader = {
        .data = s->saved, .size = size, .version = version, .goes_on = true};
    swap_write_config(&s->body);
    tape_rewind(&s->tape);
    s->tape.differs = true; /* what `load` asks for is dropped by a reload, too */
    int32_t status = call(r, in, s, s->body.type->load, &loader, NULL);
    scratch_reset(&r->scratch);
    tape_begin(&s->tape);
    if (status < 0) {
        differ_in_status(s, status, r->fail_text);
        tell(in, s, "load", NULL, NULL);
    }
    mem_free((void *)(uintptr_t)s->saved);
    s->saved = NULL;
    return status >= 0;
}

static void begin(struct runner *r, struct inst *in, const struct inst_type *to,
                  struct shadow_run *run) {
    char why[512];
    struct str bytes = {0};
    uint32_t version = swap_version(in->type, to);
    if (version && save(r, in, version, &bytes, why, sizeof why) < 0) {
        shadow_run_give_back(run);
        leave_out(r, in, run, why);
        return;
    }
    uint64_t size = bytes.size;
    struct shadow *s = make(r, in, to, run, why, sizeof why);
    if (!s) {
        str_fini(&bytes);
        leave_out(r, in, run, why);
        return;
    }
    in->more->shadow = s;
    set_shadowing(in, SHADOW_THERE);
    if (version) {
        s->saved = size ? str_take(&bytes) : NULL;
        str_fini(&bytes);
        if (!load(r, in, s, version, size)) {
            end(r, in);
        }
    } else if (to->state_size) {
        memcpy(s->body.state, in->state, to->state_size);
        swap_write_config(&s->body);
    }
}

static void begin_if_wanted(struct runner *r, struct inst *in, struct swap *swap) {
    /* seq_cst: W-5 */
    bool is_time = atomic_load_explicit(&swap->phase, memory_order_seq_cst) == SWAP_SHADOW;
    const struct inst_type *to = atomic_load_explicit(&swap->to, memory_order_relaxed);
    struct shadow_run *run = atomic_load_explicit(&swap->shadow, memory_order_relaxed);
    const char *obstacle = is_time ? find_obstacle(in, to) : NULL;
    if (!is_time || in->draining || !shadow_run_wants(run)) {
        end(r, in);
    } else if (obstacle) {
        leave_out(r, in, run, obstacle);
    } else if (shadow_run_take(run)) {
        begin(r, in, to, run);
    }
}

void shadow_begin(struct runner *r, struct inst *in) {
    struct swap *swap = &in->type->line->swap;
    if (in->more->shadow) {
        return;
    }
    atomic_fetch_add_explicit(&swap->busy, 1, memory_order_seq_cst); /* W-5 */
    r->goes = true;
    begin_if_wanted(r, in, swap);
    r->goes = false;
    atomic_fetch_sub_explicit(&swap->busy, 1, memory_order_seq_cst);
}

void shadow_tell(struct inst *in) {
    if (inst_more(in) && shadowing(in) == SHADOW_NONE) {
        set_shadowing(in, SHADOW_ARMED);
    }
}

void shadow_end(struct runner *r, struct inst *in) {
    struct shadow *s = in->more ? in->more->shadow : NULL;
    if (s) {
        in->more->shadow = NULL;
        destroy(r, s);
    }
    if (in->more) {
        set_shadowing(in, SHADOW_NONE); /* last: its type may go from now on */
    }
}

void shadow_set_aside(struct shadow *s, const void **ret_saved) {
    *ret_saved = s->saved;
    s->saved = NULL;
}

void shadow_abandon(struct runner *r, struct inst *in, const struct inst_row *row,
                    const struct msg_type *type, const void *body, const char *why) {
    struct shadow *s = in->more->shadow;
    differ_in_status(s, TROUPE_ERROR, why);
    tell(in, s, row->name, type, body);
    end(r, in);
}
