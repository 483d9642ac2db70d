/* One actor as it was seen, as a page. */
#include "inspect/actor_view.h"

#include <inttypes.h>
#include <string.h>

#include "inspect/post_mortem_impl.h"
#include "record/cut.h"

#define NAME_WIDTH 25
#define TEXT_MOST 1000u

static struct view view_of(const char *text) {
    return (struct view){text, text ? strlen(text) : 0};
}

static void begin_element(struct str *out) {
    str_add(out, "\n    ");
}

static void add_texts(struct str *out, const char *const *texts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        begin_element(out);
        add_clean(out, view_of(texts[i]), TEXT_MOST);
    }
}

static void add_restarts(struct str *out, const struct snapshot_facts *f) {
    for (size_t i = 0; i < f->restart_count; i++) {
        begin_element(out);
        str_addf(out, "incarnation %" PRIu32 " ended ", f->restarts[i].incarnation);
        add_local_time(out, f->restarts[i].wall_ns, false);
        str_add(out, ": ");
        add_clean(out, view_of(f->restarts[i].why), TEXT_MOST);
    }
}

static void add_published(struct str *out, const struct snapshot_facts *f) {
    for (size_t i = 0; i < f->attribute_count; i++) {
        begin_element(out);
        add_clean(out, view_of(f->attributes[i].name), TEXT_MOST);
        str_add(out, " ");
        add_clean(out, view_of(f->attributes[i].json ? f->attributes[i].json : "null"), TEXT_MOST);
    }
}

static void add_record(struct str *out, const struct snapshot_facts *f,
                       const struct snapshot_record *r) {
    struct flight_entry entry = {.kind = r->kind,
                                 .level = r->level,
                                 .count = r->count,
                                 .discarded = r->discarded,
                                 .cut = r->cut,
                                 .size = (uint16_t)cut_size(r->text, r->size, FLIGHT_TEXT_MAX)};
    char line[FLIGHT_TEXT_MAX + 128];
    memcpy(entry.text, r->text, entry.size);
    flight_text(&entry, line, sizeof line);
    begin_element(out);
    add_local_time(out, snapshot_wall(f, r->at_ns), false);
    str_add(out, "  ");
    add_clean(out, view_of(line), sizeof line);
}

static void add_message_in_hand(struct str *out, const struct snapshot_message *m) {
    if (m->type) {
        begin_element(out);
        add_clean(out, view_of(m->type), TEXT_MOST);
        str_add(out, " ");
        add_clean(out, view_of(m->json ? m->json : ""), TEXT_MOST);
    }
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
        for (size_t i = 0; i < f->record_count; i++) {
            add_record(out, f, &f->records[i]);
        }
        break;
    case ATTRIBUTE_FAILURE_BACKTRACE:
        add_texts(out, f->failure.frames, f->failure.frame_count);
        break;
    case ATTRIBUTE_FAILURE_MESSAGE:
        add_message_in_hand(out, &f->failure.in_hand);
        break;
    default:
        add_published(out, f);
        break;
    }
}

static void add_value_of(struct str *out, const struct snapshot *s, enum attribute_id id) {
    switch (attribute_get(id)->kind) {
    case ATTRIBUTE_TEXT:
        add_clean(out, view_of(snapshot_text(s, id)), TEXT_MOST);
        break;
    case ATTRIBUTE_NUMBER:
        str_addf(out, "%" PRIu64, snapshot_number(s, id));
        break;
    case ATTRIBUTE_BOOL:
        str_add(out, snapshot_bool(s, id) ? "yes" : "no");
        break;
    case ATTRIBUTE_TIME:
        add_local_time(out, snapshot_time(s, id), true);
        break;
    default:
        add_structured(out, &s->facts, id);
        break;
    }
}

void actor_view_text(const struct snapshot *s, enum actor_view view, bool colour, struct str *out) {
    struct paint paint = paint_make(colour);
    str_add(out, paint.title);
    add_clean(out, view_of(s->facts.id), TEXT_MOST);
    str_addf(out, "%s\n", paint.end);
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        enum attribute_id id = (enum attribute_id)i;
        if (id != ATTRIBUTE_ID && snapshot_has(s, id) &&
            (view == ACTOR_VIEW || attribute_is_of_entity(id))) {
            str_addf(out, "  %s%-*s%s", paint.dim, NAME_WIDTH, attribute_get(id)->name, paint.end);
            add_value_of(out, s, id);
            str_add_char(out, '\n');
        }
    }
}

void actor_view_json(const struct snapshot *s, enum actor_view view, struct str *out) {
    if (view == ENTITY_VIEW) {
        snapshot_entity_json(s, out);
    } else {
        snapshot_json(s, out);
    }
}
