/* A manifest as a tree of maps, lists and scalars, each with its place; knows no keys. */
#pragma once

#include "manifest/arena.h"
#include "manifest/manifest.h"

/* NODE_BAD stands where an error was reported already: nobody reports it again. */
enum node_kind { NODE_BAD, NODE_NULL, NODE_SCALAR, NODE_LIST, NODE_MAP };

struct entry { /* of a map, or (key NULL) of a list */
    const char *key;
    struct mark mark; /* of the key */
    struct node *value;
};

struct node {
    enum node_kind kind;
    struct mark mark;
    bool quoted;       /* scalar: written with quotes or as a block */
    const char *text;  /* scalar: after substitution */
    bool from_outside; /* scalar: begins with the value of a variable that is set */
    const char *raw;   /* scalar: as written, when a variable was substituted; else NULL */
    struct entry *entries;
    size_t count;
    size_t room;
    uint32_t *slots; /* of a map with many keys: index into entries + 1 */
    size_t slot_count;
};

struct node *node_create(struct arena *arena, enum node_kind kind, struct mark mark);
/* Adds to a map or list. The key is not looked for. -1 without memory. */
int node_add(struct arena *arena, struct node *node, const char *key, struct mark mark,
             struct node *value);
/* NULL when absent, or when the node is no map. */
struct entry *node_find(const struct node *map, const char *key);
/* The value, NULL when absent. */
const struct node *node_value(const struct node *map, const char *key);
/* Takes the entry out of a map, the others keep their order; NULL when absent. */
struct node *node_remove(struct arena *arena, struct node *map, const char *key);
/* "a map", "a list", "a text", "nothing". */
const char *node_kind_text(const struct node *node);
/* The place `offset` characters into a scalar, as well as it can be told. */
struct mark node_mark_at(const struct node *scalar, size_t offset);
