/* Wires as links between rows of units: "actor.port" resolved at both ends. */
#include <string.h>

#include "plan/build.h"

/* How one end of a wire turned out. BROKEN: reported, here or before. */
enum found { FOUND, BROKEN, FAILED };

struct end {
    uint32_t unit;
    uint32_t row;
};

struct direction {
    bool (*wanted)(const struct note_row *);
    const char *noun;       /* "no input port" */
    const char *wrong_noun; /* "'x' is an output" */
    const char *rule;       /* what a wire does at this end */
};

static const struct direction from_here = {note_row_is_output, "output", "an input",
                                           "starts at an output"};
static const struct direction to_here = {note_row_is_handler, "input", "an output",
                                         "ends at an input"};

const char *build_row_name(const struct build *b, uint32_t unit, uint32_t row) {
    return build_type_of(b, unit)->note->rows[row].name;
}

static int report_group(struct build *b, const struct unit *unit, const struct manifest_ref *ref) {
    const char *near = unit + 1 < b->units + unit->end ? unit[1].path : NULL;
    diags_add(b->diags, DIAG_ERROR, ref->mark, "'%s' is a group and has no ports%s%s%s", unit->path,
              near ? "; wire its members, as '" : "", near ? near : "", near ? "'" : "");
    return 0;
}

static int report_port(struct build *b, const struct unit *unit, const struct manifest_ref *ref,
                       const char *port, const struct direction *direction) {
    const struct note_actor *note = b->plan->types[unit->type].note;
    uint32_t row = build_find_row(note, port);
    const char *list;
    const char *near;
    if (build_row_names(b, note, direction->wanted, port, &list, &near) < 0) {
        return -1;
    }
    bool other_way = row != PLAN_NONE && (note_row_is_handler(&note->rows[row]) ||
                                          note_row_is_output(&note->rows[row]));
    if (other_way) {
        diags_add(b->diags, DIAG_ERROR, ref->mark, "'%s' is %s; a wire %s%s%s", ref->text,
                  direction->wrong_noun, direction->rule, *list ? ", here " : "", list);
    } else if (near) {
        diags_add(b->diags, DIAG_ERROR, ref->mark,
                  "'%s' (%s) has no %s port '%s'; did you mean '%s'?", unit->path, note->id,
                  direction->noun, port, near);
        diags_hint(b->diags, near);
    } else {
        diags_add(b->diags, DIAG_ERROR, ref->mark, "'%s' (%s) has no %s port '%s'%s%s", unit->path,
                  note->id, direction->noun, port, *list ? "; it has " : "", list);
    }
    return 0;
}

static enum found resolve(struct build *b, const struct manifest_ref *ref,
                          const struct direction *direction, struct end *ret) {
    const char *dot = strrchr(ref->text, '.'); /* the manifest has seen to its being there */
    char *path = arena_text_n(&b->scratch, ref->text, (size_t)(dot - ref->text));
    if (!path) {
        (void)build_no_memory(b);
        return FAILED;
    }
    ret->unit = build_find_unit(b, ref->mark, path);
    if (ret->unit == PLAN_NONE) {
        return BROKEN;
    }
    const struct unit *unit = &b->units[ret->unit];
    if (unit->spec->is_group) {
        return report_group(b, unit, ref) < 0 ? FAILED : BROKEN;
    }
    const struct plan_type *type = build_type_of(b, ret->unit);
    if (!type) {
        return BROKEN;
    }
    ret->row = build_find_row(type->note, dot + 1);
    if (ret->row != PLAN_NONE && direction->wanted(&type->note->rows[ret->row])) {
        return FOUND;
    }
    return report_port(b, unit, ref, dot + 1, direction) < 0 ? FAILED : BROKEN;
}

/* The broken end leaves the other one with a wire of which nothing is known. */
static void mark_broken(struct build *b, enum found found, const struct end *end) {
    if (found == FOUND) {
        b->units[end->unit].ports[end->row].broken = true;
    }
}

static void append(struct build *b, uint32_t at) {
    struct link *link = &b->links[at];
    struct port *from = &b->units[link->from].ports[link->from_row];
    struct port *to = &b->units[link->to].ports[link->to_row];
    uint32_t *out =
        from->last_out == PLAN_NONE ? &from->first_out : &b->links[from->last_out].next_out;
    uint32_t *in = to->last_in == PLAN_NONE ? &to->first_in : &b->links[to->last_in].next_in;
    *out = *in = at;
    from->last_out = to->last_in = at;
    b->units[link->from].is_wired = b->units[link->to].is_wired = true;
}

static void add_link(struct build *b, const struct manifest_wire *spec, struct end from,
                     struct end to) {
    b->links[b->link_count] = (struct link){.spec = spec,
                                            .from = from.unit,
                                            .from_row = from.row,
                                            .to = to.unit,
                                            .to_row = to.row,
                                            .next_in = PLAN_NONE,
                                            .next_out = PLAN_NONE};
    append(b, (uint32_t)b->link_count++);
}

static int link_wire(struct build *b, const struct manifest_wire *spec) {
    struct end from;
    struct end to;
    enum found from_found = resolve(b, &spec->from, &from_here, &from);
    enum found to_found = resolve(b, &spec->to, &to_here, &to);
    if (from_found == FAILED || to_found == FAILED) {
        return -1;
    }
    if (from_found == FOUND && to_found == FOUND) {
        add_link(b, spec, from, to);
        return 0;
    }
    mark_broken(b, from_found, &from);
    mark_broken(b, to_found, &to);
    return 0;
}

int build_links(struct build *b) {
    b->links = arena_array(&b->scratch, b->manifest->wire_count, sizeof *b->links);
    if (!b->links) {
        return build_no_memory(b);
    }
    for (size_t i = 0; i < b->manifest->wire_count; i++) {
        if (link_wire(b, &b->manifest->wires[i]) < 0) {
            return -1;
        }
    }
    return 0;
}
