/* A bounded map from text to a value of fixed size, which knows what was used last.
 *
 * T-1  There are never more than `max` entries.
 * T-2  Entries are listed from the most to the least recently used one; find and add use.
 * T-3  Entries stay where they are until removed: a pointer to a value is good until then.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <troupe/abi.h>

/* Where the table gets its memory: an actor's state memory, or malloc in a test. */
struct table_memory {
    void *(*alloc)(void *context, uint64_t size);
    void (*free)(void *context, void *memory);
};

struct table_entry {
    struct table_entry *next_in_bucket;
    struct table_entry *newer, *older;
    uint64_t hash;
    struct troupe_str key; /* behind the value */
    uint64_t value[];      /* value_size bytes, zeroed when added */
};

struct table {
    struct table_memory memory;
    uint64_t value_size, max;
    uint64_t seed; /* senders choose the keys: they must not choose the buckets */
    struct table_entry **buckets;
    uint64_t bucket_count; /* a power of two, or 0 */
    uint64_t count;
    struct table_entry *newest, *oldest;
};

void table_init(struct table *table, struct table_memory memory, uint64_t value_size, uint64_t max,
                uint64_t seed);
/* Takes every entry away. `context` is handed to the memory functions. */
void table_clear(struct table *table, void *context);

/* NULL when absent. */
struct table_entry *table_find(struct table *table, struct troupe_str key);
/* A new entry for a key that is absent, in a table that is not full; NULL: no memory. */
struct table_entry *table_add(struct table *table, void *context, struct troupe_str key);
void table_remove(struct table *table, void *context, struct table_entry *entry);
bool table_is_full(const struct table *table);
