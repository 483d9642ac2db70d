/* Making a tree from the plan's shape, with all the memory that its steps will need. */
#include <string.h>

#include "base/alloc.h"
#include "supervise/tree_impl.h"

static int add_window(struct window **ret, uint32_t limit, uint64_t period_ns) {
    *ret = mem_alloc(sizeof **ret);
    return *ret ? window_init(*ret, limit, period_ns) : -1;
}

static int make_windows(struct tree_node *node) {
    const struct supervise_policy *supervise = node->supervise;
    const struct restart_block *restart = node->restart;
    if (supervise && add_window(&node->children, supervise->intensity, supervise->period_ns) < 0) {
        return -1;
    }
    if (restart && restart->own &&
        add_window(&node->alone, restart->intensity, restart->period_ns) < 0) {
        return -1;
    }
    return 0;
}

static uint32_t depth_of(const struct tree *t, uint32_t at) {
    uint32_t depth = 0;
    for (; at != t->count; at = t->nodes[at].parent) {
        depth++;
    }
    return depth;
}

/* Below `parent`, a place. */
static void make_node(struct tree *t, uint32_t at, uint32_t parent,
                      const struct plan_actor *actor) {
    struct tree_node *node = &t->nodes[at];
    node->path = actor->path;
    node->parent = parent;
    node->end = at + 1;
    node->restart = &actor->spec->restart;
    node->supervise = actor->is_group ? &actor->spec->supervise : NULL;
    node->last.node = PLAN_NONE;
    t->nodes[parent].open++;
}

static void make_shape(struct tree *t) {
    for (uint32_t i = 0; i < t->count; i++) {
        const struct plan_actor *actor = &t->plan->actors[i];
        make_node(t, i, actor->parent == PLAN_NONE ? t->count : actor->parent, actor);
        t->nodes[i].number = i;
        t->places[i] = i;
        t->order[i] = t->plan->init_order[i];
        uint32_t depth = depth_of(t, i);
        t->depth = depth > t->depth ? depth : t->depth;
    }
    for (uint32_t i = t->count; i-- > 0;) {
        struct tree_node *parent = &t->nodes[t->nodes[i].parent];
        parent->end = t->nodes[i].end > parent->end ? t->nodes[i].end : parent->end;
    }
}

static int make(struct tree *t) {
    t->nodes = mem_array((size_t)t->count + 1, sizeof *t->nodes);
    t->places = mem_array((size_t)t->count + 1, sizeof *t->places);
    t->order = mem_array((size_t)t->count + 1, sizeof *t->order);
    if (!t->nodes || !t->places || !t->order) {
        return -1;
    }
    struct tree_node *coordinator = &t->nodes[t->count];
    coordinator->number = PLAN_NONE;
    coordinator->parent = t->count;
    coordinator->supervise = &t->plan->manifest->supervision;
    coordinator->last.node = PLAN_NONE;
    make_shape(t);
    for (uint32_t i = 0; i <= t->count; i++) {
        if (make_windows(&t->nodes[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

int tree_create(const struct plan *plan, struct tree **ret, struct err *err) {
    struct tree *t = mem_alloc(sizeof *t);
    if (t) {
        t->plan = plan;
        t->count = (uint32_t)plan->actor_count;
    }
    if (!t || make(t) < 0) {
        tree_destroy(t);
        return err_set(err, ERR_NOMEM, "supervision tree of %zu actors", plan->actor_count);
    }
    *ret = t;
    return 0;
}

static void free_window(struct window *window) {
    if (window) {
        window_fini(window);
        mem_free(window);
    }
}

void tree_destroy(struct tree *t) {
    if (!t) {
        return;
    }
    for (uint32_t i = 0; t->nodes && i <= t->count; i++) {
        free_window(t->nodes[i].children);
        free_window(t->nodes[i].alone);
    }
    mem_free(t->nodes);
    mem_free(t->places);
    mem_free(t->order);
    mem_free(t);
}

/* --- added ones --- */

/* In one step each node is started, stopped or closed at most once; one waits or escalates; each on the way from there
 * to the root may be absorbed. */
static uint32_t actions_room(uint32_t count, uint32_t depth) {
    return count + depth + 2;
}

/* Room for one more, at that depth; -1: no memory. */
static int reserve(struct tree *t, struct tree_actions *actions, uint32_t depth) {
    size_t count = (size_t)t->count + 1;
    uint32_t room = actions_room(t->count + 1, depth);
    struct tree_action *items = mem_resize(actions->items, room * sizeof *items);
    actions->items = items ? items : actions->items;
    struct tree_node *nodes = mem_resize(t->nodes, (count + 1) * sizeof *nodes);
    t->nodes = nodes ? nodes : t->nodes;
    uint32_t *places = mem_resize(t->places, (count + 1) * sizeof *places);
    t->places = places ? places : t->places;
    uint32_t *order = mem_resize(t->order, (count + 1) * sizeof *order);
    t->order = order ? order : t->order;
    actions->room = items ? room : actions->room;
    return items && nodes && places && order ? 0 : -1;
}

/* What stands there, and all behind, up to the coordinator, moves by one. */
static void make_room_at(struct tree *t, uint32_t at, uint32_t number) {
    memmove(&t->nodes[at + 1], &t->nodes[at], (t->count + 1 - at) * sizeof *t->nodes);
    t->count++;
    for (uint32_t i = 0; i <= t->count; i++) {
        struct tree_node *node = &t->nodes[i];
        node->parent += i != at && node->parent >= at;
        node->end += i != at && node->end > at;
        if (i > at && node->number != PLAN_NONE) {
            t->places[node->number] = i;
        }
    }
    t->nodes[at] = (struct tree_node){.number = number};
    t->places[number] = at;
}

static void close_up(struct tree *t, uint32_t at) {
    memmove(&t->nodes[at], &t->nodes[at + 1], (t->count - at) * sizeof *t->nodes);
    t->count--;
    for (uint32_t i = 0; i <= t->count; i++) {
        struct tree_node *node = &t->nodes[i];
        node->parent -= node->parent > at;
        node->end -= node->end > at;
        if (i >= at && node->number != PLAN_NONE) {
            t->places[node->number] = i;
        }
    }
}

/* It may be the last below those that stand above it. */
static void extend(struct tree *t, uint32_t at) {
    for (uint32_t up = t->nodes[at].parent; t->nodes[up].end <= at; up = t->nodes[up].parent) {
        t->nodes[up].end = at + 1;
    }
}

/* The last to start, of all. */
static void put_last_in_order(struct tree *t, uint32_t number, uint32_t count) {
    uint32_t to = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (t->order[i] != number) {
            t->order[to++] = t->order[i];
        }
    }
    t->order[to] = number;
}

int tree_add(struct tree *t, uint32_t number, const struct plan_actor *actor, uint32_t parent,
             uint32_t before, struct tree_actions *actions, struct err *err) {
    struct tree_node made = {.restart = &actor->spec->restart,
                             .supervise = actor->is_group ? &actor->spec->supervise : NULL};
    uint32_t depth = depth_of(t, parent == PLAN_NONE ? t->count : t->places[parent]) + 1;
    depth = depth > t->depth ? depth : t->depth;
    if (reserve(t, actions, depth) < 0 || make_windows(&made) < 0) {
        free_window(made.alone);
        free_window(made.children);
        return err_set(err, ERR_NOMEM, "no memory to supervise '%s'", actor->path);
    }
    t->depth = depth;
    put_last_in_order(t, number, t->count);
    if (number < t->count) {
        close_up(t, t->places[number]); /* it was free */
    }
    uint32_t up = parent == PLAN_NONE ? t->count : t->places[parent];
    uint32_t at = before == PLAN_NONE ? t->nodes[up].end : t->places[before];
    make_room_at(t, at, number);
    make_node(t, at, up + (up >= at), actor);
    t->nodes[at].alone = made.alone;
    t->nodes[at].children = made.children;
    extend(t, at);
    return 0;
}

static void take_out(struct tree *t, uint32_t at) {
    struct tree_node *node = &t->nodes[at];
    free_window(node->alone);
    free_window(node->children);
    t->nodes[node->parent].open -= node->state != TREE_IS_CLOSED;
    close_up(t, at);
}

void tree_remove_last(struct tree *t) {
    uint32_t number = t->count - 1;
    put_last_in_order(t, number, t->count);
    take_out(t, t->places[number]);
}

void tree_vacate(struct tree *t, uint32_t number) {
    static const struct restart_block none = {.policy = RESTART_TEMPORARY};
    take_out(t, t->places[number]);
    uint32_t at = t->nodes[t->count].end;
    make_room_at(t, at, number);
    struct tree_node *node = &t->nodes[at];
    node->path = "";
    node->parent = t->count;
    node->end = at + 1;
    node->restart = &none;
    node->state = TREE_IS_CLOSED;
    node->last.node = PLAN_NONE;
    extend(t, at);
}

/* --- other policies --- */

int tree_policies_init(struct tree_policies *policies) {
    struct tree_node made = {.restart = policies->restart, .supervise = policies->supervise};
    int status = make_windows(&made);
    policies->children = made.children;
    policies->alone = made.alone;
    return status;
}

void tree_policies_fini(struct tree_policies *policies) {
    free_window(policies->children);
    free_window(policies->alone);
    policies->children = policies->alone = NULL;
}

/* What one of them has is the node's from now on. */
static void exchange(struct window **own, struct window **other) {
    bool is_same = *own && *other && (*own)->limit == (*other)->limit &&
                   (*own)->period_ns == (*other)->period_ns;
    if (!is_same) {
        struct window *before = *own;
        *own = *other;
        *other = before;
    }
}

void tree_take_policies(struct tree *t, uint32_t node, struct tree_policies *policies) {
    struct tree_node *own = &t->nodes[node == PLAN_NONE ? t->count : t->places[node]];
    own->path = policies->path;
    own->restart = policies->restart;
    own->supervise = policies->supervise;
    exchange(&own->children, &policies->children);
    exchange(&own->alone, &policies->alone);
}

int tree_actions_init(struct tree_actions *actions, const struct tree *t, struct err *err) {
    uint32_t room = actions_room(t->count, t->depth);
    struct tree_action *items = mem_array(room, sizeof *items);
    if (!items) {
        return err_set(err, ERR_NOMEM, "actions of a supervision tree of %u actors",
                       (unsigned)t->count);
    }
    *actions = (struct tree_actions){.items = items, .room = room};
    return 0;
}

void tree_actions_fini(struct tree_actions *actions) {
    mem_free(actions->items);
    *actions = (struct tree_actions){.items = NULL};
}
