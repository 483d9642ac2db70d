/* From the tables of a note to a checked whole: unique names, resolved references, schemas. */
#include "plugin/note_build.h"

#include <string.h>

#include <troupe/message.h>
#include <troupe/plugin.h>

#include "base/alloc.h"
#include "base/str.h"

static int no_memory(struct err *err) {
    return err_set(err, ERR_NOMEM, "no memory for a note");
}

/* "; did you mean 'x'?" for a name that is not among `names`, which end with NULL and are freed. */
static int refuse_name(const char **names, const char *word, const char *what, struct err *err) {
    const char *near = names ? str_nearest(word, names) : NULL;
    int status = near ? err_set(err, ERR_INVALID, "there is no %s '%s'; did you mean '%s'?", what,
                                word, near)
                      : err_set(err, ERR_INVALID, "there is no %s '%s'", what, word);
    mem_free(names);
    return status;
}

static int refuse_struct(const struct note_plugin *note, const char *c_name, bool is_record,
                         struct err *err) {
    const char **names = mem_array(note->message_count + 1, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; names && i < note->message_count; i++) {
        if (!note->messages[i].id == is_record) {
            names[count++] = note->messages[i].c_name;
        }
    }
    return refuse_name(names, c_name, is_record ? "record" : "message", err);
}

/* The messages and the records of a note must be told apart by every reference. */
static int check_struct(const struct note_plugin *note, const char *c_name, bool is_record,
                        struct err *err) {
    const struct note_message *message = note_find_message(note, c_name);
    if (message && !message->id == is_record) {
        return 0;
    }
    return refuse_struct(note, c_name, is_record, err);
}

static int check_field(const struct note_plugin *note, const struct note_message *message,
                       size_t at, struct err *err) {
    const struct note_field *field = &message->fields[at];
    for (size_t i = 0; i < at; i++) {
        if (strcmp(message->fields[i].name, field->name) == 0) {
            return err_set(err, ERR_INVALID, "there are two fields '%s'", field->name);
        }
    }
    if (field->kind != TROUPE_KIND_list) {
        return 0;
    }
    if (!message->id) {
        return err_set(err, ERR_INVALID, "field '%s' is a list, and a record must be flat",
                       field->name);
    }
    if (check_struct(note, field->record, true, err) < 0) {
        return err_wrap(err, "field '%s'", field->name);
    }
    return 0;
}

static void write_schema(const struct note_plugin *note, const struct note_message *message,
                         struct str *out) {
    for (size_t i = 0; i < message->field_count; i++) {
        const struct note_field *field = &message->fields[i];
        str_addf(out, "%s%s %s", i ? "; " : "", note_field_kind_text(field->kind), field->name);
        if (field->kind == TROUPE_KIND_list) {
            str_add(out, " {");
            write_schema(note, note_find_message(note, field->record), out); /* flat: one level */
            str_add(out, "}");
        }
    }
}

static int link_message(struct note_plugin *note, struct note_message *message, struct err *err) {
    for (size_t i = 0; i < message->field_count; i++) {
        if (check_field(note, message, i, err) < 0) {
            return err_wrap(err, "%s '%s'", message->id ? "message" : "record", message->c_name);
        }
    }
    struct str schema;
    str_init(&schema);
    write_schema(note, message, &schema);
    message->schema = str_take(&schema);
    return message->schema ? 0 : no_memory(err);
}

/* Two C structs may stand for one message type, if they are the same. */
static int check_message_id(const struct note_plugin *note, size_t at, struct err *err) {
    const struct note_message *message = &note->messages[at];
    for (size_t i = 0; i < at; i++) {
        const struct note_message *other = &note->messages[i];
        if (message->id && other->id && strcmp(message->id, other->id) == 0 &&
            strcmp(message->schema, other->schema) != 0) {
            return err_set(err, ERR_INVALID,
                           "messages '%s' and '%s' are both \"%s\", but one is {%s}, the other "
                           "{%s}",
                           other->c_name, message->c_name, message->id, other->schema,
                           message->schema);
        }
    }
    return 0;
}

static bool has_choice(const char *choices, const char *word) {
    size_t size = strlen(word);
    for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
        if (strncmp(at, word, size) == 0 && (at[size] == '|' || at[size] == '\0')) {
            return true;
        }
    }
    return false;
}

static int check_choices(const struct note_key *key, struct err *err) {
    if (key->extra[0] == '\0' || key->extra[0] == '|' || strstr(key->extra, "||") ||
        key->extra[strlen(key->extra) - 1] == '|') {
        return err_set(err, ERR_INVALID, "key '%s': \"%s\" is not a list of choices like \"a|b\"",
                       key->name, key->extra);
    }
    if (!key->required && !has_choice(key->extra, key->value)) {
        return err_set(err, ERR_INVALID, "key '%s': its default '%s' is not one of \"%s\"",
                       key->name, key->value, key->extra);
    }
    return 0;
}

static int check_config(const struct note_config *config, struct err *err) {
    for (size_t i = 0; i < config->key_count; i++) {
        const struct note_key *key = &config->keys[i];
        for (size_t j = 0; j < i; j++) {
            if (strcmp(config->keys[j].name, key->name) == 0) {
                err_set(err, ERR_INVALID, "there are two keys '%s'", key->name);
                return err_wrap(err, "config '%s'", config->c_name);
            }
        }
        if (key->kind == NOTE_OPTION_ENUM && check_choices(key, err) < 0) {
            return err_wrap(err, "config '%s'", config->c_name);
        }
    }
    return 0;
}

static int refuse_port(const struct note_actor *actor, const char *name, struct err *err) {
    const char **names = mem_array(actor->row_count + 1, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; names && i < actor->row_count; i++) {
        if (note_row_is_handler(&actor->rows[i])) {
            names[count++] = actor->rows[i].name;
        }
    }
    return refuse_name(names, name, "handler port", err);
}

static int check_port(const struct note_actor *actor, const char *name, struct err *err) {
    const struct note_row *row = note_find_row(actor, name);
    return row && note_row_is_handler(row) ? 0 : refuse_port(actor, name, err);
}

static int check_row(const struct note_plugin *note, const struct note_actor *actor, size_t at,
                     struct err *err) {
    const struct note_row *row = &actor->rows[at];
    for (size_t i = 0; i < at; i++) {
        if (strcmp(actor->rows[i].name, row->name) == 0) {
            return err_set(err, ERR_INVALID, "there are two rows of this name");
        }
    }
    switch (row->kind) {
    case TROUPE_ROW_call:
    case TROUPE_ROW_ask:
        if (check_struct(note, row->reply, false, err) < 0) {
            return -1;
        }
        return check_struct(note, row->type, false, err);
    case TROUPE_ROW_in:
    case TROUPE_ROW_out:
    case TROUPE_ROW_to:
        return check_struct(note, row->type, false, err);
    case TROUPE_ROW_as:
        return check_port(actor, row->type, err);
    default:
        return 0;
    }
}

static int refuse_config(const struct note_plugin *note, const char *c_name, struct err *err) {
    const char **names = mem_array(note->config_count + 1, sizeof *names);
    for (size_t i = 0; names && i < note->config_count; i++) {
        names[i] = note->configs[i].c_name;
    }
    return refuse_name(names, c_name, "config", err);
}

/* Finds the config by name; its keys of kind field lean on this actor's ports. */
static int link_config(const struct note_plugin *note, struct note_actor *actor, const char *c_name,
                       struct err *err) {
    for (size_t i = 0; i < note->config_count && !actor->config; i++) {
        if (strcmp(note->configs[i].c_name, c_name) == 0) {
            actor->config = &note->configs[i];
        }
    }
    if (!actor->config) {
        return refuse_config(note, c_name, err);
    }
    for (size_t i = 0; i < actor->config->key_count; i++) {
        const struct note_key *key = &actor->config->keys[i];
        if (key->kind == NOTE_OPTION_FIELD && check_port(actor, key->extra, err) < 0) {
            return err_wrap(err, "key '%s'", key->name);
        }
    }
    return 0;
}

static int link_actor(const struct note_plugin *note, struct note_actor *actor, struct err *err) {
    bool can_load = false;
    const char *settings = NULL; /* what `reconfigure` takes */
    for (size_t i = 0; i < actor->row_count; i++) {
        const struct note_row *row = &actor->rows[i];
        can_load = can_load || row->kind == TROUPE_ROW_load;
        settings = row->kind == TROUPE_ROW_reconfigure ? row->type : settings;
        if (check_row(note, actor, i, err) < 0 ||
            (row->kind == TROUPE_ROW_config && link_config(note, actor, row->type, err) < 0)) {
            return err_wrap(err, "row '%s'", row->name);
        }
    }
    if (settings && (!actor->config || strcmp(settings, actor->config->c_name) != 0)) {
        return err_set(err, ERR_INVALID, "row 'reconfigure': its config is '%s', not '%s'",
                       actor->config ? actor->config->c_name : "none", settings);
    }
    if (can_load != (actor->state_version > 0)) {
        return err_set(err, ERR_INVALID, "it has a row '%s' but none '%s'",
                       can_load ? "load" : "save", can_load ? "save" : "load");
    }
    return 0;
}

static int check_actor_id(const struct note_plugin *note, size_t at, struct err *err) {
    for (size_t i = 0; i < at; i++) {
        if (strcmp(note->actors[i].id, note->actors[at].id) == 0) {
            return err_set(err, ERR_INVALID, "actors '%s' and '%s' have the same id \"%s\"",
                           note->actors[i].c_name, note->actors[at].c_name, note->actors[at].id);
        }
    }
    return 0;
}

int note_link(struct note_plugin *note, struct err *err) {
    /* Records stand before messages (note_fill), so that none is written into a schema unchecked.
     */
    for (size_t i = 0; i < note->message_count; i++) {
        if (link_message(note, &note->messages[i], err) < 0 || check_message_id(note, i, err) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < note->config_count; i++) {
        if (check_config(&note->configs[i], err) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < note->actor_count; i++) {
        if (check_actor_id(note, i, err) < 0) {
            return -1;
        }
        if (link_actor(note, &note->actors[i], err) < 0) {
            return err_wrap(err, "actor \"%s\"", note->actors[i].id);
        }
    }
    if (note->actor_count == 0) {
        return err_set(err, ERR_INVALID, "the note declares no actor");
    }
    return 0;
}
