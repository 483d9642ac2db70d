/* The outbox: what a turn asked for, until it is carried out (TX-1). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <troupe/plugin.h>

#include "message/message.h"
#include "route/wire.h"

struct inst;
struct published;
struct runner;

/* One thing a turn asked for; carried out at commit, in program order. */
enum out_kind {
    OUT_BATCH, /* messages to one mailbox, overflow block */
    OUT_ONE,   /* one message with another overflow policy, or to a port by name */
    OUT_SPAWN, /* children spawned one after another, each with what was sent to it next, in its mailbox */
    OUT_STOP_CHILD,
    OUT_STOP,
    OUT_TIMER,
    OUT_TIMER_OFF,
    OUT_WATCH,
    OUT_WATCH_OFF,
    OUT_PUBLISH,
    OUT_ANSWERED, /* remembers a request that was answered, in case the turn is discarded */
};

struct out_item {
    uint8_t kind; /* enum out_kind */
    uint8_t overflow;
    bool drain;
    bool remote; /* OUT_ONE: for another proc */
    bool plain;  /* OUT_BATCH: of plain messages */
    /* 0 where `plain` is set, and between that and the count: so where the compiler joins their stores, one covers
     * each of them whole. What two stores wrote is read back late. */
    uint16_t row;
    uint32_t count;
    union {
        struct {
            struct mbox *mbox;
            uint64_t uid;
            struct msg *first, *last;
            struct wire *wire;
            struct port
                *port; /* of plain messages by a wire; not to be followed when the turn is over */
        } to;
        struct {
            struct inst *first, *last;    /* `count` of them, linked as tasks and as siblings */
            const struct inst_type *type; /* of all; NULL: they are of several */
            uint32_t kept;                /* messages in their mailboxes */
        } spawned;
        struct inst *child;
        struct {
            uint64_t first_ns, period_ns;
        } timer;
        struct {
            int32_t fd;
            uint32_t events;
        } watch;
        struct published *attribute;
        struct troupe_once once;
    } u;
};

_Static_assert(sizeof(struct out_item) == 64, "found by a shift");

#define OUTBOX_CACHE 8u

struct outbox {
    struct out_item *items; /* owned, grows */
    uint32_t count, room;
    uint32_t done;      /* items before it were carried out (early commit, pause) */
    uint32_t barrier;   /* batches before it take no more messages */
    uint32_t committed; /* items before it were committed early: they outlive a failing turn */
    /* Which item a uid went into last, direct-mapped. Only a hint: never reset, for the item tells
     * whether it is the one. */
    uint32_t cache[OUTBOX_CACHE];
};

/* How an actor is called, for those that asked for their context lately. A uid keeps its name. */
struct shown_name {
    uint64_t uid;
    uint64_t size;
    char text[160];
};
#define SHOWN_NAMES 8u

struct out_item *outbox_add(struct outbox *box, enum out_kind kind);
int outbox_add_message(struct outbox *box, const struct wire_target *target, struct wire *wire,
                       struct msg *m);
/* The same for a port's plain target and a message that counts, which is for its row; there must be room. Most turns send
 * to one place, or many to one before another, so it tries the item that was begun last; false: nothing was done, and it is
 * another. */
bool outbox_add_plain(struct outbox *box, struct port *port, struct msg *m);
/* What is left to do when it did nothing. */
void outbox_add_plain_anywhere(struct outbox *box, struct port *port, struct msg *m);
/* The same for a plain message to a reference. Whoever sends to references sends to many: it tries no item. */
bool outbox_add_named(struct outbox *box, struct mbox *mbox, struct msg *m);
void outbox_add_named_anywhere(struct outbox *box, struct mbox *mbox, struct msg *m);
static inline bool outbox_has_room(const struct outbox *box) {
    return box->count < box->room;
}
/* The last item, when that is children of which nothing was committed; else NULL. */
static inline struct out_item *outbox_last_spawned(const struct outbox *box) {
    struct out_item *item = box->count > box->committed ? &box->items[box->count - 1] : NULL;
    return item && item->kind == OUT_SPAWN ? item : NULL;
}
void outbox_discard(struct runner *r, struct inst *in, struct outbox *box);
/* Whether what a discard would drop answers this call. */
bool outbox_has_answer(const struct outbox *box, uint64_t caller, uint64_t call);
/* Carries out what is left; false: the actor must wait for room (linked when may_pause). */
bool outbox_commit(struct runner *r, struct inst *in, struct outbox *box, bool may_pause);
/* The same for less, when what is left is one batch of plain messages, to an instance of this worker that has
 * room for it, or nothing but a stop. False: it is not, or has none; ask outbox_commit. */
bool outbox_commit_here(struct runner *r, struct inst *in, struct outbox *box);
/* Requests whose deadline has passed are taken out: they were never sent (MB-6). */
void outbox_withdraw(struct runner *r, struct inst *in, struct outbox *box);
/* So many messages have been delivered. */
void outbox_count_sent(struct runner *r, uint32_t count);
void outbox_move(struct outbox *from, struct outbox *to);
void outbox_reset(struct outbox *box);
void outbox_fini(struct outbox *box);
/* Returns what was never delivered to the sender's kin: dead letters, with this reason. */
void outbox_abort(struct runner *r, struct inst *in, struct outbox *box);
