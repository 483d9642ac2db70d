/* A parsed note: reading it from bytes, looking things up in it, letting it go. */
#include "plugin/note.h"

#include <string.h>

#include <troupe/config.h>
#include <troupe/message.h>
#include <troupe/plugin.h>

#include "base/alloc.h"
#include "plugin/note_build.h"

int note_parse(const void *section, size_t size, struct note_plugin **ret, struct err *err) {
    struct note_entries entries = {0};
    struct note_plugin *note = mem_alloc(sizeof *note);
    if (!note) {
        return err_set(err, ERR_NOMEM, "no memory for a note");
    }
    int status = note_collect(section, size, &entries, err);
    if (status == 0) {
        status = note_fill(note, &entries, err);
    }
    note_entries_fini(&entries);
    if (status == 0) {
        status = note_link(note, err);
    }
    if (status < 0) {
        note_destroy(note);
        return -1;
    }
    *ret = note;
    return 0;
}

static void destroy_message(struct note_message *message) {
    for (size_t i = 0; i < message->field_count; i++) {
        mem_free(message->fields[i].name);
        mem_free(message->fields[i].record);
    }
    mem_free(message->fields);
    mem_free(message->c_name);
    mem_free(message->id);
    mem_free(message->schema);
}

static void destroy_config(struct note_config *config) {
    for (size_t i = 0; i < config->key_count; i++) {
        mem_free(config->keys[i].name);
        mem_free(config->keys[i].value);
        mem_free(config->keys[i].help);
        mem_free(config->keys[i].extra);
    }
    mem_free(config->keys);
    mem_free(config->c_name);
}

static void destroy_actor(struct note_actor *actor) {
    for (size_t i = 0; i < actor->row_count; i++) {
        mem_free(actor->rows[i].name);
        mem_free(actor->rows[i].type);
        mem_free(actor->rows[i].reply);
    }
    mem_free(actor->rows);
    mem_free(actor->c_name);
    mem_free(actor->id);
}

void note_destroy(struct note_plugin *note) {
    if (!note) {
        return;
    }
    for (size_t i = 0; i < note->message_count; i++) {
        destroy_message(&note->messages[i]);
    }
    for (size_t i = 0; i < note->config_count; i++) {
        destroy_config(&note->configs[i]);
    }
    for (size_t i = 0; i < note->actor_count; i++) {
        destroy_actor(&note->actors[i]);
    }
    mem_free(note->messages);
    mem_free(note->configs);
    mem_free(note->actors);
    mem_free(note->name);
    mem_free(note->version);
    mem_free(note);
}

const struct note_actor *note_find_actor(const struct note_plugin *note, const char *id) {
    for (size_t i = 0; i < note->actor_count; i++) {
        if (strcmp(note->actors[i].id, id) == 0) {
            return &note->actors[i];
        }
    }
    return NULL;
}

const struct note_message *note_find_message(const struct note_plugin *note, const char *c_name) {
    for (size_t i = 0; i < note->message_count; i++) {
        if (strcmp(note->messages[i].c_name, c_name) == 0) {
            return &note->messages[i];
        }
    }
    return NULL;
}

const struct note_row *note_find_row(const struct note_actor *actor, const char *name) {
    for (size_t i = 0; i < actor->row_count; i++) {
        if (strcmp(actor->rows[i].name, name) == 0) {
            return &actor->rows[i];
        }
    }
    return NULL;
}

const char *note_row_kind_text(uint32_t kind) {
    switch (kind) {
#define ROW_KIND_CASE(number, name)                                                                \
    case (number):                                                                                 \
        return #name;
        TROUPE_ROW_KINDS(ROW_KIND_CASE)
#undef ROW_KIND_CASE
    default:
        return "unknown";
    }
}

const char *note_field_kind_text(uint32_t kind) {
    switch (kind) {
#define FIELD_KIND_CASE(number, name, c_type)                                                      \
    case (number):                                                                                 \
        return #name;
        TROUPE_KINDS(FIELD_KIND_CASE)
#undef FIELD_KIND_CASE
    default:
        return "unknown";
    }
}

const char *note_option_kind_text(enum note_option_kind kind) {
    switch (kind) {
#define OPTION_KIND_CASE(name, text)                                                               \
    case NOTE_OPTION_##name:                                                                       \
        return text;
        NOTE_OPTION_KINDS(OPTION_KIND_CASE)
#undef OPTION_KIND_CASE
    default:
        return "unknown";
    }
}

bool note_row_is_handler(const struct note_row *row) {
    return row->kind == TROUPE_ROW_in || row->kind == TROUPE_ROW_any ||
           row->kind == TROUPE_ROW_call;
}

bool note_row_is_output(const struct note_row *row) {
    return row->kind == TROUPE_ROW_out || row->kind == TROUPE_ROW_as || row->kind == TROUPE_ROW_ask;
}

bool note_row_is_hook(const struct note_row *row) {
    return (row->kind >= TROUPE_ROW_init && row->kind <= TROUPE_ROW_returned) ||
           row->kind == TROUPE_ROW_reconfigure;
}

bool note_row_is_option(const struct note_row *row) {
    return row->kind == TROUPE_ROW_option;
}

bool note_has_row(const struct note_actor *actor, uint32_t kind) {
    for (size_t i = 0; i < actor->row_count; i++) {
        if (actor->rows[i].kind == kind) {
            return true;
        }
    }
    return false;
}

static void option_layout(enum note_option_kind kind, uint64_t *ret_size, uint64_t *ret_align) {
    struct sizes {
        uint64_t size, align;
    };
    static const struct sizes sizes[NOTE_OPTION_KIND_COUNT] = {
        [NOTE_OPTION_STR] = {sizeof(struct troupe_str), _Alignof(struct troupe_str)},
        [NOTE_OPTION_PATH] = {sizeof(struct troupe_str), _Alignof(struct troupe_str)},
        [NOTE_OPTION_INT] = {sizeof(int64_t), _Alignof(int64_t)},
        [NOTE_OPTION_FLOAT] = {sizeof(double), _Alignof(double)},
        [NOTE_OPTION_BOOL] = {sizeof(bool), _Alignof(bool)},
        [NOTE_OPTION_DURATION] = {sizeof(uint64_t), _Alignof(uint64_t)},
        [NOTE_OPTION_SIZE] = {sizeof(uint64_t), _Alignof(uint64_t)},
        [NOTE_OPTION_ENUM] = {sizeof(uint32_t), _Alignof(uint32_t)},
        [NOTE_OPTION_LIST] = {sizeof(struct troupe_strs), _Alignof(struct troupe_strs)},
        [NOTE_OPTION_FIELD] = {sizeof(struct troupe_str), _Alignof(struct troupe_str)},
    };
    *ret_size = sizes[kind].size;
    *ret_align = sizes[kind].align;
}

void note_config_layout(const struct note_config *config, uint64_t *offsets, uint64_t *ret_size,
                        uint64_t *ret_align) {
    uint64_t at = 0;
    uint64_t most = 1;
    for (size_t i = 0; i < config->key_count; i++) {
        uint64_t size;
        uint64_t align;
        option_layout(config->keys[i].kind, &size, &align);
        most = align > most ? align : most;
        at = (at + align - 1) / align * align;
        if (offsets) {
            offsets[i] = at;
        }
        at += size;
    }
    *ret_size = (at + most - 1) / most * most;
    *ret_align = most;
}
