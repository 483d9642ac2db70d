/* Overflow policies: each handler port's own, else the mailbox's. */
#include "message/mbox.h"
#include "plan/build.h"

_Static_assert(MANIFEST_CAPACITY_MAX == MBOX_CAPACITY_MAX, "what is checked is what fits");

static int set_port(struct build *b, struct unit *unit, const struct port_overflow *given) {
    const struct note_actor *note = b->plan->types[unit->type].note;
    uint32_t row = build_find_row(note, given->port);
    if (row != PLAN_NONE && note_row_is_handler(&note->rows[row])) {
        unit->row_overflow[row] = given->overflow;
        return 0;
    }
    const char *list;
    const char *near;
    if (build_row_names(b, note, note_row_is_handler, given->port, &list, &near) < 0) {
        return -1;
    }
    if (near) {
        diags_add(b->diags, DIAG_ERROR, given->mark,
                  "'%s' (%s) has no input port '%s'; did you mean '%s'?", unit->path, note->id,
                  given->port, near);
        diags_hint(b->diags, near);
    } else {
        diags_add(b->diags, DIAG_ERROR, given->mark, "'%s' (%s) has no input port '%s'%s%s",
                  unit->path, note->id, given->port, *list ? "; it has " : "", list);
    }
    return 0;
}

static int set_unit(struct build *b, struct unit *unit) {
    const struct mailbox_policy *mailbox = &unit->spec->mailbox;
    size_t count = b->plan->types[unit->type].note->row_count;
    unit->row_overflow = arena_array(&b->plan->impl->memory, count, sizeof *unit->row_overflow);
    if (!unit->row_overflow) {
        return build_no_memory(b);
    }
    for (size_t i = 0; i < count; i++) {
        unit->row_overflow[i] = mailbox->overflow;
    }
    for (size_t i = 0; i < mailbox->port_count; i++) {
        if (set_port(b, unit, &mailbox->ports[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

int build_mailboxes(struct build *b) {
    for (size_t i = 0; i < b->unit_count; i++) {
        if (b->units[i].type != PLAN_NONE && set_unit(b, &b->units[i]) < 0) {
            return -1;
        }
    }
    return 0;
}
