/* What a plugin file says of itself, parsed from its ELF note; see troupe/note.h for the text.
 * Pure: no file, no code of the plugin is touched. Everything is owned by the note_plugin. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct note_field {
    uint32_t kind; /* TROUPE_KIND_... */
    char *name;
    char *record; /* C name of the record; only for kind list, else NULL */
};

/* A message type, or (id NULL) a record. */
struct note_message {
    char *c_name;
    char *id;
    char *schema; /* canonical: "str text; u64 number; list sources {str source; u64 failed}" */
    struct note_field *fields;
    size_t field_count;
};

/* clang-format off */
#define NOTE_OPTION_KINDS(X)                                                                       \
    X(STR, "str") X(PATH, "path") X(INT, "int") X(FLOAT, "float") X(BOOL, "bool")                  \
    X(DURATION, "duration") X(SIZE, "size") X(ENUM, "enum") X(LIST, "list") X(FIELD, "field")
/* clang-format on */
#define NOTE_OPTION_CONSTANT(name, text) NOTE_OPTION_##name,
enum note_option_kind { NOTE_OPTION_KINDS(NOTE_OPTION_CONSTANT) NOTE_OPTION_KIND_COUNT };
#undef NOTE_OPTION_CONSTANT

struct note_key {
    enum note_option_kind kind;
    char *name;
    bool required;
    char *value; /* the default as text, unquoted; NULL when required */
    char *help;
    char *extra; /* range, choices, port; "" when none */
};

struct note_config {
    char *c_name;
    struct note_key *keys;
    size_t key_count;
};

struct note_row {
    uint32_t kind; /* TROUPE_ROW_... */
    char *name;
    char *type;  /* as in struct troupe_row; "" when none */
    char *reply; /* "" when none */
};

struct note_actor {
    char *c_name;
    char *id;
    struct note_row *rows; /* in the plugin's order: index = port number */
    size_t row_count;
    const struct note_config *config; /* NULL: takes none */
    uint32_t state_version;           /* 0: cannot save */
    uint32_t state_min;
    bool own_thread;
    bool plain_state;
    bool touches_world;
    bool writes_older; /* every state version from state_min on */
};

/* Messages (records first), configs and actors stand in the order of their C names. */
struct note_plugin {
    char *name;
    char *version;
    uint32_t abi_major, abi_minor;
    struct note_message *messages; /* messages and records */
    size_t message_count;
    struct note_config *configs;
    size_t config_count;
    struct note_actor *actors;
    size_t actor_count;
};

/* Parses the bytes of the section .note.troupe, which are untrusted. Repeated equal entries count
 * once; every reference in the result is resolved: rows name messages, lists name records, configs
 * and handler ports exist. Errors: INVALID (malformed, contradicting or incomplete entries; the
 * text says which), ABI (an ABI major this host does not know), NOMEM. [any] */
int note_parse(const void *section, size_t size, struct note_plugin **ret, struct err *err);
void note_destroy(struct note_plugin *note); /* takes NULL */

/* NULL when absent. */
const struct note_actor *note_find_actor(const struct note_plugin *note, const char *id);
const struct note_message *note_find_message(const struct note_plugin *note, const char *c_name);
const struct note_row *note_find_row(const struct note_actor *actor, const char *name);
const char *note_row_kind_text(uint32_t kind);   /* "in", ...; "unknown" */
const char *note_field_kind_text(uint32_t kind); /* "bool", ...; "unknown" */
const char *note_option_kind_text(enum note_option_kind kind);
/* sizeof and alignment of the struct that TROUPE_CONFIG declares for this schema, and the offset of
 * each member where `offsets` (key_count numbers) is not NULL. */
void note_config_layout(const struct note_config *config, uint64_t *offsets, uint64_t *ret_size,
                        uint64_t *ret_align);
/* in, any, call: rows that receive messages. out, as, ask: rows that can be wired outwards. */
bool note_row_is_handler(const struct note_row *row);
bool note_row_is_output(const struct note_row *row);
/* What the host calls that is no message, timer, watch or child: init to returned, reconfigure. */
bool note_row_is_hook(const struct note_row *row);
bool note_row_is_option(const struct note_row *row);
/* Whether there is a row of this kind. */
bool note_has_row(const struct note_actor *actor, uint32_t kind);
