/* Who starts after whom, who is fed by whom: the plan turned around. */
#include <stddef.h>

#include "base/alloc.h"
#include "supervise/supervisor_impl.h"

int sup_list_add(struct sup_list *list, uint32_t item) {
    if (list->count == list->room) {
        uint32_t room = list->room ? list->room * 2 : 4;
        uint32_t *items = mem_resize(list->items, room * sizeof *items);
        if (!items) {
            return -1;
        }
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = item;
    return 0;
}

static int add_afters(struct supervisor *sup) {
    for (uint32_t i = 0; i < sup->count; i++) {
        const struct plan_actor *actor = sup->actors[i]->plan;
        for (size_t a = 0; a < actor->after_count; a++) {
            if (sup_list_add(&sup->actors[actor->after[a]]->starts, i) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int add_members(struct supervisor *sup) {
    for (uint32_t i = 0; i < sup->count; i++) {
        const struct plan_actor *actor = sup->actors[i]->plan;
        sup->actors[i]->cycle = actor->cycle;
        if (actor->is_group) {
            continue; /* a group ends when its members have */
        }
        struct sup_cycle *cycle = &sup->cycles[actor->cycle];
        cycle->is_cycle |= actor->in_cycle;
        cycle->stay |= actor->spec->when_inputs_end == INPUTS_END_STAY;
        if (sup_list_add(&cycle->members, i) < 0) {
            return -1;
        }
    }
    return 0;
}

static bool feeds_already(const struct sup_actor *actor, uint32_t cycle) {
    for (uint32_t i = 0; i < actor->feeds.count; i++) {
        if (actor->feeds.items[i] == cycle) {
            return true;
        }
    }
    return false;
}

static int add_feeds(struct supervisor *sup) {
    for (size_t w = 0; w < sup->plan->wire_count; w++) {
        const struct plan_wire *wire = &sup->plan->wires[w];
        struct sup_actor *from = sup->actors[wire->from];
        for (size_t t = 0; t < wire->to_count; t++) {
            uint32_t cycle = sup->actors[wire->to[t]]->cycle;
            if (cycle == from->cycle || feeds_already(from, cycle)) {
                continue;
            }
            if (sup_list_add(&from->feeds, cycle) < 0) {
                return -1;
            }
            sup->cycles[cycle].open_inputs++;
            sup->cycles[cycle].has_inputs = true;
        }
    }
    return 0;
}

static int make_actors(struct supervisor *sup) {
    size_t room = sup->count ? sup->count : 1;
    sup->planned = mem_array(room, sizeof *sup->planned);
    sup->actors = mem_array(room, sizeof *sup->actors);
    for (uint32_t i = 0; sup->planned && sup->actors && i < sup->count; i++) {
        sup->actors[i] = &sup->planned[i];
        sup->planned[i].sup = sup;
        sup->planned[i].at = i;
        sup->planned[i].plan = &sup->plan->actors[i];
        sup->planned[i].parent = sup->plan->actors[i].parent;
        sup->planned[i].after = sup->plan->actors[i].after;
        sup->planned[i].after_count = sup->plan->actors[i].after_count;
    }
    return sup->planned && sup->actors ? 0 : -1;
}

int sup_graph_build(struct supervisor *sup) {
    for (uint32_t i = 0; i < sup->count; i++) {
        uint32_t cycle = sup->plan->actors[i].cycle;
        sup->cycle_count = cycle >= sup->cycle_count ? cycle + 1 : sup->cycle_count;
    }
    sup->cycles = mem_array(sup->cycle_count ? sup->cycle_count : 1, sizeof *sup->cycles);
    if (make_actors(sup) < 0 || !sup->cycles || add_afters(sup) < 0 || add_members(sup) < 0 ||
        add_feeds(sup) < 0) {
        return -1;
    }
    return 0;
}

/* Room first, so that there is nothing to take back. */
int sup_graph_add(struct supervisor *sup, struct sup_actor *actor, const uint32_t *targets,
                  size_t target_count) {
    struct sup_actor **actors =
        mem_resize((void *)sup->actors, ((size_t)sup->count + 1) * sizeof *actors);
    sup->actors = actors ? actors : sup->actors;
    struct sup_cycle *cycles =
        mem_resize(sup->cycles, ((size_t)sup->cycle_count + 1) * sizeof *cycles);
    sup->cycles = cycles ? cycles : sup->cycles;
    struct sup_cycle own = {.is_cycle = actor->plan->in_cycle, /* wired to itself */
                            .stay = actor->plan->spec->when_inputs_end == INPUTS_END_STAY};
    if (!actors || !cycles || sup_list_add(&own.members, sup->count) < 0) {
        return -1;
    }
    for (size_t i = 0; i < target_count; i++) {
        uint32_t cycle = actors[targets[i]]->cycle;
        if (sup_list_add(&actor->aims, targets[i]) < 0 ||
            (!feeds_already(actor, cycle) && sup_list_add(&actor->feeds, cycle) < 0)) {
            mem_free(own.members.items);
            return -1;
        }
    }
    for (uint32_t i = 0; i < actor->feeds.count; i++) {
        sup_feed_locked(sup, &cycles[actor->feeds.items[i]]);
    }
    actor->sup = sup;
    actor->at = sup->count;
    actor->parent = PLAN_NONE;
    actor->by_hand = true;
    actor->cycle = sup->cycle_count;
    actors[sup->count++] = actor;
    cycles[sup->cycle_count++] = own;
    return 0;
}

void sup_actor_free_parts(struct sup_actor *actor) {
    if (actor->has_own_after) {
        mem_free((void *)(uintptr_t)actor->after);
    }
    mem_free(actor->end);
    mem_free(actor->aims.items);
    mem_free(actor->starts.items);
    mem_free(actor->feeds.items);
}

void sup_graph_free(struct supervisor *sup) {
    for (uint32_t i = 0; sup->actors && sup->planned && i < sup->count; i++) {
        sup_actor_free_parts(sup->actors[i]);
        if (i >= sup->plan->actor_count) {
            mem_free(sup->actors[i]);
        }
    }
    for (uint32_t i = 0; sup->cycles && i < sup->cycle_count; i++) {
        mem_free(sup->cycles[i].members.items);
    }
    mem_free((void *)sup->actors);
    mem_free(sup->planned);
    mem_free(sup->cycles);
}
