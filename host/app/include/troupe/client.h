/* Clients: how threads of an embedding program talk with actors (CI).
 *
 *     #define LINE(F) F(str, text) F(u64, number)
 *     TROUPE_MESSAGE(text_line, "text.line/1", LINE);
 *
 *     struct troupe_client *client;
 *     const struct troupe_type *line;
 *     struct troupe_ref to;
 *     troupe_client_create(proc, NULL, &client, &error);
 *     TROUPE_TYPE(client, text_line, &line, &error);
 *     troupe_client_find(client, "counter", "line", &to, &error);
 *     struct text_line body = {troupe_str("hello"), 1};
 *     troupe_client_send(client, to, line, &body, NULL, timeout, &error);
 *
 * A client is an instance of the proc with status `client`: it has an id, "proc/name[0]", and
 * others can send to its ports. It never runs on a worker; what it was sent waits until a thread
 * takes it.
 *
 * Threads    Each function of one client may be called by several threads at once [any]; a thread
 *            that waits does so in a call tagged [outside]. Messages of one thread to one port
 *            arrive in their order (MB-1).
 * Lifetime   The client holds its proc weakly: when the proc ends, so does the client, and its
 *            functions return TROUPE_GONE, those that wait too. Its handle stays the program's
 *            until it is freed.
 * Bounds     Each port keeps so many messages; one more comes back to its sender as full, unless
 *            the port's overflow policy says otherwise. */
#pragma once

#include <troupe/embed.h>

struct troupe_client;
struct troupe_port;      /* a port of a client, where messages of one type arrive */
struct troupe_once_port; /* a port for one message: the answer to a call */
struct troupe_message;   /* a message that has arrived */

/* The client can be introspected: status `client`, actor type `()` (CI-1). */
#define TROUPE_SHOWN 1u

struct troupe_client_options {
    uint32_t size;     /* of this struct */
    uint32_t flags;    /* TROUPE_SHOWN */
    const char *name;  /* unique among the roots of its proc; NULL: client-1, client-2, ... */
    uint32_t capacity; /* of each port, in messages; 0: 1024 */
    uint32_t reserved; /* 0 */
};

/* Joins a proc that runs. *ret is the caller's. `options` may be NULL.
 * Errors: INVALID (size, flags, name), REFUSED (the name is taken; the text says by whom), STOPPING
 * (the proc does not run), NO_MEMORY. [any] */
TROUPE_API int32_t troupe_client_create(struct troupe_proc *proc,
                                        const struct troupe_client_options *options,
                                        struct troupe_client **ret, struct troupe_error *error);
/* Leaves: the status turns terminal, a terminated snapshot is stored (CI-2), what waits in its
 * ports comes back to the senders as gone. Threads that wait in it return. Its ports go with it.
 * Takes NULL. [any] */
TROUPE_API void troupe_client_free(struct troupe_client *client);

/* Its address; port 0. [any] */
TROUPE_API struct troupe_ref troupe_client_ref(const struct troupe_client *client);

/* The address of an open actor, by "name", "group/name" or "proc/name[0]", where the proc may be
 * one that this one is joined with; and of a port of it (NULL: of the actor as a whole). An actor
 * whose slot has closed is not found.
 * Errors: NOT_FOUND (no such open actor; no actor at all has such a port), GONE. [any] */
TROUPE_API int32_t troupe_client_find(struct troupe_client *client, const char *actor,
                                      const char *port, struct troupe_ref *ret,
                                      struct troupe_error *error);

/* The proc's type of a message that the program has declared with TROUPE_MESSAGE, checked field by
 * field against what the plugins say of the same id. Valid as long as any handle of the proc or the
 * client.
 * Errors: INVALID (another schema; the text says where they differ. Or: a message with lists that
 * no plugin of the proc declares), GONE, NO_MEMORY. [any] */
#define TROUPE_TYPE(client, c_name, ret, error)                                                    \
    troupe_client_type(client, c_name##_note.body, sizeof(struct c_name), ret, error)
TROUPE_API int32_t troupe_client_type(struct troupe_client *client, const char *note,
                                      uint64_t body_size, const struct troupe_type **ret,
                                      struct troupe_error *error);

/* What goes with a message. */
struct troupe_headers {
    uint32_t size;  /* of this struct */
    uint32_t ttl;   /* hops it may take between procs; 0: 16 */
    uint64_t trace; /* trace id; passed on by all that its receiver sends for it */
};

/* Sends a copy of `body`, of `type`, to a handler port. `headers` may be NULL. When the mailbox is
 * full and the port's policy is `block`, waits for room until the timeout; with 0 it does not wait.
 * What turns out to be undeliverable later comes back: see troupe_client_returned.
 * Errors: FULL (still, or the policy is `fail`, or waiting would never end), GONE (no such actor,
 * or this client), NOT_LOCAL, INVALID, NO_MEMORY; WRONG_THREAD, unless the timeout is 0. [outside] */
TROUPE_API int32_t troupe_client_send(struct troupe_client *client, struct troupe_ref to,
                                      const struct troupe_type *type, const void *body,
                                      const struct troupe_headers *headers, uint64_t timeout,
                                      struct troupe_error *error);

/* --- calls --- */

/* Sends a request to a `call` port and waits for its answer, of type `reply`; *ret is the caller's.
 * Errors: TIMEOUT, FULL, GONE (the callee, or this client), NO_SUCH_PORT, INVALID, NO_MEMORY,
 * WRONG_THREAD, or the status that the callee refuses with, and its text. Each call ends in exactly
 * one of these (MB-6). [outside] */
TROUPE_API int32_t troupe_client_call(struct troupe_client *client, struct troupe_ref to,
                                      const struct troupe_type *type, const void *body,
                                      const struct troupe_type *reply, uint64_t timeout,
                                      struct troupe_message **ret, struct troupe_error *error);

/* The same in two steps: the request is sent, the answer comes to a once port. `timeout` counts for
 * both. *ret is the caller's; freeing it withdraws from the call, and an answer that comes later is
 * dropped.
 * Errors: as troupe_client_send. [outside] */
TROUPE_API int32_t troupe_client_ask(struct troupe_client *client, struct troupe_ref to,
                                     const struct troupe_type *type, const void *body,
                                     const struct troupe_type *reply,
                                     const struct troupe_headers *headers, uint64_t timeout,
                                     struct troupe_once_port **ret, struct troupe_error *error);
/* Waits for the answer, at most until the call's deadline. Its result is the call's and comes once:
 * from then on INVALID.
 * Errors: as troupe_client_call. [outside] */
TROUPE_API int32_t troupe_once_port_receive(struct troupe_once_port *port,
                                            struct troupe_message **ret,
                                            struct troupe_error *error);
TROUPE_API void troupe_once_port_free(struct troupe_once_port *port); /* takes NULL [any] */

/* --- ports --- */

/* X(constant, value): what becomes of a message for a port that is full. */
#define TROUPE_OVERFLOWS(X)                                                                        \
    X(FAIL, 0)        /* it comes back to its sender as full */                                    \
    X(DROP_NEWEST, 1) /* it is dropped, and counted */                                             \
    X(DROP_OLDEST, 2) /* the one that waits longest is */
#define TROUPE_OVERFLOW_CONSTANT(name, value) TROUPE_OVERFLOW_##name = (value),
enum troupe_overflow { TROUPE_OVERFLOWS(TROUPE_OVERFLOW_CONSTANT) TROUPE_OVERFLOW_END_ };
#undef TROUPE_OVERFLOW_CONSTANT

struct troupe_port_options {
    uint32_t size;                   /* of this struct */
    uint32_t capacity;               /* 0: the client's */
    uint32_t overflow;               /* TROUPE_OVERFLOW_... */
    uint32_t reserved;               /* 0 */
    const struct troupe_type *reply; /* not NULL: requests arrive, answered with this type */
};

/* The client's port of this name, made when it is asked for first, and the same from then on
 * (PT-1). `type` NULL: any message. `options` may be NULL, and count when it is made. Lent as long
 * as the client.
 * Errors: INVALID (size, overflow; the port is there with another type), GONE, NO_MEMORY. [any] */
TROUPE_API int32_t troupe_client_open(struct troupe_client *client, const char *name,
                                      const struct troupe_type *type,
                                      const struct troupe_port_options *options,
                                      struct troupe_port **ret, struct troupe_error *error);
/* The port where undeliverables of this client arrive (MB-4); until it is asked for, they become
 * dead letters. As troupe_client_open. [any] */
TROUPE_API int32_t troupe_client_returned(struct troupe_client *client, struct troupe_port **ret,
                                          struct troupe_error *error);
/* Its address, to be sent to others. [any] */
TROUPE_API struct troupe_ref troupe_port_ref(const struct troupe_port *port);
/* Takes the message that waits longest; *ret is the caller's.
 * Errors: TIMEOUT, GONE, NO_MEMORY (it stays there); WRONG_THREAD, unless the timeout is 0.
 * [outside] */
TROUPE_API int32_t troupe_port_receive(struct troupe_port *port, uint64_t timeout,
                                       struct troupe_message **ret, struct troupe_error *error);

/* --- messages --- */

/* The body, of the type that the port or the call says; lent as long as the message. [any] */
TROUPE_API const void *troupe_message_body(const struct troupe_message *message);
/* Body and type together, for fields by name. Lent as long as the message. [any] */
TROUPE_API struct troupe_any troupe_message_any(const struct troupe_message *message);

/* What came with it. */
struct troupe_envelope {
    uint32_t size;  /* of this struct: set by the caller */
    int32_t reason; /* of an undeliverable, why; else 0 */
    struct troupe_ref
        sender; /* uid 0: the host, or nobody; of an undeliverable: where it was sent */
    struct troupe_once request; /* uid 0: no answer is expected */
    uint64_t trace;             /* 0: none */
    uint64_t sequence; /* its sender's count of what it sent; 0: the sender does not count */
    uint32_t ttl;      /* hops left; 0: it has not crossed from another proc */
    uint32_t reserved;
};
/* Fills what the caller's `size` has room for. [any] */
TROUPE_API void troupe_message_envelope(const struct troupe_message *message,
                                        struct troupe_envelope *ret);

/* Answers a request that came to a port with `reply`: with a copy of `body`, or with `status` < 0
 * and a text, then `body` is NULL. A request that is freed unanswered ends its call as an error.
 * Errors: INVALID (no request, or answered already), GONE, NO_MEMORY. [any] */
TROUPE_API int32_t troupe_message_answer(struct troupe_message *message, int32_t status,
                                         const char *text, const void *body,
                                         struct troupe_error *error);
TROUPE_API void troupe_message_free(struct troupe_message *message); /* takes NULL [any] */
