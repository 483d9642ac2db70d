/* Ending in the order of the wires (DR-1, DR-3). */
#include <stddef.h>

#include "supervise/supervisor_impl.h"

/* Ticks between two looks at a cycle that stays busy, at most. */
#define LOOK_EVERY_MAX 63u

static void signal_members(struct supervisor *sup, const struct sup_cycle *cycle,
                           unsigned signals) {
    for (uint32_t i = 0; i < cycle->members.count; i++) {
        uint32_t member = cycle->members.items[i];
        if (!sup->actors[member]->closed) {
            inst_signal(proc_actor(sup->proc, member), signals);
        }
    }
}

static void drain(struct supervisor *sup, struct sup_cycle *cycle, unsigned more_signals) {
    if (!cycle->ended) {
        cycle->ended = true;
        sup->watching -= cycle->watched;
        signal_members(sup, cycle, SIGNAL_DRAIN | more_signals);
    }
}

static void watch(struct supervisor *sup, struct sup_cycle *cycle, bool alive,
                  unsigned more_signals) {
    sup->watching += !cycle->watched && !cycle->ended;
    cycle->watched = true;
    cycle->look_in = 0;
    cycle->look_every = 0;
    cycle->alive = alive;
    signal_members(sup, cycle, SIGNAL_WATCH | (alive ? SIGNAL_ALIVE : 0) | more_signals);
}

void sup_feed_locked(struct supervisor *sup, struct sup_cycle *cycle) {
    cycle->open_inputs++;
    cycle->has_inputs = true;
    if (cycle->watched && !cycle->ended) {
        cycle->watched = false;
        sup->watching--;
    }
}

/* Nothing comes in from outside any more. */
static void inputs_ended(struct supervisor *sup, struct sup_cycle *cycle) {
    bool may_be_none = cycle->is_cycle && sup->between;
    if ((cycle->stay || may_be_none) && !sup->stopping && !cycle->leaving) {
        return;
    }
    if (!cycle->is_cycle) {
        drain(sup, cycle, SIGNAL_INPUTS_ENDED);
        return;
    }
    watch(sup, cycle, false, sup->stopping || cycle->leaving ? SIGNAL_QUIET : 0);
}

void sup_closed_locked(struct supervisor *sup, uint32_t at) {
    struct sup_actor *actor = sup->actors[at];
    if (actor->closed) {
        return;
    }
    actor->closed = true;
    for (uint32_t i = 0; i < actor->feeds.count; i++) {
        struct sup_cycle *cycle = &sup->cycles[actor->feeds.items[i]];
        if (--cycle->open_inputs == 0 && (cycle->has_inputs || sup->stopping)) {
            inputs_ended(sup, cycle);
        }
    }
    struct sup_cycle *own = &sup->cycles[actor->cycle];
    if (own->watched && own->is_cycle) {
        watch(sup, own, own->alive, 0); /* the others may be quiet already */
    }
}

struct asked {
    struct supervisor *sup;
    const struct sup_cycle *cycle;
};

static bool is_member(void *context, uint32_t actor) {
    const struct asked *asked = context;
    return &asked->sup->cycles[asked->sup->actors[actor]->cycle] == asked->cycle;
}

/* Adds up what the members and their children have handled; false when one is not quiet. */
static bool scan(struct supervisor *sup, const struct sup_cycle *cycle, uint64_t *ret_handled) {
    struct asked asked = {sup, cycle};
    uint64_t handled = 0;
    uint64_t by_children;
    for (uint32_t i = 0; i < cycle->members.count; i++) {
        uint32_t member = cycle->members.items[i];
        struct inst *in = proc_actor(sup->proc, member);
        if (sup->actors[member]->closed) {
            continue;
        }
        if (!sup->actors[member]->ready || !inst_is_quiet(in)) {
            return false;
        }
        handled += inst_processed(in);
    }
    if (!proc_children_are_quiet(sup->proc, is_member, &asked, &by_children)) {
        return false;
    }
    *ret_handled = handled + by_children;
    return true;
}

/* Two looks with nothing handled in between: then no message was on its way from somebody already
 * looked at to one not yet looked at, and the cycle as a whole is idle and empty. */
static void end_when_quiet(struct supervisor *sup, struct sup_cycle *cycle) {
    uint64_t first;
    uint64_t second;
    if (scan(sup, cycle, &first) && scan(sup, cycle, &second) && first == second) {
        drain(sup, cycle, SIGNAL_INPUTS_ENDED);
    }
}

/* A look takes cache lines from those who work: while they do, cycles are looked at ever more rarely. */
void sup_look_locked(struct supervisor *sup, bool idle) {
    for (uint32_t c = 0; c < sup->cycle_count && sup->watching > 0; c++) {
        struct sup_cycle *cycle = &sup->cycles[c];
        if (!cycle->watched || cycle->ended) {
            continue;
        }
        if (idle || cycle->look_in == 0) {
            end_when_quiet(sup, cycle);
            cycle->look_every =
                cycle->look_every < LOOK_EVERY_MAX ? cycle->look_every * 2 + 1 : LOOK_EVERY_MAX;
            cycle->look_in = cycle->look_every;
        } else {
            cycle->look_in--;
        }
    }
}

/* Proc stop: whoever gets nothing from others ends first, its timers and watches before it. */
void sup_sources_locked(struct supervisor *sup) {
    for (uint32_t c = 0; c < sup->cycle_count; c++) {
        struct sup_cycle *cycle = &sup->cycles[c];
        if (cycle->open_inputs > 0 || cycle->members.count == 0) {
            continue;
        }
        if (cycle->is_cycle) {
            inputs_ended(sup, cycle);
        } else {
            drain(sup, cycle, SIGNAL_QUIET);
        }
    }
}

/* A cycle that nothing from outside feeds ends when it has come to rest by itself; timers and watches
 * of its own are an outside too. */
void sup_watch_cycles_locked(struct supervisor *sup) {
    for (uint32_t c = 0; c < sup->cycle_count && !sup->between; c++) {
        struct sup_cycle *cycle = &sup->cycles[c];
        if (cycle->is_cycle && cycle->open_inputs == 0 && !cycle->stay && !cycle->watched) {
            watch(sup, cycle, true, 0);
        }
    }
}

/* Nobody who leaves sends to it any more. */
static void leave(struct supervisor *sup, struct sup_cycle *cycle, struct sup_after *after) {
    if (cycle->is_cycle) {
        inputs_ended(sup, cycle);
        return;
    }
    uint32_t member = cycle->members.items[0];
    if (!cycle->ended && sup_is_idle_locked(sup, member)) {
        sup_remove_locked(sup, member, after);
    }
    drain(sup, cycle, SIGNAL_QUIET);
}

void sup_regraphed_locked(struct supervisor *sup, struct sup_after *after) {
    for (uint32_t c = 0; c < sup->cycle_count && !sup->between; c++) {
        struct sup_cycle *cycle = &sup->cycles[c];
        if (cycle->open_inputs > 0 || cycle->ended || cycle->members.count == 0) {
            continue;
        }
        if (cycle->leaving) {
            leave(sup, cycle, after);
        } else if (cycle->has_inputs) {
            inputs_ended(sup, cycle);
        }
    }
    if (sup->ready_count + sup->never_ready_count == sup->count) {
        sup_watch_cycles_locked(sup);
    }
    if (sup->stopping) {
        sup_sources_locked(sup);
    }
}
