/* The graph of the links: inputs of each unit, what hangs together, what goes in circles.
 *
 * All of it is done on units. A pool with any wire hangs together through the unit at the wire's other
 * end, and a pool in a circle has all replicas in it; only a pool without wires falls apart, and a
 * pool outside of circles has replicas that are circles of one each. */
#include "plan/build.h"

struct edges { /* out of unit i: to[first[i]] to to[first[i + 1] - 1] */
    uint32_t *first;
    uint32_t *to;
};

/* Tarjan's search, without recursion. */
struct search {
    struct build *b;
    struct edges edges;
    uint32_t *index; /* per unit: from 1 in order of discovery, 0 unseen */
    uint32_t *low;
    uint32_t *next; /* per unit: the edge to follow next */
    bool *is_open;  /* on `open` */
    uint32_t *open;
    size_t open_count;
    uint32_t *path;
    size_t depth;
    uint32_t found;
};

static int list_edges(struct build *b, struct edges *ret) {
    ret->first = arena_array(&b->scratch, b->unit_count + 2, sizeof *ret->first);
    ret->to = arena_array(&b->scratch, b->link_count, sizeof *ret->to);
    if (!ret->first || !ret->to) {
        return build_no_memory(b);
    }
    for (size_t i = 0; i < b->link_count; i++) {
        ret->first[b->links[i].from + 2]++;
    }
    for (size_t i = 1; i < b->unit_count + 2; i++) {
        ret->first[i] += ret->first[i - 1];
    }
    /* Counting moved each start one up: filling moves it back. */
    for (size_t i = 0; i < b->link_count; i++) {
        ret->to[ret->first[b->links[i].from + 1]++] = b->links[i].to;
    }
    return 0;
}

static void enter(struct search *s, uint32_t unit) {
    s->index[unit] = s->low[unit] = ++s->found;
    s->next[unit] = s->edges.first[unit];
    s->open[s->open_count++] = unit;
    s->is_open[unit] = true;
    s->path[s->depth++] = unit;
}

/* The unit closes a component: all that was opened since. It takes the number of its first member,
 * which is made dense in order of appearance later. */
static void close_component(struct search *s, uint32_t unit) {
    size_t from = s->open_count;
    uint32_t least = unit;
    do {
        from--;
        least = s->open[from] < least ? s->open[from] : least;
    } while (s->open[from] != unit);
    for (size_t i = from; i < s->open_count; i++) {
        struct unit *member = &s->b->units[s->open[i]];
        member->cycle = least;
        member->in_cycle = s->open_count - from > 1;
        s->is_open[s->open[i]] = false;
    }
    s->open_count = from;
}

static void leave(struct search *s, uint32_t unit) {
    s->depth--;
    if (s->low[unit] == s->index[unit]) {
        close_component(s, unit);
    }
    if (s->depth) {
        uint32_t above = s->path[s->depth - 1];
        s->low[above] = s->low[unit] < s->low[above] ? s->low[unit] : s->low[above];
    }
}

static void search_from(struct search *s, uint32_t unit) {
    enter(s, unit);
    while (s->depth) {
        uint32_t at = s->path[s->depth - 1];
        if (s->next[at] == s->edges.first[at + 1]) {
            leave(s, at);
            continue;
        }
        uint32_t to = s->edges.to[s->next[at]++];
        if (!s->index[to]) {
            enter(s, to);
        } else if (s->is_open[to] && s->index[to] < s->low[at]) {
            s->low[at] = s->index[to];
        }
    }
}

static int find_cycles(struct build *b) {
    struct search s = {.b = b};
    size_t count = b->unit_count;
    s.index = arena_array(&b->scratch, count, sizeof *s.index);
    s.low = arena_array(&b->scratch, count, sizeof *s.low);
    s.next = arena_array(&b->scratch, count, sizeof *s.next);
    s.is_open = arena_array(&b->scratch, count, sizeof *s.is_open);
    s.open = arena_array(&b->scratch, count, sizeof *s.open);
    s.path = arena_array(&b->scratch, count, sizeof *s.path);
    if (!s.index || !s.low || !s.next || !s.is_open || !s.open || !s.path) {
        return build_no_memory(b);
    }
    if (list_edges(b, &s.edges) < 0) {
        return -1;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!s.index[i]) {
            search_from(&s, i);
        }
    }
    for (size_t i = 0; i < b->link_count; i++) {
        if (b->links[i].from == b->links[i].to) {
            b->units[b->links[i].from].in_cycle = true;
        }
    }
    return 0;
}

static uint32_t find_root(struct unit *units, uint32_t at) {
    while (units[at].component != at) {
        units[at].component = units[units[at].component].component;
        at = units[at].component;
    }
    return at;
}

/* The root of a set is its first unit. */
static void find_components(struct build *b) {
    for (uint32_t i = 0; i < b->unit_count; i++) {
        b->units[i].component = i;
    }
    for (size_t i = 0; i < b->link_count; i++) {
        uint32_t from = find_root(b->units, b->links[i].from);
        uint32_t to = find_root(b->units, b->links[i].to);
        uint32_t least = from < to ? from : to;
        b->units[from].component = least;
        b->units[to].component = least;
    }
    for (uint32_t i = 0; i < b->unit_count; i++) {
        b->units[i].component = find_root(b->units, i);
    }
}

static int count_inputs(struct build *b) {
    uint32_t *seen = arena_array(&b->scratch, b->unit_count, sizeof *seen);
    if (!seen) {
        return build_no_memory(b);
    }
    for (uint32_t i = 0; i < b->unit_count; i++) {
        struct unit *unit = &b->units[i];
        const struct plan_type *type = build_type_of(b, i);
        for (size_t row = 0; type && row < type->note->row_count; row++) {
            uint32_t at = unit->ports[row].first_in;
            for (; at != PLAN_NONE; at = b->links[at].next_in) {
                uint32_t from = b->links[at].from;
                if (seen[from] != i + 1) {
                    seen[from] = i + 1;
                    unit->wired_inputs += b->units[from].count - (from == i);
                }
            }
        }
    }
    return 0;
}

/* Whether it gives out references to itself: messages may come by these. */
static bool gives_references(const struct note_actor *note) {
    for (size_t i = 0; i < note->row_count; i++) {
        if (note->rows[i].kind == TROUPE_ROW_child || note->rows[i].kind == TROUPE_ROW_to) {
            return true;
        }
    }
    return false;
}

static bool has_wire_in(const struct build *b, const struct unit *unit) {
    for (size_t row = 0; row < b->plan->types[unit->type].note->row_count; row++) {
        if (unit->ports[row].first_in != PLAN_NONE) {
            return true;
        }
    }
    return false;
}

/* A unit with handlers to which no wire leads is most likely a wire forgotten. Beside errors it would
 * often only be their echo. */
static int warn_unreached(struct build *b) {
    for (uint32_t i = 0; i < b->unit_count && !b->diags->errors; i++) {
        const struct unit *unit = &b->units[i];
        const struct plan_type *type = build_type_of(b, i);
        const char *list;
        const char *near;
        if (!type || has_wire_in(b, unit) || gives_references(type->note)) {
            continue;
        }
        if (build_row_names(b, type->note, note_row_is_handler, "", &list, &near) < 0) {
            return -1;
        }
        if (*list) {
            diags_add(b->diags, DIAG_WARNING, unit->spec->mark,
                      "nothing is wired to '%s' (%s), which has the inputs %s", unit->path,
                      type->note->id, list);
        }
    }
    return 0;
}

int build_graph(struct build *b) {
    find_components(b);
    return find_cycles(b) < 0 || count_inputs(b) < 0 ? -1 : warn_unreached(b);
}
