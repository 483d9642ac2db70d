/* What a tree of generated policies may do, told again in the plainest way: a model that believes
 * nothing of the tree and checks each action against the rules T-1 to T-7 of tree.h. */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "lib/test.h"
#include "supervise/tree.h"

#define NODES_MAX 30
#define DEPTH_MAX 4
#define RESTARTS_MAX 4096

struct model_node {
    bool alive, up, told; /* told: to end, by STOP or FAIL */
    bool closed, waiting, removed;
    bool gone;   /* a group that has ended before its members */
    bool failed; /* a group that got FAIL */
    bool batch;  /* starts again with siblings */
    bool started_now;
    bool wanted;       /* by the coordinator, whatever its policy */
    enum tree_how how; /* of the last end */
    uint32_t incarnation;
    uint64_t until_ns, up_since_ns;
    uint64_t base_ns;
    struct tree_cause cause;
};

struct model_restart {              /* a WAIT */
    uint32_t who, supervisor, life; /* life: the supervisor's incarnation */
    uint64_t at_ns;
};

struct model {
    uint64_t seed, random;
    unsigned step;
    struct plan plan;
    struct manifest manifest;
    struct manifest_actor specs[NODES_MAX];
    struct plan_actor actors[NODES_MAX];
    char paths[NODES_MAX][12];
    uint32_t order[NODES_MAX];
    uint32_t count;
    struct model_node nodes[NODES_MAX];
    uint64_t now_ns;
    bool stopping, aborting, gave_up;
    struct model_restart restarts[RESTARTS_MAX];
    uint32_t restart_count;

    struct tree *tree;
    struct tree_actions actions;
    struct tree_event event;
    uint32_t down[NODES_MAX]; /* who goes down in this step, below its group */
    uint32_t down_count;
    bool talks;
    unsigned seen[TREE_ABSORB + 1], whys[TREE_WHY_COUNT]; /* verbs and reasons of all actions */
};

#define CHECK(m, condition)                                                                        \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fail_msg("step %u: not so: %s\n  replay: TROUPE_SEED=%llu %s", (m)->step, #condition,  \
                     (unsigned long long)(m)->seed, program_invocation_name);                      \
        }                                                                                          \
    } while (0)

static inline uint64_t model_random(struct model *m, uint64_t bound) { /* splitmix64 */
    uint64_t z = (m->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return bound ? z % bound : z;
}

static inline bool is_open(const struct model *m, uint32_t at) {
    return !m->nodes[at].closed;
}

static inline bool is_below(const struct model *m, uint32_t at, uint32_t group) {
    while (at != PLAN_NONE && at != group) {
        at = m->actors[at].parent;
    }
    return at == group;
}

static inline bool any_alive_below(const struct model *m, uint32_t group) {
    for (uint32_t i = group + 1; i < m->count; i++) {
        if (m->nodes[i].alive && is_below(m, i, group)) {
            return true;
        }
    }
    return false;
}

static inline bool in_service(const struct model *m, uint32_t supervisor) {
    return supervisor == PLAN_NONE ||
           (m->nodes[supervisor].alive && !m->nodes[supervisor].told && !m->nodes[supervisor].gone);
}

static inline const struct supervise_policy *policy_of(const struct model *m, uint32_t supervisor) {
    return supervisor == PLAN_NONE ? &m->manifest.supervision : &m->specs[supervisor].supervise;
}

static inline bool effectively_failed(const struct model_node *node) {
    return node->failed || node->how == TREE_FAILED;
}

/* --- generating ------------------------------------------------------------------------------ */

static inline struct backoff_policy generate_backoff(struct model *m) {
    uint64_t initial = 1 + model_random(m, 200) * (model_random(m, 2) ? NS_PER_MS : 1);
    return (struct backoff_policy){initial, initial + model_random(m, 2000 * NS_PER_MS),
                                   1 + (double)model_random(m, 30) / 10,
                                   (double)model_random(m, 11) / 10};
}

static inline uint64_t generate_period(struct model *m) {
    static const uint64_t units[] = {1, NS_PER_MS, 100 * NS_PER_MS, 10 * NS_PER_S};
    return units[model_random(m, 4)] * (1 + model_random(m, 9));
}

static inline struct supervise_policy generate_supervise(struct model *m) {
    return (struct supervise_policy){(enum strategy)model_random(m, 3),
                                     (uint32_t)model_random(m, 6), generate_period(m),
                                     generate_backoff(m)};
}

static inline struct restart_block generate_restart(struct model *m) {
    return (struct restart_block){model_random(m, 2) ? RESTART_TRANSIENT
                                                     : (enum restart_policy)model_random(m, 3),
                                  model_random(m, 4) == 0, (uint32_t)model_random(m, 4),
                                  generate_period(m), generate_backoff(m)};
}

static inline void generate_level(struct model *m, uint32_t parent, unsigned depth, uint32_t room) {
    uint64_t members = 1 + model_random(m, 6);
    for (uint64_t i = 0; i < members && m->count < room; i++) {
        uint32_t at = m->count++;
        bool is_group = depth < DEPTH_MAX && m->count < room && model_random(m, 3) == 0;
        (void)snprintf(m->paths[at], sizeof m->paths[at], "%u", (unsigned)at);
        m->specs[at].restart = generate_restart(m);
        m->specs[at].supervise = generate_supervise(m);
        m->actors[at] = (struct plan_actor){
            .path = m->paths[at], .parent = parent, .is_group = is_group, .spec = &m->specs[at]};
        if (is_group) {
            generate_level(m, at, depth + 1, room);
        }
    }
}

static inline void generate_order(struct model *m) {
    bool placed[NODES_MAX] = {false};
    for (uint32_t i = 0; i < m->count;) {
        uint32_t at = (uint32_t)model_random(m, m->count);
        uint32_t parent = m->actors[at].parent;
        if (!placed[at] && (parent == PLAN_NONE || placed[parent])) {
            placed[at] = true;
            m->order[i++] = at;
        }
    }
}

static inline void model_init(struct model *m, uint64_t seed) {
    memset(m, 0, sizeof *m);
    m->seed = seed;
    m->random = seed;
    m->now_ns = model_random(m, NS_PER_S);
    m->manifest.supervision = generate_supervise(m);
    generate_level(m, PLAN_NONE, 1, 1 + (uint32_t)model_random(m, NODES_MAX));
    generate_order(m);
    m->plan = (struct plan){.manifest = &m->manifest,
                            .actors = m->actors,
                            .actor_count = m->count,
                            .init_order = m->order};
    assert_int_equal(tree_create(&m->plan, &m->tree, NULL), 0);
    assert_int_equal(tree_actions_init(&m->actions, m->tree, NULL), 0);
}

static inline void model_fini(struct model *m) {
    tree_destroy(m->tree);
    tree_actions_fini(&m->actions);
}

/* --- checking -------------------------------------------------------------------------------- */

/* Restarts that count together with those of `who`, within the period that ends now. */
static inline uint32_t restarts_so_far(const struct model *m, uint32_t who) {
    uint32_t supervisor = m->actors[who].parent;
    const struct restart_block *own = &m->specs[who].restart;
    uint64_t period = own->own ? own->period_ns : policy_of(m, supervisor)->period_ns;
    uint32_t life = supervisor == PLAN_NONE ? 0 : m->nodes[supervisor].incarnation;
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->restart_count; i++) {
        const struct model_restart *r = &m->restarts[i];
        bool same = own->own ? r->who == who : !m->specs[r->who].restart.own;
        count +=
            same && r->supervisor == supervisor && r->life == life && m->now_ns - r->at_ns < period;
    }
    return count;
}

static inline uint32_t limit_of(const struct model *m, uint32_t who) {
    const struct restart_block *own = &m->specs[who].restart;
    return own->own ? own->intensity : policy_of(m, m->actors[who].parent)->intensity;
}

static inline bool goes_down(const struct model *m, uint32_t who) {
    for (uint32_t i = 0; i < m->down_count; i++) {
        if (m->down[i] == who) {
            return true;
        }
    }
    return false;
}

/* What the coordinator said of a root in this step. */
static inline enum tree_verdict verdict_on(const struct model *m, uint32_t who) {
    bool judged = m->event.kind == TREE_EVENT_ENDED && m->event.node == who &&
                  m->actors[who].parent == PLAN_NONE;
    return judged ? m->event.verdict : TREE_BY_POLICY;
}

/* Only for one whose end was its own affair: not one that was told, nor whose group was. */
static inline void check_own_affair(struct model *m, uint32_t who) {
    const struct model_node *node = &m->nodes[who];
    enum restart_policy policy = m->specs[who].restart.policy;
    CHECK(m, goes_down(m, who));
    CHECK(m, !m->aborting && !node->removed && !node->batch && is_open(m, who));
    CHECK(m, in_service(m, m->actors[who].parent));
    enum tree_verdict verdict = verdict_on(m, who);
    CHECK(m, verdict != TREE_LET_GO);
    if (verdict != TREE_BY_POLICY) {
        CHECK(m, effectively_failed(node) || node->how == TREE_CLEAN);
        return;
    }
    CHECK(m, policy != RESTART_TEMPORARY);
    CHECK(m, effectively_failed(node) ||
                 (policy == RESTART_PERMANENT && node->how == TREE_CLEAN && !m->stopping));
}

static inline void check_delay(struct model *m, const struct tree_action *action) {
    struct model_node *node = &m->nodes[action->node];
    const struct restart_block *restart = &m->specs[action->node].restart;
    const struct backoff_policy *backoff = &restart->backoff;
    if (node->up && m->now_ns - node->up_since_ns >= restart->period_ns) {
        node->base_ns = 0;
    }
    double grown =
        node->base_ns ? (double)node->base_ns * backoff->factor : (double)backoff->initial_ns;
    node->base_ns = grown < (double)backoff->max_ns ? (uint64_t)grown : backoff->max_ns;
    double base = (double)node->base_ns;
    CHECK(m, action->until_ns == m->now_ns + action->delay_ns);
    if (m->stopping) {
        CHECK(m, action->delay_ns == 0);
        return;
    }
    CHECK(m, (double)action->delay_ns >= base * (1 - backoff->jitter) - 1);
    CHECK(m, (double)action->delay_ns <= base * (1 + backoff->jitter) + 1);
    CHECK(m, action->delay_ns <= backoff->max_ns);
}

/* The STOPs behind action `at` are exactly those of `wanted`, the last first. */
static inline void check_stops(struct model *m, uint32_t at, const bool *wanted) {
    for (uint32_t i = m->count; i-- > 0;) {
        if (wanted[i] && m->nodes[i].alive && !m->nodes[i].told) {
            at++;
            CHECK(m, at < m->actions.count);
            CHECK(m, m->actions.items[at].verb == TREE_STOP && m->actions.items[at].node == i);
        }
    }
    CHECK(m, at + 1 >= m->actions.count || m->actions.items[at + 1].verb != TREE_STOP);
}

static inline void check_wait(struct model *m, uint32_t at) {
    const struct tree_action *action = &m->actions.items[at];
    uint32_t who = action->node;
    uint32_t up = m->actors[who].parent;
    enum strategy strategy = policy_of(m, up)->strategy;
    check_own_affair(m, who);
    CHECK(m, verdict_on(m, who) != TREE_NO_MORE);
    CHECK(m, restarts_so_far(m, who) < limit_of(m, who));
    CHECK(m, m->restart_count < RESTARTS_MAX);
    m->restarts[m->restart_count++] =
        (struct model_restart){who, up, up == PLAN_NONE ? 0 : m->nodes[up].incarnation, m->now_ns};
    CHECK(m, action->restart == restarts_so_far(m, who) && action->limit == limit_of(m, who));
    check_delay(m, action);
    bool wanted[NODES_MAX] = {false};
    for (uint32_t i = 0; i < m->count && strategy != STRATEGY_ONE_FOR_ONE; i++) {
        bool later = strategy == STRATEGY_ONE_FOR_ALL || i >= who;
        if (m->actors[i].parent == up && is_open(m, i) && later) {
            m->nodes[i].batch = true;
            for (uint32_t k = i; k < m->count; k++) {
                wanted[k] = wanted[k] || (i != who && is_below(m, k, i));
            }
        }
    }
    m->nodes[who].wanted = verdict_on(m, who) == TREE_RESTART;
    m->nodes[who].waiting = true;
    m->nodes[who].until_ns = action->until_ns;
    check_stops(m, at, wanted);
}

static inline void check_excess(struct model *m, uint32_t who, const struct tree_cause *cause) {
    check_own_affair(m, who);
    CHECK(m, verdict_on(m, who) == TREE_NO_MORE || restarts_so_far(m, who) == limit_of(m, who));
    const struct tree_cause *mine = &m->nodes[who].cause;
    CHECK(m, cause->node == mine->node && cause->incarnation == mine->incarnation);
    CHECK(m, cause->how == mine->how && cause->detail == mine->detail);
}

static inline void check_fail(struct model *m, uint32_t at) {
    const struct tree_action *action = &m->actions.items[at];
    uint32_t group = action->node;
    bool wanted[NODES_MAX] = {false};
    CHECK(m, action->other != PLAN_NONE && m->actors[action->other].parent == group);
    check_excess(m, action->other, &action->cause);
    m->nodes[group].failed = true;
    m->nodes[group].told = true;
    m->nodes[group].cause = action->cause;
    for (uint32_t i = group + 1; i < m->count; i++) {
        wanted[i] = is_below(m, i, group);
        if (wanted[i]) {
            m->nodes[i].waiting = false;
            m->nodes[i].batch = false;
        }
    }
    check_stops(m, at, wanted);
}

static inline void check_give_up(struct model *m, uint32_t at) {
    const struct tree_action *action = &m->actions.items[at];
    CHECK(m, m->actors[action->node].parent == PLAN_NONE);
    CHECK(m, !m->gave_up);
    m->gave_up = true;
    check_excess(m, action->node, &action->cause);
}

static inline void check_close_reason(struct model *m, const struct tree_action *action) {
    const struct model_node *node = &m->nodes[action->node];
    enum restart_policy policy = m->specs[action->node].restart.policy;
    bool own = in_service(m, m->actors[action->node].parent);
    switch (action->why) {
    case TREE_WHY_FINISHED:
        CHECK(m, !effectively_failed(node) && node->how == TREE_CLEAN);
        CHECK(m, policy != RESTART_PERMANENT || (m->stopping && own && !node->batch));
        break;
    case TREE_WHY_STOPPED:
        CHECK(m, !effectively_failed(node) && node->how == TREE_STOPPED && own && !node->batch);
        break;
    case TREE_WHY_TEMPORARY:
        CHECK(m, policy == RESTART_TEMPORARY && own);
        CHECK(m, effectively_failed(node) || node->batch);
        break;
    case TREE_WHY_REMOVED:
        CHECK(m, node->removed && !m->aborting);
        break;
    case TREE_WHY_COORDINATOR:
        CHECK(m, verdict_on(m, action->node) == TREE_LET_GO && node->how != TREE_STOPPED);
        break;
    default:
        CHECK(m, (action->why == TREE_WHY_ABORTED) <= m->aborting);
        break;
    }
}

static inline void check_close(struct model *m, uint32_t at) {
    const struct tree_action *action = &m->actions.items[at];
    struct model_node *node = &m->nodes[action->node];
    CHECK(m, !node->alive);
    for (uint32_t i = action->node + 1; i < m->count; i++) {
        CHECK(m, !is_open(m, i) || !is_below(m, i, action->node));
    }
    if (action->why == TREE_WHY_GIVEN_UP) {
        check_excess(m, action->node, &action->cause);
        CHECK(m, m->gave_up);
    }
    check_close_reason(m, action);
    node->closed = true;
    node->waiting = false;
    node->batch = false;
}

static inline void check_stop(struct model *m, uint32_t at) {
    const struct tree_action *action = &m->actions.items[at];
    struct model_node *node = &m->nodes[action->node];
    CHECK(m, node->alive && !node->told);
    node->told = true;
    if (action->why == TREE_WHY_EMPTY) {
        for (uint32_t i = action->node + 1; i < m->count; i++) {
            CHECK(m, !is_open(m, i) || !is_below(m, i, action->node));
        }
    }
    /* what is below it is told, or down and no longer due */
    for (uint32_t i = action->node; i < m->count; i++) {
        if (is_below(m, i, action->node)) {
            m->nodes[i].waiting = false;
            m->nodes[i].batch = m->nodes[i].batch && i == action->node;
        }
    }
}

static inline void check_absorb(struct model *m, uint32_t at) {
    uint32_t who = m->actions.items[at].node;
    const struct model_node *node = &m->nodes[who];
    CHECK(m, goes_down(m, who) && effectively_failed(node));
    CHECK(m, node->batch || !in_service(m, m->actors[who].parent));
}

/* Of those it starts together with: nobody is left who stops or waits. */
static inline void check_batch(struct model *m, uint32_t who) {
    uint32_t up = m->actors[who].parent;
    for (uint32_t i = 0; i < m->count; i++) {
        const struct model_node *node = &m->nodes[i];
        if (m->actors[i].parent != up || !node->batch) {
            continue;
        }
        CHECK(m, node->started_now || !node->alive);
        CHECK(m, !node->waiting || node->until_ns <= m->now_ns);
        bool starts = false;
        for (uint32_t a = 0; a < m->actions.count; a++) {
            const struct tree_action *action = &m->actions.items[a];
            starts |= action->verb == TREE_START && action->node == i;
        }
        CHECK(m, starts);
    }
}

static inline void check_start(struct model *m, uint32_t at) {
    const struct tree_action *action = &m->actions.items[at];
    uint32_t who = action->node;
    uint32_t up = m->actors[who].parent;
    struct model_node *node = &m->nodes[who];
    bool with_group = up != PLAN_NONE && m->nodes[up].started_now;
    CHECK(m, !node->alive && !m->aborting);
    CHECK(m, in_service(m, up));
    if (!with_group && m->event.kind != TREE_EVENT_BEGIN) {
        CHECK(m, m->specs[who].restart.policy != RESTART_TEMPORARY || node->wanted);
        CHECK(m, node->waiting || node->batch);
        CHECK(m, !node->waiting || node->until_ns <= m->now_ns);
        if (node->batch) {
            check_batch(m, who);
        }
    }
    CHECK(m, action->incarnation == node->incarnation + 1);
    node->started_now = true;
    node->alive = true;
    node->up = node->told = node->failed = node->gone = false;
    node->incarnation++;
}

/* The STARTs of a step: in init order; a group with all its open members. */
static inline void check_starts(struct model *m) {
    uint32_t next = 0;
    for (uint32_t a = 0; a < m->actions.count; a++) {
        if (m->actions.items[a].verb != TREE_START) {
            continue;
        }
        while (next < m->count && m->order[next] != m->actions.items[a].node) {
            next++;
        }
        CHECK(m, next < m->count);
    }
    for (uint32_t i = 0; i < m->count; i++) {
        uint32_t up = m->actors[i].parent;
        if (is_open(m, i) && up != PLAN_NONE && m->nodes[up].started_now) {
            CHECK(m, m->nodes[i].started_now);
        }
    }
    for (uint32_t i = 0; i < m->count; i++) {
        if (m->nodes[i].started_now) {
            m->nodes[i].started_now = false;
            m->nodes[i].waiting = false;
            m->nodes[i].batch = false;
        }
    }
}

/* T-1: whose failure came to be known is dealt with in exactly one way. */
static inline void check_decisions(struct model *m, const bool *failed) {
    for (uint32_t who = 0; who < m->count; who++) {
        unsigned ways = 0;
        for (uint32_t a = 0; a < m->actions.count; a++) {
            const struct tree_action *action = &m->actions.items[a];
            bool mine = action->node == who;
            ways += (action->verb == TREE_WAIT || action->verb == TREE_ABSORB) && mine;
            ways += action->verb == TREE_FAIL && action->other == who;
            ways += action->verb == TREE_CLOSE && mine && action->why != TREE_WHY_GROUP;
        }
        CHECK(m, failed[who] ? ways == 1 : ways <= 1);
    }
}

static inline void check_action(struct model *m, uint32_t at) {
    static void (*const checks[])(struct model *, uint32_t) = {
        [TREE_START] = check_start,  [TREE_WAIT] = check_wait, [TREE_STOP] = check_stop,
        [TREE_CLOSE] = check_close,  [TREE_FAIL] = check_fail, [TREE_GIVE_UP] = check_give_up,
        [TREE_ABSORB] = check_absorb};
    const struct tree_action *action = &m->actions.items[at];
    CHECK(m, action->node < m->count);
    CHECK(m, !m->aborting || action->verb == TREE_CLOSE);
    CHECK(m, is_open(m, action->node));
    m->seen[action->verb]++;
    m->whys[action->why]++;
    checks[action->verb](m, at);
}

/* Model and tree agree about every node. */
static inline void check_states(struct model *m) {
    for (uint32_t i = 0; i < m->count; i++) {
        const struct model_node *node = &m->nodes[i];
        enum tree_state state = tree_state(m->tree, i);
        bool alive =
            state == TREE_IS_STARTING || state == TREE_IS_RUNNING || state == TREE_IS_STOPPING;
        CHECK(m, (state == TREE_IS_CLOSED) == node->closed);
        CHECK(m, (state == TREE_IS_WAITING) == node->waiting);
        CHECK(m, alive == (node->alive || node->gone));
        CHECK(m, tree_incarnation(m->tree, i) == node->incarnation);
    }
}
