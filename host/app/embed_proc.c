/* The proc of an embedding program: its handles, what it is made of, waiting for its end. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actor/proc.h"
#include "app/forwarder_impl.h"
#include "base/alloc.h"
#include "sched/sched.h"

const char *troupe_version(void) {
    return TROUPE_VERSION_TEXT;
}

/* --- waiting --- */

uint64_t embed_deadline(uint64_t timeout) {
    struct clock *clock = clock_system();
    uint64_t now_ns = clock->now(clock);
    return timeout > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + timeout;
}

/* --- making --- */

static void forget_options(struct troupe_proc *proc) {
    forwarder_unref(proc->options.forwarder);
    mem_free((void *)(uintptr_t)proc->options.id);
    mem_free((void *)(uintptr_t)proc->options.snapshots_directory);
}

/* A caller that was built with a smaller struct has not said the rest. */
static int copy_options(struct troupe_proc *proc, const struct troupe_options *from,
                        struct err *err) {
    struct troupe_options *options = &proc->options;
    if (from && (from->size < sizeof from->size + sizeof from->flags || from->size > 4096)) {
        return err_set(err, ERR_INVALID, "options.size is %u: set it to sizeof(options)",
                       from->size);
    }
    if (from) {
        memcpy(options, from, from->size < sizeof *options ? from->size : sizeof *options);
    }
    const char *id = options->id;
    const char *directory = options->snapshots_directory;
    if (options->forwarder) {
        forwarder_ref(options->forwarder);
    }
    options->id = mem_text(id);
    options->snapshots_directory = mem_text(directory);
    if ((id && !options->id) || (directory && !options->snapshots_directory)) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (options->flags & ~(TROUPE_STAYS | TROUPE_SIGNALS | TROUPE_ACTORS)) {
        return err_set(err, ERR_INVALID, "options.flags has bits that are not known here: 0x%x",
                       options->flags);
    }
    if (options->log_level > 1 + TROUPE_LOG_DEBUG) {
        return err_set(err, ERR_INVALID,
                       "options.log_level is %u: it is 1 + TROUPE_LOG_DEBUG at most",
                       options->log_level);
    }
    if (options->log_format > TROUPE_FORMAT_JSON || options->log_colour > TROUPE_COLOUR_ALWAYS) {
        return err_set(err, ERR_INVALID,
                       "options.log_format is %u and log_colour %u: neither is more than 2",
                       options->log_format, options->log_colour);
    }
    return 0;
}

static void log_to_program(void *context, enum log_level level, const char *actor, const char *text,
                           uint64_t size) {
    const struct troupe_proc *proc = context;
    embed_callback_begin();
    proc->options.log(proc->options.log_context, (uint32_t)level, troupe_str(actor),
                      troupe_str_n(text, size));
    embed_callback_end();
}

void embed_init_log(struct troupe_proc *proc, enum log_level level, enum log_format format) {
    const struct troupe_options *options = &proc->options;
    level = options->log_level ? (enum log_level)(options->log_level - 1) : level;
    if (options->log) {
        log_init_sink(&proc->log, log_to_program, proc, level);
        return;
    }
    format = options->log_format ? (enum log_format)(options->log_format - 1) : format;
    log_init(&proc->log, STDERR_FILENO, level, format, clock_system());
    if (options->log_colour) {
        proc->log.colour = options->log_colour == TROUPE_COLOUR_ALWAYS;
    }
}
_Static_assert(TROUPE_FORMAT_TEXT == 1 + LOG_TEXT && TROUPE_FORMAT_JSON == 1 + LOG_JSON,
               "the program's formats are the log's, and 0 says nothing");

int32_t troupe_proc_create(const struct troupe_options *options, struct troupe_proc **ret,
                           struct troupe_error *error) {
    struct err err;
    (void)sched_announce_barrier(); /* before there are threads, where the program has none yet */
    struct troupe_proc *proc = mem_alloc(sizeof *proc);
    if (!proc) {
        return embed_fail(error, TROUPE_NO_MEMORY, "out of memory");
    }
    atomic_store_explicit(&proc->strong, 1, memory_order_relaxed);
    atomic_store_explicit(&proc->weak, 1, memory_order_relaxed);
    pthread_mutex_init(&proc->lock, NULL);
    pthread_mutex_init(&proc->reloading, NULL);
    embed_cond_init(&proc->changed);
    recipe_init(&proc->recipe);
    list_init(&proc->clients);
    proc->types = type_table_create();
    int status =
        proc->types ? copy_options(proc, options, &err) : err_set(&err, ERR_NOMEM, "out of memory");
    if (status < 0) {
        embed_release(proc);
        return embed_fail_as(error, &err);
    }
    (void)snprintf(proc->id, sizeof proc->id, "%s", proc->options.id ? proc->options.id : "");
    embed_init_log(proc, LOG_INFO, LOG_TEXT);
    *ret = proc;
    return TROUPE_OK;
}

/* --- what it is made of --- */

int32_t embed_begin_change(struct troupe_proc *proc, struct troupe_error *error) {
    pthread_mutex_lock(&proc->lock);
    if (proc->state == EMBED_MADE) {
        return TROUPE_OK;
    }
    bool runs = proc->state == EMBED_RUNNING && !proc->stop_asked;
    pthread_mutex_unlock(&proc->lock);
    return embed_fail(error, TROUPE_STOPPING, "proc '%s' %s", proc->id,
                      runs ? "has been started: what it is made of is said before"
                           : "is starting, is to stop, or has ended");
}

int32_t embed_end_change(struct troupe_proc *proc, int status, const struct err *err,
                         struct troupe_error *error) {
    pthread_mutex_unlock(&proc->lock);
    return status < 0 ? embed_fail_as(error, err) : TROUPE_OK;
}

int32_t troupe_proc_load_file(struct troupe_proc *proc, const char *path,
                              struct troupe_error *error) {
    struct err err;
    int32_t status = embed_begin_change(proc, error);
    return status < 0
               ? status
               : embed_end_change(proc, recipe_add_file(&proc->recipe, path, &err), &err, error);
}

int32_t troupe_proc_load_text(struct troupe_proc *proc, const char *name, const char *text,
                              uint64_t size, struct troupe_error *error) {
    struct err err;
    int32_t status = embed_begin_change(proc, error);
    return status < 0
               ? status
               : embed_end_change(proc, recipe_add_text(&proc->recipe, name, text, size, &err),
                                  &err, error);
}

int32_t troupe_proc_add_plugins(struct troupe_proc *proc, const char *path,
                                struct troupe_error *error) {
    struct err err;
    int32_t status = embed_begin_change(proc, error);
    return status < 0
               ? status
               : embed_end_change(proc, recipe_add_plugins(&proc->recipe, path, &err), &err, error);
}

int32_t troupe_proc_add_type(struct troupe_proc *proc, const char *type,
                             struct troupe_error *error) {
    struct err err;
    int32_t status = embed_begin_change(proc, error);
    return status < 0
               ? status
               : embed_end_change(proc, recipe_add_type(&proc->recipe, type, &err), &err, error);
}

int32_t troupe_proc_set_coordinator(struct troupe_proc *proc, troupe_coordinator *coordinator,
                                    void *context, struct troupe_error *error) {
    int32_t status = embed_begin_change(proc, error);
    if (status < 0) {
        return status;
    }
    if (proc->coordinator || !coordinator) {
        status = embed_fail(error, coordinator ? TROUPE_REFUSED : TROUPE_INVALID, "%s",
                            coordinator ? "a coordinator is set already, and may be set once"
                                        : "a coordinator is a function");
    } else {
        proc->coordinator = coordinator;
        proc->coordinator_context = context;
    }
    pthread_mutex_unlock(&proc->lock);
    return status;
}

void troupe_proc_log(struct troupe_proc *proc, uint32_t level, struct troupe_str text) {
    log_write_n(&proc->log, (enum log_level)level, NULL, text.data, text.size);
}

const char *troupe_proc_id(struct troupe_proc *proc) {
    return proc->id;
}

/* --- handles --- */

void embed_release(struct troupe_proc *proc) {
    /* acq_rel: the last one sees what the others did */
    if (atomic_fetch_sub_explicit(&proc->weak, 1, memory_order_acq_rel) > 1) {
        return;
    }
    recipe_fini(&proc->recipe);
    troupe_end_free(proc->end);
    type_table_destroy(proc->types);
    forget_options(proc);
    pthread_cond_destroy(&proc->changed);
    pthread_mutex_destroy(&proc->lock);
    pthread_mutex_destroy(&proc->reloading);
    mem_free(proc);
}

struct troupe_proc *troupe_proc_ref(struct troupe_proc *proc) {
    atomic_fetch_add_explicit(&proc->strong, 1, memory_order_relaxed);
    return proc;
}

/* The keeper, when there is one, waits for this. */
static void last_is_gone(struct troupe_proc *proc) {
    troupe_proc_stop(proc);
    pthread_mutex_lock(&proc->lock);
    if (!proc->kept && proc->state == EMBED_OVER) {
        proc->state = EMBED_GONE;
    }
    pthread_cond_broadcast(&proc->changed);
    pthread_mutex_unlock(&proc->lock);
}

static bool drop_strong(struct troupe_proc *proc) {
    return atomic_fetch_sub_explicit(&proc->strong, 1, memory_order_acq_rel) == 1;
}

void troupe_proc_unref(struct troupe_proc *proc) {
    if (proc && drop_strong(proc)) {
        last_is_gone(proc);
        embed_release(proc);
    }
}

/* A weak handle is the control block by another name. */
struct troupe_weak_proc {
    struct troupe_proc *proc;
};

struct troupe_weak_proc *troupe_proc_weak(struct troupe_proc *proc) {
    struct troupe_weak_proc *weak = mem_alloc(sizeof *weak);
    if (weak) {
        weak->proc = proc;
        atomic_fetch_add_explicit(&proc->weak, 1, memory_order_relaxed);
    }
    return weak;
}

struct troupe_proc *embed_upgrade(struct troupe_proc *proc) {
    uint64_t strong = atomic_load_explicit(&proc->strong, memory_order_relaxed);
    pthread_mutex_lock(&proc->lock);
    bool ended = proc->state >= EMBED_OVER;
    pthread_mutex_unlock(&proc->lock);
    while (!ended && strong > 0) {
        if (atomic_compare_exchange_weak_explicit(&proc->strong, &strong, strong + 1,
                                                  memory_order_acquire, memory_order_relaxed)) {
            return proc;
        }
    }
    return NULL;
}

struct troupe_proc *troupe_weak_proc_upgrade(struct troupe_weak_proc *weak) {
    return embed_upgrade(weak->proc);
}

static void wait_gone_locked(struct troupe_proc *proc, uint64_t until_ns) {
    bool in_time = true;
    while (proc->state < EMBED_GONE && in_time) {
        in_time = embed_wait_locked(&proc->changed, &proc->lock, until_ns);
    }
}

int32_t troupe_weak_proc_wait(struct troupe_weak_proc *weak, uint64_t timeout,
                              struct troupe_error *error) {
    struct troupe_proc *proc = weak->proc;
    uint64_t until_ns = embed_deadline(timeout);
    int32_t status = embed_check_outside(error, "a wait for all of the proc");
    if (status < 0) {
        return status;
    }
    pthread_mutex_lock(&proc->lock);
    wait_gone_locked(proc, until_ns);
    bool is_gone = proc->state == EMBED_GONE;
    pthread_mutex_unlock(&proc->lock);
    return is_gone ? TROUPE_OK
                   : embed_fail(error, TROUPE_TIMEOUT, "proc '%s' is not gone in time", proc->id);
}

void troupe_weak_proc_free(struct troupe_weak_proc *weak) {
    if (weak) {
        embed_release(weak->proc);
        mem_free(weak);
    }
}

/* --- its end --- */

struct deploy *embed_begin_use(struct troupe_proc *proc) {
    pthread_mutex_lock(&proc->lock);
    struct deploy *deploy = proc->state == EMBED_RUNNING && !proc->stop_asked ? proc->deploy : NULL;
    proc->users += deploy != NULL;
    pthread_mutex_unlock(&proc->lock);
    return deploy;
}

void embed_end_use(struct troupe_proc *proc) {
    pthread_mutex_lock(&proc->lock);
    proc->users--;
    pthread_cond_broadcast(&proc->changed);
    pthread_mutex_unlock(&proc->lock);
}

/* One that never ran has nothing to stop. */
void embed_ask(struct troupe_proc *proc, bool abort) {
    pthread_mutex_lock(&proc->lock);
    proc->stop_asked = true;
    proc->abort_asked |= abort;
    if (proc->state == EMBED_MADE) {
        proc->end = end_create_failed("");
        proc->state = EMBED_OVER;
        pthread_cond_broadcast(&proc->changed);
    }
    struct deploy *deploy = proc->state == EMBED_RUNNING ? proc->deploy : NULL;
    proc->users += deploy != NULL;
    inverted_stop_all_locked(proc);
    pthread_mutex_unlock(&proc->lock);
    if (!deploy) {
        return;
    }
    /* without the lock: it logs, and what the program does then may be to ask again */
    if (abort) {
        supervisor_abort(deploy_supervisor(deploy));
    } else {
        deploy_stop(deploy);
    }
    embed_end_use(proc);
}

void troupe_proc_stop(struct troupe_proc *proc) {
    embed_ask(proc, false);
}

void troupe_proc_abort(struct troupe_proc *proc) {
    embed_ask(proc, true);
}

static int32_t hand_out_locked(struct troupe_proc *proc, struct troupe_end **ret,
                               struct troupe_error *error) {
    if (ret && !proc->end) {
        return embed_fail(error, TROUPE_NO_MEMORY, "proc '%s' has ended; no memory to tell how",
                          proc->id);
    }
    if (ret) {
        *ret = end_ref(proc->end);
    }
    return TROUPE_OK;
}

int32_t troupe_proc_wait(struct troupe_proc *proc, uint64_t timeout, struct troupe_end **ret,
                         struct troupe_error *error) {
    uint64_t until_ns = embed_deadline(timeout);
    int32_t status = embed_check_outside(error, "a wait for the end of the proc");
    if (status < 0) {
        return status;
    }
    bool in_time = true;
    pthread_mutex_lock(&proc->lock);
    bool is_made = proc->state == EMBED_MADE;
    while (!is_made && proc->state < EMBED_OVER && in_time) {
        in_time = embed_wait_locked(&proc->changed, &proc->lock, until_ns);
    }
    if (is_made) {
        status = embed_fail(error, TROUPE_INVALID, "proc '%s' was never started", proc->id);
    } else if (proc->state < EMBED_OVER) {
        status = embed_fail(error, TROUPE_TIMEOUT, "proc '%s' has not ended in time", proc->id);
    } else {
        status = hand_out_locked(proc, ret, error);
    }
    pthread_mutex_unlock(&proc->lock);
    return status;
}

int32_t troupe_proc_destroy(struct troupe_proc *proc, uint64_t timeout, struct troupe_end **ret,
                            struct troupe_error *error) {
    int32_t status = embed_check_outside(error, "destroying the proc");
    if (status < 0) {
        return status;
    }
    troupe_proc_stop(proc);
    status = troupe_proc_wait(proc, timeout, ret, error);
    if (status < 0) {
        return status;
    }
    if (drop_strong(proc)) {
        last_is_gone(proc);
        pthread_mutex_lock(&proc->lock);
        wait_gone_locked(proc, UINT64_MAX);
        pthread_mutex_unlock(&proc->lock);
        embed_release(proc);
    }
    return TROUPE_OK;
}
