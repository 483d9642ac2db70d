/* What changes in an actor that both plans have, and in the proc. */
#include <string.h>

#include <troupe/plugin.h>

#include "base/str.h"
#include "plan/diff_impl.h"

static bool starts(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

/* --- what has a meaning of its own, or none for what runs --- */

static bool skips_unit(const char *key) {
    return strcmp(key, "type") == 0 || strcmp(key, "replicas") == 0 || strcmp(key, "thread") == 0 ||
           starts(key, "config.");
}

static bool skips_proc(const char *key) {
    return starts(key, "plugins.");
}

/* Where it stands among the others, and how it keeps its state, is settled when it is made. */
static bool takes_proc(const char *what) {
    return strcmp(what, "order") == 0 || strcmp(what, "after") == 0 || starts(what, "checkpoint.");
}

/* A mailbox is as large as it was made. */
static bool unit_needs_restart(const char *key) {
    return starts(key, "mailbox.");
}

static bool proc_needs_restart(const char *key) {
    static const char *const live[] = {"stop.", "supervision.", "reload."};
    for (size_t i = 0; i < sizeof live / sizeof *live; i++) {
        if (starts(key, live[i])) {
            return false;
        }
    }
    return true;
}

/* --- sentences --- */

const char *diff_name(struct differ *d, const struct plan *plan, uint32_t first, uint32_t count) {
    const char *path = plan->actors[first].path;
    const char *last = count > 1 ? strrchr(plan->actors[first + count - 1].path, '.') : NULL;
    return last ? diff_text(d, "'%s' to '%s'", path, last) : diff_text(d, "'%s'", path);
}

static void add_whats(const struct diff_op *op, bool for_restart, struct str *out) {
    bool is_first = true;
    for (size_t i = 0; i < op->change_count; i++) {
        if (!for_restart || op->changes[i].needs_restart) {
            str_addf(out, "%s%s", is_first ? "" : ", ", op->changes[i].what);
            is_first = false;
        }
    }
}

/* `before`, then what changes. */
static int say(struct differ *d, struct diff_op *op, const char *before, bool for_restart) {
    struct str whats;
    str_init(&whats);
    add_whats(op, for_restart, &whats);
    op->text = whats.failed ? NULL : diff_text(d, "%s: %s", before, str_text(&whats));
    str_fini(&whats);
    return op->text ? 0 : diff_no_memory(d);
}

/* --- one actor, pool or group --- */

static const struct note_actor *note_of(const struct plan *plan, const struct plan_actor *actor) {
    return actor->type == PLAN_NONE ? NULL : plan->types[actor->type].note;
}

/* How an actor of this type gets other settings while it lives; NULL: it can't. */
static const char *way_to_reconfigure(const struct note_actor *note) {
    if (note_has_row(note, TROUPE_ROW_reconfigure)) {
        return " by its 'reconfigure'";
    }
    return note->state_version ? " through its saved state" : NULL;
}

static int compare_nature(struct differ *d, const struct plan_actor *from,
                          const struct plan_actor *to, struct diff_op *op) {
    const struct note_actor *old = note_of(d->from.plan, from);
    const struct note_actor *new = note_of(d->to.plan, to);
    const struct diff_change type = {.what = "type",
                                     .from = old ? old->id : "",
                                     .to = new ? new->id : "",
                                     .mark = to->spec->type.mark,
                                     .needs_restart = true};
    const struct diff_change thread = {.what = "thread",
                                       .from = from->own_thread ? "own" : "pool",
                                       .to = to->own_thread ? "own" : "pool",
                                       .mark = to->mark,
                                       .needs_restart = true};
    if (old && strcmp(old->id, new->id) != 0 && diff_add_change(d, op, &type) < 0) {
        return -1;
    }
    return from->own_thread != to->own_thread ? diff_add_change(d, op, &thread) : 0;
}

/* Whether its restarts are counted alone (SV-5) is no key, but whether one was given. */
static int compare_counting(struct differ *d, const struct plan_actor *from,
                            const struct plan_actor *to, struct diff_op *op) {
    static const char *const texts[] = {"with its supervisor's", "alone"};
    const struct diff_change change = {.what = "restart.intensity is counted",
                                       .from = texts[from->spec->restart.own],
                                       .to = texts[to->spec->restart.own],
                                       .mark = to->mark};
    return from->spec->restart.own != to->spec->restart.own ? diff_add_change(d, op, &change) : 0;
}

static void add_members(const struct diff_side *side, uint32_t parent, struct str *out) {
    for (uint32_t i = 0; i < side->unit_count; i++) {
        const struct plan_actor *actor = &side->plan->actors[side->units[i].first];
        if (actor->parent == parent) {
            str_addf(out, "%s%s", out->size ? ", " : "", actor->spec->name);
        }
    }
}

/* Order is what rest_for_one and starting go by. */
static int add_order(struct differ *d, uint32_t old_parent, uint32_t new_parent, struct mark mark,
                     struct diff_op *op) {
    struct str texts[2];
    str_init(&texts[0]);
    str_init(&texts[1]);
    add_members(&d->from, old_parent, &texts[0]);
    add_members(&d->to, new_parent, &texts[1]);
    const struct diff_change change = {.what = "order",
                                       .from = str_text(&texts[0]),
                                       .to = str_text(&texts[1]),
                                       .mark = mark,
                                       .needs_restart = old_parent == PLAN_NONE};
    int status =
        texts[0].failed || texts[1].failed ? diff_no_memory(d) : diff_add_change(d, op, &change);
    str_fini(&texts[0]);
    str_fini(&texts[1]);
    return status;
}

static int compare_policies(struct differ *d, const struct diff_unit *from,
                            const struct diff_unit *to, struct diff_op *op) {
    const struct plan_actor *old = &d->from.plan->actors[from->first];
    const struct plan_actor *new = &d->to.plan->actors[to->first];
    if (compare_nature(d, old, new, op) < 0 ||
        diff_compare(d, &from->values, &to->values, skips_unit, unit_needs_restart, op) < 0 ||
        compare_counting(d, old, new, op) < 0) {
        return -1;
    }
    return to->is_reordered ? add_order(d, from->first, to->first, new->mark, op) : 0;
}

static bool needs_restart(const struct diff_op *op) {
    for (size_t i = 0; i < op->change_count; i++) {
        if (op->changes[i].needs_restart) {
            return true;
        }
    }
    return false;
}

static struct mark first_mark(const struct diff_op *op, struct mark otherwise) {
    for (size_t i = 0; i < op->change_count; i++) {
        if (op->changes[i].mark.line) {
            return op->changes[i].mark;
        }
    }
    return otherwise;
}

/* What `found` is, as an operation: nothing when it is nothing. */
static int finish(struct differ *d, enum diff_kind kind, const struct diff_unit *from,
                  const struct diff_unit *to, const struct diff_op *found, const char *verb,
                  const char *way) {
    const struct plan *plan = d->to.plan;
    uint32_t count = from->count < to->count ? from->count : to->count;
    if (!found->change_count) {
        return 0;
    }
    struct diff_op *op = diff_add_op(d, kind);
    const char *name = diff_name(d, plan, to->first, count);
    if (!op || !name) {
        return diff_no_memory(d);
    }
    op->from = from->first;
    op->to = to->first;
    op->count = count;
    op->path = plan->actors[to->first].path;
    op->changes = found->changes;
    op->change_count = found->change_count;
    op->mark = first_mark(op, plan->actors[to->first].mark);
    const char *before = diff_text(d, "%s %s%s", verb, name, way);
    return before ? say(d, op, before, kind == DIFF_RESTART) : diff_no_memory(d);
}

/* A type that takes no other settings while it lives. */
static void mark_config(struct diff_op *op) {
    for (size_t i = 0; i < op->change_count; i++) {
        op->changes[i].needs_restart = true;
    }
}

static int finish_policy(struct differ *d, const struct diff_unit *from, const struct diff_unit *to,
                         const struct diff_op *found) {
    static const char *const ways[] = {" in another way",
                                       " in another way, which takes a restart of the proc"};
    bool is_live = true;
    for (size_t i = 0; i < found->change_count; i++) {
        is_live &= !takes_proc(found->changes[i].what);
    }
    if (finish(d, DIFF_POLICY, from, to, found, "run", ways[!is_live]) < 0) {
        return -1;
    }
    if (found->change_count) {
        d->diff->ops[d->diff->op_count - 1].is_live = is_live;
    }
    return 0;
}

/* Settings alone it takes in the same slot. */
static int finish_restart(struct differ *d, const struct diff_unit *from,
                          const struct diff_unit *to, const struct diff_op *found,
                          const char *way) {
    bool is_live = true;
    for (size_t i = 0; i < found->change_count; i++) {
        const struct diff_change *change = &found->changes[i];
        is_live &= !takes_proc(change->what) &&
                   (!change->needs_restart || starts(change->what, "config."));
    }
    if (finish(d, DIFF_RESTART, from, to, found, "restart", way) < 0) {
        return -1;
    }
    d->diff->ops[d->diff->op_count - 1].is_live = is_live;
    return 0;
}

int diff_unit(struct differ *d, const struct diff_unit *from, const struct diff_unit *to) {
    const struct plan_actor *old = &d->from.plan->actors[from->first];
    const struct plan_actor *new = &d->to.plan->actors[to->first];
    struct diff_op config = {.kind = DIFF_RECONFIGURE};
    struct diff_op policy = {.kind = DIFF_POLICY};
    const char *way = new->is_group ? "" : way_to_reconfigure(note_of(d->to.plan, new));
    if (compare_policies(d, from, to, &policy) < 0 || diff_config(d, old, new, &config) < 0) {
        return -1;
    }
    if (!way) {
        mark_config(&config);
    }
    way = config.change_count ? way : "";
    if (!needs_restart(&policy) && !needs_restart(&config)) {
        return finish(d, DIFF_RECONFIGURE, from, to, &config, "reconfigure", way) < 0
                   ? -1
                   : finish_policy(d, from, to, &policy);
    }
    for (size_t i = 0; i < config.change_count; i++) {
        if (diff_add_change(d, &policy, &config.changes[i]) < 0) {
            return -1;
        }
    }
    return finish_restart(d, from, to, &policy,
                          way ? "" : ", which takes settings only when it starts");
}

/* --- the proc --- */

/* What spawned actors get. */
static int compare_children(struct differ *d, struct diff_op *op) {
    const struct manifest *from = d->from.plan->manifest;
    const struct manifest *to = d->to.plan->manifest;
    if (from->child_capacity == to->child_capacity) {
        return 0;
    }
    struct diff_change change = {.what = "defaults.mailbox.capacity",
                                 .from = diff_text(d, "%u", from->child_capacity),
                                 .to = diff_text(d, "%u", to->child_capacity),
                                 .mark = to->proc_mark,
                                 .needs_restart = true};
    return change.from && change.to ? diff_add_change(d, op, &change) : diff_no_memory(d);
}

static int add_proc(struct differ *d, const struct diff_op *found, bool for_restart) {
    struct diff_op some = {.kind = DIFF_PROC};
    for (size_t i = 0; i < found->change_count; i++) {
        if (found->changes[i].needs_restart == for_restart &&
            diff_add_change(d, &some, &found->changes[i]) < 0) {
            return -1;
        }
    }
    if (!some.change_count) {
        return 0;
    }
    struct diff_op *op = diff_add_op(d, for_restart ? DIFF_PROC : DIFF_POLICY);
    if (!op) {
        return -1;
    }
    op->changes = some.changes;
    op->change_count = some.change_count;
    op->mark = first_mark(op, d->to.plan->manifest->proc_mark);
    return say(d, op, for_restart ? "restart the proc" : "run the proc in another way", false);
}

int diff_proc(struct differ *d) {
    struct diff_op found = {.kind = DIFF_PROC};
    struct mark mark = d->to.plan->manifest->proc_mark;
    if (diff_compare(d, &d->from.values, &d->to.values, skips_proc, proc_needs_restart, &found) <
            0 ||
        compare_children(d, &found) < 0 ||
        (d->to.is_reordered && add_order(d, PLAN_NONE, PLAN_NONE, mark, &found) < 0)) {
        return -1;
    }
    return add_proc(d, &found, true) < 0 ? -1 : add_proc(d, &found, false);
}
