/* The flight recorder of one actor: what it logged and what the runtime noted of it, in one ring of
 * fixed size, the oldest given up first (FR-1, FR-3).
 *
 * One writer: whoever runs the actor's turn, or does what only its home may do. Readers: any thread at
 * any time, also while the writer is stuck in the middle of a turn or of a write; they never wait and
 * never make it wait. An entry that is being overwritten meanwhile is left out, never shown torn.
 *
 * That a handler ran is noted once and counted up from then on, as long as nothing else happens: an
 * actor that only handles messages, however many and of whichever kinds, pushes nothing out.
 *
 * Nobody here looks at a clock; `now_ns` is what the caller knows of the time, monotonic. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/count.h"
#include "base/log.h"
#include "base/prefetch.h"

#define FLIGHT_CELLS 64u /* of 64 bytes: a page, and the writer's part */
#define FLIGHT_TEXT_MAX 200u
#define FLIGHT_LATELY 8u
#define FLIGHT_ROWS 7u /* handlers counted apart between two other entries; further ones together */
#define FLIGHT_PLACES (FLIGHT_ROWS + 1)

/* What is noted. X(constant, text) */
#define FLIGHT_KINDS(X)                                                                            \
    X(LOG, "log")                                                                                  \
    X(RAN, "ran")                                                                                  \
    X(STARTED, "started")                                                                          \
    X(STOPPED, "stopped")                                                                          \
    X(FAILED, "failed")                                                                            \
    X(RESTARTED, "restarted")                                                                      \
    X(PAUSED, "paused")                                                                            \
    X(RESUMED, "resumed")                                                                          \
    X(QUARANTINED, "message quarantined")                                                          \
    X(RELOADED, "reloaded")
#define FLIGHT_CONSTANT(name, text) FLIGHT_##name,
enum flight_kind { FLIGHT_KINDS(FLIGHT_CONSTANT) FLIGHT_KIND_COUNT };
#undef FLIGHT_CONSTANT

/* An entry as readers get it. */
struct flight_entry {
    uint64_t place; /* in the ring's history, from 0; grows from entry to entry */
    uint64_t at_ns;
    uint64_t last_ns; /* RAN: when it ran last, to about a millisecond; else at_ns */
    enum flight_kind kind;
    enum log_level level; /* LOG */
    uint32_t count;       /* RAN: how many times; else a number that belongs to it, or 0 */
    bool discarded;       /* LOG: of a turn that was discarded (TX-1) */
    bool cut;             /* there was more text */
    uint16_t size;
    char text[FLIGHT_TEXT_MAX + 1]; /* terminated; whatever was logged, also what is no UTF-8 */
};

struct flight_cell {
    /* any thread, atomic; see flight.c */
    _Atomic uint64_t words[8];
};

struct flight {
    struct flight_cell cells[FLIGHT_CELLS];

    /* One line, which is all that an actor needs that only handles messages. */

    /* only the writer */
    /* Those that ran at lately_ns, by the last bits of the row + 1, and are far from their greatest count. */
    uint64_t lately_ns;
    uint16_t lately[FLIGHT_LATELY];   /* the row + 1; 0: not known */
    uint8_t lately_at[FLIGHT_LATELY]; /* its place in `counts` */

    /* any thread, atomic; written by the writer only */
    _Atomic uint32_t
        counts[FLIGHT_PLACES]; /* of the handlers that ran since the last other entry */

    /* --- the end of the line --- */

    _Atomic uint64_t written; /* cells ever written */
    _Atomic uint64_t first;   /* what lies before it belongs to somebody else */

    /* only the writer */
    uint32_t run_count;
    struct {
        uint64_t at_ns[FLIGHT_PLACES];
        uint16_t row[FLIGHT_PLACES];
        uint8_t cell[FLIGHT_PLACES]; /* of FLIGHT_CELLS */
    } runs;                          /* whose count it is */
};

/* NULL: no memory. The owner makes it when it is first needed; until then there is nothing to read. */
struct flight *flight_create(void);
void flight_destroy(struct flight *flight); /* takes NULL */
/* From now on it is another actor's: nothing before is shown any more (FR-2). [writer] */
void flight_reset(struct flight *flight);

/* `text` is copied, cut to FLIGHT_TEXT_MAX bytes. [writer] */
void flight_log(struct flight *flight, uint64_t now_ns, enum log_level level, const char *text,
                size_t size);
/* `text` may be NULL. [writer] */
void flight_note(struct flight *flight, uint64_t now_ns, enum flight_kind kind, uint32_t number,
                 const char *text);
/* Where the ring is now: for flight_discard. [writer] */
static inline uint64_t flight_mark(const struct flight *flight) {
    return atomic_load_explicit(&flight->written, memory_order_relaxed);
}
/* Marks the log lines since `mark` as of a discarded turn. [writer] */
void flight_discard(struct flight *flight, uint64_t mark);

/* One that did not run lately, or not at this time. */
void flight_ran_anew(struct flight *flight, uint64_t now_ns, uint16_t row, const char *name);
/* Handler `number` - 1 ran. False: it is not known to have run in the same millisecond, and nothing was done. [writer] */
static inline bool flight_ran_again(struct flight *flight, uint64_t now_ns, uint16_t number) {
    unsigned slot = number % FLIGHT_LATELY;
    if (__builtin_expect(flight->lately_ns != now_ns || flight->lately[slot] != number, 0)) {
        return false;
    }
    count_add_32(&flight->counts[flight->lately_at[slot]], 1); /* release: as in write_cell */
    return true;
}
/* Handler `row` ran; `name` is copied when it is new. Cheap when it was among the last to run, too, in the same
 * millisecond: a plain store. [writer] */
static inline void flight_ran(struct flight *flight, uint64_t now_ns, uint16_t row,
                              const char *name) {
    if (!flight_ran_again(flight, now_ns, (uint16_t)(row + 1))) {
        flight_ran_anew(flight, now_ns, row, name);
    }
}
/* So that its turn finds the recorder at hand. */
static inline void flight_prefetch(const struct flight *flight) {
    prefetch_to_write(&flight->lately_ns);
}

/* How many cells there are to read just now. [any] */
uint32_t flight_cells(const struct flight *flight);
/* Calls `each` for the entries, oldest first; lent during the call. Allocates nothing and takes no lock:
 * also in signal handlers. [any] */
void flight_read(struct flight *flight,
                 void (*each)(void *context, const struct flight_entry *entry), void *context);
/* "ran 'line' 1024 times", "error: cannot open 'x'"; cut to fit, control characters as they came. */
void flight_text(const struct flight_entry *entry, char *ret, size_t size);
const char *flight_kind_text(enum flight_kind kind);
