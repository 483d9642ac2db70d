/* Messages that have arrived, and the types of messages. */
#include <stdio.h>
#include <string.h>

#include "actor/proc.h"
#include "app/client_impl.h"
#include "base/alloc.h"
#include "message/pool.h"
#include "message/type_schema.h"

/* --- messages --- */

static struct troupe_message *create(struct troupe_client *c, uint64_t body_size) {
    struct troupe_message *message =
        body_size > UINT64_MAX / 4 ? NULL : mem_alloc(sizeof *message + body_size);
    if (message) {
        message->owner = c->owner;
        atomic_fetch_add_explicit(&c->owner->weak, 1, memory_order_relaxed);
    }
    return message;
}

/* The sender of an undeliverable is where it was sent: bounce.c turns them round. */
static void fill_envelope(struct troupe_envelope *envelope, struct msg *m) {
    envelope->size = sizeof *envelope;
    envelope->reason = -(int32_t)m->reason;
    envelope->sender = msg_from(m);
    envelope->trace = msg_trace(m);
    envelope->sequence = msg_sequence(m);
    envelope->ttl = msg_ttl(m);
    if (m->kind == MSG_RETURNED) {
        envelope->sender.port = msg_far(m) ? msg_far(m) : m->port;
    }
    if (m->kind == MSG_REQUEST) {
        envelope->request = (struct troupe_once){m->sender, msg_call(m)};
    }
}

int32_t message_from(struct troupe_client *c, struct msg *m, const struct msg_type *wanted,
                     const struct msg_type *reply, struct troupe_message **ret,
                     struct troupe_error *error) {
    const struct msg_type *sent = type_get(proc_types(c->proc), m->type);
    wanted = wanted ? wanted : sent;
    if (sent != wanted && type_check_compatible(sent, wanted, NULL) < 0) {
        return embed_fail(error, TROUPE_NO_SUCH_PORT, "'%s' came where '%s' was expected",
                          sent->abi.id.data, wanted->abi.id.data);
    }
    bool is_own = sent == wanted && pool_may_let_go(m);
    struct troupe_message *message =
        create(c, is_own ? 0 : type_convert_size(sent, wanted, msg_body(m)));
    if (!message) {
        return embed_fail(error, TROUPE_NO_MEMORY, "no memory for a message");
    }
    if (is_own) {
        message->let_go = m;
        message->body = msg_body(m);
    } else {
        type_convert(sent, wanted, msg_body(m), message->copy);
        message->body = message->copy;
    }
    message->type = wanted;
    fill_envelope(&message->envelope, m);
    if (m->kind == MSG_REQUEST) {
        message->reply = reply;
        message->client = c;
        atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    }
    if (is_own) {
        pool_let_go(m);
    } else {
        client_free_message(c->proc, m);
    }
    *ret = message;
    return TROUPE_OK;
}

const void *troupe_message_body(const struct troupe_message *message) {
    return message->body;
}

struct troupe_any troupe_message_any(const struct troupe_message *message) {
    return (struct troupe_any){&message->type->abi, message->body};
}

void troupe_message_envelope(const struct troupe_message *message, struct troupe_envelope *ret) {
    uint32_t size = ret->size;
    uint32_t own = sizeof message->envelope;
    memcpy(ret, &message->envelope, size < own ? size : own);
    ret->size = size < own ? size : own;
}

static int32_t answer(struct troupe_message *message, int32_t status, const char *text,
                      const void *body, struct troupe_error *error) {
    struct troupe_client *c = message->client;
    int32_t result = client_begin(c, error);
    if (result == TROUPE_OK) {
        struct troupe_once once = message->envelope.request;
        int sent = client_answer(c->in, once, status, troupe_str(text),
                                 status < 0 ? NULL : message->reply, body);
        client_end(c);
        result =
            sent < 0 ? embed_fail(error, TROUPE_NO_MEMORY, "no memory for an answer") : TROUPE_OK;
    }
    if (result != TROUPE_NO_MEMORY) {
        message->client = NULL;
        client_unref(c);
    }
    return result;
}

int32_t troupe_message_answer(struct troupe_message *message, int32_t status, const char *text,
                              const void *body, struct troupe_error *error) {
    if (!message->client) {
        return embed_fail(error, TROUPE_INVALID, "it is no request, or was answered already");
    }
    if (status > 0 || (status == 0 && !body)) {
        return embed_fail(error, TROUPE_INVALID,
                          "an answer is a body, or a negative status with a text");
    }
    return answer(message, status, text, body, error);
}

void troupe_message_free(struct troupe_message *message) {
    if (!message) {
        return;
    }
    if (message->client) {
        (void)answer(message, TROUPE_ERROR, "the client did not answer", NULL, NULL);
    }
    if (message->client) {
        client_unref(message->client); /* no memory to say so: the deadline tells */
    }
    if (message->let_go) {
        pool_free_let_go(message->let_go);
    }
    embed_release(message->owner);
    mem_free(message);
}

/* --- types --- */

struct note_line {
    char word[2][128];
    unsigned count;
};

/* "field str text" and "field list sources stats_source": what stands behind the first word. */
static const char *read_line(const char *at, const char *first, struct note_line *line) {
    size_t size = strlen(first);
    line->count = 0;
    if (strncmp(at, first, size) != 0 || at[size] != ' ') {
        return NULL;
    }
    at += size;
    while (*at == ' ') {
        size_t length = strcspn(++at, " \n");
        if (line->count < 2 && length < sizeof line->word[0]) {
            memcpy(line->word[line->count], at, length);
            line->word[line->count++][length] = '\0';
        }
        at += length;
    }
    return *at == '\n' ? at + 1 : at;
}

/* The id, and the fields as the program has them: "str text; u64 number", for a type that is known
 * already or is to be. */
static int32_t read_note(const char *note, char *id, size_t id_size, struct str *schema,
                         bool *ret_has_lists, struct troupe_error *error) {
    struct note_line line;
    const char *at = read_line(note, "message", &line);
    if (!at || line.count != 2) {
        return embed_fail(error, TROUPE_INVALID, "that is not what TROUPE_MESSAGE has written");
    }
    /* a C string literal, as it stood there */
    const char *quoted = line.word[1] + strspn(line.word[1], "\"");
    (void)snprintf(id, id_size, "%.*s", (int)strcspn(quoted, "\""), quoted);
    *ret_has_lists = false;
    while (*at) {
        at = read_line(at, "field", &line);
        if (!at || line.count != 2) {
            return embed_fail(error, TROUPE_INVALID, "that is not what TROUPE_MESSAGE has written");
        }
        str_addf(schema, "%s%s %s", schema->size ? "; " : "", line.word[0], line.word[1]);
        *ret_has_lists |= strcmp(line.word[0], "list") == 0;
    }
    return schema->failed ? embed_fail(error, TROUPE_NO_MEMORY, "out of memory") : TROUPE_OK;
}

/* The fields of a known type, lists without their records. */
static void shorten(const struct msg_type *type, struct str *out) {
    for (uint32_t i = 0; i < type->abi.field_count; i++) {
        const struct troupe_field *field = &type->abi.fields[i];
        str_addf(out, "%s%s %.*s", i ? "; " : "", schema_kind_text(field->kind),
                 TROUPE_STR_ARG(field->name));
    }
}

static int32_t compare(const struct msg_type *type, const struct str *schema, uint64_t body_size,
                       struct troupe_error *error) {
    struct str known;
    str_init(&known);
    shorten(type, &known);
    int32_t status = TROUPE_OK;
    if (known.failed) {
        status = embed_fail(error, TROUPE_NO_MEMORY, "out of memory");
    } else if (strcmp(str_text(&known), str_text(schema)) != 0) {
        status = embed_fail(error, TROUPE_INVALID,
                            "message '%s' is '%s' to the program, and '%s' to the plugins: a "
                            "changed schema needs a new revision",
                            type->abi.id.data, str_text(schema), str_text(&known));
    } else if (type->abi.body_size != body_size) {
        status = embed_fail(error, TROUPE_INVALID,
                            "message '%s' has %llu bytes to the program, and %llu to the plugins",
                            type->abi.id.data, (unsigned long long)body_size,
                            (unsigned long long)type->abi.body_size);
    }
    str_fini(&known);
    return status;
}

static int32_t find_type(struct type_table *types, const char *note, uint64_t body_size,
                         struct str *schema, const struct troupe_type **ret,
                         struct troupe_error *error) {
    char id[160];
    bool has_lists = false;
    struct err err;
    int32_t status = read_note(note, id, sizeof id, schema, &has_lists, error);
    if (status < 0) {
        return status;
    }
    const struct msg_type *type = type_find(types, id);
    if (!type && has_lists) {
        return embed_fail(error, TROUPE_INVALID,
                          "message '%s' has lists, and no plugin of the proc declares it", id);
    }
    if (!type && type_intern(types, id, str_text(schema), &type, &err) < 0) {
        return embed_fail_as(error, &err);
    }
    status = compare(type, schema, body_size, error);
    if (status == TROUPE_OK) {
        *ret = &type->abi;
    }
    return status;
}

int32_t troupe_client_type(struct troupe_client *c, const char *note, uint64_t body_size,
                           const struct troupe_type **ret, struct troupe_error *error) {
    int32_t status = client_begin(c, error);
    if (status == TROUPE_OK) {
        struct str schema;
        str_init(&schema);
        status = find_type(c->owner->types, note, body_size, &schema, ret, error);
        str_fini(&schema);
        client_end(c);
    }
    return status;
}
