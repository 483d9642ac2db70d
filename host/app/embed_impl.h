/* Struct bodies of the embedding API. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include <troupe/embed.h>

#include "app/checked.h"
#include "app/deploy.h"
#include "base/cond.h"
#include "base/list.h"
#include "base/log.h"
#include "base/str.h"

/* What a proc is made of: manifests as they were added, then one for each thing by hand, then one
 * for the options. Later ones override. */
struct recipe_item {
    struct recipe_item *next;
    char *path; /* of a file, or what a text is called; owned */
    char *text; /* NULL: it is a file */
    size_t size;
};
struct recipe {
    struct recipe_item *first, **last;
    char **plugins; /* owned, as the texts in it */
    char **types;   /* likewise */
    size_t plugin_count, item_count, type_count;
};

/*  made -> starting -> running -> over -> gone
 *  made, starting -> over: it failed to start, or was stopped before                         */
enum embed_state {
    EMBED_MADE,
    EMBED_STARTING,
    EMBED_RUNNING,
    EMBED_OVER, /* `end` tells; the deployment is there to be looked at */
    EMBED_GONE, /* the last strong handle, too: nothing is left but what weak ones hold */
};

/* The manifests as they were read again. */
struct reread {
    struct reread *next;
    struct checked checked;
};

struct troupe_proc {
    /* any thread, atomic */
    _Atomic uint64_t strong;
    _Atomic uint64_t weak; /* weak handles, and one each for: all strong ones, the keeper */

    /* set at creation, then constant */
    struct troupe_options options; /* its texts are owned */
    struct type_table *types;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* monotonic clock */

    /* under lock */
    enum embed_state state;
    bool stop_asked, abort_asked;
    unsigned users; /* calls that are busy with `deploy` */
    struct member
        *member;         /* of its forwarder; NULL: alone. Set by the start, freed by the keeper */
    bool member_is_gone; /* nothing of it is left in the proc */
    bool is_shut;        /* no client comes in any more */
    struct list clients; /* troupe_client.link: those that have not ended */
    bool kept;           /* there is a keeper: it takes the deployment down */
    struct recipe recipe;
    troupe_coordinator *coordinator;
    void *coordinator_context;
    struct troupe_end *end; /* from OVER on */
    struct deploy *deploy;  /* from RUNNING on; changed by the keeper only, when it is GONE */

    /* set by the start, then constant */
    struct checked checked;
    struct log log;

    pthread_mutex_t reloading; /* one reload at a time */
    struct reread *reread;     /* under reloading; owned: those that something refers to */
    char id[128];
};

struct end_drop { /* a wire that dropped messages */
    uint64_t messages;
    uint32_t receivers;
    char *from, *to; /* owned */
};
struct end_loss {
    uint64_t failures, quarantined, retried, lost_with_state;
    char *name; /* of the actor; owned; NULL: all together */
};
#define END_REASONS 64 /* more statuses than there are */
struct end_losses {
    struct end_drop *drops;  /* owned */
    struct end_loss *actors; /* owned */
    uint64_t drop_count, actor_count;
    struct end_loss all;
    uint64_t letters, letters_kept;
    uint64_t letters_by_reason[END_REASONS]; /* of those kept */
};

struct troupe_end {
    _Atomic uint64_t refs;
    int32_t status;
    uint64_t left;
    bool stuck; /* threads are left behind */
    struct end_losses losses;
    char cause[1024];
    char **names[TROUPE_HOW_COUNT_]; /* owned, as the texts in them */
    uint64_t counts[TROUPE_HOW_COUNT_];
};

/* embed_error.c: both return the status, and fill `error` unless it is NULL. */
__attribute__((format(printf, 3, 4))) int32_t embed_fail(struct troupe_error *error, int32_t status,
                                                         const char *format, ...);
int32_t embed_fail_as(struct troupe_error *error, const struct err *err);
/* WRONG_THREAD when this thread is in a turn or a callback, else OK. */
int32_t embed_check_outside(struct troupe_error *error, const char *what);
void embed_callback_begin(void);
void embed_callback_end(void);

/* embed_recipe.c */
void recipe_init(struct recipe *recipe);
void recipe_fini(struct recipe *recipe);
int recipe_add_file(struct recipe *recipe, const char *path, struct err *err);
int recipe_add_text(struct recipe *recipe, const char *name, const char *text, size_t size,
                    struct err *err);
int recipe_add_plugins(struct recipe *recipe, const char *path, struct err *err);
int recipe_add_type(struct recipe *recipe, const char *type, struct err *err);
#define ROOT_TEXT_NAME "(spawn)"
/* The manifest of a root and its wires, for the start (`proc` NULL) or for a proc that runs. */
void recipe_write_root(const struct troupe_root *root, const char *proc, struct str *text);
int recipe_add_root(struct recipe *recipe, const struct troupe_root *root, struct err *err);
int recipe_add_wire(struct recipe *recipe, const char *from, const char *to, struct err *err);
int recipe_add_options(struct recipe *recipe, const struct troupe_options *options,
                       struct err *err);
/* Reads and checks it; a status. `checked` is to be ended in both cases. */
int32_t recipe_read(const struct recipe *recipe, const struct troupe_options *options,
                    struct type_table *types, struct checked *checked, struct troupe_error *error);

/* embed_reload.c */
void embed_forget_reread(struct troupe_proc *proc);

/* The error of what was checked, with the errors among its findings; the rest is logged. */
int32_t recipe_fail(const struct checked *checked, struct troupe_error *error);

/* embed_end.c: see troupe_end_... */
/* Of a deployment that has halted, or has threads stuck in it. NULL: no memory. */
struct troupe_end *end_create(struct deploy *deploy, const struct supervisor_result *result);
/* Of one that never ran. */
struct troupe_end *end_create_failed(const char *cause);
struct troupe_end *end_ref(struct troupe_end *end);

/* embed_losses.c */
/* Of a deployment that has halted. -1: no memory for some of it. */
int end_gather_losses(struct end_losses *losses, struct proc *proc);
void end_free_losses(struct end_losses *losses);
/* Says what was aborted, what overflow policies dropped, wire by wire (MB-2), what could not be delivered,
 * and what became of the messages that failing actors handled, actor by actor. `end` NULL: no memory. */
void end_log(const struct troupe_end *end, const struct supervisor_result *result, struct log *log);

/* embed_proc.c */
/* What a proc is made of changes: under its lock until the end. */
int32_t embed_begin_change(struct troupe_proc *proc, struct troupe_error *error);
int32_t embed_end_change(struct troupe_proc *proc, int status, const struct err *err,
                         struct troupe_error *error);
/* A call uses the deployment, which stays until the end of it; NULL: it does not run, or is to stop. */
struct deploy *embed_begin_use(struct troupe_proc *proc);
void embed_end_use(struct troupe_proc *proc);
/* Level and format where the program has not said them. */
void embed_init_log(struct troupe_proc *proc, enum log_level level, enum log_format format);
/* The control block may go. */
void embed_release(struct troupe_proc *proc);
/* Asks for a stop, or for an abort; before the start it is the end. */
void embed_ask(struct troupe_proc *proc, bool abort);
/* One more strong handle; NULL: it has ended, or the last one is gone. */
struct troupe_proc *embed_upgrade(struct troupe_proc *proc);
/* Tells the inverted instances of a proc that it stops. [under lock] */
void inverted_stop_all_locked(struct troupe_proc *owner);
/* For waits by the monotonic clock. */
static inline void embed_cond_init(pthread_cond_t *cond) {
    cond_init(cond);
}
/* Waits for `changed`; false: it is `until_ns` by the monotonic clock. [under lock] */
static inline bool embed_wait_locked(pthread_cond_t *changed, pthread_mutex_t *lock,
                                     uint64_t until_ns) {
    return cond_wait_until(changed, lock, until_ns);
}
uint64_t embed_deadline(uint64_t timeout);
