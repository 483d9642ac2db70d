/* Clients of an embedding program: they join, leave, and end with their proc. */
#include <string.h>

#include "actor/proc.h"
#include "app/client_impl.h"
#include "app/forwarder_impl.h"
#include "base/alloc.h"

#define DEFAULT_CAPACITY 1024u
/* Of the mailbox that workers empty into the ports. */
#define MAILBOX_CAPACITY 1024u
/* How long workers may take to end clients: they only hand over. */
#define PATIENCE_NS (5 * NS_PER_S)

/* --- in and out of a call --- */

int32_t client_gone(const struct troupe_client *c, struct troupe_error *error) {
    return embed_fail(error, TROUPE_GONE, "the client has ended, or its proc '%s'", c->owner->id);
}

int32_t client_begin(struct troupe_client *c, struct troupe_error *error) {
    pthread_mutex_lock(&c->lock);
    bool open = !c->is_closing;
    c->users += open;
    pthread_mutex_unlock(&c->lock);
    return open ? TROUPE_OK : client_gone(c, error);
}

void client_end(struct troupe_client *c) {
    pthread_mutex_lock(&c->lock);
    if (--c->users == 0 && c->is_closing) {
        client_stop(c->in);
    }
    pthread_mutex_unlock(&c->lock);
}

void client_unref(struct troupe_client *c) {
    /* acq_rel: the last one sees what the others did */
    if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    ports_free(c);
    inverted_destroy(c->inverted);
    mem_free((void *)c->onces);
    pthread_cond_destroy(&c->room);
    pthread_mutex_destroy(&c->lock);
    embed_release(c->owner);
    mem_free(c);
}

/* --- the seat; called by workers --- */

static void woken(void *context) {
    struct troupe_client *c = context;
    pthread_mutex_lock(&c->lock);
    if (c->is_pausing) {
        pthread_cond_broadcast(&c->room);
    }
    pthread_mutex_unlock(&c->lock);
}

static bool may_end(void *context, struct msg **ret_left) {
    struct troupe_client *c = context;
    pthread_mutex_lock(&c->lock);
    bool may = c->is_closing && c->users == 0;
    if (may) {
        *ret_left = ports_empty_locked(c);
        c->in = NULL;
    }
    pthread_mutex_unlock(&c->lock);
    return may;
}

static void ended(void *context) {
    struct troupe_client *c = context;
    struct troupe_proc *owner = c->owner;
    pthread_mutex_lock(&owner->lock);
    list_remove(&c->link);
    pthread_cond_broadcast(&owner->changed);
    pthread_mutex_unlock(&owner->lock);
    client_unref(c);
}

/* --- making --- */

static struct troupe_client *create(struct troupe_proc *owner, struct proc *proc,
                                    uint32_t capacity) {
    struct troupe_client *c = mem_alloc(sizeof *c);
    if (!c) {
        return NULL;
    }
    atomic_store_explicit(&c->refs, 2, memory_order_relaxed);
    c->seat = (struct client_seat){.took = port_took,
                                   .woken = woken,
                                   .child_ended = inverted_child_ended,
                                   .may_end = may_end,
                                   .ended = ended,
                                   .context = c};
    c->owner = owner;
    atomic_fetch_add_explicit(&owner->weak, 1, memory_order_relaxed);
    c->proc = proc;
    c->capacity = capacity ? capacity : DEFAULT_CAPACITY;
    list_init(&c->link);
    pthread_mutex_init(&c->lock, NULL);
    embed_cond_init(&c->room);
    return c;
}

static int32_t check_options(const struct troupe_client_options *from,
                             struct troupe_client_options *options, struct troupe_error *error) {
    *options = (struct troupe_client_options){0};
    if (from && (from->size < sizeof from->size + sizeof from->flags || from->size > 4096)) {
        return embed_fail(error, TROUPE_INVALID, "options.size is %u: set it to sizeof(options)",
                          from->size);
    }
    if (from) {
        memcpy(options, from, from->size < sizeof *options ? from->size : sizeof *options);
    }
    if (options->flags & ~TROUPE_SHOWN || options->capacity > MANIFEST_CAPACITY_MAX) {
        return embed_fail(error, TROUPE_INVALID,
                          "a client's flags are 0 or TROUPE_SHOWN, its capacity is %u at most",
                          (unsigned)MANIFEST_CAPACITY_MAX);
    }
    return TROUPE_OK;
}

struct proc *embed_pin(struct troupe_proc *owner) {
    pthread_mutex_lock(&owner->lock);
    bool runs = owner->state == EMBED_RUNNING && !owner->is_shut;
    owner->users += runs;
    struct proc *proc = runs ? deploy_proc(owner->deploy) : NULL;
    pthread_mutex_unlock(&owner->lock);
    return proc;
}

static void unpin_locked(struct troupe_proc *owner) {
    owner->users--;
    pthread_cond_broadcast(&owner->changed);
}

void embed_unpin(struct troupe_proc *owner) {
    pthread_mutex_lock(&owner->lock);
    unpin_locked(owner);
    pthread_mutex_unlock(&owner->lock);
}

static void join_and_unpin(struct troupe_proc *owner, struct troupe_client *joined) {
    pthread_mutex_lock(&owner->lock);
    list_add_last(&owner->clients, &joined->link);
    unpin_locked(owner);
    pthread_mutex_unlock(&owner->lock);
}

static void forget(struct troupe_client *c) {
    client_unref(c);
    client_unref(c); /* there is no instance */
}

int32_t client_create(struct troupe_proc *owner, const struct troupe_client_options *given,
                      struct troupe_inverted *inverted, struct troupe_client **ret,
                      struct troupe_error *error) {
    struct troupe_client_options options;
    int32_t status = check_options(given, &options, error);
    struct proc *proc = status == TROUPE_OK ? embed_pin(owner) : NULL;
    if (!proc) {
        return status < 0 ? status
                          : embed_fail(error, TROUPE_STOPPING, "proc '%s' does not run", owner->id);
    }
    const struct client_spec spec = {options.name, MAILBOX_CAPACITY, options.flags & TROUPE_SHOWN};
    struct err err;
    struct troupe_client *c = create(owner, proc, options.capacity);
    if (c) {
        c->inverted = inverted;
    }
    int made =
        c ? client_make(proc, &spec, &c->seat, &c->in, &err) : err_set(&err, ERR_NOMEM, "a client");
    if (made < 0) {
        if (c) {
            c->inverted = NULL;
            forget(c);
        }
        embed_unpin(owner);
        return embed_fail_as(error, &err);
    }
    c->uid = inst_uid(c->in);
    join_and_unpin(owner, c);
    *ret = c;
    return TROUPE_OK;
}

int32_t troupe_client_create(struct troupe_proc *owner, const struct troupe_client_options *given,
                             struct troupe_client **ret, struct troupe_error *error) {
    return client_create(owner, given, NULL, ret, error);
}

/* --- leaving --- */

static void close_client(struct troupe_client *c) {
    pthread_mutex_lock(&c->lock);
    if (!c->is_closing) {
        c->is_closing = true;
        ports_wake_locked(c);
        onces_wake_locked(c);
        if (c->inverted) {
            inverted_wake_locked(c->inverted);
        }
        pthread_cond_broadcast(&c->room);
        client_stop(c->in);
    }
    pthread_mutex_unlock(&c->lock);
}

void troupe_client_free(struct troupe_client *c) {
    if (c) {
        close_client(c);
        client_unref(c);
    }
}

static void member_is_gone(void *context) {
    struct troupe_proc *proc = context;
    pthread_mutex_lock(&proc->lock);
    proc->member_is_gone = true;
    pthread_cond_broadcast(&proc->changed);
    pthread_mutex_unlock(&proc->lock);
}

bool client_tell(struct troupe_proc *owner, uint64_t uid, bool abort) {
    bool found = false;
    pthread_mutex_lock(&owner->lock);
    LIST_EACH (link, &owner->clients) {
        struct troupe_client *c = LIST_OF(link, struct troupe_client, link);
        if (c->uid != uid) {
            continue;
        }
        found = true;
        if (!abort && c->inverted) {
            inverted_tell(c->inverted);
        } else {
            close_client(c);
        }
    }
    pthread_mutex_unlock(&owner->lock);
    return found;
}

static bool have_ended_locked(const struct troupe_proc *proc) {
    return proc->users == 0 && list_is_empty(&proc->clients) &&
           (!proc->member || proc->member_is_gone);
}

bool clients_end(struct troupe_proc *proc) {
    uint64_t until_ns = embed_deadline(PATIENCE_NS);
    bool in_time = true;
    if (proc->member) {
        member_leave(proc->member, member_is_gone, proc);
    }
    pthread_mutex_lock(&proc->lock);
    proc->is_shut = true;
    while (!have_ended_locked(proc) && in_time) {
        LIST_EACH (link, &proc->clients) {
            close_client(LIST_OF(link, struct troupe_client, link));
        }
        in_time = embed_wait_locked(&proc->changed, &proc->lock, until_ns);
    }
    bool all = have_ended_locked(proc);
    pthread_mutex_unlock(&proc->lock);
    return all;
}

/* --- what it knows --- */

struct troupe_ref troupe_client_ref(const struct troupe_client *client) {
    return (struct troupe_ref){client->uid, 0};
}

static int32_t find(struct troupe_client *c, const char *actor, const char *port,
                    struct troupe_ref *ret, struct troupe_error *error) {
    struct troupe_ref found = {proc_resolve(c->proc, actor), 0};
    if (found.uid == 0 && c->owner->member) {
        found = forwarder_find(c->owner->member, actor, port);
        if (found.uid) {
            *ret = found;
            return TROUPE_OK;
        }
    }
    if (found.uid == 0) {
        return embed_fail(error, TROUPE_NOT_FOUND, "there is no open actor '%s' in proc '%s'",
                          actor, c->owner->id);
    }
    found.port = port ? proc_find_port(c->proc, port) : 0;
    if (port && found.port == 0) {
        return embed_fail(error, TROUPE_NOT_FOUND, "no actor in proc '%s' has a port '%s'",
                          c->owner->id, port);
    }
    *ret = found;
    return TROUPE_OK;
}

int32_t troupe_client_find(struct troupe_client *c, const char *actor, const char *port,
                           struct troupe_ref *ret, struct troupe_error *error) {
    int32_t status = client_begin(c, error);
    if (status == TROUPE_OK) {
        status = find(c, actor, port, ret, error);
        client_end(c);
    }
    return status;
}
