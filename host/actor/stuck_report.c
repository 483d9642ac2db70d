/* Reports of stuck turns, written by a thread of their own: to find the names of functions takes longer
 * than those may wait who drive timers or run turns. */
#include <stdio.h>
#include <string.h>

#include "actor/stuck_impl.h"
#include "base/alloc.h"

/* Reports that wait: from the first on none is written again, from the second on none with its stack. */
#define WAITING_MANY 4u
#define WAITING_VERY_MANY 32u

void stuck_report_unref(struct stuck_report *report) {
    /* acq_rel: who frees it is the last to touch it */
    if (report && atomic_fetch_sub_explicit(&report->refs, 1, memory_order_acq_rel) == 1) {
        mem_free(report->stack.lines);
        fault_forget(&report->frames);
        mem_free(report);
    }
}

void stuck_text(uint64_t ran_ns, const char *frame, char *ret, size_t size) {
    (void)snprintf(ret, size, "stuck: ran for %llu ms%s%s",
                   (unsigned long long)(ran_ns / NS_PER_MS), frame[0] ? ", in " : "", frame);
}

static void write_lines(const struct stuck_report *report) {
    struct log *log = report->proc->options.log;
    const char *line = report->stack.lines;
    while (log && line && *line) {
        const char *next = strchr(line, '\n');
        int size = next ? (int)(next - line) : (int)strlen(line);
        log_write(log, LOG_WARN, report->name, "  %.*s", size, line);
        line = next ? next + 1 : NULL;
    }
}

static void write_head(const struct stuck_report *report) {
    struct log *log = report->proc->options.log;
    if (log && report->revoked) {
        log_write(log, LOG_WARN, report->name,
                  "the abandoned turn of '%s' has not come back after %llu ms%s", report->handler,
                  (unsigned long long)(report->ran_ns / NS_PER_MS),
                  report->has_frames ? "" : " (its stack is not to be had)");
    } else if (log) {
        log_write(log, report->exit ? LOG_ERROR : LOG_WARN, report->name,
                  "%s in '%s', which has been running for %llu ms%s%s",
                  report->again ? "still stuck" : "stuck", report->handler,
                  (unsigned long long)(report->ran_ns / NS_PER_MS),
                  report->exit ? "; the process ends, because of 'on_stuck: exit'" : "",
                  report->has_frames ? "" : " (its stack is not to be had)");
    }
}

static void write_report(struct stuck_report *report) {
    write_head(report);
    if (report->has_frames) {
        panic_stack(&report->frames, 0, &report->stack);
        write_lines(report);
    }
    /* release: pairs with stuck_revoke */
    atomic_store_explicit(&report->is_written, true, memory_order_release);
    if (report->exit) {
        struct fault_report end = {.signal = SIGABRT};
        fault_die(&end);
    }
    stuck_report_unref(report);
}

static struct stuck_report *take_locked(struct stuck_keeper *keeper) {
    struct stuck_report *report = keeper->first;
    if (report) {
        keeper->waiting--;
        keeper->first = report->next;
        if (!keeper->first) {
            keeper->last = &keeper->first;
        }
    }
    return report;
}

static void *write_all(void *argument) {
    struct stuck_keeper *keeper = argument;
    struct stuck_report *report;
    do {
        pthread_mutex_lock(&keeper->lock);
        while (!keeper->first && !keeper->ending) {
            pthread_cond_wait(&keeper->changed, &keeper->lock);
        }
        report = take_locked(keeper);
        pthread_mutex_unlock(&keeper->lock);
        if (report) {
            write_report(report);
        }
    } while (report);
    return NULL;
}

static bool start_locked(struct stuck_keeper *keeper) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    keeper->has_thread = pthread_create(&keeper->thread, NULL, write_all, keeper) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (keeper->has_thread) {
        (void)pthread_setname_np(keeper->thread, "troupe-report");
    }
    return keeper->has_thread;
}

void stuck_write(struct stuck_report *report) {
    struct stuck_keeper *keeper = &report->proc->stuck;
    pthread_mutex_lock(&keeper->lock);
    if (report->again && keeper->waiting >= WAITING_MANY) {
        pthread_mutex_unlock(&keeper->lock);
        stuck_report_unref(report);
        return;
    }
    report->has_frames = report->has_frames && keeper->waiting < WAITING_VERY_MANY;
    bool is_taken = keeper->has_thread || start_locked(keeper);
    if (is_taken) {
        keeper->waiting++;
        *keeper->last = report;
        keeper->last = &report->next;
        pthread_cond_signal(&keeper->changed);
    }
    pthread_mutex_unlock(&keeper->lock);
    if (!is_taken) {
        write_report(report); /* late is better than not at all */
    }
}

void stuck_init(struct stuck_keeper *keeper) {
    pthread_mutex_init(&keeper->gate, NULL);
    pthread_mutex_init(&keeper->lock, NULL);
    pthread_cond_init(&keeper->changed, NULL);
    keeper->last = &keeper->first;
}

void stuck_fini(struct stuck_keeper *keeper) {
    pthread_cond_destroy(&keeper->changed);
    pthread_mutex_destroy(&keeper->lock);
    pthread_mutex_destroy(&keeper->gate);
}

static void stop_writing(struct stuck_keeper *keeper) {
    pthread_mutex_lock(&keeper->lock);
    keeper->ending = true;
    pthread_cond_signal(&keeper->changed);
    bool has_thread = keeper->has_thread;
    keeper->has_thread = false;
    pthread_mutex_unlock(&keeper->lock);
    if (has_thread) {
        pthread_join(keeper->thread, NULL);
    }
}

static void forget(struct proc *proc) {
    struct runner *r = atomic_load_explicit(&proc->runners, memory_order_acquire);
    for (; r; r = r->next) {
        if (r->watch.stuck) {
            stuck_report_unref(r->watch.stuck->report);
            mem_free(r->watch.stuck);
            r->watch.stuck = NULL;
        }
    }
}

void stuck_stop(struct proc *proc) {
    stop_writing(&proc->stuck);
    forget(proc);
}
