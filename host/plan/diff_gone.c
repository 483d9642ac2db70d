/* What goes: senders before those they send to, members before their group. */
#include "base/alloc.h"
#include "plan/diff_impl.h"

/* A walk in depth over all units that lose an actor; those behind come first in `done`. */
struct walk {
    struct differ *d;
    uint32_t *lost;   /* per unit: how many of its actors go */
    bool *seen;       /* per unit */
    uint32_t *cursor; /* per unit: the next wire to follow; PLAN_NONE: the group is next */
    bool *left_group; /* per unit: it was followed */
    uint32_t *stack, *done;
    uint32_t depth, done_count;
};

static int walk_init(struct walk *w, struct differ *d) {
    const struct diff_side *side = &d->from;
    size_t count = side->unit_count + 1u;
    w->d = d;
    w->lost = arena_array(&d->scratch, count, sizeof *w->lost);
    w->seen = arena_array(&d->scratch, count, sizeof *w->seen);
    w->cursor = arena_array(&d->scratch, count, sizeof *w->cursor);
    w->left_group = arena_array(&d->scratch, count, sizeof *w->left_group);
    w->stack = arena_array(&d->scratch, count, sizeof *w->stack);
    w->done = arena_array(&d->scratch, count, sizeof *w->done);
    if (d->scratch.failed) {
        return diff_no_memory(d);
    }
    for (uint32_t i = 0; i < side->unit_count; i++) {
        const struct diff_unit *unit = &side->units[i];
        const struct diff_unit *same = diff_same(side, unit, &d->to);
        uint32_t stays = !same ? 0 : same->count < unit->count ? same->count : unit->count;
        w->lost[i] = unit->count - stays;
        w->cursor[i] = unit->first_wire;
    }
    return 0;
}

/* The next unit behind this one: a receiver, then its group. PLAN_NONE: no more. */
static uint32_t next_behind(struct walk *w, uint32_t unit) {
    const struct diff_side *side = &w->d->from;
    const struct plan *plan = side->plan;
    if (w->cursor[unit] != PLAN_NONE) {
        uint32_t wire = w->cursor[unit];
        w->cursor[unit] = side->next_wire[wire];
        return side->unit_of[plan->wires[wire].to[0]];
    }
    uint32_t parent = plan->actors[side->units[unit].first].parent;
    if (parent == PLAN_NONE || w->left_group[unit]) {
        return PLAN_NONE;
    }
    w->left_group[unit] = true;
    return side->unit_of[parent];
}

static void enter(struct walk *w, uint32_t unit) {
    if (w->lost[unit] && !w->seen[unit]) {
        w->seen[unit] = true;
        w->stack[w->depth++] = unit;
    }
}

static void walk_from(struct walk *w, uint32_t unit) {
    enter(w, unit);
    while (w->depth) {
        uint32_t at = w->stack[w->depth - 1];
        uint32_t behind = next_behind(w, at);
        bool is_end = behind == PLAN_NONE;
        if (is_end) {
            w->done[w->done_count++] = at;
            w->depth--;
        } else {
            enter(w, behind);
        }
    }
}

static int add(struct differ *d, const struct diff_unit *unit, uint32_t lost) {
    const struct plan *plan = d->from.plan;
    uint32_t first = unit->first + unit->count - lost;
    const struct plan_actor *actor = &plan->actors[first];
    struct diff_op *op = diff_add_op(d, DIFF_REMOVE);
    const char *name = diff_name(d, plan, first, lost);
    if (!op || !name) {
        return diff_no_memory(d);
    }
    op->from = first;
    op->count = lost;
    op->path = actor->path;
    op->mark = actor->mark;
    op->text = actor->is_group ? diff_text(d, "remove the group %s", name)
                               : diff_text(d, "drain and remove %s, %s%s", name,
                                           lost > 1 ? "each of type " : "of type ",
                                           plan->types[actor->type].note->id);
    return op->text ? 0 : diff_no_memory(d);
}

int diff_gone(struct differ *d) {
    struct walk w = {.depth = 0};
    if (walk_init(&w, d) < 0) {
        return -1;
    }
    for (uint32_t i = d->from.unit_count; i-- > 0;) {
        walk_from(&w, i);
    }
    while (w.done_count) {
        uint32_t unit = w.done[--w.done_count];
        if (add(d, &d->from.units[unit], w.lost[unit]) < 0) {
            return -1;
        }
    }
    return 0;
}
