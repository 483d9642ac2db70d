/* Clients: instances without handlers, whose messages threads of the embedding program take (CI).
 *
 * The instance is what the rest of the proc sees: id, uid, mailbox, status `client`. Whoever owns
 * the seat keeps what arrives and sends in its name. A worker only hands over, at once: so nobody
 * waits long for room in a client's mailbox, and what the owner has no room for comes back as full.
 *
 * The seat is the owner's from client_make until `ended`. All functions of it are called by
 * workers, one after another, and must not block; but `took` by client_query, too, for the answer to what the
 * client asks of the introspect port. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "actor/inst.h"
#include "base/err.h"
#include "message/message.h"
#include "message/pause.h"

/* What became of a message that arrived; else a negative status: why it comes back to its sender. */
enum client_took { CLIENT_TAKEN, CLIENT_DROPPED, CLIENT_LATE };

struct client_seat {
    int32_t (*took)(void *context, struct msg *m); /* TAKEN: the message is the owner's */
    void (*woken)(void *context);                  /* who waits for room may look again */
    void (*child_ended)(void *context,
                        const struct inst_end *end); /* lent; NULL: it has no children */
    /* It was told to stop. False: not now, the owner tells it again. True: nothing more is sent in its name;
     * *ret_left gets a chain of messages that arrived and that nobody will look at. */
    bool (*may_end)(void *context, struct msg **ret_left);
    void (*ended)(void *context); /* the last call */
    void *context;
};

struct client_spec {
    const char *name; /* unique among the roots (AI-2); NULL: client-1, client-2, ... */
    uint32_t capacity;
    bool is_shown; /* can be introspected (CI-1), else a plain one (CI-3) */
};

/* Makes it in a started proc; `seat` is lent. Errors: EXISTS (names the first), INVALID (name),
 * NOMEM. [any] */
int client_make(struct proc *proc, const struct client_spec *spec, const struct client_seat *seat,
                struct inst **ret, struct err *err);
/* Tells it to stop. [any, before `ended`] */
void client_stop(struct inst *in);

/* A message in the name of the client, to the port that a reference names. Memory from the shared
 * pool; `flags` beside those that a reference needs. NULL: no memory. [any] */
struct msg *client_message(struct inst *in, enum msg_kind kind, unsigned flags,
                           struct troupe_ref to, const struct msg_type *type, const void *body);

/* --- children by hand (CI-4): what is asked of the client's own worker --- */

enum client_what { CLIENT_SPAWN, CLIENT_STOP_CHILD, CLIENT_LIST };

struct client_child {
    uint64_t uid, pid;
    enum inst_status status;
    char name[160]; /* "proc/name[pid]" */
};

struct client_order {
    enum client_what what;
    const char *type;               /* SPAWN: id of a type that the plan knows */
    const struct troupe_spawn *how; /* SPAWN; NULL: nothing of that */
    uint64_t uid;                   /* SPAWN: out; STOP_CHILD */
    unsigned signal;                /* STOP_CHILD */

    /* out */
    int32_t status;
    char why[320];
    struct client_child *children; /* LIST: in pid order; owned by who asks, mem_free */
    uint32_t child_count;

    struct client_order *next; /* under the proc's lock, as `done` */
    bool done;
};
/* Has it carried out, and waits for that. Not from a worker, and only while the owner keeps the
 * client from its end (may_end). [any] */
void client_do(struct inst *in, struct client_order *order);

/* The number of a port's name, made when it is new; 0: no memory, or no numbers left. [any] */
uint16_t client_port_number(struct proc *proc, const char *name);
/* Drops a message that had arrived, by the port's policy, and counts it. [any] */
void client_drop(struct inst *in, struct msg *m);
/* Frees a message that had arrived, or was never sent. [any] */
void client_free_message(struct proc *proc, struct msg *m);
/* Answers a request of `once` with a copy of `body`, of `type`, or where that is NULL with a status
 * and a text. An answer that comes late is counted, and dropped. -1: no memory. [any] */
int client_answer(struct inst *in, struct troupe_once once, int32_t status, struct troupe_str text,
                  const struct msg_type *type, const void *body);

/* The number of a port's name in one proc, as another proc that knows its name has it. 0: no
 * memory. [any] */
uint16_t client_translate_port(struct proc *from, uint16_t number, struct proc *to);
/* Gives a message of the proc back to its sender, as undeliverable for this reason (MB-4). Takes
 * it. [any] */
void client_return(struct proc *proc, struct msg *m, int32_t reason);
/* Memory for a message of the proc with `room` bytes of body, from the shared pool; NULL: none.
 * [any] */
struct msg *client_new_message(struct proc *proc, enum msg_kind kind, uint64_t room);
/* Delivers an answer or an undeliverable to m->dest. Takes it: late answers are counted,
 * undeliverables that nobody is there for become dead letters. [any] */
void client_deliver(struct proc *proc, struct msg *m);

enum client_sent {
    CLIENT_SENT, /* the message is on its way, or was dropped by the receiver's policy */
    CLIENT_FULL, /* the receiver's policy is `block`: it may be offered again when there is room */
    CLIENT_REFUSED, /* for the reason in *ret_reason */
};
/* What the client asks of the introspect port of an actor of this proc, whose answer it then has: nobody else
 * has to wake for it. False: it is another port. The body is lent. [any, in no turn] */
bool client_query(struct inst *in, struct troupe_ref to, const struct msg_type *type,
                  const void *body, uint64_t call);
/* Offers it. Only when it is SENT the message is taken. [any] */
enum client_sent client_offer(struct inst *in, struct msg *m, struct troupe_ref to,
                              int32_t *ret_reason);
/* The same to one of this proc, without a look at the forwarder: for what comes from another. With `hard`, up
 * to the hard limit. [any] */
enum client_sent client_offer_here(struct inst *in, struct msg *m, struct troupe_ref to, bool hard,
                                   int32_t *ret_reason);
/* The receiver was full: links `pauser`, one at a time for a client. WAITS: `woken` is called when
 * it may be over, client_has_room says whether. [any] */
enum pause_result client_wait(struct inst *in, struct pauser *pauser, struct troupe_ref to);
bool client_has_room(struct inst *in, struct pauser *pauser);
void client_wait_no_more(struct inst *in, struct pauser *pauser);
/* Links somebody of `from` to an actor of `to`, whose pauses share a lock; RETRY, too, when there is none of this
 * uid. The proc `to` stays meanwhile. [any] */
enum pause_result client_wait_there(struct proc *from, struct pauser *pauser, struct proc *to,
                                    uint64_t uid);
/* All who wait for anybody of this proc look again. [any] */
void client_release_all(struct proc *proc);
