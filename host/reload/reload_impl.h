/* What the files of the reload folder share. */
#pragma once

#include <pthread.h>

#include "actor/type.h"
#include "reload/loaded.h"
#include "reload/reload.h"
#include "reload/retire.h"

/* A plugin file of the deployment. */
struct reload_file {
    const char *path; /* the image's, as asked for; the plan's */
    struct library *library;
};

struct reload {
    /* set at creation, then constant */
    struct proc *proc;
    const struct plan *plan;
    struct log *log;
    struct retirer *retirer;

    pthread_mutex_t running;   /* */
    struct reload_file *files; /* under running; owned, grows; so the next two */
    size_t file_count;
    uint64_t series;

    pthread_mutex_t lock;
    struct reload_report history[RELOAD_KEEPS]; /* under lock; by number, round and round */
    uint64_t reports;                           /* under lock */
};

/* A type on its way. */
struct turnover {
    const struct inst_type *from; /* NULL: there was none of this id */
    const struct inst_type *to;
};

/* A file on its way. */
struct exchange {
    struct reload_file *file;
    struct image *image;     /* what lies there now; owned */
    struct library *library; /* of it; owned until it is the file's */
};

/* One reload. */
struct transaction {
    struct reload *reload;
    const struct reload_how *how;
    struct reload_report *report;
    struct exchange *exchanges; /* owned; so `turnovers` */
    size_t exchange_count;
    struct turnover *turnovers;
    size_t turnover_count;
};

/* reload.c */
bool reload_is_same_config(const struct note_config *a, const struct note_config *b);

/* prove.c */
/* The private copies are made, and each is tried by a process of its own (RL-1). */
int transaction_probe(struct transaction *t, struct err *err);

/* over.c */
enum reload_mode transaction_mode(const struct transaction *t);
/* Some go over first, and have to stand the time of probation. */
int transaction_canary(struct transaction *t, struct err *err);
/* All actors of the types go over, or back. */
int transaction_over(struct transaction *t, struct err *err);
/* Whether all goes well for the time of probation. */
int transaction_prove(struct transaction *t, struct err *err);
void transaction_settle(struct transaction *t);
void transaction_back(struct transaction *t);
