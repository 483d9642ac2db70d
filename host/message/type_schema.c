/* Schema texts: a recursive descent parser of two levels, and the canonical writer. */
#include "message/type_schema.h"

#include <ctype.h>
#include <string.h>

#include "base/alloc.h"

struct kind {
    const char *name;
    uint32_t size;
    uint32_t align;
};

#define KIND_ROW(number, name, c_type) [number] = {#name, sizeof(c_type), _Alignof(c_type)},
static const struct kind kinds[] = {TROUPE_KINDS(KIND_ROW)};
#undef KIND_ROW

#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

const char *schema_kind_text(uint32_t kind) {
    return kind < KIND_COUNT ? kinds[kind].name : NULL;
}

uint32_t schema_kind_size(uint32_t kind) {
    return kind < KIND_COUNT ? kinds[kind].size : 0;
}

uint32_t schema_kind_align(uint32_t kind) {
    return kind < KIND_COUNT ? kinds[kind].align : 1;
}

struct parser {
    const char *text;
    const char *at;
    struct err *err;
};

static size_t parser_byte(const struct parser *p, const char *at) {
    return (size_t)(at - p->text) + 1;
}

static char parser_peek(struct parser *p) {
    while (isspace((unsigned char)*p->at)) {
        p->at++;
    }
    return *p->at;
}

static bool parser_take(struct parser *p, char c) {
    if (parser_peek(p) != c) {
        return false;
    }
    p->at++;
    return true;
}

static int fail_expected(struct parser *p, const char *what) {
    char found = parser_peek(p);
    if (found == '\0') {
        return err_set(p->err, ERR_INVALID, "the schema ends where %s should stand", what);
    }
    if (!isprint((unsigned char)found)) {
        return err_set(p->err, ERR_INVALID,
                       "byte 0x%02x stands at byte %zu of the schema instead of %s",
                       (unsigned char)found, parser_byte(p, p->at), what);
    }
    return err_set(p->err, ERR_INVALID, "'%c' stands at byte %zu of the schema instead of %s",
                   found, parser_byte(p, p->at), what);
}

static bool is_word_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* A C identifier: field names are members of a struct. */
static int parse_word(struct parser *p, const char *what, struct troupe_str *ret) {
    char first = parser_peek(p);
    if (!is_word_char(first) || (first >= '0' && first <= '9')) {
        return fail_expected(p, what);
    }
    const char *start = p->at;
    while (is_word_char(*p->at)) {
        p->at++;
    }
    size_t size = (size_t)(p->at - start);
    if (size > SCHEMA_NAME_MAX) {
        return err_set(p->err, ERR_INVALID,
                       "%s at byte %zu of the schema has %zu characters, more than %d", what,
                       parser_byte(p, start), size, SCHEMA_NAME_MAX);
    }
    *ret = troupe_str_n(start, size);
    return 0;
}

static int parse_kind(struct parser *p, uint32_t *ret) {
    struct troupe_str word;
    if (parse_word(p, "a kind", &word) < 0) {
        return -1;
    }
    for (uint32_t kind = 1; kind < KIND_COUNT; kind++) {
        if (troupe_str_eq(word, troupe_str(kinds[kind].name))) {
            *ret = kind;
            return 0;
        }
    }
    return err_set(p->err, ERR_INVALID, "unknown kind '%.*s' at byte %zu of the schema",
                   TROUPE_STR_ARG(word), parser_byte(p, word.data));
}

static int parse_fields(struct parser *p, bool is_record, struct schema *schema);

static int parse_record(struct parser *p, struct schema_field *field) {
    if (!parser_take(p, '{')) {
        return fail_expected(p, "the '{' of a list");
    }
    field->record = mem_alloc(sizeof *field->record);
    if (!field->record) {
        return err_set(p->err, ERR_NOMEM, "out of memory");
    }
    if (parse_fields(p, true, field->record) < 0) {
        return -1;
    }
    return parser_take(p, '}') ? 0 : fail_expected(p, "';' or '}'");
}

static int check_name_is_new(struct parser *p, const struct schema *schema,
                             struct troupe_str name) {
    for (size_t i = 0; i < schema->count; i++) {
        if (troupe_str_eq(schema->fields[i].name, name)) {
            return err_set(p->err, ERR_INVALID,
                           "field '%.*s' stands twice, again at byte %zu of the schema",
                           TROUPE_STR_ARG(name), parser_byte(p, name.data));
        }
    }
    return 0;
}

static int parse_field(struct parser *p, bool is_record, const struct schema *schema,
                       struct schema_field *field) {
    parser_peek(p);
    const char *start = p->at;
    if (parse_kind(p, &field->kind) < 0 || parse_word(p, "a field's name", &field->name) < 0 ||
        check_name_is_new(p, schema, field->name) < 0) {
        return -1;
    }
    if (field->kind != TROUPE_KIND_list) {
        return 0;
    }
    if (is_record) {
        return err_set(p->err, ERR_INVALID,
                       "list '%.*s' at byte %zu of the schema stands in a record: records are flat",
                       TROUPE_STR_ARG(field->name), parser_byte(p, start));
    }
    return parse_record(p, field);
}

static struct schema_field *add_field(struct parser *p, struct schema *schema) {
    if (schema->count == SCHEMA_FIELDS_MAX) {
        err_set(p->err, ERR_INVALID, "more than %d fields at byte %zu of the schema",
                SCHEMA_FIELDS_MAX, parser_byte(p, p->at));
        return NULL;
    }
    if ((schema->count & (schema->count - 1)) == 0) { /* room doubles at powers of two */
        size_t room = schema->count ? schema->count * 2 : 1;
        struct schema_field *fields = mem_resize(schema->fields, room * sizeof *fields);
        if (!fields) {
            err_set(p->err, ERR_NOMEM, "out of memory");
            return NULL;
        }
        schema->fields = fields;
    }
    struct schema_field *field = &schema->fields[schema->count];
    memset(field, 0, sizeof *field);
    return field;
}

static int parse_fields(struct parser *p, bool is_record, struct schema *schema) {
    do {
        struct schema_field *field = add_field(p, schema);
        if (!field) {
            return -1;
        }
        int status = parse_field(p, is_record, schema, field);
        schema->count++; /* also on failure: a half-read record is freed with the schema */
        if (status < 0) {
            return -1;
        }
    } while (parser_take(p, ';') && parser_peek(p) != '\0' && parser_peek(p) != '}');
    return 0;
}

int schema_parse(const char *text, struct schema *ret, struct err *err) {
    struct parser p = {.text = text, .at = text, .err = err};
    struct schema schema = {0};
    int status = parse_fields(&p, false, &schema);
    if (status == 0 && parser_peek(&p) != '\0') {
        status = fail_expected(&p, "';'");
    }
    if (status < 0) {
        schema_fini(&schema);
        return -1;
    }
    *ret = schema;
    return 0;
}

void schema_fini(struct schema *schema) {
    for (size_t i = 0; i < schema->count; i++) {
        struct schema *record = schema->fields[i].record;
        if (record) {
            schema_fini(record);
            mem_free(record);
        }
    }
    mem_free(schema->fields);
    *schema = (struct schema){0};
}

void schema_write(const struct schema *schema, struct str *out) {
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_field *field = &schema->fields[i];
        str_add(out, i ? "; " : "");
        str_add(out, schema_kind_text(field->kind));
        str_add_char(out, ' ');
        str_add_n(out, field->name.data, field->name.size);
        if (field->record) {
            str_add(out, " {");
            schema_write(field->record, out);
            str_add_char(out, '}');
        }
    }
}
