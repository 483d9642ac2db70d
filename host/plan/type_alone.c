/* One actor type outside of a plan. */
#include <string.h>

#include <troupe/plugin.h>

#include "base/alloc.h"
#include "plan/plan.h"

static int intern(const struct note_plugin *note, const char *c_name, struct type_table *types,
                  const struct msg_type **ret, struct err *err) {
    const struct note_message *message = note_find_message(note, c_name);
    return type_intern(types, message->id, message->schema, ret, err);
}

static int intern_row(const struct note_plugin *note, const struct note_row *row, size_t at,
                      struct type_table *types, struct plan_type *type, struct err *err) {
    switch (row->kind) {
    case TROUPE_ROW_call:
    case TROUPE_ROW_ask:
        if (intern(note, row->reply, types, &type->row_replies[at], err) < 0) {
            return -1;
        }
        return intern(note, row->type, types, &type->row_types[at], err);
    case TROUPE_ROW_in:
    case TROUPE_ROW_out:
    case TROUPE_ROW_to:
        return intern(note, row->type, types, &type->row_types[at], err);
    default:
        return 0;
    }
}

void plan_type_fini(struct plan_type *type) {
    mem_free((void *)type->row_types);
    mem_free((void *)type->row_replies);
    mem_free(type->row_children);
    mem_free(type->row_sources);
}

int plan_type_init(struct plan_type *type, const struct note_plugin *note,
                   const struct note_actor *actor, struct type_table *types, struct err *err) {
    size_t room = actor->row_count + 1;
    *type = (struct plan_type){.note = actor,
                               .row_types = mem_array(room, sizeof *type->row_types),
                               .row_replies = mem_array(room, sizeof *type->row_replies),
                               .row_children = mem_array(room, sizeof *type->row_children),
                               .row_sources = mem_array(room, sizeof *type->row_sources)};
    if (!type->row_types || !type->row_replies || !type->row_children || !type->row_sources) {
        plan_type_fini(type);
        return err_set(err, ERR_NOMEM, "actor type '%s'", actor->id);
    }
    for (size_t i = 0; i < actor->row_count; i++) {
        const struct note_row *row = &actor->rows[i];
        const struct note_row *source =
            row->kind == TROUPE_ROW_as ? note_find_row(actor, row->type) : NULL;
        type->row_children[i] = PLAN_NONE;
        type->row_sources[i] = source ? (uint32_t)(source - actor->rows) : PLAN_NONE;
        if (intern_row(note, row, i, types, type, err) < 0) {
            plan_type_fini(type);
            return err_wrap(err, "actor type '%s'", actor->id);
        }
    }
    return 0;
}
