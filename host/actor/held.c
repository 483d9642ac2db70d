/* Records of actors in hand: the table, and what the home tells. */
#include "actor/held.h"

#include <string.h>

#include "actor/held_impl.h"
#include "actor/look_impl.h"
#include "actor/proc_impl.h"
#include "base/alloc.h"
#include "base/cond.h"
#include "record/cut.h"

/* --- the table: by the number of the memory cell, in which at most one slot is open --- */

#define CHUNK 4096u
#define CHUNKS (CELLS_MOST / CHUNK + 1)

struct held_chunk {
    struct held *records[CHUNK];
};

struct held_table *held_table_create(struct proc *proc) {
    struct held_table *table = mem_alloc(sizeof *table);
    if (!table) {
        return NULL;
    }
    pthread_mutex_init(&table->lock, NULL);
    pthread_cond_init(&table->left, NULL);
    table->refs = 1;
    table->proc = proc;
    return table;
}

struct held_table *held_table_ref(struct held_table *table) {
    pthread_mutex_lock(&table->lock);
    table->refs++;
    pthread_mutex_unlock(&table->lock);
    return table;
}

void held_table_unref(struct held_table *table) {
    if (!table) {
        return;
    }
    pthread_mutex_lock(&table->lock);
    bool last = --table->refs == 0;
    pthread_mutex_unlock(&table->lock);
    if (!last) {
        return;
    }
    for (uint32_t i = 0; table->chunks && i < CHUNKS; i++) {
        mem_free(table->chunks[i]);
    }
    mem_free((void *)table->chunks);
    pthread_cond_destroy(&table->left);
    pthread_mutex_destroy(&table->lock);
    mem_free(table);
}

static struct held **place_locked(const struct held_table *table, uint64_t uid) {
    uint64_t number = cell_number(uid);
    struct held_chunk *chunk =
        table->chunks && number < CELLS_MOST ? table->chunks[number / CHUNK] : NULL;
    return chunk ? &chunk->records[number % CHUNK] : NULL;
}

static struct held *find_locked(const struct held_table *table, uint64_t uid) {
    struct held **place = place_locked(table, uid);
    return place && *place && (*place)->uid == uid ? *place : NULL;
}

static int make_room(struct held_table *table, uint64_t uid) {
    pthread_mutex_lock(&table->lock);
    bool has_table = table->chunks;
    bool has_room = place_locked(table, uid);
    pthread_mutex_unlock(&table->lock);
    struct held_chunk **chunks = has_table ? NULL : mem_array(CHUNKS, sizeof(struct held_chunk *));
    struct held_chunk *chunk = has_room ? NULL : mem_alloc(sizeof *chunk);
    int status = (has_table || chunks) && (has_room || chunk) ? 0 : -1;
    pthread_mutex_lock(&table->lock);
    if (!table->chunks) {
        table->chunks = chunks;
        chunks = NULL;
    }
    if (table->chunks && chunk && !table->chunks[cell_number(uid) / CHUNK]) {
        table->chunks[cell_number(uid) / CHUNK] = chunk;
        chunk = NULL;
    }
    pthread_mutex_unlock(&table->lock);
    mem_free((void *)chunks);
    mem_free(chunk);
    return status;
}

struct proc *held_enter(struct held_table *table) {
    pthread_mutex_lock(&table->lock);
    struct proc *proc = table->proc;
    table->users += proc != NULL;
    pthread_mutex_unlock(&table->lock);
    return proc;
}

void held_leave(struct held_table *table) {
    pthread_mutex_lock(&table->lock);
    if (--table->users == 0) {
        pthread_cond_broadcast(&table->left);
    }
    pthread_mutex_unlock(&table->lock);
}

/* --- records --- */

static void destroy(struct held *held) {
    snapshot_unref(held->end);
    pthread_cond_destroy(&held->changed);
    mem_free(held->id);
    mem_free(held->type);
    held_table_unref(held->table);
    mem_free(held);
}

static struct held *make(struct held_table *table, const struct inst *in, uint64_t uid) {
    char id[160];
    struct held *held = mem_alloc(sizeof *held);
    if (!held) {
        return NULL;
    }
    const struct inst *parent = inst_parent(in);
    held->table = held_table_ref(table);
    held->uid = uid;
    held->pid = in->pid;
    held->parent = parent && parent != in->proc->self ? looks_uid(parent) : 0;
    held->plan_index = inst_plan_index(in);
    held->is_client = in->type == &type_client || in->type == &type_plain_client;
    held->id = mem_text_n(id, inst_name(in, id, sizeof id));
    held->type = mem_text(in->type->id);
    held->refs = 1;
    cond_init(&held->changed);
    if (!held->id || !held->type) {
        destroy(held);
        return NULL;
    }
    return held;
}

/* The one that there is, with a reference more, or `made`. */
static struct held *enlist(struct held_table *table, struct inst *in, struct held *made) {
    pthread_mutex_lock(&table->lock);
    struct held *held = find_locked(table, made->uid);
    if (held) {
        held->refs++;
    } else {
        held = made;
        *place_locked(table, made->uid) = made;
        /* release, acquire: H-3 */
        atomic_fetch_or_explicit(&in->plan_index, INST_IS_HELD, memory_order_seq_cst);
    }
    pthread_mutex_unlock(&table->lock);
    return held;
}

static struct held *find(struct held_table *table, uint64_t uid) {
    pthread_mutex_lock(&table->lock);
    struct held *held = find_locked(table, uid);
    if (held) {
        held->refs++;
    }
    pthread_mutex_unlock(&table->lock);
    return held;
}

static int not_found(struct err *err) {
    return err_set(err, ERR_NOT_FOUND, "its slot has closed");
}

int held_take(struct held_table *table, struct inst *in, uint64_t uid, struct held **ret,
              struct err *err) {
    struct held *held = find(table, uid);
    if (!held) {
        struct held *made = make_room(table, uid) == 0 ? make(table, in, uid) : NULL;
        if (!made) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        held = enlist(table, in, made);
        if (held != made) {
            destroy(made);
        }
    }
    /* H-3: who closes it from here on finds the record */
    if (mbox_is_closed(&in->mbox)) {
        held_unref(held);
        return not_found(err);
    }
    *ret = held;
    return 0;
}

struct held *held_ref(struct held *held) {
    pthread_mutex_lock(&held->table->lock);
    held->refs++;
    pthread_mutex_unlock(&held->table->lock);
    return held;
}

bool held_is_closed(struct held *held) {
    pthread_mutex_lock(&held->table->lock);
    bool is_closed = held->is_closed;
    pthread_mutex_unlock(&held->table->lock);
    return is_closed;
}

static void delist_locked(struct held *held) {
    struct held_table *table = held->table;
    struct held **place = place_locked(table, held->uid);
    if (*place != held) {
        return;
    }
    *place = NULL;
    struct inst *in = table->proc ? cell_find(table->proc, held->uid) : NULL;
    if (in) { /* should it be somebody else's by now: only under the lock it gets another record */
        atomic_fetch_and_explicit(&in->plan_index, ~INST_IS_HELD, memory_order_relaxed);
    }
}

void held_unref(struct held *held) {
    if (!held) {
        return;
    }
    pthread_mutex_t *lock = &held->table->lock;
    pthread_mutex_lock(lock);
    bool last = --held->refs == 0;
    if (last) {
        delist_locked(held);
    }
    pthread_mutex_unlock(lock);
    if (last) {
        destroy(held);
    }
}

/* --- finding --- */

/* By address, or where that is NULL by uid. */
static int find_open(struct held_table *table, const char *address, uint64_t uid, struct held **ret,
                     struct err *err) {
    struct looker looker;
    struct proc *proc = held_enter(table);
    if (!proc) {
        return err_set(err, ERR_NOT_FOUND, "the proc is gone");
    }
    looks_begin(proc, &looker);
    struct inst *in = address ? look_find_address(proc, address, &uid) : looks_find(proc, uid);
    int status = in && in != proc->self ? held_take(table, in, uid, ret, err) : not_found(err);
    looks_end(proc, &looker);
    held_leave(table);
    return status;
}

int held_find(struct held_table *table, uint64_t uid, struct held **ret, struct err *err) {
    return find_open(table, NULL, uid, ret, err);
}

int held_find_address(struct held_table *table, const char *address, struct held **ret,
                      struct err *err) {
    return find_open(table, address, 0, ret, err);
}

/* --- what the home tells --- */

/* Of a life that has ended, or of a slot that closes without one; NULL: no memory. Its parent may be gone. */
static struct snapshot *take_end(struct proc *proc, const struct held *held, uint32_t incarnation,
                                 bool failed) {
    struct snapshot *end = NULL;
    struct snapshot_brief brief;
    if (!snapshot_store_find(&proc->snapshots, held->uid, incarnation, &brief, &end)) {
        brief =
            (struct snapshot_brief){.uid = held->uid, .incarnation = incarnation, .failed = failed};
        cut_copy(brief.id, sizeof brief.id, held->id);
        cut_copy(brief.reason, sizeof brief.reason,
                 incarnation ? "no longer known" : "stopped before it started");
    }
    if (!end) {
        brief.wall_ns = brief.wall_ns ? brief.wall_ns : proc->clock->wall(proc->clock);
        end = snapshot_of_brief(proc->name, &brief);
    }
    return end;
}

static void close_locked(struct held *held, enum inst_status status, uint32_t incarnation) {
    held->is_closed = true;
    held->status = status;
    held->incarnation = incarnation;
    *place_locked(held->table, held->uid) = NULL;
}

static bool has_end(const struct held *held, uint32_t incarnation) {
    pthread_mutex_lock(&held->table->lock);
    bool has = held->end && held->end->facts.incarnation == incarnation;
    pthread_mutex_unlock(&held->table->lock);
    return has;
}

/* Returns what it does not keep. */
static struct snapshot *keep_locked(struct held *held, struct snapshot *end) {
    struct snapshot *before = held->end;
    held->end = end;
    return before;
}

void held_keep_end(struct inst *in, struct snapshot *end) {
    struct held_table *table = in->proc->held;
    pthread_mutex_lock(&table->lock);
    struct held *held = find_locked(table, inst_uid(in));
    struct snapshot *before = held && end ? keep_locked(held, snapshot_ref(end)) : NULL;
    pthread_mutex_unlock(&table->lock);
    snapshot_unref(before);
}

void held_tell(struct inst *in) {
    struct held_table *table = in->proc->held;
    struct held *held = find(table, inst_uid(in));
    if (!held) {
        return; /* it was let go just now */
    }
    uint32_t incarnation = inst_incarnation(in);
    enum inst_status status = inst_status(in);
    bool is_closed = mbox_is_closed(&in->mbox);
    bool has_ended = is_closed || status == INST_STOPPED || status == INST_FAILED;
    struct snapshot *end = has_ended && !has_end(held, incarnation)
                               ? take_end(in->proc, held, incarnation, status == INST_FAILED)
                               : NULL;
    pthread_mutex_lock(&table->lock);
    held->moves++;
    if (end) {
        end = keep_locked(held, end);
    }
    if (is_closed) {
        close_locked(held, status == INST_FAILED ? INST_FAILED : INST_STOPPED, incarnation);
    }
    pthread_cond_broadcast(&held->changed);
    pthread_mutex_unlock(&table->lock);
    snapshot_unref(end);
    held_unref(held);
}

/* --- the proc goes --- */

static struct held *first_locked(const struct held_table *table) {
    for (uint32_t i = 0; table->chunks && i < CHUNKS; i++) {
        for (uint32_t j = 0; table->chunks[i] && j < CHUNK; j++) {
            if (table->chunks[i]->records[j]) {
                return table->chunks[i]->records[j];
            }
        }
    }
    return NULL;
}

/* It is stuck, or never ran: its last look is all there will be. */
static void close_as_it_is(struct held *held) {
    struct held_status last;
    struct snapshot *end = NULL;
    held_look(held, &last);
    (void)held_view(held, &end, NULL);
    pthread_mutex_lock(&held->table->lock);
    if (!held->is_closed) {
        if (end) {
            end = keep_locked(held, end);
        }
        held->moves++;
        close_locked(held, last.status, last.incarnation);
        pthread_cond_broadcast(&held->changed);
    }
    pthread_mutex_unlock(&held->table->lock);
    snapshot_unref(end);
    held_unref(held);
}

void held_table_leave(struct held_table *table) {
    pthread_mutex_lock(&table->lock);
    for (struct held *held; table->proc && (held = first_locked(table));) {
        held->refs++;
        pthread_mutex_unlock(&table->lock);
        close_as_it_is(held);
        pthread_mutex_lock(&table->lock);
    }
    table->proc = NULL;
    while (table->users > 0) {
        pthread_cond_wait(&table->left, &table->lock);
    }
    pthread_mutex_unlock(&table->lock);
}
