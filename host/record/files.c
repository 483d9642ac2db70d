/* The thread that writes post-mortem files, and its queue. */
#include "record/files.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"
#include "record/folder.h"

/* One file to write. */
struct job {
    struct list link; /* in files.queue */
    struct snapshot *snapshot;
    char *json; /* for a message */
    char name[FOLDER_NAME_MAX];
};

struct files {
    /* set at open */
    char *directory;
    uint32_t files_max, queue_max;
    uint64_t bytes_max;
    void (*complain)(void *context, const char *sentence);
    void *context;
    pthread_t thread;

    pthread_mutex_t lock;
    pthread_cond_t changed;

    /* under lock */
    struct list queue; /* struct job.link */
    uint32_t queued;   /* and not yet dealt with, that in hand included */
    bool closing;      /* the thread ends when the queue is empty */
    bool given_up;     /* nobody waits for the thread: it drops the queue and frees all of it */
    struct files_counts counts;

    /* only the thread */
    bool is_failing;
    uint64_t dropped_told;
};

static void free_job(struct job *job) {
    snapshot_unref(job->snapshot);
    mem_free(job->json);
    mem_free(job);
}

static void destroy(struct files *files) {
    LIST_EACH_SAFE (link, after, &files->queue) {
        free_job(LIST_OF(link, struct job, link));
    }
    pthread_mutex_destroy(&files->lock);
    pthread_cond_destroy(&files->changed);
    mem_free(files->directory);
    mem_free(files);
}

/* ------------------------------------------------------- the thread */

static void complain(struct files *files, const char *sentence) {
    if (files->complain) {
        files->complain(files->context, sentence);
    }
}

static int write_job(struct files *files, struct job *job, struct err *err) {
    struct str out;
    str_init(&out);
    if (job->snapshot) {
        snapshot_json(job->snapshot, &out);
    }
    const char *data = job->snapshot ? str_text(&out) : job->json;
    int status = out.failed ? err_set(err, ERR_NOMEM, "no memory to write '%s/%s'",
                                      files->directory, job->name)
                            : folder_write(files->directory, job->name, data, strlen(data), err);
    str_fini(&out);
    return status;
}

/* Once, until it works again: a full disk is no news a thousand times. */
static void tell_failure(struct files *files, const struct err *err) {
    if (!files->is_failing) {
        struct err all = *err;
        (void)err_wrap(&all, "a post-mortem is lost, and further ones until this is put right");
        complain(files, all.text);
    }
    files->is_failing = true;
}

static void tell_dropped(struct files *files, uint64_t dropped) {
    char text[256];
    if (dropped > files->dropped_told) {
        (void)snprintf(text, sizeof text,
                       "%" PRIu64 " post-mortems were not written to '%s': more actors failed than "
                       "can be written",
                       dropped - files->dropped_told, files->directory);
        files->dropped_told = dropped;
        complain(files, text);
    }
}

static void do_job(struct files *files, struct job *job) {
    struct err err;
    int status = write_job(files, job, &err);
    uint64_t removed = 0;
    if (status < 0) {
        tell_failure(files, &err);
    } else {
        files->is_failing = false;
        removed = folder_trim(files->directory, files->files_max, files->bytes_max);
    }
    free_job(job);
    pthread_mutex_lock(&files->lock);
    files->counts.written += status == 0;
    files->counts.failed += status < 0;
    files->counts.removed += removed;
    uint64_t dropped = files->counts.dropped;
    pthread_mutex_unlock(&files->lock);
    tell_dropped(files, dropped);
}

/* The next one; NULL: over. */
static struct job *next_job(struct files *files) {
    pthread_mutex_lock(&files->lock);
    while (list_is_empty(&files->queue) && !files->closing) {
        pthread_cond_wait(&files->changed, &files->lock);
    }
    struct job *job = NULL;
    if (!list_is_empty(&files->queue) && !files->given_up) {
        job = LIST_OF(files->queue.next, struct job, link);
        list_remove(&job->link);
    }
    pthread_mutex_unlock(&files->lock);
    return job;
}

static void finish_job(struct files *files) {
    pthread_mutex_lock(&files->lock);
    files->queued--;
    pthread_cond_broadcast(&files->changed);
    pthread_mutex_unlock(&files->lock);
}

static void *write_on(void *argument) {
    struct files *files = argument;
    for (struct job *job; (job = next_job(files));) {
        do_job(files, job);
        finish_job(files);
    }
    pthread_mutex_lock(&files->lock);
    bool given_up = files->given_up;
    pthread_mutex_unlock(&files->lock);
    if (given_up) {
        destroy(files);
    }
    return NULL;
}

/* ------------------------------------------------------- opening and closing */

/* Signals are for others. */
static int start_thread(struct files *files) {
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int number = pthread_create(&files->thread, NULL, write_on, files);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return number;
}

static void init_waiting(struct files *files) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&files->lock, NULL);
    pthread_cond_init(&files->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

int files_open(const struct files_options *options, struct files **ret, struct err *err) {
    struct files *files = mem_alloc(sizeof *files);
    char *directory = mem_text(options->directory);
    if (!files || !directory) {
        mem_free(files);
        mem_free(directory);
        return err_set(err, ERR_NOMEM, "no memory for post-mortem files");
    }
    files->directory = directory;
    files->files_max = options->files_max ? options->files_max : FILES_MAX;
    files->bytes_max = options->bytes_max ? options->bytes_max : FILES_BYTES_MAX;
    files->queue_max = options->queue_max ? options->queue_max : FILES_QUEUE_MAX;
    files->complain = options->complain;
    files->context = options->context;
    list_init(&files->queue);
    init_waiting(files);
    if (folder_prepare(directory, err) < 0) {
        destroy(files);
        return err_wrap(err, "post-mortem files");
    }
    int number = start_thread(files);
    if (number) {
        destroy(files);
        return err_errno(err, ERR_NOMEM, number, "cannot start a thread for post-mortem files");
    }
    *ret = files;
    return 0;
}

static struct timespec deadline_in(uint64_t timeout_ns) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t ns = (uint64_t)now.tv_nsec + timeout_ns % NS_PER_S;
    now.tv_sec += (time_t)(timeout_ns / NS_PER_S + ns / NS_PER_S);
    now.tv_nsec = (long)(ns % NS_PER_S);
    return now;
}

/* Whether all is written by then. */
static bool wait_until_written(struct files *files, uint64_t timeout_ns) {
    struct timespec deadline = deadline_in(timeout_ns);
    int status = 0;
    while (files->queued > 0 && status == 0) {
        status = pthread_cond_timedwait(&files->changed, &files->lock, &deadline);
    }
    return files->queued == 0;
}

uint64_t files_close(struct files *files, uint64_t timeout_ns) {
    if (!files) {
        return 0;
    }
    pthread_t thread = files->thread;
    pthread_mutex_lock(&files->lock);
    files->closing = true;
    pthread_cond_broadcast(&files->changed);
    bool written = wait_until_written(files, timeout_ns);
    files->given_up = !written;
    uint64_t left = files->queued + files->counts.failed + files->counts.dropped;
    pthread_mutex_unlock(&files->lock);
    if (written) {
        pthread_join(thread, NULL);
        destroy(files);
    } else { /* a disk that hangs must not keep the process from ending: the thread frees the rest */
        pthread_detach(thread);
    }
    return left;
}

void files_flush(struct files *files) {
    pthread_mutex_lock(&files->lock);
    while (files->queued > 0) {
        pthread_cond_wait(&files->changed, &files->lock);
    }
    pthread_mutex_unlock(&files->lock);
}

/* ------------------------------------------------------- queueing */

/* Takes the job, which may be NULL: no memory. */
static bool queue(struct files *files, struct job *job) {
    pthread_mutex_lock(&files->lock);
    bool fits = job && files->queued < files->queue_max && !files->closing;
    if (fits) {
        list_add_last(&files->queue, &job->link);
        files->queued++;
        pthread_cond_broadcast(&files->changed);
    } else {
        files->counts.dropped++;
    }
    pthread_mutex_unlock(&files->lock);
    if (!fits && job) {
        free_job(job);
    }
    return fits;
}

bool files_write_snapshot(struct files *files, struct snapshot *snapshot) {
    const struct snapshot_facts *facts = &snapshot->facts;
    if (!facts->failed) {
        return true;
    }
    struct job *job = mem_alloc(sizeof *job);
    if (job) {
        job->snapshot = snapshot_ref(snapshot);
        /* as its message in quarantine, so that the two are seen to belong together */
        int64_t wall_ns = facts->failure.wall_ns ? facts->failure.wall_ns : facts->ended_wall_ns;
        folder_name(job->name, "", facts->name, facts->pid, facts->incarnation, wall_ns);
    }
    return queue(files, job);
}

bool files_write_message(struct files *files, const char *name, uint64_t pid, uint32_t incarnation,
                         int64_t wall_ns, char *json) {
    struct job *job = mem_alloc(sizeof *job);
    if (job) {
        job->json = json;
        folder_name(job->name, "quarantine-", name, pid, incarnation, wall_ns);
    } else {
        mem_free(json);
    }
    return queue(files, job);
}

struct files_counts files_counts(struct files *files) {
    pthread_mutex_lock(&files->lock);
    struct files_counts counts = files->counts;
    pthread_mutex_unlock(&files->lock);
    return counts;
}
