/* A fault in an actor's code: the actor's failure, or the end of the process. */
#include "actor/panic.h"

#include <stdio.h>
#include <string.h>

#include "actor/proc_impl.h"

/* What fits into the text of a failure, beside the name of the handler. */
#define TEXT_MAX 440u

struct frames {
    char *text;
    size_t length, room;
    unsigned skip, left_out;
};

static void add_frame(void *context, const char *line) {
    struct frames *frames = context;
    if (frames->skip > 0) {
        frames->skip--;
        return;
    }
    size_t length = strlen(line);
    if (frames->left_out > 0 || frames->length + length + 2 >= frames->room) {
        frames->left_out++;
        return;
    }
    frames->length += (size_t)snprintf(frames->text + frames->length, frames->room - frames->length,
                                       "; %s", line);
}

static void log_frame(void *context, const char *line) {
    struct inst *in = context;
    char name[160];
    inst_name(in, name, sizeof name);
    log_write(in->proc->options.log, LOG_ERROR, name, "  %s", line);
}

/* A spawned child follows the actor of the manifest that it belongs to. */
static bool must_exit(const struct inst *in) {
    const struct plan *plan = in->proc->plan;
    while (plan && in && in->plan_index >= plan->actor_count) {
        in = atomic_load_explicit(&in->parent, memory_order_acquire);
    }
    return plan && in && plan->actors[in->plan_index].spec->on_fault == ON_FAULT_EXIT;
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

int32_t panic(struct runner *r, struct inst *in, const struct fault_report *report) {
    struct frames frames = {.text = r->fail_text,
                            .room = TEXT_MAX,
                            .skip = report->first}; /* how abort works inside is no news */
    char what[64];
    fault_text(report, what, sizeof what);
    if (must_exit(in)) {
        end_process(r, in, report, what);
    }
    frames.length = (size_t)snprintf(r->fail_text, sizeof r->fail_text, "panic: %s", what);
    fault_backtrace(report, add_frame, &frames);
    if (frames.left_out > 0) {
        (void)snprintf(r->fail_text + frames.length, sizeof r->fail_text - frames.length,
                       "; and %u more", frames.left_out);
    }
    r->failed = true;
    r->fail_status = TROUPE_ERROR;
    in->cleanup_ok = false; /* ST-4 */
    return TROUPE_ERROR;
}

void panic_whose(void *unused, struct fault_whose *ret) {
    (void)unused;
    const struct sched_worker *worker = sched_current();
    const struct runner *r = worker ? worker->local : NULL;
    if (r && r->inst) {
        inst_name(r->inst, ret->actor, sizeof ret->actor);
        (void)snprintf(ret->handler, sizeof ret->handler, "%s", r->row->name);
    }
}
