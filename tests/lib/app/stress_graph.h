/* Random graphs: a manifest from a seed, for the plugin `stress`, and what must hold of its run. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* How the run is to end. */
enum stress_end {
    STRESS_ENDS_ITSELF, /* its sources end, the rest drains (DR-1) */
    STRESS_IS_STOPPED,  /* in mid-stream, and drains (DR-3) */
    STRESS_IS_ABORTED,  /* stopped, and aborted right after */
    STRESS_FAILS,       /* one of its actors may fail, and the rest drains */
};

struct stress_graph {
    struct str manifest;
    enum stress_end end;
    uint32_t stop_at;     /* handled messages before the stop; 0: none */
    uint32_t message_max; /* the ledger is full then: nobody makes more */
    bool drops;           /* some mailbox has a policy that drops */
    bool closes_early;    /* some actors stop themselves */
    bool has_cycles;
    bool supervised;  /* its actors fail now and then, and start again */
    bool may_give_up; /* too many failures end it as failed */
    bool batches;     /* some go down because of others */
    bool hasty_stops; /* siblings are aborted when they do not stop at once */
    bool long_waits;  /* some back-offs end with the stop only */
    bool has_parents;
    bool has_risk; /* children may fail while their parent stops: then that fails too */
};

/* `ledger` and `plugins` are paths for the manifest. */
void stress_graph_make(struct stress_graph *graph, uint64_t seed, const char *ledger,
                       const char *plugins);
void stress_graph_fini(struct stress_graph *graph);
const char *stress_end_text(enum stress_end end);
