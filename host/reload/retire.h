/* What becomes of generations that no actor is of any more (RL-5).
 *
 *  taken -> audited -> quiet -> unloaded             by a thread of its own, so that no reload waits for it
 *             |          |         |
 *             +----------+---------+--> stays        the reason is kept, and can be listed
 *
 * - audited: nobody in the process points into it any more, or it is looked at again later, a few times.
 * - quiet: for a grace period its code and constants are inaccessible; who uses them nonetheless goes on unharmed,
 *   and it stays.
 * - unloaded: `fini`, dlclose, and the proof that it is gone. */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "plugin/library.h"

#define RETIRED_STATES(X)                                                                          \
    X(CURRENT, "current") /* it has not retired */                                                 \
    X(RETIRING, "retiring")                                                                        \
    X(QUIET, "quiet")                                                                              \
    X(UNLOADED, "unloaded")                                                                        \
    X(STAYS, "stays")
#define RETIRED_STATE_CONSTANT(name, text) RETIRED_##name,
enum retired_state { RETIRED_STATES(RETIRED_STATE_CONSTANT) RETIRED_STATE_COUNT };
#undef RETIRED_STATE_CONSTANT

/* A generation, as it is told of. */
struct retired {
    char file[256];
    char build_id[65];
    char version[64]; /* what the file says of itself */
    uint32_t generation;
    enum retired_state state;
    char reason[LIBRARY_REASON_SIZE]; /* why it stays, or is not quiet yet; "" */
};

struct retirer;

/* `log`, lent, may be NULL. Errors: NOMEM. */
int retirer_create(struct log *log, struct retirer **ret, struct err *err);
/* All that are left are unloaded at once, or stay. Takes NULL. */
void retirer_destroy(struct retirer *retirer);
/* Takes the last reference. Grace 0: at once, by the caller; one that cannot be unloaded then stays. [control] */
void retirer_take(struct retirer *retirer, struct library *library, uint64_t grace_ns);
/* Takes it as one that actors run still: it stays until the retirer ends. */
void retirer_keep(struct retirer *retirer, struct library *library, const char *reason);
/* The last that were unloaded, at most RETIRED_KEEPS, then those that are on their way, and all that stay, each the
 * oldest first; returns their number, at most `room`. [any] */
#define RETIRED_KEEPS 32u
size_t retirer_list(struct retirer *retirer, struct retired *ret, size_t room);
/* One that has not retired. */
void retired_describe(const struct library *library, struct retired *ret);
const char *retired_state_text(enum retired_state state);
