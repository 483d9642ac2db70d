/* Numbers of actors that have ended for good, and of which no plan says anything any more: they are given to others. */
#include "base/alloc.h"
#include "supervise/supervisor_impl.h"

/* What the plan says of nobody. */
static const struct manifest_actor no_spec = {.name = ""};
static const struct plan_actor nobody = {
    .path = "", .name = "", .parent = PLAN_NONE, .type = PLAN_NONE, .spec = &no_spec};

uint32_t supervisor_free_number(struct supervisor *sup, uint32_t from) {
    pthread_mutex_lock(&sup->lock);
    while (from < sup->count && !sup->actors[from]->is_vacant) {
        from++;
    }
    pthread_mutex_unlock(&sup->lock);
    return from;
}

/* --- who goes --- */

static bool has_members(const struct supervisor *sup, uint32_t at) {
    return tree_place_behind(sup->tree, at) > tree_place(sup->tree, at) + 1;
}

/* Somebody who may still start looks whether it is up. */
static bool is_named(const struct supervisor *sup, uint32_t at) {
    const struct sup_list *starts = &sup->actors[at]->starts;
    for (uint32_t i = 0; i < starts->count; i++) {
        if (!sup->actors[starts->items[i]]->closed) {
            return true;
        }
    }
    return false;
}

static bool may_vacate(const struct supervisor *sup, uint32_t at) {
    const struct sup_actor *actor = sup->actors[at];
    return actor->closed && !actor->is_vacant && !actor->by_hand && !actor->held &&
           tree_state(sup->tree, at) == TREE_IS_CLOSED && !is_named(sup, at);
}

void sup_vacate_locked(struct supervisor *sup, struct sup_actor *actor) {
    uint32_t at = actor->at;
    bool was_ready = actor->ready;
    if (!actor->closed) { /* it has not come to be: counted as one that ended before it was ready */
        sup->closed_count++;
        sup->never_ready_count++;
    }
    sup_actor_free_parts(actor);
    *actor = (struct sup_actor){.sup = sup,
                                .at = at,
                                .plan = &nobody,
                                .parent = PLAN_NONE,
                                .cycle = UINT32_MAX,
                                .closed = true,
                                .ready = was_ready,
                                .is_vacant = true};
    sup_timers_init(actor);
    tree_vacate(sup->tree, at);
}

static void forget_in(const struct supervisor *sup, struct sup_list *list) {
    uint32_t to = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (!sup->actors[list->items[i]]->is_vacant) {
            list->items[to++] = list->items[i];
        }
    }
    list->count = to;
}

void sup_forget_vacant_locked(struct supervisor *sup) {
    for (uint32_t i = 0; i < sup->count; i++) {
        forget_in(sup, &sup->actors[i]->starts);
        forget_in(sup, &sup->actors[i]->aims); /* of a root that has ended itself */
    }
    for (uint32_t i = 0; i < sup->cycle_count; i++) {
        forget_in(sup, &sup->cycles[i].members);
    }
}

/* The last in the order of appearance first, so that members come before their groups. */
static size_t vacate_locked(struct supervisor *sup, const bool *goes, uint32_t *ret) {
    size_t count = 0;
    for (uint32_t place = sup->count; place-- > 0;) {
        uint32_t at = tree_node_at(sup->tree, place);
        if (goes[at] && !has_members(sup, at)) {
            ret[count++] = at;
            sup_vacate_locked(sup, sup->actors[at]);
        }
    }
    if (count > 0) {
        sup_forget_vacant_locked(sup);
    }
    return count;
}

/* Their timers must not fire for whoever gets the number. */
static void stop_timers(struct supervisor *sup, const bool *goes) {
    for (uint32_t i = 0; i < sup->count; i++) {
        if (goes[i]) {
            (void)timers_stop(proc_timers(sup->proc), &sup->actors[i]->wait_timer);
            (void)timers_stop(proc_timers(sup->proc), &sup->actors[i]->stop_timer);
        }
    }
}

/* What has closed stays so, and nobody but the caller adds actors. Returns how many the proc is not done with yet. */
static size_t find(struct supervisor *sup, const uint32_t *kept, size_t kept_count, bool *ret) {
    size_t left = 0;
    pthread_mutex_lock(&sup->lock);
    for (uint32_t i = 0; i < sup->count; i++) {
        ret[i] = may_vacate(sup, i);
    }
    pthread_mutex_unlock(&sup->lock);
    for (size_t i = 0; i < kept_count; i++) {
        ret[kept[i]] = false;
    }
    for (uint32_t i = 0; i < sup->count; i++) {
        bool is_left = ret[i] && !proc_may_drop(sup->proc, i);
        ret[i] &= !is_left;
        left += is_left;
    }
    return left;
}

int supervisor_vacate(struct supervisor *sup, const uint32_t *kept, size_t kept_count,
                      uint32_t **ret, size_t *ret_count, size_t *ret_left) {
    bool *goes = mem_array((size_t)sup->count + 1, sizeof *goes);
    uint32_t *numbers = mem_array((size_t)sup->count + 1, sizeof *numbers);
    if (!goes || !numbers) {
        mem_free(goes);
        mem_free(numbers);
        return -1;
    }
    *ret_left = find(sup, kept, kept_count, goes);
    stop_timers(sup, goes);
    pthread_mutex_lock(&sup->lock);
    *ret_count = vacate_locked(sup, goes, numbers);
    pthread_mutex_unlock(&sup->lock);
    mem_free(goes);
    *ret = numbers;
    return 0;
}

/* --- what is lent --- */

static bool is_of(const struct plan *plan, const struct plan_actor *actor) {
    return actor >= plan->actors && actor < plan->actors + plan->actor_count;
}

bool supervisor_needs(struct supervisor *sup, const struct plan *plan) {
    pthread_mutex_lock(&sup->lock);
    bool needs = plan == sup->plan || plan->manifest == sup->manifest;
    for (uint32_t i = 0; i < sup->count && !needs; i++) {
        needs = is_of(plan, sup->actors[i]->plan);
    }
    pthread_mutex_unlock(&sup->lock);
    return needs;
}
