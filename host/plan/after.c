/* The order in which actors start: after what they name in `after`, members after their group, else
 * in order of appearance.
 *
 * Each unit has two nodes: its own start, and the end of its start, when all below it have started
 * too. `after: [group]` waits for the latter; so a group of n members costs n edges, not n for each
 * that waits for it. */
#include "base/str.h"
#include "plan/build.h"

enum colour { WHITE, GREY, BLACK };

struct frame {
    uint32_t node;
    uint32_t next; /* starts: number of the edge to follow next; ends: unit to look at next */
};

struct search {
    struct build *b;
    uint8_t *colours; /* per node */
    struct frame *stack;
    size_t depth;
    size_t ordered;
};

static uint32_t start_of(uint32_t unit) {
    return unit * 2;
}

static uint32_t end_of(uint32_t unit) {
    return unit * 2 + 1;
}

static int resolve_after(struct build *b, struct unit *unit) {
    const struct manifest_actor *spec = unit->spec;
    unit->after = arena_array(&b->scratch, spec->after_count, sizeof *unit->after);
    if (!unit->after) {
        return build_no_memory(b);
    }
    for (size_t i = 0; i < spec->after_count; i++) {
        uint32_t at = build_find_unit(b, spec->after[i].mark, spec->after[i].text);
        if (at != PLAN_NONE) {
            unit->after[unit->after_count++] = at;
        }
    }
    return 0;
}

/* The node that the frame's node waits for next; PLAN_NONE when there is no more. */
static uint32_t next_node(const struct build *b, struct frame *frame) {
    uint32_t at = frame->node / 2;
    const struct unit *unit = &b->units[at];
    if (frame->node == start_of(at)) {
        uint32_t edge = frame->next++;
        if (edge == 0) {
            return unit->parent == PLAN_NONE ? next_node(b, frame) : start_of(unit->parent);
        }
        return edge <= unit->after_count ? end_of(unit->after[edge - 1]) : PLAN_NONE;
    }
    if (frame->next == at) {
        frame->next = at + 1;
        return start_of(at);
    }
    if (frame->next >= unit->end) {
        return PLAN_NONE;
    }
    uint32_t child = frame->next;
    frame->next = b->units[child].end;
    return end_of(child);
}

static void push(struct search *s, uint32_t node) {
    s->colours[node] = GREY;
    s->stack[s->depth++] = (struct frame){node, node == end_of(node / 2) ? node / 2 : 0};
}

/* The last `after` on the way round: one of them must go. */
static struct mark cycle_mark(const struct search *s, size_t from) {
    const struct build *b = s->b;
    for (size_t i = s->depth; i-- > from;) {
        const struct frame *frame = &s->stack[i];
        const struct unit *unit = &b->units[frame->node / 2];
        if (frame->node == start_of(frame->node / 2) && frame->next >= 2) {
            /* Names that are not there left no edge; so the reference is found by its unit. */
            uint32_t to = unit->after[frame->next - 2];
            for (size_t k = 0; k < unit->spec->after_count; k++) {
                uintptr_t at = (uintptr_t)map_find(&b->unit_index, unit->spec->after[k].text);
                if (at == (uintptr_t)to + 1) {
                    return unit->spec->after[k].mark;
                }
            }
        }
    }
    return b->units[s->stack[from].node / 2].spec->mark;
}

static int report_cycle(struct search *s, uint32_t node) {
    size_t from = s->depth - 1;
    while (s->stack[from].node != node) {
        from--;
    }
    struct str text;
    uint32_t last = PLAN_NONE;
    str_init(&text);
    for (size_t i = from; i < s->depth; i++) {
        uint32_t unit = s->stack[i].node / 2;
        if (unit != last) {
            str_addf(&text, "'%s' after ", s->b->units[unit].path);
        }
        last = unit;
    }
    str_addf(&text, "'%s'", s->b->units[node / 2].path);
    diags_add(s->b->diags, DIAG_ERROR, cycle_mark(s, from),
              "these wait for each other to start: %s", str_text(&text));
    int status = text.failed ? build_no_memory(s->b) : 0;
    str_fini(&text);
    return status;
}

static int search_from(struct search *s, uint32_t node) {
    push(s, node);
    while (s->depth) {
        struct frame *frame = &s->stack[s->depth - 1];
        uint32_t next = next_node(s->b, frame);
        if (next == PLAN_NONE) {
            s->colours[frame->node] = BLACK;
            if (frame->node == start_of(frame->node / 2)) {
                s->b->unit_order[s->ordered++] = frame->node / 2;
            }
            s->depth--;
        } else if (s->colours[next] == WHITE) {
            push(s, next);
        } else if (s->colours[next] == GREY && report_cycle(s, next) < 0) {
            return -1;
        }
    }
    return 0;
}

int build_after(struct build *b) {
    for (size_t i = 0; i < b->unit_count; i++) {
        if (resolve_after(b, &b->units[i]) < 0) {
            return -1;
        }
    }
    struct search s = {.b = b};
    s.colours = arena_array(&b->scratch, b->unit_count * 2, sizeof *s.colours);
    s.stack = arena_array(&b->scratch, b->unit_count * 2, sizeof *s.stack);
    b->unit_order = arena_array(&b->scratch, b->unit_count, sizeof *b->unit_order);
    if (!s.colours || !s.stack || !b->unit_order) {
        return build_no_memory(b);
    }
    for (uint32_t i = 0; i < b->unit_count; i++) {
        if (s.colours[start_of(i)] == WHITE && search_from(&s, start_of(i)) < 0) {
            return -1;
        }
    }
    return 0;
}
