/* Actor types in use and those they spawn: found in the catalog, their messages interned. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "plan/build.h"

/* Where a message id was first declared, to name both files when another says otherwise. */
struct declared {
    const char *schema;
    const char *file;
    bool reported;
};

const struct plan_type *build_type_of(const struct build *b, uint32_t unit) {
    uint32_t type = b->units[unit].type;
    return type == PLAN_NONE ? NULL : &b->plan->types[type];
}

uint32_t build_find_row(const struct note_actor *note, const char *name) {
    const struct note_row *row = note_find_row(note, name);
    return row ? (uint32_t)(row - note->rows) : PLAN_NONE;
}

int build_row_names(struct build *b, const struct note_actor *note,
                    bool (*wanted)(const struct note_row *), const char *word,
                    const char **ret_list, const char **ret_near) {
    const char **names = arena_array(&b->scratch, note->row_count + 1, sizeof *names);
    size_t count = 0;
    struct str list;
    str_init(&list);
    for (size_t i = 0; names && i < note->row_count; i++) {
        if (wanted(&note->rows[i])) {
            str_addf(&list, "%s'%s'", count ? ", " : "", note->rows[i].name);
            names[count++] = note->rows[i].name;
        }
    }
    char *text = list.failed ? NULL : arena_text_n(&b->scratch, str_text(&list), list.size);
    str_fini(&list);
    if (!names || !text) {
        return build_no_memory(b);
    }
    *ret_list = text;
    *ret_near = count ? build_nearest(b, word, names, count) : NULL;
    return 0;
}

/* Whether what was refused may hold the type: a whole folder, or "text.so" for "text.Lines". */
static bool may_hold(const struct catalog *catalog, const struct catalog_file *file,
                     const char *id) {
    for (size_t i = 0; i < catalog->directory_count; i++) {
        if (strcmp(catalog->directories[i], file->path) == 0) {
            return true;
        }
    }
    const char *slash = strrchr(file->path, '/');
    const char *name = slash ? slash + 1 : file->path;
    size_t stem = strcspn(name, ".");
    const char *dot = strrchr(id, '.');
    const char *first = dot;
    while (first && first > id && first[-1] != '.') {
        first--;
    }
    return first && stem == (size_t)(dot - first) && strncmp(name, first, stem) == 0;
}

static void add_searched(struct build *b, const char *id, struct str *text) {
    const struct catalog *catalog = b->catalog;
    str_add(text, catalog->directory_count ? "; searched in " : "; no plugin folder was found");
    for (size_t i = 0; i < catalog->directory_count; i++) {
        str_addf(text, "%s'%s'", i ? ", " : "", catalog->directories[i]);
    }
    for (size_t i = 0; i < catalog->file_count; i++) {
        if (!catalog->files[i].image && may_hold(catalog, &catalog->files[i], id)) {
            str_addf(text, "; it may be in what was refused: %s", catalog->files[i].refused.text);
        }
    }
}

static int report_unknown(struct build *b, struct mark mark, const char *parent, const char *id) {
    const char **names = catalog_type_names(b->catalog);
    if (!names) {
        return build_no_memory(b);
    }
    size_t count = 0;
    while (names[count]) {
        count++;
    }
    const char *near = build_nearest(b, id, names, count);
    struct str text;
    str_init(&text);
    if (parent) {
        str_addf(&text, "'%s' spawns actors of type '%s', which no plugin file offers", parent, id);
    } else {
        str_addf(&text, "no plugin file offers actor type '%s'", id);
    }
    if (near) {
        str_addf(&text, "; did you mean '%s'?", near);
    } else {
        add_searched(b, id, &text);
    }
    diags_add(b->diags, DIAG_ERROR, mark, "%s", str_text(&text));
    if (near) {
        diags_hint(b->diags, near);
    }
    int status = text.failed ? build_no_memory(b) : 0;
    str_fini(&text);
    mem_free(names);
    return status;
}

static int add_plugin(struct build *b, size_t file, uint32_t *ret) {
    if (b->file_plugins[file] == PLAN_NONE) {
        struct plan *plan = b->plan;
        struct plan_plugin *plugins =
            mem_resize(plan->plugins, (plan->plugin_count + 1) * sizeof *plugins);
        if (!plugins) {
            return build_no_memory(b);
        }
        plan->plugins = plugins;
        b->file_plugins[file] = (uint32_t)plan->plugin_count;
        plugins[plan->plugin_count++] = (struct plan_plugin){&b->catalog->files[file]};
    }
    *ret = b->file_plugins[file];
    return 0;
}

static int alloc_rows(struct build *b, struct plan_type *type) {
    struct arena *memory = &b->plan->impl->memory;
    size_t count = type->note->row_count;
    type->row_types = arena_array(memory, count, sizeof *type->row_types);
    type->row_replies = arena_array(memory, count, sizeof *type->row_replies);
    type->row_children = arena_array(memory, count, sizeof *type->row_children);
    type->row_sources = arena_array(memory, count, sizeof *type->row_sources);
    if (!type->row_types || !type->row_replies || !type->row_children || !type->row_sources) {
        return build_no_memory(b);
    }
    for (size_t i = 0; i < count; i++) {
        const struct note_row *row = &type->note->rows[i];
        type->row_children[i] = PLAN_NONE;
        type->row_sources[i] =
            row->kind == TROUPE_ROW_as ? build_find_row(type->note, row->type) : PLAN_NONE;
    }
    return 0;
}

static int add_type(struct build *b, const struct note_actor *note, size_t file, struct mark mark) {
    struct plan *plan = b->plan;
    struct plan_type *types = mem_resize(plan->types, (plan->type_count + 1) * sizeof *types);
    if (!types) {
        return build_no_memory(b);
    }
    plan->types = types;
    struct mark *marks = mem_resize(b->type_marks, (plan->type_count + 1) * sizeof *marks);
    if (!marks) {
        return build_no_memory(b);
    }
    b->type_marks = marks;
    struct plan_type type = {.note = note};
    if (add_plugin(b, file, &type.plugin) < 0 || alloc_rows(b, &type) < 0) {
        return -1;
    }
    marks[plan->type_count] = mark;
    types[plan->type_count++] = type;
    return 0;
}

/* `parent` is the type that spawns it, NULL for one that the manifest names. */
static int resolve_type(struct build *b, struct mark mark, const char *parent, const char *id,
                        uint32_t *ret) {
    void *known = map_find(&b->type_index, id);
    if (!known) {
        size_t file;
        const struct note_actor *note = catalog_find_type(b->catalog, id, &file);
        if (note && add_type(b, note, file, mark) < 0) {
            return -1;
        }
        known = note ? (void *)(uintptr_t)b->plan->type_count : BUILD_UNKNOWN;
        if (map_set(&b->type_index, id, known) < 0) {
            return build_no_memory(b);
        }
    }
    if (known == BUILD_UNKNOWN) {
        return report_unknown(b, mark, parent, id);
    }
    *ret = (uint32_t)((uintptr_t)known - 1);
    return 0;
}

static int report_schemas(struct build *b, struct mark mark, struct declared *first,
                          const char *file, const struct note_message *message) {
    if (!first->reported) {
        diags_add(b->diags, DIAG_ERROR, mark,
                  "plugin files '%s' and '%s' disagree about message '%s': '%s' here, '%s' there",
                  first->file, file, message->id, first->schema, message->schema);
    }
    first->reported = true;
    return 0;
}

static int declare(struct build *b, const char *file, const struct note_message *message,
                   struct declared **ret) {
    struct declared *first = map_find(&b->message_files, message->id);
    if (!first) {
        first = arena_array(&b->scratch, 1, sizeof *first);
        if (!first || map_set(&b->message_files, message->id, first) < 0) {
            return build_no_memory(b);
        }
        *first = (struct declared){message->schema, file, false};
    }
    *ret = first;
    return 0;
}

/* Leaves *ret NULL when the message was found wrong. */
static int intern(struct build *b, size_t type, const char *c_name, const struct msg_type **ret) {
    const struct catalog_file *file = b->plan->plugins[b->plan->types[type].plugin].file;
    const struct note_message *message = note_find_message(file->image->note, c_name);
    struct mark mark = b->type_marks[type];
    struct declared *first = NULL;
    if (declare(b, file->path, message, &first) < 0) {
        return -1;
    }
    if (strcmp(first->schema, message->schema) != 0) {
        return report_schemas(b, mark, first, file->path, message);
    }
    struct err why;
    if (type_intern(b->types, message->id, message->schema, ret, &why) == 0) {
        return 0;
    }
    if (why.code == ERR_NOMEM) {
        return build_no_memory(b);
    }
    if (!first->reported) {
        diags_add(b->diags, DIAG_ERROR, mark, "plugin file '%s': %s", file->path, why.text);
    }
    first->reported = true;
    return 0;
}

static int intern_row(struct build *b, size_t type, size_t row) {
    const struct note_row *note = &b->plan->types[type].note->rows[row];
    switch (note->kind) {
    case TROUPE_ROW_call:
    case TROUPE_ROW_ask:
        if (intern(b, type, note->reply, &b->plan->types[type].row_replies[row]) < 0) {
            return -1;
        }
        return intern(b, type, note->type, &b->plan->types[type].row_types[row]);
    case TROUPE_ROW_in:
    case TROUPE_ROW_out:
    case TROUPE_ROW_to:
        return intern(b, type, note->type, &b->plan->types[type].row_types[row]);
    default:
        return 0;
    }
}

/* Types found on the way are appended, and so get their turn too. */
static int resolve_rows(struct build *b) {
    for (size_t type = 0; type < b->plan->type_count; type++) {
        const struct note_actor *note = b->plan->types[type].note;
        for (size_t row = 0; row < note->row_count; row++) {
            if (intern_row(b, type, row) < 0) {
                return -1;
            }
            uint32_t child = PLAN_NONE;
            if (note->rows[row].kind == TROUPE_ROW_child &&
                resolve_type(b, b->type_marks[type], note->id, note->rows[row].type, &child) < 0) {
                return -1;
            }
            b->plan->types[type].row_children[row] = child;
        }
    }
    return 0;
}

static int alloc_ports(struct build *b, struct unit *unit) {
    size_t count = b->plan->types[unit->type].note->row_count;
    unit->ports = arena_array(&b->scratch, count, sizeof *unit->ports);
    if (!unit->ports) {
        return build_no_memory(b);
    }
    for (size_t i = 0; i < count; i++) {
        struct port *port = &unit->ports[i];
        port->first_in = port->last_in = port->first_out = port->last_out = PLAN_NONE;
    }
    return 0;
}

int build_types(struct build *b) {
    b->file_plugins = arena_array(&b->scratch, b->catalog->file_count, sizeof *b->file_plugins);
    if (!b->file_plugins) {
        return build_no_memory(b);
    }
    for (size_t i = 0; i < b->catalog->file_count; i++) {
        b->file_plugins[i] = PLAN_NONE;
    }
    for (size_t i = 0; i < b->unit_count; i++) {
        struct unit *unit = &b->units[i];
        const struct manifest_ref *ref = &unit->spec->type;
        if (unit->spec->is_group || !ref->text) {
            continue;
        }
        if (resolve_type(b, ref->mark, NULL, ref->text, &unit->type) < 0 ||
            (unit->type != PLAN_NONE && alloc_ports(b, unit) < 0)) {
            return -1;
        }
    }
    for (size_t i = 0; i < b->manifest->type_count; i++) {
        uint32_t type;
        if (resolve_type(b, (struct mark){0}, NULL, b->manifest->types[i], &type) < 0) {
            return -1;
        }
    }
    return resolve_rows(b);
}
