/* `wires`: from an output port to a handler port, as "a.out -> b.in" or as a map. */
#include "manifest/wires.h"

#include <string.h>

#include "base/map.h"
#include "manifest/explain.h"

static const char *const route_words[] = {"round_robin", "hash", "broadcast", NULL};
static const char SPACES[] = " \t\r\n";

struct end { /* part of a text */
    const char *text;
    size_t size;
};

/* Both ends of "a -> b", trimmed; false when there is no single arrow. */
static bool split(const char *text, struct end *ret_from, struct end *ret_to) {
    const char *arrow = strstr(text, "->");
    if (!arrow || strstr(arrow + 2, "->")) {
        return false;
    }
    const char *from = text + strspn(text, SPACES);
    const char *from_end = arrow;
    while (from_end > from && strchr(SPACES, from_end[-1])) {
        from_end--;
    }
    const char *to = arrow + 2 + strspn(arrow + 2, SPACES);
    const char *to_end = to + strlen(to);
    while (to_end > to && strchr(SPACES, to_end[-1])) {
        to_end--;
    }
    *ret_from = (struct end){from, from < from_end ? (size_t)(from_end - from) : 0};
    *ret_to = (struct end){to, (size_t)(to_end - to)};
    return true;
}

static bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* names with '/' between them, a dot, a port */
static bool is_end(const char *text) {
    size_t run = 0;
    bool has_port = false;
    for (; *text; text++) {
        if (is_name_char(*text)) {
            run++;
        } else if (run && !has_port && (*text == '/' || *text == '.')) {
            has_port = *text == '.';
            run = 0;
        } else {
            return false;
        }
    }
    return has_port && run;
}

static void set_end(struct reader *r, struct manifest_ref *ref, struct end end, struct mark mark) {
    char *text = arena_text_n(r->arena, end.text, end.size);
    if (!text) {
        return;
    }
    if (!is_end(text)) {
        diags_add(r->diags, DIAG_ERROR, mark,
                  "'%s' is no end of a wire; write actor.port or group/actor.port", text);
        return;
    }
    *ref = (struct manifest_ref){text, mark};
}

static void read_text(struct reader *r, const struct node *node, struct manifest_wire *wire) {
    struct end from;
    struct end to;
    if (!split(node->text, &from, &to)) {
        diags_add(r->diags, DIAG_ERROR, node->mark,
                  "'%s' is no wire; write: actor.output -> actor.handler", node->text);
        return;
    }
    set_end(r, &wire->from, from, node_mark_at(node, (size_t)(from.text - node->text)));
    set_end(r, &wire->to, to, node_mark_at(node, (size_t)(to.text - node->text)));
}

static void read_end(struct reader *r, const struct field *field, const struct entry *entry,
                     void *target) {
    (void)field;
    if (schema_is(r, entry, NODE_SCALAR, "a port, such as tail.line")) {
        struct end end = {entry->value->text, strlen(entry->value->text)};
        set_end(r, target, end, entry->value->mark);
    }
}

static void read_route(struct reader *r, const struct field *field, const struct entry *entry,
                       void *target) {
    (void)field;
    struct manifest_wire *wire = target;
    int word = schema_is(r, entry, NODE_SCALAR, "round_robin, hash or broadcast")
                   ? schema_word(r, entry->key, entry->value, route_words)
                   : -1;
    wire->route_mark = entry->value->mark;
    if (word >= 0) {
        wire->has_route = true;
        wire->route = (enum route_mode)(ROUTE_ROUND_ROBIN + word);
    }
}

static void read_key(struct reader *r, const struct field *field, const struct entry *entry,
                     void *target) {
    (void)field;
    struct manifest_wire *wire = target;
    if (schema_is(r, entry, NODE_SCALAR, "the name of a field")) {
        wire->key = (struct manifest_ref){schema_text(r, entry->value), entry->value->mark};
    }
}

static const struct field wire_fields[] = {
    {"from", FIELD_CUSTOM, offsetof(struct manifest_wire, from), .read = read_end,
     .required = true},
    {"to", FIELD_CUSTOM, offsetof(struct manifest_wire, to), .read = read_end, .required = true},
    {"route", FIELD_CUSTOM, .read = read_route},
    {"key", FIELD_CUSTOM, .read = read_key},
    {0},
};

static void check_key(struct reader *r, const struct node *map, const struct manifest_wire *wire) {
    const struct entry *route = node_find(map, "route");
    const struct entry *key = node_find(map, "key");
    bool is_hash = wire->has_route && wire->route == ROUTE_HASH;
    if (is_hash && !key) {
        diags_add(r->diags, DIAG_ERROR, wire->route_mark,
                  "'route: hash' needs a 'key', the field that decides");
    } else if (key && !is_hash && (!route || wire->has_route)) {
        diags_add(r->diags, DIAG_ERROR, key->mark, "'key' has a meaning with 'route: hash' only");
    }
}

/* False when anything is wrong with the wire; it is left out then, for a guess at what was meant
 * would only lead to findings that make no sense. */
static bool read_wire(struct reader *r, const struct node *node, struct manifest_wire *wire) {
    size_t errors = r->diags->errors;
    wire->mark = node->mark;
    if (node->kind == NODE_SCALAR) {
        read_text(r, node, wire);
    } else if (node->kind == NODE_MAP) {
        schema_read(r, wire_fields, node, "a wire", node->mark, wire);
        check_key(r, node, wire);
    } else if (node->kind != NODE_BAD) {
        diags_add(r->diags, DIAG_ERROR, node->mark,
                  "a wire is 'actor.output -> actor.handler' or a map, not %s",
                  node_kind_text(node));
    }
    return r->diags->errors == errors && wire->from.text && wire->to.text;
}

static char *join(struct arena *arena, struct end from, struct end to) {
    char *name = arena_alloc(arena, from.size + to.size + 5);
    if (name) {
        memcpy(name, from.text, from.size);
        memcpy(name + from.size, " -> ", 4);
        memcpy(name + from.size + 4, to.text, to.size);
    }
    return name;
}

char *wire_name(struct arena *arena, const struct node *wire) {
    struct end from;
    struct end to;
    if (wire->kind == NODE_SCALAR) {
        return split(wire->text, &from, &to) ? join(arena, from, to) : NULL;
    }
    const struct node *from_node = node_value(wire, "from");
    const struct node *to_node = node_value(wire, "to");
    if (!from_node || !to_node || from_node->kind != NODE_SCALAR || to_node->kind != NODE_SCALAR) {
        return NULL;
    }
    from = (struct end){from_node->text, strlen(from_node->text)};
    to = (struct end){to_node->text, strlen(to_node->text)};
    return join(arena, from, to);
}

static bool is_new(struct reader *r, struct map *known, struct manifest_wire *wire) {
    char *name = join(r->arena, (struct end){wire->from.text, strlen(wire->from.text)},
                      (struct end){wire->to.text, strlen(wire->to.text)});
    const struct manifest_wire *first = name ? map_find(known, name) : NULL;
    if (first) {
        diags_add(r->diags, DIAG_ERROR, wire->mark,
                  "the wire '%s' is given twice; first at %s:%u:%u", name, first->mark.file,
                  first->mark.line, first->mark.column);
        return false;
    }
    if (name && map_set(known, name, wire) < 0) {
        r->arena->failed = true;
    }
    return true;
}

void wires_read(struct reader *r, const struct field *field, const struct entry *entry,
                void *target) {
    (void)field;
    struct manifest *manifest = target;
    if (!schema_is(r, entry, NODE_LIST, "a list of wires, such as [tail.line -> parse.line]")) {
        return;
    }
    const struct node *list = entry->value;
    struct map known;
    map_init(&known);
    manifest->wires = arena_array(r->arena, list->count, sizeof *manifest->wires);
    for (size_t i = 0; manifest->wires && i < list->count; i++) {
        struct manifest_wire *wire = &manifest->wires[manifest->wire_count];
        *wire = (struct manifest_wire){0};
        if (read_wire(r, list->entries[i].value, wire) && is_new(r, &known, wire)) {
            manifest->wire_count++;
        }
    }
    map_fini(&known);
}

void wires_explain(struct explainer *x, const struct field *field, const char *path,
                   const void *target, struct layers layers) {
    (void)field;
    (void)layers;
    const struct manifest *manifest = target;
    for (size_t i = 0; i < manifest->wire_count; i++) {
        const struct manifest_wire *wire = &manifest->wires[i];
        struct str text;
        str_init(&text);
        str_addf(&text, "%s -> %s", wire->from.text, wire->to.text);
        if (wire->has_route) {
            str_addf(&text, ", route: %s", route_words[wire->route - ROUTE_ROUND_ROBIN]);
        }
        if (wire->key.text) {
            str_addf(&text, ", key: %s", wire->key.text);
        }
        explain_add(x, path, NULL, str_text(&text), wire->mark, NULL);
        str_fini(&text);
    }
}
