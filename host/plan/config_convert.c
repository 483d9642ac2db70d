/* Configs across generations of an actor type: compared, and carried over key by key. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "manifest/arena.h"
#include "plan/config.h"

bool config_is_same_schema(const struct note_config *a, const struct note_config *b) {
    bool same = a && b && a->key_count == b->key_count;
    for (size_t i = 0; same && i < a->key_count; i++) {
        const struct note_key *x = &a->keys[i];
        const struct note_key *y = &b->keys[i];
        same =
            x->kind == y->kind && strcmp(x->name, y->name) == 0 && strcmp(x->extra, y->extra) == 0;
    }
    return same || a == b;
}

static bool is_same_value(const struct config *a, const struct note_config *a_note,
                          const struct config *b, const struct note_config *b_note, size_t key) {
    struct str texts[2];
    str_init(&texts[0]);
    str_init(&texts[1]);
    config_add_value(a, a_note, key, &texts[0]);
    config_add_value(b, b_note, key, &texts[1]);
    bool same = !texts[0].failed && !texts[1].failed &&
                strcmp(str_text(&texts[0]), str_text(&texts[1])) == 0;
    str_fini(&texts[0]);
    str_fini(&texts[1]);
    return same;
}

bool config_is_same(const struct config *a, const struct note_config *a_note,
                    const struct config *b, const struct note_config *b_note) {
    if (!a || !b || a == b) {
        return a == b;
    }
    bool same = config_is_same_schema(a_note, b_note);
    for (size_t i = 0; same && i < a_note->key_count; i++) {
        same = is_same_value(a, a_note, b, b_note, i);
    }
    return same;
}

/* --- key by key --- */

static size_t find_same(const struct note_config *note, const struct note_key *key) {
    for (size_t i = 0; note && i < note->key_count; i++) {
        if (note->keys[i].kind == key->kind && strcmp(note->keys[i].name, key->name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static const void *value_at(const struct config *config, size_t key) {
    return (const char *)config->body + config->offsets[key];
}

/* A number, a switch or a choice as text. */
static const struct troupe_str *write_value(struct arena *arena, const struct config *from,
                                            const struct note_config *note, size_t key) {
    struct str text;
    str_init(&text);
    config_add_value(from, note, key, &text);
    struct troupe_str *value = arena_alloc(arena, sizeof *value);
    char *kept = arena_text_n(arena, str_text(&text), text.size);
    arena->failed |= text.failed;
    if (value && kept) {
        *value = troupe_str(kept);
    }
    str_fini(&text);
    return value;
}

static struct config_setting as_setting(struct arena *arena, const struct config *from,
                                        const struct note_config *note, size_t key) {
    struct config_setting setting = {.key = troupe_str(note->keys[key].name), .count = 1};
    const struct troupe_strs *list;
    switch (note->keys[key].kind) {
    case NOTE_OPTION_LIST:
        list = value_at(from, key);
        setting.values = list->items;
        setting.count = list->count;
        setting.is_list = true;
        break;
    case NOTE_OPTION_STR:
    case NOTE_OPTION_PATH:
    case NOTE_OPTION_FIELD:
        setting.values = value_at(from, key);
        break;
    default:
        setting.values = write_value(arena, from, note, key);
        break;
    }
    return setting;
}

int config_convert(const struct config *from, const struct note_config *from_note,
                   const struct note_config *to_note, struct config **ret, struct err *err) {
    struct arena arena;
    size_t count = 0;
    arena_init(&arena);
    struct config_setting *settings = arena_array(&arena, to_note->key_count, sizeof *settings);
    for (size_t i = 0; settings && from && i < to_note->key_count; i++) {
        size_t same = find_same(from_note, &to_note->keys[i]);
        if (same != SIZE_MAX) {
            settings[count++] = as_setting(&arena, from, from_note, same);
        }
    }
    int status = arena.failed
                     ? err_set(err, ERR_NOMEM, "no memory for config '%s'", to_note->c_name)
                     : config_build(to_note, settings, count, NULL, NULL, NULL, ret, err);
    arena_fini(&arena);
    return status;
}
