/* Wires at run time: where what leaves an output port goes.
 *
 * A wire has one target, or the replicas of a pool and a route among them (PT-3). Targets are
 * mailboxes of slots that outlive the wire; a slot that closed stays as a target that refuses. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "message/mbox.h"

enum wire_overflow { WIRE_BLOCK, WIRE_DROP_NEWEST, WIRE_DROP_OLDEST, WIRE_FAIL };
enum wire_mode { WIRE_DIRECT, WIRE_ROUND_ROBIN, WIRE_HASH, WIRE_BROADCAST };

struct wire_target {
    struct mbox *mbox;
    uint64_t uid;
    uint16_t row;     /* the handler's */
    uint8_t overflow; /* enum wire_overflow */
};

struct wire {
    struct wire_target *targets; /* owned */
    uint32_t count;
    uint8_t mode;       /* enum wire_mode */
    const char *key;    /* hash: field name, lies with the wires; else NULL */
    uint64_t body_room; /* the largest body a wired receiver expects (MB-8) */

    /* only the sender */
    uint32_t cursor;                      /* round robin: whose turn is next */
    const struct msg_type *key_type;      /* hash: the type that was sent last; NULL: none yet */
    const struct troupe_field *key_field; /* its field of that name; NULL: it has none */

    /* written by the sender, read by anyone */
    _Atomic uint64_t sent, dropped;
};

/* All wires of one output port. One line of memory, when they lie aligned. */
#define PORT_LINE 64u
struct port {
    _Alignas(PORT_LINE) struct wire *wires; /* owned */
    uint32_t count;
    uint32_t plain_size; /* see `plain` */
    uint64_t body_room;  /* the largest of the wires' */

    /* The usual case made ready, so that a message needs this line of memory only: one wire to one mailbox that
     * blocks, messages of 8 to 16 bytes without pointers or padding. Else NULL. */
    struct mbox *plain;
    uint64_t plain_uid;
    uint64_t plain_head; /* of each message */
    /* written by the sender, read by anyone: what went the shortest way, and is not counted in wires->sent */
    _Atomic uint64_t plain_sent;
};

/* How many went over the wire number `at`. [any] */
uint64_t port_sent(const struct port *port, uint32_t at);
/* Gives the port room for `count` wires, zeroed. -1: no memory. */
int port_init(struct port *port, uint32_t count);
void port_fini(struct port *port);
/* All its wires are made; messages have this type, NULL: various, or none. To be called again when a wire
 * is added. */
void port_settle(struct port *port, const struct msg_type *type);

/* The targets of one message: for broadcast all (the count is returned, *ret is the first; the caller
 * passes over those that closed, and over those that rest as long as wire_has_live), else one, which is
 * open unless the wire is direct. 0: every target is closed; *ret is then one to blame. `body` is read
 * for hash. */
uint32_t wire_pick(struct wire *wire, const struct msg_type *type, const void *body,
                   struct wire_target **ret);
/* Whether a target is open and has a life. */
bool wire_has_live(const struct wire *wire);
