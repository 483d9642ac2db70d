/* A plan that was read again, for the supervisor: actors that join, other wires, actors that leave. */
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "supervise/supervisor_impl.h"

/* --- who waits --- */

void sup_heard_init(struct supervisor *sup) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&sup->heard, &attributes);
    pthread_condattr_destroy(&attributes);
}

void sup_heard_locked(struct supervisor *sup) {
    sup->heard_of++;
    pthread_cond_broadcast(&sup->heard);
}

void supervisor_wait_heard(struct supervisor *sup, uint64_t heard_of, uint64_t until_ns) {
    struct timespec until = {(time_t)(until_ns / NS_PER_S), (long)(until_ns % NS_PER_S)};
    int status = 0;
    pthread_mutex_lock(&sup->lock);
    while (sup->heard_of == heard_of && status == 0) {
        status = pthread_cond_timedwait(&sup->heard, &sup->lock, &until);
    }
    pthread_mutex_unlock(&sup->lock);
}

/* Has come up once, or will not before its group does. */
static bool has_come_up(const struct supervisor *sup, uint32_t at) {
    return sup->actors[at]->ready || sup->actors[at]->closed ||
           tree_state(sup->tree, at) == TREE_IS_DOWN;
}

void supervisor_look(struct supervisor *sup, const uint32_t *actors, size_t count,
                     struct supervisor_progress *ret) {
    pthread_mutex_lock(&sup->lock);
    *ret = (struct supervisor_progress){.not_up = PLAN_NONE,
                                        .not_closed = PLAN_NONE,
                                        .is_ending = sup_is_ending_locked(sup),
                                        .failed = sup->trial,
                                        .heard_of = sup->heard_of};
    for (size_t i = count; i-- > 0;) {
        ret->up += has_come_up(sup, actors[i]);
        ret->closed += sup->actors[actors[i]]->closed;
        ret->not_up = has_come_up(sup, actors[i]) ? ret->not_up : actors[i];
        ret->not_closed = sup->actors[actors[i]]->closed ? ret->not_closed : actors[i];
    }
    pthread_mutex_unlock(&sup->lock);
}

enum supervisor_standing supervisor_standing(struct supervisor *sup, uint32_t at) {
    pthread_mutex_lock(&sup->lock);
    const struct sup_actor *actor = sup->actors[at];
    enum supervisor_standing standing = actor->closed || tree_state(sup->tree, at) == TREE_IS_CLOSED
                                            ? SUPERVISOR_HAS_ENDED
                                        : sup->cycles[actor->cycle].ended ? SUPERVISOR_IS_ENDING
                                                                          : SUPERVISOR_STANDS;
    pthread_mutex_unlock(&sup->lock);
    return standing;
}

const struct plan_actor *supervisor_aimed_at(struct supervisor *sup, uint32_t at) {
    const struct plan_actor *found = NULL;
    pthread_mutex_lock(&sup->lock);
    for (uint32_t i = 0; i < sup->count && !found; i++) {
        const struct sup_actor *actor = sup->actors[i];
        for (uint32_t t = 0; actor->by_hand && !actor->closed && t < actor->aims.count; t++) {
            found = actor->aims.items[t] == at ? actor->plan : found;
        }
    }
    pthread_mutex_unlock(&sup->lock);
    return found;
}

/* --- who joins --- */

/* It is not there yet. */
static bool is_to_come(const struct supervisor *sup, uint32_t number) {
    return number >= sup->count || sup->actors[number]->is_vacant;
}

static bool is_joining(const struct supervisor *sup, uint32_t number) {
    return number < sup->count && sup->actors[number]->joins;
}

static uint32_t number_of(const struct supervisor_change *change, uint32_t at) {
    return at == PLAN_NONE ? PLAN_NONE : change->numbers[at];
}

static int take_afters(const struct supervisor_change *change, struct sup_actor *actor) {
    uint32_t *after = mem_array(actor->plan->after_count + 1, sizeof *after);
    for (size_t i = 0; after && i < actor->plan->after_count; i++) {
        after[i] = change->numbers[actor->plan->after[i]];
    }
    actor->after = after;
    actor->after_count = actor->plan->after_count;
    actor->has_own_after = true;
    return after ? 0 : -1;
}

/* One with a free number is there, and counts as one that has ended. */
static struct sup_actor *take_actor(struct supervisor *sup, uint32_t number) {
    struct sup_actor *actor = number < sup->count ? sup->actors[number] : NULL;
    if (!actor) {
        actor = mem_alloc(sizeof *actor);
        if (actor) {
            sup_timers_init(actor);
        }
        return actor;
    }
    sup->closed_count--;
    sup->ready_count -= actor->ready;
    sup->never_ready_count -= !actor->ready;
    actor->is_vacant = actor->closed = actor->ready = false;
    return actor;
}

static void give_actor_back(struct supervisor *sup, struct sup_actor *actor, uint32_t number) {
    if (number < sup->count) {
        sup_vacate_locked(sup, actor);
    } else {
        sup_actor_free_parts(actor);
        mem_free(actor);
    }
}

static struct sup_actor *make(struct supervisor *sup, const struct supervisor_change *change,
                              size_t i) {
    struct sup_actor *actor = take_actor(sup, change->numbers[i]);
    if (!actor) {
        return NULL;
    }
    actor->sup = sup;
    actor->at = change->numbers[i];
    actor->plan = &change->plan->actors[i];
    actor->parent = number_of(change, actor->plan->parent);
    actor->cycle = UINT32_MAX; /* the graph to come says */
    actor->on_trial = true;
    if (take_afters(change, actor) < 0) {
        give_actor_back(sup, actor, actor->at);
        return NULL;
    }
    return actor;
}

/* Its next sibling in the plan that is there already; PLAN_NONE: there is none. */
static uint32_t sibling_behind(const struct supervisor *sup, const struct supervisor_change *change,
                               size_t i) {
    uint32_t parent = change->plan->actors[i].parent;
    for (size_t n = i + 1; n < change->plan->actor_count; n++) {
        if (change->plan->actors[n].parent == parent && !is_to_come(sup, change->numbers[n])) {
            return change->numbers[n];
        }
    }
    return PLAN_NONE;
}

static int add_one(struct supervisor *sup, const struct supervisor_change *change, size_t i,
                   struct err *err) {
    const struct plan_actor *plan = &change->plan->actors[i];
    uint32_t number = change->numbers[i];
    uint32_t before = sibling_behind(sup, change, i);
    struct sup_actor *actor = make(sup, change, i);
    if (!actor) {
        return err_set(err, ERR_NOMEM, "no memory to supervise '%s'", plan->path);
    }
    if (tree_add(sup->tree, number, plan, actor->parent, before, &sup->actions, err) < 0) {
        give_actor_back(sup, actor, number);
        return -1;
    }
    actor->joins = true;
    if (number == sup->count) {
        sup->actors[sup->count++] = actor;
    }
    return 0;
}

/* In the tree, but not shown. */
static void remove_new(struct supervisor *sup, uint32_t first) {
    while (sup->count > first) {
        struct sup_actor *actor = sup->actors[--sup->count];
        tree_remove_last(sup->tree);
        sup_actor_free_parts(actor);
        mem_free(actor);
    }
    for (uint32_t i = first; i-- > 0;) { /* members of groups before these */
        if (sup->actors[i]->joins) {
            sup_vacate_locked(sup, sup->actors[i]);
        }
    }
}

static size_t count_new(const struct supervisor *sup, const struct supervisor_change *change) {
    size_t count = 0;
    for (size_t i = 0; change->plan && i < change->plan->actor_count; i++) {
        count += is_to_come(sup, change->numbers[i]);
    }
    return count;
}

static int add_new(struct supervisor *sup, const struct supervisor_change *change,
                   struct err *err) {
    size_t count = (size_t)sup->count + count_new(sup, change);
    struct sup_actor **actors = mem_resize((void *)sup->actors, (count + 1) * sizeof *actors);
    if (!actors) {
        return err_set(err, ERR_NOMEM, "no memory to supervise %zu actors", count);
    }
    sup->actors = actors;
    for (size_t i = 0; change->plan && i < change->plan->actor_count; i++) {
        if (is_to_come(sup, change->numbers[i]) && add_one(sup, change, i, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Whom it starts after tells it when that is up. */
static int add_starts(struct supervisor *sup) {
    for (uint32_t i = 0; i < sup->count; i++) {
        const struct sup_actor *actor = sup->actors[i];
        for (size_t a = 0; actor->joins && a < actor->after_count; a++) {
            if (sup_list_add(&sup->actors[actor->after[a]]->starts, i) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* In the plan's order, a group with all below it. */
static void show_new(struct supervisor *sup, const struct supervisor_change *change,
                     struct sup_after *after) {
    size_t count = change->plan ? change->plan->actor_count : 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t number = change->numbers[i];
        if (is_joining(sup, number)) {
            uint32_t parent = number_of(change, change->plan->actors[i].parent);
            proc_show_actor(sup->proc, number, change->actors[i], &change->plan->actors[i],
                            parent == PLAN_NONE ? NULL : proc_actor(sup->proc, parent));
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct tree_event event = {.kind = TREE_EVENT_ADDED, .node = change->numbers[i]};
        uint32_t parent = number_of(change, change->plan->actors[i].parent);
        if (is_joining(sup, event.node) && (parent == PLAN_NONE || !is_joining(sup, parent))) {
            sup_step_locked(sup, &event, after);
        }
    }
    for (size_t i = 0; i < count; i++) {
        sup->actors[change->numbers[i]]->joins = false;
    }
}

/* --- other policies --- */

struct adoption {
    const struct plan *plan;
    const uint32_t *numbers;
    struct tree_policies *items;      /* per actor, and the proc's; owned, as the next one */
    const struct plan_actor **before; /* per actor */
};

static void adoption_fini(struct adoption *adoption) {
    size_t count = adoption->items ? adoption->plan->actor_count + 1 : 0;
    for (size_t i = 0; i < count; i++) {
        tree_policies_fini(&adoption->items[i]);
    }
    mem_free(adoption->items);
    mem_free((void *)adoption->before);
}

/* Of actors by now: the graph is made of what they say. Then adopt, or un_adopt. */
static int prepare_adoption(struct supervisor *sup, const struct supervisor_change *change,
                            struct adoption *ret) {
    const struct plan *plan = change->policies;
    *ret = (struct adoption){.plan = plan, .numbers = change->numbers};
    size_t count = plan ? plan->actor_count : 0;
    if (!plan) {
        return 0;
    }
    ret->items = mem_array(count + 1, sizeof *ret->items);
    ret->before = mem_array(count + 1, sizeof *ret->before);
    int status = ret->items && ret->before ? 0 : -1;
    for (size_t i = 0; status == 0 && i <= count; i++) {
        const struct plan_actor *actor = i < count ? &plan->actors[i] : NULL;
        struct tree_policies *item = &ret->items[i];
        item->path = actor ? actor->path : NULL;
        item->restart = actor ? &actor->spec->restart : NULL;
        item->supervise = !actor            ? &plan->manifest->supervision
                          : actor->is_group ? &actor->spec->supervise
                                            : NULL;
        status = tree_policies_init(item);
    }
    for (size_t i = 0; status == 0 && i < count; i++) {
        ret->before[i] = sup->actors[change->numbers[i]]->plan;
        sup->actors[change->numbers[i]]->plan = &plan->actors[i];
    }
    return status;
}

static void un_adopt(struct supervisor *sup, const struct adoption *adoption) {
    size_t count = adoption->before ? adoption->plan->actor_count : 0;
    for (size_t i = 0; i < count && adoption->before[i]; i++) {
        sup->actors[adoption->numbers[i]]->plan = adoption->before[i];
    }
}

static void adopt(struct supervisor *sup, struct adoption *adoption) {
    const struct plan *plan = adoption->plan;
    for (size_t i = 0; plan && i < plan->actor_count; i++) {
        tree_take_policies(sup->tree, adoption->numbers[i], &adoption->items[i]);
        proc_show_policies(sup->proc, adoption->numbers[i], &plan->actors[i]);
    }
    if (plan) {
        tree_take_policies(sup->tree, PLAN_NONE, &adoption->items[plan->actor_count]);
        sup->manifest = plan->manifest;
    }
}

/* --- the whole --- */

static void set_leaving(struct supervisor *sup, const struct supervisor_change *change, bool is) {
    for (size_t i = 0; i < change->leaving_count; i++) {
        sup->actors[change->leaving[i]]->leaving = is;
    }
}

/* All that needs memory. */
static int prepare(struct supervisor *sup, const struct supervisor_change *change,
                   struct adoption *adoption, struct err *err) {
    if (add_new(sup, change, err) < 0) {
        return -1;
    }
    return prepare_adoption(sup, change, adoption) < 0 || add_starts(sup) < 0 ||
                   sup_regraph(sup, change) < 0
               ? err_set(err, ERR_NOMEM, "no memory for the wires of %u actors", sup->count)
               : 0;
}

static void restart(struct supervisor *sup, const struct supervisor_change *change,
                    struct sup_after *after) {
    for (size_t i = 0; i < change->restarting_count; i++) {
        struct tree_event event = {.kind = TREE_EVENT_AGAIN, .node = change->restarting[i]};
        sup_step_locked(sup, &event, after);
    }
}

static int change_locked(struct supervisor *sup, const struct supervisor_change *change,
                         struct sup_after *after, struct err *err) {
    uint32_t first = sup->count;
    struct adoption adoption = {.plan = NULL};
    if (sup_is_ending_locked(sup)) {
        return err_set(err, ERR_STOPPED, "the proc is stopping");
    }
    set_leaving(sup, change, true);
    if (prepare(sup, change, &adoption, err) < 0) {
        un_adopt(sup, &adoption);
        adoption_fini(&adoption);
        set_leaving(sup, change, false);
        remove_new(sup, first);
        sup_forget_vacant_locked(sup);
        return -1;
    }
    sup->between = !change->is_settled;
    adopt(sup, &adoption);
    adoption_fini(&adoption);
    sup->trial = (struct inst_end){.failed = false};
    show_new(sup, change, after);
    restart(sup, change, after);
    sup_regraphed_locked(sup, after);
    return 0;
}

int supervisor_change(struct supervisor *sup, const struct supervisor_change *change,
                      struct err *err) {
    struct sup_after after;
    sup_after_init(&after);
    pthread_mutex_lock(&sup->lock);
    int status = change_locked(sup, change, &after, err);
    pthread_mutex_unlock(&sup->lock);
    sup_after(sup, &after);
    return status;
}

int supervisor_adopt(struct supervisor *sup, const struct plan *plan, const uint32_t *numbers) {
    const struct supervisor_change change = {.policies = plan, .numbers = numbers};
    struct adoption adoption;
    pthread_mutex_lock(&sup->lock);
    int status = prepare_adoption(sup, &change, &adoption);
    if (status == 0) {
        adopt(sup, &adoption);
    } else {
        un_adopt(sup, &adoption);
    }
    pthread_mutex_unlock(&sup->lock);
    adoption_fini(&adoption);
    return status;
}

void supervisor_accept(struct supervisor *sup) {
    pthread_mutex_lock(&sup->lock);
    sup->between = false;
    for (uint32_t i = 0; i < sup->count; i++) {
        sup->actors[i]->on_trial = false;
    }
    pthread_mutex_unlock(&sup->lock);
}
