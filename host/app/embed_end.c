/* How a proc has ended: who stopped, who failed, who had to be aborted. */
#include <stdio.h>

#include "actor/proc.h"
#include "app/embed_impl.h"
#include "base/alloc.h"

static int add_name(struct troupe_end *end, enum troupe_how how, const struct inst *in) {
    char name[160];
    char **names = mem_resize((void *)end->names[how], (end->counts[how] + 1) * sizeof *names);
    if (!names) {
        return -1;
    }
    end->names[how] = names;
    inst_name(in, name, sizeof name);
    names[end->counts[how]] = mem_text(name);
    return names[end->counts[how]] ? (end->counts[how]++, 0) : -1;
}

static enum troupe_how how_it_ended(const struct inst *in) {
    switch (inst_status(in)) {
    case INST_FAILED:
        return TROUPE_END_FAILED;
    case INST_STOPPED:
        return inst_was_aborted(in) ? TROUPE_END_ABORTED : TROUPE_END_STOPPED;
    default:
        /* it was never started, or its thread is somewhere in it */
        return inst_incarnation(in) == 0 ? TROUPE_END_STOPPED : TROUPE_END_STUCK;
    }
}

static struct troupe_end *create(int32_t status, const char *cause) {
    struct troupe_end *end = mem_alloc(sizeof *end);
    if (end) {
        atomic_store_explicit(&end->refs, 1, memory_order_relaxed);
        end->status = status;
        (void)snprintf(end->cause, sizeof end->cause, "%s", cause);
    }
    return end;
}

struct troupe_end *end_create(struct deploy *deploy, const struct supervisor_result *result) {
    struct proc *proc = deploy_proc(deploy);
    bool in_time = !result->aborted && result->left == 0;
    struct troupe_end *end = create(result->failed ? TROUPE_ERROR
                                    : in_time      ? TROUPE_OK
                                                   : TROUPE_ABORTED,
                                    result->cause);
    if (!end) {
        return NULL;
    }
    end->left = result->left;
    end->stuck = result->stuck;
    if (end_gather_losses(&end->losses, proc) < 0) {
        troupe_end_free(end);
        return NULL;
    }
    for (uint32_t i = 0; i < proc_actor_count(proc); i++) {
        const struct inst *in = proc_actor(proc, i);
        if (!in || inst_is_group(in)) {
            continue; /* a reload has removed it, or it is none */
        }
        if (add_name(end, how_it_ended(in), in) < 0) {
            troupe_end_free(end);
            return NULL;
        }
    }
    return end;
}

struct troupe_end *end_create_failed(const char *cause) {
    return create(cause[0] ? TROUPE_ERROR : TROUPE_OK, cause);
}

struct troupe_end *end_ref(struct troupe_end *end) {
    atomic_fetch_add_explicit(&end->refs, 1, memory_order_relaxed);
    return end;
}

void troupe_end_free(struct troupe_end *end) {
    /* acq_rel: the last one sees that the others have read */
    if (!end || atomic_fetch_sub_explicit(&end->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    for (unsigned how = 0; how < TROUPE_HOW_COUNT_; how++) {
        for (uint64_t i = 0; i < end->counts[how]; i++) {
            mem_free(end->names[how][i]);
        }
        mem_free((void *)end->names[how]);
    }
    end_free_losses(&end->losses);
    mem_free(end);
}

int32_t troupe_end_status(const struct troupe_end *end) {
    return end->status;
}

const char *troupe_end_cause(const struct troupe_end *end) {
    return end->cause;
}

uint64_t troupe_end_left(const struct troupe_end *end) {
    return end->left;
}

bool troupe_end_is_stuck(const struct troupe_end *end) {
    return end->stuck;
}

uint64_t troupe_end_count(const struct troupe_end *end, uint32_t how) {
    return how < TROUPE_HOW_COUNT_ ? end->counts[how] : 0;
}

const char *troupe_end_name(const struct troupe_end *end, uint32_t how, uint64_t index) {
    return index < troupe_end_count(end, how) ? end->names[how][index] : NULL;
}
