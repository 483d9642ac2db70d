/* A fault in an actor's code: the actor's failure, or the end of the process. */
#include "actor/panic.h"

#include <stdio.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "actor/shadow.h"
#include "base/alloc.h"
#include "base/str.h"

struct folding {
    struct str text;
    struct panic_stack *stack;
    unsigned at, first, skip, repeats;
    char last[200]; /* without its number */
};

static void end_repeats(struct folding *folding) {
    if (folding->repeats > 0) {
        str_addf(&folding->text, "   ... %u more of the same\n", folding->repeats);
        folding->repeats = 0;
    }
}

static void add_frame(void *context, const char *line) {
    struct folding *folding = context;
    const char *blank = strchr(line, ' ');
    const char *what = blank ? blank + 1 : line;
    unsigned at = folding->at++;
    if (at == folding->first) {
        (void)snprintf(folding->stack->first, sizeof folding->stack->first, "%s", what);
    }
    if (at < folding->skip) {
        return;
    }
    if (strncmp(what, folding->last, sizeof folding->last - 1) == 0) {
        folding->repeats++;
        return;
    }
    end_repeats(folding);
    (void)snprintf(folding->last, sizeof folding->last, "%s", what);
    str_addf(&folding->text, "%s\n", line);
}

void panic_stack(const struct fault_report *report, unsigned skip, struct panic_stack *ret) {
    struct folding folding = {.stack = ret, .first = report->first, .skip = skip};
    *ret = (struct panic_stack){.lines = NULL};
    str_init(&folding.text);
    fault_backtrace(report, add_frame, &folding);
    end_repeats(&folding);
    if (!folding.text.failed && folding.text.size > 0) {
        ret->lines = str_take(&folding.text);
    }
    str_fini(&folding.text);
}

static void log_frame(void *context, const char *line) {
    struct inst *in = context;
    char name[160];
    inst_name(in, name, sizeof name);
    log_write(in->proc->options.log, LOG_ERROR, name, "  %s", line);
}

/* A spawned child follows the actor of the manifest that it belongs to. */
static bool must_exit(const struct inst *in) {
    const struct actor_policy *policy = NULL;
    for (; in && !policy; in = atomic_load_explicit(&in->parent, memory_order_acquire)) {
        policy = proc_policy_of(in->proc, in);
    }
    return policy && atomic_load_explicit(&policy->on_fault, memory_order_relaxed) == ON_FAULT_EXIT;
}

_Noreturn static void end_process(struct runner *r, struct inst *in,
                                  const struct fault_report *report, const char *what) {
    char name[160];
    inst_name(in, name, sizeof name);
    log_write(in->proc->options.log, LOG_ERROR, name,
              "%s in '%s'; the process ends, because of 'on_fault: exit'", what, r->row->name);
    fault_backtrace(report, log_frame, in);
    fault_die(report);
}

__attribute__((cold, noinline)) int32_t panic_note(struct runner *r, struct inst *in,
                                                   struct fault_report *report) {
    char what[64];
    struct panic_stack stack;
    unsigned skip = report->broken ? 0 : report->first; /* how abort works inside is no news */
    fault_text(report, what, sizeof what);
    panic_stack(report, skip, &stack);
    if (report->overflow) {
        fault_shrink_stack();
    }
    if (report->broken) {
        uint64_t ran_ns = sched_coarse_now(r->worker) - inst_since_ns(in);
        stuck_text(ran_ns, stack.first, r->fail_text, sizeof r->fail_text);
    } else {
        (void)snprintf(r->fail_text, sizeof r->fail_text, "panic: %s%s%s", what,
                       stack.first[0] ? ", in " : "", stack.first);
    }
    r->fail_frames = stack.lines;
    r->fail_kind = report->broken ? FAILURE_STUCK : FAILURE_PANIC;
    r->failed = true;
    r->fail_status = TROUPE_ERROR;
    in->cleanup_ok = false; /* ST-4 */
    fault_forget(report);
    return TROUPE_ERROR;
}

__attribute__((cold, noinline)) int32_t panic(struct runner *r, struct inst *in,
                                              struct fault_report *report) {
    if (!report->broken && must_exit(in)) {
        char what[64];
        fault_text(report, what, sizeof what);
        end_process(r, in, report, what);
    }
    return panic_note(r, in, report);
}

void panic_whose(void *context, struct fault_whose *ret) {
    const struct sched_worker *worker = sched_current();
    const struct runner *r = context ? context : worker ? worker->local : NULL;
    const struct inst *in = r && r->shadow ? shadow_actor(r->shadow) : r ? r->inst : NULL;
    if (in) {
        inst_name(in, ret->actor, sizeof ret->actor);
        (void)snprintf(ret->handler, sizeof ret->handler, "%s", r->row->name);
    }
}
