/* Struct bodies of clients, their ports and messages. */
#pragma once

#include <troupe/inverted.h>

#include "actor/client.h"
#include "app/embed_impl.h"

/* Messages that wait, as they came; under the client's lock. */
struct inbox {
    struct msg *first, *last; /* by msg.next */
    uint32_t count;
};

/* A handler port of an inverted instance: what it takes waits in the one queue of all. */
struct port_work {
    struct troupe_inverted *inverted; /* NULL: a port like any other */
    troupe_handler *handler;
    void *context;
};

struct troupe_port {
    /* set when it is made, then constant */
    struct troupe_client *client;
    char *name;
    const struct msg_type *type;  /* NULL: any */
    const struct msg_type *reply; /* NULL: takes messages; else requests */
    uint64_t number;              /* the proc's, of the name */
    uint32_t capacity;
    enum troupe_overflow overflow;
    struct port_work work;
    pthread_cond_t arrived;

    struct inbox inbox;
    struct troupe_port *next;
};

/* The answer to a call, when it is there. Owned by who called; in the client's table until it is
 * over. */
struct troupe_once_port {
    struct troupe_client *client; /* keeps a reference */
    const struct msg_type *type;
    uint64_t number; /* of the call; 0: over. Under lock, as `answer` */
    uint64_t until_ns;
    struct msg *answer;
    pthread_cond_t arrived;
};

/* A client in its proc: open until it is freed, or the proc ends. Then, when the last call that is
 * busy with it has left, its instance ends; the memory stays for those who hold a handle. */
struct troupe_client {
    _Atomic uint64_t refs; /* 2: the program's handle, the instance; and one for each once port */
    struct client_seat seat;
    struct troupe_proc *owner; /* a weak handle */
    struct list link;          /* owner.clients, under its lock */

    /* set when it is made, then constant */
    struct proc *proc; /* there as long as the instance */
    uint64_t uid;
    uint32_t capacity;

    pthread_mutex_t lock;
    pthread_cond_t room; /* somebody may send, who waits for room; or it is his turn to wait */
    /* under lock */
    struct inst *in; /* NULL: it has ended */
    bool is_closing;
    struct troupe_inverted *inverted; /* owned; NULL: a client like any other; constant */
    unsigned users;                   /* calls that are busy with it */
    struct troupe_port *ports;
    struct troupe_port *returned;
    struct troupe_once_port **onces; /* by place; owned, the items are not */
    uint32_t once_room, once_search;
    uint64_t once_series;
    bool is_pausing; /* somebody waits for room by `pauser` */
    struct pauser pauser;
    _Atomic uint64_t sequence;
};

enum receiver_kind { RECEIVER_WORK, RECEIVER_SIGNALS, RECEIVER_EVENTS, RECEIVER_COUNT };

/* What the program holds as troupe_work, troupe_signals or troupe_events. */
struct receiver {
    struct troupe_inverted *inverted;
    enum receiver_kind kind;
};

struct event;

struct troupe_inverted {
    struct troupe_client *client; /* which owns it */
    struct receiver receivers[RECEIVER_COUNT];
    pthread_cond_t changed[RECEIVER_COUNT];
    /* under the client's lock */
    bool taken[RECEIVER_COUNT];
    bool is_told;
    struct inbox work;
    struct event *events, **events_last; /* owned */
};

struct troupe_message {
    struct troupe_proc *owner; /* a weak handle: the type lives there */
    struct troupe_client
        *client; /* of a request that waits for its answer, a reference; else NULL */
    const struct msg_type *type;
    const struct msg_type *reply;
    struct troupe_envelope envelope;
    struct msg *let_go; /* owned, with the body; NULL: that is a copy, and stands behind */
    const void *body;
    _Alignas(8) char copy[];
};

/* embed_client.c */
/* As troupe_client_create; takes `inverted` on success. */
int32_t client_create(struct troupe_proc *owner, const struct troupe_client_options *given,
                      struct troupe_inverted *inverted, struct troupe_client **ret,
                      struct troupe_error *error);
/* Pins the instance; GONE: it closes. Each begin has its end. */
int32_t client_begin(struct troupe_client *c, struct troupe_error *error);
void client_end(struct troupe_client *c);
int32_t client_gone(const struct troupe_client *c, struct troupe_error *error);
void client_unref(struct troupe_client *c);
/* The proc runs, and does not end before the pin is given back; NULL: it does not. */
struct proc *embed_pin(struct troupe_proc *owner);
void embed_unpin(struct troupe_proc *owner);
/* The operator's word: an inverted instance is told by its receiver, any other client ends, and so does an
 * inverted one by an abort. False: there is no such client any more. */
bool client_tell(struct troupe_proc *owner, uint64_t uid, bool abort);
/* The proc ends: no client comes in any more, and all that are there end. False: one did not in
 * time. */
bool clients_end(struct troupe_proc *proc);

/* embed_port.c: under the client's lock, but for the first. */
int32_t port_took(void *client, struct msg *m);
struct msg *inbox_take_locked(struct inbox *inbox);
void inbox_add_locked(struct inbox *inbox, struct msg *m);
void inbox_put_back_locked(struct inbox *inbox, struct msg *m);
struct troupe_port *port_find_locked(const struct troupe_client *c, uint64_t number);
/* A handler port; a name that is there is refused. Without the lock. */
int32_t port_make(struct troupe_client *c, const char *name, const struct troupe_type *type,
                  const struct troupe_port_options *options, const struct port_work *work,
                  struct troupe_error *error);
/* All that waits anywhere, as a chain. */
struct msg *ports_empty_locked(struct troupe_client *c);
/* Wakes all who wait in a port. */
void ports_wake_locked(struct troupe_client *c);
void ports_free(struct troupe_client *c);

/* embed_talk.c */
struct troupe_once_port *once_find_locked(struct troupe_client *c, uint64_t number);
void onces_wake_locked(struct troupe_client *c);

/* embed_inverted.c */
/* That it is to stop. */
void inverted_tell(struct troupe_inverted *inverted);
void inverted_child_ended(void *client, const struct inst_end *end);
void inverted_wake_locked(struct troupe_inverted *inverted);
void inverted_destroy(struct troupe_inverted *inverted); /* takes NULL */

/* embed_message.c */
/* The message as one of type `wanted` (NULL: as it is). On success *m is freed; a status. */
int32_t message_from(struct troupe_client *c, struct msg *m, const struct msg_type *wanted,
                     const struct msg_type *reply, struct troupe_message **ret,
                     struct troupe_error *error);
