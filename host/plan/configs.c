/* Actors' configs: settings of the manifest held against the type's schema. */
#include <string.h>

#include "base/str.h"
#include "plan/build.h"

struct reporting {
    struct build *b;
    const struct unit *unit;
};

static bool has_key(const struct note_config *note, const char *name) {
    for (size_t i = 0; i < note->key_count; i++) {
        if (strcmp(note->keys[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Where the value of a setting stands, or the name of one that the schema does not have. */
static struct mark mark_of(const struct note_config *note, const struct manifest_setting *setting) {
    return has_key(note, setting->key) ? setting->value.mark : setting->mark;
}

static void report(void *context, size_t setting, const char *text, const char *hint) {
    const struct reporting *r = context;
    const struct manifest_actor *spec = r->unit->spec;
    if (setting == SIZE_MAX) {
        if (!r->b->is_partial) {
            diags_add(r->b->diags, DIAG_ERROR, spec->config_mark, "'%s' (%s): %s", r->unit->path,
                      spec->type.text, text);
        }
        return;
    }
    const struct manifest_setting *s = &spec->settings[setting];
    const struct note_config *note = r->b->plan->types[r->unit->type].note->config;
    diags_add(r->b->diags, DIAG_ERROR, mark_of(note, s), "%s", text);
    if (hint) {
        diags_hint(r->b->diags, hint);
    }
}

/* Paths are relative to the file they stand in, which an override may have changed; but one that the
 * caller gave in the environment is meant as the caller's other paths are: from where it stands. */
static char *folder_of(struct arena *arena, struct mark mark) {
    const char *slash = mark.file ? strrchr(mark.file, '/') : NULL;
    return arena_text_n(arena, mark.file ? mark.file : "",
                        slash ? (size_t)(slash - mark.file) + 1 : 0);
}

static void convert(struct arena *arena, const struct manifest_setting *from,
                    struct config_setting *ret) {
    const struct value *value = &from->value;
    bool is_list = value->kind == VALUE_LIST;
    size_t count = is_list ? value->count : value->kind == VALUE_SCALAR ? 1 : 0;
    struct troupe_str *values = arena_array(arena, count, sizeof *values);
    struct mark nowhere = {0};
    char *folder = folder_of(arena, value->from_outside ? nowhere : value->mark);
    for (size_t i = 0; values && i < count; i++) {
        values[i] = troupe_str(is_list ? value->items[i].text : value->text);
    }
    *ret = (struct config_setting){troupe_str(from->key), values, count, is_list, folder};
}

/* What the manifest gives, to be checked; NULL: no memory, which the arena remembers. */
static struct config_setting *convert_all(struct arena *arena, const struct manifest_actor *spec,
                                          char **ret_folder) {
    struct config_setting *settings = arena_array(arena, spec->setting_count, sizeof *settings);
    for (size_t i = 0; settings && i < spec->setting_count; i++) {
        convert(arena, &spec->settings[i], &settings[i]);
    }
    *ret_folder = folder_of(arena, spec->mark);
    return arena->failed ? NULL : settings;
}

/* Where the first finding is about, which is what the error says. */
struct finding {
    const struct manifest_actor *spec;
    const struct note_config *note;
    struct mark mark;
};

static void take_first(void *context, size_t setting, const char *text, const char *hint) {
    struct finding *f = context;
    (void)text;
    (void)hint;
    if (f->mark.line == 0) {
        f->mark = setting == SIZE_MAX ? f->spec->config_mark
                                      : mark_of(f->note, &f->spec->settings[setting]);
    }
}

int plan_wrap(const struct plan_actor *actor, struct mark mark, struct err *err) {
    (void)err_wrap(err, "'%s'", actor->path);
    return mark.line ? err_wrap(err, "%s:%u:%u", mark.file, mark.line, mark.column) : -1;
}

int plan_actor_config(const struct plan_actor *actor, const struct note_config *note,
                      struct config **ret, struct err *err) {
    const struct manifest_actor *spec = actor->spec;
    struct finding finding = {spec, note, {0}};
    struct arena arena;
    char *folder;
    arena_init(&arena);
    struct config_setting *settings = convert_all(&arena, spec, &folder);
    int status = settings ? config_build(note, settings, spec->setting_count, folder, take_first,
                                         &finding, ret, err)
                          : err_set(err, ERR_NOMEM, "its settings");
    arena_fini(&arena);
    return status < 0 ? plan_wrap(actor, finding.mark, err) : 0;
}

static int build_config(struct build *b, struct unit *unit) {
    const struct manifest_actor *spec = unit->spec;
    const struct note_config *note = b->plan->types[unit->type].note->config;
    struct reporting context = {b, unit};
    char *folder;
    struct config_setting *settings = convert_all(&b->scratch, spec, &folder);
    if (!settings) {
        return build_no_memory(b);
    }
    struct err err = {.code = ERR_NONE};
    if (config_build(note, settings, spec->setting_count, folder, report, &context, &unit->config,
                     &err) < 0 &&
        err.code == ERR_NOMEM) {
        return build_no_memory(b);
    }
    return 0;
}

int build_configs(struct build *b) {
    for (size_t i = 0; i < b->unit_count; i++) {
        struct unit *unit = &b->units[i];
        if (unit->type == PLAN_NONE) {
            continue;
        }
        if (b->plan->types[unit->type].note->config) {
            if (build_config(b, unit) < 0) {
                return -1;
            }
        } else if (unit->spec->setting_count) {
            diags_add(b->diags, DIAG_ERROR, unit->spec->settings[0].mark,
                      "'%s' (%s) takes no config", unit->path, unit->spec->type.text);
        }
    }
    return 0;
}

/* Says that the type has no such field, where the field was named: by a setting or by a default. */
static int report_field(struct build *b, const struct unit *unit, const struct note_key *key,
                        struct troupe_str field, const struct msg_type *type,
                        const struct link *link) {
    struct mark mark = unit->spec->config_mark;
    bool given = false;
    for (size_t i = 0; i < unit->spec->setting_count && !given; i++) {
        given = strcmp(unit->spec->settings[i].key, key->name) == 0;
        mark = given ? unit->spec->settings[i].value.mark : mark;
    }
    char *prefix = given
                       ? build_text(&b->scratch, "config key '%s': ", key->name)
                       : build_text(&b->scratch, "config key '%s' is '%s' by default: ", key->name,
                                    field.data);
    return prefix ? build_report_field(b, mark, prefix, field.data, type, link)
                  : build_no_memory(b);
}

/* Whether every type wired to the port has the field; the first that has not is reported. */
static int check_wired(struct build *b, const struct unit *unit, const struct note_key *key,
                       struct troupe_str field, const struct port *port) {
    const struct msg_type *good = NULL;
    for (uint32_t i = port->first_in; i != PLAN_NONE; i = b->links[i].next_in) {
        const struct link *link = &b->links[i];
        const struct port *sender = &b->units[link->from].ports[link->from_row];
        if (sender->state != PORT_ONE || sender->type == good) {
            continue;
        }
        if (!type_find_field(&sender->type->abi, field)) {
            return report_field(b, unit, key, field, sender->type, link);
        }
        good = sender->type;
    }
    return 0;
}

static int check_field(struct build *b, const struct unit *unit, const struct note_key *key,
                       struct troupe_str field) {
    const struct plan_type *type = &b->plan->types[unit->type];
    uint32_t row = build_find_row(type->note, key->extra);
    const struct port *port = &unit->ports[row];
    const struct msg_type *declared = type->row_types[row];
    if (port->first_in == PLAN_NONE && !port->broken && !b->is_partial && declared &&
        !type_find_field(&declared->abi, field)) {
        return report_field(b, unit, key, field, declared, NULL);
    }
    return check_wired(b, unit, key, field, port);
}

int build_field_configs(struct build *b) {
    for (size_t i = 0; i < b->unit_count; i++) {
        const struct unit *unit = &b->units[i];
        for (size_t k = 0; unit->config && k < unit->config->note->key_count; k++) {
            const struct note_key *key = &unit->config->note->keys[k];
            if (key->kind != NOTE_OPTION_FIELD) {
                continue;
            }
            struct troupe_str field = config_text(unit->config, k);
            if (field.size && check_field(b, unit, key, field) < 0) {
                return -1;
            }
        }
    }
    return 0;
}
