/* Going over to another generation of an actor type, actor by actor, between two turns (RL-2).
 *
 * W-1  An actor goes over when its home worker obeys SIGNAL_SWAP, to where its type's line says just then. So a
 *      signal that comes late, or twice, does no harm.
 * W-2  Going over is state, memory and code; mailbox, uid, wires, timers, watches, descriptors, children and
 *      calls stay as they are (RL-3). The state is saved by the code before and loaded by the code after, or
 *      stays where it is, when both say that it holds no pointers into the plugin. What `save` and `load`
 *      send, start or spawn then is dropped.
 * W-3  What the actor was before is held until a turn on the new code has gone well. A first turn that fails,
 *      faults or is stuck was not: the actor is what it was, and the same message is handled again by the
 *      code before. So it is nothing that its life fails of.
 *      In probation that goes on, turn by turn: after each that goes well the new state is written down as the
 *      code before would have it, or copied where it stays in place (RL-4); after every one for states up to
 *      SWAP_STATE_SMALL, else after every so many that no more is written than that for each.
 *      It goes on until it is that actor's turn to go back, or to settle: the phase is there before its signal.
 *      One that gets other settings by its row `reconfigure` holds nothing: should the reload go back, the row
 *      gets those before.
 * W-4  An actor without a life just changes its type. One that is ending ends as what it is.
 * W-5  Who begins to go counts itself in `busy` and then reads the phase; who changes the phase writes it and then
 *      reads `busy`, seq_cst all. So when nobody is busy any more, whoever goes later knows of the change; a
 *      generation is let go only then.
 * W-6  Who has to go over, or to settle, is told so by being woken, one after another: each that was woken, and has
 *      gone, wakes the next, behind what is ready to run there, and one more for each 64 of that; those of one worker
 *      first, then those of another, so that one worker does not wait for the other each time. Until then it goes on
 *      as what it is, so no message waits for its own actor to go, nor for more than one other, and a 64th of those
 *      that are ready, each time that it is ready. When none has gone for a while some are woken at once, and from
 *      then on whoever is next, wherever: in front may be one in a long turn. Who is to go back, or to begin or end
 *      something else, is told at once, and does so before its next message: no more of them are handled by code that
 *      has failed.
 * W-7  Settings go over with the actor: those that the reload has for it, else its own, key by key, when the new
 *      code has other keys; and back with it. A generation of the same code is there for that alone: who gets no
 *      other settings is not touched by it.
 * W-8  Who is stuck on its way over, and comes back when the reload is being taken back, or was, goes back by itself:
 *      it is what it was, or has the settings before by one more turn of `reconfigure`. One that does not take them
 *      fails of that, and its next life has them. Until then no other reload has actors of its type go anywhere.
 * W-9  Who had gone over and is in one turn all the time while the others go back, or can't run one, goes back when that
 *      ends, also when the reload is over by then. The generation that it was of stays loaded. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct config;
struct inst;
struct inst_type;
struct msg;
struct proc;
struct runner;
struct shadow_run;
struct str;

enum swap_phase {
    SWAP_NONE,
    SWAP_OVER,   /* from `from` to `to` */
    SWAP_BACK,   /* from `to` to `from` */
    SWAP_SETTLE, /* those of `to` give up what they hold; who was taken back late goes over again */
    SWAP_GATE,   /* those of `from` stop between two turns, until they are let go on */
    SWAP_SHADOW, /* those of `from` get a shadow, of `to`: see shadow.h */
    SWAP_UNSHADOW, /* and have none any more */
    SWAP_LATE, /* the reload was taken back, and is over; those of `to` that were in a turn all the time have yet to
                    * go back to `from` (W-9) */
};

#define SWAP_STATE_SMALL 4096u

/* Why it does not go on; the first reason there was. */
struct swap_failure {
    uint64_t uid;
    char name[160];
    char text[512];
};

struct swap_counts {
    uint64_t gated;  /* have stopped */
    uint64_t over;   /* have gone over */
    uint64_t proven; /* of those, have had a turn that went well */
    uint64_t back;   /* have gone back */
    uint64_t
        undone; /* of those, because a turn failed; its message was handled by the code before */
    uint64_t sent_since; /* by turns that an undone state does not know of any more (RL-4) */
    uint64_t unguarded;  /* could not be written down as the code before would have them */
    uint64_t settled;    /* have given up what they held, when all were to */
    uint64_t failures;   /* to go over, to go back, or of a turn */
    uint64_t
        longest_ns; /* the longest that an actor was kept from its messages by going over or back */
};

/* How many have stopped, gone over or back, or settled. */
static inline uint64_t swap_gone(const struct swap_counts *counts) {
    return counts->gated + counts->over + counts->back + counts->settled;
}

/* One a line of types; lives as long as it. */
struct swap {
    _Atomic uint8_t phase;   /* written last and read first; W-5 */
    _Atomic uint32_t busy;   /* actors that are going just now; likewise */
    _Atomic bool gates;      /* who has stopped stays stopped */
    _Atomic uint32_t cursor; /* the cell to look at next for one to wake (W-6) */
    /* the number of the worker whose actors are woken, and the least above it that the cursor passed over since it began; at
     * their end it goes on with those of that one, so it comes to an end also where some can't go */
    _Atomic uint32_t lane, next_lane;
    _Atomic uint64_t woken; /* the uid of the last one that was woken, which wakes the next */
    _Atomic(const struct inst_type *) from, to;
    _Atomic uint32_t version;      /* of the state on its way; 0: it stays where it is */
    _Atomic uint32_t version_back; /* likewise, on its way back, and in probation */
    _Atomic uint64_t probation;    /* how many turns of each actor; 0: none beyond the first */
    _Atomic(struct shadow_run *) shadow; /* a reference, kept until the next one: see W-5 */

    pthread_mutex_t lock;
    pthread_cond_t changed; /* on CLOCK_MONOTONIC */
    /* under lock */
    struct swap_counts counts;
    struct swap_failure failure;
    uint64_t
        awaited; /* how many have to have gone for who waits; to wake it for each would cost as much as to go */
};

void swap_init(struct swap *swap);
void swap_fini(struct swap *swap);

/* Of an actor that is to go over soon: its settings then, laid out for where it goes; takes them. NULL: none. [control] */
void swap_put_config(struct inst *in, struct config *config);

/* Its settings from the next life on, or not after all (NULL); takes them. [control] */
void swap_put_next_config(struct inst *in, struct config *config);
/* They are its settings, as a life begins. [home worker] */
void swap_take_next_config(struct inst *in);

/* swap.c; by the home worker */
void swap_obey(struct runner *r, struct inst *in);
/* Wakes the next that has to go, or some, if so many tasks wait there that one is too few; in swap_way.c. [any] */
void swap_pass_on(struct proc *proc, struct swap *swap, uint32_t waiting);
/* Stopped between two turns, it is to go on when nobody stops it any more. */
bool swap_is_gated(struct inst *in);
/* A turn may have gone well: then nothing is held any more, or anew. */
void swap_look(struct runner *r, struct inst *in);
/* Of one that holds something: whether the turn of a row of this kind, which returned this status, has failed so
 * that it goes back: a handler's, not one for saving or cleaning up. */
bool swap_takes_back(const struct inst *in, uint32_t row_kind, int32_t status);
/* It goes back: it is what it was. */
void swap_undo_turn(struct runner *r, struct inst *in, uint16_t row, int32_t status);
/* Whether it could be what it was before: a turn of it that is stuck is taken back (W-3). [any] */
bool swap_is_held(const struct inst *in);
/* It can't go over, as this says. */
void swap_fail(struct inst *in, const char *text);
/* The thread that was going with it does not come back. */
void swap_abandon(struct inst *in);
/* Its state in this version, by a turn of which nothing else remains; *ret is to be freed. A status. Between
 * two turns. */
int32_t swap_save(struct runner *r, struct inst *in, uint32_t version, struct str *ret);
/* What it waited for is over, if it did: it is asked to go back once more (W-9). */
void swap_ask_again(struct inst *in);
/* Its life ends: what is held ends with it. */
void swap_drop(struct runner *r, struct inst *in);

/* --- the way of a whole type, by one thread at a time that is in no turn [control] --- */

/* Whether actors of `from` may become `to`, as far as one can tell without them: rows, message types, state
 * versions. Both ways: whether those of `to` could go back; *ret_back says so. Errors: REFUSED, with what is
 * missing. */
int swap_check(const struct inst_type *from, const struct inst_type *to, bool *ret_back,
               struct err *err);
/* The version in which a saved state goes from one to the other; 0: there is none. Of these only save, load,
 * writes_older and the versions count. */
uint32_t swap_version(const struct inst_type *from, const struct inst_type *to);
/* Sets the way; nobody is told yet. What is counted begins anew with the first way after swap_end. `probation`: how
 * many turns of each actor, when it goes over. */
void swap_begin(const struct inst_type *from, const struct inst_type *to, enum swap_phase phase,
                uint64_t probation);
/* The same for the phases of shadows, which count in `run`. */
void swap_begin_shadow(const struct inst_type *from, const struct inst_type *to,
                       enum swap_phase phase, struct shadow_run *run);
/* How many actors of it live, or are about to; *ret_open: of these, may be compared still. */
uint64_t swap_count(struct proc *proc, const struct inst_type *from, uint64_t *ret_open);
/* Looks for those that have not gone the way yet, and tells them where they are not told one after another (W-6): some
 * are new since, some were ending. Returns how many there are; *ret_one gets the name of one. */
uint64_t swap_signal(struct proc *proc, const struct inst_type *to, char *ret_one, size_t size);
/* Wakes the next so many, of which the last one wakes the others, one after another (W-6); behind the last cell the
 * first one comes again: some are new since, some were ending. */
void swap_wake(struct proc *proc, const struct inst_type *to, unsigned most);
/* Wakes so many, and no others; returns how many. */
uint64_t swap_signal_some(struct proc *proc, const struct inst_type *to, uint64_t most);
/* Whether one is on its way just now. */
bool swap_is_busy(const struct inst_type *to);
/* How many have not gone the way yet. */
uint64_t swap_left(struct proc *proc, const struct inst_type *to);
/* Those that have stopped go on. */
void swap_open(struct proc *proc, const struct inst_type *to);
/* Whether there is an instance, or one that is not done with its end yet, that is of this type, is about to be, or
 * is of its line and could go back. */
bool swap_refers(struct proc *proc, const struct inst_type *type);
/* Waits until so many have gone (swap_gone), more than so many have failed, or until then. Not in seeded mode. */
void swap_wait(const struct inst_type *to, uint64_t gone, uint64_t failures, uint64_t until_ns);
void swap_counts(const struct inst_type *to, struct swap_counts *ret,
                 struct swap_failure *ret_failure);
/* No settings of the other side are kept any more, of all instances of this line; `back`: but of those that have yet to go
 * back. */
void swap_forget_configs(struct proc *proc, const struct inst_type *type, bool back);
/* There is no way to go any more. */
void swap_end(const struct inst_type *to);
/* The same when all were to go back; unless `all` have, those that are left are told once more, and do as they come to
 * the end of a turn. */
void swap_end_back(struct proc *proc, const struct inst_type *to, bool all);
/* Whether some of this line have not come to it yet. */
bool swap_awaits(struct proc *proc, const struct inst_type *type);
