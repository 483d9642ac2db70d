/* Interned message types: the table, the layout, lookups and compatibility. */
#include "message/type.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "message/type_schema.h"

/* Longest id, and how much of a schema an error quotes. */
#define ID_MAX 200
#define QUOTE_MAX 300

/* The types by index. When it is full a larger one takes its place; it stays, for those that read it. */
struct type_list {
    struct type_list *before; /* owned */
    uint32_t room;
    struct msg_type *types[]; /* at index - 1; owned by the newest list */
};

struct type_table {
    pthread_mutex_t lock;

    /* under lock */
    struct map messages; /* id -> msg_type */
    struct map records;  /* canonical schema -> msg_type */

    /* written under lock, read by anyone */
    _Atomic(struct type_list *) list;
    _Atomic uint32_t count;
};

static void type_destroy(struct msg_type *type) {
    if (!type) {
        return;
    }
    mem_free((void *)(uintptr_t)type->abi.id.data);
    mem_free((void *)(uintptr_t)type->abi.schema.data);
    mem_free((void *)(uintptr_t)type->abi.fields);
    mem_free(type->items);
    mem_free(type->pointers);
    mem_free(type);
}

struct type_table *type_table_create(void) {
    struct type_table *table = mem_alloc(sizeof *table);
    if (!table) {
        return NULL;
    }
    pthread_mutex_init(&table->lock, NULL);
    map_init(&table->messages);
    map_init(&table->records);
    return table;
}

void type_table_destroy(struct type_table *table) {
    if (!table) {
        return;
    }
    struct type_list *list = atomic_load_explicit(&table->list, memory_order_relaxed);
    for (uint32_t i = 0; i < atomic_load_explicit(&table->count, memory_order_relaxed); i++) {
        type_destroy(list->types[i]);
    }
    while (list) {
        struct type_list *before = list->before;
        mem_free(list);
        list = before;
    }
    map_fini(&table->messages);
    map_fini(&table->records);
    pthread_mutex_destroy(&table->lock);
    mem_free(table);
}

/* --- ids --- */

static bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static bool is_name(const char *text, size_t size) {
    bool in_word = false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '.' ? !in_word : !is_name_char(text[i])) {
            return false;
        }
        in_word = text[i] != '.';
    }
    return in_word;
}

static bool is_revision(const char *text) {
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits < 10 && text[digits] == '\0' && text[0] != '0';
}

static int check_id(const char *id, struct err *err) {
    const char *slash = strchr(id, '/');
    if (strlen(id) > ID_MAX) {
        return err_set(err, ERR_INVALID, "message id '%.40s...' is longer than %d characters", id,
                       ID_MAX);
    }
    if (!slash) {
        return err_set(err, ERR_INVALID,
                       "message id '%s' has no revision: 'name/1' is the form of an id", id);
    }
    if (!is_name(id, (size_t)(slash - id))) {
        return err_set(err, ERR_INVALID,
                       "message id '%s' has a malformed name: words of letters, digits, '_' and "
                       "'-' joined by dots are a name",
                       id);
    }
    if (!is_revision(slash + 1)) {
        return err_set(err, ERR_INVALID,
                       "message id '%s' has a malformed revision: a number from 1 on is a revision",
                       id);
    }
    return 0;
}

/* --- building a type --- */

/* Every field, as C lays it out: at the next multiple of its alignment. */
static void lay_out(struct msg_type *type, struct troupe_field *fields) {
    uint64_t at = 0;
    uint64_t align = 1;
    for (uint32_t i = 0; i < type->abi.field_count; i++) {
        uint64_t field_align = schema_kind_align(fields[i].kind);
        at = (at + field_align - 1) / field_align * field_align;
        fields[i].offset = at;
        at += schema_kind_size(fields[i].kind);
        align = field_align > align ? field_align : align;
    }
    type->end = at;
    type->abi.body_size = (at + align - 1) / align * align;
}

static bool kind_has_pointers(uint32_t kind) {
    return kind == TROUPE_KIND_str || kind == TROUPE_KIND_bytes || kind == TROUPE_KIND_list;
}

/* Names are lent from the canonical text, which the type owns. */
static void fill_fields(struct msg_type *type, const struct schema *schema,
                        struct troupe_field *fields) {
    for (size_t i = 0; i < schema->count; i++) {
        fields[i].size = sizeof fields[i];
        fields[i].kind = schema->fields[i].kind;
        fields[i].name = schema->fields[i].name;
        fields[i].item = type->items[i] ? &type->items[i]->abi : NULL;
    }
}

static void note_pointers(struct msg_type *type) {
    for (uint32_t i = 0; i < type->abi.field_count; i++) {
        if (kind_has_pointers(type->abi.fields[i].kind)) {
            type->pointers[type->pointer_count++] =
                (struct msg_pointer){type->abi.fields[i].offset, type->items[i]};
        }
    }
    type->has_pointers = type->pointer_count > 0;
}

/* `schema` was parsed from `text`, the canonical one. On success the type owns `text` and `items`;
 * NULL: no memory, and they stay the caller's. */
static struct msg_type *type_create(const char *id, char *text, const struct schema *schema,
                                    struct msg_type **items) {
    struct msg_type *type = mem_alloc(sizeof *type);
    struct troupe_field *fields = mem_array(schema->count, sizeof *fields);
    struct msg_pointer *pointers = mem_array(schema->count, sizeof *pointers);
    char *own_id = mem_text(id);
    if (!type || !fields || !pointers || (id && !own_id)) {
        mem_free(type);
        mem_free(fields);
        mem_free(pointers);
        mem_free(own_id);
        return NULL;
    }
    type->items = items;
    type->pointers = pointers;
    type->abi = (struct troupe_type){
        .size = sizeof type->abi,
        .field_count = (uint32_t)schema->count,
        .id = troupe_str(own_id),
        .schema = troupe_str(text),
        .hash = hash_bytes(text, strlen(text)),
        .fields = fields,
        .field_stride = sizeof *fields,
    };
    fill_fields(type, schema, fields);
    lay_out(type, fields);
    note_pointers(type);
    return type;
}

/* --- interning --- */

static char *schema_canonical(const struct schema *schema) {
    struct str text;
    str_init(&text);
    schema_write(schema, &text);
    char *taken = str_take(&text);
    str_fini(&text);
    return taken;
}

/* The list with room for one more; NULL: no memory. */
static struct type_list *table_reserve_locked(struct type_table *table) {
    struct type_list *before = atomic_load_explicit(&table->list, memory_order_relaxed);
    uint32_t count = atomic_load_explicit(&table->count, memory_order_relaxed);
    if (before && count < before->room) {
        return before;
    }
    uint32_t room = before ? before->room * 2 : 16;
    struct type_list *list = mem_alloc(sizeof *list + room * sizeof(struct msg_type *));
    if (list) {
        list->before = before;
        list->room = room;
        for (uint32_t i = 0; i < count; i++) {
            list->types[i] = before->types[i];
        }
        /* release: pairs with type_get, as the count */
        atomic_store_explicit(&table->list, list, memory_order_release);
    }
    return list;
}

static int table_add_locked(struct type_table *table, const char *id, struct msg_type *type) {
    struct map *map = id ? &table->messages : &table->records;
    struct type_list *list = table_reserve_locked(table);
    if (!list || map_set(map, id ? id : type->abi.schema.data, type) < 0) {
        return -1;
    }
    uint32_t count = atomic_load_explicit(&table->count, memory_order_relaxed);
    list->types[count] = type;
    type->index = count + 1;
    /* release: pairs with type_get; who sees the number sees the type, and a list that has it */
    atomic_store_explicit(&table->count, count + 1, memory_order_release);
    return 0;
}

static int check_same_schema(const struct msg_type *type, const char *id, const char *text,
                             struct err *err) {
    if (troupe_str_eq(type->abi.schema, troupe_str(text))) {
        return 0;
    }
    return err_set(err, ERR_INVALID,
                   "message '%s' has two schemas: '%.*s' and '%.*s': a changed schema needs a new "
                   "revision",
                   id, QUOTE_MAX, type->abi.schema.data, QUOTE_MAX, text);
}

static int intern_locked(struct type_table *table, const char *id, char *text,
                         struct msg_type **ret, struct err *err);

/* Interns the records of all lists; items[i] stays NULL for other fields. */
static int intern_items_locked(struct type_table *table, const struct schema *schema,
                               struct msg_type **items, struct err *err) {
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema *record = schema->fields[i].record;
        if (record && intern_locked(table, NULL, schema_canonical(record), &items[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* `text` stays the caller's on failure. */
static int add_new_locked(struct type_table *table, const char *id, char *text,
                          struct msg_type **ret, struct err *err) {
    struct schema schema;
    if (schema_parse(text, &schema, err) < 0) {
        return -1;
    }
    struct msg_type **items = mem_array(schema.count, sizeof(struct msg_type *));
    if (!items) {
        err_set(err, ERR_NOMEM, "out of memory");
        goto fail;
    }
    if (intern_items_locked(table, &schema, items, err) < 0) {
        goto fail;
    }
    struct msg_type *type = type_create(id, text, &schema, items);
    if (!type) {
        err_set(err, ERR_NOMEM, "out of memory");
        goto fail;
    }
    schema_fini(&schema);
    if (table_add_locked(table, id, type) < 0) {
        type->abi.schema.data = NULL;
        type_destroy(type);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    *ret = type;
    return 0;

fail:
    mem_free(items);
    schema_fini(&schema);
    return -1;
}

/* Takes `text`, canonical; NULL: there was no memory for it. */
static int intern_locked(struct type_table *table, const char *id, char *text,
                         struct msg_type **ret, struct err *err) {
    if (!text) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    struct msg_type *known = id ? map_find(&table->messages, id) : map_find(&table->records, text);
    if (!known) {
        int status = add_new_locked(table, id, text, ret, err);
        if (status < 0) {
            mem_free(text);
        }
        return status;
    }
    int status = id ? check_same_schema(known, id, text, err) : 0;
    mem_free(text);
    if (status == 0) {
        *ret = known;
    }
    return status;
}

static int check_flat(const struct schema *schema, struct err *err) {
    for (size_t i = 0; i < schema->count; i++) {
        if (schema->fields[i].record) {
            return err_set(err, ERR_INVALID, "list '%.*s' stands in a record: records are flat",
                           TROUPE_STR_ARG(schema->fields[i].name));
        }
    }
    return 0;
}

/* The canonical form of a schema text; owned by the caller, NULL on failure. */
static char *canonical_text(const char *id, const char *text, struct err *err) {
    struct schema schema;
    if (schema_parse(text, &schema, err) < 0) {
        return NULL;
    }
    char *canonical = NULL;
    if (id || check_flat(&schema, err) == 0) {
        canonical = schema_canonical(&schema);
        if (!canonical) {
            err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    schema_fini(&schema);
    return canonical;
}

int type_intern(struct type_table *table, const char *id, const char *schema,
                const struct msg_type **ret, struct err *err) {
    if (id && check_id(id, err) < 0) {
        return -1;
    }
    char *text = canonical_text(id, schema, err);
    if (!text) {
        return id ? err_wrap(err, "message '%s'", id) : err_wrap(err, "record '%.200s'", schema);
    }
    struct msg_type *type;
    pthread_mutex_lock(&table->lock);
    int status = intern_locked(table, id, text, &type, err);
    pthread_mutex_unlock(&table->lock);
    if (status == 0) {
        *ret = type;
    }
    return status;
}

/* --- lookups --- */

const struct msg_type *type_get(struct type_table *table, uint32_t index) {
    uint32_t count = atomic_load_explicit(&table->count, memory_order_acquire);
    struct type_list *list = atomic_load_explicit(&table->list, memory_order_acquire);
    return index > 0 && index <= count ? list->types[index - 1] : NULL;
}

const struct msg_type *type_find(struct type_table *table, const char *id) {
    pthread_mutex_lock(&table->lock);
    const struct msg_type *type = map_find(&table->messages, id);
    pthread_mutex_unlock(&table->lock);
    return type;
}
