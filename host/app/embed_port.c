/* A client's ports: its dictionary, what arrives, taking it (PT-1). */
#include <string.h>

#include "actor/proc.h"
#include "app/client_impl.h"
#include "base/alloc.h"

/* --- inboxes --- */

void inbox_add_locked(struct inbox *inbox, struct msg *m) {
    m->next = NULL;
    if (inbox->last) {
        inbox->last->next = m;
    } else {
        inbox->first = m;
    }
    inbox->last = m;
    inbox->count++;
}

struct msg *inbox_take_locked(struct inbox *inbox) {
    struct msg *m = inbox->first;
    if (m) {
        inbox->first = m->next;
        inbox->last = m->next ? inbox->last : NULL;
        inbox->count--;
        m->next = NULL;
    }
    return m;
}

void inbox_put_back_locked(struct inbox *inbox, struct msg *m) {
    m->next = inbox->first;
    inbox->first = m;
    inbox->last = inbox->last ? inbox->last : m;
    inbox->count++;
}

/* --- what arrives; by workers --- */

struct troupe_port *port_find_locked(const struct troupe_client *c, uint64_t number) {
    struct troupe_port *port = c->ports;
    while (port && port->number != number) {
        port = port->next;
    }
    return port;
}

static bool fits(struct proc *proc, const struct troupe_port *port, const struct msg *m) {
    bool is_request = m->kind == MSG_REQUEST;
    if (is_request != (port->reply != NULL)) {
        return false;
    }
    if (!port->type || port->type->index == m->type) {
        return true;
    }
    const struct msg_type *sent = type_get(proc_types(proc), m->type);
    return sent && type_check_compatible(sent, port->type, NULL) == 0;
}

/* One that drops the oldest counts the one that comes in its place. */
static int32_t arrive_locked(struct troupe_client *c, struct troupe_port *port, struct msg *m) {
    struct msg *oldest = NULL;
    struct troupe_inverted *inverted = port->work.inverted;
    if (inverted && inverted->work.count >= port->capacity) {
        return TROUPE_FULL;
    }
    if (inverted) {
        inbox_add_locked(&inverted->work, m);
        pthread_cond_signal(&inverted->changed[RECEIVER_WORK]);
        return CLIENT_TAKEN;
    }
    if (port->inbox.count >= port->capacity) {
        if (port->overflow != TROUPE_OVERFLOW_DROP_OLDEST || m->kind == MSG_REQUEST) {
            return port->overflow == TROUPE_OVERFLOW_FAIL || m->kind == MSG_REQUEST
                       ? TROUPE_FULL
                       : CLIENT_DROPPED;
        }
        oldest = inbox_take_locked(&port->inbox);
        client_drop(c->in, oldest);
    }
    inbox_add_locked(&port->inbox, m);
    pthread_cond_signal(&port->arrived);
    return CLIENT_TAKEN;
}

static int32_t answer_locked(struct troupe_client *c, struct msg *m) {
    struct troupe_once_port *once = once_find_locked(c, msg_call(m));
    if (!once || once->answer) {
        return CLIENT_LATE;
    }
    m->next = NULL;
    once->answer = m;
    pthread_cond_signal(&once->arrived);
    return CLIENT_TAKEN;
}

static int32_t took_locked(struct troupe_client *c, struct msg *m) {
    struct troupe_port *port;
    switch ((enum msg_kind)m->kind) {
    case MSG_DATA:
    case MSG_REQUEST:
        port = m->flags & MSG_BY_NAME ? port_find_locked(c, m->port) : NULL;
        return port && fits(c->proc, port, m) ? arrive_locked(c, port, m) : TROUPE_NO_SUCH_PORT;
    case MSG_REPLY:
        return answer_locked(c, m);
    case MSG_RETURNED:
        return c->returned ? arrive_locked(c, c->returned, m) : -(int32_t)m->reason;
    default:
        return TROUPE_UNSUPPORTED; /* of the host's own: for actors */
    }
}

int32_t port_took(void *client, struct msg *m) {
    struct troupe_client *c = client;
    pthread_mutex_lock(&c->lock);
    int32_t took = c->is_closing ? TROUPE_GONE : took_locked(c, m);
    pthread_mutex_unlock(&c->lock);
    return took;
}

/* --- its end --- */

struct msg *ports_empty_locked(struct troupe_client *c) {
    struct inbox all = {0};
    struct msg *m;
    for (struct troupe_port *port = c->ports; port; port = port->next) {
        while ((m = inbox_take_locked(&port->inbox))) {
            inbox_add_locked(&all, m);
        }
    }
    while (c->inverted && (m = inbox_take_locked(&c->inverted->work))) {
        inbox_add_locked(&all, m);
    }
    while (c->returned && (m = inbox_take_locked(&c->returned->inbox))) {
        inbox_add_locked(&all, m);
    }
    for (uint32_t i = 0; i < c->once_room; i++) {
        if (c->onces[i] && c->onces[i]->answer) {
            inbox_add_locked(&all, c->onces[i]->answer);
            c->onces[i]->answer = NULL;
        }
    }
    return all.first;
}

void ports_wake_locked(struct troupe_client *c) {
    for (struct troupe_port *port = c->ports; port; port = port->next) {
        pthread_cond_broadcast(&port->arrived);
    }
    if (c->returned) {
        pthread_cond_broadcast(&c->returned->arrived);
    }
}

static void port_free(struct troupe_port *port) {
    if (port) {
        pthread_cond_destroy(&port->arrived);
        mem_free(port->name);
        mem_free(port);
    }
}

void ports_free(struct troupe_client *c) {
    while (c->ports) {
        struct troupe_port *port = c->ports;
        c->ports = port->next;
        port_free(port);
    }
    port_free(c->returned);
}

/* --- the dictionary --- */

static struct troupe_port *port_create(struct troupe_client *c, const char *name,
                                       const struct troupe_port_options *options) {
    struct troupe_port *port = mem_alloc(sizeof *port);
    char *own = mem_text(name);
    if (!port || !own) {
        mem_free(port);
        mem_free(own);
        return NULL;
    }
    port->client = c;
    port->name = own;
    port->capacity = options->capacity ? options->capacity : c->capacity;
    port->overflow = (enum troupe_overflow)options->overflow;
    port->reply = options->reply ? type_of(options->reply) : NULL;
    embed_cond_init(&port->arrived);
    return port;
}

static int32_t check_options(const struct troupe_port_options *from,
                             struct troupe_port_options *options, struct troupe_error *error) {
    *options = (struct troupe_port_options){0};
    if (from && (from->size < sizeof from->size || from->size > 4096)) {
        return embed_fail(error, TROUPE_INVALID, "options.size is %u: set it to sizeof(options)",
                          from->size);
    }
    if (from) {
        memcpy(options, from, from->size < sizeof *options ? from->size : sizeof *options);
    }
    if (options->overflow > TROUPE_OVERFLOW_DROP_OLDEST) {
        return embed_fail(error, TROUPE_INVALID, "%u is no overflow policy of a client's port",
                          options->overflow);
    }
    return TROUPE_OK;
}

static struct troupe_port *find_named_locked(const struct troupe_client *c, const char *name) {
    struct troupe_port *port = c->ports;
    while (port && strcmp(port->name, name) != 0) {
        port = port->next;
    }
    return port;
}

/* The port of this name: the one that is there, else a new one. Two that open it at once get the
 * same. */
static int32_t find_or_make(struct troupe_client *c, const char *name, const struct msg_type *type,
                            const struct troupe_port_options *options, const struct port_work *work,
                            struct troupe_port **ret, bool *ret_is_new,
                            struct troupe_error *error) {
    uint16_t number = client_port_number(c->proc, name);
    struct troupe_port *made = number ? port_create(c, name, options) : NULL;
    if (!made) {
        return embed_fail(error, TROUPE_NO_MEMORY, "port '%s': out of memory, or of numbers", name);
    }
    made->number = number;
    made->type = type;
    made->work = *work;
    pthread_mutex_lock(&c->lock);
    struct troupe_port *port = find_named_locked(c, name);
    *ret_is_new = !port;
    if (!port) {
        port = made;
        made = NULL;
        port->next = c->ports;
        c->ports = port;
    }
    pthread_mutex_unlock(&c->lock);
    port_free(made);
    *ret = port;
    return TROUPE_OK;
}

static int32_t open_port(struct troupe_client *c, const char *name, const struct msg_type *type,
                         const struct troupe_port_options *options, struct troupe_port **ret,
                         struct troupe_error *error) {
    const struct port_work none = {0};
    struct troupe_port *port;
    bool is_new;
    int32_t status = find_or_make(c, name, type, options, &none, &port, &is_new, error);
    if (status < 0) {
        return status;
    }
    if (port->type != type || port->work.inverted ||
        (options->reply && port->reply != type_of(options->reply))) {
        return embed_fail(error, TROUPE_INVALID, "the port '%s' is there, and takes %s%.*s", name,
                          port->type ? "" : "any message",
                          port->type ? (int)port->type->abi.id.size : 0,
                          port->type ? port->type->abi.id.data : "");
    }
    *ret = port;
    return TROUPE_OK;
}

int32_t port_make(struct troupe_client *c, const char *name, const struct troupe_type *type,
                  const struct troupe_port_options *options, const struct port_work *work,
                  struct troupe_error *error) {
    struct troupe_port *port;
    bool is_new;
    int32_t status =
        find_or_make(c, name, type ? type_of(type) : NULL, options, work, &port, &is_new, error);
    return status < 0 || is_new
               ? status
               : embed_fail(error, TROUPE_REFUSED, "there is a port '%s' already", name);
}

int32_t troupe_client_open(struct troupe_client *c, const char *name,
                           const struct troupe_type *type, const struct troupe_port_options *given,
                           struct troupe_port **ret, struct troupe_error *error) {
    struct troupe_port_options options;
    if (!name || !*name) {
        return embed_fail(error, TROUPE_INVALID, "a port needs a name");
    }
    int32_t status = check_options(given, &options, error);
    status = status == TROUPE_OK ? client_begin(c, error) : status;
    if (status == TROUPE_OK) {
        status = open_port(c, name, type ? type_of(type) : NULL, &options, ret, error);
        client_end(c);
    }
    return status;
}

int32_t troupe_client_returned(struct troupe_client *c, struct troupe_port **ret,
                               struct troupe_error *error) {
    const struct troupe_port_options options = {.size = sizeof options};
    struct troupe_port *made = port_create(c, "", &options);
    if (!made) {
        return embed_fail(error, TROUPE_NO_MEMORY, "out of memory");
    }
    pthread_mutex_lock(&c->lock);
    if (!c->returned) {
        c->returned = made;
        made = NULL;
    }
    *ret = c->returned;
    pthread_mutex_unlock(&c->lock);
    port_free(made);
    return TROUPE_OK;
}

struct troupe_ref troupe_port_ref(const struct troupe_port *port) {
    return (struct troupe_ref){port->client->uid, port->number};
}

/* --- taking --- */

static int32_t wait_locked(struct troupe_port *port, uint64_t until_ns, struct msg **ret,
                           struct troupe_error *error) {
    struct troupe_client *c = port->client;
    bool in_time = true;
    while (!port->inbox.first && !c->is_closing && in_time) {
        in_time = embed_wait_locked(&port->arrived, &c->lock, until_ns);
    }
    *ret = inbox_take_locked(&port->inbox);
    if (*ret) {
        return TROUPE_OK;
    }
    return c->is_closing
               ? client_gone(c, error)
               : embed_fail(error, TROUPE_TIMEOUT, "nothing has come to the port '%s'", port->name);
}

int32_t troupe_port_receive(struct troupe_port *port, uint64_t timeout, struct troupe_message **ret,
                            struct troupe_error *error) {
    struct troupe_client *c = port->client;
    uint64_t until_ns = timeout ? embed_deadline(timeout) : 0;
    int32_t status = timeout ? embed_check_outside(error, "waiting for a message") : TROUPE_OK;
    status = status == TROUPE_OK ? client_begin(c, error) : status;
    if (status < 0) {
        return status;
    }
    struct msg *m = NULL;
    pthread_mutex_lock(&c->lock);
    status = wait_locked(port, until_ns, &m, error);
    pthread_mutex_unlock(&c->lock);
    if (status == TROUPE_OK) {
        status = message_from(c, m, port->type, port->reply, ret, error);
    }
    if (status < 0 && m) {
        pthread_mutex_lock(&c->lock);
        inbox_put_back_locked(&port->inbox, m);
        pthread_mutex_unlock(&c->lock);
    }
    client_end(c);
    return status;
}
