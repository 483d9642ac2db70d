/* Plugin files that are others now. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "plan/diff_impl.h"

/* The plugin that the type came from before; PLAN_NONE: no actor was of it. */
static uint32_t plugin_before(const struct plan *plan, const char *id) {
    for (size_t i = 0; i < plan->type_count; i++) {
        if (strcmp(plan->types[i].note->id, id) == 0) {
            return plan->types[i].plugin;
        }
    }
    return PLAN_NONE;
}

static const struct catalog_file *file_of(const struct plan *plan, uint32_t plugin) {
    return plan->plugins[plugin].file;
}

/* Whether the type `at` of the new plan is code of other bytes than it was. */
static bool is_other(const struct differ *d, size_t at, uint32_t *ret_before) {
    const struct plan_type *type = &d->to.plan->types[at];
    *ret_before = plugin_before(d->from.plan, type->note->id);
    return *ret_before != PLAN_NONE &&
           strcmp(image_sha256(file_of(d->from.plan, *ret_before)->image),
                  image_sha256(file_of(d->to.plan, type->plugin)->image)) != 0;
}

/* The first actor of the type, as a place to point at. */
static struct mark type_mark(const struct plan *plan, size_t type) {
    for (size_t i = 0; i < plan->actor_count; i++) {
        if (plan->actors[i].type == type) {
            return plan->actors[i].spec->type.mark;
        }
    }
    return (struct mark){0};
}

static int say(struct differ *d, struct diff_op *op, size_t actors) {
    const char *path = file_of(d->to.plan, op->plugin_to)->path;
    const char *before = file_of(d->from.plan, op->plugin_from)->path;
    bool is_moved = strcmp(path, before) != 0;
    op->path = path;
    op->text = diff_text(d, "reload '%s'%s%s%s: %zu actor type%s of %zu actor%s", path,
                         is_moved ? " in place of '" : "", is_moved ? before : "",
                         is_moved ? "'" : "", op->change_count, op->change_count == 1 ? "" : "s",
                         actors, actors == 1 ? "" : "s");
    return op->text ? 0 : diff_no_memory(d);
}

static int add_type(struct differ *d, struct diff_op *op, size_t type) {
    const struct plan *plan = d->to.plan;
    const struct mark mark = type_mark(plan, type);
    const struct diff_change change = {
        .what = plan->types[type].note->id,
        .from = image_sha256(file_of(d->from.plan, op->plugin_from)->image),
        .to = image_sha256(file_of(plan, op->plugin_to)->image),
        .mark = mark};
    op->mark = op->mark.line ? op->mark : mark;
    return diff_add_change(d, op, &change);
}

/* All types that one file has instead of one other. */
static int add_file(struct differ *d, uint32_t before, uint32_t plugin, const size_t *actors_of) {
    struct diff_op *op = diff_add_op(d, DIFF_RELOAD);
    size_t actors = 0;
    uint32_t was;
    if (!op) {
        return -1;
    }
    op->plugin_from = before;
    op->plugin_to = plugin;
    for (size_t i = 0; i < d->to.plan->type_count; i++) {
        if (d->to.plan->types[i].plugin == plugin && is_other(d, i, &was) && was == before) {
            actors += actors_of[i];
            if (add_type(d, op, i) < 0) {
                return -1;
            }
        }
    }
    return say(d, op, actors);
}

static bool is_listed(const struct diff *diff, uint32_t before, uint32_t plugin) {
    for (size_t i = 0; i < diff->op_count; i++) {
        const struct diff_op *op = &diff->ops[i];
        if (op->kind == DIFF_RELOAD && op->plugin_from == before && op->plugin_to == plugin) {
            return true;
        }
    }
    return false;
}

int diff_plugins(struct differ *d) {
    const struct plan *plan = d->to.plan;
    size_t *actors_of = arena_array(&d->scratch, plan->type_count + 1, sizeof *actors_of);
    uint32_t before;
    if (!actors_of) {
        return diff_no_memory(d);
    }
    for (size_t i = 0; i < plan->actor_count; i++) {
        if (plan->actors[i].type != PLAN_NONE) {
            actors_of[plan->actors[i].type]++;
        }
    }
    for (size_t i = 0; i < plan->type_count; i++) {
        uint32_t plugin = plan->types[i].plugin;
        if (is_other(d, i, &before) && !is_listed(d->diff, before, plugin) &&
            add_file(d, before, plugin, actors_of) < 0) {
            return -1;
        }
    }
    return 0;
}
