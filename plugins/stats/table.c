/* A bounded map from text to a value of fixed size, which knows what was used last. */
#include "stats/table.h"

#include <assert.h>
#include <string.h>

#define FIRST_BUCKETS 64

void table_init(struct table *table, struct table_memory memory, uint64_t value_size, uint64_t max,
                uint64_t seed) {
    memset(table, 0, sizeof *table);
    table->memory = memory;
    table->value_size = (value_size + 7) / 8 * 8;
    table->max = max;
    table->seed = seed;
}

void table_clear(struct table *table, void *context) {
    while (table->newest) {
        table_remove(table, context, table->newest);
    }
    table->memory.free(context, table->buckets);
    table->buckets = NULL;
    table->bucket_count = 0;
}

bool table_is_full(const struct table *table) {
    return table->count >= table->max;
}

static uint64_t mix(uint64_t a, uint64_t b) {
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd1b54a32d192ed03u);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_of(uint64_t seed, struct troupe_str key) {
    uint64_t hash = mix(seed, key.size);
    for (uint64_t at = 0; at < key.size; at += 8) {
        uint64_t word = 0;
        uint64_t left = key.size - at;
        memcpy(&word, key.data + at, left < 8 ? left : 8);
        hash = mix(hash ^ seed, word);
    }
    return hash;
}

static struct table_entry **bucket_of(struct table *table, uint64_t hash) {
    return &table->buckets[hash & (table->bucket_count - 1)];
}

static void list_as_newest(struct table *table, struct table_entry *entry) {
    entry->newer = NULL;
    entry->older = table->newest;
    if (table->newest) {
        table->newest->newer = entry;
    } else {
        table->oldest = entry;
    }
    table->newest = entry;
}

static void unlist(struct table *table, struct table_entry *entry) {
    struct table_entry **from_newer = entry->newer ? &entry->newer->older : &table->newest;
    struct table_entry **from_older = entry->older ? &entry->older->newer : &table->oldest;
    *from_newer = entry->older;
    *from_older = entry->newer;
}

struct table_entry *table_find(struct table *table, struct troupe_str key) {
    if (table->count == 0) {
        return NULL;
    }
    uint64_t hash = hash_of(table->seed, key);
    struct table_entry *entry = *bucket_of(table, hash);
    while (entry && (entry->hash != hash || !troupe_str_eq(entry->key, key))) {
        entry = entry->next_in_bucket;
    }
    if (entry && entry != table->newest) {
        unlist(table, entry);
        list_as_newest(table, entry);
    }
    return entry;
}

/* Without memory for more buckets the table goes on with those it has. */
static bool grow(struct table *table, void *context) {
    uint64_t count = table->bucket_count ? table->bucket_count * 2 : FIRST_BUCKETS;
    struct table_entry **buckets = table->memory.alloc(context, count * sizeof(void *));
    if (!buckets) {
        return table->bucket_count > 0;
    }
    memset(buckets, 0, count * sizeof(void *));
    table->memory.free(context, table->buckets);
    table->buckets = buckets;
    table->bucket_count = count;
    for (struct table_entry *e = table->newest; e; e = e->older) {
        struct table_entry **bucket = bucket_of(table, e->hash);
        e->next_in_bucket = *bucket;
        *bucket = e;
    }
    return true;
}

static struct table_entry *create_entry(struct table *table, void *context, struct troupe_str key) {
    struct table_entry *entry =
        table->memory.alloc(context, sizeof *entry + table->value_size + key.size + 1);
    if (!entry) {
        return NULL;
    }
    memset(entry, 0, sizeof *entry + table->value_size);
    char *copy = (char *)entry->value + table->value_size;
    if (key.size > 0) {
        memcpy(copy, key.data, key.size);
    }
    copy[key.size] = '\0';
    entry->key = troupe_str_n(copy, key.size);
    entry->hash = hash_of(table->seed, key);
    return entry;
}

struct table_entry *table_add(struct table *table, void *context, struct troupe_str key) {
    assert(!table_is_full(table));
    if (table->count >= table->bucket_count && !grow(table, context)) {
        return NULL;
    }
    struct table_entry *entry = create_entry(table, context, key);
    if (!entry) {
        return NULL;
    }
    struct table_entry **bucket = bucket_of(table, entry->hash);
    entry->next_in_bucket = *bucket;
    *bucket = entry;
    list_as_newest(table, entry);
    table->count++;
    return entry;
}

void table_remove(struct table *table, void *context, struct table_entry *entry) {
    struct table_entry **link = bucket_of(table, entry->hash);
    while (*link != entry) {
        link = &(*link)->next_in_bucket;
    }
    *link = entry->next_in_bucket;
    unlist(table, entry);
    table->count--;
    table->memory.free(context, entry);
}
