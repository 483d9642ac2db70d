/* A tree of actors for tests, written as text: "a g(b h(c)) d"; what a step does, as text too.
 *
 * Every name is one letter, a group's members stand in brackets. All restart when they fail
 * (transient), at most three times in 10 s, after 100 ms, 200 ms, up to 1 s. A test changes the policies
 * it is about, then begins. */
#pragma once

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "lib/test.h"
#include "supervise/tree.h"

#define GIVEN_MAX 32

struct given {
    struct plan plan;
    struct manifest manifest;
    struct manifest_actor specs[GIVEN_MAX];
    struct plan_actor actors[GIVEN_MAX];
    uint32_t added; /* behind those of the plan */
    char paths[GIVEN_MAX][2];
    uint32_t order[GIVEN_MAX];
    struct tree *tree;
    struct tree_actions actions;
    uint64_t now_ns;
    struct str said;
    struct err err;
};

static inline const struct backoff_policy *given_backoff(void) {
    static const struct backoff_policy policy = {100 * NS_PER_MS, NS_PER_S, 2, 0};
    return &policy;
}

static inline struct supervise_policy given_supervise(void) {
    return (struct supervise_policy){STRATEGY_ONE_FOR_ONE, 3, 10 * NS_PER_S, *given_backoff()};
}

static inline void given_add(struct given *g, char name, uint32_t parent) {
    uint32_t at = (uint32_t)g->plan.actor_count++;
    assert_true(at < GIVEN_MAX);
    g->paths[at][0] = name;
    g->order[at] = at;
    g->specs[at].supervise = given_supervise();
    g->specs[at].restart =
        (struct restart_block){RESTART_TRANSIENT, false, 3, 10 * NS_PER_S, *given_backoff()};
    g->actors[at] =
        (struct plan_actor){.path = g->paths[at], .parent = parent, .spec = &g->specs[at]};
}

static inline void given_tree(struct given *g, const char *text) {
    uint32_t parent = PLAN_NONE;
    g->plan.manifest = &g->manifest;
    g->plan.actors = g->actors;
    g->plan.init_order = g->order;
    g->manifest.supervision = given_supervise();
    for (; *text; text++) {
        if (*text == '(') {
            parent = (uint32_t)g->plan.actor_count - 1;
            g->actors[parent].is_group = true;
        } else if (*text == ')') {
            parent = g->actors[parent].parent;
        } else if (*text != ' ') {
            given_add(g, *text, parent);
        }
    }
}

static inline uint32_t given_node(const struct given *g, char name) {
    for (uint32_t i = 0; i < g->plan.actor_count + g->added; i++) {
        if (g->paths[i][0] == name) {
            return i;
        }
    }
    fail_msg("the test's tree has no '%c'", name);
    return 0;
}

static inline struct restart_block *given_restart(struct given *g, char name) {
    return &g->specs[given_node(g, name)].restart;
}

/* Of a group; '-' for the coordinator. */
static inline struct supervise_policy *given_policy(struct given *g, char name) {
    return name == '-' ? &g->manifest.supervision : &g->specs[given_node(g, name)].supervise;
}

static inline void given_say(struct given *g, const struct tree_action *action) {
    static const char *const verbs[] = {"start", "wait",    "stop",  "close",
                                        "fail",  "give up", "absorb"};
    static const char *const whys[] = {"",         "finished", "stopped", "temporary",
                                       "given up", "group",    "empty",   "removed",
                                       "aborted",  "sibling",  "",        "again"};
    struct str *said = &g->said;
    str_addf(said, "%s%s %s", said->size ? ", " : "", verbs[action->verb], g->paths[action->node]);
    if (action->verb == TREE_WAIT) {
        str_addf(said, " %u/%u%s %llums", (unsigned)action->restart, (unsigned)action->limit,
                 action->alone ? " alone" : "", (unsigned long long)(action->delay_ns / NS_PER_MS));
        assert_int_equal(action->until_ns, g->now_ns + action->delay_ns);
    } else if (action->verb == TREE_FAIL || action->verb == TREE_GIVE_UP) {
        str_addf(said, " by %s%s", g->paths[action->cause.node],
                 action->cause.how == TREE_FAILED ? "" : " which ended");
    } else if (action->why) {
        str_addf(said, " (%s)", whys[action->why]);
    }
}

/* Makes a step; what follows stands in the text until the next. */
static inline const char *given_step(struct given *g, struct tree_event event) {
    tree_step(g->tree, &event, g->now_ns, &g->actions);
    str_clear(&g->said);
    for (uint32_t i = 0; i < g->actions.count; i++) {
        given_say(g, &g->actions.items[i]);
    }
    return str_text(&g->said);
}

/* An event that is about no node. */
static inline const char *hears(struct given *g, enum tree_event_kind kind) {
    return given_step(g, (struct tree_event){.kind = kind});
}

static inline const char *given_begin(struct given *g) {
    assert_int_equal(tree_create(&g->plan, &g->tree, &g->err), 0);
    assert_int_equal(tree_actions_init(&g->actions, g->tree, &g->err), 0);
    return hears(g, TREE_EVENT_BEGIN);
}

static inline const char *started(struct given *g, char name) {
    uint32_t at = given_node(g, name);
    return given_step(g, (struct tree_event){.kind = TREE_EVENT_STARTED,
                                             .node = at,
                                             .incarnation = tree_incarnation(g->tree, at)});
}

static inline const char *ended(struct given *g, char name, enum tree_how how) {
    uint32_t at = given_node(g, name);
    return given_step(g, (struct tree_event){.kind = TREE_EVENT_ENDED,
                                             .node = at,
                                             .incarnation = tree_incarnation(g->tree, at),
                                             .how = how,
                                             .detail = at + 100});
}

static inline const char *fails(struct given *g, char name) {
    return ended(g, name, TREE_FAILED);
}

static inline const char *finishes(struct given *g, char name) {
    return ended(g, name, TREE_CLEAN);
}

static inline const char *stopped(struct given *g, char name) {
    return ended(g, name, TREE_STOPPED);
}

/* At the time it waits for. */
static inline const char *due(struct given *g, char name) {
    uint32_t at = given_node(g, name);
    g->now_ns = tree_until_ns(g->tree, at);
    return given_step(g, (struct tree_event){.kind = TREE_EVENT_DUE, .node = at});
}

static inline const char *removed(struct given *g, char name) {
    return given_step(g,
                      (struct tree_event){.kind = TREE_EVENT_REMOVED, .node = given_node(g, name)});
}

/* Whoever was told to start has started. */
static inline void all_start(struct given *g) {
    for (uint32_t i = 0; i < g->plan.actor_count + g->added; i++) {
        if (tree_state(g->tree, i) == TREE_IS_STARTING) {
            assert_string_equal(started(g, g->paths[i][0]), "");
        }
    }
}

static inline void given_running(struct given *g) {
    (void)given_begin(g);
    all_start(g);
}

static inline const char *state_of(const struct given *g, char name) {
    return tree_state_text(tree_state(g->tree, given_node(g, name)));
}

static inline int given_setup(void **state) {
    struct given *g = test_calloc(1, sizeof *g);
    g->now_ns = 1000 * NS_PER_S;
    *state = g;
    return 0;
}

static inline int given_teardown(void **state) {
    struct given *g = *state;
    tree_destroy(g->tree);
    tree_actions_fini(&g->actions);
    str_fini(&g->said);
    test_free(g);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, given_setup, given_teardown)
