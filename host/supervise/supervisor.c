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
    sup->log = log;
    sup->count = (uint32_t)plan->actor_count;
    pthread_mutex_init(&sup->lock, NULL);
    pthread_cond_init(&sup->over_changed, NULL);
    if (sup_graph_build(sup) < 0) {
        supervisor_destroy(sup);
        return err_set(err, ERR_NOMEM, "supervisor of %zu actors", plan->actor_count);
    }
    *ret = sup;
    return 0;
}

void supervisor_destroy(struct supervisor *sup) {
    if (!sup) {
        return;
    }
    if (sup->proc) {
        (void)timers_stop(proc_timers(sup->proc), &sup->stop_timer);
        (void)timers_stop(proc_timers(sup->proc), &sup->abort_timer);
    }
    sup_graph_free(sup);
    pthread_cond_destroy(&sup->over_changed);
    pthread_mutex_destroy(&sup->lock);
    mem_free(sup);
}

static void start_locked(struct supervisor *sup, uint32_t at) {
    struct sup_actor *actor = &sup->actors[at];
    if (!actor->started && !actor->closed && actor->waits_for == 0) {
        actor->started = true;
        inst_signal(proc_actor(sup->proc, at), SIGNAL_START);
    }
}

static void heard_ready(void *context, struct inst *in) {
    struct supervisor *sup = context;
    uint32_t at = inst_plan_index(in);
    if (at >= sup->count) {
        return;
    }
    pthread_mutex_lock(&sup->lock);
    struct sup_actor *actor = &sup->actors[at];
    if (!actor->ready) {
        actor->ready = true;
        sup->ready_count++;
        for (uint32_t i = 0; i < actor->starts.count; i++) {
            sup->actors[actor->starts.items[i]].waits_for--;
            start_locked(sup, actor->starts.items[i]);
        }
    }
    bool all = sup->ready_count == sup->count && !sup->result.all_started;
    if (all) {
        sup->result.all_started = true;
        sup_watch_cycles_locked(sup);
    }
    pthread_mutex_unlock(&sup->lock);
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

static void heard_closed(void *context, struct inst *in, const struct inst_end *end) {
    struct supervisor *sup = context;
    uint32_t at = inst_plan_index(in);
    if (at >= sup->count) {
        return;
    }
    if (sup->log && log_wants(sup->log, LOG_DEBUG)) {
        log_write(sup->log, LOG_DEBUG, end->name, "ended: %s", end->text);
    }
    pthread_mutex_lock(&sup->lock);
    if (sup->aborting && !sup->plan->actors[at].is_group) {
        note_unfinished_locked(sup, end);
    }
    sup_closed_locked(sup, at);
    pthread_mutex_unlock(&sup->lock);
}

static void heard_tick(void *context, bool idle) {
    struct supervisor *sup = context;
    pthread_mutex_lock(&sup->lock);
    sup_look_locked(sup, idle);
    pthread_mutex_unlock(&sup->lock);
}

static void describe_failure(const struct inst_end *end, char *text, size_t size) {
    if (strcmp(end->name, end->root) == 0) {
        (void)snprintf(text, size, "actor '%s' failed: %s", end->name, end->text);
    } else {
        (void)snprintf(text, size, "actor '%s' failed: %s (it began with '%s')", end->name,
                       end->text, end->root);
    }
}

/* SV-2: nobody handled it. Without a policy that restarts, that is the end of the deployment. */
static void heard_root_ended(void *context, const struct inst_end *end) {
    struct supervisor *sup = context;
    char text[sizeof sup->result.cause];
    if (!end->failed) {
        return;
    }
    describe_failure(end, text, sizeof text);
    say(sup, LOG_ERROR, text);
    pthread_mutex_lock(&sup->lock);
    if (!sup->result.failed) {
        sup->result.failed = true;
        memcpy(sup->result.cause, text, sizeof text);
    }
    pthread_mutex_unlock(&sup->lock);
    supervisor_stop(sup, "an actor failed");
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

static void heard_empty(void *context) {
    finish(context, false);
}

struct proc_observer supervisor_observer(struct supervisor *sup) {
    return (struct proc_observer){.ready = heard_ready,
                                  .closed = heard_closed,
                                  .ticked = heard_tick,
                                  .root_ended = heard_root_ended,
                                  .empty = heard_empty,
                                  .context = sup};
}

void supervisor_start(struct supervisor *sup, struct proc *proc) {
    pthread_mutex_lock(&sup->lock);
    sup->proc = proc;
    for (uint32_t i = 0; i < sup->count; i++) {
        start_locked(sup, sup->plan->init_order[i]);
    }
    bool nothing = sup->count == 0;
    pthread_mutex_unlock(&sup->lock);
    if (nothing) {
        finish(sup, false);
    }
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

/* DR-3: a group is `stopping` until its last member has ended, which it hears of once it has begun. */
static void groups_stop_locked(struct supervisor *sup) {
    for (uint32_t i = 0; i < sup->count; i++) {
        if (sup->plan->actors[i].is_group && !sup->actors[i].closed) {
            sup->actors[i].started = true;
            inst_signal(proc_actor(sup->proc, i), SIGNAL_START | SIGNAL_STOPPING);
        }
    }
}

void supervisor_stop(struct supervisor *sup, const char *why) {
    pthread_mutex_lock(&sup->lock);
    bool first = !sup->stopping && sup->proc;
    if (first) {
        sup->stopping = true;
        groups_stop_locked(sup);
        sup_sources_locked(sup);
        sup->stop_timer.fire = stop_took_too_long;
        timers_start_in(proc_timers(sup->proc), &sup->stop_timer,
                        sup->plan->manifest->stop_timeout_ns);
    }
    pthread_mutex_unlock(&sup->lock);
    if (first && sup->log && log_wants(sup->log, LOG_INFO)) {
        log_write(sup->log, LOG_INFO, NULL, "stopping: %s", why);
    }
}

static void note_stuck(struct supervisor *sup) {
    pthread_mutex_lock(&sup->lock);
    for (uint32_t i = 0; i < sup->count; i++) {
        if (!sup->actors[i].closed && !sup->plan->actors[i].is_group) {
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
    pthread_mutex_lock(&sup->lock);
    bool first = !sup->aborting && !sup->over;
    if (first) {
        sup->stopping = true;
        sup->aborting = true;
        sup->result.aborted = true;
        sup->dead_before = dead;
        for (uint32_t i = 0; i < sup->count; i++) {
            if (!sup->actors[i].closed) {
                inst_signal(proc_actor(sup->proc, i), SIGNAL_ABORT);
            }
        }
        sup->abort_timer.fire = abort_took_too_long;
        timers_start_in(proc_timers(sup->proc), &sup->abort_timer, ABORT_GRACE_NS);
    }
    pthread_mutex_unlock(&sup->lock);
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
