/* Picking the targets of a message. */
#include "route/wire.h"

#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"

int port_init(struct port *port, uint32_t count) {
    *port = (struct port){0};
    if (count > 0) {
        port->wires = mem_array(count, sizeof *port->wires);
        if (!port->wires) {
            return -1;
        }
        port->count = count;
    }
    return 0;
}

void port_fini(struct port *port) {
    for (uint32_t i = 0; i < port->count; i++) {
        mem_free(port->wires[i].targets);
    }
    mem_free(port->wires);
    *port = (struct port){0};
}

void port_settle(struct port *port, const struct msg_type *type) {
    const struct wire *wire = port->wires;
    bool is_small = type && !type->has_pointers && type->end >= 8 && type->end <= 16 &&
                    type->end == type->abi.body_size && port->body_room <= type->end;
    bool is_plain = is_small && port->count == 1 && wire->mode == WIRE_DIRECT &&
                    wire->targets->overflow == WIRE_BLOCK;
    port->plain = is_plain ? wire->targets : NULL;
    port->plain_type = is_plain ? type->index : 0;
    port->plain_size = is_plain ? (uint32_t)type->end : 0;
}

static uint64_t key_hash(const struct wire *wire, const struct msg_type *type, const void *body) {
    struct troupe_any any = {&type->abi, body};
    struct troupe_str key = {wire->key, strlen(wire->key)};
    struct troupe_value value;
    if (type_read(&any, key, &value) < 0) {
        return 0;
    }
    switch (value.kind) {
    case TROUPE_KIND_str:
    case TROUPE_KIND_bytes:
        return hash_bytes(value.s.data, value.s.size);
    case TROUPE_KIND_ref:
        return hash_bytes(&value.r, sizeof value.r);
    case TROUPE_KIND_f32:
    case TROUPE_KIND_f64:
        return hash_bytes(&value.f, sizeof value.f);
    case TROUPE_KIND_bool:
    case TROUPE_KIND_u8:
    case TROUPE_KIND_u16:
    case TROUPE_KIND_u32:
    case TROUPE_KIND_u64:
        return hash_bytes(&value.u, sizeof value.u);
    default:
        return hash_bytes(&value.i, sizeof value.i);
    }
}

/* Rendezvous: each open slot bids for the key, the highest wins; so a slot that closes moves only its
 * own keys. The bid depends on the replica's place, which is the same in each run. */
static struct wire_target *pick_hash(struct wire *wire, uint64_t key) {
    struct wire_target *best = NULL;
    uint64_t best_bid = 0;
    for (uint32_t i = 0; i < wire->count; i++) {
        uint64_t seed[2] = {key, i};
        uint64_t bid = hash_bytes(seed, sizeof seed);
        /* FNV's last byte reaches the high bits weakly; mix once more */
        bid = (bid ^ (bid >> 32)) * 0x9e3779b97f4a7c15ull;
        if (!mbox_is_closed(wire->targets[i].mbox) && (!best || bid > best_bid)) {
            best = &wire->targets[i];
            best_bid = bid;
        }
    }
    return best;
}

/* The next live one in turn, one with room where there is any; where none lives, one that will. */
static struct wire_target *pick_round_robin(struct wire *wire) {
    uint32_t start = atomic_fetch_add_explicit(&wire->cursor, 1, memory_order_relaxed);
    struct wire_target *live = NULL;
    struct wire_target *open = NULL;
    for (uint32_t i = 0; i < wire->count; i++) {
        struct wire_target *target = &wire->targets[(start + i) % wire->count];
        bool rests = mbox_is_resting(target->mbox);
        if (mbox_is_closed(target->mbox)) {
            continue;
        }
        if (!rests && mbox_room(target->mbox, mbox_capacity(target->mbox)) > 0) {
            return target;
        }
        live = live || rests ? live : target;
        open = open ? open : target;
    }
    return live ? live : open;
}

bool wire_has_live(const struct wire *wire) {
    for (uint32_t i = 0; i < wire->count; i++) {
        const struct mbox *mb = wire->targets[i].mbox;
        if (!mbox_is_closed(mb) && !mbox_is_resting(mb)) {
            return true;
        }
    }
    return false;
}

static bool all_closed(const struct wire *wire) {
    for (uint32_t i = 0; i < wire->count; i++) {
        if (!mbox_is_closed(wire->targets[i].mbox)) {
            return false;
        }
    }
    return true;
}

uint32_t wire_pick(struct wire *wire, const struct msg_type *type, const void *body,
                   struct wire_target **ret) {
    struct wire_target *picked = NULL;
    *ret = wire->targets;
    switch ((enum wire_mode)wire->mode) {
    case WIRE_DIRECT:
        return 1; /* a closed one refuses by itself, with its reason */
    case WIRE_BROADCAST:
        return all_closed(wire) ? 0 : wire->count;
    case WIRE_HASH:
        picked = pick_hash(wire, key_hash(wire, type, body));
        break;
    case WIRE_ROUND_ROBIN:
        picked = pick_round_robin(wire);
        break;
    }
    if (picked) {
        *ret = picked;
    }
    return picked ? 1 : 0;
}
