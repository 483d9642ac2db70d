/* Making a tree from the plan's shape, with all the memory that its steps will need. */
#include "base/alloc.h"
#include "supervise/tree_impl.h"

static int add_window(struct tree *t, struct window **ret, uint32_t limit, uint64_t period_ns) {
    if (window_init(&t->windows[t->window_count], limit, period_ns) < 0) {
        return -1;
    }
    *ret = &t->windows[t->window_count++];
    return 0;
}

static int make_windows(struct tree *t, struct tree_node *node) {
    const struct supervise_policy *supervise = node->supervise;
    const struct restart_block *restart = node->restart;
    if (supervise &&
        add_window(t, &node->children, supervise->intensity, supervise->period_ns) < 0) {
        return -1;
    }
    if (restart && restart->own &&
        add_window(t, &node->alone, restart->intensity, restart->period_ns) < 0) {
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

static void make_shape(struct tree *t) {
    for (uint32_t i = 0; i < t->count; i++) {
        const struct plan_actor *actor = &t->plan->actors[i];
        struct tree_node *node = &t->nodes[i];
        node->parent = actor->parent == PLAN_NONE ? t->count : actor->parent;
        node->end = i + 1;
        node->restart = &actor->spec->restart;
        node->supervise = actor->is_group ? &actor->spec->supervise : NULL;
        node->last.node = PLAN_NONE;
        t->nodes[node->parent].open++;
        uint32_t depth = depth_of(t, i);
        t->depth = depth > t->depth ? depth : t->depth;
    }
    for (uint32_t i = t->count; i-- > 0;) {
        struct tree_node *parent = &t->nodes[t->nodes[i].parent];
        parent->end = t->nodes[i].end > parent->end ? t->nodes[i].end : parent->end;
    }
}

static int make(struct tree *t) {
    uint32_t windows = 1;
    for (uint32_t i = 0; i < t->count; i++) {
        const struct plan_actor *actor = &t->plan->actors[i];
        windows += (uint32_t)actor->is_group + (uint32_t)actor->spec->restart.own;
    }
    t->nodes = mem_array((size_t)t->count + 1, sizeof *t->nodes);
    t->windows = mem_array(windows, sizeof *t->windows);
    if (!t->nodes || !t->windows) {
        return -1;
    }
    struct tree_node *coordinator = &t->nodes[t->count];
    coordinator->parent = t->count;
    coordinator->supervise = &t->plan->manifest->supervision;
    coordinator->last.node = PLAN_NONE;
    make_shape(t);
    for (uint32_t i = 0; i <= t->count; i++) {
        if (make_windows(t, &t->nodes[i]) < 0) {
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

void tree_destroy(struct tree *t) {
    if (!t) {
        return;
    }
    for (uint32_t i = 0; i < t->window_count; i++) {
        window_fini(&t->windows[i]);
    }
    mem_free(t->windows);
    mem_free(t->nodes);
    mem_free(t);
}

int tree_actions_init(struct tree_actions *actions, const struct tree *t, struct err *err) {
    /* In one step each node is started, stopped or closed at most once; one waits or escalates;
     * each on the way from there to the root may be absorbed. */
    uint32_t room = t->count + t->depth + 2;
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
