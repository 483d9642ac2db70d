/* troupe-probe: tries a plugin file, so that another process need not find out. See probe/probe.h. */
#pragma once

#include "base/heap.h"
#include "base/scratch.h"
#include "plugin/library.h"
#include "probe/sheet.h"

/* What a plugin sees of a host here: memory, states, clocks and words are real; whatever would touch the world
 * outside of the actor is accepted, and dropped. */
struct trial_turn {
    struct troupe_turn turn; /* first: what the plugin gets */
    struct troupe_context context;
    struct heap heap; /* the state's memory */
    struct scratch scratch;
    uint64_t numbers; /* of calls and children, from 1 */
    bool failed;
    int32_t status;
    char text[512]; /* of fail */
};

void trial_init(struct trial_turn *t, const struct troupe_host *host);
void trial_fini(struct trial_turn *t);
/* For the next state, of this actor. */
void trial_begin(struct trial_turn *t, uint64_t uid, struct troupe_str name);
void trial_host(struct troupe_host *ret);

/* The whole; what came of it stands on the sheet. The states stand in [data, data + sheet->size). */
void prober_run(struct sheet *sheet, const uint8_t *data, const char *path, const char *original);
