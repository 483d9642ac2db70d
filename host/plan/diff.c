/* The difference of two plans, in order. */
#include "plan/diff.h"

#include "base/alloc.h"
#include "plan/diff_impl.h"

const char *diff_kind_text(enum diff_kind kind) {
    static const char *const texts[] = {
#define DIFF_KIND_TEXT(name, text) [DIFF_##name] = text,
        DIFF_KINDS(DIFF_KIND_TEXT)
#undef DIFF_KIND_TEXT
    };
    return texts[kind];
}

size_t diff_count(const struct diff *diff, enum diff_kind kind) {
    size_t count = 0;
    for (size_t i = 0; i < diff->op_count; i++) {
        count += diff->ops[i].kind == kind;
    }
    return count;
}

bool diff_is_live(const struct diff *diff) {
    for (size_t i = 0; i < diff->op_count; i++) {
        if (!diff->ops[i].is_live) {
            return false;
        }
    }
    return true;
}

/* --- what is in both --- */

/* Whether the members that both have stand in another order now. */
static int find_order(struct differ *d) {
    uint32_t *last = arena_array(&d->scratch, d->to.unit_count + 1u, sizeof *last);
    if (!last) {
        return diff_no_memory(d);
    }
    for (uint32_t i = 0; i < d->to.unit_count; i++) {
        const struct diff_unit *unit = &d->to.units[i];
        const struct diff_unit *same = diff_same(&d->to, unit, &d->from);
        uint32_t parent = d->to.plan->actors[unit->first].parent;
        uint32_t group = parent == PLAN_NONE ? d->to.unit_count : d->to.unit_of[parent];
        if (!same) {
            continue;
        }
        if (same->first < last[group]) {
            *(parent == PLAN_NONE ? &d->to.is_reordered : &d->to.units[group].is_reordered) = true;
        }
        last[group] = same->first;
    }
    return 0;
}

static int compare_units(struct differ *d) {
    for (uint32_t i = 0; i < d->to.unit_count; i++) {
        const struct diff_unit *to = &d->to.units[i];
        const struct diff_unit *from = diff_same(&d->to, to, &d->from);
        if (from && (diff_unit(d, from, to) < 0 || diff_wires(d, from, to) < 0)) {
            return -1;
        }
    }
    return 0;
}

/* --- what is new --- */

static int add_new(struct differ *d, const struct diff_unit *unit, uint32_t first) {
    const struct plan *plan = d->to.plan;
    const struct plan_actor *actor = &plan->actors[first];
    uint32_t count = unit->first + unit->count - first;
    struct diff_op *op = diff_add_op(d, DIFF_ADD);
    const char *name = diff_name(d, plan, first, count);
    if (!op || !name) {
        return diff_no_memory(d);
    }
    op->to = first;
    op->count = count;
    op->path = actor->path;
    op->mark = actor->mark;
    op->is_live = plan_find_actor(d->from.plan, actor->path) == PLAN_NONE;
    const char *once = op->is_live ? "" : ", once the other of that name is gone";
    op->text = actor->is_group
                   ? diff_text(d, "add the group %s%s", name, once)
                   : diff_text(d, "add %s, %s%s%s", name, count > 1 ? "each of type " : "of type ",
                               plan->types[actor->type].note->id, once);
    return op->text ? diff_new_wires(d, unit, op) : diff_no_memory(d);
}

/* In the order in which they start. */
static int add_all_new(struct differ *d) {
    const struct plan *plan = d->to.plan;
    for (size_t i = 0; i < plan->actor_count; i++) {
        uint32_t at = plan->init_order[i];
        const struct diff_unit *unit = &d->to.units[d->to.unit_of[at]];
        const struct diff_unit *same = diff_same(&d->to, unit, &d->from);
        uint32_t first = unit->first + (same ? same->count : 0);
        if (at == first && add_new(d, unit, first) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- the whole --- */

/* By kind; operations of a kind stay as they are. */
static int sort(struct differ *d) {
    struct diff *diff = d->diff;
    struct diff_op *sorted = arena_array(d->memory, diff->op_count + 1, sizeof *sorted);
    size_t count = 0;
    if (!sorted) {
        return diff_no_memory(d);
    }
    for (int kind = 0; kind < DIFF_KIND_COUNT; kind++) {
        for (size_t i = 0; i < diff->op_count; i++) {
            if (diff->ops[i].kind == (enum diff_kind)kind) {
                sorted[count++] = diff->ops[i];
            }
        }
    }
    diff->ops = sorted;
    return 0;
}

static int compare(struct differ *d, const struct plan *from, const struct plan *to) {
    if (diff_side_init(d, &d->from, from) < 0 || diff_side_init(d, &d->to, to) < 0 ||
        find_order(d) < 0 || diff_proc(d) < 0 || diff_plugins(d) < 0 || compare_units(d) < 0 ||
        add_all_new(d) < 0 || diff_gone(d) < 0) {
        return -1;
    }
    return sort(d);
}

int diff_create(const struct plan *from, const struct plan *to, struct diff **ret,
                struct err *err) {
    struct diff *diff = mem_alloc(sizeof *diff);
    struct diff_impl *impl = mem_alloc(sizeof *impl);
    struct differ d = {.diff = diff, .err = err};
    if (!diff || !impl) {
        mem_free(diff);
        mem_free(impl);
        return diff_no_memory(&d);
    }
    arena_init(&impl->memory);
    arena_init(&d.scratch);
    map_init(&d.from.index);
    map_init(&d.to.index);
    diff->impl = impl;
    d.memory = &impl->memory;
    int status = compare(&d, from, to);
    diff_side_fini(&d.from);
    diff_side_fini(&d.to);
    arena_fini(&d.scratch);
    if (status < 0) {
        diff_destroy(diff);
        return -1;
    }
    *ret = diff;
    return 0;
}

void diff_destroy(struct diff *diff) {
    if (!diff) {
        return;
    }
    arena_fini(&diff->impl->memory);
    mem_free(diff->impl);
    mem_free(diff);
}
