/* What a client sends and asks. */
#include <string.h>

#include "actor/proc.h"
#include "app/client_impl.h"
#include "base/alloc.h"

/* --- sending --- */

/* One at a time waits for room, as an actor would; others wait for their turn. */
static int32_t wait_for_room(struct troupe_client *c, struct troupe_ref to, uint64_t until_ns) {
    bool in_time = true;
    pthread_mutex_lock(&c->lock);
    while (c->is_pausing && !c->is_closing && in_time) {
        in_time = embed_wait_locked(&c->room, &c->lock, until_ns);
    }
    if (c->is_pausing || c->is_closing) {
        bool closing = c->is_closing;
        pthread_mutex_unlock(&c->lock);
        return closing ? TROUPE_GONE : TROUPE_FULL;
    }
    c->is_pausing = true;
    pthread_mutex_unlock(&c->lock);
    enum pause_result result = client_wait(c->in, &c->pauser, to);
    bool waits = result == PAUSE_WAITS;
    pthread_mutex_lock(&c->lock);
    while (waits && !client_has_room(c->in, &c->pauser) && !c->is_closing && in_time) {
        in_time = embed_wait_locked(&c->room, &c->lock, until_ns);
    }
    if (waits) {
        client_wait_no_more(c->in, &c->pauser);
    }
    bool closing = c->is_closing;
    c->is_pausing = false;
    pthread_cond_broadcast(&c->room);
    pthread_mutex_unlock(&c->lock);
    return closing ? TROUPE_GONE : result == PAUSE_CYCLE || !in_time ? TROUPE_FULL : TROUPE_OK;
}

/* Takes the message. */
static int32_t offer(struct troupe_client *c, struct msg *m, struct troupe_ref to,
                     uint64_t until_ns, struct troupe_error *error) {
    int32_t reason = TROUPE_FULL;
    enum client_sent sent = client_offer(c->in, m, to, &reason);
    while (sent == CLIENT_FULL) {
        reason = until_ns == 0 ? TROUPE_FULL : wait_for_room(c, to, until_ns);
        if (reason < 0) {
            break;
        }
        sent = client_offer(c->in, m, to, &reason);
    }
    if (sent == CLIENT_SENT) {
        return TROUPE_OK;
    }
    const struct msg_type *type = type_get(proc_types(c->proc), m->type);
    client_free_message(c->proc, m);
    return embed_fail(error, reason, "the message '%s' was not sent: %s", type->abi.id.data,
                      troupe_status_text(reason));
}

static struct msg *new_message(struct troupe_client *c, enum msg_kind kind, struct troupe_ref to,
                               const struct troupe_type *type, const void *body,
                               const struct troupe_headers *headers) {
    struct msg *m = client_message(c->in, kind, MSG_EXTENDED, to, type_of(type), body);
    if (!m) {
        return NULL;
    }
    struct msg_extension *extension = msg_extension(m);
    extension->sequence = atomic_fetch_add_explicit(&c->sequence, 1, memory_order_relaxed) + 1;
    if (headers && TROUPE_HAS(headers, ttl) && extension->far) {
        extension->ttl = headers->ttl;
    }
    if (headers && TROUPE_HAS(headers, trace)) {
        extension->trace = headers->trace;
    }
    return m;
}

static int32_t check_sent(const struct troupe_type *type, const void *body,
                          const struct troupe_headers *headers, struct troupe_ref to,
                          struct troupe_error *error) {
    if (!type || !body || to.uid == 0 || (headers && headers->size < sizeof headers->size)) {
        return embed_fail(
            error, TROUPE_INVALID,
            "a message needs a type, a body, and an address; headers need their size");
    }
    return TROUPE_OK;
}

int32_t troupe_client_send(struct troupe_client *c, struct troupe_ref to,
                           const struct troupe_type *type, const void *body,
                           const struct troupe_headers *headers, uint64_t timeout,
                           struct troupe_error *error) {
    uint64_t until_ns = timeout ? embed_deadline(timeout) : 0;
    int32_t status = check_sent(type, body, headers, to, error);
    if (status == TROUPE_OK && timeout) {
        status = embed_check_outside(error, "waiting for room");
    }
    status = status == TROUPE_OK ? client_begin(c, error) : status;
    if (status < 0) {
        return status;
    }
    struct msg *m = new_message(c, MSG_DATA, to, type, body, headers);
    status =
        m ? offer(c, m, to, until_ns, error) : embed_fail(error, TROUPE_NO_MEMORY, "out of memory");
    client_end(c);
    return status;
}

/* --- once ports --- */

/* A call's number: which place in the table, and how many calls were made before it. */
#define PLACE_BITS 20
#define PLACE_MASK ((1ull << PLACE_BITS) - 1)

struct troupe_once_port *once_find_locked(struct troupe_client *c, uint64_t number) {
    uint64_t place = number & PLACE_MASK;
    struct troupe_once_port *once = number && place < c->once_room ? c->onces[place] : NULL;
    return once && once->number == number ? once : NULL;
}

void onces_wake_locked(struct troupe_client *c) {
    for (uint32_t i = 0; i < c->once_room; i++) {
        if (c->onces[i]) {
            pthread_cond_broadcast(&c->onces[i]->arrived);
        }
    }
}

static int grow_onces_locked(struct troupe_client *c) {
    uint32_t room = c->once_room ? c->once_room * 2 : 16;
    struct troupe_once_port **onces =
        room > PLACE_MASK ? NULL : mem_resize((void *)c->onces, room * sizeof *onces);
    if (!onces) {
        return -1;
    }
    memset((void *)(onces + c->once_room), 0, (room - c->once_room) * sizeof *onces);
    c->once_search = c->once_room;
    c->onces = onces;
    c->once_room = room;
    return 0;
}

/* The next free place, from the one given last. */
static int add_once_locked(struct troupe_client *c, struct troupe_once_port *once) {
    uint32_t tried = 0;
    while (tried < c->once_room && c->onces[(c->once_search + tried) % c->once_room]) {
        tried++;
    }
    if (tried == c->once_room) {
        tried = 0;
        if (grow_onces_locked(c) < 0) {
            return -1;
        }
    }
    uint32_t place = (c->once_search + tried) % c->once_room;
    c->once_search = place + 1;
    once->number = ++c->once_series << PLACE_BITS | place;
    c->onces[place] = once;
    return 0;
}

/* Returns an answer that nobody took. */
static struct msg *remove_once_locked(struct troupe_once_port *once) {
    struct msg *left = once->answer;
    if (once->number) {
        once->client->onces[once->number & PLACE_MASK] = NULL;
    }
    once->number = 0;
    once->answer = NULL;
    return left;
}

static struct troupe_once_port *once_create(struct troupe_client *c,
                                            const struct troupe_type *reply, uint64_t until_ns) {
    struct troupe_once_port *once = mem_alloc(sizeof *once);
    if (!once) {
        return NULL;
    }
    once->client = c;
    once->type = reply ? type_of(reply) : NULL;
    once->until_ns = until_ns;
    embed_cond_init(&once->arrived);
    pthread_mutex_lock(&c->lock);
    int status = add_once_locked(c, once);
    pthread_mutex_unlock(&c->lock);
    if (status < 0) {
        pthread_cond_destroy(&once->arrived);
        mem_free(once);
        return NULL;
    }
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return once;
}

/* An answer is there only as long as the client is. */
void troupe_once_port_free(struct troupe_once_port *once) {
    if (!once) {
        return;
    }
    struct troupe_client *c = once->client;
    pthread_mutex_lock(&c->lock);
    struct msg *left = remove_once_locked(once);
    if (left) {
        client_free_message(c->proc, left);
    }
    pthread_mutex_unlock(&c->lock);
    pthread_cond_destroy(&once->arrived);
    mem_free(once);
    client_unref(c);
}

/* --- calls --- */

static int32_t ask(struct troupe_client *c, struct troupe_ref to, const struct troupe_type *type,
                   const void *body, const struct troupe_type *reply,
                   const struct troupe_headers *headers, uint64_t until_ns,
                   struct troupe_once_port **ret, struct troupe_error *error) {
    struct troupe_once_port *once = once_create(c, reply, until_ns);
    if (once && client_query(c->in, to, type_of(type), body, once->number)) {
        *ret = once;
        return TROUPE_OK;
    }
    struct msg *m = once ? new_message(c, MSG_REQUEST, to, type, body, headers) : NULL;
    if (!m) {
        troupe_once_port_free(once);
        return embed_fail(error, TROUPE_NO_MEMORY, "out of memory");
    }
    msg_extension(m)->call = once->number;
    int32_t status = offer(c, m, to, until_ns, error);
    if (status < 0) {
        troupe_once_port_free(once);
        return status;
    }
    *ret = once;
    return TROUPE_OK;
}

int32_t troupe_client_ask(struct troupe_client *c, struct troupe_ref to,
                          const struct troupe_type *type, const void *body,
                          const struct troupe_type *reply, const struct troupe_headers *headers,
                          uint64_t timeout, struct troupe_once_port **ret,
                          struct troupe_error *error) {
    uint64_t until_ns = embed_deadline(timeout);
    int32_t status = check_sent(type, body, headers, to, error);
    status = status == TROUPE_OK ? embed_check_outside(error, "waiting for room") : status;
    status = status == TROUPE_OK ? client_begin(c, error) : status;
    if (status == TROUPE_OK) {
        status = ask(c, to, type, body, reply, headers, until_ns, ret, error);
        client_end(c);
    }
    return status;
}

/* Why there is no answer: a status and a text of the callee's, or of the host's. */
static int32_t refused(const struct msg *m, struct troupe_error *error) {
    int32_t status = -(int32_t)m->reason;
    const struct troupe_str *text = m->type ? NULL : msg_body((struct msg *)(uintptr_t)m);
    if (text && text->size) {
        return embed_fail(error, status, "%.*s", TROUPE_STR_ARG(*text));
    }
    return embed_fail(error, status, "%s", troupe_status_text(status));
}

static int32_t wait_locked(struct troupe_once_port *once, struct msg **ret,
                           struct troupe_error *error) {
    struct troupe_client *c = once->client;
    bool in_time = true;
    if (!once->number) {
        return embed_fail(error, TROUPE_INVALID, "the call is over");
    }
    while (!once->answer && !c->is_closing && in_time) {
        in_time = embed_wait_locked(&once->arrived, &c->lock, once->until_ns);
    }
    *ret = remove_once_locked(once);
    if (*ret) {
        return TROUPE_OK;
    }
    return c->is_closing ? client_gone(c, error)
                         : embed_fail(error, TROUPE_TIMEOUT, "no reply before the deadline");
}

int32_t troupe_once_port_receive(struct troupe_once_port *once, struct troupe_message **ret,
                                 struct troupe_error *error) {
    struct troupe_client *c = once->client;
    int32_t status = embed_check_outside(error, "waiting for an answer");
    status = status == TROUPE_OK ? client_begin(c, error) : status;
    if (status < 0) {
        return status;
    }
    struct msg *m = NULL;
    pthread_mutex_lock(&c->lock);
    status = wait_locked(once, &m, error);
    pthread_mutex_unlock(&c->lock);
    if (m && m->reason) {
        status = refused(m, error);
    } else if (m) {
        status = message_from(c, m, once->type, NULL, ret, error);
        m = status == TROUPE_OK ? NULL : m;
    }
    if (m) {
        client_free_message(c->proc, m);
    }
    client_end(c);
    return status;
}

int32_t troupe_client_call(struct troupe_client *c, struct troupe_ref to,
                           const struct troupe_type *type, const void *body,
                           const struct troupe_type *reply, uint64_t timeout,
                           struct troupe_message **ret, struct troupe_error *error) {
    struct troupe_once_port *once = NULL;
    int32_t status = troupe_client_ask(c, to, type, body, reply, NULL, timeout, &once, error);
    if (status == TROUPE_OK) {
        status = troupe_once_port_receive(once, ret, error);
        troupe_once_port_free(once);
    }
    return status;
}
