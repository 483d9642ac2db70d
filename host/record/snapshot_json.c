/* A snapshot as JSON: the table of attributes, filled in. */
#include "record/attribute.h"
#include "record/json_out.h"
#include "record/snapshot.h"

#define LINE "\n  "
#define LINE_OF_LIST "\n    "

static void add_texts(struct str *out, const char *const *texts, size_t count) {
    struct json_out list = json_open(out, '[', LINE_OF_LIST);
    for (size_t i = 0; i < count; i++) {
        json_text(&list, NULL, texts[i]);
    }
    json_close(&list, ']');
}

static void add_restarts(struct str *out, const struct snapshot_facts *f) {
    struct json_out list = json_open(out, '[', LINE_OF_LIST);
    for (size_t i = 0; i < f->restart_count; i++) {
        json_key(&list, NULL);
        struct json_out restart = json_open(out, '{', " ");
        json_number(&restart, "incarnation", f->restarts[i].incarnation);
        json_time(&restart, "at", f->restarts[i].wall_ns);
        json_text(&restart, "why", f->restarts[i].why);
        json_close(&restart, '}');
    }
    json_close(&list, ']');
}

static void add_record(struct str *out, const struct snapshot_facts *f,
                       const struct snapshot_record *r) {
    struct json_out entry = json_open(out, '{', " ");
    json_time(&entry, "at", snapshot_wall(f, r->at_ns));
    json_text(&entry, "kind", flight_kind_text(r->kind));
    if (r->kind == FLIGHT_LOG) {
        json_text(&entry, "level", log_level_text(r->level));
    }
    if (r->kind == FLIGHT_RAN) {
        json_number(&entry, "times", r->count);
        json_time(&entry, "last_at", snapshot_wall(f, r->last_ns));
    } else if (r->count) {
        json_number(&entry, "number", r->count);
    }
    if (r->size) {
        json_text_n(&entry, r->kind == FLIGHT_RAN ? "handler" : "text", r->text, r->size);
    }
    if (r->cut) {
        json_bool(&entry, "cut", true);
    }
    if (r->discarded) {
        json_bool(&entry, "discarded", true);
    }
    json_close(&entry, '}');
}

static void add_records(struct str *out, const struct snapshot_facts *f) {
    struct json_out list = json_open(out, '[', LINE_OF_LIST);
    for (size_t i = 0; i < f->record_count; i++) {
        json_key(&list, NULL);
        add_record(out, f, &f->records[i]);
    }
    json_close(&list, ']');
}

static void add_message(struct str *out, const struct snapshot_message *m) {
    if (!m->type) {
        str_add(out, "null");
        return;
    }
    struct json_out object = json_open(out, '{', LINE_OF_LIST);
    json_text(&object, "type", m->type);
    json_text_some(&object, "port", m->port);
    json_text_some(&object, "sender", m->sender);
    json_number(&object, "deaths", m->deaths);
    if (m->quarantine) {
        json_number(&object, "quarantine", m->quarantine);
    }
    if (m->json && m->json_size <= SNAPSHOT_MESSAGE_MAX) {
        json_key(&object, "value");
        str_add(out, m->json);
    } else if (m->json) {
        json_number(&object, "value_size", m->json_size);
        json_text(&object, "value_begins", m->json);
    }
    json_close(&object, '}');
}

static void add_attributes(struct str *out, const struct snapshot_facts *f) {
    struct json_out object = json_open(out, '{', LINE_OF_LIST);
    for (size_t i = 0; i < f->attribute_count; i++) {
        json_key(&object, f->attributes[i].name ? f->attributes[i].name : "");
        str_add(out, f->attributes[i].json ? f->attributes[i].json : "null");
    }
    json_close(&object, '}');
}

static void add_structured(struct str *out, const struct snapshot_facts *f, enum attribute_id id) {
    switch (id) {
    case ATTRIBUTE_CHILDREN:
        add_texts(out, f->children, f->child_count);
        break;
    case ATTRIBUTE_RESTARTS:
        add_restarts(out, f);
        break;
    case ATTRIBUTE_FLIGHT_RECORDER:
        add_records(out, f);
        break;
    case ATTRIBUTE_FAILURE_BACKTRACE:
        add_texts(out, f->failure.frames, f->failure.frame_count);
        break;
    case ATTRIBUTE_FAILURE_MESSAGE:
        add_message(out, &f->failure.in_hand);
        break;
    default:
        add_attributes(out, f);
        break;
    }
}

/* `key` NULL: the value alone. */
static void add_attribute(struct json_out *json, const struct snapshot *s, enum attribute_id id,
                          const char *key) {
    switch (attribute_get(id)->kind) {
    case ATTRIBUTE_TEXT:
        json_text(json, key, snapshot_text(s, id));
        break;
    case ATTRIBUTE_NUMBER:
        json_number(json, key, snapshot_number(s, id));
        break;
    case ATTRIBUTE_BOOL:
        json_bool(json, key, snapshot_bool(s, id));
        break;
    case ATTRIBUTE_TIME:
        json_time(json, key, snapshot_time(s, id));
        break;
    default:
        json_key(json, key);
        add_structured(json->out, &s->facts, id);
        break;
    }
}

static void write_view(const struct snapshot *s, const char *kind, bool is_entity,
                       struct str *out) {
    struct json_out json = json_open(out, '{', LINE);
    json_number(&json, "format", 1);
    json_text(&json, "kind", kind);
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        enum attribute_id id = (enum attribute_id)i;
        if (snapshot_has(s, id) && (!is_entity || attribute_is_of_entity(id))) {
            add_attribute(&json, s, id, attribute_get(id)->name);
        }
    }
    json_close(&json, '}');
    str_add_char(out, '\n');
}

void snapshot_json(const struct snapshot *snapshot, struct str *out) {
    write_view(snapshot, "actor", false, out);
}

void snapshot_entity_json(const struct snapshot *snapshot, struct str *out) {
    write_view(snapshot, "entity", true, out);
}

void snapshot_value_json(const struct snapshot *snapshot, enum attribute_id id, struct str *out) {
    struct json_out json = {.out = out, .separator = ""};
    add_attribute(&json, snapshot, id, NULL);
}
