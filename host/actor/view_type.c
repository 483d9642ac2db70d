/* Queries and answers as messages: a field of the answer for each attribute of the table. */
#include "actor/view_type.h"

#include <string.h>

#include "base/alloc.h"

/* The host is no plugin: the structs alone, no note of them. */
#undef TROUPE_NOTE_
#define TROUPE_NOTE_(symbol, type_, text) struct symbol
#include <troupe/introspect.h>

/* --- schemas, out of the lists of fields --- */

#define SCHEMA_KIND__Bool "bool"
#define SCHEMA_KIND_bool "bool"
#define SCHEMA_KIND_str "str"
#define SCHEMA_KIND_u64 "u64"
#define SCHEMA_KIND_time "time"
#define SCHEMA_FLAT(kind, name) SCHEMA_KIND_##kind " " #name "; "

#define SCHEMA_OF_troupe_view_text TROUPE_VIEW_TEXT(SCHEMA_FLAT)
#define SCHEMA_OF_troupe_view_life TROUPE_VIEW_LIFE(SCHEMA_FLAT)
#define SCHEMA_OF_troupe_view_published TROUPE_VIEW_PUBLISHED(SCHEMA_FLAT)
#define SCHEMA_OF_troupe_view_record TROUPE_VIEW_RECORD(SCHEMA_FLAT)
#define SCHEMA_OF_troupe_view_dead TROUPE_VIEW_DEAD(SCHEMA_FLAT)
#define SCHEMA_OF_troupe_view_ended TROUPE_VIEW_ENDED(SCHEMA_FLAT)

#define SCHEMA_bool(name, x) "bool " #name "; "
#define SCHEMA__Bool(name, x) "bool " #name "; "
#define SCHEMA_str(name, x) "str " #name "; "
#define SCHEMA_u64(name, x) "u64 " #name "; "
#define SCHEMA_time(name, x) "time " #name "; "
#define SCHEMA_list(name, x) "list " #name " {" SCHEMA_OF_##x "}; "
#define SCHEMA_FIELD(...) SCHEMA_FIELD_(__VA_ARGS__, ~, ~)
#define SCHEMA_FIELD_(kind, name, x, ...) SCHEMA_##kind(name, x)

static void add_steps(struct view_types *types, bool of_failed) {
    for (unsigned i = 0; i < ATTRIBUTE_COUNT; i++) {
        const struct attribute *attribute = attribute_get((enum attribute_id)i);
        const struct troupe_field *field =
            type_find_field(&types->view->abi, troupe_str(attribute->name));
        if (field && (attribute->when == ATTRIBUTE_FAILED) == of_failed) {
            types->steps[types->step_count++] =
                (struct view_step){.offset = (uint32_t)field->offset,
                                   .attribute = (uint8_t)i,
                                   .kind = (uint8_t)field->kind,
                                   .when = (uint8_t)attribute->when,
                                   .is_of_entity = attribute_is_of_entity((enum attribute_id)i)};
        }
    }
}

int view_types_init(struct view_types *types, struct type_table *table, struct err *err) {
    static const char query[] = TROUPE_QUERY(SCHEMA_FIELD);
    static const char view[] = TROUPE_VIEW(SCHEMA_FIELD);
    static const char proc_view[] = TROUPE_PROC_VIEW(SCHEMA_FIELD);
    if (type_intern(table, "troupe.query/1", query, &types->query, err) < 0 ||
        type_intern(table, "troupe.view/1", view, &types->view, err) < 0 ||
        type_intern(table, "troupe.proc_view/1", proc_view, &types->proc_view, err) < 0) {
        return err_wrap(err, "the host's own messages");
    }
    types->step_count = 0;
    add_steps(types, false);
    types->usual_count = types->step_count;
    add_steps(types, true);
    return 0;
}

static enum view_kind kind_of(struct troupe_str name) {
    static const char *const names[] = {
        [VIEW_ACTOR] = "actor", [VIEW_ENTITY] = "entity", [VIEW_PROC] = "proc"};
    enum view_kind kind = VIEW_ACTOR;
    while (name.size > 0 && kind != VIEW_UNKNOWN && !troupe_str_eq(name, troupe_str(names[kind]))) {
        kind++;
    }
    return kind;
}

/* As a copy would have it. */
static struct troupe_str text_of(struct troupe_str text) {
    return troupe_str_n(text.data, text.data ? text.size : 0);
}

bool view_read_query(const struct view_types *types, const struct msg_type *sent, const void *body,
                     struct view_query *ret) {
    if (sent == types->query) {
        const struct troupe_query *query = body;
        ret->child = text_of(query->child);
        ret->view = kind_of(text_of(query->view));
        return true;
    }
    if (!sent || type_check_compatible(sent, types->query, NULL) < 0) {
        return false;
    }
    struct troupe_any any = {&sent->abi, body};
    struct troupe_value view = {.kind = TROUPE_KIND_str}, child = {.kind = TROUPE_KIND_str};
    (void)type_read(&any, troupe_str("view"), &view);
    (void)type_read(&any, troupe_str("child"), &child);
    ret->child = child.s;
    ret->view = kind_of(view.s);
    return true;
}

/* --- the answer --- */

/* The lists stand behind it. */
struct view_room {
    struct troupe_view body;
    struct str message;
    struct troupe_view_text *children, *frames;
    struct troupe_view_life *lives;
    struct troupe_view_published *published;
    struct troupe_view_record *records;
};

/* Not zeroed. NULL: no memory. */
static struct view_room *make_room(const struct snapshot_facts *f) {
    size_t texts = f->child_count + f->failure.frame_count;
    struct view_room *room = mem_resize(NULL, sizeof *room + texts * sizeof *room->children +
                                                  f->restart_count * sizeof *room->lives +
                                                  f->attribute_count * sizeof *room->published +
                                                  f->record_count * sizeof *room->records);
    if (room) {
        room->children = (struct troupe_view_text *)(room + 1);
        room->frames = room->children + f->child_count;
        room->lives = (struct troupe_view_life *)(room->frames + f->failure.frame_count);
        room->published = (struct troupe_view_published *)(room->lives + f->restart_count);
        room->records = (struct troupe_view_record *)(room->published + f->attribute_count);
    }
    return room;
}

static struct troupe_list texts(struct troupe_view_text *to, const char *const *from, size_t n) {
    for (size_t i = 0; i < n; i++) {
        to[i].text = troupe_str(from[i]);
    }
    return (struct troupe_list){to, n};
}

static struct troupe_list lives(struct view_room *room, const struct snapshot_facts *f) {
    for (size_t i = 0; i < f->restart_count; i++) {
        room->lives[i] = (struct troupe_view_life){.incarnation = f->restarts[i].incarnation,
                                                   .at = f->restarts[i].wall_ns,
                                                   .why = troupe_str(f->restarts[i].why)};
    }
    return (struct troupe_list){room->lives, f->restart_count};
}

static struct troupe_list published(struct view_room *room, const struct snapshot_facts *f) {
    for (size_t i = 0; i < f->attribute_count; i++) {
        const char *json = f->attributes[i].json;
        json = json && strlen(json) <= SNAPSHOT_ATTRIBUTE_MAX ? json : NULL;
        room->published[i] = (struct troupe_view_published){
            .name = troupe_str(f->attributes[i].name), .value = troupe_str(json ? json : "null")};
    }
    return (struct troupe_list){room->published, f->attribute_count};
}

static struct troupe_list records(struct view_room *room, const struct snapshot_facts *f) {
    for (size_t i = 0; i < f->record_count; i++) {
        const struct snapshot_record *from = &f->records[i];
        bool is_log = from->kind == FLIGHT_LOG;
        room->records[i] = (struct troupe_view_record){
            .at = snapshot_wall(f, from->at_ns),
            .kind = troupe_str(flight_kind_text(from->kind)),
            .level = troupe_str(is_log ? log_level_text(from->level) : ""),
            .count = from->count,
            .text = troupe_str_n(from->text, from->size),
            .discarded = from->discarded};
    }
    return (struct troupe_list){room->records, f->record_count};
}

static struct troupe_list list_of(struct view_room *room, const struct snapshot_facts *f,
                                  enum attribute_id id) {
    switch (id) {
    case ATTRIBUTE_CHILDREN:
        return texts(room->children, f->children, f->child_count);
    case ATTRIBUTE_FAILURE_BACKTRACE:
        return texts(room->frames, f->failure.frames, f->failure.frame_count);
    case ATTRIBUTE_RESTARTS:
        return lives(room, f);
    case ATTRIBUTE_ATTRIBUTES:
        return published(room, f);
    default:
        return records(room, f);
    }
}

static void fill_field(struct view_room *room, const struct snapshot *s,
                       const struct view_step *step) {
    enum attribute_id id = (enum attribute_id)step->attribute;
    void *at = (char *)&room->body + step->offset;
    switch (step->kind) {
    case TROUPE_KIND_u64:
        *(uint64_t *)at = snapshot_number(s, id);
        break;
    case TROUPE_KIND_bool:
        *(bool *)at = snapshot_bool(s, id);
        break;
    case TROUPE_KIND_time:
        *(int64_t *)at = snapshot_time(s, id);
        break;
    case TROUPE_KIND_list:
        *(struct troupe_list *)at = list_of(room, &s->facts, id);
        break;
    default:
        if (id == ATTRIBUTE_FAILURE_MESSAGE) {
            snapshot_value_json(s, id, &room->message);
            *(struct troupe_str *)at = troupe_str(str_text(&room->message));
        } else {
            *(struct troupe_str *)at = troupe_str(snapshot_text(s, id));
        }
        break;
    }
}

/* One that is there only where there is something to say is empty otherwise, and so is the field. */
static bool is_shown(const struct snapshot *s, const struct view_step *step) {
    return step->when == ATTRIBUTE_SOME || (step->when == ATTRIBUTE_ALWAYS && !s->facts.is_brief) ||
           snapshot_has(s, (enum attribute_id)step->attribute);
}

struct view_room *view_make(const struct view_types *types, const struct snapshot *s,
                            bool is_entity, const void **ret_body) {
    struct view_room *room = make_room(&s->facts);
    if (!room) {
        return NULL;
    }
    memset(&room->body, 0, sizeof room->body);
    str_init(&room->message);
    const struct view_step *end =
        types->steps + (s->facts.failed ? types->step_count : types->usual_count);
    for (const struct view_step *step = types->steps; step != end; step++) {
        if ((!is_entity || step->is_of_entity) && is_shown(s, step)) {
            fill_field(room, s, step);
        }
    }
    *ret_body = &room->body;
    return room;
}

void view_free(struct view_room *room) {
    if (room) {
        str_fini(&room->message);
    }
    mem_free(room);
}

/* --- of a proc --- */

struct proc_view_room {
    struct troupe_proc_view body;
    struct troupe_view_dead *dead;
    struct troupe_view_ended *ended;
};

static void fill_dead(struct proc_view_room *room, const struct proc_view *view) {
    for (uint32_t i = 0; i < view->dead_count; i++) {
        const struct proc_view_dead *from = &view->dead[i];
        room->dead[i] = (struct troupe_view_dead){.number = from->number,
                                                  .at = from->wall_ns,
                                                  .type = troupe_str(from->type),
                                                  .reason = troupe_str(from->reason),
                                                  .from_uid = from->from_uid,
                                                  .from = troupe_str(from->from),
                                                  .to_uid = from->to_uid,
                                                  .to = troupe_str(from->to)};
    }
    room->body.dead_letters_kept.items = room->dead;
    room->body.dead_letters_kept.count = view->dead_count;
}

static void fill_ended(struct proc_view_room *room, const struct proc_view *view) {
    for (uint32_t i = 0; i < view->terminated_count; i++) {
        const struct snapshot_brief *from = &view->terminated[i];
        room->ended[i] =
            (struct troupe_view_ended){.id = troupe_str(from->id),
                                       .uid = from->uid,
                                       .incarnation = from->incarnation,
                                       .status = troupe_str(from->failed ? "failed" : "stopped"),
                                       .ended_at = from->wall_ns,
                                       .status_reason = troupe_str(from->reason)};
    }
    room->body.terminated.items = room->ended;
    room->body.terminated.count = view->terminated_count;
}

struct proc_view_room *proc_view_make(const struct proc_view *view, const void **ret_body) {
    struct proc_view_room *room = mem_alloc(sizeof *room);
    if (!room) {
        return NULL;
    }
    room->dead = mem_array(view->dead_count + 1, sizeof *room->dead);
    room->ended = mem_array(view->terminated_count + 1, sizeof *room->ended);
    if (!room->dead || !room->ended) {
        proc_view_free(room);
        return NULL;
    }
    struct troupe_proc_view *body = &room->body;
    body->name = troupe_str(view->name);
    body->at = view->wall_ns;
#define FILL_NUMBER(name, description) body->name = view->name;
    PROC_NUMBERS(FILL_NUMBER)
#undef FILL_NUMBER
    body->last_nonzero = view->last_nonzero_wall_ns;
    fill_dead(room, view);
    body->quarantine_kept =
        troupe_str_n(view->quarantine.data, view->quarantine.size - 1); /* without its newline */
    fill_ended(room, view);
    *ret_body = body;
    return room;
}

void proc_view_free(struct proc_view_room *room) {
    if (room) {
        mem_free(room->dead);
        mem_free(room->ended);
    }
    mem_free(room);
}
