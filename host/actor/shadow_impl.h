/* What the files of shadows share. */
#pragma once

#include "actor/host_impl.h"
#include "actor/shadow.h"
#include "actor/tape.h"

struct shadow {
    struct inst body;       /* what its turns take for their actor; of nobody's list */
    struct inst_more more;  /* the body's */
    struct inst *actor;     /* whose it is */
    struct shadow_run *run; /* a reference */
    struct tape tape;
    const void *saved; /* what it is being loaded from; owned */
    uint64_t bytes;    /* that are counted in the run */
    bool taken;        /* a turn of the run's, that is neither compared nor given back */
};

/* shadow_host.c: what the two tables have in common. */
static inline struct tape *shadow_tape(const struct runner *r) {
    return &r->shadow->tape;
}
/* Of a row, or NULL; and with a message of the row's type. */
struct tape_item shadow_item(const struct runner *r, enum tape_kind kind,
                             const struct inst_row *row);
struct tape_item shadow_message(const struct runner *r, enum tape_kind kind,
                                const struct inst_row *row, const void *body);
struct tape_item shadow_answer(const struct runner *r, const struct inst_row *row,
                               struct troupe_once request, int32_t status, struct troupe_str text,
                               const void *body);
/* As JSON. */
void shadow_describe_spawn(struct str *out, const struct troupe_spawn *how);
/* What is wired to the actor's output; NULL: nothing, so that nothing is sent. */
const struct port *shadow_port(const struct runner *r, const struct inst_row *row);
/* shadow_writes.c, shadow_plays.c: replace what is theirs in a copy of the usual table. */
void shadow_writes_fill(struct troupe_host *host);
void shadow_plays_fill(struct troupe_host *host);
