/* Shared by the files of the stress harness. */
#pragma once

#include "app/deploy.h"
#include "fixtures/plugins/stress/ledger.h"
#include "lib/app/stress_graph.h"
#include "lib/app/stress_run.h"
#include "message/type.h"

struct stress_world {
    char *folder;
    char *ledger_path;
    struct ledger *ledger;
    struct stress_sums sums;
    unsigned lookers; /* threads that look at everybody while a graph runs */
};

struct stress_case {
    struct stress_world *world;
    struct ledger *ledger;
    uint64_t seed;
    unsigned workers;         /* 0: seeded */
    unsigned workers_stepped; /* seeded: that take turns */
    struct stress_graph graph;
    bool was_told; /* to stop */
    struct type_table *types;
    struct plan *plan;
    struct deploy *deploy;
    struct supervisor_result result;
};

/* Prints where everybody is and how to run it again, then fails the test. */
__attribute__((noreturn, format(printf, 2, 3))) void stress_fail(struct stress_case *c,
                                                                 const char *format, ...);
/* Runs the deployment to its end. */
void stress_drive_seeded(struct stress_case *c);
void stress_drive_threads(struct stress_case *c);
/* Looks at all actors, again and again, until the end of the run; judges each answer. */
struct stress_looks;
struct stress_looks *stress_looks_begin(struct stress_case *c);
void stress_looks_end(struct stress_looks *looks);
/* Holds the ledger against the host's own counts. */
void stress_judge(struct stress_case *c);
