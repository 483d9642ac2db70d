/* The supervisor: hears from the proc, starts, stops, aborts, tells how it ended. */
#include "supervise/supervisor.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/list.h"
#include "supervise/supervisor_impl.h"

/* How long an abort may take before those who do not react are given up. */
#define ABORT_GRACE_NS NS_PER_S

static void say(struct supervisor *sup, enum log_level level, const char *text) {
    if (sup->log && log_wants(sup->log, level)) {
        log_write(sup->log, level, NULL, "%s", text);
    }
}

int supervisor_create(const struct plan *plan, struct log *log, struct supervisor **ret,
                      struct err *err) {
    struct supervisor *sup = mem_alloc(sizeof *sup);
    if (!sup) {
        return err_set(err, ERR_NOMEM, "supervisor");
    }
    sup->plan = plan;
    sup->manifest = plan->manifest;
    sup->log = log;
    sup->count = (uint32_t)plan->actor_count;
    pthread_mutex_init(&sup->lock, NULL);
    pthread_cond_init(&sup->over_changed, NULL);
    sup_heard_init(sup);
    if (tree_create(plan, &sup->tree, err) < 0 ||
        tree_actions_init(&sup->actions, sup->tree, err) < 0) {
        supervisor_destroy(sup);
        return -1;
    }
    if (sup_graph_build(sup) < 0) {
        supervisor_destroy(sup);
        return err_set(err, ERR_NOMEM, "supervisor of %zu actors", plan->actor_count);
    }
    for (uint32_t i = 0; i < sup->count; i++) {
        sup_timers_init(sup->actors[i]);
    }
    *ret = sup;
    return 0;
}

void supervisor_destroy(struct supervisor *sup) {
    if (!sup) {
        return;
    }
    if (sup->proc) {
        struct timers *timers = proc_timers(sup->proc);
        (void)timers_stop(timers, &sup->stop_timer);
        (void)timers_stop(timers, &sup->abort_timer);
        for (uint32_t i = 0; i < sup->count; i++) {
            (void)timers_stop(timers, &sup->actors[i]->wait_timer);
            (void)timers_stop(timers, &sup->actors[i]->stop_timer);
        }
    }
    sup_graph_free(sup);
    tree_actions_fini(&sup->actions);
    tree_destroy(sup->tree);
    pthread_cond_destroy(&sup->over_changed);
    pthread_cond_destroy(&sup->heard);
    pthread_mutex_destroy(&sup->lock);
    mem_free(sup);
}

/* Each has been ready once, or never will be. */
static bool all_have_begun(const struct supervisor *sup) {
    return sup->ready_count + sup->never_ready_count == sup->count;
}

static void heard_ready(void *context, struct inst *in) {
    struct supervisor *sup = context;
    uint32_t at = inst_plan_index(in);
    struct sup_after after;
    sup_after_init(&after);
    pthread_mutex_lock(&sup->lock);
    struct sup_actor *actor = sup->actors[at];
    bool first = !actor->ready;
    sup->ready_count += first;
    actor->ready = true;
    sup_heard_locked(sup);
    sup_started_locked(sup, at, &after);
    bool all = sup->ready_count == sup->count && !sup->result.all_started;
    sup->result.all_started |= all;
    if (first && all_have_begun(sup)) {
        sup_watch_cycles_locked(sup);
    }
    pthread_mutex_unlock(&sup->lock);
    sup_after(sup, &after);
    if (all) {
        say(sup, LOG_DEBUG, "all actors have started");
    }
}

static void note_unfinished_locked(struct supervisor *sup, const struct inst_end *end) {
    char *list = sup->result.unfinished;
    size_t used = strlen(list);
    if (used < sizeof sup->result.unfinished - 1) {
        (void)snprintf(list + used, sizeof sup->result.unfinished - used, "%s%s", used ? ", " : "",
                       end->name);
    }
}

int supervisor_set_coordinator(struct supervisor *sup,
                               const struct supervisor_coordinator *coordinator) {
    if (sup->coordinator.root_ended) {
        return -1;
    }
    sup->coordinator = *coordinator;
    return 0;
}

void supervisor_set_stays(struct supervisor *sup) {
    sup->stays = true;
}

/* Nobody is left, and nothing more is to come. */
static bool has_ended_locked(const struct supervisor *sup) {
    return sup->closed_count == sup->count && (sup->stopping || !sup->stays);
}

bool sup_is_ending_locked(const struct supervisor *sup) {
    return sup->stopping || sup->over || has_ended_locked(sup);
}

/* Without the lock: it is somebody else's code. */
static enum supervisor_verdict ask(struct supervisor *sup, uint32_t at,
                                   const struct inst_end *end) {
    const struct supervisor_coordinator *coordinator = &sup->coordinator;
    pthread_mutex_lock(&sup->lock); /* a root may be added meanwhile */
    bool is_root = sup->actors[at]->parent == PLAN_NONE;
    pthread_mutex_unlock(&sup->lock);
    return is_root && !end->told && coordinator->root_ended
               ? coordinator->root_ended(coordinator->context, end)
               : SUPERVISOR_BY_POLICY;
}

static void heard_ended(void *context, struct inst *in, const struct inst_end *end) {
    struct supervisor *sup = context;
    uint32_t at = inst_plan_index(in);
    struct sup_after after;
    if (sup->log && log_wants(sup->log, LOG_DEBUG)) {
        log_write(sup->log, LOG_DEBUG, end->name, "ended: %s", end->text);
    }
    enum supervisor_verdict verdict = ask(sup, at, end);
    sup_after_init(&after);
    pthread_mutex_lock(&sup->lock);
    if (sup->aborting && !sup->actors[at]->plan->is_group) {
        note_unfinished_locked(sup, end);
    }
    sup_ended_locked(sup, at, end, verdict, &after);
    pthread_mutex_unlock(&sup->lock);
    sup_after(sup, &after);
}

static void finish(struct supervisor *sup, bool stuck) {
    uint64_t dead = dead_total(proc_dead_letters(sup->proc));
    pthread_mutex_lock(&sup->lock);
    if (!sup->over) {
        sup->over = true;
        sup->result.stuck = stuck;
        sup->result.left = sup->aborting ? dead - sup->dead_before : 0;
        pthread_cond_broadcast(&sup->over_changed);
    }
    pthread_mutex_unlock(&sup->lock);
}

static void heard_closed(void *context, struct inst *in) {
    struct supervisor *sup = context;
    pthread_mutex_lock(&sup->lock);
    sup_closed_locked(sup, inst_plan_index(in));
    sup->closed_count++;
    sup_heard_locked(sup);
    bool all = has_ended_locked(sup);
    bool was_ready = sup->actors[inst_plan_index(in)]->ready;
    sup->never_ready_count += !was_ready;
    if (!was_ready && all_have_begun(sup)) {
        sup_watch_cycles_locked(sup);
    }
    pthread_mutex_unlock(&sup->lock);
    if (all) {
        finish(sup, false);
    }
}

static void heard_tick(void *context, bool idle) {
    struct supervisor *sup = context;
    pthread_mutex_lock(&sup->lock);
    sup_look_locked(sup, idle);
    pthread_mutex_unlock(&sup->lock);
}

void supervisor_orphan_failed(struct supervisor *sup, const struct inst_end *end) {
    const struct supervisor_coordinator *coordinator = &sup->coordinator;
    enum supervisor_verdict verdict = coordinator->root_ended
                                          ? coordinator->root_ended(coordinator->context, end)
                                          : SUPERVISOR_GIVE_UP;
    struct sup_after after;
    if (verdict == SUPERVISOR_LET_GO || verdict == SUPERVISOR_RESTART) {
        return; /* its parent decides about another one (SV-9) */
    }
    sup_after_init(&after);
    pthread_mutex_lock(&sup->lock);
    sup_orphan_failed_locked(sup, end, &after);
    pthread_mutex_unlock(&sup->lock);
    sup_after(sup, &after);
}

struct proc_observer supervisor_observer(struct supervisor *sup) {
    return (struct proc_observer){.ready = heard_ready,
                                  .ended = heard_ended,
                                  .closed = heard_closed,
                                  .ticked = heard_tick,
                                  .context = sup};
}

/* Whom it is wired to must not have been told to end: nothing more would come in. */
static int may_add_locked(const struct supervisor *sup, const struct supervisor_root *root,
                          struct err *err) {
    if (sup_is_ending_locked(sup)) {
        return err_set(err, ERR_STOPPED, "no actor is added to a proc that is stopping");
    }
    for (size_t i = 0; i < root->target_count; i++) {
        const struct sup_actor *target = sup->actors[root->targets[i]];
        if (target->closed || sup->cycles[target->cycle].ended) {
            return err_set(err, ERR_REFUSED, "'%s' cannot be wired to '%s', which %s",
                           root->plan->path, target->plan->path,
                           target->closed ? "has ended" : "is ending");
        }
    }
    return 0;
}

static int add_root_locked(struct supervisor *sup, struct sup_actor *actor,
                           const struct supervisor_root *root, struct err *err) {
    if (may_add_locked(sup, root, err) < 0 ||
        tree_add(sup->tree, sup->count, root->plan, PLAN_NONE, PLAN_NONE, &sup->actions, err) < 0) {
        return -1;
    }
    if (sup_graph_add(sup, actor, root->targets, root->target_count) < 0) {
        tree_remove_last(sup->tree);
        return err_set(err, ERR_NOMEM, "no memory to supervise '%s'", root->plan->path);
    }
    proc_show_actor(sup->proc, actor->at, root->in, root->plan, NULL);
    return 0;
}

void supervisor_start(struct supervisor *sup, struct proc *proc) {
    struct tree_event event = {.kind = TREE_EVENT_BEGIN};
    struct sup_after after;
    sup_after_init(&after);
    pthread_mutex_lock(&sup->lock);
    sup->proc = proc;
    sup_step_locked(sup, &event, &after);
    bool nothing = sup->count == 0 && has_ended_locked(sup);
    pthread_mutex_unlock(&sup->lock);
    sup_after(sup, &after);
    if (nothing) {
        finish(sup, false);
    }
}

int supervisor_may_add_root(struct supervisor *sup, const struct supervisor_root *root,
                            struct err *err) {
    pthread_mutex_lock(&sup->lock);
    int status = may_add_locked(sup, root, err);
    pthread_mutex_unlock(&sup->lock);
    return status;
}

int supervisor_add_root(struct supervisor *sup, const struct supervisor_root *root,
                        struct err *err) {
    struct tree_event event = {.kind = TREE_EVENT_ADDED};
    struct sup_after after;
    struct sup_actor *actor = mem_alloc(sizeof *actor);
    if (!actor) {
        return err_set(err, ERR_NOMEM, "no memory to supervise '%s'", root->plan->path);
    }
    actor->plan = root->plan;
    sup_timers_init(actor);
    sup_after_init(&after);
    pthread_mutex_lock(&sup->lock);
    int status = add_root_locked(sup, actor, root, err);
    if (status == 0) {
        event.node = actor->at;
        sup_step_locked(sup, &event, &after);
    }
    pthread_mutex_unlock(&sup->lock);
    if (status < 0) {
        sup_actor_free_parts(actor);
        mem_free(actor);
    }
    sup_after(sup, &after);
    return status;
}

static void stop_took_too_long(struct timer *timer, uint64_t now_ns) {
    struct supervisor *sup = LIST_OF(timer, struct supervisor, stop_timer);
    (void)now_ns;
    if (supervisor_is_over(sup)) {
        return;
    }
    say(sup, LOG_ERROR, "stop.timeout has passed: what is left is aborted");
    supervisor_abort(sup);
}

void supervisor_stop(struct supervisor *sup, const char *why) {
    struct sup_after after;
    sup_after_init(&after);
    pthread_mutex_lock(&sup->lock);
    bool first = !sup->stopping && sup->proc;
    if (first) {
        sup->stopping = true;
        sup_stopping_locked(sup, &after);
        sup_sources_locked(sup);
        sup->stop_timer.fire = stop_took_too_long;
        timers_start_in(proc_timers(sup->proc), &sup->stop_timer, sup->manifest->stop_timeout_ns);
    }
    bool nothing = first && has_ended_locked(sup);
    pthread_mutex_unlock(&sup->lock);
    if (first && sup->log && log_wants(sup->log, LOG_INFO)) {
        log_write(sup->log, LOG_INFO, NULL, "stopping: %s", why);
    }
    sup_after(sup, &after);
    if (nothing) {
        finish(sup, false);
    }
}

static void note_stuck(struct supervisor *sup) {
    pthread_mutex_lock(&sup->lock);
    for (uint32_t i = 0; i < sup->count; i++) {
        if (!sup->actors[i]->closed && !sup->actors[i]->plan->is_group) {
            struct inst_end end;
            inst_name(proc_actor(sup->proc, i), end.name, sizeof end.name);
            note_unfinished_locked(sup, &end);
        }
    }
    pthread_mutex_unlock(&sup->lock);
}

static void abort_took_too_long(struct timer *timer, uint64_t now_ns) {
    struct supervisor *sup = LIST_OF(timer, struct supervisor, abort_timer);
    (void)now_ns;
    note_stuck(sup);
    finish(sup, true);
}

void supervisor_abort(struct supervisor *sup) {
    if (!sup->proc) {
        return;
    }
    uint64_t dead = dead_total(proc_dead_letters(sup->proc));
    struct sup_after after;
    sup_after_init(&after);
    pthread_mutex_lock(&sup->lock);
    bool first = !sup->aborting && !sup->over;
    if (first) {
        sup->stopping = true;
        sup->aborting = true;
        sup->result.aborted = true;
        sup->dead_before = dead;
        sup_aborting_locked(sup, &after);
        sup->abort_timer.fire = abort_took_too_long;
        timers_start_in(proc_timers(sup->proc), &sup->abort_timer, ABORT_GRACE_NS);
    }
    bool nothing = first && has_ended_locked(sup);
    pthread_mutex_unlock(&sup->lock);
    sup_after(sup, &after);
    if (nothing) {
        finish(sup, false);
    }
}

/* Whoever may be meant has not closed, and is no other. */
static bool is_there_locked(struct supervisor *sup, uint32_t at, uint64_t uid) {
    return tree_state(sup->tree, at) != TREE_IS_CLOSED &&
           (uid == 0 || inst_uid(proc_actor(sup->proc, at)) == uid);
}

int supervisor_tell(struct supervisor *sup, uint32_t at, uint64_t uid, enum supervisor_order order,
                    struct err *err) {
    static void (*const tell[])(struct supervisor * sup, uint32_t at,
                                struct sup_after * after) = {[SUPERVISOR_STOP] = sup_remove_locked,
                                                             [SUPERVISOR_DRAIN] = sup_drain_locked,
                                                             [SUPERVISOR_ABORT] = sup_abort_locked};
    struct sup_after after;
    sup_after_init(&after);
    pthread_mutex_lock(&sup->lock);
    const struct plan_actor *plan = sup->actors[at]->plan;
    int status = 0;
    if (order == SUPERVISOR_DRAIN && plan->is_group) {
        status = err_set(err, ERR_REFUSED,
                         "'%s' is a group: stop it, abort it, or drain its members", plan->path);
    } else if (!is_there_locked(sup, at, uid)) {
        status = err_set(err, ERR_NOT_FOUND, "'%s' has ended", plan->path);
    } else {
        tell[order](sup, at, &after);
    }
    pthread_mutex_unlock(&sup->lock);
    sup_after(sup, &after);
    return status;
}

void supervisor_wait(struct supervisor *sup) {
    pthread_mutex_lock(&sup->lock);
    while (!sup->over) {
        pthread_cond_wait(&sup->over_changed, &sup->lock);
    }
    pthread_mutex_unlock(&sup->lock);
}

bool supervisor_is_over(struct supervisor *sup) {
    pthread_mutex_lock(&sup->lock);
    bool over = sup->over;
    pthread_mutex_unlock(&sup->lock);
    return over;
}

void supervisor_result(struct supervisor *sup, struct supervisor_result *ret) {
    pthread_mutex_lock(&sup->lock);
    *ret = sup->result;
    pthread_mutex_unlock(&sup->lock);
}
