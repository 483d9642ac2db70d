/* How a life failed: the facts, from the turn that failed it until the next life begins (FI-1). */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actor/looks.h"
#include "record/snapshot.h"

struct inst;
struct msg;
struct runner;

#define FAILURE_TEXT 512u
#define FAILURE_NAME 160u
#define PAST_MAX 16u

struct failure {
    enum failure_kind kind;
    int32_t status;
    int64_t wall_ns;
    char own[FAILURE_TEXT];  /* in its own words */
    char text[FAILURE_TEXT]; /* with what led to it: "on_line: cannot parse 'x'" */
    char root[FAILURE_NAME]; /* the actor that really failed (SV-1); "": itself */
    char *frames;            /* a line a frame; owned; NULL: none */

    /* the message in hand, on a handler port; type "": none */
    char type[96], port[64], sender[FAILURE_NAME];
    char *json; /* owned; NULL: no memory */
    size_t json_size;
    uint32_t deaths;
    uint64_t quarantine;
};

/* Ends of earlier lives of the slot, the latest ones, the oldest first. Never changes. */
struct past {
    struct looks_block block;
    size_t count;
    struct snapshot_restart items[PAST_MAX]; /* `why` stands behind them */
    char texts[];
};

/* What became of the messages that lives of the slot failed with; written by the home worker. */
struct tally {
    _Atomic uint64_t failures; /* lives that failed */
    _Atomic uint64_t quarantined, retried, lost_with_state;
};

void failure_destroy(struct failure *failure); /* takes NULL */
/* Nothing without memory. [home worker] */
void past_add(struct inst *in, uint32_t incarnation, int64_t wall_ns, const char *why);

/* Adds to a counter that only this thread writes. */
static inline void tally_add(_Atomic uint64_t *counter, uint64_t more) {
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
                          memory_order_relaxed);
}

/* The turn that handled `m` on `row` has failed the actor: once more in the next life, or quarantine
 * (FC-4). Takes the message. [home worker] */
void died_on(struct runner *r, struct inst *in, uint16_t row, struct msg *m);
