/* Fields of messages that the manifest names: keys of routes, and settings that name a field of what is wired to a port. A
 * plan is checked for them when it is made (PT-2); here it is new code that sends other messages, under the plan that
 * there is. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "plan/plan.h"
#include "reload/reload_impl.h"

struct looking {
    const struct transaction *t;
    const struct plan *plan;
    bool *seen; /* per wire; owned */
    struct troupe_str field;
    const char *from;             /* who sends what has no such field: "actor.output" */
    char room[160];               /* for it */
    const struct msg_type *lacks; /* what he sends; NULL: all that is sent has it */
};

static const struct inst_type *type_to_be(const struct looking *l, uint32_t actor) {
    const struct plan_type *type = &l->plan->types[l->plan->actors[actor].type];
    return transaction_type_after(l->t, type->note->id);
}

static const char *row_of(const struct looking *l, uint32_t actor, uint32_t row) {
    return l->plan->types[l->plan->actors[actor].type].note->rows[row].name;
}

static void look_at_wires_to(struct looking *l, uint32_t actor, const char *port);

/* What goes out there says its type, or passes on what comes in by another port. */
static void look_at_output(struct looking *l, uint32_t actor, const char *output) {
    const struct inst_type *type = type_to_be(l, actor);
    uint16_t at = type ? inst_type_row(type, troupe_str(output)) : INST_NO_ROW;
    if (at == INST_NO_ROW || l->lacks) {
        return; /* it is refused for that */
    }
    const struct inst_row *row = &type->rows[at];
    if (row->type && !type_find_field(&row->type->abi, l->field)) {
        (void)snprintf(l->room, sizeof l->room, "%s.%s", l->plan->actors[actor].path, output);
        l->from = l->room;
        l->lacks = row->type;
    } else if (!row->type && row->kind == TROUPE_ROW_as) {
        look_at_wires_to(l, actor, type->rows[row->source].name);
    }
}

static bool leads_to(const struct plan_wire *wire, uint32_t actor) {
    for (size_t i = 0; i < wire->to_count; i++) {
        if (wire->to[i] == actor) {
            return true;
        }
    }
    return false;
}

/* Each wire once: there may be cycles. */
static void look_at_wires_to(struct looking *l, uint32_t actor, const char *port) {
    for (size_t i = 0; i < l->plan->wire_count; i++) {
        const struct plan_wire *wire = &l->plan->wires[i];
        bool is_one = !l->seen[i] && leads_to(wire, actor) &&
                      strcmp(row_of(l, actor, wire->to_row), port) == 0;
        if (is_one) {
            l->seen[i] = true;
            look_at_output(l, wire->from, row_of(l, wire->from, wire->from_row));
        }
    }
}

static void begin(struct looking *l, struct troupe_str field) {
    memset(l->seen, 0, l->plan->wire_count * sizeof *l->seen);
    l->field = field;
    l->lacks = NULL;
}

static int report(const struct looking *l, struct mark mark, struct err *err) {
    (void)err_set(err, ERR_INVALID, "'%.*s' has no field '%.*s', and '%s' of the new code sends it",
                  TROUPE_STR_ARG(l->lacks->abi.id), TROUPE_STR_ARG(l->field), l->from);
    return mark.line ? err_wrap(err, "%s:%u:%u", mark.file, mark.line, mark.column) : -1;
}

/* --- keys of routes --- */

static int check_keys_of_wires(struct looking *l, struct err *err) {
    for (size_t i = 0; i < l->plan->wire_count; i++) {
        const struct plan_wire *wire = &l->plan->wires[i];
        if (!wire->key_name) {
            continue;
        }
        begin(l, troupe_str(wire->key_name));
        look_at_output(l, wire->from, row_of(l, wire->from, wire->from_row));
        if (l->lacks) {
            return report(l, wire->key_mark, err);
        }
    }
    return 0;
}

/* --- settings --- */

/* Where the manifest gives it, else where the actor's config stands. */
static struct mark mark_of(const struct manifest_actor *spec, const char *key) {
    for (size_t i = 0; i < spec->setting_count; i++) {
        if (strcmp(spec->settings[i].key, key) == 0) {
            return spec->settings[i].value.mark;
        }
    }
    return spec->config_mark;
}

static int check_setting(struct looking *l, uint32_t actor, const struct note_key *key,
                         struct troupe_str field, struct err *err) {
    if (field.size == 0) {
        return 0;
    }
    begin(l, field);
    look_at_wires_to(l, actor, key->extra);
    if (!l->lacks) {
        return 0;
    }
    const struct plan_actor *of = &l->plan->actors[actor];
    (void)report(l, (struct mark){0}, err);
    (void)err_wrap(err, "config key '%s'", key->name);
    return plan_wrap(of, mark_of(of->spec, key->name), err);
}

static bool names_fields(const struct note_config *note) {
    for (size_t i = 0; note && i < note->key_count; i++) {
        if (note->keys[i].kind == NOTE_OPTION_FIELD) {
            return true;
        }
    }
    return false;
}

static int check_settings_of(struct looking *l, uint32_t actor, struct err *err) {
    const struct plan_actor *of = &l->plan->actors[actor];
    const struct inst_type *type = of->type == PLAN_NONE ? NULL : type_to_be(l, actor);
    const struct note_config *note = type ? type->config : NULL;
    struct config *config;
    if (!names_fields(note)) {
        return 0;
    }
    if (plan_actor_config(of, note, &config, err) < 0) {
        return -1;
    }
    int status = 0;
    for (size_t i = 0; i < note->key_count && status == 0; i++) {
        bool is_field = note->keys[i].kind == NOTE_OPTION_FIELD;
        status =
            is_field ? check_setting(l, actor, &note->keys[i], config_text(config, i), err) : 0;
    }
    config_unref(config);
    return status;
}

int transaction_check_fields(struct transaction *t, struct err *err) {
    struct looking l = {.t = t, .plan = t->reload->plan};
    if (t->how->next) {
        return 0; /* that plan was made with the files as they are now */
    }
    l.seen = mem_array(l.plan->wire_count + 1, sizeof *l.seen);
    if (!l.seen) {
        return err_set(err, ERR_NOMEM, "%zu wires", l.plan->wire_count);
    }
    int status = check_keys_of_wires(&l, err);
    for (uint32_t i = 0; i < l.plan->actor_count && status == 0; i++) {
        status = check_settings_of(&l, i, err);
    }
    mem_free(l.seen);
    return status;
}
