/* Two plans and their difference, as text. */
#pragma once

#include "lib/plan_world.h"
#include "plan/diff.h"

#define DIFF_MESSAGES "message line \"d.line/1\"\nfield str text\nfield u64 number\n\n"
#define DIFF_CONFIG                                                                                \
    "config options\nkey int depth 3, \"how deep\", \"0..9\"\nkey duration span 10s, \"how "       \
    "long\", \"\"\n"                                                                               \
    "key list names \"\", \"which\", \"\"\n\n"
/* d.Tap saves its state, d.Pipe has `reconfigure`, d.Sink has neither. */
#define DIFF_PLUGIN                                                                                \
    "plugin \"d\", \"1.0\", 1 0\n\n" DIFF_MESSAGES DIFF_CONFIG                                     \
    "actor tap \"d.Tap\"\nout line line\nout copy line\nconfig options\nsave 1 1\nload\n\n"        \
    "actor pipe \"d.Pipe\"\nin line line\nin debug line\nout on line\nconfig options\n"            \
    "reconfigure options\n\n"                                                                      \
    "actor sink \"d.Sink\"\nin line line\nin debug line\nconfig options\n\n"

struct pair {
    struct world *from, *to;
    struct diff *diff;
};

static inline int pair_setup(void **state) {
    struct pair *p = test_calloc(1, sizeof *p);
    void *worlds[2];
    assert_int_equal(world_setup(&worlds[0]), 0);
    assert_int_equal(world_setup(&worlds[1]), 0);
    p->from = worlds[0];
    p->to = worlds[1];
    *state = p;
    return 0;
}

static inline int pair_teardown(void **state) {
    struct pair *p = *state;
    void *worlds[2] = {p->from, p->to};
    diff_destroy(p->diff);
    (void)world_teardown(&worlds[0]);
    (void)world_teardown(&worlds[1]);
    test_free(p);
    return 0;
}

static inline void pair_build(struct world *w, const char *plugin, char hash, const char *text) {
    world_file(w, "d.so", plugin);
    memset(w->catalog->files[0].image->sha256, hash, 64);
    world_build(w, text);
    world_assert_plan(w);
}

static inline void pair_diff(struct pair *p, const char *from, const char *to) {
    pair_build(p->from, DIFF_PLUGIN, 'a', from);
    pair_build(p->to, DIFF_PLUGIN, 'a', to);
    assert_int_equal(diff_create(p->from->plan, p->to->plan, &p->diff, NULL), 0);
}

/* An operation a line, "kind line:column sentence", its changes below it; "!": takes a restart. */
static inline void pair_text(const struct diff *diff, struct str *out) {
    for (size_t i = 0; i < diff->op_count; i++) {
        const struct diff_op *op = &diff->ops[i];
        str_addf(out, "%s%s %u:%u %s\n", op->is_live ? "" : "!", diff_kind_text(op->kind),
                 op->mark.line, op->mark.column, op->text);
        for (size_t c = 0; c < op->change_count; c++) {
            const struct diff_change *change = &op->changes[c];
            str_addf(out, "  %s%s: %s => %s\n", change->needs_restart ? "!" : "", change->what,
                     change->from ? change->from : "-", change->to ? change->to : "-");
        }
    }
}

static inline void pair_assert(const struct pair *p, const char *expected) {
    struct str text;
    str_init(&text);
    pair_text(p->diff, &text);
    assert_string_equal(str_text(&text), expected);
    str_fini(&text);
}
