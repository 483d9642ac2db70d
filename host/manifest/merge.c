/* Two trees become one. */
#include "manifest/merge.h"

#include "base/map.h"
#include "manifest/wires.h"

struct merging {
    struct arena *arena;
    enum merge_mode mode;
    struct diags *diags;
};

static void merge_maps(struct merging *mg, struct node *base, const struct node *add);

static void replace(struct merging *mg, struct entry *old, const struct entry *new) {
    if (mg->mode == MERGE_OVERRIDE) {
        old->mark = new->mark;
        old->value = new->value;
        return;
    }
    if (old->value->kind != NODE_BAD && new->value->kind != NODE_BAD) {
        diags_add(mg->diags, DIAG_ERROR, new->mark,
                  "'%s' is set already, at %s:%u:%u; an included file and its includer cannot set "
                  "a key twice",
                  new->key, old->mark.file, old->mark.line, old->mark.column);
    }
}

static int override_wire(struct merging *mg, struct node *base, const struct map *known,
                         struct node *wire) {
    char *name = wire_name(mg->arena, wire);
    struct node *old = name ? map_find(known, name) : NULL;
    if (old) {
        *old = *wire;
        return 0;
    }
    return node_add(mg->arena, base, NULL, wire->mark, wire);
}

static int override_wires(struct merging *mg, struct node *base, const struct node *add,
                          struct map *known) {
    for (size_t i = 0; i < base->count; i++) {
        char *name = wire_name(mg->arena, base->entries[i].value);
        if (name && map_set(known, name, base->entries[i].value) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < add->count; i++) {
        if (override_wire(mg, base, known, add->entries[i].value) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Wires are known by their ends. An included file's are joined; twins are found when they are read. */
static void merge_wires(struct merging *mg, struct node *base, const struct node *add) {
    if (mg->mode == MERGE_INCLUDE) {
        for (size_t i = 0; i < add->count; i++) {
            struct node *wire = add->entries[i].value;
            (void)node_add(mg->arena, base, NULL, wire->mark, wire);
        }
        return;
    }
    struct map known;
    map_init(&known);
    if (override_wires(mg, base, add, &known) < 0) {
        mg->arena->failed = true;
    }
    map_fini(&known);
}

static void merge_entry(struct merging *mg, struct node *base, const struct entry *add) {
    struct entry *old = node_find(base, add->key);
    if (!old) {
        (void)node_add(mg->arena, base, add->key, add->mark, add->value);
    } else if (old->value->kind == NODE_MAP && add->value->kind == NODE_MAP) {
        merge_maps(mg, old->value, add->value);
    } else {
        replace(mg, old, add);
    }
}

static void merge_maps(struct merging *mg, struct node *base, const struct node *add) {
    for (size_t i = 0; i < add->count; i++) {
        merge_entry(mg, base, &add->entries[i]);
    }
}

void merge_trees(struct arena *arena, struct node *base, struct node *add, enum merge_mode mode,
                 struct diags *diags) {
    struct merging mg = {arena, mode, diags};
    struct entry *wires = node_find(base, "wires");
    struct node *more = wires ? node_remove(arena, add, "wires") : NULL;
    if (more && more->kind == NODE_LIST && wires->value->kind == NODE_LIST) {
        merge_wires(&mg, wires->value, more);
    } else if (more) {
        replace(&mg, wires, &(struct entry){"wires", more->mark, more});
    }
    merge_maps(&mg, base, add);
}
