/* Units and links spread out: the plan's actors, one per replica, and its wires, one per sender. */
#include "plan/build.h"

/* What the replicas of a unit share. */
struct shared {
    const struct msg_type **row_types;
    uint32_t *after;
    size_t after_count;
};

/* Numbers for components and cycles, dense and in order of appearance. */
struct numbers {
    uint32_t *components; /* per unit that is first in its set: number + 1 */
    uint32_t *cycles;
    uint32_t component_count;
    uint32_t cycle_count;
};

static int share_types(struct build *b, const struct unit *unit, struct shared *ret) {
    const struct plan_type *type = &b->plan->types[unit->type];
    bool own = false;
    for (size_t i = 0; i < type->note->row_count; i++) {
        uint32_t kind = type->note->rows[i].kind;
        own |= kind == TROUPE_ROW_any || kind == TROUPE_ROW_as;
    }
    ret->row_types = type->row_types;
    if (!own) {
        return 0;
    }
    ret->row_types =
        arena_array(&b->plan->impl->memory, type->note->row_count, sizeof *ret->row_types);
    if (!ret->row_types) {
        return build_no_memory(b);
    }
    for (size_t i = 0; i < type->note->row_count; i++) {
        uint32_t kind = type->note->rows[i].kind;
        bool by_wires = kind == TROUPE_ROW_any || kind == TROUPE_ROW_as;
        ret->row_types[i] = by_wires ? unit->ports[i].type : type->row_types[i];
    }
    return 0;
}

/* `after` of a unit as actors: all of a pool, all of a group and below. */
static int share_after(struct build *b, const struct unit *unit, struct shared *ret) {
    size_t count = 0;
    for (size_t i = 0; i < unit->after_count; i++) {
        const struct unit *after = &b->units[unit->after[i].unit];
        const struct unit *last = &b->units[after->end - 1];
        count += last->first + last->count - after->first;
    }
    ret->after_count = 0;
    ret->after = arena_array(&b->plan->impl->memory, count, sizeof *ret->after);
    if (!ret->after) {
        return build_no_memory(b);
    }
    for (size_t i = 0; i < unit->after_count; i++) {
        const struct unit *after = &b->units[unit->after[i].unit];
        const struct unit *last = &b->units[after->end - 1];
        for (uint32_t a = after->first; a < last->first + last->count; a++) {
            ret->after[ret->after_count++] = a;
        }
    }
    return 0;
}

/* Replicas without what joins them count for themselves. */
static uint32_t number(uint32_t *numbers, uint32_t set, bool joined, uint32_t *count) {
    if (!joined) {
        return (*count)++;
    }
    if (!numbers[set]) {
        numbers[set] = ++*count;
    }
    return numbers[set] - 1;
}

static int fill_actor(struct build *b, const struct unit *unit, uint32_t replica,
                      const struct shared *shared, struct numbers *numbers) {
    const struct manifest_actor *spec = unit->spec;
    struct plan_actor *actor = &b->plan->actors[unit->first + replica];
    actor->path = spec->replicas ? build_text(&b->plan->impl->memory, "%s.%u", unit->path, replica)
                                 : unit->path;
    if (!actor->path) {
        return build_no_memory(b);
    }
    actor->name = actor->path;
    actor->mark = spec->mark;
    actor->parent = unit->parent == PLAN_NONE ? PLAN_NONE : b->units[unit->parent].first;
    actor->pid = unit->parent == PLAN_NONE ? 0 : unit->pid + replica;
    actor->is_group = spec->is_group;
    actor->type = unit->type;
    actor->spec = spec;
    actor->own_thread = spec->own_thread;
    if (!spec->thread_given && unit->type != PLAN_NONE) {
        actor->own_thread = b->plan->types[unit->type].note->own_thread;
    }
    actor->config = unit->config ? config_ref(unit->config) : NULL;
    actor->row_overflow = unit->row_overflow;
    actor->row_types = shared->row_types;
    actor->wired_inputs = unit->wired_inputs;
    actor->component =
        number(numbers->components, unit->component, unit->is_wired, &numbers->component_count);
    actor->cycle = number(numbers->cycles, unit->cycle, unit->in_cycle, &numbers->cycle_count);
    actor->in_cycle = unit->in_cycle;
    actor->after = shared->after;
    actor->after_count = shared->after_count;
    actor->index_in_pool = spec->replicas ? replica : PLAN_NONE;
    uintptr_t at = (uintptr_t)unit->first + replica + 1;
    return map_set(&b->plan->impl->actor_index, actor->path, (void *)at) < 0 ? build_no_memory(b)
                                                                             : 0;
}

static int spread_unit(struct build *b, const struct unit *unit, struct numbers *numbers) {
    struct shared shared = {.row_types = NULL};
    if (share_after(b, unit, &shared) < 0 ||
        (unit->type != PLAN_NONE && share_types(b, unit, &shared) < 0)) {
        return -1;
    }
    for (uint32_t i = 0; i < unit->count; i++) {
        if (fill_actor(b, unit, i, &shared, numbers) < 0) {
            return -1;
        }
    }
    return 0;
}

static int spread_units(struct build *b) {
    struct plan *plan = b->plan;
    struct numbers numbers = {.components = NULL};
    numbers.components = arena_array(&b->scratch, b->unit_count, sizeof *numbers.components);
    numbers.cycles = arena_array(&b->scratch, b->unit_count, sizeof *numbers.cycles);
    plan->actors = arena_array(&plan->impl->memory, (size_t)b->actor_count, sizeof *plan->actors);
    if (!numbers.components || !numbers.cycles || !plan->actors) {
        return build_no_memory(b);
    }
    plan->actor_count = (size_t)b->actor_count;
    for (size_t i = 0; i < b->unit_count; i++) {
        if (spread_unit(b, &b->units[i], &numbers) < 0) {
            return -1;
        }
    }
    return 0;
}

static int list_actors(struct build *b, struct unit *unit) {
    if (unit->actors) {
        return 0;
    }
    unit->actors = arena_array(&b->plan->impl->memory, unit->count, sizeof *unit->actors);
    if (!unit->actors) {
        return build_no_memory(b);
    }
    for (uint32_t i = 0; i < unit->count; i++) {
        unit->actors[i] = unit->first + i;
    }
    return 0;
}

static int spread_link(struct build *b, const struct link *link) {
    struct unit *to = &b->units[link->to];
    const struct unit *from = &b->units[link->from];
    if (list_actors(b, to) < 0) {
        return -1;
    }
    for (uint32_t i = 0; i < from->count; i++) {
        b->plan->wires[b->plan->wire_count++] = (struct plan_wire){
            .from = from->first + i,
            .from_row = link->from_row,
            .to = to->actors,
            .to_count = to->count,
            .to_row = link->to_row,
            .route = link->spec->has_route ? link->spec->route : ROUTE_DIRECT,
            .key = link->key,
            .key_name = link->key ? link->spec->key.text : NULL,
            .key_mark = link->spec->key.mark,
            .type = from->ports[link->from_row].type,
            .mark = link->spec->mark,
        };
    }
    return 0;
}

static int spread_links(struct build *b) {
    size_t count = 0;
    for (size_t i = 0; i < b->link_count; i++) {
        count += b->units[b->links[i].from].count;
    }
    b->plan->wires = arena_array(&b->plan->impl->memory, count, sizeof *b->plan->wires);
    if (!b->plan->wires) {
        return build_no_memory(b);
    }
    for (size_t i = 0; i < b->link_count; i++) {
        if (spread_link(b, &b->links[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

static int spread_order(struct build *b) {
    struct plan *plan = b->plan;
    plan->init_order =
        arena_array(&plan->impl->memory, plan->actor_count, sizeof *plan->init_order);
    if (!plan->init_order) {
        return build_no_memory(b);
    }
    size_t count = 0;
    for (size_t i = 0; i < b->unit_count; i++) {
        const struct unit *unit = &b->units[b->unit_order[i]];
        for (uint32_t k = 0; k < unit->count; k++) {
            plan->init_order[count++] = unit->first + k;
        }
    }
    return 0;
}

int build_spread(struct build *b) {
    return spread_units(b) < 0 || spread_links(b) < 0 ? -1 : spread_order(b);
}
