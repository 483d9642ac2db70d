/* Wires of the plan's actors: made with them, and made anew for those that run.
 *
 * E-1  An actor's wires change when its home worker obeys SIGNAL_SWAP, all at once, between two turns, and not
 *      while it waits for room: so what it has sent by the wires before has been delivered, and nothing of it can
 *      be passed by what it sends later (MB-1).
 * E-2  What the wires were before is kept until the change is settled, so that it can be set back. What was counted
 *      on a wire that stays, goes on with it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/plan.h"

struct inst;
struct port;
struct proc;
struct rewire;
struct runner;

/* The wires of a plan, actor by actor. */
struct wiring {
    const struct plan *plan;    /* lent */
    struct inst *const *actors; /* lent; those of the plan, as far as wires join them */
    uint32_t *first, *next;     /* owned: per actor, per wire; PLAN_NONE ends */
};
/* -1: no memory. */
int wiring_init(struct wiring *wiring, const struct plan *plan, struct inst *const *actors);
void wiring_fini(struct wiring *wiring);
/* The ports of one of its actors, in one block; *ret is NULL when it has no wires. -1: no memory. */
int wiring_make_ports(const struct wiring *wiring, uint32_t actor, struct port **ret);
/* Those that nobody has. Takes NULL. */
void wiring_drop_ports(struct port *ports);
/* The same, of those that somebody may look at. */
void wiring_give_up_ports(struct proc *proc, struct port *ports);

/* --- other wires for actors that run, by one thread at a time that is in no turn [control] --- */

/* Room for so many actors. -1: no memory. */
int rewire_create(struct proc *proc, size_t room, struct rewire **ret);
/* This actor of the plan is to have these ports (NULL: no wires), which are taken. */
void rewire_add(struct rewire *rewire, struct inst *in, struct port *ports);
/* Tells all of them. */
void rewire_begin(struct rewire *rewire);
/* How many have not changed yet; *ret_one is one of them. Those that have ended for good need not. */
size_t rewire_left(struct rewire *rewire, const struct inst **ret_one);
/* Waits until fewer than `left` have not, or until then. Not in seeded mode. */
void rewire_wait(struct rewire *rewire, size_t left, uint64_t until_ns);
/* Those that have not changed are told no more, the others are told to change back: then again rewire_left. */
void rewire_back(struct rewire *rewire);
/* What they had before goes. Takes NULL. */
void rewire_destroy(struct rewire *rewire);

/* Changes its wires if it was told so and waits for no room. [home worker] */
void rewire_obey(struct inst *in);
