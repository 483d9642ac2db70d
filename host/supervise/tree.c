/* The tree step: who starts again, who is stopped with it, who escalates, who is over. */
#include "supervise/tree.h"

#include <assert.h>

#include "supervise/tree_impl.h"

static const char *const state_texts[] = {
#define TEXT(name, text, to) text,
    TREE_STATES(TEXT)
#undef TEXT
};

static const unsigned state_moves[] = {
#define MOVES(name, text, to) to,
    TREE_STATES(MOVES)
#undef MOVES
};

static bool is_alive(enum tree_state state) {
    return state == TREE_IS_STARTING || state == TREE_IS_RUNNING || state == TREE_IS_STOPPING;
}

static struct tree_node *parent_of(struct tree *t, uint32_t at) {
    return &t->nodes[t->nodes[at].parent];
}

static uint32_t first_below(const struct tree *t, uint32_t at) {
    return at == t->count ? 0 : at + 1;
}

/* Its members can start and restart. */
static bool in_service(const struct tree *t, uint32_t at) {
    enum tree_state state = t->nodes[at].state;
    return at == t->count || state == TREE_IS_STARTING || state == TREE_IS_RUNNING;
}

static void tree_move(struct tree *t, uint32_t at, enum tree_state to) {
    struct tree_node *node = &t->nodes[at];
    struct tree_node *parent = parent_of(t, at);
    uint32_t was = is_alive(node->state);
    uint32_t is = is_alive(to);
    (void)state_moves; /* only assertions look at it */
    assert(state_moves[node->state] & (1u << to));
    parent->alive = parent->alive + is - was;
    if (node->batched) {
        parent->batch_alive = parent->batch_alive + is - was;
    }
    if (to == TREE_IS_CLOSED) {
        parent->open--;
    }
    node->state = to;
}

static void set_batched(struct tree *t, uint32_t at, bool batched) {
    struct tree_node *node = &t->nodes[at];
    if (node->batched != batched) {
        node->batched = batched;
        if (is_alive(node->state)) {
            parent_of(t, at)->batch_alive += batched ? 1u : UINT32_MAX;
        }
    }
}

static struct tree_action *act(struct tree *t, enum tree_verb verb, uint32_t at) {
    struct tree_actions *actions = t->actions;
    const struct tree_node *node = &t->nodes[at];
    assert(actions->count < actions->room);
    struct tree_action *action = &actions->items[actions->count++];
    *action = (struct tree_action){.verb = verb,
                                   .node = at,
                                   .other = PLAN_NONE,
                                   .incarnation = node->incarnation,
                                   .cause = node->last};
    return action;
}

/* Tells the nodes of a range to end, the last first, so that members come before their group. */
static void stop_range(struct tree *t, uint32_t first, uint32_t end, enum tree_why why,
                       uint32_t other) {
    for (uint32_t i = end; i-- > first;) {
        enum tree_state state = t->nodes[i].state;
        set_batched(t, i, false);
        if (state == TREE_IS_WAITING) {
            tree_move(t, i, TREE_IS_DOWN);
        } else if (state == TREE_IS_STARTING || state == TREE_IS_RUNNING) {
            tree_move(t, i, TREE_IS_STOPPING);
            struct tree_action *action = act(t, TREE_STOP, i);
            action->why = why;
            action->other = other;
        }
    }
}

/* T-5: with all open members. The actions follow at the end of the step, in init order. */
static void start(struct tree *t, uint32_t at) {
    for (uint32_t i = at; i < t->nodes[at].end; i++) {
        struct tree_node *node = &t->nodes[i];
        if (node->state == TREE_IS_CLOSED) {
            continue;
        }
        set_batched(t, i, false);
        tree_move(t, i, TREE_IS_STARTING);
        node->incarnation++;
        node->failing = false;
        node->again = false;
        node->was_up = false;
        node->starting_now = true;
        if (node->children) {
            window_clear(node->children);
        }
        if (node->alone && i != at) {
            window_clear(node->alone);
        }
        t->starts++;
        t->start = i;
    }
}

static void act_start(struct tree *t, uint32_t at) {
    if (t->nodes[at].starting_now) {
        t->nodes[at].starting_now = false;
        (void)act(t, TREE_START, at);
    }
}

uint32_t tree_start_order(const struct tree *t, uint32_t i) {
    return t->order[i];
}

uint32_t tree_place(const struct tree *t, uint32_t node) {
    return t->places[node];
}

uint32_t tree_place_behind(const struct tree *t, uint32_t node) {
    return t->nodes[t->places[node]].end;
}

uint32_t tree_node_at(const struct tree *t, uint32_t place) {
    return t->nodes[place].number;
}

static void act_starts(struct tree *t) {
    if (t->starts == 1) {
        act_start(t, t->start);
    } else if (t->starts > 1) {
        for (uint32_t i = 0; i < t->count; i++) {
            act_start(t, t->places[t->order[i]]);
        }
    }
    t->starts = 0;
}

/* T-3: a batch starts when all of it has ended and nobody in it waits any longer. */
static void release_batch(struct tree *t, uint32_t supervisor) {
    const struct tree_node *s = &t->nodes[supervisor];
    if (s->supervise->strategy == STRATEGY_ONE_FOR_ONE || s->batch_alive > 0 ||
        !in_service(t, supervisor)) {
        return;
    }
    for (uint32_t i = first_below(t, supervisor); i < s->end; i = t->nodes[i].end) {
        const struct tree_node *node = &t->nodes[i];
        if (node->batched && node->state == TREE_IS_WAITING && node->until_ns > t->now_ns) {
            return;
        }
    }
    for (uint32_t i = first_below(t, supervisor); i < s->end; i = t->nodes[i].end) {
        if (t->nodes[i].batched) {
            start(t, i);
        }
    }
}

/* A waiting node's time may have come. */
static void release(struct tree *t, uint32_t at) {
    const struct tree_node *node = &t->nodes[at];
    if (node->state != TREE_IS_WAITING || node->until_ns > t->now_ns) {
        return;
    }
    if (parent_of(t, at)->supervise->strategy == STRATEGY_ONE_FOR_ONE) {
        start(t, at);
    } else {
        release_batch(t, node->parent);
    }
}

static void close_node(struct tree *t, uint32_t at, enum tree_why why);

/* T-6 */
static void after_close(struct tree *t, uint32_t supervisor) {
    const struct tree_node *s = &t->nodes[supervisor];
    if (supervisor == t->count || s->open > 0) {
        release_batch(t, supervisor);
    } else if (in_service(t, supervisor)) {
        if (!t->aborting) {
            tree_move(t, supervisor, TREE_IS_STOPPING);
            act(t, TREE_STOP, supervisor)->why = TREE_WHY_EMPTY;
        }
    } else if (!is_alive(s->state)) {
        close_node(t, supervisor, TREE_WHY_EMPTY);
    }
}

/* Closes a node that is down, its members before it. */
static void close_node(struct tree *t, uint32_t at, enum tree_why why) {
    for (uint32_t i = t->nodes[at].end; i-- > at;) {
        if (t->nodes[i].state != TREE_IS_CLOSED) {
            tree_move(t, i, TREE_IS_CLOSED);
            struct tree_action *action = act(t, TREE_CLOSE, i);
            action->why = i == at ? why : TREE_WHY_GROUP;
            action->other = i == at ? PLAN_NONE : at;
        }
    }
    after_close(t, t->nodes[at].parent);
}

static void say_limit(struct tree_action *action, const struct tree_node *node,
                      const struct window *window) {
    action->limit = window->limit;
    action->period_ns = window->period_ns;
    action->alone = window == node->alone;
}

static void give_up(struct tree *t, uint32_t at, const struct window *window) {
    if (!t->gave_up) {
        t->gave_up = true;
        struct tree_action *action = act(t, TREE_GIVE_UP, at);
        if (window) {
            say_limit(action, &t->nodes[at], window);
        } else {
            action->why = TREE_WHY_COORDINATOR;
        }
    }
    close_node(t, at, TREE_WHY_GIVEN_UP);
}

/* T-4 */
static void escalate(struct tree *t, uint32_t at, const struct window *window) {
    const struct tree_node *node = &t->nodes[at];
    uint32_t up = node->parent;
    if (up == t->count) {
        give_up(t, at, window);
        return;
    }
    struct tree_node *group = &t->nodes[up];
    group->failing = true;
    group->last = node->last;
    struct tree_action *action = act(t, TREE_FAIL, up);
    action->other = at;
    say_limit(action, node, window);
    tree_move(t, up, TREE_IS_STOPPING);
    stop_range(t, up + 1, group->end, TREE_WHY_GROUP, up);
}

static uint64_t next_delay(struct tree *t, struct tree_node *node) {
    if (node->was_up && t->now_ns - node->up_since_ns >= node->restart->period_ns) {
        backoff_reset(&node->backoff);
    }
    uint64_t delay = backoff_next(&node->backoff, &node->restart->backoff, t->random);
    return t->stopping ? 0 : delay;
}

/* Those who have to start again with `at`, the last first. */
static void batch_siblings(struct tree *t, uint32_t at) {
    uint32_t up = t->nodes[at].parent;
    enum strategy strategy = t->nodes[up].supervise->strategy;
    if (strategy == STRATEGY_ONE_FOR_ONE) {
        return;
    }
    set_batched(t, at, true);
    uint32_t first = strategy == STRATEGY_REST_FOR_ONE ? t->nodes[at].end : first_below(t, up);
    for (uint32_t i = t->nodes[up].end; i-- > first;) {
        struct tree_node *node = &t->nodes[i];
        if (node->parent != up || i == at) {
            continue;
        }
        if (node->state != TREE_IS_WAITING) {
            stop_range(t, i, node->end, TREE_WHY_SIBLING, at);
        }
        set_batched(t, i, true);
    }
}

static void restart(struct tree *t, uint32_t at) {
    struct tree_node *node = &t->nodes[at];
    struct window *window = node->alone ? node->alone : parent_of(t, at)->children;
    if (!window_admit(window, t->now_ns)) {
        escalate(t, at, window);
        return;
    }
    uint64_t delay = next_delay(t, node);
    node->until_ns = delay < UINT64_MAX - t->now_ns ? t->now_ns + delay : UINT64_MAX;
    tree_move(t, at, TREE_IS_WAITING);
    struct tree_action *action = act(t, TREE_WAIT, at);
    say_limit(action, node, window);
    action->restart = window_count(window, t->now_ns);
    action->delay_ns = delay;
    action->until_ns = node->until_ns;
    batch_siblings(t, at);
    release(t, at);
}

/* T-2: it was not told to end by the tree. */
static void decide(struct tree *t, uint32_t at, enum tree_how how) {
    enum restart_policy policy = t->nodes[at].restart->policy;
    enum tree_verdict verdict = t->judged == at ? t->verdict : TREE_BY_POLICY;
    if (how == TREE_STOPPED) {
        close_node(t, at, TREE_WHY_STOPPED);
    } else if (verdict == TREE_LET_GO) {
        close_node(t, at, TREE_WHY_COORDINATOR);
    } else if (verdict == TREE_NO_MORE) {
        give_up(t, at, NULL);
    } else if (verdict == TREE_RESTART && !(how == TREE_CLEAN && t->stopping)) {
        restart(t, at);
    } else if (how == TREE_CLEAN && (policy != RESTART_PERMANENT || t->stopping)) {
        close_node(t, at, TREE_WHY_FINISHED);
    } else if (how == TREE_FAILED && policy == RESTART_TEMPORARY) {
        close_node(t, at, TREE_WHY_TEMPORARY);
    } else {
        restart(t, at);
    }
}

/* It was told to end with its siblings or its group, and stays down until they start again. */
static void set_aside(struct tree *t, uint32_t at, enum tree_how how) {
    const struct tree_node *node = &t->nodes[at];
    if (how == TREE_CLEAN && node->restart->policy != RESTART_PERMANENT) {
        close_node(t, at, TREE_WHY_FINISHED);
    } else if (node->batched && node->restart->policy == RESTART_TEMPORARY) {
        close_node(t, at, TREE_WHY_TEMPORARY);
    } else if (how == TREE_FAILED) {
        (void)act(t, TREE_ABSORB, at);
    }
}

/* The node is down, and all below it. */
static void ended(struct tree *t, uint32_t at) {
    struct tree_node *node = &t->nodes[at];
    uint32_t up = node->parent;
    enum tree_how how = node->failing ? TREE_FAILED : node->last.how;
    node->gone = false;
    tree_move(t, at, TREE_IS_DOWN);
    if (t->aborting) {
        close_node(t, at, TREE_WHY_ABORTED);
    } else if (node->leaving) {
        close_node(t, at, TREE_WHY_REMOVED);
    } else if (node->supervise && node->open == 0) {
        close_node(t, at, TREE_WHY_EMPTY);
    } else if (node->batched || !in_service(t, up)) {
        set_aside(t, at, how);
    } else if (node->again && how != TREE_CLEAN) {
        start(t, at);
    } else {
        decide(t, at, how);
    }
    if (t->nodes[up].gone && t->nodes[up].alive == 0) {
        ended(t, up);
    } else {
        release_batch(t, up);
    }
}

static void hear_ended(struct tree *t, uint32_t at, const struct tree_event *event) {
    struct tree_node *node = &t->nodes[at];
    if (!is_alive(node->state) || node->incarnation != event->incarnation || node->gone) {
        return;
    }
    if (!node->failing) {
        node->last =
            (struct tree_cause){node->number, event->incarnation, event->how, event->detail};
    }
    if (!t->aborting) {
        stop_range(t, at + 1, node->end, TREE_WHY_GROUP, at);
    }
    if (node->alive == 0) {
        ended(t, at);
        return;
    }
    /* Against D-1, but a member that never began may be told late. */
    node->gone = true;
    if (node->state != TREE_IS_STOPPING) {
        tree_move(t, at, TREE_IS_STOPPING);
    }
}

static void hear_started(struct tree *t, uint32_t at, uint32_t incarnation) {
    struct tree_node *node = &t->nodes[at];
    if (node->state == TREE_IS_STARTING && node->incarnation == incarnation) {
        tree_move(t, at, TREE_IS_RUNNING);
        node->was_up = true;
        node->up_since_ns = t->now_ns;
    }
}

static void hear_removed(struct tree *t, uint32_t at) {
    struct tree_node *node = &t->nodes[at];
    if (node->state == TREE_IS_DOWN || node->state == TREE_IS_WAITING) {
        close_node(t, at, TREE_WHY_REMOVED);
    } else if (node->state != TREE_IS_CLOSED) {
        node->leaving = true;
        /* One that stops already stays in its batch: the others wait for its end (T-3). */
        if (node->state != TREE_IS_STOPPING && !t->aborting) {
            stop_range(t, at, node->end, TREE_WHY_REMOVED, at);
        }
    }
}

/* One that is down gets what is new when it starts. */
static void hear_again(struct tree *t, uint32_t at) {
    if (in_service(t, at) && !t->stopping && !t->aborting) {
        t->nodes[at].again = true;
        stop_range(t, at, t->nodes[at].end, TREE_WHY_AGAIN, at);
    }
}

static void hear_begin(struct tree *t) {
    if (t->begun) {
        return;
    }
    t->begun = true;
    for (uint32_t i = 0; i < t->count; i = t->nodes[i].end) {
        if (t->nodes[i].state == TREE_IS_DOWN) {
            start(t, i);
        }
    }
}

/* DR-3 */
static void hear_stopping(struct tree *t) {
    t->stopping = true;
    for (uint32_t i = 0; i < t->count; i++) {
        if (t->nodes[i].state == TREE_IS_WAITING) {
            t->nodes[i].until_ns = t->now_ns;
        }
    }
    for (uint32_t i = 0; i < t->count; i++) {
        release(t, i);
    }
}

static void hear_aborting(struct tree *t) {
    t->aborting = true;
    for (uint32_t i = t->count; i-- > 0;) {
        enum tree_state state = t->nodes[i].state;
        if (state == TREE_IS_DOWN || state == TREE_IS_WAITING) {
            tree_move(t, i, TREE_IS_CLOSED);
            act(t, TREE_CLOSE, i)->why = TREE_WHY_ABORTED;
        }
    }
}

static void hear_added(struct tree *t, uint32_t at) {
    bool may_start = t->begun && !t->stopping && !t->aborting && in_service(t, t->nodes[at].parent);
    if (t->nodes[at].state == TREE_IS_DOWN && may_start) {
        start(t, at);
    }
}

static void hear_of_node(struct tree *t, uint32_t at, const struct tree_event *event) {
    switch (event->kind) {
    case TREE_EVENT_STARTED:
        hear_started(t, at, event->incarnation);
        break;
    case TREE_EVENT_ENDED:
        if (t->nodes[at].parent == t->count) {
            t->judged = at;
            t->verdict = event->verdict;
        }
        hear_ended(t, at, event);
        break;
    case TREE_EVENT_DUE:
        release(t, at);
        break;
    case TREE_EVENT_REMOVED:
        hear_removed(t, at);
        break;
    case TREE_EVENT_AGAIN:
        hear_again(t, at);
        break;
    case TREE_EVENT_ADDED:
        hear_added(t, at);
        break;
    default:
        break;
    }
}

/* From places to numbers. */
static void number_actions(struct tree *t) {
    for (uint32_t i = 0; i < t->actions->count; i++) {
        struct tree_action *action = &t->actions->items[i];
        action->node = t->nodes[action->node].number;
        action->other = action->other == PLAN_NONE ? PLAN_NONE : t->nodes[action->other].number;
    }
}

void tree_step(struct tree *t, const struct tree_event *event, uint64_t now_ns,
               struct tree_actions *actions) {
    t->now_ns = now_ns;
    t->random = event->random;
    t->judged = PLAN_NONE;
    t->actions = actions;
    actions->count = 0;
    if (event->kind == TREE_EVENT_BEGIN) {
        hear_begin(t);
    } else if (event->kind == TREE_EVENT_STOPPING) {
        hear_stopping(t);
    } else if (event->kind == TREE_EVENT_ABORTING) {
        hear_aborting(t);
    } else if (event->node < t->count) {
        hear_of_node(t, t->places[event->node], event);
    }
    act_starts(t);
    number_actions(t);
    t->actions = NULL;
}

enum tree_state tree_state(const struct tree *t, uint32_t at) {
    return t->nodes[t->places[at]].state;
}

const char *tree_state_text(enum tree_state state) {
    return state_texts[state];
}

uint32_t tree_incarnation(const struct tree *t, uint32_t at) {
    return t->nodes[t->places[at]].incarnation;
}

bool tree_waits_for_ends(const struct tree *t, uint32_t node) {
    uint32_t at = t->places[node];
    while (at != t->count) {
        const struct tree_node *here = &t->nodes[at];
        const struct tree_node *up = &t->nodes[here->parent];
        if (here->state == TREE_IS_STOPPING || (here->batched && up->batch_alive > 0)) {
            return true;
        }
        if (here->state != TREE_IS_DOWN || (here->batched && in_service(t, here->parent))) {
            return false;
        }
        at = here->parent; /* it starts again with its group only */
    }
    return false;
}

uint64_t tree_until_ns(const struct tree *t, uint32_t at) {
    return t->nodes[t->places[at]].until_ns;
}

bool tree_is_over(const struct tree *t) {
    return t->nodes[t->count].open == 0;
}
