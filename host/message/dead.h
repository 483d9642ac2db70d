/* Dead letters: undeliverables that nobody took; kept, bounded, listable (MB-4). [any] */
#pragma once

#include <pthread.h>
#include <stdint.h>

#include "message/message.h"

struct dead_letter {
    uint64_t number;     /* from 1, never reused */
    uint64_t from, to;   /* uids */
    int32_t reason;      /* a status */
    uint64_t at_ns;      /* monotonic */
    struct msg *message; /* owned; its type says what it was */
};

struct dead_letters {
    pthread_mutex_t lock;
    struct dead_letter *ring; /* under lock */
    uint32_t keep, count, first;
    uint64_t total;   /* ever */
    uint64_t dropped; /* fallen out of the ring */
};

/* Keeps at most `keep` letters; 0 keeps none but counts. -1: no memory. */
int dead_init(struct dead_letters *dead, uint32_t keep);
void dead_fini(struct dead_letters *dead, struct pool *pool);
/* Takes the message. */
void dead_add(struct dead_letters *dead, struct pool *pool, struct msg *m, uint64_t from,
              uint64_t to, int32_t reason, uint64_t at_ns);
uint64_t dead_total(struct dead_letters *dead);
/* Calls `each` for the kept ones, oldest first, under the lock; they are lent. */
void dead_each(struct dead_letters *dead,
               void (*each)(void *context, const struct dead_letter *letter), void *context);
