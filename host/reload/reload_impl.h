/* What the files of the reload folder share. */
#pragma once

#include <pthread.h>

#include "actor/type.h"
#include "reload/loaded.h"
#include "reload/reload.h"
#include "reload/retire.h"
#include "supervise/supervisor.h"

/* A plugin file of the deployment. */
struct reload_file {
    char *path; /* as asked for; owned */
    struct library *library;
    bool is_of_root; /* one that was added is, or was, of it: no plan here says so */
};

struct reload {
    /* set at creation, then constant */
    struct proc *proc;
    struct supervisor *supervisor;
    struct log *log;
    struct retirer *retirer;

    pthread_mutex_t running;   /* */
    struct reload_file *files; /* written under both locks, read under one; owned, grows */
    size_t file_count;         /* likewise */
    uint64_t series;           /* under running; so the next ones */
    const struct plan *plan;   /* as it is now; lent */
    uint32_t *numbers;         /* per actor of the plan, the proc's; owned */
    struct config **configs;   /* per actor of the plan: what it has, laid out for its present code;
                                  * owned; NULL: none */

    pthread_mutex_t lock;
    struct reload_report history[RELOAD_KEEPS]; /* under lock; by number, round and round */
    struct shadow_run *shadows[RELOAD_KEEPS];   /* under lock; of these, references; NULL: none */
    uint64_t reports;                           /* under lock */
    int news; /* under lock; an eventfd that is told when there are other files; -1: none */
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
    bool has_change;           /* actors join or leave, get other wires, or other policies */
    bool has_settings;       /* there are others for some actors, whatever becomes of their code */
    struct config **configs; /* per actor of the plan: what it is to have; owned; NULL: as it is */
    size_t config_count;

    /* With a next plan; all owned. */
    uint32_t *after;  /* per actor of the plan: which one it is of the next; PLAN_NONE: it leaves */
    uint32_t *before; /* per actor of the next plan: which one it was; PLAN_NONE: it is new */
    uint32_t *numbers;            /* likewise: its number */
    bool *restarts;               /* likewise: it gets its settings by a restart */
    struct config **next_configs; /* likewise: of those that are new, or get them by a restart */
    struct change *change; /* actors that join or leave, and other wires; NULL: there are none */
};

/* The plan as it is to be. */
static inline const struct plan *transaction_plan(const struct transaction *t) {
    return t->how->next ? t->how->next : t->reload->plan;
}

/* files.c */
/* By its path: what is loaded of it may have changed since. NULL: it is not loaded. */
struct reload_file *files_find(const struct reload *reload, const char *path);
/* Those of the plan that there are not yet. The others may move. Errors: as loaded_open, NOMEM. */
int files_add(struct reload *reload, const struct plan *plan, struct err *err);
/* Likewise the types. Errors: NOT_FOUND, NOMEM. */
int files_add_types(struct reload *reload, const struct plan *plan, struct err *err);
/* Whether somebody is to be of it still; also if another file has its types now, as when this one is broken. */
bool files_is_in_use(const struct transaction *t, const struct reload_file *file);

/* Those of which no actor of the plan may be, and no instance is, retire. */
void files_retire_unused(struct reload *reload, uint64_t grace_ns);

/* prove.c */
/* The private copies are made, and each is tried by a process of its own (RL-1). */
int transaction_probe(struct transaction *t, struct err *err);

/* settings.c */
int settings_create(struct reload *reload, const struct plan *plan, struct err *err);
void settings_destroy(struct reload *reload);
/* Turnovers for types that get other settings and no other code. */
int transaction_add_same_code(struct transaction *t, struct err *err);
/* Makes what actors get, by the schemas of the code to come. Errors: INVALID. */
int transaction_configure(struct transaction *t, struct err *err);
/* What those get that are restarted, by the schemas of the code that runs by now. Errors: INVALID. */
int transaction_configure_restarts(struct transaction *t, struct err *err);
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

/* history.c */
struct reload_report report_begin(struct reload *reload);
/* Tells what became of it, and keeps that. `reason`: why it did not go on; "". */
void report_end(struct transaction *t, const char *reason);

/* keys.c */
/* Whether the settings of all actors of the plan as it is to be go with the config of their new code. Errors: INVALID,
 * with the place in the manifest. */
int transaction_check_keys(struct transaction *t, struct err *err);

/* reload.c */
/* What the actors of this id are to be; NULL: there is none. */
const struct inst_type *transaction_type_after(const struct transaction *t, const char *id);

/* fields.c */
/* Whether what new code sends has the fields that the manifest names, where that was not read again. When the types are
 * there. Errors: INVALID, with the place in the manifest. */
int transaction_check_fields(struct transaction *t, struct err *err);

/* compare.c */
/* What is to be done for the next plan, and whether it can be. Errors: REFUSED, with all that is in the way; EXISTS. */
int transaction_compare(struct transaction *t, struct err *err);
void transaction_drop_comparison(struct transaction *t);

/* change.c */
/* Finds out who joins and leaves, and who gets other wires; whether that can be. Errors: EXISTS, REFUSED. */
int transaction_prepare(struct transaction *t, struct err *err);
/* The next ones only with a change. Those that join are made, started, and come up. */
int transaction_add(struct transaction *t, struct err *err);
/* Others get their new wires. */
int transaction_rewire(struct transaction *t, struct err *err);
/* Those that leave are told to; the last that can fail. */
int transaction_let_leave(struct transaction *t, struct err *err);
/* Until they have. */
void transaction_remove(struct transaction *t);
/* All is as it was: wires first, then those that have joined leave. Also without a change. */
void transaction_undo_change(struct transaction *t);
void transaction_drop_change(struct transaction *t);

/* sweep.c */
/* What is left of actors, and of plugin files, is given back; these lie still for so long before. */
void reload_sweep(struct reload *reload, uint64_t grace_ns);
/* Whether all activations are over that ran when it was called; not for ever. */
bool reload_wait_activations(struct reload *reload);

/* over.c */
enum reload_mode transaction_mode(const struct transaction *t);
/* Until those have come back that a reload before did not wait for any longer. Errors: REFUSED. */
int transaction_await_late(struct transaction *t, struct err *err);
/* Some go over first, and have to stand the time of probation. */
int transaction_canary(struct transaction *t, struct err *err);
/* All actors of the types go over, or back. */
int transaction_over(struct transaction *t, struct err *err);
/* Whether all goes well for the time of probation. */
int transaction_prove(struct transaction *t, struct err *err);
void transaction_settle(struct transaction *t);
void transaction_back(struct transaction *t);
