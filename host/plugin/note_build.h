/* The steps of note_parse: entries out of bytes, tables out of entries, references resolved. */
#pragma once

#include <troupe/note.h>

#include "plugin/note.h"

/* One entry of the section; `text` is lent by the section, without its NUL. */
struct note_entry {
    uint32_t type; /* TROUPE_NOTE_... */
    const char *text;
    size_t size;
};

struct note_entries {
    struct note_entry *items; /* each different one once, sorted by type and text */
    size_t count;
};

/* Finds the entries this host knows. Errors: INVALID (bounds, no text, two of one name that
 * differ), NOMEM. `ret` is to be given to note_entries_fini in every case. */
int note_collect(const void *section, size_t size, struct note_entries *ret, struct err *err);
void note_entries_fini(struct note_entries *entries);

/* Fills the tables of a zeroed note from its entries; names are not resolved yet. Errors: INVALID,
 * ABI (another major), NOMEM. */
int note_fill(struct note_plugin *note, const struct note_entries *entries, struct err *err);

/* Checks that names are unique, resolves references, writes the schemas. Errors: INVALID, NOMEM. */
int note_link(struct note_plugin *note, struct err *err);
