/* Message memory: size classes in a pool per worker; blocks go home in chains.
 *
 * Taking and giving back on the worker that took touches no atomic. A block freed elsewhere is
 * collected with others of the same owner and returned as one chain, one atomic per chain.
 * Built with the address sanitizer, every block comes from the heap, so that it sees each misuse. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "message/message.h"

#define POOL_HEAP UINT16_MAX
#define POOLS_MAX 4096

struct pools; /* all pools of a proc */
struct pool;  /* one worker's */

struct pools *pools_create(void); /* NULL: no memory */
/* All messages must have been freed, or they go with it. */
void pools_destroy(struct pools *pools);
/* A pool for a worker, a retired one where there is one; NULL: no memory or too many. [any] */
struct pool *pools_take(struct pools *pools);
/* The pool for threads that are no workers: any number of them at once, who of them finds it taken takes from
 * the heap. */
struct pool *pools_shared(struct pools *pools);
/* The worker is gone; its blocks may still be out. */
void pools_give_back(struct pools *pools, struct pool *pool);
/* Messages allocated and not freed, heap ones included. Exact when nothing runs. [any] */
int64_t pools_live(struct pools *pools);
/* Bytes of slabs held. [any] */
uint64_t pools_bytes(struct pools *pools);

/* Sends collected foreign blocks home. It wants to when there are some, for when the worker runs out of
 * work: each time costs two cores a line. */
void pool_flush(struct pool *pool);
bool pool_wants_flush(const struct pool *pool);

/* Blocks, for message.c: at least `size` bytes; NULL: no memory. */
struct msg *pool_take_block(struct pool *pool, uint64_t size);
/* One of POOL_SMALL bytes, if there is one at hand, whose `keeping` is that of a new message; else NULL. */
#define POOL_SMALL 64u
struct msg *pool_take_small(struct pool *pool);
void pool_give_block(struct pool *pool, struct msg *m);
/* When its `keeping` still is that: small, of this pool, and nobody else's. False: it is not, and nothing was done. */
bool pool_give_small(struct pool *pool, struct msg *m);
/* Whether the block is no pool's, and nobody else has the body: then it may be let go. From then on it is no
 * message of the pools any more, and may outlive them: until pool_free_let_go. */
bool pool_may_let_go(struct msg *m);
void pool_let_go(struct msg *m);
void pool_free_let_go(struct msg *m);
