/* For tests of cells. */
#pragma once

#include "lib/app/embedded_client.h"

#include <troupe/cell.h>

#define LONG (30 * EMBEDDED_S)
/* A permanent actor, which a program alone can stop. */
#define PERMANENT                                                                                  \
    "supervision: { intensity: 5 }\n"                                                              \
    "actors: { a: { type: kit.Player, restart: permanent, config: { init: 'log up', cleanup: "     \
    "'log bye', number: 'at 13; fail oh no' } } }"

static inline struct troupe_cell *cell_of(struct embedded *w, const char *actor) {
    struct troupe_cell *cell = NULL;
    embedded_ok(troupe_proc_cell(w->proc, actor, &cell, &w->error), &w->error);
    return cell;
}

static inline struct troupe_cell_seen look(struct embedded *w, struct troupe_cell *cell) {
    struct troupe_cell_seen now = {.size = sizeof now};
    embedded_ok(troupe_cell_status(cell, &now, &w->error), &w->error);
    return now;
}

/* Watches until it is so. */
static inline void wait_for(struct embedded *w, struct troupe_cell *cell, uint32_t status,
                            uint32_t incarnation) {
    struct troupe_cell_seen now = look(w, cell);
    while (now.status != status || now.incarnation != incarnation) {
        assert_false(now.closed);
        embedded_ok(troupe_cell_watch(cell, LONG, &now, &w->error), &w->error);
    }
}

static inline struct troupe_cell_seen wait_closed(struct embedded *w, struct troupe_cell *cell) {
    struct troupe_cell_seen now = look(w, cell);
    while (!now.closed) {
        embedded_ok(troupe_cell_watch(cell, LONG, &now, &w->error), &w->error);
    }
    return now;
}

static inline void tell(struct embedded *w, struct troupe_cell *cell, uint32_t signal) {
    embedded_ok(troupe_cell_signal(cell, signal, &w->error), &w->error);
}
