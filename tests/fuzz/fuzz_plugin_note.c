/* Any bytes as a section .note.troupe: refused with a sentence, or every reference in it leads
 * somewhere. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <troupe/plugin.h>

#include "plugin/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int holds) {
    if (!holds) {
        abort();
    }
}

static void check_messages(const struct note_plugin *note) {
    for (size_t i = 0; i < note->message_count; i++) {
        const struct note_message *message = &note->messages[i];
        expect(message->field_count > 0 && strlen(message->schema) > 0);
        for (size_t j = 0; j < message->field_count; j++) {
            const char *record = message->fields[j].record;
            expect(!record || !note_find_message(note, record)->id);
        }
    }
}

static void check_row(const struct note_plugin *note, const struct note_actor *actor,
                      const struct note_row *row) {
    expect(note_find_row(actor, row->name) == row);
    switch (row->kind) {
    case TROUPE_ROW_call:
    case TROUPE_ROW_ask:
        expect(note_find_message(note, row->reply)->id != NULL);
        expect(note_find_message(note, row->type)->id != NULL);
        break;
    case TROUPE_ROW_in:
    case TROUPE_ROW_out:
    case TROUPE_ROW_to:
        expect(note_find_message(note, row->type)->id != NULL);
        break;
    case TROUPE_ROW_as:
        expect(note_row_is_handler(note_find_row(actor, row->type)));
        break;
    case TROUPE_ROW_config:
        expect(actor->config && strcmp(actor->config->c_name, row->type) == 0);
        break;
    default:
        break;
    }
}

static void check_actors(const struct note_plugin *note) {
    expect(note->actor_count > 0);
    for (size_t i = 0; i < note->actor_count; i++) {
        const struct note_actor *actor = &note->actors[i];
        expect(note_find_actor(note, actor->id) == actor);
        for (size_t j = 0; j < actor->row_count; j++) {
            check_row(note, actor, &actor->rows[j]);
        }
        uint64_t room;
        uint64_t align;
        if (actor->config) {
            note_config_layout(actor->config, NULL, &room, &align);
            expect(room > 0 && room % align == 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct note_plugin *note;
    struct err err = {0};
    if (note_parse(data, size, &note, &err) == 0) {
        check_messages(note);
        check_actors(note);
        note_destroy(note);
    } else {
        expect((err.code == ERR_INVALID || err.code == ERR_ABI) && err.text[0] != '\0');
    }
    return 0;
}
