/* Queries: taken, answered, by a thread of their own. */
#include "actor/query.h"

#include <signal.h>
#include <string.h>

#include <troupe/abi.h>

#include "actor/client.h"
#include "actor/proc_impl.h"

int queries_init(struct proc *proc, struct err *err) {
    struct queries *queries = &proc->queries;
    void *number = (void *)(uintptr_t)QUERIES_PORT; /* more than proc_port_name gives */
    return map_set(&proc->port_names, QUERIES_PORT_NAME, number) == 0
               ? view_types_init(&queries->types, proc->types, err)
               : err_set(err, ERR_NOMEM, "out of memory");
}

/* --- answering: each of these makes the reply; NULL: no memory --- */

static struct msg *address(struct msg *reply, const struct question *q) {
    if (reply) {
        reply->dest = q->from;
        reply->sender = q->to;
        msg_extension(reply)->call = q->call;
    }
    return reply;
}

static struct msg *refusal(struct proc *proc, const struct question *q, int32_t status,
                           const char *text) {
    return address(call_refusal(pools_shared(proc->pools), status, troupe_str(text)), q);
}

static struct msg *reply(struct proc *proc, const struct question *q, const struct msg_type *type,
                         const void *body) {
    uint64_t room = type->abi.body_size;
    uint64_t size = type_copy_size(type, body, room);
    struct msg *m = msg_alloc(pools_shared(proc->pools), MSG_REPLY, MSG_EXTENDED, size);
    if (!m) {
        return NULL;
    }
    type_copy(type, body, msg_own_body(m), room);
    m->type = type->index;
    return address(m, q);
}

static int32_t status_of(const struct err *err) {
    return err->code == ERR_NOMEM     ? TROUPE_NO_MEMORY
           : err->code == ERR_REFUSED ? TROUPE_REFUSED
                                      : TROUPE_NOT_FOUND;
}

static struct msg *answer_of_actor(struct proc *proc, const struct question *q,
                                   const struct view_query *query) {
    struct look look;
    struct err err;
    const void *body;
    if (look_begin(proc, q->to, query->child, &look, &err) < 0) {
        return refusal(proc, q, status_of(&err), err.text);
    }
    struct view_room *room =
        view_make(&proc->queries.types, look.seen, query->view == VIEW_ENTITY, &body);
    struct msg *made = room ? reply(proc, q, proc->queries.types.view, body) : NULL;
    view_free(room);
    look_end(&look);
    return made;
}

static struct msg *answer_of_proc(struct proc *proc, const struct question *q) {
    struct proc_view *view = NULL;
    struct err err = {0};
    const void *body;
    struct proc_view_room *room =
        look_at_proc(proc, &view, &err) == 0 ? proc_view_make(view, &body) : NULL;
    struct msg *made = room ? reply(proc, q, proc->queries.types.proc_view, body) : NULL;
    proc_view_free(room);
    proc_view_destroy(view);
    return made;
}

static struct msg *answer(struct proc *proc, const struct question *q) {
    struct view_query query;
    if (!view_read_query(&proc->queries.types, q->type, q->body, &query)) {
        return refusal(proc, q, TROUPE_NO_SUCH_PORT, "only troupe.query is answered there");
    }
    if (query.view == VIEW_UNKNOWN) {
        return refusal(proc, q, TROUPE_INVALID, "no such view; there are: actor, entity, proc");
    }
    if (query.view != VIEW_PROC) {
        return answer_of_actor(proc, q, &query);
    }
    return query.child.size > 0 ? refusal(proc, q, TROUPE_INVALID, "the view 'proc' has no child")
                                : answer_of_proc(proc, q);
}

struct msg *queries_answer_here(struct proc *proc, const struct question *q) {
    struct msg *made = answer(proc, q);
    return made ? made : refusal(proc, q, TROUPE_NO_MEMORY, "no memory for the answer");
}

/* To a caller who has no place for a message any more, it is late. */
static void deliver(struct proc *proc, struct msg *reply) {
    if (reply) {
        client_deliver(proc, reply);
    }
}

/* --- those that wait --- */

static struct question question_of(struct proc *proc, struct msg *m) {
    return (struct question){m->sender, m->dest, msg_call(m), type_get(proc->types, m->type),
                             msg_body(m)};
}

/* Takes it. */
static void answer_and_free(struct proc *proc, struct msg *m) {
    const struct question q = question_of(proc, m);
    deliver(proc, queries_answer_here(proc, &q));
    msg_free(pools_shared(proc->pools), m);
}

static struct msg *take_first_locked(struct queries *queries) {
    struct msg *m = queries->first;
    if (m) {
        queries->first = m->next;
        queries->count--;
    }
    return m;
}

uint64_t queries_answer(struct proc *proc) {
    struct queries *queries = &proc->queries;
    uint64_t answered = 0;
    for (;; answered++) {
        pthread_mutex_lock(&queries->lock);
        struct msg *m = take_first_locked(queries);
        pthread_mutex_unlock(&queries->lock);
        if (!m) {
            return answered;
        }
        answer_and_free(proc, m);
    }
}

/* --- the thread --- */

static void *answer_all(void *context) {
    struct proc *proc = context;
    struct queries *queries = &proc->queries;
    pthread_mutex_lock(&queries->lock);
    while (!queries->ending) {
        if (!queries->first) {
            pthread_cond_wait(&queries->changed, &queries->lock);
            continue;
        }
        struct msg *m = take_first_locked(queries);
        pthread_mutex_unlock(&queries->lock);
        answer_and_free(proc, m);
        pthread_mutex_lock(&queries->lock);
    }
    pthread_mutex_unlock(&queries->lock);
    return NULL;
}

static bool start_locked(struct proc *proc) {
    struct queries *queries = &proc->queries;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited by the new thread */
    queries->has_thread = pthread_create(&queries->thread, NULL, answer_all, proc) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (queries->has_thread) {
        (void)pthread_setname_np(queries->thread, "troupe-look");
    }
    return queries->has_thread;
}

void queries_stop(struct proc *proc) {
    struct queries *queries = &proc->queries;
    pthread_mutex_lock(&queries->lock);
    queries->ending = true;
    bool has_thread = queries->has_thread;
    queries->has_thread = false;
    pthread_cond_signal(&queries->changed);
    pthread_mutex_unlock(&queries->lock);
    if (has_thread) {
        pthread_join(queries->thread, NULL);
    }
    for (struct msg *m; (m = take_first_locked(queries));) {
        msg_free(pools_shared(proc->pools), m);
    }
}

/* --- taking --- */

/* What is to be said instead of an answer; NULL: it was put into the queue. */
static const char *enqueue(struct proc *proc, struct msg *m, int32_t *ret_status) {
    struct queries *queries = &proc->queries;
    const char *refusal = NULL;
    *ret_status = TROUPE_FULL;
    pthread_mutex_lock(&queries->lock);
    if (queries->ending) {
        *ret_status = TROUPE_STOPPING;
        refusal = "the proc is stopping";
    } else if (queries->count == QUERIES_MOST) {
        refusal = "too many queries wait for an answer";
    } else if (!proc->options.seeded && !queries->has_thread && !start_locked(proc)) {
        refusal = "there is no thread to answer";
    } else {
        m->next = NULL;
        *(queries->first ? &queries->last->next : &queries->first) = m;
        queries->last = m;
        queries->count++;
        pthread_cond_signal(&queries->changed);
    }
    pthread_mutex_unlock(&queries->lock);
    return refusal;
}

void queries_take(struct proc *proc, struct msg *m) {
    int32_t status;
    if (m->kind != MSG_REQUEST) {
        bounce(&proc->outside, proc, m, TROUPE_NO_SUCH_PORT);
        return;
    }
    const char *why = enqueue(proc, m, &status);
    if (why) {
        const struct question q = question_of(proc, m);
        deliver(proc, refusal(proc, &q, status, why));
        msg_free(pools_shared(proc->pools), m);
    }
}

void queries_fini(struct proc *proc) {
    pthread_cond_destroy(&proc->queries.changed);
    pthread_mutex_destroy(&proc->queries.lock);
}
