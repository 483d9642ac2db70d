/* How a plugin file describes itself without being run: entries of the ELF section .note.troupe.
 *
 * Each entry is an ELF note (owner "troupe") whose description is text, NUL-terminated and padded to
 * 4 bytes. The macros in message.h, config.h, actor.h and plugin.h write them; nobody else need.
 * A reader skips entries of a type it does not know. Zero words between entries are padding.
 *
 *   type       text, fields separated by blanks, one statement a line
 *   PLUGIN     plugin "NAME", "VERSION", MAJOR MINOR
 *   RECORD     record C_NAME                            a flat struct, for lists
 *              field KIND NAME                          KIND as in TROUPE_KINDS
 *   MESSAGE    message C_NAME "ID"                      ID is name/revision: "text.line/1"
 *              field KIND NAME [C_NAME_OF_RECORD]       the record only for kind list
 *   CONFIG     config C_NAME
 *              key KIND NAME DEFAULT, "HELP", "EXTRA"   DEFAULT: required, a bare word or "text"
 *   ACTOR      actor C_NAME "ID"
 *              ROW_KIND NAME [ARGUMENT [ARGUMENT]]      ROW_KIND as in TROUPE_ROW_KINDS
 * Words are separated by blanks or by a comma. Quoted words are C string literals, with C's escapes;
 * as in C, those with only blanks between them are one.
 */
#pragma once

#include <troupe/abi.h>

#define TROUPE_NOTE_SECTION ".note.troupe"
#define TROUPE_NOTE_OWNER "troupe"

#define TROUPE_NOTE_PLUGIN 1u
#define TROUPE_NOTE_RECORD 2u
#define TROUPE_NOTE_MESSAGE 3u
#define TROUPE_NOTE_CONFIG 4u
#define TROUPE_NOTE_ACTOR 5u

/* Writes one entry. `symbol` must be unique in its translation unit; `text` is a string literal. */
#define TROUPE_NOTE_(symbol, type_, text)                                                          \
    static const struct {                                                                          \
        uint32_t owner_size, text_size, type;                                                      \
        char owner[8];                                                                             \
        char body[(sizeof(text) + 3) / 4 * 4];                                                     \
    } symbol __attribute__((section(TROUPE_NOTE_SECTION), used, aligned(4))) = {                   \
        (uint32_t)sizeof(TROUPE_NOTE_OWNER), (uint32_t)sizeof(text), (type_), TROUPE_NOTE_OWNER,   \
        text}
