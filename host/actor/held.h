/* Records of actors that somebody outside has in hand: what is behind an instance cell.
 *
 * A record is that of one slot, by its uid, and is shared by all who hold it. It keeps what is known of the
 * slot readable, also when the slot has closed and when the proc is gone; it keeps no actor running, no
 * instance and no library (S-5), and no end waits for it.
 *
 * H-1  As long as the slot is open, who asks is told what a look finds (look.h). When it closes, the home
 *      writes the rest into the record, which does not change from then on.
 * H-2  The home tells of moves that are rare: initializing, ready, stopping, ended, closed. Not of turns: idle
 *      and processing are the same to who waits here, so that a message costs nothing for it. Two that follow
 *      each other at once may be told as one; the last never is left out.
 * H-3  No move is missed. Who makes a record adds INST_IS_HELD by a read-modify-write, and the home reads it
 *      so behind each move that it tells of (inst_tell): the one that comes second sees what the other did.
 *
 * The records of a proc share a table, which outlives it. Its lock is a leaf: nothing is looked up, allocated
 * or freed under it (S-7). */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <troupe/abi.h>

#include "actor/inst.h"
#include "base/err.h"
#include "record/snapshot.h"

struct held_chunk;

struct held_table {
    pthread_mutex_t lock;
    pthread_cond_t left; /* a call has left the proc */
    /* under lock */
    uint64_t refs;              /* the proc, each record, and whoever wants to find one later */
    struct proc *proc;          /* NULL: it is gone */
    unsigned users;             /* calls that are busy with it */
    struct held_chunk **chunks; /* by the number of the memory cell; owned, made as needed */
};

struct held {
    /* set when it is made, then constant */
    struct held_table *table; /* a reference */
    uint64_t uid, pid;
    uint64_t parent;     /* its uid; 0: a root */
    uint32_t plan_index; /* UINT32_MAX: the plan does not know it */
    bool is_client;
    char *id;   /* "proc/name[pid]"; owned */
    char *type; /* likewise */
    pthread_cond_t changed;

    /* under the table's lock */
    uint64_t refs;
    uint64_t moves;       /* counts what was told */
    struct snapshot *end; /* of the life that ended last; a reference; NULL: none, or no memory */
    bool is_closed;       /* from here on `end` and these are all there is */
    enum inst_status status;
    uint32_t incarnation;
};

/* One look. */
struct held_status {
    enum inst_status status;
    uint32_t incarnation;  /* 0: has not lived yet */
    bool is_closed;        /* nothing changes any more */
    int64_t since_wall_ns; /* processing: since when, to a millisecond (ST-2); else 0 */
    char detail[512];      /* processing: the handler; stopped, failed: why; else "" */
};

/* NULL: no memory. [any] */
struct held_table *held_table_create(struct proc *proc);
/* The proc goes, or is left behind with threads stuck in it: what is open closes as it is, and nobody looks
 * any more. Again: nothing. */
void held_table_leave(struct held_table *table);
struct held_table *held_table_ref(struct held_table *table);
void held_table_unref(struct held_table *table); /* takes NULL */

/* The record of an open slot, a reference of the caller's. Errors: NOT_FOUND (no open one, or the proc is
 * gone), NOMEM. [any] So the others below. */
int held_find(struct held_table *table, uint64_t uid, struct held **ret, struct err *err);
/* By "name", "group/name" or "proc/name[pid]"; of one that is neither of the plan nor a client this looks at
 * all there are. */
int held_find_address(struct held_table *table, const char *address, struct held **ret,
                      struct err *err);
/* One below it, by a path as look_begin has it. */
int held_find_below(struct held *held, struct troupe_str path, struct held **ret, struct err *err);
struct held *held_ref(struct held *held);
void held_unref(struct held *held); /* takes NULL */

bool held_is_closed(struct held *held);
void held_look(struct held *held, struct held_status *ret);
/* Waits until a look differs from *status by more than idle and processing do, or the slot has closed; *status
 * gets what was seen last. False: it is `until_ns` by the monotonic clock. */
bool held_wait(struct held *held, struct held_status *status, uint64_t until_ns);
/* All that is known, also of what has ended; a reference of the caller's. Errors: NOMEM, REFUSED (a plain
 * client, CI-3), NOT_FOUND (there was no memory to keep it). */
int held_view(struct held *held, struct snapshot **ret, struct err *err);
/* Tells an actor that was spawned by another. Errors: NOT_FOUND (its slot has closed). */
int held_signal(struct held *held, unsigned signals, struct err *err);

/* What stands below, in the order of pids, each before its children. */
struct held_below {
    struct held *held; /* a reference */
    uint32_t depth;    /* 1: a child */
};
struct held_tree {
    struct held_below *items; /* owned */
    uint32_t count, room;
    bool is_cut; /* there are more */
};
/* Walks below it, or below the proc itself for NULL: down to `depth`, `most` at most; nobody is stopped for it,
 * and who ends meanwhile may be left out. Errors: NOMEM, NOT_FOUND (it has closed). */
int held_walk(struct held_table *table, struct held *top, uint32_t depth, uint32_t most,
              struct held_tree *ret, struct err *err);
void held_tree_fini(struct held_tree *tree); /* gives the references back */

/* --- the home's part --- */

/* Keeps a reference of the snapshot of a life that ends; NULL is taken. [home worker] */
void held_keep_end(struct inst *in, struct snapshot *end);
/* It has a record, and has moved, or its slot has closed. [home worker] */
void held_tell(struct inst *in);
