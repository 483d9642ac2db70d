/* A small world for tests of plans: plugin files made of note texts, a manifest given as text.
 *
 * A test adds files and builds; what came of it stands in the struct. The texts of a file's note are
 * separated by empty lines, each as troupe/note.h describes it; everything is in memory. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <troupe/note.h>

#include "base/alloc.h"
#include "base/str.h"
#include "lib/test.h"
#include "plan/plan.h"

struct world {
    struct catalog *catalog;
    struct manifest *manifest;
    struct type_table *types;
    struct plan *plan;
    struct diags diags;
    struct err err;
    int status;
};

static inline int world_setup(void **state) {
    struct world *w = test_calloc(1, sizeof *w);
    w->catalog = mem_alloc(sizeof *w->catalog);
    w->types = type_table_create();
    diags_init(&w->diags);
    *state = w;
    return w->catalog && w->types ? 0 : -1;
}

static inline int world_teardown(void **state) {
    struct world *w = *state;
    diags_fini(&w->diags);
    plan_destroy(w->plan);
    manifest_destroy(w->manifest);
    catalog_destroy(w->catalog);
    type_table_destroy(w->types);
    test_free(w);
    return 0;
}

static inline uint32_t world_note_type(const char *text) {
    static const char *const words[] = {"plugin ", "record ", "message ", "config ", "actor "};
    for (uint32_t i = 0; i < 5; i++) {
        if (strncmp(text, words[i], strlen(words[i])) == 0) {
            return i + 1;
        }
    }
    fail_msg("no note starts like this: %s", text);
    return 0;
}

/* The section that the macros of the SDK would have written. */
static inline void world_section(const char *text, struct str *out) {
    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t size = end ? (size_t)(end - text) + 1 : strlen(text);
        uint32_t head[3] = {sizeof TROUPE_NOTE_OWNER, (uint32_t)size + 1, world_note_type(text)};
        char owner[8] = TROUPE_NOTE_OWNER;
        str_add_n(out, (const char *)head, sizeof head);
        str_add_n(out, owner, sizeof owner);
        str_add_n(out, text, size);
        str_add_n(out, "\0\0\0", 4 - size % 4);
        text += end ? size + 1 : size;
    }
}

static inline struct catalog_file *world_new_file(struct world *w, const char *path) {
    struct catalog *catalog = w->catalog;
    catalog->files = mem_resize(catalog->files, (catalog->file_count + 1) * sizeof *catalog->files);
    assert_non_null(catalog->files);
    struct catalog_file *file = &catalog->files[catalog->file_count++];
    *file = (struct catalog_file){.path = mem_text(path)};
    return file;
}

static inline void world_file(struct world *w, const char *path, const char *notes) {
    struct catalog_file *file = world_new_file(w, path);
    struct str section;
    struct err err;
    str_init(&section);
    world_section(notes, &section);
    file->image = mem_alloc(sizeof *file->image);
    file->image->path = mem_text(path);
    pthread_mutex_init(&file->image->lock, NULL);
    memset(file->image->sha256, 'a', 64);
    if (note_parse(section.data, section.size, &file->image->note, &err) < 0) {
        fail_msg("%s: %s", path, err.text);
    }
    str_fini(&section);
}

static inline void world_refused_file(struct world *w, const char *path, const char *why) {
    struct catalog_file *file = world_new_file(w, path);
    (void)err_set(&file->refused, ERR_ABI, "%s", why);
}

static inline void world_directory(struct world *w, const char *path) {
    struct catalog *catalog = w->catalog;
    catalog->directories = mem_resize(catalog->directories, (catalog->directory_count + 1) *
                                                                sizeof *catalog->directories);
    assert_non_null(catalog->directories);
    catalog->directories[catalog->directory_count++] = mem_text(path);
}

/* Reads `text` behind a first line "troupe: 1" and "proc: p" as the file "m.yaml". */
static inline void world_manifest(struct world *w, const char *text) {
    struct str whole;
    str_init(&whole);
    str_addf(&whole, "troupe: 1\nproc: p\n%s", text);
    struct manifest_text file = {"m.yaml", str_text(&whole), whole.size};
    struct manifest_options options = {.texts = &file, .text_count = 1};
    const char *path = "m.yaml";
    if (manifest_load(&path, 1, &options, &w->manifest, &w->diags, &w->err) < 0) {
        fail_msg("the manifest is wrong: %s",
                 w->diags.count ? w->diags.items[0].text : w->err.text);
    }
    str_fini(&whole);
}

static inline void world_build(struct world *w, const char *text) {
    world_manifest(w, text);
    struct manifest *manifest = w->manifest;
    struct catalog *catalog = w->catalog;
    w->manifest = NULL;
    w->catalog = NULL;
    w->status = plan_build(manifest, catalog, w->types, &w->plan, &w->diags, &w->err);
}

/* "line:column: text" of each finding, one a line, sorted by place. */
static inline int world_compare(const void *a, const void *b) {
    const struct diag *one = a;
    const struct diag *two = b;
    if (one->mark.line != two->mark.line) {
        return one->mark.line < two->mark.line ? -1 : 1;
    }
    return one->mark.column < two->mark.column ? -1 : one->mark.column > two->mark.column;
}

static inline void world_assert_findings(struct world *w, enum diag_severity severity,
                                         const char *expected) {
    struct str text;
    str_init(&text);
    if (w->diags.count) {
        qsort(w->diags.items, w->diags.count, sizeof *w->diags.items, world_compare);
    }
    for (size_t i = 0; i < w->diags.count; i++) {
        const struct diag *diag = &w->diags.items[i];
        if (diag->severity == severity) {
            str_addf(&text, "%u:%u: %s\n", diag->mark.line, diag->mark.column, diag->text);
        }
    }
    assert_string_equal(str_text(&text), expected);
    str_fini(&text);
}

/* The manifest is refused, with exactly these errors. */
static inline void world_assert_errors(struct world *w, const char *expected) {
    world_assert_findings(w, DIAG_ERROR, expected);
    assert_int_equal(w->status, -1);
    assert_int_equal(w->err.code, ERR_INVALID);
}

static inline void world_assert_plan(struct world *w) {
    world_assert_findings(w, DIAG_ERROR, "");
    assert_int_equal(w->status, 0);
    assert_non_null(w->plan);
}

static inline const struct plan_actor *world_actor(const struct world *w, const char *path) {
    uint32_t at = plan_find_actor(w->plan, path);
    if (at == PLAN_NONE) {
        fail_msg("there is no actor '%s'", path);
    }
    return &w->plan->actors[at];
}

/* The row of a port of an actor. */
static inline uint32_t world_row(const struct world *w, const char *path, const char *port) {
    const struct note_actor *note = w->plan->types[world_actor(w, path)->type].note;
    const struct note_row *row = note_find_row(note, port);
    assert_non_null(row);
    return (uint32_t)(row - note->rows);
}

/* A file with a bit of everything. "t.Source" sends t.line/1, "t.Sink" takes it; "t.Copy" takes
 * anything and sends it on; "t.Asker" asks what "t.Oracle" answers. */
#define WORLD_PLUGIN                                                                               \
    "plugin \"t\", \"1.0\", 1 0\n\n"                                                               \
    "message line \"t.line/1\"\nfield str text\nfield u64 number\n\n"                              \
    "message line2 \"t.line/2\"\nfield str text\nfield u64 number\nfield str source\n\n"           \
    "message load \"t.load/1\"\nfield f64 load\nfield str host\n\n"                                \
    "message question \"t.question/1\"\nfield str text\n\n"                                        \
    "message answer \"t.answer/1\"\nfield str text\n\n"                                            \
    "config grouping\nkey field by \"\", \"what to group by\", \"item\"\n\n"                       \
    "config options\nkey int depth 3, \"how deep\", \"0..9\"\n\n"                                  \
    "actor source \"t.Source\"\nout line line\ntimer tick\n\n"                                     \
    "actor source2 \"t.Source2\"\nout line line2\n\n"                                              \
    "actor meter \"t.Meter\"\nout load load\n\n"                                                   \
    "actor sink \"t.Sink\"\nin line line\nin debug line\n\n"                                       \
    "actor copy \"t.Copy\"\nany item\nas copy item\nconfig grouping\n\n"                           \
    "actor pass \"t.Pass\"\nin line line\nas copy line\nout total load\n\n"                        \
    "actor asker \"t.Asker\"\nask question question answer\noption own_thread\n\n"                 \
    "actor oracle \"t.Oracle\"\ncall question question answer\nconfig options\n\n"                 \
    "actor parrot \"t.Parrot\"\ncall question answer answer\n\n"
