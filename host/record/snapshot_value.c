/* The attributes of a snapshot, one by one. */
#include "record/snapshot.h"

static const char *find_text(const struct snapshot *s, enum attribute_id id) {
    const struct snapshot_facts *f = &s->facts;
    const struct snapshot_failure *failure = &f->failure;
    switch (id) {
    case ATTRIBUTE_STATUS:
        return f->status ? f->status : f->failed ? "failed" : "stopped";
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

uint64_t snapshot_number(const struct snapshot *s, enum attribute_id id) {
    const struct snapshot_facts *f = &s->facts;
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

int64_t snapshot_time(const struct snapshot *s, enum attribute_id id) {
    const struct snapshot_facts *f = &s->facts;
    switch (id) {
    case ATTRIBUTE_CREATED_AT:
        return f->created_wall_ns;
    case ATTRIBUTE_ENDED_AT:
        return f->ended_wall_ns;
    case ATTRIBUTE_PROCESSING_SINCE:
        return f->processing_wall_ns;
    default:
        return f->failure.wall_ns;
    }
}

bool snapshot_bool(const struct snapshot *s, enum attribute_id id) {
    return id == ATTRIBUTE_IS_SYSTEM ? s->facts.is_system : s->is_propagated;
}

const char *snapshot_text(const struct snapshot *s, enum attribute_id id) {
    const char *text = find_text(s, id);
    return text ? text : "";
}

static bool has_something(const struct snapshot *s, enum attribute_id id) {
    switch (attribute_get(id)->kind) {
    case ATTRIBUTE_TEXT:
        return snapshot_text(s, id)[0];
    case ATTRIBUTE_TIME:
        return snapshot_time(s, id) != 0;
    default:
        return snapshot_number(s, id) > 0;
    }
}

bool snapshot_has(const struct snapshot *s, enum attribute_id id) {
    switch (attribute_get(id)->when) {
    case ATTRIBUTE_FAILED: /* FI-3 */
        return s->facts.failed && (!s->facts.is_brief || attribute_is_of_brief(id));
    case ATTRIBUTE_ENDED:
        return !s->facts.status && s->facts.ended_wall_ns != 0;
    case ATTRIBUTE_SOME:
        return has_something(s, id);
    default:
        return !s->facts.is_brief || attribute_is_of_brief(id);
    }
}

/* Monotonic to wall time, by the one moment of which both are known. */
int64_t snapshot_wall(const struct snapshot_facts *facts, uint64_t at_ns) {
    return (int64_t)((uint64_t)facts->ended_wall_ns + at_ns - facts->ended_ns);
}
