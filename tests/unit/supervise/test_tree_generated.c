/* The tree step on generated trees, policies and orders of events, against a model of its rules.
 *
 * TROUPE_SEED=N runs one seed and tells each step; TROUPE_RUNS=N runs so many seeds. */
#include "model.h"

#include <stdlib.h>

#define RUNS 10000
#define STEPS 400

/* What happened in all runs: a check that never had anything to look at proves nothing. */
static unsigned verbs_seen[TREE_ABSORB + 1];
static unsigned whys_seen[TREE_WHY_COUNT];

static void tell(struct model *m) {
    static const char *const kinds[] = {"begin",    "started",  "ended",  "due",
                                        "stopping", "aborting", "removed"};
    static const char *const hows[] = {"clean", "stopped", "failed"};
    struct str text;
    str_init(&text);
    print_message("%u at %llu: %s %u#%u", m->step, (unsigned long long)m->now_ns,
                  kinds[m->event.kind], (unsigned)m->event.node, (unsigned)m->event.incarnation);
    print_message(m->event.kind == TREE_EVENT_ENDED ? " %s\n" : "\n", hows[m->event.how]);
    for (uint32_t a = 0; a < m->actions.count; a++) {
        str_clear(&text);
        tree_describe(m->tree, &m->actions.items[a], &text);
        print_message("    %u: %s\n", (unsigned)m->actions.items[a].node, str_text(&text));
    }
    str_fini(&text);
}

/* Makes the step of m->event and checks it; `failed`: whose failure it makes known. */
static void step_checked(struct model *m, const bool *failed) {
    m->step++;
    m->event.random = model_random(m, 0);
    tree_step(m->tree, &m->event, m->now_ns, &m->actions);
    if (m->talks) {
        tell(m);
    }
    check_decisions(m, failed);
    for (uint32_t a = 0; a < m->actions.count; a++) {
        check_action(m, a);
    }
    check_starts(m);
    check_states(m);
}

static void step(struct model *m) {
    const bool failed[NODES_MAX] = {false};
    m->down_count = 0;
    step_checked(m, failed);
}

/* After this end no restart may follow (T-2). */
static bool must_close(const struct model *m, uint32_t at) {
    const struct model_node *node = &m->nodes[at];
    bool permanent = m->specs[at].restart.policy == RESTART_PERMANENT;
    bool own = in_service(m, m->actors[at].parent) && !node->batch;
    if (effectively_failed(node)) {
        return node->batch && m->specs[at].restart.policy == RESTART_TEMPORARY;
    }
    if (node->how == TREE_CLEAN && own && !m->stopping && verdict_on(m, at) == TREE_RESTART) {
        return false;
    }
    if (node->how == TREE_STOPPED) {
        return own || (node->batch && m->specs[at].restart.policy == RESTART_TEMPORARY);
    }
    return !permanent || (own && m->stopping);
}

/* The ends that become complete with that of `at`: its own, and those of groups above that only
 * waited for it. */
static void note_down(struct model *m, uint32_t at) {
    m->down_count = 0;
    while (at != PLAN_NONE && !any_alive_below(m, at)) {
        m->down[m->down_count++] = at;
        m->nodes[at].gone = false;
        uint32_t up = m->actors[at].parent;
        at = up != PLAN_NONE && m->nodes[up].gone ? up : PLAN_NONE;
    }
}

static void end(struct model *m, uint32_t at, enum tree_how how) {
    struct model_node *node = &m->nodes[at];
    bool failed[NODES_MAX] = {false};
    bool over[NODES_MAX] = {false};
    m->event =
        (struct tree_event){.kind = TREE_EVENT_ENDED,
                            .node = at,
                            .incarnation = node->incarnation,
                            .how = how,
                            .detail = m->step,
                            .verdict = model_random(m, 8) ? TREE_BY_POLICY : model_random(m, 4)};
    node->alive = false;
    node->how = how;
    if (!node->failed) {
        node->cause = (struct tree_cause){at, node->incarnation, how, m->step};
    }
    note_down(m, at);
    for (uint32_t i = 0; i < m->down_count; i++) {
        failed[m->down[i]] = effectively_failed(&m->nodes[m->down[i]]);
        over[m->down[i]] = must_close(m, m->down[i]);
    }
    node->gone = m->down_count == 0;
    for (uint32_t i = at + 1; i < m->count && !m->aborting; i++) {
        if (is_below(m, i, at)) {
            m->nodes[i].batch = m->nodes[i].waiting = false;
        }
    }
    step_checked(m, failed);
    for (uint32_t i = 0; i < m->count; i++) {
        CHECK(m, !over[i] || m->nodes[i].closed);
    }
}

static enum tree_how random_how(struct model *m, uint32_t at) {
    const struct model_node *node = &m->nodes[at];
    uint64_t dice = model_random(m, 20);
    if (node->failed) {
        return TREE_FAILED;
    }
    if (node->told) {
        return dice < 3 ? TREE_FAILED : dice == 3 ? TREE_CLEAN : TREE_STOPPED;
    }
    return dice < 15 ? TREE_FAILED : dice < 19 ? TREE_CLEAN : TREE_STOPPED;
}

/* An actor mostly; a group that nobody told to end rarely ends, and against D-1 before its members
 * more rarely still. */
static void random_end(struct model *m, uint32_t at) {
    const struct model_node *node = &m->nodes[at];
    bool group = m->actors[at].is_group;
    if (!node->alive || (group && !node->told && model_random(m, 60)) ||
        (any_alive_below(m, at) && model_random(m, 60))) {
        return;
    }
    end(m, at, random_how(m, at));
}

static void random_started(struct model *m, uint32_t at) {
    struct model_node *node = &m->nodes[at];
    uint32_t up = m->actors[at].parent;
    if (!node->alive || node->up || (up != PLAN_NONE && !m->nodes[up].up)) {
        return;
    }
    m->event = (struct tree_event){
        .kind = TREE_EVENT_STARTED, .node = at, .incarnation = node->incarnation};
    if (!node->told) {
        node->up = true;
        node->up_since_ns = m->now_ns;
    }
    step(m);
    CHECK(m, m->actions.count == 0);
}

static void hear_due(struct model *m, uint32_t at) {
    m->event = (struct tree_event){.kind = TREE_EVENT_DUE, .node = at};
    step(m);
}

static void random_due(struct model *m, uint32_t at) {
    const struct model_node *node = &m->nodes[at];
    if (node->waiting && model_random(m, 4)) {
        uint64_t late = model_random(m, 3) ? 0 : model_random(m, NS_PER_S);
        m->now_ns = node->until_ns > m->now_ns ? node->until_ns + late : m->now_ns;
    }
    hear_due(m, at);
}

/* Something that no longer fits, or never did. */
static void random_nonsense(struct model *m, uint32_t at) {
    const struct model_node *node = &m->nodes[at];
    m->event = (struct tree_event){
        .kind = model_random(m, 2) ? TREE_EVENT_STARTED : TREE_EVENT_ENDED,
        .node = model_random(m, 8) ? at : m->count + (uint32_t)model_random(m, 2),
        .incarnation = node->incarnation + (node->alive ? 1 + (uint32_t)model_random(m, 2) : 0),
        .how = (enum tree_how)model_random(m, 3)};
    step(m);
    CHECK(m, m->actions.count == 0);
}

static void remove_node(struct model *m, uint32_t at) {
    m->nodes[at].removed = !m->nodes[at].closed;
    m->event = (struct tree_event){.kind = TREE_EVENT_REMOVED, .node = at};
    step(m);
    CHECK(m, m->nodes[at].closed || m->nodes[at].told || m->aborting || m->nodes[at].gone);
}

static void hear(struct model *m, enum tree_event_kind kind) {
    m->event = (struct tree_event){.kind = kind};
    m->stopping |= kind != TREE_EVENT_BEGIN;
    m->aborting |= kind == TREE_EVENT_ABORTING;
    for (uint32_t i = 0; i < m->count && m->stopping; i++) {
        m->nodes[i].until_ns = m->now_ns;
    }
    step(m);
}

static void random_event(struct model *m) {
    static const uint64_t scales[] = {1, 1000, NS_PER_MS, 100 * NS_PER_MS, 3 * NS_PER_S};
    uint32_t at = (uint32_t)model_random(m, m->count);
    uint64_t dice = model_random(m, 1000);
    m->now_ns += model_random(m, 3) ? 0 : model_random(m, scales[model_random(m, 5)]);
    if (dice < 350) {
        random_started(m, at);
    } else if (dice < 650) {
        random_end(m, at);
    } else if (dice < 900) {
        random_due(m, at);
    } else if (dice < 994) {
        random_nonsense(m, at);
    } else if (dice < 998) {
        remove_node(m, at);
    } else {
        hear(m, model_random(m, 4) ? TREE_EVENT_STOPPING : TREE_EVENT_ABORTING);
    }
}

/* Whoever's time has come, or passed unheard. */
static void all_due(struct model *m) {
    for (uint32_t i = 0; i < m->count; i++) {
        hear_due(m, i);
    }
}

/* One more thing that the tree waits for; false: it waits for nothing. */
static bool settle_one(struct model *m) {
    for (uint32_t i = m->count; i-- > 0;) {
        const struct model_node *node = &m->nodes[i];
        uint32_t up = m->actors[i].parent;
        bool can_start = up == PLAN_NONE || m->nodes[up].up;
        if (node->alive && (node->told || m->aborting) && !any_alive_below(m, i)) {
            end(m, i, node->failed ? TREE_FAILED : TREE_STOPPED);
            return true;
        }
        if (node->alive && !node->told && !node->up && can_start) {
            random_started(m, i);
            return true;
        }
        if (node->waiting && node->until_ns > m->now_ns) {
            m->now_ns = node->until_ns;
            all_due(m);
            return true;
        }
    }
    return false;
}

/* Nothing that could run is left behind: whoever is open runs, once all that was asked for has come. */
static void check_nobody_is_forgotten(struct model *m) {
    all_due(m);
    for (unsigned i = 0; settle_one(m); i++) {
        CHECK(m, i < 10000);
    }
    for (uint32_t i = 0; i < m->count; i++) {
        CHECK(m, m->nodes[i].closed || (!m->aborting && tree_state(m->tree, i) == TREE_IS_RUNNING));
    }
}

static void check_end(struct model *m) {
    for (uint32_t i = m->count; i-- > 0;) {
        if (m->nodes[i].alive) {
            end(m, i, TREE_STOPPED);
        }
    }
    CHECK(m, tree_is_over(m->tree));
}

static void run(uint64_t seed, bool talks) {
    static struct model m;
    model_init(&m, seed);
    m.talks = talks;
    hear(&m, TREE_EVENT_BEGIN);
    for (unsigned i = 0; i < STEPS; i++) {
        random_event(&m);
    }
    check_nobody_is_forgotten(&m);
    check_end(&m);
    for (unsigned i = 0; i <= TREE_ABSORB; i++) {
        verbs_seen[i] += m.seen[i];
    }
    for (unsigned i = 0; i < TREE_WHY_COUNT; i++) {
        whys_seen[i] += m.whys[i];
    }
    model_fini(&m);
}

static uint64_t number_from(const char *name) {
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : 0;
}

static void test_sv5_rules_hold_for_generated_trees_and_orders_of_events(void **state) {
    (void)state;
    uint64_t seed = number_from("TROUPE_SEED");
    uint64_t runs = number_from("TROUPE_RUNS");
    if (seed) {
        run(seed, true);
        return;
    }

    for (uint64_t i = 1; i <= (runs ? runs : RUNS); i++) {
        run(i, false);
    }

    for (unsigned i = 0; i <= TREE_ABSORB; i++) {
        assert_true(verbs_seen[i] > 50);
    }
    for (unsigned i = 0; i < TREE_WHY_COUNT; i++) {
        assert_true(whys_seen[i] > 50 || i == TREE_WHY_AGAIN); /* see test_tree_changed.c */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sv5_rules_hold_for_generated_trees_and_orders_of_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
