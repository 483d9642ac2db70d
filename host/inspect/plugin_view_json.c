/* A plugin file in JSON; see plugin_view.h. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include <troupe/plugin.h>

#include "base/alloc.h"
#include "inspect/plugin_view.h"
#include "manifest/json.h"
#include "plugin/missing.h"
#include "plugin/unload.h"

/* jansson passes NULL on: a value that could not be made makes what it is put into fail, too. */
static json_t *append(json_t *array, json_t *value) {
    if (array && json_array_append_new(array, value) < 0) {
        json_decref(array);
        return NULL;
    }
    if (!array) {
        json_decref(value);
    }
    return array;
}

static json_t *put(json_t *object, const char *key, json_t *value) {
    if (object && json_object_set_new(object, key, value) < 0) {
        json_decref(object);
        return NULL;
    }
    if (!object) {
        json_decref(value);
    }
    return object;
}

static json_t *text_or_null(const char *text) {
    return text && *text ? json_string(text) : json_null();
}

static json_t *make_names(char *const *names) {
    json_t *array = json_array();
    for (size_t i = 0; names[i]; i++) {
        array = append(array, json_string(names[i]));
    }
    return array;
}

static json_t *make_missing(const struct image *image) {
    struct missing missing;
    if (missing_find(image, &missing, NULL) < 0) {
        return NULL;
    }
    json_t *object = json_object();
    object = put(object, "symbols", make_names(missing.symbols));
    object = put(object, "libraries", make_names(missing.libraries));
    missing_fini(&missing);
    return object;
}

static json_t *make_unloading(const struct image *image) {
    char **reasons = unload_reasons(image);
    if (!reasons) {
        return NULL;
    }
    json_t *object = json_object();
    object = put(object, "stays", json_boolean(reasons[0] != NULL));
    object = put(object, "reasons", make_names(reasons));
    mem_free(reasons);
    return object;
}

static json_t *make_port(const struct image *image, const struct note_row *row) {
    const struct note_message *message = note_find_message(image->note, row->type);
    const struct note_message *reply = note_find_message(image->note, row->reply);
    json_t *object = json_object();
    object = put(object, "name", json_string(row->name));
    object = put(object, "kind", json_string(note_row_kind_text(row->kind)));
    if (row->kind == TROUPE_ROW_as) {
        return put(object, "follows", json_string(row->type));
    }
    if (message) {
        object = put(object, "message", json_string(message->id));
    }
    return reply ? put(object, "reply", json_string(reply->id)) : object;
}

static json_t *make_ports(const struct image *image, const struct note_actor *actor) {
    json_t *array = json_array();
    for (size_t i = 0; i < actor->row_count; i++) {
        uint32_t kind = actor->rows[i].kind;
        if (kind >= TROUPE_ROW_in && kind <= TROUPE_ROW_to) {
            array = append(array, make_port(image, &actor->rows[i]));
        }
    }
    return array;
}

static bool is_timer(const struct note_row *row) {
    return row->kind == TROUPE_ROW_timer;
}

static bool is_watch(const struct note_row *row) {
    return row->kind == TROUPE_ROW_watch;
}

static json_t *make_rows(const struct note_actor *actor,
                         bool (*is_one)(const struct note_row *row)) {
    json_t *array = json_array();
    for (size_t i = 0; i < actor->row_count; i++) {
        if (is_one(&actor->rows[i])) {
            array = append(array, json_string(actor->rows[i].name));
        }
    }
    return array;
}

static json_t *make_children(const struct note_actor *actor) {
    json_t *array = json_array();
    for (size_t i = 0; i < actor->row_count; i++) {
        const struct note_row *row = &actor->rows[i];
        if (row->kind == TROUPE_ROW_child) {
            json_t *object = put(json_object(), "name", json_string(row->name));
            array = append(array, put(object, "type", json_string(row->type)));
        }
    }
    return array;
}

static json_t *make_choices(const char *extra) {
    json_t *array = json_array();
    for (const char *at = extra; *at;) {
        size_t size = strcspn(at, "|");
        array = append(array, json_stringn(at, size));
        at += size + (at[size] == '|');
    }
    return array;
}

static json_t *make_key(const struct note_key *key) {
    json_t *object = json_object();
    object = put(object, "name", json_string(key->name));
    object = put(object, "kind", json_string(note_option_kind_text(key->kind)));
    object = put(object, "required", json_boolean(key->required));
    if (!key->required) {
        object = put(object, "default", json_string(key->value));
    }
    object = put(object, "help", json_string(key->help));
    if (key->kind == NOTE_OPTION_ENUM) {
        return put(object, "choices", make_choices(key->extra));
    }
    const char *name = key->kind == NOTE_OPTION_FIELD ? "port" : "range";
    return key->extra[0] ? put(object, name, json_string(key->extra)) : object;
}

static json_t *make_config(const struct note_config *config) {
    json_t *array = json_array();
    for (size_t i = 0; config && i < config->key_count; i++) {
        array = append(array, make_key(&config->keys[i]));
    }
    return array;
}

static json_t *make_state(const struct note_actor *actor) {
    if (!actor->state_version) {
        return json_null();
    }
    json_t *object = put(json_object(), "version", json_integer(actor->state_version));
    return put(object, "oldest", json_integer(actor->state_min));
}

static json_t *make_actor(const struct image *image, const struct note_actor *actor) {
    json_t *object = json_object();
    object = put(object, "id", json_string(actor->id));
    object = put(object, "state", make_state(actor));
    object = put(object, "options", make_rows(actor, note_row_is_option));
    object = put(object, "ports", make_ports(image, actor));
    object = put(object, "timers", make_rows(actor, is_timer));
    object = put(object, "watches", make_rows(actor, is_watch));
    object = put(object, "children", make_children(actor));
    object = put(object, "hooks", make_rows(actor, note_row_is_hook));
    return put(object, "config", make_config(actor->config));
}

static json_t *make_fields(const struct image *image, const struct note_message *message) {
    json_t *array = json_array();
    for (size_t i = 0; i < message->field_count; i++) {
        const struct note_field *field = &message->fields[i];
        json_t *object = put(json_object(), "name", json_string(field->name));
        object = put(object, "kind", json_string(note_field_kind_text(field->kind)));
        if (field->record) { /* flat: one level */
            const struct note_message *record = note_find_message(image->note, field->record);
            object = put(object, "items", make_fields(image, record));
        }
        array = append(array, object);
    }
    return array;
}

static json_t *make_messages(const struct image *image) {
    json_t *array = json_array();
    for (size_t i = 0; i < image->note->message_count; i++) {
        const struct note_message *message = &image->note->messages[i];
        if (message->id) {
            json_t *object = put(json_object(), "id", json_string(message->id));
            object = put(object, "schema", json_string(message->schema));
            array = append(array, put(object, "fields", make_fields(image, message)));
        }
    }
    return array;
}

static json_t *make_actors(const struct image *image) {
    json_t *array = json_array();
    for (size_t i = 0; i < image->note->actor_count; i++) {
        array = append(array, make_actor(image, &image->note->actors[i]));
    }
    return array;
}

/* A path may hold bytes that are not UTF-8, of which jansson wants to know nothing. */
static json_t *make_path(const char *path) {
    struct str quoted;
    str_init(&quoted);
    json_add_text(&quoted, path);
    json_t *text = quoted.failed ? NULL : json_loads(str_text(&quoted), JSON_DECODE_ANY, NULL);
    str_fini(&quoted);
    return text;
}

static json_t *make_image(const struct image *image) {
    json_t *object = json_object();
    object = put(object, "file", make_path(image->path));
    object = put(object, "size", json_integer((json_int_t)image->size));
    object = put(object, "sha256", json_string(image_sha256(image)));
    object = put(object, "build_id", text_or_null(image->build_id));
    object = put(object, "name", json_string(image->note->name));
    object = put(object, "version", json_string(image->note->version));
    object =
        put(object, "abi", json_sprintf("%u.%u", image->note->abi_major, image->note->abi_minor));
    object = put(object, "soname", text_or_null(image->soname));
    object = put(object, "stripped", json_boolean(image->is_stripped));
    object = put(object, "needs", make_names(image->needed));
    object = put(object, "missing", make_missing(image));
    object = put(object, "unload", make_unloading(image));
    object = put(object, "leaks_on_fault", json_boolean(unload_leaks_on_fault(image)));
    object = put(object, "locks_on_fault", json_boolean(unload_locks_on_fault(image)));
    object = put(object, "actors", make_actors(image));
    return put(object, "messages", make_messages(image));
}

void plugin_view_json(const struct image *image, struct str *out) {
    json_t *root = make_image(image);
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    if (text) {
        str_add(out, text);
        str_add_char(out, '\n');
    } else {
        out->failed = true;
    }
    free(text);
    json_decref(root);
}
