/* Wires that differ, output by output. */
#include <string.h>

#include "base/str.h"
#include "plan/diff_impl.h"

struct wire_end {
    const struct diff_side *side;
    const struct plan_wire *wire;
};

static const char *row_name(const struct plan *plan, uint32_t actor, uint32_t row) {
    return plan->types[plan->actors[actor].type].note->rows[row].name;
}

static const struct diff_unit *target(const struct diff_side *side, const struct plan_wire *wire) {
    return &side->units[side->unit_of[wire->to[0]]];
}

/* "line -> judge/window.event" */
static void add_ends(const struct diff_side *side, const struct plan_wire *wire, struct str *out) {
    str_addf(out, "%s -> %s.%s", row_name(side->plan, wire->from, wire->from_row),
             target(side, wire)->path, row_name(side->plan, wire->to[0], wire->to_row));
}

/* "hash by source, to 3 replicas" */
static void add_route(const struct diff_side *side, const struct plan_wire *wire, struct str *out) {
    static const char *const routes[] = {"direct", "round_robin", "hash", "broadcast"};
    str_add(out, routes[wire->route]);
    if (wire->key_name) {
        str_addf(out, " by %s", wire->key_name);
    }
    if (side->plan->actors[wire->to[0]].index_in_pool != PLAN_NONE) {
        str_addf(out, ", to %zu replica%s", wire->to_count, wire->to_count == 1 ? "" : "s");
    }
}

/* The wire of `unit` with these ends, by name. */
static const struct plan_wire *find(const struct diff_side *side, const struct diff_unit *unit,
                                    const char *ends) {
    const struct plan_wire *found = NULL;
    struct str text;
    str_init(&text);
    for (uint32_t i = unit->first_wire; i != PLAN_NONE && !found; i = side->next_wire[i]) {
        str_clear(&text);
        add_ends(side, &side->plan->wires[i], &text);
        found = strcmp(str_text(&text), ends) == 0 ? &side->plan->wires[i] : NULL;
    }
    str_fini(&text);
    return found;
}

static int add(struct differ *d, struct diff_op *op, const char *ends, const struct plan_wire *from,
               const struct plan_wire *to) {
    struct str texts[2];
    str_init(&texts[0]);
    str_init(&texts[1]);
    if (from) {
        add_route(&d->from, from, &texts[0]);
    }
    if (to) {
        add_route(&d->to, to, &texts[1]);
    }
    bool differs = !from || !to || strcmp(str_text(&texts[0]), str_text(&texts[1])) != 0;
    const struct diff_change change = {.what = ends,
                                       .from = from ? str_text(&texts[0]) : NULL,
                                       .to = to ? str_text(&texts[1]) : NULL,
                                       .mark = to ? to->mark : (struct mark){0}};
    int status = texts[0].failed || texts[1].failed ? diff_no_memory(d)
                 : differs                          ? diff_add_change(d, op, &change)
                                                    : 0;
    str_fini(&texts[0]);
    str_fini(&texts[1]);
    return status;
}

/* Wires of one output of `side` that are new, changed or, looked at from the old side, gone. */
static int compare_output(struct differ *d, const struct diff_side *side,
                          const struct diff_unit *unit, const struct diff_unit *other,
                          const char *port, struct diff_op *op) {
    bool is_new = side == &d->to;
    struct str ends;
    int status = 0;
    str_init(&ends);
    for (uint32_t i = unit->first_wire; i != PLAN_NONE && status == 0; i = side->next_wire[i]) {
        const struct plan_wire *wire = &side->plan->wires[i];
        if (strcmp(row_name(side->plan, wire->from, wire->from_row), port) != 0) {
            continue;
        }
        str_clear(&ends);
        add_ends(side, wire, &ends);
        const struct plan_wire *same =
            other ? find(is_new ? &d->from : &d->to, other, str_text(&ends)) : NULL;
        if (ends.failed) {
            status = diff_no_memory(d);
        } else if (is_new) {
            status = add(d, op, str_text(&ends), same, wire);
        } else if (!same) {
            status = add(d, op, str_text(&ends), wire, NULL);
        }
    }
    str_fini(&ends);
    return status;
}

static int add_op(struct differ *d, const struct diff_unit *from, const struct diff_unit *to,
                  const char *port, const struct diff_op *found) {
    const struct plan *plan = d->to.plan;
    struct diff_op *op = diff_add_op(d, DIFF_REWIRE);
    uint32_t count = from->count < to->count ? from->count : to->count;
    const char *name = diff_name(d, plan, to->first, count);
    if (!op || !name) {
        return diff_no_memory(d);
    }
    const struct note_row *row =
        note_find_row(plan->types[plan->actors[to->first].type].note, port);
    op->from = from->first;
    op->to = to->first;
    op->count = count;
    op->row =
        row ? (uint32_t)(row - plan->types[plan->actors[to->first].type].note->rows) : PLAN_NONE;
    op->port = port;
    op->path = plan->actors[to->first].path;
    op->changes = found->changes;
    op->change_count = found->change_count;
    op->mark = plan->actors[to->first].mark;
    for (size_t i = found->change_count; i-- > 0;) {
        op->mark = found->changes[i].mark.line ? found->changes[i].mark : op->mark;
    }
    op->text = diff_text(d, "wire the output '%s' of %s anew", port, name);
    return op->text ? 0 : diff_no_memory(d);
}

/* Whether an earlier wire of the unit is of this output. */
static bool was_seen(const struct diff_side *side, const struct diff_unit *unit, uint32_t wire) {
    uint32_t row = side->plan->wires[wire].from_row;
    uint32_t at = unit->first_wire;
    while (at != wire && side->plan->wires[at].from_row != row) {
        at = side->next_wire[at];
    }
    return at != wire;
}

static int compare_port(struct differ *d, const struct diff_unit *from, const struct diff_unit *to,
                        const char *port) {
    struct diff_op found = {.kind = DIFF_REWIRE};
    if (compare_output(d, &d->to, to, from, port, &found) < 0 ||
        compare_output(d, &d->from, from, to, port, &found) < 0) {
        return -1;
    }
    return found.change_count ? add_op(d, from, to, port, &found) : 0;
}

static bool has_output(const struct diff_side *side, const struct diff_unit *unit,
                       const char *port) {
    for (uint32_t i = unit->first_wire; i != PLAN_NONE; i = side->next_wire[i]) {
        const struct plan_wire *wire = &side->plan->wires[i];
        if (strcmp(row_name(side->plan, wire->from, wire->from_row), port) == 0) {
            return true;
        }
    }
    return false;
}

int diff_wires(struct differ *d, const struct diff_unit *from, const struct diff_unit *to) {
    const struct diff_side *sides[] = {&d->to, &d->from};
    const struct diff_unit *units[] = {to, from};
    for (int s = 0; s < 2; s++) {
        const struct diff_side *side = sides[s];
        for (uint32_t i = units[s]->first_wire; i != PLAN_NONE; i = side->next_wire[i]) {
            const struct plan_wire *wire = &side->plan->wires[i];
            const char *port = row_name(side->plan, wire->from, wire->from_row);
            bool is_done = was_seen(side, units[s], i) || (s == 1 && has_output(&d->to, to, port));
            if (!is_done && compare_port(d, from, to, port) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

int diff_new_wires(struct differ *d, const struct diff_unit *to, struct diff_op *op) {
    for (uint32_t i = to->first_wire; i != PLAN_NONE; i = d->to.next_wire[i]) {
        const struct plan_wire *wire = &d->to.plan->wires[i];
        const char *port = row_name(d->to.plan, wire->from, wire->from_row);
        if (!was_seen(&d->to, to, i) && compare_output(d, &d->to, to, NULL, port, op) < 0) {
            return -1;
        }
    }
    return 0;
}
