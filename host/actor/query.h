/* Queries that come as calls, to the introspect port of any actor (S-3): never a worker answers them, and
 * never the actor's mailbox. A client has its answer made by its own thread, in the call that asks; what
 * actors and other procs ask is answered by a thread for that.
 *
 * That thread is started by the first query of theirs. Seeded: whoever steps the proc answers, when nothing
 * else is runnable. Those that wait are bounded in number; beyond that a caller hears FULL. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "actor/view_type.h"
#include "message/message.h"

struct proc;

#define QUERIES_MOST 65536u
/* Its name, and the number of that; no other gets it. */
#define QUERIES_PORT_NAME "troupe.introspect"
#define QUERIES_PORT UINT16_MAX

struct queries {
    /* set by init, then constant */
    struct view_types types;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under lock */
    struct msg *first, *last;
    uint32_t count;
    bool has_thread, ending;
    pthread_t thread;
};

/* Errors: NOMEM, INVALID. queries_fini takes what was not made yet. */
int queries_init(struct proc *proc, struct err *err);
void queries_fini(struct proc *proc);
/* Joins the thread; what nobody has answered is dropped, and so is what comes now. */
void queries_stop(struct proc *proc);

/* A message to that port, which gets into no mailbox; takes it. What is no query comes back as undeliverable. [any] */
void queries_take(struct proc *proc, struct msg *m);
/* A query: of whom, to whom, which call of his, and what it says, lent. */
struct question {
    uint64_t from, to, call;
    const struct msg_type *type;
    const void *body;
};
/* The reply, made here and now for somebody who is in no turn, who delivers it. NULL: no memory. [any] */
struct msg *queries_answer_here(struct proc *proc, const struct question *q);
/* Answers what waits; returns how many. [who steps the proc] */
uint64_t queries_answer(struct proc *proc);
