/* The post-mortem of an actor's life, and of a message in quarantine, as a page. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "inspect/post_mortem_impl.h"

#define FACT_WIDTH 10
#define LINE_MAX_SHOWN 1000u
#define FRAMES_SHOWN 128u
#define RECORDS_SHOWN 64u
#define RESTARTS_SHOWN 10u
#define AGO_WIDTH 14

static void begin_fact(struct str *out, const struct paint *paint, const char *name) {
    str_addf(out, "  %s%-*s%s", paint->dim, FACT_WIDTH, name, paint->end);
}

static void begin_section(struct str *out, const struct paint *paint, const char *title) {
    str_addf(out, "\n%s%s%s", paint->title, title, paint->end);
}

static bool is(struct view view, const char *text) {
    return view.size == strlen(text) && memcmp(view.data, text, view.size) == 0;
}

static struct view first_of(const json_t *object, const char *const *keys) {
    struct view view = {NULL, 0};
    for (size_t i = 0; keys[i] && view.size == 0; i++) {
        view = view_get(object, keys[i]);
    }
    return view;
}

/* ------------------------------------------------------- what happened, in a sentence */

static struct view failure_text(const json_t *root) {
    static const char *const keys[] = {"error_message", "failure_error_message", "status_reason",
                                       NULL};
    return first_of(root, keys);
}

/* Without the kind of failure in front, where that is said already. */
static struct view failure_words(const json_t *root) {
    struct view text = failure_text(root), kind = view_get(root, "failure_kind");
    if (kind.size > 0 && text.size > kind.size + 2 &&
        memcmp(text.data, kind.data, kind.size) == 0 &&
        memcmp(text.data + kind.size, ": ", 2) == 0) {
        text.data += kind.size + 2;
        text.size -= kind.size + 2;
    }
    return text;
}

/* "its handler 'line'", or "one of its handlers". */
static void add_handler(struct str *out, const json_t *root) {
    struct view handler = view_get(root, "last_handler");
    if (handler.size == 0) {
        str_add(out, "one of its handlers");
        return;
    }
    str_add(out, "its handler '");
    add_clean(out, handler, 80);
    str_add_char(out, '\'');
}

static void add_happened(struct str *out, const json_t *root) {
    struct view kind = view_get(root, "failure_kind");
    if (!is(view_get(root, "status"), "failed")) {
        str_add(out, "it stopped: ");
    } else if (is(kind, "panic")) {
        str_add(out, "it crashed in ");
        add_handler(out, root);
        str_add(out, ": ");
    } else if (is(kind, "error")) {
        add_handler(out, root);
        str_add(out, " gave an error: ");
    } else if (is(kind, "stuck")) {
        add_handler(out, root);
        str_add(out, " did not return and was given up: ");
    } else if (is(kind, "child")) {
        str_add(out, "a child of it failed, and it did not handle that: ");
    } else {
        str_add(out, "it failed: ");
    }
    add_clean(out, failure_words(root), LINE_MAX_SHOWN);
}

void add_who(struct str *out, const struct post_mortem *pm) {
    static const char *const keys[] = {"id", "actor", "name", "proc", NULL};
    struct view who = first_of(pm->root, keys);
    if (pm->kind == POST_MORTEM_PROCESS) {
        str_addf(out, "process %" PRIu64, number_get(pm->root, "pid", 0));
    } else if (who.size) {
        add_clean(out, who, 200);
    } else {
        str_add(out, "an unnamed actor");
    }
}

void add_why(struct str *out, const struct post_mortem *pm, size_t most) {
    static const char *const keys[] = {"why", NULL};
    if (pm->kind == POST_MORTEM_ACTOR) {
        struct view kind = view_get(pm->root, "failure_kind");
        add_clean(out, kind, 20);
        str_add(out, kind.size ? ": " : "");
        add_clean(out, failure_words(pm->root), most);
        return;
    }
    if (pm->kind == POST_MORTEM_MESSAGE) {
        str_add(out, "message in quarantine: ");
    } else if (view_get(pm->root, "signal").size) {
        add_clean(out, view_get(pm->root, "signal"), 20);
        str_add(out, ": ");
    }
    add_clean(out, first_of(pm->root, keys), most);
}

/* ------------------------------------------------------- the facts */

static void show_fact(struct str *out, const struct paint *paint, const char *name,
                      struct view view) {
    if (view.size) {
        begin_fact(out, paint, name);
        add_clean(out, view, LINE_MAX_SHOWN);
        str_add_char(out, '\n');
    }
}

static void show_type(struct str *out, const json_t *root, const struct paint *paint) {
    struct view type = view_get(root, "actor_type");
    struct view plugin = view_get(root, "plugin");
    uint64_t generation = number_get(root, "generation", 0);
    begin_fact(out, paint, "type");
    add_clean(out, type, 200);
    if (plugin.size) {
        str_add(out, " of plugin ");
        add_clean(out, plugin, 200);
    }
    if (generation) {
        str_addf(out, ", generation %" PRIu64, generation);
    }
    str_add_char(out, '\n');
}

static void show_when(struct str *out, const struct post_mortem *pm, const struct paint *paint) {
    int64_t when = post_mortem_when(pm), created = time_get(pm->root, "created_at");
    begin_fact(out, paint, "when");
    add_local_time(out, when, true);
    if (created > 0 && when >= created) {
        str_add(out, ", ");
        add_duration(out, when - created);
        str_add(out, " after it began");
    }
    str_add_char(out, '\n');
}

static void show_cause(struct str *out, const json_t *root, const struct paint *paint) {
    if (!json_is_true(json_object_get(root, "failure_is_propagated"))) {
        return;
    }
    begin_fact(out, paint, "cause");
    str_addf(out, "it began in %s", paint->bad);
    add_clean(out, view_get(root, "failure_root_cause_actor"), 200);
    str_addf(out, "%s, which has a post-mortem of its own\n", paint->end);
}

static void show_family(struct str *out, const json_t *root, const struct paint *paint) {
    uint64_t children = number_get(root, "child_count", 0);
    show_fact(out, paint, "parent", view_get(root, "parent"));
    if (children) {
        begin_fact(out, paint, "children");
        str_addf(out, "%" PRIu64 ": ", children);
        const json_t *list = array_get(root, "children");
        size_t shown = json_array_size(list) < 8 ? json_array_size(list) : 8;
        for (size_t i = 0; i < shown; i++) {
            const json_t *child = json_array_get(list, i);
            str_add(out, i ? ", " : "");
            add_clean(out, (struct view){json_string_value(child), json_string_length(child)}, 100);
        }
        str_add(out, shown < children ? ", ...\n" : "\n");
    }
}

static void show_facts(struct str *out, const struct post_mortem *pm, const struct paint *paint) {
    const json_t *root = pm->root;
    bool failed = is(view_get(root, "status"), "failed");
    str_addf(out, "%s", paint->title);
    add_who(out, pm);
    str_addf(out, "%s %s%s%s in incarnation %" PRIu64 "\n\n", paint->end, failed ? paint->bad : "",
             failed ? "failed" : "stopped", paint->end, number_get(root, "incarnation", 1));
    begin_fact(out, paint, "what");
    add_happened(out, root);
    str_add_char(out, '\n');
    show_cause(out, root, paint);
    show_when(out, pm, paint);
    show_type(out, root, paint);
    show_family(out, root, paint);
}

/* ------------------------------------------------------- backtrace, message */

static void show_frames(struct str *out, const json_t *root, const struct paint *paint) {
    const json_t *frames = array_get(root, "failure_backtrace");
    if (json_array_size(frames) == 0) {
        return;
    }
    begin_section(out, paint, "backtrace\n");
    for (size_t i = 0; i < json_array_size(frames) && i < FRAMES_SHOWN; i++) {
        const json_t *frame = json_array_get(frames, i);
        str_add(out, "  ");
        add_clean(out, (struct view){json_string_value(frame), json_string_length(frame)},
                  LINE_MAX_SHOWN);
        str_add_char(out, '\n');
    }
}

/* {"line": {...}}: the type has been named already. */
static const json_t *unwrap(const json_t *value) {
    void *only = json_object_size(value) == 1 ? json_object_iter((json_t *)value) : NULL;
    const json_t *inner = only ? json_object_iter_value(only) : NULL;
    return json_is_object(inner) ? inner : value;
}

static void show_way(struct str *out, const json_t *message) {
    struct view port = view_get(message, "port"), sender = view_get(message, "sender");
    if (port.size) {
        str_add(out, " on port '");
        add_clean(out, port, 80);
        str_add_char(out, '\'');
    }
    str_add(out, ", from ");
    if (sender.size) {
        add_clean(out, sender, 200);
    } else {
        str_add(out, "the host");
    }
}

static void show_deaths(struct str *out, const json_t *message) {
    uint64_t deaths = number_get(message, "deaths", 0);
    uint64_t number = number_get(message, "quarantine", number_get(message, "number", 0));
    if (deaths == 1) {
        str_add(out, "; one life ended on it");
    } else if (deaths > 1) {
        str_addf(out, "; %" PRIu64 " lives ended on it", deaths);
    }
    if (number) {
        str_addf(out, "; in quarantine as number %" PRIu64, number);
    }
}

void add_message(const json_t *message, const struct paint *paint, struct str *out) {
    const json_t *value = json_object_get(message, "value");
    struct view type = view_get(message, "type");
    begin_section(out, paint, "message in hand\n  ");
    add_clean(out, type.size ? type : (struct view){"of no type", 10}, 200);
    show_way(out, message);
    show_deaths(out, message);
    str_add_char(out, '\n');
    if (value) {
        add_value(out, unwrap(value), 2);
    } else if (view_get(message, "value_begins").size) {
        str_addf(out,
                 "  %" PRIu64 " bytes, beginning with: ", number_get(message, "value_size", 0));
        add_clean(out, view_get(message, "value_begins"), LINE_MAX_SHOWN);
        str_add_char(out, '\n');
    }
}

/* ------------------------------------------------------- the flight recorder */

/* "-3.217 s" before the end, to the right. */
static void add_ago(struct str *out, int64_t end, int64_t at, const struct paint *paint) {
    struct str ago;
    str_init(&ago);
    if (at > 0 && end > 0) {
        str_add(&ago, at <= end ? "-" : "+");
        add_duration(&ago, at <= end ? end - at : at - end);
    }
    str_addf(out, "%s%*s%s  ", paint->dim, AGO_WIDTH, str_text(&ago), paint->end);
    out->failed = out->failed || ago.failed;
    str_fini(&ago);
}

static void add_run(struct str *out, const json_t *record, int64_t end) {
    struct view handler = view_get(record, "handler");
    uint64_t times = number_get(record, "times", 1);
    int64_t last = time_get(record, "last_at");
    str_add(out, handler.size ? "ran '" : "ran other handlers");
    add_clean(out, handler, 200);
    str_add(out, handler.size ? "'" : "");
    if (times > 1) {
        str_addf(out, " %" PRIu64 " times, until ", times);
        if (last > 0 && end >= last) {
            add_duration(out, end - last);
            str_add(out, " before the end");
        } else {
            str_add(out, "the end");
        }
    }
}

static void add_record(struct str *out, const json_t *record, int64_t end,
                       const struct paint *paint) {
    struct view kind = view_get(record, "kind"), text = view_get(record, "text");
    struct view level = view_get(record, "level");
    uint64_t number = number_get(record, "number", 0);
    bool is_log = is(kind, "log");
    bool is_bad = is(level, "error") || is(kind, "failed");
    add_ago(out, end, time_get(record, "at"), paint);
    if (is(kind, "ran")) {
        add_run(out, record, end);
        str_add_char(out, '\n');
        return;
    }
    str_add(out, is_bad ? paint->bad : "");
    add_clean(out, is_log ? level : kind, 40);
    str_add(out, is_bad ? paint->end : "");
    if (number) {
        bool is_life = is(kind, "restarted") || is(kind, "started");
        str_addf(out, is_life ? " as incarnation %" PRIu64 : " %" PRIu64, number);
    }
    str_add(out, text.size ? ": " : "");
    add_clean(out, text, LINE_MAX_SHOWN);
    str_add(out, json_is_true(json_object_get(record, "cut")) ? "..." : "");
    if (json_is_true(json_object_get(record, "discarded"))) {
        str_addf(out, " %s(in a turn that was discarded)%s", paint->dim, paint->end);
    }
    str_add_char(out, '\n');
}

static void show_records(struct str *out, const struct post_mortem *pm, const struct paint *paint) {
    const json_t *records = array_get(pm->root, "flight_recorder");
    size_t count = json_array_size(records);
    if (count == 0) {
        return;
    }
    int64_t end = time_get(pm->root, "ended_at");
    begin_section(out, paint, "what it did last, and how long before its end\n");
    size_t from = count > RECORDS_SHOWN ? count - RECORDS_SHOWN : 0;
    if (from > 0) {
        str_addf(out, "%*s  (%zu earlier entries)\n", AGO_WIDTH, "", from);
    }
    for (size_t i = from; i < count; i++) {
        add_record(out, json_array_get(records, i), end, paint);
    }
}

/* ------------------------------------------------------- restarts, numbers */

static void show_restarts(struct str *out, const json_t *root, const struct paint *paint) {
    const json_t *restarts = array_get(root, "restarts");
    size_t count = json_array_size(restarts);
    if (count == 0) {
        return;
    }
    uint64_t before = number_get(root, "incarnation", 1) - 1;
    size_t shown = count > RESTARTS_SHOWN ? RESTARTS_SHOWN : count;
    begin_section(out, paint, "lives before");
    if (before > shown) {
        str_addf(out, ", the last %zu of %" PRIu64, shown, before);
    }
    str_add_char(out, '\n');
    for (size_t i = count > RESTARTS_SHOWN ? count - RESTARTS_SHOWN : 0; i < count; i++) {
        const json_t *restart = json_array_get(restarts, i);
        str_addf(out, "  incarnation %" PRIu64 " ended ", number_get(restart, "incarnation", 0));
        add_local_time(out, time_get(restart, "at"), false);
        str_add(out, ": ");
        add_clean(out, view_get(restart, "why"), 200);
        str_add_char(out, '\n');
    }
}

static void show_published(struct str *out, const json_t *root, const struct paint *paint) {
    const json_t *published = object_get(root, "attributes");
    if (json_object_size(published) > 0) {
        begin_section(out, paint, "what it published\n");
        add_value(out, published, 2);
    }
}

static void show_numbers(struct str *out, const json_t *root, const struct paint *paint) {
    uint64_t messages = number_get(root, "messages_processed", 0);
    uint64_t us = number_get(root, "total_processing_time_us", 0);
    begin_section(out, paint, "numbers\n");
    begin_fact(out, paint, "messages");
    str_addf(out, "%" PRIu64 " handled", messages);
    if (us > 0) {
        str_add(out, " in ");
        add_duration(out, us < INT64_MAX / 1000 ? (int64_t)us * 1000 : INT64_MAX);
        str_add(out, " of work");
    }
    str_addf(out, "\n");
    begin_fact(out, paint, "queue");
    str_addf(out, "%" PRIu64 " waiting at its end, %" PRIu64 " at most\n",
             number_get(root, "queue_depth", 0), number_get(root, "queue_high_water", 0));
    bool is_system = json_is_true(json_object_get(root, "is_system"));
    if (!is_system && json_is_integer(json_object_get(root, "failure_lost_with_state"))) {
        uint64_t lost = number_get(root, "failure_lost_with_state", 0);
        begin_fact(out, paint, "state");
        if (lost == 0) {
            str_add(out, "nothing of it was lost\n");
        } else {
            str_addf(out, "what %" PRIu64 " message%s had changed in it is lost\n", lost,
                     lost == 1 ? "" : "s");
        }
    }
}

void actor_text(const struct post_mortem *pm, const struct paint *paint, struct str *out) {
    const json_t *message = object_get(pm->root, "failure_message");
    show_facts(out, pm, paint);
    show_frames(out, pm->root, paint);
    if (message) {
        add_message(message, paint, out);
    }
    show_records(out, pm, paint);
    show_restarts(out, pm->root, paint);
    show_published(out, pm->root, paint);
    show_numbers(out, pm->root, paint);
}

void message_text(const struct post_mortem *pm, const struct paint *paint, struct str *out) {
    str_addf(out, "%sa message in quarantine%s, which ", paint->title, paint->end);
    add_who(out, pm);
    str_addf(out, " died on in incarnation %" PRIu64 "\n\n",
             number_get(pm->root, "incarnation", 1));
    show_fact(out, paint, "why", view_get(pm->root, "why"));
    begin_fact(out, paint, "when");
    add_local_time(out, post_mortem_when(pm), true);
    str_add_char(out, '\n');
    add_message(pm->root, paint, out);
}
