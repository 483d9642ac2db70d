/* Finding the entries of the section .note.troupe; it is untrusted input. */
#include "plugin/note_build.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "plugin/note_text.h"

#define SECTION_MAX ((size_t)1 << 20)
#define ENTRIES_MAX 4096u
#define HEADER_SIZE 12u

struct header {
    uint32_t owner_size, text_size, type;
};

static uint64_t padded(uint32_t size) {
    return ((uint64_t)size + 3) / 4 * 4;
}

static bool is_known(uint32_t type) {
    return type >= TROUPE_NOTE_PLUGIN && type <= TROUPE_NOTE_ACTOR;
}

/* The length of the line at `text` without its end. */
static size_t line_length(const char *text, const char *end) {
    const char *newline = memchr(text, '\n', (size_t)(end - text));
    return (size_t)((newline ? newline : end) - text);
}

/* The second word: what the entry is called. */
static size_t find_name(const struct note_entry *entry, const char **ret) {
    const char *end = entry->text + line_length(entry->text, entry->text + entry->size);
    const char *at = memchr(entry->text, ' ', (size_t)(end - entry->text));
    *ret = at ? at + 1 : end;
    const char *blank = memchr(*ret, ' ', (size_t)(end - *ret));
    return (size_t)((blank ? blank : end) - *ret);
}

/* Messages and records are structs of C, which share one space of names; a file is one plugin. */
static bool share_name(const struct note_entry *a, const struct note_entry *b) {
    uint32_t a_space = a->type == TROUPE_NOTE_RECORD ? TROUPE_NOTE_MESSAGE : a->type;
    uint32_t b_space = b->type == TROUPE_NOTE_RECORD ? TROUPE_NOTE_MESSAGE : b->type;
    if (a_space != b_space || a_space == TROUPE_NOTE_PLUGIN) {
        return a_space == b_space;
    }
    const char *a_name;
    const char *b_name;
    size_t size = find_name(a, &a_name);
    return size == find_name(b, &b_name) && memcmp(a_name, b_name, size) == 0;
}

/* Names the first line in which two entries of one name differ. */
static int refuse_pair(const struct note_entry *a, const struct note_entry *b, struct err *err) {
    const char *a_at = a->text;
    const char *b_at = b->text;
    const char *a_end = a_at + a->size;
    const char *b_end = b_at + b->size;
    size_t a_size = line_length(a_at, a_end);
    size_t b_size = line_length(b_at, b_end);
    while (a_size == b_size && memcmp(a_at, b_at, a_size) == 0 && a_at + a_size < a_end &&
           b_at + b_size < b_end) {
        a_at += a_size + 1;
        b_at += b_size + 1;
        a_size = line_length(a_at, a_end);
        b_size = line_length(b_at, b_end);
    }
    const char *name;
    size_t name_size = find_name(a, &name);
    if (a->type == TROUPE_NOTE_PLUGIN) {
        name_size = 0;
    }
    return err_set(err, ERR_INVALID,
                   "the note declares %.*s%s%.*s%s twice and differently: once with '%.*s', once "
                   "with '%.*s'",
                   (int)strcspn(a->text, " \n"), a->text, name_size ? " '" : "", (int)name_size,
                   name, name_size ? "'" : "", (int)a_size, a_at, (int)b_size, b_at);
}

static bool is_same(const struct note_entry *a, const struct note_entry *b) {
    return a->type == b->type && a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

static int add_entry(struct note_entries *entries, const struct note_entry *entry,
                     struct err *err) {
    for (size_t i = 0; i < entries->count; i++) {
        if (is_same(&entries->items[i], entry)) {
            return 0;
        }
        if (share_name(&entries->items[i], entry)) {
            return refuse_pair(&entries->items[i], entry, err);
        }
    }
    if (entries->count == ENTRIES_MAX) {
        return err_set(err, ERR_INVALID, "the note has more than %u entries", ENTRIES_MAX);
    }
    if ((entries->count & (entries->count - 1)) == 0) { /* full: rooms are powers of two */
        size_t room = entries->count ? entries->count * 2 : 1;
        struct note_entry *items = mem_resize(entries->items, room * sizeof *items);
        if (!items) {
            return err_set(err, ERR_NOMEM, "no memory for %zu entries of a note", room);
        }
        entries->items = items;
    }
    entries->items[entries->count++] = *entry;
    return 0;
}

/* Takes one note, whoever its owner is. */
static int take_note(struct note_entries *entries, const struct header *header,
                     const uint8_t *owner, size_t at, struct err *err) {
    const char *text = (const char *)owner + padded(header->owner_size);
    bool is_ours = header->owner_size == sizeof TROUPE_NOTE_OWNER &&
                   memcmp(owner, TROUPE_NOTE_OWNER, sizeof TROUPE_NOTE_OWNER) == 0;
    if (!is_ours || !is_known(header->type)) {
        return 0;
    }
    const char *end = memchr(text, '\0', header->text_size);
    if (!end) {
        return err_set(err, ERR_INVALID, "the text of the note entry at byte %zu has no end", at);
    }
    if (note_check_text(text, err) < 0) {
        return err_wrap(err, "the note entry at byte %zu", at);
    }
    struct note_entry entry = {header->type, text, (size_t)(end - text)};
    return add_entry(entries, &entry, err);
}

/* Compilers put entries into a file in any order. */
static int compare_entries(const void *left, const void *right) {
    const struct note_entry *a = left;
    const struct note_entry *b = right;
    if (a->type != b->type) {
        return a->type < b->type ? -1 : 1;
    }
    int order = memcmp(a->text, b->text, a->size < b->size ? a->size : b->size);
    return order ? order : (a->size > b->size) - (a->size < b->size);
}

static int collect(const void *section, size_t size, struct note_entries *ret, struct err *err) {
    const uint8_t *bytes = section;
    struct header header;
    if (size > SECTION_MAX) {
        return err_set(err, ERR_INVALID, "the note has %zu bytes, more than %zu", size,
                       SECTION_MAX);
    }
    for (size_t at = 0; at < size;) {
        size_t left = size - at;
        if (left >= 4 && memcmp(bytes + at, "\0\0\0", 4) == 0) {
            at += 4; /* linkers and sanitizers leave zero words between entries */
            continue;
        }
        if (left < HEADER_SIZE) {
            return err_set(err, ERR_INVALID, "the note ends within the entry at byte %zu", at);
        }
        memcpy(&header, bytes + at, sizeof header);
        uint64_t need = HEADER_SIZE + padded(header.owner_size) + header.text_size;
        if (need > left) {
            return err_set(err, ERR_INVALID, "the note entry at byte %zu reaches beyond the note",
                           at);
        }
        if (take_note(ret, &header, bytes + at + HEADER_SIZE, at, err) < 0) {
            return -1;
        }
        uint64_t step = HEADER_SIZE + padded(header.owner_size) + padded(header.text_size);
        at += step < left ? (size_t)step : left;
    }
    return 0;
}

int note_collect(const void *section, size_t size, struct note_entries *ret, struct err *err) {
    *ret = (struct note_entries){0};
    if (collect(section, size, ret, err) < 0) {
        return -1;
    }
    if (ret->count > 1) {
        qsort(ret->items, ret->count, sizeof *ret->items, compare_entries);
    }
    return 0;
}

void note_entries_fini(struct note_entries *entries) {
    mem_free(entries->items);
    *entries = (struct note_entries){0};
}
