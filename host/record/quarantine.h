/* Messages that killed (FC-4): kept whole, bounded in number and bytes, listable.
 *
 * Payload and type are the host's, so they stay when the plugin that sent or declared them has gone (MB-5).
 * When one comes in that does not fit, the oldest go; a message larger than all the room is not kept
 * itself. What falls out is counted, and stays in the snapshot of the actor that died on it. [any] */
#pragma once

#include <pthread.h>
#include <stdint.h>

#include "base/list.h"
#include "base/str.h"
#include "message/message.h"
#include "message/type.h"

#define QUARANTINE_NAME 160u
#define QUARANTINE_PORT 64u
#define QUARANTINE_REASON 256u

/* Who died on it; texts are cut to fit. */
struct quarantine_facts {
    uint64_t uid;
    uint32_t incarnation;
    uint32_t deaths; /* incarnations that died on it */
    uint64_t at_ns;  /* monotonic */
    int64_t wall_ns;
    char actor[QUARANTINE_NAME];
    char port[QUARANTINE_PORT];
    char sender[QUARANTINE_NAME]; /* "": the host, or nobody */
    char reason[QUARANTINE_REASON];
};

struct quarantine {
    pthread_mutex_t lock;
    uint32_t keep; /* set by init */
    uint64_t room; /* bytes */

    /* under lock */
    struct list kept; /* struct quarantined.link, oldest first */
    uint32_t count;
    uint64_t bytes;
    uint64_t total; /* ever; their numbers are 1 to that */
};

struct quarantine_counts {
    uint32_t kept;
    uint64_t bytes;
    uint64_t total;  /* ever quarantined */
    uint64_t fallen; /* of those, no longer kept */
};

void quarantine_init(struct quarantine *quarantine, uint32_t keep, uint64_t bytes);
void quarantine_fini(struct quarantine *quarantine, struct pool *pool);
/* Takes the message, kept or not; `pool` is the caller's. Returns its number. */
uint64_t quarantine_add(struct quarantine *quarantine, struct pool *pool,
                        const struct quarantine_facts *facts, struct msg *m);
struct quarantine_counts quarantine_counts(struct quarantine *quarantine);

/* {"format": 1, "kind": "message", "number", "actor", "uid", "incarnation", "deaths", "at", "port",
 * "sender", "why", "type", "value"}. -1: it is not kept (any more). */
int quarantine_json(struct quarantine *quarantine, struct pool *pool, struct type_table *types,
                    uint64_t number, struct str *out);
/* An array of them, oldest first. */
void quarantine_list_json(struct quarantine *quarantine, struct pool *pool,
                          struct type_table *types, struct str *out);
