/* Lets generations go in the background; see retire.h. */
#include "reload/retire.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/cond.h"
#include "reload/audit.h"
#include "reload/loaded.h"
#include "sched/fault.h"

/* What an audit has found may be a trace that is soon written over. */
#define AUDITS_MOST 4u
#define AUDIT_AGAIN_NS (10 * NS_PER_MS) /* tenfold each time */

/* One on its way. */
struct leaving {
    struct leaving *next;
    struct library *library; /* NULL: it stays, and that is all there is to tell */
    uint64_t grace_ns;
    uint64_t due_ns; /* when it is looked at next; UINT64_MAX: at the end */
    unsigned audits;
    uint64_t again_ns;   /* how long it waited for the last one; 0: there was one at most */
    struct retired view; /* under lock, with what stands above it while the thread runs */
};

struct retirer {
    struct log *log;
    struct clock *clock;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under lock */
    struct leaving *first;
    bool runs, ends;
    pthread_t thread;
    struct retired past[RETIRED_KEEPS]; /* round and round */
    uint64_t past_count;
};

const char *retired_state_text(enum retired_state state) {
    static const char *const texts[] = {
#define RETIRED_STATE_TEXT(name, text) [RETIRED_##name] = text,
        RETIRED_STATES(RETIRED_STATE_TEXT)
#undef RETIRED_STATE_TEXT
    };
    return texts[state];
}

/* --- what is told --- */

static void set_view(struct retirer *r, struct leaving *l, enum retired_state state,
                     const char *reason) {
    pthread_mutex_lock(&r->lock);
    l->view.state = state;
    (void)snprintf(l->view.reason, sizeof l->view.reason, "%s", reason);
    pthread_mutex_unlock(&r->lock);
}

static void say(const struct retirer *r, const struct retired *view) {
    if (r->log && view->state == RETIRED_STAYS) {
        log_write(r->log, LOG_WARN, NULL, "generation %u of '%s' stays loaded: %s",
                  view->generation, view->file, view->reason);
    } else if (r->log) {
        log_write(r->log, LOG_DEBUG, NULL, "generation %u of '%s' was unloaded", view->generation,
                  view->file);
    }
}

/* --- the steps --- */

/* Its code is the plugin's, in the eyes of the fault boundary, as long as somebody may run it. */
static void stay(struct leaving *l, const char *reason) {
    library_pin(l->library, reason);
    library_unref(l->library);
    l->library = NULL;
}

/* fini, dlclose, and the proof. */
static void unload(struct retirer *r, struct leaving *l) {
    char reason[LIBRARY_REASON_SIZE];
    loaded_close(l->library);
    l->library = NULL;
    bool stays = library_find_pin(l->view.generation, reason, sizeof reason);
    set_view(r, l, stays ? RETIRED_STAYS : RETIRED_UNLOADED, stays ? reason : "");
}

/* What was quiet is not any more. Whether somebody has used it. */
static bool end_quiet(struct retirer *r, struct leaving *l) {
    char reason[LIBRARY_REASON_SIZE];
    struct library_memory first = {0};
    (void)library_memory(l->library, &first, 1);
    uintptr_t used_at = fault_quiet_end(l->view.generation);
    if (!used_at) {
        return false;
    }
    (void)snprintf(reason, sizeof reason, "it was used after it had retired, at 0x%zx",
                   (size_t)(used_at - first.start));
    stay(l, reason);
    set_view(r, l, RETIRED_STAYS, reason);
    return true;
}

static bool begin_quiet(struct leaving *l) {
    struct library_memory parts[LIBRARY_PARTS_MAX];
    struct fault_quiet quiet[LIBRARY_PARTS_MAX];
    size_t count = library_memory(l->library, parts, LIBRARY_PARTS_MAX);
    size_t quiet_count = 0;
    /* the first has the headers, which the dynamic linker and debuggers look at */
    for (size_t i = 1; i < count; i++) {
        if (!parts[i].is_writable) {
            quiet[quiet_count++] =
                (struct fault_quiet){parts[i].start, parts[i].end, parts[i].is_code};
        }
    }
    bool is_quiet =
        quiet_count > 0 && fault_quiet_begin(l->view.generation, quiet, quiet_count) == 0;
    explicit_bzero(parts, sizeof parts); /* an audit of another at the same place would find them */
    explicit_bzero(quiet, sizeof quiet);
    return is_quiet;
}

/* Whether it is done with. */
static bool audit(struct retirer *r, struct leaving *l) {
    char reason[LIBRARY_REASON_SIZE];
    if (library_stays(l->library)) {
        unload(r, l);
        return true;
    }
    loaded_hide(l->library); /* what the boundary knows of its code is no use of it */
    bool is_used = audit_finds(l->library, l->grace_ns > 0, reason, sizeof reason);
    loaded_show(l->library);
    if (!is_used) {
        return false;
    }
    if (++l->audits < AUDITS_MOST && l->grace_ns > 0) {
        set_view(r, l, RETIRED_RETIRING, reason);
        l->again_ns = l->again_ns ? 10 * l->again_ns : AUDIT_AGAIN_NS;
        l->due_ns = r->clock->now(r->clock) + l->again_ns;
        return true;
    }
    stay(l, reason);
    set_view(r, l, RETIRED_STAYS, reason);
    return true;
}

/* As far as it comes now. Without the lock: nobody else touches it but its view. */
static void step(struct retirer *r, struct leaving *l) {
    if (l->view.state == RETIRED_QUIET) {
        if (!end_quiet(r, l)) {
            unload(r, l);
        }
        fault_quiet_forget(l->view.generation);
        return;
    }
    if (audit(r, l)) {
        return;
    }
    if (l->grace_ns > 0 && begin_quiet(l)) {
        set_view(r, l, RETIRED_QUIET, "");
        l->due_ns = r->clock->now(r->clock) + l->grace_ns;
        return;
    }
    unload(r, l);
}

/* --- all of them --- */

static void bury(struct retirer *r, struct leaving *l) {
    struct leaving **at = &r->first;
    say(r, &l->view);
    pthread_mutex_lock(&r->lock);
    while (*at != l) {
        at = &(*at)->next;
    }
    *at = l->next;
    r->past[r->past_count++ % RETIRED_KEEPS] = l->view;
    pthread_mutex_unlock(&r->lock);
    mem_free(l);
}

/* What stays is told of as long as anybody asks. */
static void settle(struct retirer *r, struct leaving *l) {
    if (l->view.state != RETIRED_STAYS) {
        bury(r, l);
        return;
    }
    say(r, &l->view);
    pthread_mutex_lock(&r->lock);
    l->due_ns = UINT64_MAX;
    pthread_mutex_unlock(&r->lock);
}

static struct leaving *find_due_locked(struct retirer *r, uint64_t *ret_next_ns) {
    struct leaving *due = NULL;
    for (struct leaving *l = r->first; l; l = l->next) {
        if (!due || l->due_ns < due->due_ns) {
            due = l;
        }
    }
    *ret_next_ns = due ? due->due_ns : UINT64_MAX;
    return due;
}

static void step_unlocked(struct retirer *r, struct leaving *l) {
    pthread_mutex_unlock(&r->lock);
    step(r, l);
    if (!l->library) {
        settle(r, l);
    }
    pthread_mutex_lock(&r->lock);
}

#define NICE 10

static void *run(void *context) {
    struct retirer *r = context;
    (void)setpriority(PRIO_PROCESS, 0, NICE); /* this thread's: what runs comes first */
    pthread_mutex_lock(&r->lock);
    while (!r->ends) {
        uint64_t next_ns;
        struct leaving *l = find_due_locked(r, &next_ns);
        if (l && next_ns <= r->clock->now(r->clock)) {
            step_unlocked(r, l);
        } else {
            (void)cond_wait_until(&r->changed, &r->lock, next_ns);
        }
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

int retirer_create(struct log *log, struct retirer **ret, struct err *err) {
    struct retirer *r = mem_alloc(sizeof *r);
    if (!r) {
        return err_set(err, ERR_NOMEM, "retirer");
    }
    cond_init(&r->changed);
    pthread_mutex_init(&r->lock, NULL);
    r->log = log;
    r->clock = clock_system(); /* real, whatever the actors live by: threads and memory are */
    fault_open();              /* what is quiet needs the handlers, whoever else does */
    *ret = r;
    return 0;
}

static void end_thread(struct retirer *r) {
    pthread_mutex_lock(&r->lock);
    bool runs = r->runs;
    r->ends = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    if (runs) {
        (void)pthread_join(r->thread, NULL);
    }
}

void retirer_destroy(struct retirer *r) {
    if (!r) {
        return;
    }
    end_thread(r);
    while (r->first) {
        struct leaving *l = r->first;
        l->grace_ns = 0;
        if (l->library) {
            step(r, l);
            say(r, &l->view);
        }
        r->first = l->next;
        mem_free(l);
    }
    fault_close();
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    mem_free(r);
}

void retired_describe(const struct library *library, struct retired *ret) {
    const struct image *image = library->image;
    *ret = (struct retired){.generation = library->generation, .state = RETIRED_CURRENT};
    (void)snprintf(ret->file, sizeof ret->file, "%s", image->path);
    (void)snprintf(ret->build_id, sizeof ret->build_id, "%s", image->build_id);
    (void)snprintf(ret->version, sizeof ret->version, "%s", image->note->version);
}

static struct leaving *make(struct library *library, uint64_t grace_ns) {
    struct leaving *l = mem_alloc(sizeof *l);
    if (l) {
        l->library = library;
        l->grace_ns = grace_ns;
        retired_describe(library, &l->view);
        l->view.state = RETIRED_RETIRING;
    }
    return l;
}

static void add_locked(struct retirer *r, struct leaving *l) {
    struct leaving **at = &r->first;
    while (*at) {
        at = &(*at)->next;
    }
    *at = l;
}

/* Signals of the process are for its own threads, but for those of what this one does itself. */
static bool start(struct retirer *r) {
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        sigdelset(&all, own[i]);
    }
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool runs = pthread_create(&r->thread, NULL, run, r) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (runs) {
        (void)pthread_setname_np(r->thread, "troupe-retire");
    }
    return runs;
}

/* Whether there is a thread for it. */
static bool start_locked(struct retirer *r) {
    r->runs = r->runs || start(r);
    return r->runs;
}

void retirer_take(struct retirer *r, struct library *library, uint64_t grace_ns) {
    struct library_memory first;
    bool was_opened = library_memory(library, &first, 1) > 0;
    struct leaving *l = was_opened ? make(library, grace_ns) : NULL;
    if (!l) {
        loaded_close(library); /* there is nothing to unload, or no memory to be careful */
        return;
    }
    pthread_mutex_lock(&r->lock);
    add_locked(r, l);
    if (grace_ns > 0 && start_locked(r)) {
        pthread_cond_broadcast(&r->changed);
    } else {
        l->grace_ns = 0;
        l->due_ns = UINT64_MAX; /* not the thread's */
        step_unlocked(r, l);
    }
    pthread_mutex_unlock(&r->lock);
}

void retirer_keep(struct retirer *r, struct library *library, const char *reason) {
    struct leaving *l = make(library, 0);
    if (l) {
        l->due_ns = UINT64_MAX;
        l->view.state = RETIRED_STAYS;
        (void)snprintf(l->view.reason, sizeof l->view.reason, "%s", reason);
        say(r, &l->view);
        pthread_mutex_lock(&r->lock);
        add_locked(r, l);
        pthread_mutex_unlock(&r->lock);
    }
}

size_t retirer_list(struct retirer *r, struct retired *ret, size_t room) {
    size_t count = 0;
    pthread_mutex_lock(&r->lock);
    uint64_t kept = r->past_count < RETIRED_KEEPS ? r->past_count : RETIRED_KEEPS;
    for (uint64_t i = r->past_count - kept; i < r->past_count && count < room; i++) {
        ret[count++] = r->past[i % RETIRED_KEEPS];
    }
    for (const struct leaving *l = r->first; l && count < room; l = l->next) {
        ret[count++] = l->view;
    }
    pthread_mutex_unlock(&r->lock);
    return count;
}
