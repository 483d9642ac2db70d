/* Making a tree from the plan's shape, with all the memory that its steps will need. */
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

static void make_node(struct tree *t, uint32_t at, const struct plan_actor *actor) {
    struct tree_node *node = &t->nodes[at];
    node->path = actor->path;
    node->parent = actor->parent == PLAN_NONE ? t->count : actor->parent;
    node->end = at + 1;
    node->restart = &actor->spec->restart;
    node->supervise = actor->is_group ? &actor->spec->supervise : NULL;
    node->last.node = PLAN_NONE;
    t->nodes[node->parent].open++;
}

static void make_shape(struct tree *t) {
    for (uint32_t i = 0; i < t->count; i++) {
        make_node(t, i, &t->plan->actors[i]);
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
    if (!t->nodes) {
        return -1;
    }
    struct tree_node *coordinator = &t->nodes[t->count];
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
    mem_free(t);
}

/* The coordinator stands behind the nodes: it moves, and those below it are told. */
static void move_coordinator(struct tree *t) {
    uint32_t count = t->count++;
    t->nodes[t->count] = t->nodes[count];
    t->nodes[t->count].parent = t->count;
    t->nodes[t->count].end = t->count;
    for (uint32_t i = 0; i < count; i = t->nodes[i].end) {
        t->nodes[i].parent = t->count;
    }
    t->nodes[count] = (struct tree_node){.parent = 0};
}

int tree_add_root(struct tree *t, const struct plan_actor *actor, struct tree_actions *actions,
                  struct err *err) {
    struct tree_node made = {.restart = &actor->spec->restart};
    struct tree_action *items = mem_resize(actions->items, (actions->room + 1) * sizeof *items);
    actions->items = items ? items : actions->items;
    struct tree_node *nodes = mem_resize(t->nodes, ((size_t)t->count + 2) * sizeof *nodes);
    t->nodes = nodes ? nodes : t->nodes;
    if (!items || !nodes || make_windows(&made) < 0) {
        free_window(made.alone);
        return err_set(err, ERR_NOMEM, "no memory to supervise '%s'", actor->path);
    }
    actions->room++;
    move_coordinator(t);
    t->nodes[t->count - 1].alone = made.alone;
    make_node(t, t->count - 1, actor);
    t->depth = t->depth ? t->depth : 1;
    return 0;
}

void tree_remove_root(struct tree *t) {
    uint32_t at = t->count - 1;
    free_window(t->nodes[at].alone);
    t->nodes[at] = t->nodes[t->count];
    t->count = at;
    t->nodes[at].parent = at;
    t->nodes[at].end = at;
    t->nodes[at].open--;
    for (uint32_t i = 0; i < at; i = t->nodes[i].end) {
        t->nodes[i].parent = at;
    }
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
