/* The care for stuck turns: who takes too long, and what is done about it, tick by tick. */
#include "actor/stuck.h"

#include <stdio.h>
#include <string.h>

#include "actor/shadow.h"
#include "actor/stuck_impl.h"
#include "base/alloc.h"

/* Longer between two ticks the process was stopped, or nothing ran. */
#define TICK_MOST_NS (100 * NS_PER_MS)
/* How long a call may go on once its instance is to be aborted. */
#define ABORT_PATIENCE_NS (100 * NS_PER_MS)
/* A thread that does not show its stack in this time takes no signals: as much as one may have to wait for a core
 * on a machine that has far too much to do. */
#define LOOK_PATIENCE_NS NS_PER_S
/* How long a call is asked to break off before it is revoked; and how long that waits for the stack to be
 * written, so that it stands in the failure. */
#define BREAK_PATIENCE_NS (60 * NS_PER_MS)
#define WRITE_PATIENCE_NS (300 * NS_PER_MS)
#define BREAK_STEP_MAX_NS NS_PER_S

/* --- finding --- */

/* A spawned child follows the actor of the manifest that it belongs to. */
static const struct actor_policy *policy_of(const struct proc *proc, const struct inst *in) {
    const struct actor_policy *policy = NULL;
    for (; in && !policy; in = inst_parent(in)) {
        policy = proc_policy_of(proc, in);
    }
    return policy;
}

static bool plays(const struct runner *r) {
    return atomic_load_explicit(&r->plays, memory_order_relaxed);
}

static uint64_t stuck_after(const struct runner *r, const struct inst *in) {
    const struct actor_policy *policy = policy_of(r->proc, in);
    uint64_t after_ns =
        policy ? atomic_load_explicit(&policy->stuck_after_ns, memory_order_relaxed) : 2 * NS_PER_S;
    return plays(r) && after_ns > SHADOW_TURN_NS ? SHADOW_TURN_NS : after_ns;
}

static bool is_to_abort(const struct inst *in) {
    return atomic_load_explicit(&in->signals, memory_order_relaxed) & SIGNAL_ABORT;
}

static bool is_too_long(const struct runner *r, struct stuck_watch *watch, const struct inst *in) {
    uint64_t now_ns = r->proc->stuck.awake_ns;
    if (watch->abort_ns == 0 && is_to_abort(in)) {
        watch->abort_ns = now_ns;
    }
    return now_ns - watch->since_ns >= stuck_after(r, in) ||
           (watch->abort_ns && now_ns - watch->abort_ns >= ABORT_PATIENCE_NS);
}

/* --- its stack --- */

static void ask_for_stack(struct runner *r, struct stuck *stuck) {
    /* acquire: what it answered before has been read */
    stuck->looks_before = atomic_load_explicit(&r->fault->looks, memory_order_acquire);
    stuck->looks_ns = r->proc->stuck.awake_ns;
    stuck->looks = true;
    if (fault_is_contained()) {
        (void)sched_reach(r->proc->sched, r, fault_look);
    }
}

static void report(struct runner *r, struct stuck *stuck, uint64_t ran_ns, bool has_frames) {
    struct stuck_report *new = mem_alloc(sizeof *new);
    if (!new) {
        return; /* the next report is due anyway */
    }
    new->proc = r->proc;
    memcpy(new->name, stuck->name, sizeof new->name);
    (void)snprintf(new->handler, sizeof new->handler, "%s", stuck->handler);
    new->ran_ns = ran_ns;
    new->again = stuck->report != NULL;
    new->revoked = stuck->revoked;
    new->exit = stuck->policy == ON_STUCK_EXIT;
    new->has_frames = has_frames;
    if (has_frames) {
        new->frames = r->fault->look;
        fault_forget(&r->fault->look);
    }
    if (stuck->report) {
        atomic_store_explicit(&new->refs, 1, memory_order_relaxed);
    } else {
        atomic_store_explicit(&new->refs, 2, memory_order_relaxed);
        stuck->report = new;
    }
    stuck_write(new);
}

/* At stuck_after, and again whenever the time has doubled. */
static void report_when_due(struct runner *r, struct stuck *stuck, uint64_t ran_ns) {
    if (!stuck->looks) {
        if (ran_ns >= stuck->report_ns) {
            ask_for_stack(r, stuck);
        }
        return;
    }
    /* acquire: pairs with the release of who looked */
    bool answered =
        atomic_load_explicit(&r->fault->looks, memory_order_acquire) != stuck->looks_before;
    bool gave_up =
        !fault_is_contained() || r->proc->stuck.awake_ns - stuck->looks_ns >= LOOK_PATIENCE_NS;
    if (answered || gave_up) {
        stuck->looks = false;
        stuck->report_ns = 2 * ran_ns;
        report(r, stuck, ran_ns, answered && r->fault->look.count > 0);
    }
}

/* --- out of the way of others --- */

void stuck_say_hopeless(struct runner *r, struct stuck *stuck, const struct err *err) {
    struct log *log = r->proc->options.log;
    if (err->code == ERR_NONE || err->code == ERR_STOPPED || stuck->is_hopeless) {
        return;
    }
    stuck->is_hopeless = true;
    if (log) {
        log_write(log, LOG_WARN, stuck->name, "no thread can take the place of that in '%s': %s",
                  stuck->handler, err->text);
    }
}

/* An own thread is in nobody's way, and one that moved once neither. */
static void move_away(struct runner *r, struct stuck *stuck) {
    struct err err = {0};
    uint32_t asked;
    if (!sched_barrier(r->proc->sched)) {
        err_set(&err, ERR_REFUSED, "the system does not allow the call membarrier");
        stuck_say_hopeless(r, stuck, &err);
        return;
    }
    if (gate_close(r, stuck->calls, &asked)) {
        if (sched_seize(r->proc->sched, r, &stuck->in->mbox.task, &stuck->stray, &err) == 0) {
            r->worker = stuck->stray;
            stuck->moved = true;
            asked = GATE_MOVED;
        }
    }
    gate_open(r, asked);
    stuck_say_hopeless(r, stuck, &err);
}

/* --- to its end --- */

static void try_break(struct runner *r, struct stuck *stuck, uint64_t ran_ns) {
    if (stuck->looks || ran_ns < stuck->break_ns) {
        return; /* two signals would become one */
    }
    (void)sched_reach(r->proc->sched, r, fault_break);
    stuck->break_ns = ran_ns + stuck->break_step_ns;
    if (stuck->revoked && stuck->break_step_ns < BREAK_STEP_MAX_NS) {
        stuck->break_step_ns = 2 * stuck->break_step_ns + NS_PER_MS;
    }
}

static bool may_revoke(const struct stuck *stuck, uint64_t went_ns) {
    bool is_written =
        stuck->report && atomic_load_explicit(&stuck->report->is_written, memory_order_relaxed);
    bool is_asked = !fault_is_contained() || went_ns >= BREAK_PATIENCE_NS;
    return is_asked && (is_written || went_ns >= WRITE_PATIENCE_NS);
}

static void end(struct runner *r, struct stuck *stuck, uint64_t ran_ns) {
    if (!stuck->must_go) {
        stuck->must_go = true;
        stuck->go_ns = ran_ns;
    }
    if (!stuck->report) {
        return; /* first to be seen */
    }
    try_break(r, stuck, ran_ns);
    if (!stuck->revoked && may_revoke(stuck, ran_ns - stuck->go_ns)) {
        (void)stuck_revoke(r, stuck, ran_ns);
    }
}

/* --- tick by tick --- */

static bool calls_still(const struct runner *r, const struct stuck_watch *watch) {
    /* acquire: the call was in progress while all that was read */
    return atomic_load_explicit(&r->calls, memory_order_acquire) == watch->calls;
}

static struct stuck *find_out(struct runner *r, const struct stuck_watch *watch, struct inst *in) {
    struct stuck *stuck = mem_alloc(sizeof *stuck);
    if (!stuck) {
        return NULL;
    }
    const struct actor_policy *policy = policy_of(r->proc, in);
    enum sched_place place = sched_find(r->proc->sched, r);
    stuck->in = in;
    stuck->calls = watch->calls;
    uint64_t size = inst_name(in, stuck->name, sizeof stuck->name);
    if (plays(r)) {
        (void)snprintf(stuck->name + size, sizeof stuck->name - size, " (shadow)");
    }
    stuck->handler = inst_handler(in);
    uint8_t on_stuck = policy ? atomic_load_explicit(&policy->on_stuck, memory_order_relaxed)
                              : (uint8_t)ON_STUCK_REPORT;
    stuck->policy = swap_is_held(in) || plays(r) ? ON_STUCK_RESTART : (enum on_stuck)on_stuck;
    stuck->moved = place != SCHED_POOL;
    stuck->stray = place == SCHED_STRAY ? r->worker : NULL;
    if (place == SCHED_NOWHERE || !calls_still(r, watch)) {
        mem_free(stuck);
        return NULL;
    }
    return stuck;
}

/* Whoever is in a call behind looks_begin stays until looks_end. */
static struct stuck *look_closer(struct runner *r, const struct stuck_watch *watch,
                                 struct inst *in) {
    struct looker looker;
    looks_begin(r->proc, &looker);
    struct stuck *stuck = calls_still(r, watch) ? find_out(r, watch, in) : NULL;
    looks_end(r->proc, &looker);
    return stuck;
}

static void attend(struct runner *r, struct stuck *stuck, uint64_t ran_ns) {
    if (!stuck->moved && !stuck->is_hopeless && !stuck->revoked) {
        move_away(r, stuck);
    }
    report_when_due(r, stuck, ran_ns);
    if (stuck->policy == ON_STUCK_RESTART || stuck->must_go || is_to_abort(stuck->in)) {
        end(r, stuck, ran_ns);
    }
}

/* The call has ended. */
static void over(struct runner *r, struct stuck *stuck, uint64_t ran_ns) {
    struct log *log = r->proc->options.log;
    if (log && stuck->report && !stuck->must_go) {
        log_write(log, LOG_WARN, stuck->name, "no longer stuck: '%s' has returned after %llu ms",
                  stuck->handler, (unsigned long long)(ran_ns / NS_PER_MS));
    }
    stuck_report_unref(stuck->report);
    mem_free(stuck);
}

static void look_after(struct runner *r, uint64_t now_ns) {
    struct stuck_watch *watch = &r->watch;
    /* acquire: pairs with gate_count */
    uint64_t calls = atomic_load_explicit(&r->calls, memory_order_acquire);
    uint64_t ran_ns = now_ns - watch->since_ns;
    if (calls != watch->calls || calls % 2 == 0) {
        if (watch->stuck) {
            over(r, watch->stuck, ran_ns);
        }
        *watch = (struct stuck_watch){.calls = calls, .since_ns = now_ns};
        return;
    }
    if (!watch->stuck) {
        struct inst *in = atomic_load_explicit(&r->calling, memory_order_relaxed);
        watch->stuck = is_too_long(r, watch, in) ? look_closer(r, watch, in) : NULL;
    }
    if (watch->stuck) {
        attend(r, watch->stuck, ran_ns);
    }
}

void stuck_tick(struct proc *proc, uint64_t now_ns) {
    struct stuck_keeper *keeper = &proc->stuck;
    uint64_t passed_ns = now_ns - keeper->ticked_ns;
    keeper->awake_ns += passed_ns < TICK_MOST_NS ? passed_ns : TICK_MOST_NS;
    keeper->ticked_ns = now_ns;
    struct runner *r = atomic_load_explicit(&proc->runners, memory_order_acquire);
    for (; r; r = r->next) {
        look_after(r, keeper->awake_ns);
    }
}
