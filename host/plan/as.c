/* What travels: types of outputs known from their rows, and of `as` outputs from what is wired to the
 * port they follow, along the links until nothing changes (PT-2).
 *
 * A port's state only ever goes from none to one type to many, so that every link is looked at three
 * times at most. */
#include "plan/build.h"

struct walk {
    struct build *b;
    uint32_t *queue; /* ring of links, each in it at most once */
    bool *is_queued;
    size_t first;
    size_t count;
};

static struct port *port_at(const struct build *b, uint32_t unit, uint32_t row) {
    return &b->units[unit].ports[row];
}

static struct port *sender(const struct build *b, const struct link *link) {
    return port_at(b, link->from, link->from_row);
}

static void push_links(struct walk *w, const struct port *port) {
    for (uint32_t i = port->first_out; i != PLAN_NONE; i = w->b->links[i].next_out) {
        if (!w->is_queued[i]) {
            w->is_queued[i] = true;
            w->queue[(w->first + w->count++) % w->b->link_count] = i;
        }
    }
}

/* Whether `port` changed. */
static bool merge(struct port *port, enum port_state state, const struct msg_type *type) {
    enum port_state before = port->state;
    if (state == PORT_MANY || (state == PORT_ONE && before == PORT_ONE && port->type != type)) {
        port->state = PORT_MANY;
        port->type = NULL;
    } else if (state == PORT_ONE && before == PORT_NONE) {
        port->state = PORT_ONE;
        port->type = type;
    }
    return port->state != before;
}

/* Tells the `as` outputs that follow handler `row` what is known of it now. */
static void pass_on(struct walk *w, uint32_t unit, uint32_t row) {
    const struct plan_type *type = build_type_of(w->b, unit);
    const struct port *source = port_at(w->b, unit, row);
    for (uint32_t i = 0; i < type->note->row_count; i++) {
        struct port *port = port_at(w->b, unit, i);
        if (type->row_sources[i] == row && merge(port, source->state, source->type)) {
            push_links(w, port);
        }
    }
}

/* What does not fit is an error of its own, and must not travel on as if it did. */
static bool fits(const struct build *b, const struct link *link, const struct port *from) {
    const struct msg_type *wanted = build_type_of(b, link->to)->row_types[link->to_row];
    return !wanted || from->state != PORT_ONE ||
           type_check_compatible(from->type, wanted, NULL) == 0;
}

static void follow(struct walk *w, const struct link *link) {
    const struct port *from = sender(w->b, link);
    struct port *to = port_at(w->b, link->to, link->to_row);
    if (!fits(w->b, link, from)) {
        to->broken = true;
    } else if (merge(to, from->state, from->type)) {
        pass_on(w, link->to, link->to_row);
    }
}

/* Rows that say their type themselves; a handler nobody is wired to has the type it declares. */
static void start_unit(struct walk *w, uint32_t unit) {
    const struct plan_type *type = build_type_of(w->b, unit);
    for (uint32_t i = 0; i < type->note->row_count; i++) {
        const struct note_row *row = &type->note->rows[i];
        struct port *port = port_at(w->b, unit, i);
        if (!type->row_types[i]) {
            continue;
        }
        if (note_row_is_output(row)) {
            (void)merge(port, PORT_ONE, type->row_types[i]);
            push_links(w, port);
        } else if (note_row_is_handler(row) && port->first_in == PLAN_NONE && !port->broken) {
            (void)merge(port, PORT_ONE, type->row_types[i]);
            pass_on(w, unit, i);
        }
    }
}

static uint32_t pop_link(struct walk *w) {
    uint32_t at = w->queue[w->first];
    w->first = (w->first + 1) % w->b->link_count;
    w->count--;
    return at;
}

static void propagate(struct walk *w) {
    for (uint32_t i = 0; i < w->b->unit_count; i++) {
        if (w->b->units[i].type != PLAN_NONE) {
            start_unit(w, i);
        }
    }
    while (w->count) {
        uint32_t at = pop_link(w);
        w->is_queued[at] = false;
        follow(w, &w->b->links[at]);
    }
}

/* Several types at the port that a wired `as` output follows. Only where they meet is it an error:
 * further down the same conflict arrives as one. */
static void report_conflict(struct build *b, const struct link *link, uint32_t source) {
    struct port *port = port_at(b, link->from, source);
    const struct link *first = NULL;
    if (port->reported) {
        return;
    }
    for (uint32_t i = port->first_in; i != PLAN_NONE; i = b->links[i].next_in) {
        const struct link *other = &b->links[i];
        const struct port *from = sender(b, other);
        if (from->state != PORT_ONE || !fits(b, other, from)) {
            continue;
        }
        if (!first) {
            first = other;
        } else if (sender(b, first)->type != from->type) {
            port->reported = true;
            diags_add(b->diags, DIAG_ERROR, other->spec->from.mark,
                      "'%s' sends '%s', but '%s' sends '%s' to the same port at %s:%u:%u, and "
                      "'%s' has the type of what is wired there",
                      other->spec->from.text, from->type->abi.id.data, first->spec->from.text,
                      sender(b, first)->type->abi.id.data, first->spec->from.mark.file,
                      first->spec->from.mark.line, first->spec->from.mark.column,
                      link->spec->from.text);
            return;
        }
    }
}

/* Marks a port whose type is unknown for a reason that was told, and all that follow from it. Links
 * stay marked as queued: once is enough for each. */
static void excuse(struct walk *w, uint32_t unit, uint32_t row) {
    port_at(w->b, unit, row)->broken = true;
    push_links(w, port_at(w->b, unit, row));
    while (w->count) {
        const struct link *link = &w->b->links[pop_link(w)];
        const struct plan_type *type = build_type_of(w->b, link->to);
        port_at(w->b, link->to, link->to_row)->broken = true;
        for (uint32_t i = 0; i < type->note->row_count; i++) {
            struct port *port = port_at(w->b, link->to, i);
            if (type->row_sources[i] == link->to_row && port->state == PORT_NONE) {
                port->broken = true;
                push_links(w, port);
            }
        }
    }
}

/* Why nothing is known of a port that an `as` output follows. */
enum lack { LACK_TOLD, LACK_WIRE, LACK_START };

static bool is_lacking(const struct build *b, const struct link *link, uint32_t source,
                       enum lack lack) {
    if (source == PLAN_NONE) {
        return lack == LACK_TOLD; /* a message that was found wrong */
    }
    const struct port *followed = port_at(b, link->from, source);
    return lack == LACK_TOLD   ? followed->broken
           : lack == LACK_WIRE ? followed->first_in == PLAN_NONE
                               : true;
}

/* Reports one kind of lack and excuses all that hangs on it; so the kinds come one after another, and
 * what is left for the last goes in circles. */
static void report_lack(struct walk *w, enum lack lack) {
    struct build *b = w->b;
    for (size_t i = 0; i < b->link_count; i++) {
        const struct link *link = &b->links[i];
        const struct port *port = sender(b, link);
        uint32_t source = build_type_of(b, link->from)->row_sources[link->from_row];
        if (port->state != PORT_NONE || port->broken || !is_lacking(b, link, source, lack)) {
            continue;
        }
        if (lack != LACK_TOLD && !b->is_partial) {
            diags_add(b->diags, DIAG_ERROR, link->spec->from.mark,
                      "'%s' has the type of what is wired to '%s.%s', and %s",
                      link->spec->from.text, b->units[link->from].path,
                      build_row_name(b, link->from, source),
                      lack == LACK_WIRE ? "nothing is" : "that comes from itself in a circle");
        }
        excuse(w, link->from, link->from_row);
    }
}

static int walk_init(struct walk *w, struct build *b) {
    *w = (struct walk){.b = b,
                       .queue = arena_array(&b->scratch, b->link_count, sizeof *w->queue),
                       .is_queued = arena_array(&b->scratch, b->link_count, sizeof *w->is_queued)};
    return w->queue && w->is_queued ? 0 : build_no_memory(b);
}

int build_as(struct build *b) {
    struct walk types;
    struct walk lacks;
    if (walk_init(&types, b) < 0 || walk_init(&lacks, b) < 0) {
        return -1;
    }
    propagate(&types);
    for (size_t i = 0; i < b->link_count; i++) {
        const struct link *link = &b->links[i];
        uint32_t source = build_type_of(b, link->from)->row_sources[link->from_row];
        if (source != PLAN_NONE && sender(b, link)->state == PORT_MANY) {
            report_conflict(b, link, source);
        }
    }
    report_lack(&lacks, LACK_TOLD);
    report_lack(&lacks, LACK_WIRE);
    report_lack(&lacks, LACK_START);
    return 0;
}
