/* A snapshot as JSON: the table of attributes, filled in. */
#include "record/attribute.h"
#include "record/json_out.h"
#include "record/snapshot.h"

#define LINE "\n  "
#define LINE_OF_LIST "\n    "

static const char *text_of(const struct snapshot *s, enum attribute_id id) {
    const struct snapshot_facts *f = &s->facts;
    const struct snapshot_failure *failure = &f->failure;
    switch (id) {
    case ATTRIBUTE_STATUS:
        return f->failed ? "failed" : "stopped";
    case ATTRIBUTE_STATUS_REASON:
        return f->reason;
    case ATTRIBUTE_ID:
        return f->id;
    case ATTRIBUTE_PROC:
        return f->proc;
    case ATTRIBUTE_NAME:
        return f->name;
    case ATTRIBUTE_ACTOR_TYPE:
        return f->actor_type ? f->actor_type : "()"; /* CI-1 */
    case ATTRIBUTE_PLUGIN:
        return f->plugin;
    case ATTRIBUTE_PARENT:
        return f->parent;
    case ATTRIBUTE_LAST_HANDLER:
        return f->last_handler;
    case ATTRIBUTE_ERROR_CODE:
        return failure->code;
    case ATTRIBUTE_ERROR_MESSAGE:
        return failure->message;
    case ATTRIBUTE_FAILURE_KIND:
        return failure_kind_text(failure->kind);
    case ATTRIBUTE_FAILURE_ERROR_MESSAGE:
        return failure->sentence ? failure->sentence : failure->message;
    case ATTRIBUTE_FAILURE_ROOT_CAUSE_ACTOR:
        return failure->root_id ? failure->root_id : f->id;
    case ATTRIBUTE_FAILURE_ROOT_CAUSE_NAME:
        return failure->root_id ? failure->root_name : f->name;
    default:
        return NULL;
    }
}

static uint64_t number_of(const struct snapshot_facts *f, enum attribute_id id) {
    switch (id) {
    case ATTRIBUTE_UID:
        return f->uid;
    case ATTRIBUTE_INCARNATION:
        return f->incarnation;
    case ATTRIBUTE_GENERATION:
        return f->generation;
    case ATTRIBUTE_CHILD_COUNT:
        return f->child_total > f->child_count ? f->child_total : f->child_count;
    case ATTRIBUTE_MESSAGES_PROCESSED:
        return f->messages_processed;
    case ATTRIBUTE_QUEUE_DEPTH:
        return f->queue_depth;
    case ATTRIBUTE_QUEUE_HIGH_WATER:
        return f->queue_high_water;
    case ATTRIBUTE_TOTAL_PROCESSING_TIME_US:
        return f->total_processing_time_us;
    case ATTRIBUTE_FAILURE_LOST_WITH_STATE:
        return f->failure.lost_with_state;
    default:
        return 0;
    }
}

static int64_t time_of(const struct snapshot_facts *f, enum attribute_id id) {
    return id == ATTRIBUTE_CREATED_AT ? f->created_wall_ns
           : id == ATTRIBUTE_ENDED_AT ? f->ended_wall_ns
                                      : f->failure.wall_ns;
}

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

/* Monotonic to wall time, by the one moment of which both are known. */
static int64_t wall(const struct snapshot_facts *f, uint64_t at_ns) {
    return (int64_t)((uint64_t)f->ended_wall_ns + at_ns - f->ended_ns);
}

static void add_record(struct str *out, const struct snapshot_facts *f,
                       const struct snapshot_record *r) {
    struct json_out entry = json_open(out, '{', " ");
    json_time(&entry, "at", wall(f, r->at_ns));
    json_text(&entry, "kind", flight_kind_text(r->kind));
    if (r->kind == FLIGHT_LOG) {
        json_text(&entry, "level", log_level_text(r->level));
    }
    if (r->kind == FLIGHT_RAN) {
        json_number(&entry, "times", r->count);
        json_time(&entry, "last_at", wall(f, r->last_ns));
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

static bool is_there(const struct snapshot *s, enum attribute_id id) {
    const struct attribute *attribute = attribute_get(id);
    if (attribute->when == ATTRIBUTE_FAILED) {
        return s->facts.failed; /* FI-3 */
    }
    if (attribute->when != ATTRIBUTE_SOME) {
        return true;
    }
    const char *text = text_of(s, id);
    return attribute->kind == ATTRIBUTE_TEXT ? text && *text : number_of(&s->facts, id) > 0;
}

static void add_attribute(struct json_out *json, const struct snapshot *s, enum attribute_id id) {
    const struct attribute *attribute = attribute_get(id);
    const char *key = attribute->name;
    switch (attribute->kind) {
    case ATTRIBUTE_TEXT:
        json_text(json, key, text_of(s, id));
        break;
    case ATTRIBUTE_NUMBER:
        json_number(json, key, number_of(&s->facts, id));
        break;
    case ATTRIBUTE_BOOL:
        json_bool(json, key, id == ATTRIBUTE_IS_SYSTEM ? s->facts.is_system : s->is_propagated);
        break;
    case ATTRIBUTE_TIME:
        json_time(json, key, time_of(&s->facts, id));
        break;
    default:
        json_key(json, key);
        add_structured(json->out, &s->facts, id);
        break;
    }
}

void snapshot_json(const struct snapshot *snapshot, struct str *out) {
    struct json_out json = json_open(out, '{', LINE);
    json_number(&json, "format", 1);
    json_text(&json, "kind", "actor");
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        enum attribute_id id = (enum attribute_id)i;
        if (is_there(snapshot, id)) {
            add_attribute(&json, snapshot, id);
        }
    }
    json_close(&json, '}');
    str_add_char(out, '\n');
}
