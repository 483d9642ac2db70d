/* One actor goes over to another generation, or back. */
#include "actor/swap.h"

#include <stdio.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "actor/shadow.h"
#include "actor/swap_impl.h"
#include "base/alloc.h"
#include "base/slice.h"
#include "plugin/saved.h"

static struct swap *swap_of(const struct inst_type *type) {
    return &type->line->swap;
}

/* --- what is told of it --- */

static void count(struct swap *swap, uint64_t *counter, uint64_t took_ns) {
    pthread_mutex_lock(&swap->lock);
    ++*counter;
    swap->counts.longest_ns = took_ns > swap->counts.longest_ns ? took_ns : swap->counts.longest_ns;
    if (swap_gone(&swap->counts) >= swap->awaited) {
        pthread_cond_broadcast(&swap->changed);
    }
    pthread_mutex_unlock(&swap->lock);
}

static void note_failure_locked(struct swap *swap, const struct inst *in, const char *text) {
    if (swap->counts.failures++ == 0) {
        swap->failure.uid = inst_uid(in);
        (void)inst_name(in, swap->failure.name, sizeof swap->failure.name);
        (void)snprintf(swap->failure.text, sizeof swap->failure.text, "%s", text);
    }
    pthread_cond_broadcast(&swap->changed);
}

static void note_failure(struct swap *swap, const struct inst *in, const char *text) {
    pthread_mutex_lock(&swap->lock);
    note_failure_locked(swap, in, text);
    pthread_mutex_unlock(&swap->lock);
}

/* "load: why", of the turn that has just been. */
static void say_why(const struct runner *r, const char *row, int32_t status, char *ret,
                    size_t size) {
    (void)snprintf(ret, size, "%s: %s", row, r->failed ? r->fail_text : troupe_status_text(status));
}

/* --- parts --- */

/* Of outputs: what was found out about them depends on the type of what is sent. */
static void settle_ports(struct inst *in) {
    uint16_t count = in->ports ? port_block_of(in->ports)->count : 0;
    for (uint16_t row = 0; row < count && row < in->type->row_count; row++) {
        if (in->ports[row].count > 0) {
            inst_settle_port(in, row);
        }
    }
}

void swap_become(struct inst *in, const struct inst_type *type) {
    /* seq_cst: L-1; pairs with inst_type */
    __atomic_store_n(&in->type, type, __ATOMIC_SEQ_CST);
    settle_ports(in);
}

static void free_state(struct runner *r, struct inst_memory *memory, void *state, uint64_t size) {
    inst_memory_end(r->pool, memory);
    mem_free(memory);
    stock_give(&r->states, state, size);
}

static struct swap_held *held_of(const struct inst *in) {
    return atomic_load_explicit(&in->more->held, memory_order_relaxed);
}

bool swap_is_held(const struct inst *in) {
    struct inst_more *more = inst_seen(in);
    /* acquire: pairs with forget_held; nothing of the held one's type is read any more */
    return more && atomic_load_explicit(&more->held, memory_order_acquire) != NULL;
}

/* Its parts are the caller's. Who goes back is of the held one's type before: see swap_refers. */
static void forget_held(struct inst *in) {
    atomic_store_explicit(&in->more->held, NULL, memory_order_release);
    in->holds = false;
}

/* Thousands of them are dropped one after another, and a message may be behind whoever allocates next. */
#define DROPS_UNTIDY 8u

/* What a state was made of that is not this actor's any more. */
static void drop_state(struct runner *r, struct swap_held *held) {
    if (held->in_place) {
        mem_free(held->state);
    } else {
        free_state(r, held->memory, held->state, held->type->state_size);
    }
    str_fini(&held->saved);
    held->state = NULL;
    held->memory = NULL;
    if (++r->states_dropped % DROPS_UNTIDY == 0) {
        mem_tidy();
    }
}

/* What is held goes; the actor stays what it is. */
static void let_go(struct runner *r, struct inst *in) {
    struct swap_held *held = held_of(in);
    drop_state(r, held);
    config_unref(held->config);
    forget_held(in); /* its type may go from now on */
    mem_free(held);
    struct swap *swap = swap_of(in->type);
    if (atomic_load_explicit(&swap->phase, memory_order_relaxed) == SWAP_SETTLE) {
        count(swap, &swap->counts.settled, 0);
    }
}

static void give_fds(struct inst_memory *from, struct inst_memory *to) {
    if (from && to) {
        struct owned_fds fds = from->fds;
        from->fds = to->fds;
        to->fds = fds;
    }
}

/* A fresh state with the config in it; false: no memory. */
static bool make_state(struct runner *r, struct inst *in, const struct inst_type *type) {
    const struct config *config = in->more->config;
    in->state = stock_take(&r->states, type->state_size);
    if (in->state && config && type->config) {
        memcpy((char *)in->state + type->config_offset, config->body, config->size);
    }
    return in->state != NULL;
}

static int32_t load(struct runner *r, struct inst *in, uint32_t version, const struct str *bytes) {
    struct troupe_loader loader = {
        .data = bytes->data, .size = bytes->size, .version = version, .goes_on = true};
    return turn_try(r, in, in->type->load, &loader);
}

/* It is what it was. A state that was written down is loaded by the code that wrote such ones before; should it
 * not take it, that actor has none. */
static int32_t take_back(struct runner *r, struct inst *in) {
    struct swap_held *held = held_of(in);
    struct inst_memory *memory = in->more->memory;
    int32_t status = TROUPE_OK;
    if (held->in_place) {
        bool has_others = held->config != in->more->config;
        memcpy(in->state, held->state, held->type->state_size);
        swap_become(in, held->type);
        forget_held(in);
        swap_adopt_config(in, &held->config);
        if (has_others) { /* the copy may be one of later turns */
            swap_write_config(in);
        }
    } else if (held->state) {
        give_fds(memory, held->memory);
        free_state(r, memory, in->state, in->type->state_size);
        in->more->memory = held->memory;
        in->state = held->state;
        held->memory = NULL;
        held->state = NULL;
        swap_become(in, held->type);
        forget_held(in);
        swap_adopt_config(in, &held->config);
    } else {
        uint64_t size = in->type->state_size;
        void *state = in->state;
        uint32_t version =
            atomic_load_explicit(&swap_of(in->type)->version_back, memory_order_relaxed);
        in->more->memory = NULL;
        swap_become(in, held->type);
        forget_held(in);
        swap_adopt_config(in, &held->config);
        bool is_made = make_state(r, in, held->type) && (!memory || inst_memory(in));
        give_fds(memory, in->more->memory);
        free_state(r, memory, state, size);
        status = is_made ? load(r, in, version, &held->saved) : TROUPE_NO_MEMORY;
    }
    drop_state(r, held);
    mem_free(held);
    return status;
}

/* --- over --- */

static struct swap_held *hold(struct inst *in, bool in_place) {
    struct swap_held *held = mem_alloc(sizeof *held);
    void *copy = held && in_place ? mem_alloc(in->type->state_size) : NULL;
    if (!held || (in_place && !copy)) {
        mem_free(held);
        return NULL;
    }
    *held = (struct swap_held){.type = in->type,
                               .in_place = in_place,
                               .state = in_place ? copy : in->state,
                               .memory = in_place ? NULL : in->more->memory,
                               .config = in->more->config ? config_ref(in->more->config) : NULL,
                               .processed = inst_processed(in)};
    str_init(&held->saved);
    if (in_place) {
        memcpy(copy, in->state, in->type->state_size);
    } else {
        in->more->memory = NULL;
        in->state = NULL;
    }
    atomic_store_explicit(&in->more->held, held, memory_order_relaxed);
    in->holds = true;
    return held;
}

int32_t swap_save(struct runner *r, struct inst *in, uint32_t version, struct str *ret) {
    struct troupe_saver saver = {.version = version};
    str_init(&saver.bytes);
    r->saver = &saver;
    int32_t status = turn_try(r, in, in->type->save, &saver);
    r->saver = NULL;
    *ret = saver.bytes;
    return status >= 0 && saver.bytes.failed ? TROUPE_NO_MEMORY : status;
}

static int load_as(struct runner *r, struct inst *in, const struct inst_type *to, uint32_t version,
                   struct config **config, const struct str *bytes, char *why, size_t size) {
    struct swap_held *held = hold(in, false);
    if (!held) {
        (void)snprintf(why, size, "no memory");
        return -1;
    }
    if (*config) {
        swap_adopt_config(in, config);
    }
    bool is_made = make_state(r, in, to) && (!held->memory || inst_memory(in));
    int32_t status = TROUPE_NO_MEMORY;
    if (is_made) {
        give_fds(held->memory, in->more->memory);
        swap_become(in, to);
        status = load(r, in, version, bytes);
    }
    if (status < 0) {
        say_why(r, "load", status, why, size);
        (void)take_back(r, in);
    }
    return status < 0 ? -1 : 0;
}

/* Through its saved state. On failure it is what it was, and `why` says so. */
static int go_saved(struct runner *r, struct inst *in, const struct inst_type *to, uint32_t version,
                    struct config **config, char *why, size_t size) {
    struct str bytes;
    int32_t status = swap_save(r, in, version, &bytes);
    if (status < 0) {
        say_why(r, "save", status, why, size);
    } else {
        status = load_as(r, in, to, version, config, &bytes, why, size);
    }
    str_fini(&bytes);
    return status < 0 ? -1 : 0;
}

static int go_in_place(struct inst *in, const struct inst_type *to, struct config **config,
                       char *why, size_t size) {
    if (!hold(in, true)) {
        (void)snprintf(why, size, "no memory for a copy of the state");
        return -1;
    }
    swap_become(in, to);
    if (*config) {
        swap_adopt_config(in, config);
        swap_write_config(in);
    }
    return 0;
}

/* What *config is afterwards was not used. */
static int go_with(struct runner *r, struct inst *in, const struct inst_type *to, uint32_t version,
                   struct config **config, char *why, size_t size) {
    bool same_code = swap_is_same_code(in->type, to);
    if (same_code && to->reconfigure != INST_NO_ROW) {
        return swap_reconfigure(r, in, to, config, why, size);
    }
    if (version) {
        return go_saved(r, in, to, version, config, why, size);
    }
    if (same_code || !swap_stays_in_place(in->type, to)) { /* the second: back, see swap_check */
        (void)snprintf(why, size, "%s",
                       same_code ? "it takes other settings only when it starts"
                                 : "its state can't be read by the code before");
        return -1;
    }
    return go_in_place(in, to, config, why, size);
}

static int go(struct runner *r, struct inst *in, const struct inst_type *to, uint32_t version,
              char *why, size_t size) {
    const char *lack = inst_more(in) ? swap_find_lack(in, to) : NULL;
    if (lack) {
        (void)snprintf(why, size, "it uses '%s', which the other version has not", lack);
        return -1;
    }
    if (!in->more || inst_widen_ports(in, to->row_count) < 0) {
        (void)snprintf(why, size, "no memory");
        return -1;
    }
    if (swap_find_config(in, to, &r->going, why, size) < 0) {
        r->going = NULL;
        return -1;
    }
    int status = go_with(r, in, to, version, &r->going, why, size);
    struct config *config = r->going;
    r->going = NULL;
    if (config) {
        swap_put_config(in, config);
    }
    return status;
}

static void forget_frames(struct runner *r) {
    mem_free(r->fail_frames);
    r->fail_frames = NULL;
}

static void go_over(struct runner *r, struct inst *in, const struct inst_type *to, bool is_back) {
    char why[512];
    struct swap *swap = swap_of(to);
    struct clock *clock = in->proc->clock;
    uint64_t from_ns = clock->now(clock);
    uint32_t version =
        atomic_load_explicit(is_back ? &swap->version_back : &swap->version, memory_order_relaxed);
    if (go(r, in, to, version, why, sizeof why) < 0) {
        forget_frames(r);
        note_failure(swap, in, why);
        return;
    }
    if (is_back && in->holds) {
        let_go(r, in); /* that code is known */
    }
    record_note(r, in, FLIGHT_RELOADED, to->generation, NULL);
    count(swap, is_back ? &swap->counts.back : &swap->counts.over, clock->now(clock) - from_ns);
}

/* Without a life, or without any difference to it. */
static void go_quietly(struct inst *in, const struct inst_type *to, bool is_back) {
    struct swap *swap = swap_of(to);
    char why[512] = "no memory";
    struct config *config;
    if (inst_widen_ports(in, to->row_count) < 0 ||
        swap_find_config(in, to, &config, why, sizeof why) < 0) {
        note_failure(swap, in, why);
        return;
    }
    swap_become(in, to);
    if (config) {
        swap_adopt_config(in, &config);
    }
    count(swap, is_back ? &swap->counts.back : &swap->counts.over, 0);
}

/* What it holds is what it was after its last turn that went well; or some turns before, and goes then. */
static void go_back(struct runner *r, struct inst *in, const struct inst_type *from) {
    struct swap *swap = swap_of(from);
    if (in->holds && held_of(in)->processed != inst_processed(in)) {
        let_go(r, in);
    }
    if (!in->holds) {
        go_over(r, in, from, true);
    } else if (take_back(r, in) < 0) {
        forget_frames(r);
        note_failure(swap, in, "load: the code before does not take its state back");
        life_fail(r, in, FAILURE_HOST, TROUPE_STATE_VERSION, "reload: its state was lost", NULL);
    } else {
        record_note(r, in, FLIGHT_RELOADED, from->generation, NULL);
        count(swap, &swap->counts.back, 0);
    }
}

/* Whether the reload was taken back while it was on its way. */
static bool is_late(struct swap *swap, const struct inst_type *to) {
    /* seq_cst: W-5; who is not late has become `to` before the way back begins, and is found then */
    unsigned phase = atomic_load_explicit(&swap->phase, memory_order_seq_cst);
    return phase == SWAP_BACK || phase == SWAP_LATE || phase == SWAP_NONE ||
           atomic_load_explicit(&swap->to, memory_order_relaxed) != to;
}

/* W-8 */
static void come_back(struct runner *r, struct inst *in, const struct inst_type *from) {
    char why[512];
    if (in->phase == PHASE_LIVE && in->type != from && in->holds) {
        go_back(r, in, from);
    } else if (in->phase == PHASE_LIVE && in->type != from) {
        int status = swap_reconfigure(r, in, from, &r->gone_from, why, sizeof why);
        if (status == 0) {
            record_note(r, in, FLIGHT_RELOADED, from->generation, NULL);
            count(swap_of(from), &swap_of(from)->counts.back, 0);
        } else { /* the next life is what it was */
            forget_frames(r);
            swap_become(in, from);
            swap_adopt_config(in, &r->gone_from);
        }
        if (status < 0 && in->phase == PHASE_LIVE) {
            life_fail(r, in, FAILURE_HOST, TROUPE_ERROR, why, NULL);
        }
    }
    swap_put_config(in, NULL); /* not a later reload's */
}

static void go_over_in_time(struct runner *r, struct inst *in, struct swap *swap,
                            const struct inst_type *from, const struct inst_type *to) {
    r->gone_from = in->more && in->more->config ? config_ref(in->more->config) : NULL;
    go_over(r, in, to, false);
    if (is_late(swap, to)) {
        come_back(r, in, from);
    }
    config_unref(r->gone_from);
    r->gone_from = NULL;
}

static void go_the_way(struct runner *r, struct inst *in, struct swap *swap) {
    /* seq_cst: W-5 */
    enum swap_phase phase =
        (enum swap_phase)atomic_load_explicit(&swap->phase, memory_order_seq_cst);
    const struct inst_type *from = atomic_load_explicit(&swap->from, memory_order_relaxed);
    const struct inst_type *to = atomic_load_explicit(&swap->to, memory_order_relaxed);
    bool is_back = phase == SWAP_BACK || phase == SWAP_LATE;
    bool is_live = in->phase == PHASE_LIVE;
    const struct inst_type *reach = is_back ? from : to;
    if (phase == SWAP_SETTLE && in->type == to) {
        swap_drop(r, in);
    } else if (phase == SWAP_GATE) {
        if (!in->gated) {
            in->gated = true;
            count(swap, &swap->counts.gated, 0);
        }
    } else if (phase == SWAP_SHADOW) {
        if (is_live && in->type == from) {
            shadow_tell(in);
        }
    } else if (phase == SWAP_UNSHADOW) {
        shadow_end(r, in);
    } else if (phase == SWAP_NONE || in->type != (is_back ? to : from)) {
        return; /* it has gone that way */
    } else if (in->phase == PHASE_DOWN || (is_live && swap_is_untouched(in, reach))) {
        go_quietly(in, reach, is_back);
        swap_forget_refused(in);
    } else if (!is_live || swap_waits(in, reach)) {
        swap_stay_late(in); /* else it is asked again */
    } else if (is_back) {
        go_back(r, in, from);
        swap_forget_refused(in);
    } else if (phase != SWAP_OVER || !swap_has_failed(swap)) {
        go_over_in_time(r, in, swap, from, to);
    }
}

/* They go one after another for some tens of milliseconds. */
#define PASSES_IN_A_ROW 8u

static void make_way(struct runner *r) {
    if (++r->passed_on % PASSES_IN_A_ROW == 0) {
        slice_end();
    }
}

void swap_obey(struct runner *r, struct inst *in) {
    if (in->type->line) {
        struct swap *swap = swap_of(in->type);
        atomic_fetch_add_explicit(&swap->busy, 1, memory_order_seq_cst); /* W-5 */
        r->goes = true;
        go_the_way(r, in, swap);
        r->goes = false;
        atomic_fetch_sub_explicit(&swap->busy, 1, memory_order_seq_cst);
        if (atomic_load_explicit(&swap->woken, memory_order_relaxed) == inst_uid(in)) {
            swap_pass_on(in->proc, swap, sched_waiting(r->worker)); /* W-6 */
            make_way(r);
        }
    }
}

bool swap_is_gated(struct inst *in) {
    /* acquire: pairs with swap_open */
    in->gated =
        in->type->line && atomic_load_explicit(&swap_of(in->type)->gates, memory_order_acquire);
    return in->gated;
}

void swap_fail(struct inst *in, const char *text) {
    note_failure(swap_of(in->type), in, text);
}

void swap_abandon(struct inst *in) {
    atomic_fetch_sub_explicit(&swap_of(in->type)->busy, 1, memory_order_seq_cst);
}

/* --- turn by turn --- */

/* What a state may cost for each turn is bounded. */
static bool is_due(const struct swap_held *held, uint64_t turns) {
    uint64_t size = held->saved.size;
    return size <= SWAP_STATE_SMALL || turns >= size / SWAP_STATE_SMALL;
}

/* W-3: the present state, as the code before would have it. False: there is no way back. */
static bool hold_anew(struct runner *r, struct inst *in, struct swap *swap) {
    struct swap_held *held = held_of(in);
    struct str bytes;
    if (held->in_place) {
        memcpy(held->state, in->state, in->type->state_size);
        return true;
    }
    uint32_t version = atomic_load_explicit(&swap->version_back, memory_order_relaxed);
    if (!version || swap_save(r, in, version, &bytes) < 0) {
        if (version) {
            forget_frames(r);
            str_fini(&bytes);
        }
        return false;
    }
    drop_state(r, held);
    held->saved = bytes;
    return true;
}

/* Also while others go back already: until it is its turn it goes on with code that has failed. */
static bool is_on_probation(struct swap *swap, uint64_t turns) {
    unsigned phase = atomic_load_explicit(&swap->phase, memory_order_relaxed);
    return (phase == SWAP_OVER || phase == SWAP_BACK || phase == SWAP_LATE) &&
           turns < atomic_load_explicit(&swap->probation, memory_order_relaxed);
}

void swap_look(struct runner *r, struct inst *in) {
    struct swap *swap = swap_of(in->type);
    struct swap_held *held = held_of(in);
    uint64_t processed = inst_processed(in);
    uint64_t since = processed - held->processed;
    if (since == 0) {
        return;
    }
    bool is_first = held->turns == 0;
    bool goes_on = is_on_probation(swap, held->turns + since);
    if (goes_on && !is_first && !is_due(held, since)) {
        return;
    }
    held->turns += since;
    held->processed = processed;
    if (!goes_on) {
        let_go(r, in);
    } else if (!hold_anew(r, in, swap)) {
        let_go(r, in);
        count(swap, &swap->counts.unguarded, 0);
    }
    if (is_first) {
        count(swap, &swap->counts.proven, 0);
    }
}

bool swap_takes_back(const struct inst *in, uint32_t row_kind, int32_t status) {
    return status != TROUPE_UNHANDLED && row_kind != TROUPE_ROW_save &&
           row_kind != TROUPE_ROW_cleanup && in->holds;
}

static void say_undone(const struct inst *in, const char *why) {
    char name[160];
    inst_name(in, name, sizeof name);
    if (in->proc->options.log) {
        log_write(in->proc->options.log, LOG_WARN, name,
                  "failed on new code (%s); it goes on with the code before, which handles the "
                  "message once more",
                  why);
    }
}

void swap_undo_turn(struct runner *r, struct inst *in, uint16_t row, int32_t status) {
    char why[512];
    struct swap *swap = swap_of(in->type);
    uint64_t lost = inst_processed(in) - held_of(in)->processed;
    say_why(r, in->type->rows[row].name, status, why, sizeof why);
    forget_frames(r);
    if (take_back(r, in) < 0) {
        forget_frames(r);
        life_fail(r, in, FAILURE_HOST, TROUPE_STATE_VERSION, "reload: its state was lost", NULL);
    }
    record_note(r, in, FLIGHT_RELOADED, in->type->generation, NULL);
    say_undone(in, why);
    pthread_mutex_lock(&swap->lock);
    swap->counts.sent_since += lost;
    swap->counts.undone++;
    swap->counts.back++;
    note_failure_locked(swap, in, why);
    pthread_mutex_unlock(&swap->lock);
}

void swap_drop(struct runner *r, struct inst *in) {
    if (in->holds) {
        let_go(r, in);
    }
}
