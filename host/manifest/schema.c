/* Tables of keys, read into structs. */
#include "manifest/schema.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define FIELD_LIMIT 40
#define NAME_LIMIT 255

static const struct field *find_field(const struct field *fields, const char *key) {
    for (const struct field *field = fields; field->key; field++) {
        if (strcmp(field->key, key) == 0) {
            return field;
        }
    }
    return NULL;
}

static void report_unknown(struct reader *r, const struct field *fields, const struct entry *entry,
                           const char *what) {
    const char *keys[FIELD_LIMIT + 1] = {0};
    struct str all;
    str_init(&all);
    for (size_t i = 0; fields[i].key && i < FIELD_LIMIT; i++) {
        keys[i] = fields[i].key;
        str_addf(&all, "%s%s", i ? ", " : "", keys[i]);
    }
    const char *nearest = str_nearest(entry->key, keys);
    if (nearest) {
        diags_add(r->diags, DIAG_ERROR, entry->mark, "unknown key '%s' in %s; did you mean '%s'?",
                  entry->key, what, nearest);
        diags_hint(r->diags, nearest);
    } else {
        diags_add(r->diags, DIAG_ERROR, entry->mark, "unknown key '%s' in %s; known are: %s",
                  entry->key, what, str_text(&all));
    }
    str_fini(&all);
}

void schema_read(struct reader *r, const struct field *fields, const struct node *map,
                 const char *what, struct mark owner, void *target) {
    for (size_t i = 0; i < map->count; i++) {
        if (!find_field(fields, map->entries[i].key)) {
            report_unknown(r, fields, &map->entries[i], what);
        }
    }
    for (const struct field *field = fields; field->key; field++) {
        const struct entry *entry = node_find(map, field->key);
        if (entry) {
            schema_read_field(r, field, entry, target);
        } else if (field->required) {
            diags_add(r->diags, DIAG_ERROR, owner, "%s needs the key '%s'", what, field->key);
        }
    }
}

bool schema_is(struct reader *r, const struct entry *entry, enum node_kind kind,
               const char *wanted) {
    const struct node *value = entry->value;
    if (value->kind == kind) {
        return true;
    }
    if (value->kind == NODE_NULL) {
        diags_add(r->diags, DIAG_ERROR, entry->mark, "'%s' has no value; it needs %s", entry->key,
                  wanted);
    } else if (value->kind != NODE_BAD) {
        diags_add(r->diags, DIAG_ERROR, value->mark, "'%s' needs %s, not %s", entry->key, wanted,
                  node_kind_text(value));
    }
    return false;
}

int schema_word(struct reader *r, const char *key, const struct node *value,
                const char *const *words) {
    struct str all;
    str_init(&all);
    int found = -1;
    for (int i = 0; words[i] && found < 0; i++) {
        found = strcmp(words[i], value->text) == 0 ? i : -1;
        str_addf(&all, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
    }
    if (found < 0) {
        const char *nearest = str_nearest(value->text, words);
        diags_add(r->diags, DIAG_ERROR, value->mark, "'%s' must be %s, not '%s'%s%s%s", key,
                  str_text(&all), value->text, nearest ? "; did you mean '" : "",
                  nearest ? nearest : "", nearest ? "'?" : "");
        if (nearest) {
            diags_hint(r->diags, nearest);
        }
    }
    str_fini(&all);
    return found;
}

void schema_check_name(struct reader *r, const char *what, const char *name, struct mark mark) {
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    if (!*name) {
        diags_add(r->diags, DIAG_ERROR, mark, "the name of %s cannot be empty", what);
    } else if (strlen(name) > NAME_LIMIT) {
        diags_add(r->diags, DIAG_ERROR, mark,
                  "the name of %s is longer than %d characters: '%.40s...'", what, NAME_LIMIT,
                  name);
    } else if (name[strspn(name, allowed)]) {
        diags_add(r->diags, DIAG_ERROR, mark,
                  "'%s' cannot be the name of %s: letters, digits, '_' and '-' make a name", name,
                  what);
    }
}

char *schema_text(struct reader *r, const struct node *scalar) {
    return arena_text(r->arena, scalar->text);
}

static void *at(void *target, const struct field *field) {
    return (char *)target + field->offset;
}

static const char *wanted(const struct field *field) {
    switch (field->kind) {
    case FIELD_U32:
    case FIELD_U64:
        return "a whole number";
    case FIELD_FLOAT:
        return "a number";
    case FIELD_DURATION:
        return "a duration such as 250ms or 10s";
    case FIELD_SIZE:
        return "a size such as 64KiB";
    case FIELD_WORD:
        return "a word";
    case FIELD_MAP:
        return "a map";
    default:
        return "a text";
    }
}

static bool in_range(struct reader *r, const struct field *field, const struct node *value,
                     double number) {
    if (number >= field->low && (field->high == 0 || number <= field->high)) {
        return true;
    }
    if (field->kind == FIELD_DURATION || field->kind == FIELD_SIZE) {
        diags_add(r->diags, DIAG_ERROR, value->mark, "'%s' must be more than nothing, not %s",
                  field->key, value->text);
    } else if (field->high == 0) {
        diags_add(r->diags, DIAG_ERROR, value->mark, "'%s' must be at least %g, not %s", field->key,
                  field->low, value->text);
    } else {
        diags_add(r->diags, DIAG_ERROR, value->mark, "'%s' must be between %.12g and %.12g, not %s",
                  field->key, field->low, field->high, value->text);
    }
    return false;
}

static void read_whole(struct reader *r, const struct field *field, const struct node *value,
                       void *target) {
    int64_t number = 0;
    struct err err = {0};
    if (scalar_int(value->text, &number, &err) < 0) {
        diags_add(r->diags, DIAG_ERROR, value->mark, "'%s': %s", field->key, err.text);
    } else if (!in_range(r, field, value, (double)number)) {
        return;
    } else if (field->kind == FIELD_U32) {
        *(uint32_t *)at(target, field) = (uint32_t)number;
    } else {
        *(uint64_t *)at(target, field) = (uint64_t)number;
    }
}

static void read_float(struct reader *r, const struct field *field, const struct node *value,
                       void *target) {
    double number = 0;
    struct err err = {0};
    if (scalar_float(value->text, &number, &err) < 0) {
        diags_add(r->diags, DIAG_ERROR, value->mark, "'%s': %s", field->key, err.text);
    } else if (in_range(r, field, value, number)) {
        *(double *)at(target, field) = number;
    }
}

static void read_with_unit(struct reader *r, const struct field *field, const struct node *value,
                           void *target) {
    uint64_t number = 0;
    struct err err = {0};
    int status = field->kind == FIELD_DURATION ? scalar_duration(value->text, &number, &err)
                                               : scalar_size(value->text, &number, &err);
    if (status < 0) {
        diags_add(r->diags, DIAG_ERROR, value->mark, "'%s': %s", field->key, err.text);
    } else if (in_range(r, field, value, (double)number)) {
        *(uint64_t *)at(target, field) = number;
    }
}

static void read_scalar(struct reader *r, const struct field *field, const struct node *value,
                        void *target) {
    switch (field->kind) {
    case FIELD_U32:
    case FIELD_U64:
        read_whole(r, field, value, target);
        break;
    case FIELD_FLOAT:
        read_float(r, field, value, target);
        break;
    case FIELD_DURATION:
    case FIELD_SIZE:
        read_with_unit(r, field, value, target);
        break;
    case FIELD_WORD: {
        int word = schema_word(r, field->key, value, field->words);
        if (word >= 0) {
            *(int *)at(target, field) = word;
        }
        break;
    }
    default:
        *(char **)at(target, field) = schema_text(r, value);
        break;
    }
}

void schema_read_field(struct reader *r, const struct field *field, const struct entry *entry,
                       void *target) {
    if (field->kind == FIELD_CUSTOM) {
        assert(field->read);
        field->read(r, field, entry, at(target, field));
        return;
    }
    enum node_kind kind = field->kind == FIELD_MAP ? NODE_MAP : NODE_SCALAR;
    if (!schema_is(r, entry, kind, wanted(field))) {
        return;
    }
    if (field->kind == FIELD_MAP) {
        char what[NAME_LIMIT];
        (void)snprintf(what, sizeof what, "'%s'", field->key);
        schema_read(r, field->fields, entry->value, what, entry->mark, at(target, field));
        return;
    }
    if (field->kind == FIELD_NAME) {
        schema_check_name(r, "a proc", entry->value->text, entry->value->mark);
    }
    read_scalar(r, field, entry->value, target);
}
