/* Picking the targets of a message. */
#include "route/wire.h"

#include <stddef.h>
#include <string.h>

#include "base/alloc.h"

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
    bool is_small = type && type_is_plain(type) && port->body_room <= type->end;
    bool is_plain = is_small && port->count == 1 && wire->mode == WIRE_DIRECT &&
                    wire->targets->overflow == WIRE_BLOCK;
    port->plain = is_plain ? wire->targets->mbox : NULL;
    port->plain_uid = is_plain ? wire->targets->uid : 0;
    port->plain_head = is_plain ? msg_plain_head(type->index, wire->targets->row) : 0;
    port->plain_size = is_plain ? (uint32_t)type->end : 0;
}

uint64_t port_sent(const struct port *port, uint32_t at) {
    uint64_t plain = at == 0 ? atomic_load_explicit(&port->plain_sent, memory_order_relaxed) : 0;
    return plain + atomic_load_explicit(&port->wires[at].sent, memory_order_relaxed);
}

__extension__ typedef unsigned __int128 product;

/* Both halves of the product, one upon the other: so each bit of `a` reaches all of the result. */
static inline uint64_t fold(uint64_t a, uint64_t b) {
    product p = (product)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* Odd and random in their bits, nothing else. */
#define MIX_A 0x9e3779b97f4a7c15ull
#define MIX_B 0xd1342543de82ef95ull
#define MIX_C 0xa0761d6478bd642full

/* Eight bytes at a time; the size tells apart what differs by zeros at the end only. */
static uint64_t hash_text(const char *data, uint64_t size) {
    uint64_t hash = fold(size ^ MIX_A, MIX_B);
    uint64_t word;
    for (; size >= sizeof word; size -= sizeof word, data += sizeof word) {
        memcpy(&word, data, sizeof word);
        hash = fold(hash ^ word, MIX_B);
    }
    word = 0;
    if (size > 0) {
        memcpy(&word, data, size);
    }
    return fold(hash ^ word, MIX_B);
}

static inline uint64_t hash_number(uint64_t number) {
    return fold(number ^ MIX_A, MIX_B);
}

/* Looked up by name only when another type is sent than before: nearly never. */
__attribute__((noinline)) static void find_key(struct wire *wire, const struct msg_type *type) {
    wire->key_field = type_find_field(&type->abi, troupe_str(wire->key));
    wire->key_type = type;
}

/* Of a number `size` bytes wide; as it stands there, so that it says the same in each run. */
static inline uint64_t hash_bits(const void *at, size_t size) {
    uint64_t bits = 0;
    memcpy(&bits, at, size);
    return hash_number(bits);
}

static uint64_t hash_field(const struct troupe_field *field, const void *body) {
    const void *at = (const char *)body + field->offset;
    struct troupe_str text;
    struct troupe_ref ref;
    switch (field->kind) {
    case TROUPE_KIND_str:
    case TROUPE_KIND_bytes:
        memcpy(&text, at, sizeof text);
        return hash_text(text.data, text.size);
    case TROUPE_KIND_ref:
        memcpy(&ref, at, sizeof ref);
        return hash_number(ref.uid ^ hash_number(ref.port));
    case TROUPE_KIND_bool:
        return hash_number(*(const unsigned char *)at != 0); /* a plugin's may be any byte */
    case TROUPE_KIND_u8:
    case TROUPE_KIND_i8:
        return hash_bits(at, 1);
    case TROUPE_KIND_u16:
    case TROUPE_KIND_i16:
        return hash_bits(at, 2);
    case TROUPE_KIND_u32:
    case TROUPE_KIND_i32:
    case TROUPE_KIND_f32:
        return hash_bits(at, 4);
    default: /* 64 bits of whatever, or the beginning of a list */
        return hash_bits(at, 8);
    }
}

static inline uint64_t key_hash(struct wire *wire, const struct msg_type *type, const void *body) {
    if (wire->key_type != type) {
        find_key(wire, type);
    }
    return wire->key_field ? hash_field(wire->key_field, body) : 0;
}

/* Rendezvous: each open slot bids for the key, the highest wins; so a slot that closes moves only its
 * own keys. The bid depends on the key and the replica's place, which is the same in each run. Whether
 * it is closed only those are asked that would win. */
__attribute__((noinline)) static struct wire_target *pick_hash(struct wire *wire, uint64_t key) {
    struct wire_target *end = wire->targets + wire->count;
    struct wire_target *best = NULL;
    uint64_t best_bid = 0;
    uint64_t seed = 0;
    for (struct wire_target *target = wire->targets; target < end; target++) {
        seed += MIX_A;
        uint64_t bid = fold(key ^ seed, MIX_C);
        if (bid >= best_bid && !mbox_is_closed(target->mbox)) {
            best = target;
            best_bid = bid;
        }
    }
    return best;
}

/* Where the next turn begins; the turns go on also when one is passed over. */
static inline uint32_t next_turn(struct wire *wire) {
    uint32_t at = wire->cursor;
    wire->cursor = at + 1 < wire->count ? at + 1 : 0;
    return at;
}

/* The next live one in turn, one with room where there is any; where none lives, one that will. */
__attribute__((noinline)) static struct wire_target *pick_round_robin(struct wire *wire) {
    struct wire_target *live = NULL;
    struct wire_target *open = NULL;
    uint32_t at = next_turn(wire);
    for (uint32_t left = wire->count; left > 0; left--) {
        struct wire_target *target = &wire->targets[at];
        at = at + 1 < wire->count ? at + 1 : 0;
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
