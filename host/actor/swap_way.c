/* All actors of a type go over to another generation, or back: what the thread does that has them go. */
#include <stdio.h>
#include <time.h>

#include "actor/shadow.h"
#include "actor/swap_impl.h"
#include "base/slice.h"

void swap_init(struct swap *swap) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&swap->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&swap->lock, NULL);
}

void swap_fini(struct swap *swap) {
    shadow_run_unref(atomic_load_explicit(&swap->shadow, memory_order_relaxed));
    pthread_cond_destroy(&swap->changed);
    pthread_mutex_destroy(&swap->lock);
}

/* --- may they? --- */

static bool fits(const struct msg_type *from, const struct msg_type *to, struct err *err) {
    return from == to || !from || !to || type_check_compatible(from, to, err) == 0;
}

/* A row of both: the same kind, with messages that old and new can read. */
static int check_row(const struct inst_row *from, const struct inst_row *to, struct err *err) {
    if (from->kind != to->kind) {
        return err_set(err, ERR_REFUSED, "'%s' is of another kind now", from->name);
    }
    if (!from->type != !to->type && (from->kind == TROUPE_ROW_in || from->kind == TROUPE_ROW_out)) {
        return err_set(err, ERR_REFUSED, "'%s' takes other messages now", from->name);
    }
    if (!fits(from->type, to->type, err) || !fits(from->reply, to->reply, err)) {
        return err_wrap(err, "'%s'", from->name);
    }
    return 0;
}

static int check_rows(const struct inst_type *from, const struct inst_type *to, struct err *err) {
    for (uint16_t i = 0; i < from->row_count && i < to->row_count; i++) {
        if (from->rows[i].kind && to->rows[i].kind &&
            check_row(&from->rows[i], &to->rows[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

static uint64_t config_size(const struct inst_type *type) {
    uint64_t size = 0;
    uint64_t align;
    if (type->config) {
        note_config_layout(type->config, NULL, &size, &align);
    }
    return size;
}

bool swap_stays_in_place(const struct inst_type *from, const struct inst_type *to) {
    return from->plain_state && to->plain_state && from->state_size == to->state_size &&
           from->state_version == to->state_version && from->config_offset == to->config_offset &&
           config_size(from) == config_size(to);
}

uint32_t swap_version(const struct inst_type *from, const struct inst_type *to) {
    uint32_t newest =
        from->state_version < to->state_version ? from->state_version : to->state_version;
    bool writes =
        newest == from->state_version || (from->writes_older && newest >= from->state_min);
    bool reads = newest >= to->state_min;
    bool has_hooks = from->save != INST_NO_ROW && to->load != INST_NO_ROW;
    return has_hooks && writes && reads ? newest : 0;
}

/* 0: it stays where it is, or can't go. */
static uint32_t version_to(const struct inst_type *from, const struct inst_type *to) {
    bool stays = !swap_is_same_code(from, to) && swap_stays_in_place(from, to);
    return stays ? 0 : swap_version(from, to);
}

static int check_state(const struct inst_type *from, const struct inst_type *to, struct err *err) {
    if (swap_version(from, to) || swap_stays_in_place(from, to) || swap_is_same_code(from, to)) {
        return 0;
    }
    if (from->save == INST_NO_ROW || to->load == INST_NO_ROW) {
        return err_set(err, ERR_REFUSED,
                       "its state can't be carried over: %s has no '%s', and not both say "
                       "'plain_state' of a state of the same size and version",
                       from->save == INST_NO_ROW ? "the code before" : "the new code",
                       from->save == INST_NO_ROW ? "save" : "load");
    }
    return err_set(err, ERR_REFUSED,
                   "its state can't be carried over: the code before writes version %u%s, the new "
                   "code reads %u to %u",
                   from->state_version, from->writes_older ? " and older" : "", to->state_min,
                   to->state_version);
}

int swap_check(const struct inst_type *from, const struct inst_type *to, bool *ret_back,
               struct err *err) {
    if (check_rows(from, to, err) < 0 || check_state(from, to, err) < 0) {
        return err_wrap(err, "actor type '%s'", from->id);
    }
    *ret_back = check_state(to, from, NULL) == 0;
    return 0;
}

/* --- what it needs that the other has not (RL-3) --- */

static bool has_kind(const struct inst_type *type, uint16_t row, uint32_t kind) {
    return row < type->row_count && type->rows[row].kind == kind;
}

const char *swap_find_lack(const struct inst *in, const struct inst_type *to) {
    const struct inst_type *from = in->type;
    const struct inst_more *more = in->more;
    bool has_company = inst_open_children(in) > 0 || mbox_has_message(&in->mbox);
    for (uint16_t row = 0; row < from->row_count; row++) {
        const struct inst_row *own = &from->rows[row];
        bool in_use =
            (own->accepts && has_company) ||
            (in->ports && row < port_block_of(in->ports)->count && in->ports[row].count) ||
            (own->kind == TROUPE_ROW_child && has_company);
        if (own->kind && in_use && !has_kind(to, row, own->kind)) {
            return own->name;
        }
    }
    for (const struct inst_timer *it = more->timers; it; it = it->next) {
        if (it->active && !has_kind(to, it->row, TROUPE_ROW_timer)) {
            return from->rows[it->row].name;
        }
    }
    uint16_t watch = inst_watch_row_lacking(in, to);
    if (watch != INST_NO_ROW) {
        return from->rows[watch].name;
    }
    const struct inst_calls *calls = more->calls;
    for (uint32_t i = 0; calls && calls->pending && i < calls->room; i++) {
        if (calls->calls[i].number && !has_kind(to, calls->calls[i].row, TROUPE_ROW_ask)) {
            return from->rows[calls->calls[i].row].name;
        }
    }
    return NULL;
}

/* --- all of them --- */

static bool is_used(struct inst *in) {
    /* acquire: pairs with reset in inst.c */
    return in->proc && atomic_load_explicit(&in->holders, memory_order_acquire) > 0;
}

/* A slot of the plan that has closed runs nothing any more; only lookers read its type. */
static void convert_closed(struct inst *in, const struct inst_type *to) {
    if (inst_plan_index(in) != UINT32_MAX) {
        __atomic_store_n(&in->type, to, __ATOMIC_SEQ_CST); /* L-1 */
    }
}

/* What has to be left in the present phase. */
struct way {
    const struct inst_type *leave, *reach;
    enum swap_phase phase;
};

static struct way way_of(struct swap *swap) {
    const struct inst_type *from = atomic_load_explicit(&swap->from, memory_order_relaxed);
    const struct inst_type *to = atomic_load_explicit(&swap->to, memory_order_relaxed);
    enum swap_phase phase =
        (enum swap_phase)atomic_load_explicit(&swap->phase, memory_order_relaxed);
    switch (phase) {
    case SWAP_BACK:
    case SWAP_LATE:
        return (struct way){to, from, phase};
    case SWAP_GATE:
    case SWAP_SHADOW:
    case SWAP_UNSHADOW:
        return (struct way){from, from, phase};
    case SWAP_OVER:
    case SWAP_SETTLE:
    case SWAP_NONE:
        break;
    }
    return (struct way){from, to, phase};
}

static bool is_alive(const struct inst *in) {
    enum inst_status status = inst_status(in);
    return status == INST_INITIALIZING || status == INST_IDLE || status == INST_PROCESSING;
}

static bool has_to_go(const struct way *way, struct inst *in) {
    const struct inst_type *type = is_used(in) ? inst_type(in) : NULL;
    if (type && type == way->reach && way->phase == SWAP_SETTLE) {
        return swap_is_held(in);
    }
    if (!type || type != way->leave) {
        return false;
    }
    switch (way->phase) {
    case SWAP_SHADOW:
        return is_alive(in) && !shadow_is_told(in);
    case SWAP_UNSHADOW:
        return shadow_is_told(in);
    case SWAP_NONE:
    case SWAP_OVER:
    case SWAP_SETTLE:
    case SWAP_BACK:
    case SWAP_LATE:
    case SWAP_GATE:
        break;
    }
    return true;
}

#define ANY_LANE UINT32_MAX /* as next_lane: there is none */

/* From the cursor on, of those at home in the lane: it wakes it without another worker. */
static struct inst *find_from_cursor(struct proc *proc, struct swap *swap, const struct way *way) {
    uint32_t count = cell_count(proc);
    uint32_t at = atomic_load_explicit(&swap->cursor, memory_order_relaxed);
    uint32_t lane = atomic_load_explicit(&swap->lane, memory_order_relaxed);
    while (at < count) {
        at = atomic_fetch_add_explicit(&swap->cursor, 1, memory_order_relaxed);
        struct inst *in = at < count ? cell_at(proc, at) : NULL;
        if (!in || !has_to_go(way, in) || !inst_is_open(in)) {
            continue;
        }
        /* acquire: as mbox_poke */
        uint32_t home = atomic_load_explicit(&in->mbox.task.home, memory_order_acquire)->index;
        if (lane == ANY_LANE || lane == home) {
            return in;
        }
        if (home > lane && home < atomic_load_explicit(&swap->next_lane, memory_order_relaxed)) {
            atomic_store_explicit(&swap->next_lane, home, memory_order_relaxed);
        }
    }
    return NULL;
}

static void begin_lane(struct swap *swap, uint32_t lane) {
    atomic_store_explicit(&swap->next_lane, ANY_LANE, memory_order_relaxed);
    atomic_store_explicit(&swap->lane, lane, memory_order_relaxed);
    atomic_store_explicit(&swap->cursor, 0, memory_order_relaxed);
}

/* The next one that has to go; NULL: none. Lent until looks_end. */
static struct inst *find_next(struct proc *proc, struct swap *swap, const struct way *way) {
    struct inst *in = find_from_cursor(proc, swap, way);
    uint32_t next;
    while (!in &&
           (next = atomic_load_explicit(&swap->next_lane, memory_order_relaxed)) != ANY_LANE) {
        begin_lane(swap, next);
        in = find_from_cursor(proc, swap, way);
    }
    return in;
}

/* Where many wait each round of them is long, and one a round would take for ever: it may grow by a few per cent. */
#define WAITING_FOR_ONE 64u
#define WAKES_MOST 64u

/* The last of them goes on with it. */
void swap_pass_on(struct proc *proc, struct swap *swap, uint32_t waiting) {
    uint32_t count =
        waiting / WAITING_FOR_ONE < WAKES_MOST ? 1 + waiting / WAITING_FOR_ONE : WAKES_MOST;
    struct way way = way_of(swap);
    struct looker looker;
    looks_begin(proc, &looker);
    struct inst *in = find_next(proc, swap, &way);
    while (in) {
        struct inst *next = --count > 0 ? find_next(proc, swap, &way) : NULL;
        if (!next) { /* before it may run */
            atomic_store_explicit(&swap->woken, inst_uid(in), memory_order_relaxed);
        }
        inst_signal_last(in, SIGNAL_SWAP);
        in = next;
    }
    looks_end(proc, &looker);
}

/* What those that have to go are told: nothing; to go when they run next; to go now. */
enum telling { TELL_NOTHING, TELL_LATER, TELL_NOW };

/* Looks at no more than `most` of them, and tells them; returns how many there were. */
static uint64_t tell(struct proc *proc, struct swap *swap, uint64_t most, enum telling how,
                     char *ret_one, size_t size) {
    struct way way = way_of(swap);
    struct looker looker;
    uint64_t found = 0;
    looks_begin(proc, &looker);
    for (uint32_t i = 0, count = cell_count(proc); i < count && found < most; i++) {
        slice_make_way(i);
        struct inst *in = cell_at(proc, i);
        if (!has_to_go(&way, in)) {
            continue;
        }
        if (!inst_is_open(in)) {
            convert_closed(in, way.reach);
            continue;
        }
        if (found++ == 0 && size > 0) {
            (void)inst_name(in, ret_one, size);
        }
        if (how == TELL_NOW) {
            inst_signal(in, SIGNAL_SWAP);
        } else if (how == TELL_LATER) {
            inst_signal_later(in, SIGNAL_SWAP);
        }
    }
    looks_end(proc, &looker);
    return found;
}

/* W-6 */
static enum telling telling_of(struct swap *swap) {
    enum swap_phase phase =
        (enum swap_phase)atomic_load_explicit(&swap->phase, memory_order_relaxed);
    if (phase == SWAP_GATE) {
        return TELL_NOW;
    }
    bool gates = atomic_load_explicit(&swap->gates, memory_order_relaxed);
    return (phase == SWAP_OVER || phase == SWAP_SETTLE) && !gates ? TELL_NOTHING : TELL_LATER;
}

uint64_t swap_signal(struct proc *proc, const struct inst_type *type, char *ret_one, size_t size) {
    struct swap *swap = &type->line->swap;
    /* before they are looked at: W-5 */
    uint32_t busy = atomic_load_explicit(&swap->busy, memory_order_seq_cst);
    uint64_t left = tell(proc, swap, UINT64_MAX, telling_of(swap), ret_one, size);
    if (left == 0 && busy > 0 && size > 0) {
        (void)snprintf(ret_one, size, "an actor of type '%s'", type->id);
    }
    return left > 0 ? left : busy;
}

void swap_wake(struct proc *proc, const struct inst_type *to, unsigned most) {
    struct swap *swap = &to->line->swap;
    if (atomic_load_explicit(&swap->cursor, memory_order_relaxed) >= cell_count(proc)) {
        begin_lane(swap, 0);
    }
    if (most > 1) { /* the worker of those before may be kept by a long turn */
        atomic_store_explicit(&swap->lane, ANY_LANE, memory_order_relaxed);
    }
    for (unsigned i = 0; i < most; i++) {
        swap_pass_on(proc, swap, 0);
    }
}

uint64_t swap_signal_some(struct proc *proc, const struct inst_type *to, uint64_t most) {
    return tell(proc, &to->line->swap, most, TELL_NOW, NULL, 0);
}

static void open_one(struct inst *in, const struct type_line *line) {
    const struct inst_type *type = is_used(in) ? inst_type(in) : NULL;
    if (type && type->line == line && inst_is_open(in)) {
        mbox_poke(&in->mbox);
    }
}

void swap_open(struct proc *proc, const struct inst_type *to) {
    struct looker looker;
    /* release: pairs with swap_is_gated */
    if (!atomic_exchange_explicit(&to->line->swap.gates, false, memory_order_release)) {
        return; /* nobody has stopped: none is to run for nothing */
    }
    looks_begin(proc, &looker);
    for (uint32_t i = 0, count = cell_count(proc); i < count; i++) {
        slice_make_way(i);
        open_one(cell_at(proc, i), to->line);
    }
    looks_end(proc, &looker);
}

bool swap_is_busy(const struct inst_type *to) {
    return atomic_load_explicit(&to->line->swap.busy, memory_order_seq_cst) > 0; /* W-5 */
}

uint64_t swap_left(struct proc *proc, const struct inst_type *to) {
    struct way way = way_of(&to->line->swap);
    struct looker looker;
    uint64_t left = 0;
    looks_begin(proc, &looker);
    for (uint32_t i = 0, count = cell_count(proc); i < count; i++) {
        slice_make_way(i);
        struct inst *in = cell_at(proc, i);
        left += has_to_go(&way, in) && inst_is_open(in);
    }
    looks_end(proc, &looker);
    return left;
}

/* Who goes over holds its type before it is of another; who goes back is of it again before it holds it no more. So
 * one that does either meanwhile is found by the first, the second or the third. */
static bool refers(const struct inst *in, const struct inst_type *type) {
    const struct inst_type *of = inst_type(in);
    return of == type || (of->line == type->line &&
                          (swap_is_held(in) || shadow_is_there(in) || inst_type(in) == type));
}

bool swap_refers(struct proc *proc, const struct inst_type *type) {
    struct looker looker;
    uint32_t at = 0;
    if (swap_is_busy(type)) {
        return true;
    }
    looks_begin(proc, &looker);
    for (uint32_t count = cell_count(proc); at < count; at++) {
        slice_make_way(at);
        struct inst *in = cell_at(proc, at);
        if (is_used(in) && refers(in, type)) {
            break;
        }
    }
    bool told = at < cell_count(proc);
    looks_end(proc, &looker);
    return told;
}

void swap_begin(const struct inst_type *from, const struct inst_type *to, enum swap_phase phase,
                uint64_t probation) {
    struct swap *swap = &to->line->swap;
    pthread_mutex_lock(&swap->lock);
    unsigned before = atomic_load_explicit(&swap->phase, memory_order_relaxed);
    if (before == SWAP_NONE || before == SWAP_LATE) {
        swap->counts = (struct swap_counts){0};
        swap->failure = (struct swap_failure){0};
    }
    atomic_store_explicit(&swap->from, from, memory_order_relaxed);
    atomic_store_explicit(&swap->to, to, memory_order_relaxed);
    atomic_store_explicit(&swap->version, version_to(from, to), memory_order_relaxed);
    atomic_store_explicit(&swap->version_back, version_to(to, from), memory_order_relaxed);
    atomic_store_explicit(&swap->probation, probation, memory_order_relaxed);
    begin_lane(swap, 0);
    if (phase == SWAP_GATE) {
        atomic_store_explicit(&swap->gates, true, memory_order_relaxed);
    }
    atomic_store_explicit(&swap->phase, (uint8_t)phase, memory_order_seq_cst); /* W-5 */
    pthread_mutex_unlock(&swap->lock);
}

void swap_begin_shadow(const struct inst_type *from, const struct inst_type *to,
                       enum swap_phase phase, struct shadow_run *run) {
    struct swap *swap = &to->line->swap;
    shadow_run_unref(
        atomic_exchange_explicit(&swap->shadow, shadow_run_ref(run), memory_order_acq_rel));
    swap_begin(from, to, phase, 0);
}

uint64_t swap_count(struct proc *proc, const struct inst_type *from, uint64_t *ret_open) {
    struct looker looker;
    uint64_t all = 0;
    *ret_open = 0;
    looks_begin(proc, &looker);
    for (uint32_t i = 0, count = cell_count(proc); i < count; i++) {
        slice_make_way(i);
        struct inst *in = cell_at(proc, i);
        bool is_one = is_used(in) && inst_type(in) == from &&
                      (is_alive(in) || inst_status(in) == INST_CREATED);
        all += is_one;
        *ret_open += is_one && !shadow_is_over(in);
    }
    looks_end(proc, &looker);
    return all;
}

void swap_wait(const struct inst_type *to, uint64_t gone, uint64_t failures, uint64_t until_ns) {
    struct swap *swap = &to->line->swap;
    struct timespec until = {(time_t)(until_ns / NS_PER_S), (long)(until_ns % NS_PER_S)};
    int status = 0;
    pthread_mutex_lock(&swap->lock);
    swap->awaited = gone;
    while (swap_gone(&swap->counts) < gone && swap->counts.failures <= failures && status == 0) {
        status = pthread_cond_timedwait(&swap->changed, &swap->lock, &until);
    }
    pthread_mutex_unlock(&swap->lock);
}

bool swap_has_failed(struct swap *swap) {
    pthread_mutex_lock(&swap->lock);
    bool failed = swap->counts.failures > 0;
    pthread_mutex_unlock(&swap->lock);
    return failed;
}

void swap_counts(const struct inst_type *to, struct swap_counts *ret,
                 struct swap_failure *ret_failure) {
    struct swap *swap = &to->line->swap;
    pthread_mutex_lock(&swap->lock);
    *ret = swap->counts;
    if (ret_failure) {
        *ret_failure = swap->failure;
    }
    pthread_mutex_unlock(&swap->lock);
}

void swap_forget_configs(struct proc *proc, const struct inst_type *type, bool back) {
    struct looker looker;
    looks_begin(proc, &looker);
    for (uint32_t i = 0, count = cell_count(proc); i < count; i++) {
        slice_make_way(i);
        struct inst *in = cell_at(proc, i);
        const struct inst_type *of = is_used(in) ? inst_type(in) : NULL;
        if (of && of->line == type->line && !(back && of == type)) {
            swap_put_config(in, NULL);
        }
    }
    looks_end(proc, &looker);
}

/* Unless nobody was told to go there yet: then others may be late still. */
static bool end_in(const struct inst_type *to, enum swap_phase phase) {
    struct swap *swap = &to->line->swap;
    bool is_told = atomic_load_explicit(&swap->to, memory_order_relaxed) == to;
    if (is_told) {
        atomic_store_explicit(&swap->phase, (uint8_t)phase, memory_order_seq_cst);
    }
    return is_told;
}

void swap_end(const struct inst_type *to) {
    (void)end_in(to, SWAP_NONE);
}

/* Who went back before it could see that this is the end has left its settings to us; who was told before, and could
 * not, does not know that nobody tells it again. */
void swap_end_back(struct proc *proc, const struct inst_type *to, bool all) {
    if (end_in(to, all ? SWAP_NONE : SWAP_LATE)) {
        swap_forget_configs(proc, to, true);
        if (!all) {
            (void)tell(proc, &to->line->swap, UINT64_MAX, TELL_NOW, NULL, 0);
        }
    }
}

/* One that has come to it, and could not go back, is not asked any more. */
static bool is_awaited(struct inst *in, const struct way *way) {
    return has_to_go(way, in) && inst_is_open(in) &&
           (atomic_load_explicit(&in->signals, memory_order_relaxed) & SIGNAL_SWAP);
}

bool swap_awaits(struct proc *proc, const struct inst_type *type) {
    struct way way = way_of(&type->line->swap);
    struct looker looker;
    bool awaits = false;
    if (way.phase != SWAP_LATE) {
        return false;
    }
    looks_begin(proc, &looker);
    for (uint32_t i = 0, count = cell_count(proc); i < count && !awaits; i++) {
        slice_make_way(i);
        awaits = is_awaited(cell_at(proc, i), &way);
    }
    looks_end(proc, &looker);
    return awaits;
}
