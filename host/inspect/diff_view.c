/* The difference of two plans, for people and programs. */
#include "inspect/diff_view.h"

#include <inttypes.h>

#include "manifest/json.h"

struct colours {
    const char *kinds[DIFF_KIND_COUNT];
    const char *dim, *end;
};

static const struct colours plain = {
    .kinds = {"", "", "", "", "", "", "", ""}, .dim = "", .end = ""};
static const struct colours coloured = {.kinds = {[DIFF_PROC] = "\x1b[31m",
                                                  [DIFF_RELOAD] = "\x1b[33m",
                                                  [DIFF_RECONFIGURE] = "\x1b[33m",
                                                  [DIFF_POLICY] = "\x1b[33m",
                                                  [DIFF_ADD] = "\x1b[32m",
                                                  [DIFF_REWIRE] = "\x1b[33m",
                                                  [DIFF_RESTART] = "\x1b[31m",
                                                  [DIFF_REMOVE] = "\x1b[31m"},
                                        .dim = "\x1b[2m",
                                        .end = "\x1b[0m"};

static const char signs[DIFF_KIND_COUNT] = {
    [DIFF_PROC] = '!', [DIFF_RELOAD] = '~', [DIFF_RECONFIGURE] = '~', [DIFF_POLICY] = '~',
    [DIFF_ADD] = '+',  [DIFF_REWIRE] = '~', [DIFF_RESTART] = '!',     [DIFF_REMOVE] = '-'};

/* --- text --- */

static void add_place(struct mark mark, const struct colours *colours, struct str *out) {
    if (mark.line) {
        str_addf(out, "    %s# %s:%" PRIu32 ":%" PRIu32 "%s", colours->dim, mark.file, mark.line,
                 mark.column, colours->end);
    }
}

static void add_change(const struct diff_op *op, const struct diff_change *change,
                       const struct colours *colours, struct str *out) {
    bool is_in_the_way = change->needs_restart && !op->is_live;
    enum diff_kind kind = is_in_the_way   ? DIFF_RESTART
                          : !change->from ? DIFF_ADD
                          : !change->to   ? DIFF_REMOVE
                                          : DIFF_POLICY;
    str_addf(out, "    %s%c%s %s: ", colours->kinds[kind], signs[kind], colours->end, change->what);
    if (change->from && change->to) {
        str_addf(out, "%s => %s\n", change->from, change->to);
    } else {
        str_addf(out, "%s\n", change->to ? change->to : change->from);
    }
}

static void add_op(const struct diff_op *op, const struct colours *colours, struct str *out) {
    enum diff_kind kind = !op->is_live ? DIFF_RESTART
                          : op->kind == DIFF_RESTART
                              ? DIFF_POLICY /* of an actor, done as the rest */
                              : op->kind;
    str_addf(out, "%s%c%s %s", colours->kinds[kind], signs[kind], colours->end, op->text);
    add_place(op->mark, colours, out);
    str_add_char(out, '\n');
    for (size_t i = 0; i < op->change_count; i++) {
        if (op->kind == DIFF_RELOAD) { /* hashes tell a person nothing */
            str_addf(out, "    %s~%s %s\n", colours->kinds[op->kind], colours->end,
                     op->changes[i].what);
        } else {
            add_change(op, &op->changes[i], colours, out);
        }
    }
}

static void add_summary(const struct diff *diff, struct str *out) {
    size_t restarts = diff_count(diff, DIFF_PROC) + diff_count(diff, DIFF_RESTART);
    size_t added = diff_count(diff, DIFF_ADD);
    size_t removed = diff_count(diff, DIFF_REMOVE);
    size_t changed = diff->op_count - restarts - added - removed;
    str_addf(out, "\n%zu operation%s: %zu to change, %zu to add, %zu to restart, %zu to remove\n",
             diff->op_count, diff->op_count == 1 ? "" : "s", changed, added, restarts, removed);
}

void diff_view_text(const struct diff *diff, bool colour, struct str *out) {
    const struct colours *colours = colour ? &coloured : &plain;
    for (size_t i = 0; i < diff->op_count; i++) {
        add_op(&diff->ops[i], colours, out);
    }
    if (diff->op_count) {
        add_summary(diff, out);
    } else {
        str_add(out, "no difference\n");
    }
}

/* --- JSON --- */

static void add_member(struct str *out, const char *name, const char *text) {
    str_addf(out, ",\"%s\":", name);
    if (text) {
        json_add_text(out, text);
    } else {
        str_add(out, "null");
    }
}

static void add_mark(struct str *out, struct mark mark) {
    if (mark.line) {
        add_member(out, "file", mark.file);
        str_addf(out, ",\"line\":%" PRIu32 ",\"column\":%" PRIu32, mark.line, mark.column);
    }
}

static void add_json_change(const struct diff_change *change, struct str *out) {
    str_add(out, "{\"what\":");
    json_add_text(out, change->what);
    add_member(out, "from", change->from);
    add_member(out, "to", change->to);
    str_addf(out, ",\"restart\":%s", change->needs_restart ? "true" : "false");
    add_mark(out, change->mark);
    str_add_char(out, '}');
}

static void add_json_op(const struct diff_op *op, struct str *out) {
    str_add(out, "{\"kind\":");
    json_add_text(out, diff_kind_text(op->kind));
    add_member(out, "path", op->path);
    if (op->port) {
        add_member(out, "port", op->port);
    }
    str_addf(out, ",\"count\":%" PRIu32, op->count);
    add_member(out, "text", op->text);
    str_addf(out, ",\"live\":%s", op->is_live ? "true" : "false");
    add_mark(out, op->mark);
    str_add(out, ",\"changes\":[");
    for (size_t i = 0; i < op->change_count; i++) {
        str_add(out, i ? "," : "");
        add_json_change(&op->changes[i], out);
    }
    str_add(out, "]}");
}

void diff_view_json(const struct diff *diff, struct str *out) {
    str_add_char(out, '[');
    for (size_t i = 0; i < diff->op_count; i++) {
        str_add(out, i ? ",\n " : "\n ");
        add_json_op(&diff->ops[i], out);
    }
    str_add(out, "]");
}
