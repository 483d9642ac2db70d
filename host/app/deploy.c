/* Loading plugins, making the proc, running it to its end. */
#include "app/deploy.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actor/proc.h"
#include "base/alloc.h"
#include "io/loop.h"
#include "plugin/library.h"
#include "record/files.h"
#include "reload/watch.h"
#include "sched/fault.h"

struct addition { /* the plan of a root that was added; others may stand in it for its targets */
    struct addition *next;
    struct plan *plan;       /* owned */
    const struct plan *base; /* whose defaults it has, and whose actors stand in it */
};

struct deploy {
    const struct plan *plan;
    struct log *log;
    struct supervisor *supervisor;
    struct proc *proc;
    struct type_table *types;
    struct reload *reload;       /* the plugins */
    pthread_mutex_t adding;      /* one root at a time */
    struct watch *watch;         /* under `adding`; of plugin files; NULL: none */
    bool is_over;                /* under `adding`: nobody watches any more */
    struct addition *additions;  /* under `adding`; owned, the newest first */
    struct deploy_check *checks; /* under `adding`; that are not ended yet */
    struct fault_post_mortem *post_mortem;
    struct files *files; /* of post-mortems; NULL: none are written */
    _Atomic bool asked_to_stop;
};

/* How long a slow disk may delay the end. */
#define FILES_PATIENCE_NS (5 * NS_PER_S)

static void got_signal(void *context, int signo) {
    struct deploy *deploy = context;
    bool again = atomic_exchange(&deploy->asked_to_stop, true);
    if (!again) {
        supervisor_stop(deploy->supervisor, signo == SIGINT ? "SIGINT" : "SIGTERM");
    } else {
        if (deploy->log) {
            log_write(deploy->log, LOG_WARN, NULL, "signalled again: aborting");
        }
        supervisor_abort(deploy->supervisor);
    }
}

static int watch_signals(struct deploy *deploy, struct err *err) {
    struct io *io = proc_io(deploy->proc);
    /* a reader of our output that goes away is an error of the write, not our end */
    (void)signal(SIGPIPE, SIG_IGN);
    return io_signal_start(io, SIGTERM, got_signal, deploy, err) < 0 ||
                   io_signal_start(io, SIGINT, got_signal, deploy, err) < 0
               ? -1
               : 0;
}

static unsigned count_workers(const struct plan *plan, const struct deploy_options *options) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (options->workers) {
        return options->workers;
    }
    if (plan->manifest->workers) {
        return plan->manifest->workers;
    }
    return cores < 1 ? 1 : cores > 64 ? 64 : (unsigned)cores;
}

static enum sched_idle idle_policy(const struct manifest *manifest) {
    static const enum sched_idle policies[] = {
        [IDLE_NAP] = SCHED_NAP, [IDLE_SLEEP] = SCHED_SLEEP, [IDLE_SPIN] = SCHED_SPIN};
    return policies[manifest->idle];
}

static int make_proc(struct deploy *deploy, struct type_table *types,
                     const struct deploy_options *options, struct err *err) {
    const struct manifest *manifest = deploy->plan->manifest;
    struct proc_options proc_options = {.name = deploy->plan->proc,
                                        .workers = count_workers(deploy->plan, options),
                                        .idle = idle_policy(manifest),
                                        .seeded = options->seeded,
                                        .seed = options->seed,
                                        .clock = options->clock,
                                        .log = options->log,
                                        .dead_letters_keep = manifest->dead_letters_keep,
                                        .snapshots_keep = manifest->snapshots.keep,
                                        .snapshots_max_age_ns = manifest->snapshots.max_age_ns,
                                        .quarantine_keep = manifest->quarantine.keep,
                                        .quarantine_bytes = manifest->quarantine.bytes,
                                        .files = deploy->files,
                                        .capacity = manifest->child_capacity,
                                        .types = types,
                                        .observer = supervisor_observer(deploy->supervisor),
                                        .forwarder = options->forwarder};
    return proc_create(&proc_options, &deploy->proc, err);
}

static void complain(void *context, const char *sentence) {
    struct log *log = context;
    if (log) {
        log_write(log, LOG_WARN, NULL, "%s", sentence);
    }
}

static int open_post_mortem(struct deploy *deploy, struct err *err) {
    const char *directory = deploy->plan->manifest->snapshots.directory;
    if (!directory) {
        return 0;
    }
    struct files_options options = {
        .directory = directory, .complain = complain, .context = deploy->log};
    if (files_open(&options, &deploy->files, err) < 0 ||
        fault_post_mortem_open(directory, deploy->plan->proc, TROUPE_VERSION_TEXT,
                               &deploy->post_mortem, err) < 0) {
        return err_wrap(err, "snapshots.directory");
    }
    return 0;
}

int deploy_create(const struct plan *plan, struct type_table *types,
                  const struct deploy_options *options, struct deploy **ret, struct err *err) {
    struct deploy *deploy = mem_alloc(sizeof *deploy);
    if (!deploy) {
        return err_set(err, ERR_NOMEM, "deployment");
    }
    deploy->plan = plan;
    deploy->types = types;
    deploy->log = options->log;
    pthread_mutex_init(&deploy->adding, NULL);
    if (supervisor_create(plan, options->log, &deploy->supervisor, err) < 0) {
        deploy_destroy(deploy);
        return -1;
    }
    if (options->stays) {
        supervisor_set_stays(deploy->supervisor);
    }
    if (open_post_mortem(deploy, err) < 0 || make_proc(deploy, types, options, err) < 0 ||
        reload_create(deploy->proc, deploy->supervisor, plan, deploy->log, &deploy->reload, err) <
            0 ||
        reload_add_plan(deploy->reload, plan, err) < 0 || proc_load(deploy->proc, plan, err) < 0 ||
        (options->handle_signals && watch_signals(deploy, err) < 0)) {
        deploy_destroy(deploy);
        return -1;
    }
    *ret = deploy;
    return 0;
}

int deploy_start(struct deploy *deploy, struct err *err) {
    if (proc_start(deploy->proc, err) < 0) {
        return -1;
    }
    supervisor_start(deploy->supervisor, deploy->proc);
    return 0;
}

void deploy_stop(struct deploy *deploy) {
    supervisor_stop(deploy->supervisor, "asked to");
}

int deploy_watch(struct deploy *deploy, struct err *err) {
    pthread_mutex_lock(&deploy->adding);
    int status = -1;
    if (deploy->watch || deploy->is_over) {
        err_set(err, ERR_REFUSED, "%s",
                deploy->watch ? "the plugin files are watched already"
                              : "the deployment has ended");
    } else {
        status = watch_start(deploy->reload, &deploy->watch, err);
    }
    pthread_mutex_unlock(&deploy->adding);
    return status;
}

static void stop_watching(struct deploy *deploy) {
    pthread_mutex_lock(&deploy->adding);
    struct watch *watch = deploy->watch;
    deploy->watch = NULL;
    deploy->is_over = true;
    pthread_mutex_unlock(&deploy->adding);
    watch_stop(watch);
}

void deploy_wait(struct deploy *deploy, struct supervisor_result *ret) {
    supervisor_wait(deploy->supervisor);
    stop_watching(deploy);
    supervisor_result(deploy->supervisor, ret);
    unsigned left = ret->stuck ? 0 : proc_halt(deploy->proc);
    if (left > 0) {
        ret->stuck = true;
        if (deploy->log) {
            log_write(deploy->log, LOG_WARN, NULL, "left %u abandoned thread%s behind", left,
                      left == 1 ? "" : "s");
        }
    }
    if (ret->stuck && deploy->files) {
        files_flush(deploy->files); /* there is no orderly end to come */
    }
}

uint64_t deploy_step(struct deploy *deploy, uint64_t until_ns) {
    return proc_step(deploy->proc, until_ns);
}

void deploy_destroy(struct deploy *deploy) {
    if (!deploy) {
        return;
    }
    if (deploy->proc) {
        (void)proc_halt(deploy->proc);
    }
    supervisor_destroy(deploy->supervisor);
    proc_destroy(deploy->proc);
    reload_destroy(deploy->reload);
    library_remove_copies(); /* of generations that stay mapped until the process ends */
    fault_post_mortem_close(deploy->post_mortem);
    uint64_t unwritten = files_close(deploy->files, FILES_PATIENCE_NS);
    if (unwritten > 0 && deploy->log) {
        log_write(deploy->log, LOG_WARN, NULL, "%llu post-mortems could not be written in time",
                  (unsigned long long)unwritten);
    }
    while (deploy->additions) {
        struct addition *addition = deploy->additions;
        deploy->additions = addition->next;
        plan_destroy(addition->plan);
        mem_free(addition);
    }
    pthread_mutex_destroy(&deploy->adding);
    mem_free(deploy);
}

/* --- roots that are added --- */

/* Of those with one name the newest: the others have ended. */
static const struct manifest_actor *find_spec(void *context, const char *path) {
    const struct deploy *deploy = context;
    for (const struct addition *a = deploy->additions; a; a = a->next) {
        if (strcmp(a->plan->actors[0].path, path) == 0) {
            return a->plan->actors[0].spec;
        }
    }
    return manifest_find_actor(reload_plan(deploy->reload)->manifest, path);
}

/* The actors that the others of an addition stand in for; and their numbers. */
static int find_targets(struct deploy *deploy, const struct plan *addition,
                        struct inst **ret_actors, uint32_t *ret_numbers, struct err *err) {
    for (size_t i = 1; i < addition->actor_count; i++) {
        struct inst *in = proc_find_actor(deploy->proc, addition->actors[i].name);
        if (!in) {
            return err_set(err, ERR_NOT_FOUND, "there is no actor '%s'", addition->actors[i].path);
        }
        ret_actors[i] = in;
        ret_numbers[i - 1] = inst_plan_index(in);
    }
    return 0;
}

static int make_root(struct deploy *deploy, const struct plan *plan, struct inst **targets,
                     struct proc_made *made, struct supervisor_root *root, struct err *err) {
    if (supervisor_may_add_root(deploy->supervisor, root, err) < 0 ||
        proc_check_wires(deploy->proc, plan, targets, err) < 0 ||
        proc_make_actors(deploy->proc, plan, targets, made, err) < 0) {
        return -1;
    }
    root->in = targets[0];
    return 0;
}

static int show_root(struct deploy *deploy, const struct plan *plan, struct inst **targets,
                     const uint32_t *numbers, struct err *err) {
    struct supervisor_root root = {
        .plan = &plan->actors[0], .targets = numbers, .target_count = plan->actor_count - 1};
    struct proc_made *made = mem_array(plan->actor_count, sizeof *made);
    int status = made ? 0 : err_set(err, ERR_NOMEM, "actor '%s'", plan->actors[0].path);
    if (status == 0) {
        status = make_root(deploy, plan, targets, made, &root, err);
    }
    if (status == 0 && supervisor_add_root(deploy->supervisor, &root, err) < 0) {
        proc_unmake_actors(deploy->proc, plan, targets, made);
        status = -1;
    }
    mem_free(made);
    return status;
}

/* AI-2: a pool has no slot of its own name. */
static int check_pools(const struct deploy *deploy, const char *name, struct err *err) {
    const struct manifest_actor *actor =
        manifest_find_actor(reload_plan(deploy->reload)->manifest, name);
    return actor && actor->replicas > 0
               ? err_set(err, ERR_EXISTS, "the name '%s' is taken by the pool of '%s/%s.0[0]'",
                         name, deploy->plan->proc, name)
               : 0;
}

static int add_root(struct deploy *deploy, const struct plan *plan, struct err *err) {
    if (check_pools(deploy, plan->actors[0].path, err) < 0) {
        return -1;
    }
    struct inst **targets = mem_array(plan->actor_count, sizeof *targets);
    uint32_t *numbers = mem_array(plan->actor_count, sizeof *numbers);
    int status = targets && numbers ? find_targets(deploy, plan, targets, numbers, err)
                                    : err_set(err, ERR_NOMEM, "actor '%s'", plan->actors[0].path);
    if (status == 0) {
        status = reload_add_plan(deploy->reload, plan, err)
                     ? -1
                     : show_root(deploy, plan, targets, numbers, err);
    }
    mem_free(numbers);
    mem_free((void *)targets);
    return status;
}

static int add_root_locked(struct deploy *deploy, const struct manifest_text *text,
                           struct deploy_check *check, struct err *err) {
    struct addition *addition = mem_alloc(sizeof *addition);
    struct checked *checked = &check->checked;
    check->base = reload_plan(deploy->reload);
    check->next = deploy->checks;
    deploy->checks = check;
    if (checked_load_addition(checked, text, check->base, deploy->types, find_spec, deploy) < 0) {
        *err = checked->err;
        mem_free(addition);
        return -1;
    }
    int status = addition ? add_root(deploy, checked->plan, err)
                          : err_set(err, ERR_NOMEM, "actor '%s'", checked->plan->actors[0].path);
    if (status < 0) {
        mem_free(addition);
        return -1;
    }
    *addition = (struct addition){deploy->additions, checked->plan, check->base};
    deploy->additions = addition;
    checked->plan = NULL;
    checked->manifest = NULL;
    return 0;
}

int deploy_add_root(struct deploy *deploy, const struct manifest_text *text,
                    struct deploy_check *ret_check, struct err *err) {
    pthread_mutex_lock(&deploy->adding);
    reload_hold(deploy->reload);
    int status = add_root_locked(deploy, text, ret_check, err);
    reload_go_on(deploy->reload);
    pthread_mutex_unlock(&deploy->adding);
    return status;
}

void deploy_end_check(struct deploy *deploy, struct deploy_check *check) {
    checked_fini(&check->checked);
    pthread_mutex_lock(&deploy->adding);
    struct deploy_check **at = &deploy->checks;
    while (*at != check) {
        at = &(*at)->next;
    }
    *at = check->next;
    pthread_mutex_unlock(&deploy->adding);
}

bool deploy_needs(struct deploy *deploy, const struct plan *plan) {
    pthread_mutex_lock(&deploy->adding);
    bool needs = reload_needs(deploy->reload, plan);
    for (const struct addition *a = deploy->additions; a && !needs; a = a->next) {
        needs = a->base == plan;
    }
    for (const struct deploy_check *c = deploy->checks; c && !needs; c = c->next) {
        needs = c->base == plan;
    }
    pthread_mutex_unlock(&deploy->adding);
    return needs;
}

struct proc *deploy_proc(struct deploy *deploy) {
    return deploy->proc;
}
struct supervisor *deploy_supervisor(struct deploy *deploy) {
    return deploy->supervisor;
}

struct reload *deploy_reload(struct deploy *deploy) {
    return deploy->reload;
}
