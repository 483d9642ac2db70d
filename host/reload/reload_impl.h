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

    pthread_mutex_t running;     /* */
    struct reload_file *files;   /* written under both locks, read under one; owned, grows */
    size_t file_count;           /* likewise */
    uint64_t series;             /* under running; so the next two */
    const struct plan *settings; /* whose settings actors have; lent */
    struct config **configs; /* per actor of the plan: what it has, laid out for its present code;
                                  * owned; NULL: none */

    pthread_mutex_t lock;
    struct reload_report history[RELOAD_KEEPS]; /* under lock; by number, round and round */
    struct shadow_run *shadows[RELOAD_KEEPS];   /* under lock; of these, references; NULL: none */
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
    struct shadow_run *shadow; /* a reference; NULL: none */
    bool has_settings;       /* there are others for some actors, whatever becomes of their code */
    struct config **configs; /* per actor of the plan: what it is to have; owned; NULL: as it is */
};

/* prove.c */
/* The private copies are made, and each is tried by a process of its own (RL-1). */
int transaction_probe(struct transaction *t, struct err *err);

/* settings.c */
int settings_create(struct reload *reload, struct err *err);
void settings_destroy(struct reload *reload);
/* Whether the next plan is one of other code and settings alone. Errors: REFUSED, with all that is in the way. */
int transaction_compare(struct transaction *t, struct err *err);
/* Turnovers for types that get other settings and no other code. */
int transaction_add_same_code(struct transaction *t, struct err *err);
/* Makes what actors get, by the schemas of the code to come. Errors: INVALID. */
int transaction_configure(struct transaction *t, struct err *err);
/* To the actors, before they go over. */
void transaction_hand_out(const struct transaction *t);
/* When all have gone, or gone back. */
void transaction_keep_settings(struct transaction *t, bool is_done);
void transaction_drop_settings(struct transaction *t);

/* shadow.c */
bool transaction_wants_shadow(const struct transaction *t);
/* The new code runs behind that of live actors. Errors: REFUSED: it does something else, or there was too little to
 * compare. */
int transaction_shadow(struct transaction *t, struct err *err);

/* keys.c */
/* Whether the settings of all actors of the plan as it is to be go with the config of their new code. Errors: INVALID,
 * with the place in the manifest. */
int transaction_check_keys(struct transaction *t, struct err *err);

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
