/* Shadows: before actors go over to new code, it runs on copies of their states, behind the code that runs, turn by
 * turn, and what both ask of the host is compared.
 *
 * S-1  The code that runs handles each message as always. Then the new one handles the same, on the state that the
 *      one before it left to it; the host does nothing of what it asks for (tape.h). So nothing of it is ever seen.
 * S-2  Whatever it does wrong, an error, a fault, an endless loop, is a difference, and the end of that shadow; the
 *      actor does not hear of it, but has to wait for SHADOW_TURN_NS until an endless loop is known for one. What no
 *      turn could survive (F-1) no shadow can.
 * S-3  An actor gets its shadow between two turns, when it has something to do; so many turns of all actors are
 *      compared, whatever they are for: messages, ticks, replies, ends of children. There are no more shadows than
 *      turns wanted, and their states take no more than SHADOW_BYTES.
 * S-4  Who does things that can't be done twice has no shadow: types with the option touches_world (TX-3), actors with
 *      descriptors, turns that wait or fail, and states that can't be copied. They are left out, and counted.
 * S-5  The time is for both what it was for the first. Logs of the new code are dropped, and not compared. It calls the
 *      host by the table of its turn: by another it is refused everything. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

struct inst;
struct inst_row;
struct inst_type;
struct msg;
struct msg_type;
struct runner;
struct shadow;
struct troupe_host;

/* --- of one reload --- */

#define SHADOW_KEEPS 16u                  /* differences */
#define SHADOW_BYTES ((uint64_t)64 << 20) /* of states at a time */
#define SHADOW_TURN_NS (500 * NS_PER_MS)  /* that takes longer does not end */

struct shadow_counts {
    uint64_t wanted, compared; /* turns */
    uint64_t differences;      /* of those, turns that differ */
    uint64_t actors;           /* that have had a shadow */
    uint64_t alive;            /* of those, have it still */
    uint64_t left_out;         /* that have none, or not any more (S-4) */
    char actor[160];           /* the first that differs; "" */
    char what[256];            /* in what */
    char left_out_actor[160];  /* the first that was left out, or a type; "" */
    char left_out_why[160];
};

/* Where all shadows count; counted by reference. [any] */
struct shadow_run;
struct shadow_run *shadow_run_create(uint64_t turns); /* NULL: no memory */
struct shadow_run *shadow_run_ref(struct shadow_run *run);
void shadow_run_unref(struct shadow_run *run); /* takes NULL */
void shadow_run_counts(struct shadow_run *run, struct shadow_counts *ret);
/* The first differences, up to SHADOW_KEEPS, each a JSON object on one line, lent:
 *   {"actor": "p/sum[0]", "turn": 3, "handler": "number", "message": {"number": {"number": 5}},
 *    "what": "message on 'out': 'number' differs", "old": {...}, "new": {...}}
 * `turn` counts the turns of this actor's life. `message`, `old` and `new` are null where there is none, and text,
 * cut, where they are long. */
typedef void shadow_each(void *context, const char *json);
void shadow_run_each(struct shadow_run *run, shadow_each *each, void *context);
/* What is not done because an actor, or a type, can't have a shadow. */
void shadow_run_leave_out(struct shadow_run *run, const char *who, const char *why);
/* Waits until all turns have been compared, as many differ as are kept when it `stops`, or until then. Not in
 * seeded mode. */
void shadow_run_wait(struct shadow_run *run, bool stops, uint64_t until_ns);
bool shadow_run_is_done(struct shadow_run *run, bool stops);
/* No more turns. */
void shadow_run_close(struct shadow_run *run);

/* --- for shadow.c --- */

/* One more turn is to be compared; false: there are enough. What was taken is compared, or given back. */
bool shadow_run_take(struct shadow_run *run);
void shadow_run_give_back(struct shadow_run *run);
bool shadow_run_wants(struct shadow_run *run);
/* A shadow of so many bytes; false: too many with the others. It leaves in both cases. */
bool shadow_run_enter(struct shadow_run *run, uint64_t bytes);
void shadow_run_leave(struct shadow_run *run, uint64_t bytes);
struct shadow_difference {
    const char *actor, *what;
    char *json; /* owned by who takes it; NULL: no memory */
};
/* A turn has been compared; `difference` NULL: it is the same. Takes its json. */
void shadow_run_compared(struct shadow_run *run, const struct shadow_difference *difference);

/* --- of an actor; by its home worker --- */

/* It is to get one, with the next thing it has to do. Harmless when it has been told in this reload. */
void shadow_tell(struct inst *in);
/* Between two turns, of one that was told and has something to do: now it gets one, if it can have it. */
void shadow_begin(struct runner *r, struct inst *in);
/* It has none any more, and may be told again. Harmless when it has none. */
void shadow_end(struct runner *r, struct inst *in);
/* Of one that was told: before the turn of this row; whether its shadow is to follow. Then shadow_play stands
 * behind, when the turn has been committed or discarded, and returned this status. */
bool shadow_write(struct runner *r, struct inst *in, uint16_t row);
void shadow_play(struct runner *r, struct inst *in, uint16_t row, const void *arg, struct msg *m,
                 int32_t status);
/* Whether it was told, and has not been to shadow_end since; whether it has one, which holds on to the new code.
 * [any] */
bool shadow_is_told(const struct inst *in);
bool shadow_is_over(const struct inst *in); /* told, and gets none any more */
bool shadow_is_there(const struct inst *in);

/* Of a turn in progress: whose it is; what it takes for its actor, NULL when it is the actor's own turn. */
const struct inst *shadow_actor(const struct shadow *shadow);
struct inst *shadow_body(const struct runner *r);
/* The thread that runs its turn does not come back: what that may still read is the caller's... */
void shadow_set_aside(struct shadow *shadow, const void **ret_saved);
/* ...and by the home worker: it was this row's, for this message, if any. */
void shadow_abandon(struct runner *r, struct inst *in, const struct inst_row *row,
                    const struct msg_type *type, const void *body, const char *why);

/* shadow_host.c: the tables that turns get which are written down, or played. */
void shadow_host_fill(const struct troupe_host *host, struct troupe_host *ret_writes,
                      struct troupe_host *ret_plays);
