/* A proc as a whole, as a page and as JSON. */
#include "inspect/proc_page.h"

#include <inttypes.h>
#include <string.h>

#include "inspect/post_mortem_impl.h"
#include "record/json_out.h"

#define NAME_WIDTH 20
#define LINE_OF_LIST "\n    "

/* --- JSON --- */

static void add_dead(struct str *out, const struct proc_view *view) {
    struct json_out list = json_open(out, '[', LINE_OF_LIST);
    for (uint32_t i = 0; i < view->dead_count; i++) {
        const struct proc_view_dead *dead = &view->dead[i];
        json_key(&list, NULL);
        struct json_out one = json_open(out, '{', " ");
        json_number(&one, "number", dead->number);
        json_time(&one, "at", dead->wall_ns);
        json_text(&one, "type", dead->type);
        json_text(&one, "reason", dead->reason);
        json_number(&one, "from_uid", dead->from_uid);
        json_text_some(&one, "from", dead->from);
        json_number(&one, "to_uid", dead->to_uid);
        json_text_some(&one, "to", dead->to);
        json_close(&one, '}');
    }
    json_close(&list, ']');
}

static void add_terminated(struct str *out, const struct proc_view *view) {
    struct json_out list = json_open(out, '[', LINE_OF_LIST);
    for (uint32_t i = 0; i < view->terminated_count; i++) {
        const struct snapshot_brief *brief = &view->terminated[i];
        json_key(&list, NULL);
        struct json_out one = json_open(out, '{', " ");
        json_text(&one, "id", brief->id);
        json_number(&one, "uid", brief->uid);
        json_number(&one, "incarnation", brief->incarnation);
        json_text(&one, "status", brief->failed ? "failed" : "stopped");
        json_time(&one, "ended_at", brief->wall_ns);
        json_text(&one, "status_reason", brief->reason);
        json_close(&one, '}');
    }
    json_close(&list, ']');
}

void proc_page_json(const struct proc_view *view, struct str *out) {
    struct json_out json = json_open(out, '{', "\n  ");
    json_number(&json, "format", 1);
    json_text(&json, "kind", "proc");
    json_text(&json, "name", view->name);
    json_time(&json, "at", view->wall_ns);
#define ADD_NUMBER(name, description) json_number(&json, #name, view->name);
    PROC_NUMBERS(ADD_NUMBER)
#undef ADD_NUMBER
    if (view->last_nonzero_wall_ns) { /* PD-7 */
        json_time(&json, "last_nonzero", view->last_nonzero_wall_ns);
    }
    json_key(&json, "dead_letters_kept");
    add_dead(out, view);
    json_key(&json, "quarantine_kept");
    str_add(out, view->quarantine.size ? view->quarantine.data : "[]");
    json_key(&json, "terminated");
    add_terminated(out, view);
    json_close(&json, '}');
    str_add_char(out, '\n');
}

/* --- text --- */

static void add_text(struct str *out, const char *text) {
    add_clean(out, (struct view){text, strlen(text)}, 1000);
}

static void add_end_of(struct str *out, const char *name, uint64_t uid) {
    if (*name) {
        add_text(out, name);
    } else if (uid) {
        str_addf(out, "uid %" PRIu64, uid);
    } else {
        str_add(out, "nobody");
    }
}

static void begin_list(struct str *out, const struct paint *paint, const char *name,
                       uint32_t count) {
    if (count) {
        str_addf(out, "\n%s%s%s\n", paint->title, name, paint->end);
    }
}

static void show_dead(struct str *out, const struct proc_view *view, const struct paint *paint) {
    begin_list(out, paint, "dead letters", view->dead_count);
    for (uint32_t i = 0; i < view->dead_count; i++) {
        const struct proc_view_dead *dead = &view->dead[i];
        str_add(out, "  ");
        add_local_time(out, dead->wall_ns, false);
        str_add(out, "  ");
        add_text(out, dead->type[0] ? dead->type : "a message of no type");
        str_add(out, " from ");
        add_end_of(out, dead->from, dead->from_uid);
        str_add(out, " to ");
        add_end_of(out, dead->to, dead->to_uid);
        str_addf(out, ": %s\n", dead->reason);
    }
}

static void show_terminated(struct str *out, const struct proc_view *view,
                            const struct paint *paint) {
    begin_list(out, paint, "lives that ended", view->terminated_count);
    for (uint32_t i = 0; i < view->terminated_count; i++) {
        const struct snapshot_brief *brief = &view->terminated[i];
        str_add(out, "  ");
        add_local_time(out, brief->wall_ns, false);
        str_add(out, "  ");
        add_text(out, brief->id);
        str_addf(out, " incarnation %" PRIu32 " %s%s%s: ", brief->incarnation,
                 brief->failed ? paint->bad : "", brief->failed ? "failed" : "stopped",
                 brief->failed ? paint->end : "");
        add_text(out, brief->reason);
        str_add_char(out, '\n');
    }
}

void proc_page_text(const struct proc_view *view, bool colour, struct str *out) {
    struct paint paint = paint_make(colour);
    str_add(out, paint.title);
    add_text(out, view->name);
    str_addf(out, "%s at ", paint.end);
    add_local_time(out, view->wall_ns, true);
    str_add_char(out, '\n');
#define SHOW_NUMBER(name, description)                                                             \
    str_addf(out, "  %s%-*s%s%" PRIu64 "\n", paint.dim, NAME_WIDTH, #name, paint.end, view->name);
    PROC_NUMBERS(SHOW_NUMBER)
#undef SHOW_NUMBER
    str_addf(out, "  %s%-*s%s", paint.dim, NAME_WIDTH, "last_nonzero", paint.end);
    if (view->last_nonzero_wall_ns) {
        add_local_time(out, view->last_nonzero_wall_ns, true);
    } else {
        str_add(out, "never");
    }
    str_add_char(out, '\n');
    show_dead(out, view, &paint);
    show_terminated(out, view, &paint);
}
