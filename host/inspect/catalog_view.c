/* The plugin files of a search path, for people and programs. */
#include "inspect/catalog_view.h"

#include "manifest/json.h"

/* The earlier file that the type is taken from; NULL when it is this one. */
static const struct catalog_file *hidden_by(const struct catalog *catalog, size_t file,
                                            const char *id) {
    size_t first = file;
    (void)catalog_find_type(catalog, id, &first);
    return first < file ? &catalog->files[first] : NULL;
}

static void text_type(const struct catalog *catalog, size_t file, const struct note_actor *actor,
                      struct str *out) {
    str_addf(out, "  %s", actor->id);
    for (size_t i = 0; i < actor->row_count; i++) {
        const struct note_row *row = &actor->rows[i];
        if (note_row_is_handler(row) || note_row_is_output(row)) {
            str_addf(out, "  %s:%s", note_row_kind_text(row->kind), row->name);
        }
    }
    const struct catalog_file *first = hidden_by(catalog, file, actor->id);
    if (first) {
        str_addf(out, "  (not used: '%s' offers it first)", first->path);
    }
    str_add_char(out, '\n');
}

static void text_folders(const struct catalog *catalog, struct str *out) {
    str_add(out, "no plugin files in:\n");
    for (size_t i = 0; i < catalog->directory_count; i++) {
        str_addf(out, "  %s\n", catalog->directories[i]);
    }
}

void catalog_view_text(const struct catalog *catalog, struct str *out) {
    for (size_t i = 0; i < catalog->file_count; i++) {
        const struct catalog_file *file = &catalog->files[i];
        if (!file->image) {
            str_addf(out, "refused: %s\n", file->refused.text);
            continue;
        }
        const struct note_plugin *note = file->image->note;
        str_addf(out, "%s %s  %s\n", note->name, note->version, file->path);
        for (size_t j = 0; j < note->actor_count; j++) {
            text_type(catalog, i, &note->actors[j], out);
        }
    }
    if (catalog->file_count == 0) {
        text_folders(catalog, out);
    }
}

static void add_member(struct str *out, const char *name, const char *text) {
    str_addf(out, "\"%s\":", name);
    json_add_text(out, text);
}

static void json_ports(const struct note_actor *actor, struct str *out) {
    const char *separator = "";
    str_add(out, "\"ports\":[");
    for (size_t i = 0; i < actor->row_count; i++) {
        const struct note_row *row = &actor->rows[i];
        if (note_row_is_handler(row) || note_row_is_output(row)) {
            str_addf(out, "%s{", separator);
            add_member(out, "name", row->name);
            str_add_char(out, ',');
            add_member(out, "kind", note_row_kind_text(row->kind));
            str_add_char(out, '}');
            separator = ",";
        }
    }
    str_add_char(out, ']');
}

static void json_type(const struct catalog *catalog, size_t file, const struct note_actor *actor,
                      struct str *out) {
    str_add_char(out, '{');
    add_member(out, "id", actor->id);
    str_add_char(out, ',');
    const struct catalog_file *first = hidden_by(catalog, file, actor->id);
    if (first) {
        add_member(out, "hidden_by", first->path);
        str_add_char(out, ',');
    }
    json_ports(actor, out);
    str_add_char(out, '}');
}

static void json_plugin(const struct catalog *catalog, size_t at, struct str *out) {
    const struct catalog_file *file = &catalog->files[at];
    const struct note_plugin *note = file->image->note;
    str_add_char(out, '{');
    add_member(out, "path", file->path);
    str_add_char(out, ',');
    add_member(out, "name", note->name);
    str_add_char(out, ',');
    add_member(out, "version", note->version);
    str_add_char(out, ',');
    add_member(out, "sha256", image_sha256(file->image));
    str_add(out, ",\"types\":[");
    for (size_t i = 0; i < note->actor_count; i++) {
        str_add(out, i ? "," : "");
        json_type(catalog, at, &note->actors[i], out);
    }
    str_add(out, "]}");
}

static void json_refused(const struct catalog_file *file, struct str *out) {
    str_add_char(out, '{');
    add_member(out, "path", file->path);
    str_add_char(out, ',');
    add_member(out, "reason", file->refused.text);
    str_add_char(out, '}');
}

/* The accepted files, or the refused ones. */
static void json_files(const struct catalog *catalog, bool accepted, struct str *out) {
    const char *separator = "";
    for (size_t i = 0; i < catalog->file_count; i++) {
        if ((catalog->files[i].image != NULL) != accepted) {
            continue;
        }
        str_addf(out, "%s\n ", separator);
        if (accepted) {
            json_plugin(catalog, i, out);
        } else {
            json_refused(&catalog->files[i], out);
        }
        separator = ",";
    }
}

void catalog_view_json(const struct catalog *catalog, struct str *out) {
    str_add(out, "{\"folders\":[");
    for (size_t i = 0; i < catalog->directory_count; i++) {
        str_add(out, i ? "," : "");
        json_add_text(out, catalog->directories[i]);
    }
    str_add(out, "],\"plugins\":[");
    json_files(catalog, true, out);
    str_add(out, "],\"refused\":[");
    json_files(catalog, false, out);
    str_add(out, "]}\n");
}
