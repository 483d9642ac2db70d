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
            unit->after[unit->after_count++] = (struct after){at, spec->after[i].mark, false};
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
        return edge <= unit->after_count ? end_of(unit->after[edge - 1].unit) : PLAN_NONE;
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

/* The last `after` on the way round: that one closes the cycle. There is one, as groups and members
 * alone make none. */
static struct after *closing_after(const struct search *s) {
    size_t i = s->depth - 1;
    while (s->stack[i].node % 2 || s->stack[i].next < 2) {
        i--;
    }
    return &s->b->units[s->stack[i].node / 2].after[s->stack[i].next - 2];
}

static void add_cycle(const struct search *s, uint32_t node, struct str *text) {
    size_t i = s->depth - 1;
    uint32_t last = node / 2;
    while (s->stack[i].node != node) {
        i--;
    }
    str_addf(text, "'%s'", s->b->units[last].path);
    for (i++; i < s->depth; i++) {
        uint32_t unit = s->stack[i].node / 2;
        if (unit != last && unit != node / 2) {
            str_addf(text, " after '%s'", s->b->units[unit].path);
        }
        last = unit;
    }
    str_addf(text, " after '%s'", s->b->units[node / 2].path);
}

static int report_cycle(struct search *s, uint32_t node) {
    struct after *closing = closing_after(s);
    struct str text;
    if (closing->reported) {
        return 0;
    }
    closing->reported = true;
    str_init(&text);
    add_cycle(s, node, &text);
    diags_add(s->b->diags, DIAG_ERROR, closing->mark, "these wait for each other to start: %s",
              str_text(&text));
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
