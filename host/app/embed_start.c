/* Starting a proc of an embedding program, and the thread that keeps it: waits for its end, tells
 * those who wait, and takes it down when the last strong handle is gone. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "actor/held.h"
#include "actor/proc.h"
#include "app/client_impl.h"
#include "app/forwarder_impl.h"

/* --- the keeper --- */

/* Threads that cannot be joined may still use all there is: it stays, and says nothing any more. */
static void leave_it(struct troupe_proc *proc) {
    __atomic_store_n((int *)&proc->log.level, -1, __ATOMIC_RELAXED);
}

/* What goes with the process (libraries' own threads and files) is in use while a proc is taken down: so
 * its end waits for those that are on their way, and none sets out any more. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned count;
    _Atomic pid_t process; /* whose they are, not those of a child forked meanwhile; or 0 */
    bool is_over;
} on_their_way = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
static _Thread_local bool is_on_its_way; /* this thread: a plugin may end the process from there */

static void set_out(void) {
    pthread_mutex_lock(&on_their_way.lock);
    while (on_their_way.is_over) { /* the process goes, and what this thread holds with it */
        pthread_cond_wait(&on_their_way.changed, &on_their_way.lock);
    }
    is_on_its_way = true;
    on_their_way.count++;
    on_their_way.process = getpid();
    pthread_mutex_unlock(&on_their_way.lock);
}

static void arrive(void) {
    pthread_mutex_lock(&on_their_way.lock);
    is_on_its_way = false;
    on_their_way.count--;
    pthread_cond_broadcast(&on_their_way.changed);
    pthread_mutex_unlock(&on_their_way.lock);
}

__attribute__((destructor)) static void wait_for_all(void) {
    pid_t process = on_their_way.process;
    if (is_on_its_way || (process != 0 && process != getpid())) {
        return;
    }
    pthread_mutex_lock(&on_their_way.lock);
    on_their_way.is_over = true;
    while (on_their_way.count > 0) {
        pthread_cond_wait(&on_their_way.changed, &on_their_way.lock);
    }
    pthread_mutex_unlock(&on_their_way.lock);
}

static void take_down(struct troupe_proc *proc, struct deploy *deploy, bool stuck) {
    if (stuck) {
        held_table_leave(proc_held(deploy_proc(deploy)));
        leave_it(proc);
    } else {
        deploy_destroy(deploy);
        member_destroy(proc->member);
        embed_forget_reread(proc);
        checked_fini(&proc->checked);
    }
    pthread_mutex_lock(&proc->lock);
    proc->deploy = NULL;
    proc->state = EMBED_GONE;
    pthread_cond_broadcast(&proc->changed);
    pthread_mutex_unlock(&proc->lock);
    if (!stuck) {
        embed_release(proc);
    }
}

static struct deploy *wait_for_start(struct troupe_proc *proc) {
    pthread_mutex_lock(&proc->lock);
    while (proc->state == EMBED_STARTING) {
        pthread_cond_wait(&proc->changed, &proc->lock);
    }
    struct deploy *deploy = proc->deploy;
    pthread_mutex_unlock(&proc->lock);
    return deploy;
}

static void *keep(void *argument) {
    struct troupe_proc *proc = argument;
    struct deploy *deploy = wait_for_start(proc);
    struct supervisor_result result;
    if (!deploy) {
        embed_release(proc);
        return NULL;
    }
    supervisor_wait(deploy_supervisor(deploy));
    bool stuck = !clients_end(proc); /* before their workers stop */
    deploy_wait(deploy, &result);
    result.stuck |= stuck;
    struct troupe_end *end = end_create(deploy, &result);
    end_log(end, &result, &proc->log);
    pthread_mutex_lock(&proc->lock);
    proc->end = end;
    proc->state = EMBED_OVER;
    pthread_cond_broadcast(&proc->changed);
    while (atomic_load_explicit(&proc->strong, memory_order_acquire) > 0 || proc->users > 0) {
        pthread_cond_wait(&proc->changed, &proc->lock);
    }
    pthread_mutex_unlock(&proc->lock);
    set_out();
    take_down(proc, deploy, result.stuck);
    arrive();
    return NULL;
}

/* Signals of the process are for its own threads. */
static int start_keeper(struct troupe_proc *proc, struct err *err) {
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    atomic_fetch_add_explicit(&proc->weak, 1, memory_order_relaxed);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int number = pthread_create(&thread, &attributes, keep, proc);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (number != 0) {
        atomic_fetch_sub_explicit(&proc->weak, 1, memory_order_relaxed);
        return err_errno(err, ERR_IO, number, "cannot start a thread");
    }
    return 0;
}

/* --- the start --- */

static struct troupe_str text_or_none(const char *text) {
    return text ? troupe_str(text) : (struct troupe_str){NULL, 0};
}

static void tell_finding(void *context, const struct diag *diag, const char *line,
                         const char *margin) {
    const struct troupe_proc *proc = context;
    const struct troupe_finding finding = {.size = sizeof finding,
                                           .severity = (uint32_t)diag->severity,
                                           .line = diag->mark.line,
                                           .column = diag->mark.column,
                                           .file =
                                               troupe_str(diag->mark.file ? diag->mark.file : ""),
                                           .text = troupe_str(diag->text),
                                           .excerpt = text_or_none(line),
                                           .margin = troupe_str(margin),
                                           .hint = text_or_none(diag->hint)};
    embed_callback_begin();
    proc->options.finding(proc->options.finding_context, &finding);
    embed_callback_end();
}
_Static_assert((int)TROUPE_FINDING_ERROR == (int)DIAG_ERROR &&
                   (int)TROUPE_FINDING_WARNING == (int)DIAG_WARNING &&
                   (int)TROUPE_FINDING_NOTE == (int)DIAG_NOTE,
               "the program's severities and the diagnostics' are the same numbers");

static void say_place(struct log *log, enum log_level level, struct mark mark, const char *text) {
    if (mark.file && mark.line) {
        log_write(log, level, NULL, "%s:%u:%u: %s", mark.file, mark.line, mark.column, text);
    } else {
        log_write(log, level, NULL, "%s", text);
    }
}

/* Errors are in the error of the start. */
static void say_finding(void *context, const struct diag *diag, const char *line,
                        const char *margin) {
    struct troupe_proc *proc = context;
    (void)line;
    (void)margin;
    if (diag->severity != DIAG_ERROR) {
        say_place(&proc->log, diag->severity == DIAG_NOTE ? LOG_INFO : LOG_WARN, diag->mark,
                  diag->text);
    }
}

static void say_unused(struct troupe_proc *proc, const struct manifest *manifest) {
    for (size_t i = 0; i < manifest->unused_count; i++) {
        const struct manifest_unused *unused = &manifest->unused[i];
        char text[96];
        (void)snprintf(text, sizeof text, "'%s' is checked, but has no effect yet", unused->key);
        say_place(&proc->log, LOG_WARN, unused->mark, text);
    }
}

/* Reads and checks what it is made of, and tells what was found; a status. */
static int32_t read_it(struct troupe_proc *proc, struct troupe_error *error) {
    struct checked *checked = &proc->checked;
    int32_t status = recipe_read(&proc->recipe, &proc->options, proc->types, checked, error);
    const struct manifest *manifest = checked->manifest;
    if (manifest) { /* else there is nothing that findings could be about */
        embed_init_log(proc, (enum log_level)manifest->log_level,
                       (enum log_format)manifest->log_format);
        diags_each(&checked->diags, proc->options.finding ? tell_finding : say_finding, proc);
    }
    if (status == TROUPE_OK) {
        say_unused(proc, manifest);
        (void)snprintf(proc->id, sizeof proc->id, "%s", checked->plan->proc);
    }
    return status;
}

static enum supervisor_verdict ask_program(void *context, const struct inst_end *end) {
    const struct troupe_proc *proc = context;
    struct troupe_root_end root = {.size = sizeof root,
                                   .failed = end->failed,
                                   .status = end->status,
                                   .incarnation = end->incarnation,
                                   .name = troupe_str(end->name),
                                   .text = troupe_str(end->text),
                                   .root = troupe_str(end->root)};
    int32_t verdict = proc->coordinator(proc->coordinator_context, &root);
    return verdict > TROUPE_BY_POLICY && verdict <= TROUPE_GIVE_UP
               ? (enum supervisor_verdict)verdict
               : SUPERVISOR_BY_POLICY;
}
_Static_assert((int)TROUPE_RESTART == (int)SUPERVISOR_RESTART &&
                   (int)TROUPE_LET_GO == (int)SUPERVISOR_LET_GO &&
                   (int)TROUPE_GIVE_UP == (int)SUPERVISOR_GIVE_UP,
               "the program's words and the supervisor's are the same numbers");

static int deploy_it(struct troupe_proc *proc, struct deploy **ret, struct err *err) {
    const struct deploy_options options = {
        .log = &proc->log,
        .handle_signals = proc->options.flags & TROUPE_SIGNALS,
        .stays = proc->options.flags & TROUPE_STAYS,
        .forwarder = proc->member ? member_forwarder(proc->member) : (struct proc_forwarder){0}};
    struct deploy *deploy;
    if (deploy_create(proc->checked.plan, proc->types, &options, &deploy, err) < 0) {
        return -1;
    }
    if (proc->member && member_enter(proc->member, deploy_proc(deploy), err) < 0) {
        deploy_destroy(deploy);
        return -1;
    }
    if (proc->coordinator) {
        const struct supervisor_coordinator coordinator = {ask_program, proc};
        (void)supervisor_set_coordinator(deploy_supervisor(deploy), &coordinator);
    }
    if (deploy_start(deploy, err) < 0) {
        if (proc->member) {
            member_withdraw(proc->member);
        }
        deploy_destroy(deploy);
        return -1;
    }
    *ret = deploy;
    return 0;
}

/* Reads, checks, loads and starts; a status. */
static int32_t bring_up(struct troupe_proc *proc, struct deploy **ret, struct troupe_error *error) {
    struct err err;
    if (start_keeper(proc, &err) < 0 ||
        recipe_add_options(&proc->recipe, &proc->options, &err) < 0) {
        return embed_fail_as(error, &err);
    }
    int32_t status = read_it(proc, error);
    if (status == TROUPE_OK) {
        bool alone = !proc->options.forwarder;
        bool fails =
            !alone && member_create(proc->options.forwarder, proc->id, &proc->member, &err) < 0;
        fails = fails || deploy_it(proc, ret, &err) < 0;
        status = fails ? embed_fail_as(error, &err) : TROUPE_OK;
    }
    if (status < 0) {
        member_destroy(proc->member);
        proc->member = NULL;
        checked_fini(&proc->checked);
    }
    return status;
}

int32_t troupe_proc_start(struct troupe_proc *proc, struct troupe_error *error) {
    struct troupe_error own;
    struct deploy *deploy = NULL;
    error = error ? error : &own;
    pthread_mutex_lock(&proc->lock);
    bool first = proc->state == EMBED_MADE;
    proc->state = first ? EMBED_STARTING : proc->state;
    pthread_mutex_unlock(&proc->lock);
    if (!first) {
        return embed_fail(error, TROUPE_STOPPING, "proc '%s' has been started, or stopped, already",
                          proc->id);
    }
    int32_t status = bring_up(proc, &deploy, error);
    pthread_mutex_lock(&proc->lock);
    proc->deploy = deploy;
    proc->kept = deploy != NULL;
    proc->state = deploy ? EMBED_RUNNING : EMBED_OVER;
    if (!deploy) {
        proc->end = end_create_failed(error->text);
    }
    pthread_cond_broadcast(&proc->changed);
    bool stop = deploy && proc->stop_asked;
    bool abort = proc->abort_asked;
    pthread_mutex_unlock(&proc->lock);
    if (stop) {
        embed_ask(proc, abort);
    }
    return status;
}
