/* Deep copies of message bodies: the struct, then its strays, in one block (MB-8). */
#include <string.h>

#include "base/hot.h"
#include "message/type.h"

/* One walk serves measuring and copying, so that the two can't disagree. `at` grows past any real
 * size when a sender's sizes are nonsense, and then stays at UINT64_MAX. */
struct block {
    char *base; /* NULL: measure only */
    uint64_t at;
};

/* `align` is a power of two. */
static inline uint64_t block_take(struct block *block, uint64_t align, uint64_t size) {
    uint64_t start;
    uint64_t end;
    if (block->at == UINT64_MAX || __builtin_add_overflow(block->at, align - 1, &start) ||
        __builtin_add_overflow(start & ~(align - 1), size, &end)) {
        block->at = UINT64_MAX;
        return UINT64_MAX;
    }
    block->at = end;
    return start & ~(align - 1);
}

/* The fields at `at` lie in the block already when copying, else in the sender's memory. */
static inline void copy_text(struct block *block, void *at) {
    struct troupe_str text;
    memcpy(&text, at, sizeof text);
    uint64_t start = block->at;
    text.size = text.data ? text.size : 0;
    if (text.size >= UINT64_MAX - start) { /* with its end; and when all is hopeless already */
        block->at = UINT64_MAX;
        return;
    }
    block->at = start + text.size + 1;
    if (!block->base) {
        return;
    }
    char *to = block->base + start;
    if (text.size) {
        memcpy(to, text.data, text.size);
    }
    to[text.size] = '\0';
    text.data = to;
    memcpy(at, &text, sizeof text);
}

static void copy_strays(struct block *block, const struct msg_type *type, void *body);

static void copy_list(struct block *block, const struct msg_type *item, void *at) {
    struct troupe_list list;
    memcpy(&list, at, sizeof list);
    list.count = list.items ? list.count : 0;
    uint64_t size;
    if (__builtin_mul_overflow(list.count, item->abi.body_size, &size)) {
        size = UINT64_MAX;
    }
    uint64_t start = block_take(block, list.count ? 8 : 1, size);
    /* A hopeless size must not be walked: the items are not there. */
    if (block->at == UINT64_MAX) {
        return;
    }
    char *items = (char *)(uintptr_t)list.items;
    if (block->base) {
        items = list.count ? block->base + start : NULL;
        if (items) {
            memcpy(items, list.items, size);
        }
        list.items = items;
        memcpy(at, &list, sizeof list);
    }
    for (uint64_t i = 0; item->has_pointers && i < list.count && block->at != UINT64_MAX; i++) {
        copy_strays(block, item, items + i * item->abi.body_size);
    }
}

static void copy_strays(struct block *block, const struct msg_type *type, void *body) {
    const struct msg_pointer *end = type->pointers + type->pointer_count;
    for (const struct msg_pointer *at = type->pointers; at != end; at++) {
        if (at->item) {
            copy_list(block, at->item, (char *)body + at->offset);
        } else {
            copy_text(block, (char *)body + at->offset);
        }
    }
}

static uint64_t room_of(const struct msg_type *type, uint64_t body_room) {
    return body_room > type->abi.body_size ? body_room : type->abi.body_size;
}

HOT __attribute__((noinline)) uint64_t type_copy_size(const struct msg_type *type, const void *body,
                                                      uint64_t body_room) {
    struct block block = {.at = room_of(type, body_room)};
    if (type->has_pointers) {
        /* measuring only reads: without a base nothing is written through this pointer */
        copy_strays(&block, type, (void *)(uintptr_t)body);
    }
    return block.at;
}

HOT __attribute__((noinline)) void type_copy(const struct msg_type *type, const void *body,
                                             void *to, uint64_t body_room) {
    uint64_t room = room_of(type, body_room);
    memcpy(to, body, type->end);
    if (room > type->end) { /* else a call for nothing */
        memset((char *)to + type->end, 0, room - type->end);
    }
    if (type->has_pointers) {
        struct block block = {.base = to, .at = room};
        copy_strays(&block, type, to);
    }
}

/* The shorter of two compatible types has the fields that both have. */
static const struct msg_type *shorter(const struct msg_type *a, const struct msg_type *b) {
    return a->abi.field_count < b->abi.field_count ? a : b;
}

uint64_t type_convert_size(const struct msg_type *from, const struct msg_type *to_type,
                           const void *body) {
    return type_copy_size(shorter(from, to_type), body, to_type->abi.body_size);
}

void type_convert(const struct msg_type *from, const struct msg_type *to_type, const void *body,
                  void *to) {
    type_copy(shorter(from, to_type), body, to, to_type->abi.body_size);
}
