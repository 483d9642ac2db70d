/* The outbox while a turn runs: what it asks for is added. */
#include <stddef.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"
#include "base/prefetch.h"

/* A turn that has filled half of so many is likely to go on, and a page fault costs more than the 70 items
 * that it makes room for. */
#define ROOM_OF_MANY (1u << 16)

/* Not inlined, so that the common path needs no stack of its own. */
__attribute__((noinline)) static int grow(struct outbox *box) {
    uint32_t room = box->room ? box->room * 2 : 16;
    struct out_item *items = mem_resize(box->items, room * sizeof *items);
    if (!items) {
        return -1;
    }
    if (room >= ROOM_OF_MANY) {
        mem_use_large_pages(items, room * sizeof *items);
    }
    box->items = items;
    box->room = room;
    return 0;
}

/* An item to be filled; NULL: no memory. */
static inline struct out_item *next_item(struct outbox *box) {
    if (box->count == box->room && grow(box) < 0) {
        return NULL;
    }
    return &box->items[box->count++];
}

struct out_item *outbox_add(struct outbox *box, enum out_kind kind) {
    struct out_item *item = next_item(box);
    if (item) {
        *item = (struct out_item){.kind = (uint8_t)kind};
        box->barrier = box->count;
    }
    return item;
}

static inline bool keep_with_child(struct outbox *box, struct mbox *mbox, struct msg *m) {
    struct out_item *item = outbox_last_spawned(box);
    if (!item || &item->u.spawned.last->mbox != mbox || !mbox_keep(mbox, m)) {
        return false;
    }
    item->u.spawned.kept++;
    return true;
}

/* By the uid, not by the address: what a turn sends must not depend on where memory happens to lie,
 * else a seed would not repeat its run. */
static unsigned cache_slot(uint64_t uid) {
    return (unsigned)(uid % OUTBOX_CACHE);
}

static inline void remember(struct outbox *box, uint32_t at) {
    box->cache[cache_slot(box->items[at].u.to.uid)] = at;
}

/* The last that was begun for this uid, or none. */
static inline struct out_item *find_batch(struct outbox *box, uint64_t uid) {
    if (box->count == 1 && box->items->plain) {
        remember(box, 0); /* only now: most turns have no other */
    }
    uint32_t at = box->cache[cache_slot(uid)];
    if (at >= box->count || at < box->barrier) {
        return NULL;
    }
    struct out_item *item = &box->items[at];
    return item->kind == OUT_BATCH && item->u.to.uid == uid ? item : NULL;
}

static inline void add_to_batch(struct out_item *item, struct msg *m) {
    item->u.to.last->next = m;
    item->u.to.last = m;
    item->count++;
}

static inline void fill_item(struct outbox *box, struct out_item *item, enum out_kind kind,
                             const struct wire_target *target, struct wire *wire, struct msg *m) {
    /* for the commit: another core may have it; NULL does no harm */
    prefetch_to_write(target->mbox);
    *item = (struct out_item){
        .kind = (uint8_t)kind,
        .overflow = target->overflow,
        .row = target->row,
        .count = 1,
        .u.to = {.mbox = target->mbox, .uid = target->uid, .first = m, .last = m, .wire = wire}};
    box->cache[cache_slot(target->uid)] = (uint32_t)(item - box->items);
}

/* `port` and `wire`: NULL: to a reference. To be remembered, if it is not the first.
 * The first one's mailbox is not asked for: it is needed so soon that this gains nothing, and a worker that waits for
 * something to arrive there would take the line back at once, to be asked for again. */
static inline void begin_plain(struct outbox *box, struct mbox *mbox, struct port *port,
                               struct wire *wire, struct msg *m) {
    struct out_item *item = &box->items[box->count];
    *item = (struct out_item){.kind = OUT_BATCH, .overflow = WIRE_BLOCK, .plain = true, .count = 1};
    item->u.to.mbox = mbox;
    item->u.to.uid = m->dest;
    item->u.to.first = m;
    item->u.to.last = m;
    item->u.to.wire = wire;
    item->u.to.port = port;
    box->count++;
}

bool outbox_add_plain(struct outbox *box, struct port *port, struct msg *m) {
    m->dest = port->plain_uid;
    m->next = NULL;
    if (box->count == 0) {
        begin_plain(box, port->plain, port, port->wires, m);
        return true;
    }
    struct out_item *item = &box->items[box->count - 1];
    if (item->plain && item->u.to.port == port && box->count > box->barrier) {
        add_to_batch(item, m);
        return true;
    }
    return false;
}

void outbox_add_plain_anywhere(struct outbox *box, struct port *port, struct msg *m) {
    struct out_item *item = find_batch(box, m->dest);
    if (item && msg_is_charged(item->u.to.first)) {
        add_to_batch(item, m);
        return;
    }
    begin_plain(box, port->plain, port, port->wires, m);
    remember(box, box->count - 1);
    prefetch_to_write(port->plain); /* as in fill_item */
}

bool outbox_add_named(struct outbox *box, struct mbox *mbox, struct msg *m) {
    m->next = NULL;
    if (box->count > 0) {
        return false;
    }
    begin_plain(box, mbox, NULL, NULL, m);
    return true;
}

void outbox_add_named_anywhere(struct outbox *box, struct mbox *mbox, struct msg *m) {
    struct out_item *item = find_batch(box, m->dest);
    if (item && msg_is_charged(item->u.to.first)) {
        add_to_batch(item, m);
    } else if (!keep_with_child(box, mbox, m)) {
        begin_plain(box, mbox, NULL, NULL, m);
        remember(box, box->count - 1);
        prefetch_to_write(mbox); /* as in fill_item */
    }
}

int outbox_add_message(struct outbox *box, const struct wire_target *target, struct wire *wire,
                       struct msg *m) {
    bool batch = target->mbox && target->overflow == WIRE_BLOCK;
    m->dest = target->uid;
    if (!(m->flags & MSG_BY_NAME)) {
        m->port = target->row;
    }
    m->next = NULL;
    struct out_item *item = batch ? find_batch(box, target->uid) : NULL;
    if (item && msg_is_charged(item->u.to.first) == msg_is_charged(m)) {
        add_to_batch(item, m);
        return 0;
    }
    if (batch && m->kind == MSG_DATA && keep_with_child(box, target->mbox, m)) {
        return 0;
    }
    item = next_item(box);
    if (!item) {
        return -1;
    }
    fill_item(box, item, batch ? OUT_BATCH : OUT_ONE, target, wire, m);
    return 0;
}
