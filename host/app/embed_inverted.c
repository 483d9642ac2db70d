/* Inverted instances: a client whose receivers and work cells the program drives (CI-4). */
#include <stdio.h>
#include <string.h>

#include "actor/proc.h"
#include "app/client_impl.h"
#include "base/alloc.h"

/* --- what arrives; by workers --- */

struct event {
    struct event *next;
    struct inst_end end;
};

void inverted_child_ended(void *client, const struct inst_end *end) {
    struct troupe_client *c = client;
    struct troupe_inverted *inverted = c->inverted;
    struct event *event = inverted ? mem_alloc(sizeof *event) : NULL;
    pthread_mutex_lock(&c->lock);
    bool heard = event && inverted->taken[RECEIVER_EVENTS] && !c->is_closing;
    if (heard) {
        event->end = *end;
        *inverted->events_last = event;
        inverted->events_last = &event->next;
        pthread_cond_signal(&inverted->changed[RECEIVER_EVENTS]);
    }
    pthread_mutex_unlock(&c->lock);
    if (!heard) {
        mem_free(event);
        if (end->failed) {
            supervisor_orphan_failed(deploy_supervisor(c->owner->deploy), end);
        }
    }
}

void inverted_wake_locked(struct troupe_inverted *inverted) {
    for (unsigned i = 0; i < RECEIVER_COUNT; i++) {
        pthread_cond_broadcast(&inverted->changed[i]);
    }
}

void inverted_tell(struct troupe_inverted *inverted) {
    pthread_mutex_lock(&inverted->client->lock);
    inverted->is_told = true;
    pthread_cond_broadcast(&inverted->changed[RECEIVER_SIGNALS]);
    pthread_mutex_unlock(&inverted->client->lock);
}

void inverted_stop_all_locked(struct troupe_proc *owner) {
    LIST_EACH (link, &owner->clients) {
        struct troupe_client *c = LIST_OF(link, struct troupe_client, link);
        if (c->inverted) {
            inverted_tell(c->inverted);
        }
    }
}

void inverted_destroy(struct troupe_inverted *inverted) {
    if (!inverted) {
        return;
    }
    while (inverted->events) {
        struct event *event = inverted->events;
        inverted->events = event->next;
        mem_free(event);
    }
    for (unsigned i = 0; i < RECEIVER_COUNT; i++) {
        pthread_cond_destroy(&inverted->changed[i]);
    }
    mem_free(inverted);
}

/* --- making --- */

int32_t troupe_inverted_create(struct troupe_proc *proc,
                               const struct troupe_client_options *options,
                               struct troupe_inverted **ret, struct troupe_error *error) {
    struct troupe_inverted *inverted = mem_alloc(sizeof *inverted);
    if (!inverted) {
        return embed_fail(error, TROUPE_NO_MEMORY, "out of memory");
    }
    inverted->events_last = &inverted->events;
    for (unsigned i = 0; i < RECEIVER_COUNT; i++) {
        embed_cond_init(&inverted->changed[i]);
        inverted->receivers[i] = (struct receiver){inverted, (enum receiver_kind)i};
    }
    int32_t status = client_create(proc, options, inverted, &inverted->client, error);
    if (status < 0) {
        inverted_destroy(inverted);
        return status;
    }
    *ret = inverted;
    return TROUPE_OK;
}

/* The client owns it from its creation on. */
void troupe_inverted_free(struct troupe_inverted *inverted) {
    if (inverted) {
        troupe_client_free(inverted->client);
    }
}

struct troupe_client *troupe_inverted_client(struct troupe_inverted *inverted) {
    return inverted->client;
}

/* --- receivers --- */

static int32_t take(struct troupe_inverted *inverted, enum receiver_kind kind,
                    struct receiver **ret, struct troupe_error *error) {
    static const char *const names[] = {
        [RECEIVER_WORK] = "work", [RECEIVER_SIGNALS] = "signal", [RECEIVER_EVENTS] = "event"};
    pthread_mutex_lock(&inverted->client->lock);
    bool first = !inverted->taken[kind];
    inverted->taken[kind] = true;
    pthread_mutex_unlock(&inverted->client->lock);
    if (!first) {
        return embed_fail(error, TROUPE_REFUSED, "the %s receiver has been given to somebody",
                          names[kind]);
    }
    *ret = &inverted->receivers[kind];
    return TROUPE_OK;
}

int32_t troupe_inverted_work(struct troupe_inverted *inverted, struct troupe_work **ret,
                             struct troupe_error *error) {
    return take(inverted, RECEIVER_WORK, (struct receiver **)(void *)ret, error);
}

int32_t troupe_inverted_signals(struct troupe_inverted *inverted, struct troupe_signals **ret,
                                struct troupe_error *error) {
    return take(inverted, RECEIVER_SIGNALS, (struct receiver **)(void *)ret, error);
}

int32_t troupe_inverted_events(struct troupe_inverted *inverted, struct troupe_events **ret,
                               struct troupe_error *error) {
    return take(inverted, RECEIVER_EVENTS, (struct receiver **)(void *)ret, error);
}

static bool has_something_locked(const struct troupe_inverted *inverted, enum receiver_kind kind) {
    switch (kind) {
    case RECEIVER_WORK:
        return inverted->work.first != NULL;
    case RECEIVER_SIGNALS:
        return inverted->is_told;
    default:
        return inverted->events != NULL;
    }
}

/* OK: the lock is held, the client pinned, and there is something. */
static int32_t begin_receive(struct receiver *receiver, uint64_t timeout,
                             struct troupe_error *error) {
    struct troupe_inverted *inverted = receiver->inverted;
    struct troupe_client *c = inverted->client;
    uint64_t until_ns = timeout ? embed_deadline(timeout) : 0;
    int32_t status = timeout ? embed_check_outside(error, "waiting in a receiver") : TROUPE_OK;
    status = status == TROUPE_OK ? client_begin(c, error) : status;
    if (status < 0) {
        return status;
    }
    bool in_time = true;
    pthread_mutex_lock(&c->lock);
    while (!has_something_locked(inverted, receiver->kind) && !c->is_closing && in_time) {
        in_time = embed_wait_locked(&inverted->changed[receiver->kind], &c->lock, until_ns);
    }
    if (has_something_locked(inverted, receiver->kind)) {
        return TROUPE_OK;
    }
    status = c->is_closing ? client_gone(c, error)
                           : embed_fail(error, TROUPE_TIMEOUT, "nothing has come in time");
    pthread_mutex_unlock(&c->lock);
    client_end(c);
    return status;
}

int32_t troupe_signals_receive(struct troupe_signals *signals, uint64_t timeout,
                               struct troupe_error *error) {
    struct receiver *receiver = (struct receiver *)(void *)signals;
    int32_t status = begin_receive(receiver, timeout, error);
    if (status == TROUPE_OK) {
        receiver->inverted->is_told = false;
        pthread_mutex_unlock(&receiver->inverted->client->lock);
        client_end(receiver->inverted->client);
    }
    return status;
}

int32_t troupe_events_receive(struct troupe_events *events, uint64_t timeout,
                              struct troupe_child_end *ret, struct troupe_error *error) {
    struct receiver *receiver = (struct receiver *)(void *)events;
    struct troupe_inverted *inverted = receiver->inverted;
    int32_t status = begin_receive(receiver, timeout, error);
    if (status < 0) {
        return status;
    }
    struct event *event = inverted->events;
    inverted->events = event->next;
    if (!event->next) {
        inverted->events_last = &inverted->events;
    }
    pthread_mutex_unlock(&inverted->client->lock);
    client_end(inverted->client);
    *ret = (struct troupe_child_end){
        .uid = event->end.uid, .failed = event->end.failed, .status = event->end.status};
    memcpy(ret->name, event->end.name, sizeof ret->name);
    memcpy(ret->text, event->end.text, sizeof ret->text);
    memcpy(ret->root, event->end.root, sizeof ret->root);
    mem_free(event);
    return TROUPE_OK;
}

/* --- work --- */

struct troupe_work_cell {
    struct troupe_message *message;
    const struct troupe_port *port; /* lent by the client, which the cell keeps */
};

int32_t troupe_inverted_handle(struct troupe_inverted *inverted, const char *name,
                               const struct troupe_type *type, const struct troupe_type *reply,
                               troupe_handler *handler, void *context, struct troupe_error *error) {
    const struct troupe_port_options options = {.size = sizeof options, .reply = reply};
    const struct port_work work = {inverted, handler, context};
    if (!handler || !name || !*name) {
        return embed_fail(error, TROUPE_INVALID, "a handler port needs a name and a handler");
    }
    struct troupe_client *c = inverted->client;
    int32_t status = client_begin(c, error);
    if (status == TROUPE_OK) {
        status = port_make(c, name, type, &options, &work, error);
        client_end(c);
    }
    return status;
}

int32_t troupe_work_receive(struct troupe_work *work, uint64_t timeout,
                            struct troupe_work_cell **ret, struct troupe_error *error) {
    struct receiver *receiver = (struct receiver *)(void *)work;
    struct troupe_inverted *inverted = receiver->inverted;
    struct troupe_client *c = inverted->client;
    struct troupe_work_cell *cell = mem_alloc(sizeof *cell);
    int32_t status = cell ? begin_receive(receiver, timeout, error)
                          : embed_fail(error, TROUPE_NO_MEMORY, "out of memory");
    if (status < 0) {
        mem_free(cell);
        return status;
    }
    struct msg *m = inbox_take_locked(&inverted->work);
    cell->port = port_find_locked(c, m->port);
    pthread_mutex_unlock(&c->lock);
    status = message_from(c, m, cell->port->type, cell->port->reply, &cell->message, error);
    if (status < 0) {
        pthread_mutex_lock(&c->lock);
        inbox_put_back_locked(&inverted->work, m);
        pthread_mutex_unlock(&c->lock);
        mem_free(cell);
    } else {
        atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
        *ret = cell;
    }
    client_end(c);
    return status;
}

const struct troupe_message *troupe_work_cell_message(const struct troupe_work_cell *cell) {
    return cell->message;
}

const char *troupe_work_cell_port(const struct troupe_work_cell *cell) {
    return cell->port->name;
}

int32_t troupe_work_cell_run(struct troupe_work_cell *cell) {
    const struct port_work *work = &cell->port->work;
    int32_t status = work->handler(work->context, cell->message);
    troupe_work_cell_free(cell);
    return status;
}

void troupe_work_cell_free(struct troupe_work_cell *cell) {
    if (cell) {
        struct troupe_client *c = cell->port->client;
        troupe_message_free(cell->message);
        mem_free(cell);
        client_unref(c);
    }
}

/* --- children --- */

static int32_t order(struct troupe_inverted *inverted, struct client_order *order_,
                     struct troupe_error *error) {
    struct troupe_client *c = inverted->client;
    int32_t status = embed_check_outside(error, "asking for a child");
    status = status == TROUPE_OK ? client_begin(c, error) : status;
    if (status == TROUPE_OK) {
        client_do(c->in, order_);
        client_end(c);
        status = order_->status;
        if (status < 0) {
            embed_fail(error, status, "%s",
                       order_->why[0] ? order_->why : troupe_status_text(status));
        }
    }
    return status;
}

int32_t troupe_inverted_spawn(struct troupe_inverted *inverted, const char *type,
                              const struct troupe_spawn *how, struct troupe_ref *ret,
                              struct troupe_error *error) {
    struct client_order spawn = {.what = CLIENT_SPAWN, .type = type, .how = how};
    int32_t status = order(inverted, &spawn, error);
    if (status == TROUPE_OK) {
        *ret = (struct troupe_ref){spawn.uid, 0};
    }
    return status;
}

int32_t troupe_inverted_stop_child(struct troupe_inverted *inverted, struct troupe_ref child,
                                   bool drain, struct troupe_error *error) {
    struct client_order stop = {
        .what = CLIENT_STOP_CHILD, .uid = child.uid, .signal = drain ? SIGNAL_DRAIN : SIGNAL_STOP};
    return order(inverted, &stop, error);
}

int32_t troupe_inverted_children(struct troupe_inverted *inverted,
                                 void (*each)(void *context, const struct troupe_child *child),
                                 void *context, struct troupe_error *error) {
    struct client_order list = {.what = CLIENT_LIST};
    int32_t status = order(inverted, &list, error);
    for (uint32_t i = 0; status == TROUPE_OK && i < list.child_count; i++) {
        const struct client_child *from = &list.children[i];
        struct troupe_child child = {.ref = {from->uid, 0}, .pid = from->pid};
        (void)snprintf(child.status, sizeof child.status, "%s", inst_status_text(from->status));
        memcpy(child.name, from->name, sizeof child.name);
        each(context, &child);
    }
    mem_free(list.children);
    return status;
}
