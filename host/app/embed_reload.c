/* Reloading, for embedding programs. */
#include <stdio.h>
#include <string.h>

#include <troupe/reload.h>

#include "app/embed_impl.h"
#include "base/alloc.h"

_Static_assert((int)TROUPE_RELOAD_DONE == (int)RELOAD_DONE &&
                   (int)TROUPE_RELOAD_NOTHING == (int)RELOAD_NOTHING &&
                   (int)TROUPE_RELOAD_REFUSED == (int)RELOAD_REFUSED &&
                   (int)TROUPE_RELOAD_TAKEN_BACK == (int)RELOAD_TAKEN_BACK,
               "the program's words and the host's are the same numbers");

_Static_assert((int)TROUPE_GENERATION_CURRENT == (int)RETIRED_CURRENT &&
                   (int)TROUPE_GENERATION_RETIRING == (int)RETIRED_RETIRING &&
                   (int)TROUPE_GENERATION_QUIET == (int)RETIRED_QUIET &&
                   (int)TROUPE_GENERATION_UNLOADED == (int)RETIRED_UNLOADED &&
                   (int)TROUPE_GENERATION_STAYS == (int)RETIRED_STAYS,
               "so are those of a generation's state");

static int32_t read_how(const struct troupe_reload *from, struct reload_how *ret,
                        struct troupe_error *error) {
    static const enum reload_mode modes[] = {[TROUPE_RELOAD_ROLLING] = RELOAD_ROLLING,
                                             [TROUPE_RELOAD_CANARY] = RELOAD_CANARY,
                                             [TROUPE_RELOAD_ATOMIC] = RELOAD_ATOMIC};
    struct troupe_reload how = {0};
    if (from && (from->size < 8 || from->size > 4096)) {
        return embed_fail(error, TROUPE_INVALID, "reload.size is %u: set it to sizeof(reload)",
                          from->size);
    }
    if (from) {
        memcpy(&how, from, from->size < sizeof how ? from->size : sizeof how);
    }
    if (how.mode >= TROUPE_RELOAD_MODE_END_ ||
        (how.mode == TROUPE_RELOAD_CANARY && how.canary == 0)) {
        return embed_fail(error, TROUPE_INVALID, "reload.mode is %u, with canary %u", how.mode,
                          how.canary);
    }
    *ret = (struct reload_how){.file = how.plugin,
                               .over_ns = how.swap_timeout,
                               .has_mode = how.mode != TROUPE_RELOAD_AS_SAID,
                               .mode = modes[how.mode],
                               .canary = how.canary,
                               .has_probation = how.flags & TROUPE_PROBATION_SAID,
                               .probation_ns = how.probation_time,
                               .probation_messages = how.probation_messages,
                               .has_shadow = how.flags & TROUPE_SHADOW_SAID,
                               .skips_probe = how.flags & TROUPE_PROBE_SKIPPED,
                               .probe_ns = how.probe_time,
                               .has_grace = how.grace || how.flags & TROUPE_GRACE_SAID,
                               .grace_ns = how.grace};
    ret->shadow.messages = how.shadow;
    ret->shadow.time_ns = how.shadow_time ? how.shadow_time : 30 * NS_PER_S;
    ret->shadow.differences =
        how.flags & TROUPE_SHADOW_PROMOTES ? DIFFERENCES_PROMOTE : DIFFERENCES_REFUSE;
    return TROUPE_OK;
}

static void write_report(const struct reload_report *from, struct troupe_reload_report *ret) {
    struct troupe_reload_report all = {.size = ret->size,
                                       .outcome = (uint32_t)from->outcome,
                                       .number = from->number,
                                       .began = from->wall_ns,
                                       .files = from->files,
                                       .types = from->types,
                                       .from_generation = from->from_generation,
                                       .to_generation = from->to_generation,
                                       .over = from->counts.over,
                                       .back = from->counts.back,
                                       .undone = from->counts.undone,
                                       .stranded = from->stranded,
                                       .sent_since = from->counts.sent_since,
                                       .longest_pause = from->counts.longest_ns,
                                       .settings = from->settings,
                                       .added = from->added,
                                       .removed = from->removed,
                                       .rewired = from->rewired,
                                       .restarted = from->restarted,
                                       .can_go_back = from->can_go_back,
                                       .at_once = from->at_once,
                                       .compared = from->shadow.compared,
                                       .differences = from->shadow.differences,
                                       .left_out = from->shadow.left_out};
    for (unsigned i = 0; i < RELOAD_STEP_COUNT; i++) {
        all.took += from->step_ns[i];
    }
    (void)snprintf(all.step, sizeof all.step, "%s", reload_step_text(from->step));
    (void)snprintf(all.file, sizeof all.file, "%s", from->file);
    (void)snprintf(all.from_build, sizeof all.from_build, "%s", from->from_build);
    (void)snprintf(all.to_build, sizeof all.to_build, "%s", from->to_build);
    (void)snprintf(all.version, sizeof all.version, "%s", from->version);
    (void)snprintf(all.actor, sizeof all.actor, "%s", from->actor);
    (void)snprintf(all.reason, sizeof all.reason, "%s", from->reason);
    (void)snprintf(all.left_out_first, sizeof all.left_out_first, "%s",
                   from->shadow.left_out_actor);
    (void)snprintf(all.left_out_why, sizeof all.left_out_why, "%s", from->shadow.left_out_why);
    (void)snprintf(all.changes, sizeof all.changes, "%s", from->changes);
    memcpy(ret, &all, ret->size < sizeof all ? ret->size : sizeof all);
}

static int32_t not_running(const struct troupe_proc *proc, struct troupe_error *error) {
    return embed_fail(error, TROUPE_STOPPING, "proc '%s' does not run", proc->id);
}

static void forget(struct reread *reread) {
    checked_fini(&reread->checked);
    mem_free(reread);
}

void embed_forget_reread(struct troupe_proc *proc) {
    while (proc->reread) {
        struct reread *reread = proc->reread;
        proc->reread = reread->next;
        forget(reread);
    }
}

/* Of all of them what is in use still. */
static void forget_others(struct troupe_proc *proc, struct deploy *deploy) {
    for (struct reread **at = &proc->reread; *at;) {
        struct reread *reread = *at;
        if (reread->checked.plan && deploy_needs(deploy, reread->checked.plan)) {
            at = &reread->next;
        } else {
            *at = reread->next;
            forget(reread);
        }
    }
}

/* With the manifests as they are now. What they say is kept as long as something refers to it. */
static int32_t reload_all(struct troupe_proc *proc, struct deploy *deploy, struct reload_how *how,
                          struct reload_report *report, struct troupe_error *error) {
    struct err err = {0};
    struct reread *reread = mem_alloc(sizeof *reread);
    if (!reread) {
        return embed_fail(error, TROUPE_NO_MEMORY, "out of memory");
    }
    struct reload *reload = deploy_reload(deploy);
    struct checked *checked = &reread->checked;
    int32_t status = recipe_read(&proc->recipe, &proc->options, proc->types, checked, error);
    how->next = checked->plan;
    if (status < 0 ? reload_refuse(reload, error->text, report, &err) < 0
                   : reload_run(reload, how, report, &err) < 0) {
        status = embed_fail_as(error, &err);
    }
    reread->next = proc->reread;
    proc->reread = reread;
    forget_others(proc, deploy);
    return status;
}

static int32_t reload_file(struct deploy *deploy, const struct reload_how *how,
                           struct reload_report *report, struct troupe_error *error) {
    struct err err = {0};
    return reload_run(deploy_reload(deploy), how, report, &err) < 0 ? embed_fail_as(error, &err)
                                                                    : TROUPE_OK;
}

int32_t troupe_proc_reload(struct troupe_proc *proc, const struct troupe_reload *how,
                           struct troupe_reload_report *report, struct troupe_error *error) {
    struct reload_how whole;
    struct reload_report all = {.outcome = RELOAD_REFUSED};
    struct troupe_error own;
    error = error ? error : &own;
    int32_t status = embed_check_outside(error, "reloading");
    status = status == TROUPE_OK ? read_how(how, &whole, error) : status;
    if (status < 0) {
        return status;
    }
    struct deploy *deploy = embed_begin_use(proc);
    if (!deploy) {
        return not_running(proc, error);
    }
    pthread_mutex_lock(&proc->reloading);
    status = whole.file ? reload_file(deploy, &whole, &all, error)
                        : reload_all(proc, deploy, &whole, &all, error);
    pthread_mutex_unlock(&proc->reloading);
    embed_end_use(proc);
    if (report) {
        write_report(&all, report);
    }
    return status;
}

int32_t troupe_proc_reloads(struct troupe_proc *proc, troupe_reload_each *each, void *context,
                            struct troupe_error *error) {
    struct reload_report *reports = mem_array(RELOAD_KEEPS, sizeof *reports);
    if (!reports) {
        return embed_fail(error, TROUPE_NO_MEMORY, "out of memory");
    }
    struct deploy *deploy = embed_begin_use(proc);
    size_t count = deploy ? reload_history(deploy_reload(deploy), reports, RELOAD_KEEPS) : 0;
    if (deploy) {
        embed_end_use(proc);
    }
    for (size_t i = 0; i < count; i++) {
        struct troupe_reload_report report = {.size = sizeof report};
        write_report(&reports[i], &report);
        each(context, &report);
    }
    mem_free(reports);
    return deploy ? TROUPE_OK : not_running(proc, error);
}

int32_t troupe_proc_reload_differences(struct troupe_proc *proc, uint64_t number,
                                       troupe_difference_each *each, void *context,
                                       struct troupe_error *error) {
    struct deploy *deploy = embed_begin_use(proc);
    if (!deploy) {
        return not_running(proc, error);
    }
    bool found = reload_differences(deploy_reload(deploy), number, each, context);
    embed_end_use(proc);
    return found ? TROUPE_OK
                 : embed_fail(error, TROUPE_NOT_FOUND, "there is no report of reload %llu",
                              (unsigned long long)number);
}

/* All of them; *ret is to be freed. False: no memory. */
static bool list_generations(struct reload *reload, struct retired **ret, size_t *ret_count) {
    struct retired *all = NULL;
    for (size_t room = 64;; room *= 2) {
        struct retired *more = mem_resize(all, room * sizeof *all);
        if (!more) {
            mem_free(all);
            return false;
        }
        all = more;
        size_t count = reload_current(reload, all, room);
        count += reload_retired(reload, all + count, room - count);
        if (count < room) {
            *ret = all;
            *ret_count = count;
            return true;
        }
    }
}

static void tell(const struct retired *from, troupe_generation_each *each, void *context) {
    struct troupe_generation generation = {
        .size = sizeof generation, .state = (uint32_t)from->state, .number = from->generation};
    (void)snprintf(generation.file, sizeof generation.file, "%s", from->file);
    (void)snprintf(generation.build_id, sizeof generation.build_id, "%s", from->build_id);
    (void)snprintf(generation.version, sizeof generation.version, "%s", from->version);
    (void)snprintf(generation.reason, sizeof generation.reason, "%s", from->reason);
    each(context, &generation);
}

int32_t troupe_proc_generations(struct troupe_proc *proc, troupe_generation_each *each,
                                void *context, struct troupe_error *error) {
    struct retired *all = NULL;
    size_t count = 0;
    struct deploy *deploy = embed_begin_use(proc);
    if (!deploy) {
        return not_running(proc, error);
    }
    bool done = list_generations(deploy_reload(deploy), &all, &count);
    embed_end_use(proc);
    if (!done) {
        return embed_fail(error, TROUPE_NO_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        tell(&all[i], each, context);
    }
    mem_free(all);
    return TROUPE_OK;
}

int32_t troupe_proc_watch(struct troupe_proc *proc, struct troupe_error *error) {
    struct err err;
    struct deploy *deploy = embed_begin_use(proc);
    if (!deploy) {
        return not_running(proc, error);
    }
    int32_t status = deploy_watch(deploy, &err) < 0 ? embed_fail_as(error, &err) : TROUPE_OK;
    embed_end_use(proc);
    return status;
}
