/* The driver: tells the tree what happened, and carries out what follows (tree.h: D-1 to D-4). */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/str.h"
#include "sched/sched.h"
#include "supervise/supervisor_impl.h"

static struct inst *instance(struct supervisor *sup, uint32_t at) {
    return proc_actor(sup->proc, at);
}

static bool is_group(const struct supervisor *sup, uint32_t at) {
    return sup->actors[at]->plan->is_group;
}

/* --- what is said once the lock is free --- */

__attribute__((format(printf, 5, 6))) static void say_locked(struct supervisor *sup,
                                                             struct sup_after *after,
                                                             enum log_level level, uint32_t at,
                                                             const char *format, ...) {
    if (!sup->log || !log_wants(sup->log, level)) {
        return;
    }
    struct sup_line *line = mem_alloc(sizeof *line);
    if (!line) {
        return; /* the result says the same at the end */
    }
    line->level = level;
    if (at != PLAN_NONE) {
        inst_name(instance(sup, at), line->name, sizeof line->name);
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line->text, sizeof line->text, format, args);
    va_end(args);
    list_add_last(&after->lines, &line->link);
}

/* Without the lock. */
void sup_after(struct supervisor *sup, struct sup_after *after) {
    while (!list_is_empty(&after->lines)) {
        struct sup_line *line = LIST_OF(after->lines.next, struct sup_line, link);
        list_remove(&line->link);
        log_write(sup->log, line->level, line->name[0] ? line->name : NULL, "%s", line->text);
        mem_free(line);
    }
    if (after->stop) {
        supervisor_stop(sup, after->stop);
    }
}

void sup_after_init(struct sup_after *after) {
    list_init(&after->lines);
    after->stop = NULL;
}

/* --- facts of ends --- */

static void describe_failure(const struct inst_end *end, char *text, size_t size) {
    if (!end->failed) {
        (void)snprintf(text, size, "actor '%s' ended too often: %s", end->name, end->text);
    } else if (strcmp(end->name, end->root) == 0) {
        (void)snprintf(text, size, "actor '%s' failed: %s", end->name, end->text);
    } else {
        (void)snprintf(text, size, "actor '%s' failed: %s (it began with '%s')", end->name,
                       end->text, end->root);
    }
}

static void keep_end(struct sup_actor *actor, const struct inst_end *end) {
    if (!actor->end) {
        actor->end = mem_alloc(sizeof *actor->end);
    }
    if (actor->end) {
        *actor->end = *end; /* with frames, which are lent until the step is over */
    }
}

/* How the last life of a node ended; without memory for it, at least who. */
static const struct inst_end *end_of(struct supervisor *sup, uint32_t at, struct inst_end *room) {
    if (sup->actors[at]->end) {
        return sup->actors[at]->end;
    }
    *room = (struct inst_end){.failed = true, .status = TROUPE_NO_MEMORY, .text = "out of memory"};
    inst_name(instance(sup, at), room->name, sizeof room->name);
    memcpy(room->root, room->name, sizeof room->root);
    return room;
}

static void fail_deployment_locked(struct supervisor *sup, struct sup_after *after,
                                   const char *cause) {
    if (!sup->result.failed) {
        sup->result.failed = true;
        (void)snprintf(sup->result.cause, sizeof sup->result.cause, "%s", cause);
    }
    after->stop = after->stop ? after->stop : "an actor failed";
}

void sup_orphan_failed_locked(struct supervisor *sup, const struct inst_end *end,
                              struct sup_after *after) {
    char cause[sizeof sup->result.cause];
    describe_failure(end, cause, sizeof cause);
    say_locked(sup, after, LOG_ERROR, PLAN_NONE, "%s", cause);
    fail_deployment_locked(sup, after, cause);
}

/* --- actions --- */

/* D-2 */
static bool may_begin(const struct supervisor *sup, uint32_t at) {
    const struct sup_actor *actor = sup->actors[at];
    if (actor->parent != PLAN_NONE && tree_state(sup->tree, actor->parent) != TREE_IS_RUNNING) {
        return false;
    }
    for (size_t i = 0; i < actor->after_count; i++) {
        enum tree_state state = tree_state(sup->tree, actor->after[i]);
        if (state != TREE_IS_RUNNING && state != TREE_IS_CLOSED) {
            return false;
        }
    }
    return true;
}

static void try_begin(struct supervisor *sup, uint32_t at) {
    struct sup_actor *actor = sup->actors[at];
    if (actor->begun || tree_state(sup->tree, at) != TREE_IS_STARTING) {
        return;
    }
    if (may_begin(sup, at)) {
        actor->begun = true;
        inst_signal(instance(sup, at),
                    SIGNAL_START | (is_group(sup, at) && sup->stopping ? SIGNAL_STOPPING : 0));
    }
}

static void try_begin_dependents(struct supervisor *sup, uint32_t at) {
    const struct sup_actor *actor = sup->actors[at];
    for (uint32_t i = 0; i < actor->starts.count; i++) {
        try_begin(sup, actor->starts.items[i]);
    }
    if (is_group(sup, at)) {
        uint32_t end = tree_place_behind(sup->tree, at);
        for (uint32_t i = tree_place(sup->tree, at) + 1; i < end; i++) {
            try_begin(sup, tree_node_at(sup->tree, i));
        }
    }
}

/* It has closed. Where it never got ready and all is to end, those who were to start after it need not. */
static void release_dependents(struct supervisor *sup, uint32_t at, const struct sup_after *after) {
    const struct sup_actor *actor = sup->actors[at];
    if (actor->ready || !(sup->stopping || after->stop)) {
        try_begin_dependents(sup, at);
        return;
    }
    for (uint32_t i = 0; i < actor->starts.count; i++) {
        uint32_t dependent = actor->starts.items[i];
        if (!sup->actors[dependent]->begun &&
            tree_state(sup->tree, dependent) == TREE_IS_STARTING) {
            inst_signal(instance(sup, dependent), SIGNAL_STOP);
        }
    }
}

/* A group's own life ends after those of its members (D-1). */
static void end_group(struct supervisor *sup, uint32_t at) {
    struct sup_actor *group = sup->actors[at];
    struct inst *in = instance(sup, at);
    if (group->alive > 0 || group->ends_as == 0) {
        return;
    }
    unsigned ends_as = group->ends_as;
    group->ends_as = 0;
    struct inst_end room;
    if (ends_as != SIGNAL_FAIL || inst_fail(in, end_of(sup, at, &room)) < 0) {
        inst_signal(in, ends_as == SIGNAL_FAIL ? SIGNAL_STOP : ends_as);
    }
}

static void begin_group_end(struct supervisor *sup, uint32_t at, unsigned ends_as) {
    sup->actors[at]->ends_as = ends_as;
    inst_signal(instance(sup, at), SIGNAL_STOPPING);
    end_group(sup, at);
}

static void group_alive(struct supervisor *sup, uint32_t at, int change) {
    uint32_t parent = sup->actors[at]->parent;
    if (parent != PLAN_NONE) {
        sup->actors[parent]->alive += (uint32_t)change;
    }
}

/* SV-7 */
static void stop_took_too_long(struct timer *timer, uint64_t now_ns) {
    struct sup_actor *actor = LIST_OF(timer, struct sup_actor, stop_timer);
    struct supervisor *sup = actor->sup;
    uint32_t at = actor->at;
    struct sup_after after;
    (void)now_ns;
    sup_after_init(&after);
    pthread_mutex_lock(&sup->lock);
    if (tree_state(sup->tree, at) == TREE_IS_STOPPING &&
        tree_incarnation(sup->tree, at) == actor->stop_of) {
        say_locked(sup, &after, LOG_WARN, at, "did not stop within its stop_timeout: aborted");
        inst_signal(instance(sup, at), SIGNAL_ABORT);
    }
    pthread_mutex_unlock(&sup->lock);
    sup_after(sup, &after);
}

static void stop_locked(struct supervisor *sup, const struct tree_action *action) {
    struct sup_actor *actor = sup->actors[action->node];
    if (is_group(sup, action->node)) {
        begin_group_end(sup, action->node, SIGNAL_STOP);
        return;
    }
    inst_signal(instance(sup, action->node), SIGNAL_STOP);
    actor->stop_of = action->incarnation;
    timers_start_in(proc_timers(sup->proc), &actor->stop_timer,
                    sup->actors[action->node]->plan->spec->stop_timeout_ns);
}

static void came_due(struct timer *timer, uint64_t now_ns) {
    struct sup_actor *actor = LIST_OF(timer, struct sup_actor, wait_timer);
    struct supervisor *sup = actor->sup;
    struct tree_event event = {.kind = TREE_EVENT_DUE, .node = actor->at};
    struct sup_after after;
    (void)now_ns;
    sup_after_init(&after);
    pthread_mutex_lock(&sup->lock);
    sup_step_locked(sup, &event, &after);
    pthread_mutex_unlock(&sup->lock);
    sup_after(sup, &after);
}

/* Once, before their first start: who fires them reads it. */
void sup_timers_init(struct sup_actor *actor) {
    actor->wait_timer.fire = came_due;
    actor->stop_timer.fire = stop_took_too_long;
}

static void wait_locked(struct supervisor *sup, const struct tree_action *action) {
    struct sup_actor *actor = sup->actors[action->node];
    if (tree_state(sup->tree, action->node) == TREE_IS_WAITING) {
        timers_start(proc_timers(sup->proc), &actor->wait_timer, action->until_ns);
    }
}

static void say_action(struct supervisor *sup, struct sup_after *after,
                       const struct tree_action *action, enum log_level level) {
    struct str text;
    str_init(&text);
    tree_describe(sup->tree, action, &text);
    say_locked(sup, after, level, action->node, "%s", str_text(&text));
    str_fini(&text);
}

/* The stack of a panic, a line a frame, below what it belongs to. */
static void say_frames(struct supervisor *sup, struct sup_after *after, enum log_level level,
                       const struct inst_end *end) {
    const char *line = end->frames;
    while (line && *line) {
        const char *next = strchr(line, '\n');
        int size = next ? (int)(next - line) : (int)strlen(line);
        say_locked(sup, after, level, PLAN_NONE, "  %.*s", size, line);
        line = next ? next + 1 : NULL;
    }
}

/* "actor 'p/x[0]' failed: WHY; restart 2 of 5 in 10s, in 210ms" */
static void say_end(struct supervisor *sup, struct sup_after *after,
                    const struct tree_action *action, enum log_level level) {
    struct inst_end room;
    const struct inst_end *end = end_of(sup, action->node, &room);
    char what[sizeof sup->result.cause];
    struct str text;
    if (end->failed) {
        describe_failure(end, what, sizeof what);
    } else {
        (void)snprintf(what, sizeof what, "actor '%s' ended: %s", end->name, end->text);
    }
    str_init(&text);
    tree_describe(sup->tree, action, &text);
    say_locked(sup, after, level, PLAN_NONE, "%s; %s", what, str_text(&text));
    str_fini(&text);
    say_frames(sup, after, level, end);
}

/* Until all have been ready once, each is needed: without it the deployment has not come up. */
static void close_locked(struct supervisor *sup, const struct tree_action *action,
                         struct sup_after *after) {
    struct sup_actor *actor = sup->actors[action->node];
    const struct inst_end *end = actor->end;
    bool failed = end && end->failed && end->incarnation == actor->heard;
    bool was_stopped =
        action->why == TREE_WHY_STOPPED || (action->why == TREE_WHY_REMOVED && failed && end->told);
    if (failed && (action->why == TREE_WHY_TEMPORARY || was_stopped)) {
        say_end(sup, after, action, LOG_ERROR);
    }
    if (failed && !sup->stopping && !sup->result.all_started && action->why == TREE_WHY_TEMPORARY) {
        char cause[sizeof sup->result.cause];
        describe_failure(end, cause, sizeof cause);
        fail_deployment_locked(sup, after, cause);
    }
    if (failed && was_stopped && !sup->result.failed) {
        sup->result.failed = true; /* its cleanup failed: all ends in order, but not well */
        describe_failure(end, sup->result.cause, sizeof sup->result.cause);
    }
    inst_signal(instance(sup, action->node),
                SIGNAL_CLOSE | (action->why == TREE_WHY_ABORTED ? SIGNAL_ABORT : 0));
}

/* The group fails as its member did, with the same root cause (SV-1). */
static void fail_locked(struct supervisor *sup, const struct tree_action *action,
                        struct sup_after *after) {
    struct inst_end room;
    const struct inst_end *member = end_of(sup, action->other, &room);
    struct inst_end end = {.failed = true, .status = member->status};
    (void)snprintf(end.text, sizeof end.text, "child '%s' %s: %.300s", member->name,
                   member->failed ? "failed" : "ended too often", member->text);
    inst_name(instance(sup, action->node), end.name, sizeof end.name);
    memcpy(end.root, member->root, sizeof end.root);
    keep_end(sup->actors[action->node], &end);
    say_end(sup, after, action, LOG_WARN);
    begin_group_end(sup, action->node, SIGNAL_FAIL);
}

static void give_up_locked(struct supervisor *sup, const struct tree_action *action,
                           struct sup_after *after) {
    struct inst_end room;
    char cause[sizeof sup->result.cause];
    describe_failure(end_of(sup, action->node, &room), cause, sizeof cause);
    if (action->limit > 0) {
        struct str text;
        str_init(&text);
        tree_describe(sup->tree, action, &text);
        size_t used = strlen(cause);
        (void)snprintf(cause + used, sizeof cause - used, "; the deployment %s", str_text(&text));
        str_fini(&text);
    }
    say_locked(sup, after, LOG_ERROR, PLAN_NONE, "%s", cause);
    say_frames(sup, after, LOG_ERROR, end_of(sup, action->node, &room));
    proc_note_failure(sup->proc, cause, end_of(sup, action->node, &room)->root);
    fail_deployment_locked(sup, after, cause);
}

static void carry_out_locked(struct supervisor *sup, const struct tree_action *action,
                             struct sup_after *after) {
    switch (action->verb) {
    case TREE_START:
        sup->actors[action->node]->begun = false;
        group_alive(sup, action->node, 1);
        break;
    case TREE_WAIT:
        say_end(sup, after, action, action->cause.how == TREE_FAILED ? LOG_WARN : LOG_INFO);
        wait_locked(sup, action);
        break;
    case TREE_STOP:
        say_action(sup, after, action, LOG_DEBUG);
        stop_locked(sup, action);
        break;
    case TREE_CLOSE:
        close_locked(sup, action, after);
        break;
    case TREE_FAIL:
        fail_locked(sup, action, after);
        break;
    case TREE_GIVE_UP:
        give_up_locked(sup, action, after);
        break;
    case TREE_ABSORB:
        say_end(sup, after, action, LOG_WARN);
        break;
    }
}

static uint64_t random_number(struct supervisor *sup) {
    uint64_t number = 0;
    if (sched_is_seeded(proc_sched(sup->proc))) {
        return sched_random(proc_sched(sup->proc), UINT64_MAX);
    }
    (void)!getrandom(&number, sizeof number, GRND_NONBLOCK); /* only for jitter */
    return number;
}

/* --- who can't begin before others have ended --- */

/* One of those, or one whom they wait for, may wait for room in it: its slot has to know. Whom it names in
 * `after`, and its group, have been asked before. */
static bool is_held(const struct supervisor *sup, uint32_t at) {
    const struct sup_actor *actor = sup->actors[at];
    enum tree_state state = tree_state(sup->tree, at);
    bool held = state == TREE_IS_DOWN || state == TREE_IS_WAITING;
    held = held && tree_waits_for_ends(sup->tree, at);
    if (state != TREE_IS_STARTING || sup->actors[at]->begun) {
        return held;
    }
    if (actor->parent != PLAN_NONE) {
        held = tree_state(sup->tree, actor->parent) == TREE_IS_STOPPING ||
               sup->actors[actor->parent]->held;
    }
    for (size_t i = 0; i < actor->after_count && !held; i++) {
        held = tree_state(sup->tree, actor->after[i]) == TREE_IS_STOPPING ||
               sup->actors[actor->after[i]]->held;
    }
    return held;
}

static void hold_locked(struct supervisor *sup) {
    for (uint32_t i = 0; i < sup->count; i++) {
        uint32_t at = tree_start_order(sup->tree, i);
        struct sup_actor *actor = sup->actors[at];
        bool held = is_held(sup, at);
        if (held == actor->held) {
            continue;
        }
        actor->held = held;
        sup->held_count += held ? 1u : UINT32_MAX;
        inst_unsignal(instance(sup, at), SIGNAL_HOLD | SIGNAL_UNHOLD);
        inst_signal(instance(sup, at), held ? SIGNAL_HOLD : SIGNAL_UNHOLD);
    }
}

/* Whether the step can have made one wait for others' ends. */
static bool somebody_waits(const struct supervisor *sup, const struct tree_event *event) {
    if (event->kind == TREE_EVENT_ENDED && tree_state(sup->tree, event->node) != TREE_IS_CLOSED) {
        return true;
    }
    for (uint32_t i = 0; i < sup->actions.count; i++) {
        const struct tree_action *action = &sup->actions.items[i];
        if (action->verb == TREE_STOP || action->verb == TREE_FAIL ||
            (action->verb == TREE_START && action->incarnation > 1)) {
            return true;
        }
    }
    return false;
}

void sup_step_locked(struct supervisor *sup, struct tree_event *event, struct sup_after *after) {
    struct clock *clock = proc_clock(sup->proc);
    event->random = event->kind == TREE_EVENT_ENDED ? random_number(sup) : 0;
    tree_step(sup->tree, event, clock->now(clock), &sup->actions);
    for (uint32_t i = 0; i < sup->actions.count; i++) {
        carry_out_locked(sup, &sup->actions.items[i], after);
    }
    for (uint32_t i = 0; i < sup->actions.count; i++) {
        const struct tree_action *action = &sup->actions.items[i];
        if (action->verb == TREE_START) {
            try_begin(sup, action->node);
        } else if (action->verb == TREE_CLOSE) {
            release_dependents(sup, action->node, after);
        }
    }
    if (sup->held_count > 0 || somebody_waits(sup, event)) {
        hold_locked(sup);
    }
}

void sup_started_locked(struct supervisor *sup, uint32_t at, struct sup_after *after) {
    struct tree_event event = {
        .kind = TREE_EVENT_STARTED, .node = at, .incarnation = tree_incarnation(sup->tree, at)};
    sup_step_locked(sup, &event, after);
    try_begin_dependents(sup, at);
}

static enum tree_how how_it_ended(const struct inst_end *end) {
    return end->told ? TREE_STOPPED : end->failed ? TREE_FAILED : TREE_CLEAN;
}

_Static_assert((int)SUPERVISOR_BY_POLICY == (int)TREE_BY_POLICY &&
                   (int)SUPERVISOR_RESTART == (int)TREE_RESTART &&
                   (int)SUPERVISOR_LET_GO == (int)TREE_LET_GO &&
                   (int)SUPERVISOR_GIVE_UP == (int)TREE_NO_MORE,
               "the coordinator's words and the tree's are the same numbers");

/* It was added, and did not come up: it goes again, whatever its policy says. */
static void fail_trial_locked(struct supervisor *sup, uint32_t at, const struct inst_end *end,
                              struct sup_after *after) {
    if (!sup->trial.failed) {
        sup->trial = *end;
        sup->trial.frames = NULL;
        sup_heard_locked(sup);
    }
    sup_remove_locked(sup, at, after);
}

void sup_ended_locked(struct supervisor *sup, uint32_t at, const struct inst_end *end,
                      enum supervisor_verdict verdict, struct sup_after *after) {
    struct sup_actor *actor = sup->actors[at];
    uint32_t parent = actor->parent;
    struct tree_event event = {.kind = TREE_EVENT_ENDED,
                               .node = at,
                               .incarnation = tree_incarnation(sup->tree, at),
                               .how = how_it_ended(end),
                               .verdict = (enum tree_verdict)verdict};
    if (actor->on_trial && !actor->ready && end->failed) {
        fail_trial_locked(sup, at, end, after);
    }
    /* what was meant for the life that ended; from here on the tree speaks to the next one */
    inst_unsignal(instance(sup, at), SIGNALS_OF_A_LIFE);
    group_alive(sup, at, -1);
    keep_end(actor, end);
    actor->heard = end->incarnation;
    sup_step_locked(sup, &event, after);
    if (actor->end) {
        actor->end->frames = NULL;
    }
    if (parent != PLAN_NONE) {
        end_group(sup, parent);
    }
}

bool sup_is_idle_locked(const struct supervisor *sup, uint32_t at) {
    enum tree_state state = tree_state(sup->tree, at);
    bool is_down = state == TREE_IS_DOWN || state == TREE_IS_WAITING;
    return is_down && inst_depth(proc_actor(sup->proc, at)) == 0;
}

/* DR-3: sources that wait for a restart have nothing to drain, and nobody sends to them. */
static void remove_idle_sources(struct supervisor *sup, struct sup_after *after) {
    for (uint32_t i = 0; i < sup->count; i++) {
        if (tree_state(sup->tree, i) != TREE_IS_WAITING || is_group(sup, i)) {
            continue;
        }
        const struct sup_cycle *cycle = &sup->cycles[sup->actors[i]->cycle];
        if (!cycle->is_cycle && cycle->open_inputs == 0 && sup_is_idle_locked(sup, i)) {
            struct tree_event event = {.kind = TREE_EVENT_REMOVED, .node = i};
            sup_step_locked(sup, &event, after);
        }
    }
}

void sup_stopping_locked(struct supervisor *sup, struct sup_after *after) {
    struct tree_event event = {.kind = TREE_EVENT_STOPPING};
    remove_idle_sources(sup, after);
    for (uint32_t i = 0; i < sup->count; i++) {
        if (is_group(sup, i) && tree_state(sup->tree, i) == TREE_IS_RUNNING) {
            inst_signal(instance(sup, i), SIGNAL_STOPPING);
        }
    }
    sup_step_locked(sup, &event, after);
}

void sup_remove_locked(struct supervisor *sup, uint32_t at, struct sup_after *after) {
    struct tree_event event = {.kind = TREE_EVENT_REMOVED, .node = at};
    sup_step_locked(sup, &event, after);
}

void sup_drain_locked(struct supervisor *sup, uint32_t at, struct sup_after *after) {
    if (sup_is_idle_locked(sup, at)) {
        sup_remove_locked(sup, at, after);
    } else {
        inst_signal(instance(sup, at), SIGNAL_DRAIN);
    }
}

/* Those who stand in these places and are alive, the last one first. */
static void abort_range(struct supervisor *sup, uint32_t first, uint32_t end) {
    for (uint32_t i = end; i-- > first;) {
        uint32_t at = tree_node_at(sup->tree, i);
        enum tree_state state = tree_state(sup->tree, at);
        if (state == TREE_IS_DOWN || state == TREE_IS_WAITING || state == TREE_IS_CLOSED) {
            continue;
        }
        if (is_group(sup, at)) {
            begin_group_end(sup, at, SIGNAL_ABORT);
        } else {
            inst_signal(instance(sup, at), SIGNAL_ABORT);
        }
    }
}

/* In this order: what the tree says of it is a stop, and must not be obeyed first. */
void sup_abort_locked(struct supervisor *sup, uint32_t at, struct sup_after *after) {
    abort_range(sup, tree_place(sup->tree, at), tree_place_behind(sup->tree, at));
    sup_remove_locked(sup, at, after);
}

void sup_aborting_locked(struct supervisor *sup, struct sup_after *after) {
    struct tree_event event = {.kind = TREE_EVENT_ABORTING};
    sup_step_locked(sup, &event, after);
    abort_range(sup, 0, sup->count);
}
