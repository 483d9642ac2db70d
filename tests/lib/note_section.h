/* The section .note.troupe as the macros of the SDK write it, from texts. */
#pragma once

#include <string.h>

#include <troupe/note.h>

#include "base/str.h"
#include "lib/test.h"

/* Appends one entry. */
static inline void note_section_add(struct str *section, uint32_t type, const char *text) {
    size_t size = strlen(text) + 1;
    uint32_t head[3] = {sizeof TROUPE_NOTE_OWNER, (uint32_t)size, type};
    char owner[8] = TROUPE_NOTE_OWNER;
    str_add_n(section, (const char *)head, sizeof head);
    str_add_n(section, owner, sizeof owner);
    str_add_n(section, text, size);
    str_add_n(section, "\0\0\0", (4 - size % 4) % 4);
}

static inline uint32_t note_section_type(const char *text) {
    static const char *const words[] = {"plugin", "record", "message", "config", "actor"};
    for (uint32_t i = 0; i < 5; i++) {
        if (strncmp(text, words[i], strlen(words[i])) == 0) {
            return i + 1;
        }
    }
    fail_msg("no note entry starts like this: %s", text);
    return 0;
}

/* Appends entries that are separated by empty lines, each of the type its first word names. */
static inline void note_section_add_all(struct str *section, const char *texts) {
    char entry[4096];
    while (*texts) {
        const char *end = strstr(texts, "\n\n");
        size_t size = end ? (size_t)(end - texts) + 1 : strlen(texts);
        assert_true(size < sizeof entry);
        memcpy(entry, texts, size);
        entry[size] = '\0';
        note_section_add(section, note_section_type(entry), entry);
        texts += end ? size + 1 : size;
    }
}
