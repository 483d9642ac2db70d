/* A plugin file in text; see plugin_view.h. */
#include "inspect/plugin_view.h"

#include <string.h>

#include <troupe/plugin.h>

#include "base/alloc.h"
#include "plugin/missing.h"
#include "plugin/unload.h"

/* Wide enough for the longest of the words seen, and two blanks. */
struct column {
    size_t width;
};

static void widen(struct column *column, const char *word) {
    size_t size = strlen(word);
    column->width = size > column->width ? size : column->width;
}

static void cell(struct str *out, const struct column *column, const char *word) {
    str_addf(out, "%-*s", (int)column->width + 2, word);
}

/* Cells in front leave blanks when nothing follows. */
static void end_line(struct str *out) {
    while (out->size && out->data[out->size - 1] == ' ') {
        out->data[--out->size] = '\0';
    }
    str_add_char(out, '\n');
}

static void fact(struct str *out, const char *name, const char *text) {
    str_addf(out, "  %-9s %s\n", name, text);
}

static void list_names(struct str *out, char *const *names) {
    for (size_t i = 0; names[i]; i++) {
        str_addf(out, "%s%s", i ? ", " : "", names[i]);
    }
}

static void fact_names(struct str *out, const char *name, char *const *names) {
    if (names[0]) {
        str_addf(out, "  %-9s ", name);
        list_names(out, names);
        str_add_char(out, '\n');
    }
}

static void show_missing(const struct image *image, struct str *out) {
    struct missing missing;
    if (missing_find(image, &missing, NULL) < 0) {
        out->failed = true;
        return;
    }
    fact_names(out, "missing", missing.symbols);
    fact_names(out, "not found", missing.libraries);
    missing_fini(&missing);
}

static void show_unloading(const struct image *image, struct str *out) {
    char **reasons = unload_reasons(image);
    if (!reasons) {
        out->failed = true;
        return;
    }
    str_addf(out, "  %-9s %s", "unload", reasons[0] ? "stays mapped: " : "possible");
    list_names(out, reasons);
    str_add_char(out, '\n');
    mem_free(reasons);
    if (unload_leaks_on_fault(image)) {
        fact(out, "memory",
             "its own too (malloc), which leaks when an actor ends by a fault; one inside of "
             "malloc ends the process");
    }
    if (unload_locks_on_fault(image)) {
        fact(out, "locks",
             "its own, which stay locked when an actor that holds one ends by a fault");
    }
}

static void show_file(const struct image *image, struct str *out) {
    str_addf(out, "%s %s\n", image->note->name, image->note->version);
    str_addf(out, "  %-9s %s (%zu bytes%s)\n", "file", image->path, image->size,
             image->is_stripped ? ", stripped" : "");
    fact(out, "sha256", image_sha256(image));
    fact(out, "build-id", image->build_id[0] ? image->build_id : "none");
    str_addf(out, "  %-9s %u.%u\n", "ABI", image->note->abi_major, image->note->abi_minor);
    if (image->soname) {
        str_addf(out, "  %-9s %s, which a plugin should not have\n", "SONAME", image->soname);
    }
    fact_names(out, "needs", image->needed);
    show_missing(image, out);
    show_unloading(image, out);
}

static const char *message_id(const struct image *image, const char *c_name) {
    return note_find_message(image->note, c_name)->id;
}

/* What a port or a child carries. */
static void show_cargo(const struct image *image, const struct note_row *row, struct str *out) {
    switch (row->kind) {
    case TROUPE_ROW_any:
        str_add(out, "any message");
        break;
    case TROUPE_ROW_as:
        str_addf(out, "as '%s'", row->type);
        break;
    case TROUPE_ROW_child:
        str_add(out, row->type);
        break;
    case TROUPE_ROW_call:
    case TROUPE_ROW_ask:
        str_addf(out, "%s -> %s", message_id(image, row->type), message_id(image, row->reply));
        break;
    case TROUPE_ROW_in:
    case TROUPE_ROW_out:
    case TROUPE_ROW_to:
        str_add(out, message_id(image, row->type));
        break;
    default:
        break;
    }
}

/* Rows with a name of their own. */
static bool is_named(const struct note_row *row) {
    return row->kind >= TROUPE_ROW_in && row->kind <= TROUPE_ROW_child;
}

static void show_rows(const struct image *image, const struct note_actor *actor, struct str *out) {
    struct column names = {0};
    for (size_t i = 0; i < actor->row_count; i++) {
        if (is_named(&actor->rows[i])) {
            widen(&names, actor->rows[i].name);
        }
    }
    for (size_t i = 0; i < actor->row_count; i++) {
        const struct note_row *row = &actor->rows[i];
        if (is_named(row)) {
            str_addf(out, "  %-9s ", note_row_kind_text(row->kind));
            cell(out, &names, row->name);
            show_cargo(image, row, out);
            end_line(out);
        }
    }
}

static void show_kind(const struct note_actor *actor, bool (*is_one)(const struct note_row *row),
                      const char *title, struct str *out) {
    const char *separator = NULL;
    for (size_t i = 0; i < actor->row_count; i++) {
        const struct note_row *row = &actor->rows[i];
        if (!is_one(row)) {
            continue;
        }
        if (!separator) {
            str_addf(out, "  %-9s ", title);
        }
        str_addf(out, "%s%s", separator ? separator : "", row->name);
        separator = ", ";
    }
    if (separator) {
        str_add_char(out, '\n');
    }
}

/* Defaults as one writes them in a manifest: quoted where a bare word would not do. */
static void write_default(const struct note_key *key, struct str *out) {
    if (key->required) {
        str_add(out, "required");
        return;
    }
    if (key->value[0] && !strpbrk(key->value, " \t\n\"\\,#:")) {
        str_add(out, key->value);
        return;
    }
    str_add_char(out, '"');
    for (const char *at = key->value; *at; at++) {
        if (*at == '"' || *at == '\\') {
            str_add_char(out, '\\');
        }
        if (*at == '\n' || *at == '\t') {
            str_add(out, *at == '\n' ? "\\n" : "\\t");
        } else {
            str_add_char(out, *at);
        }
    }
    str_add_char(out, '"');
}

static void show_help(const struct note_key *key, struct str *out) {
    for (const char *at = key->help; *at; at++) { /* a line stays a line */
        str_add_char(out, *at == '\n' || *at == '\t' ? ' ' : *at);
    }
    if (key->extra[0]) {
        str_addf(out, key->kind == NOTE_OPTION_FIELD ? "%s(port '%s')" : "%s(%s)",
                 key->help[0] ? " " : "", key->extra);
    }
}

static void show_key(const struct note_key *key, const struct column *columns, const char *value,
                     struct str *out) {
    str_add(out, "    ");
    cell(out, &columns[0], key->name);
    cell(out, &columns[1], note_option_kind_text(key->kind));
    cell(out, &columns[2], value);
    show_help(key, out);
    end_line(out);
}

static void show_config(const struct note_config *config, struct str *out) {
    struct column columns[3] = {{0}, {0}, {0}};
    struct str value;
    str_init(&value);
    str_add(out, "  config\n");
    for (size_t pass = 0; pass < 2; pass++) { /* measures, then writes */
        for (size_t i = 0; i < config->key_count; i++) {
            const struct note_key *key = &config->keys[i];
            str_clear(&value);
            write_default(key, &value);
            if (pass == 1) {
                show_key(key, columns, str_text(&value), out);
                continue;
            }
            widen(&columns[0], key->name);
            widen(&columns[1], note_option_kind_text(key->kind));
            widen(&columns[2], str_text(&value));
        }
    }
    out->failed = out->failed || value.failed;
    str_fini(&value);
}

static void show_actor(const struct image *image, const struct note_actor *actor, struct str *out) {
    str_addf(out, "\nactor %s\n", actor->id);
    show_rows(image, actor, out);
    show_kind(actor, note_row_is_hook, "hooks", out);
    show_kind(actor, note_row_is_option, "options", out);
    if (actor->state_version) {
        str_addf(out, "  %-9s version %u, reads from version %u on\n", "state",
                 actor->state_version, actor->state_min);
    }
    if (actor->config) {
        show_config(actor->config, out);
    }
}

static void show_fields(const struct image *image, const struct note_message *message, int indent,
                        struct str *out) {
    for (size_t i = 0; i < message->field_count; i++) {
        const struct note_field *field = &message->fields[i];
        str_addf(out, "%*s%-9s %s\n", indent, "", note_field_kind_text(field->kind), field->name);
        if (field->record) { /* flat: one level */
            show_fields(image, note_find_message(image->note, field->record), indent + 2, out);
        }
    }
}

void plugin_view_text(const struct image *image, struct str *out) {
    const struct note_plugin *note = image->note;
    show_file(image, out);
    for (size_t i = 0; i < note->actor_count; i++) {
        show_actor(image, &note->actors[i], out);
    }
    for (size_t i = 0; i < note->message_count; i++) {
        if (note->messages[i].id) {
            str_addf(out, "\nmessage %s\n", note->messages[i].id);
            show_fields(image, &note->messages[i], 2, out);
        }
    }
}
