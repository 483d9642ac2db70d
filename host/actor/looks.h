/* Looking at instances from any thread, without a lock on them (S-1, S-7): what a looker may have found
 * stays until it has looked away.
 *
 * L-1  Who gives up memory that lookers read first makes it unfindable, by a seq_cst store, and then asks
 *      whether anybody looks. Who looks first says so and then reads, seq_cst both. So either the looker
 *      does not find it, or it is kept.
 * L-2  What is kept is freed by a looker that looks away, once all have who were there when it was given
 *      up. Nobody else ever waits: giving something up costs one load while nobody looks, and one
 *      compare-and-swap otherwise.
 * L-3  A cell that is kept is used again only then: between looks_begin and looks_end an instance that
 *      looks_find gave is the same instance. It may end meanwhile, and lose its uid. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct inst;
struct proc;

/* One who looks; on the stack of looks_begin's caller. */
struct looker {
    struct list link; /* looks.lookers */
    uint64_t ticket;
};

/* First in memory, of mem_alloc, that lookers read and that is replaced while they may. */
struct looks_block {
    struct looks_block *next; /* given up */
};

/* Chains of what was given up. */
struct looks_left {
    struct looks_block *blocks;
    struct inst *cells; /* linked by inst.state */
};

struct looks {
    /* any thread, atomic; read by all, changed when somebody begins or ends to look */
    _Alignas(64) _Atomic uint32_t present;

    /* any thread, atomic; given up while somebody looked */
    _Alignas(64) _Atomic(struct looks_block *) blocks;
    _Atomic(struct inst *) cells;

    pthread_mutex_t lock;
    /* under lock */
    struct list lookers; /* looker.link, in the order in which they came */
    uint64_t tickets;
    struct looks_left older, newer;
    uint64_t older_ticket; /* who came before that may have found what is in `older` */
};

void looks_init(struct looks *looks);
void looks_fini(struct proc *proc); /* frees what is kept; nobody looks any more */

/* Any thread, workers too, but no instance's turn may be in between. [any] */
void looks_begin(struct proc *proc, struct looker *looker);
void looks_end(struct proc *proc, struct looker *looker);
/* The open instance with this uid, or one of the plan's, which stay; lent until looks_end. NULL: none. */
struct inst *looks_find(struct proc *proc, uint64_t uid);
/* The same, also one whose slot is closing just now, or has closed and is not unmade yet. */
struct inst *looks_find_any(struct proc *proc, uint64_t uid);
/* As looks_find, for what is in a cell just now. */
struct inst *looks_find_in(struct proc *proc, uint32_t cell, uint64_t *ret_uid);
/* The uid of one that was found by another way; 0: it is gone. Not inst_uid: that may be the next owner's
 * by now. */
uint64_t looks_uid(const struct inst *in);

/* For memory that is unfindable now: frees it, or keeps it until nobody looks at it any more. Takes NULL. */
void looks_give_up(struct proc *proc, struct looks_block *block);
/* The same for a cell; false: nobody looks, and it is still the caller's. */
bool looks_keep_cell(struct proc *proc, struct inst *in);
/* Its two halves, for many cells. Whether anybody looks, by an operation on what all lookers change: so the cells may
 * have been made unfindable by any store (L-1). Then: keeps one. */
bool looks_are_taken(struct proc *proc);
void looks_keep(struct proc *proc, struct inst *in);
