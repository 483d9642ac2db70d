/* What the files of the difference share: both plans, unit by unit as their manifests have them. */
#pragma once

#include "base/map.h"
#include "manifest/arena.h"
#include "plan/diff.h"

struct diff_impl {
    struct arena memory; /* of the operations */
};

/* An effective value of the manifest. */
struct diff_value {
    const char *key; /* "mailbox.capacity" */
    const char *text;
    struct mark mark;
    struct diff_value *next;
};
struct diff_values {
    struct diff_value *first, *last;
};

/* An actor, a pool or a group. */
struct diff_unit {
    const char *path; /* without the replica's number */
    uint32_t first, count;
    struct diff_values values;
    uint32_t first_wire, last_wire; /* of its first actor; PLAN_NONE: none */
    bool is_reordered; /* a group of the new plan: members of both have another order */
};

struct diff_side {
    const struct plan *plan;
    struct diff_unit *units;
    uint32_t unit_count;
    uint32_t *unit_of;         /* per actor */
    uint32_t *next_wire;       /* per wire: the next of its unit */
    struct map index;          /* path -> unit + 1 */
    struct diff_values values; /* of the proc */
    bool is_reordered;         /* likewise, the actors outside of groups */
};

struct differ {
    struct diff *diff;
    struct arena *memory;
    struct arena scratch;
    struct diff_side from, to;
    struct err *err;
};

int diff_no_memory(struct differ *d);

/* diff_side.c */
int diff_side_init(struct differ *d, struct diff_side *side, const struct plan *plan);
void diff_side_fini(struct diff_side *side);
/* The unit of the other side that is the same (D-4), or NULL. */
const struct diff_unit *diff_same(const struct diff_side *side, const struct diff_unit *unit,
                                  const struct diff_side *other);
/* A copy of one operation more; what it points to is the caller's to keep. NULL: no memory. */
struct diff_op *diff_add_op(struct differ *d, enum diff_kind kind);
/* As by printf, kept as long as the difference, cut when long; NULL: no memory. */
__attribute__((format(printf, 2, 3))) const char *diff_text(struct differ *d, const char *format,
                                                            ...);
/* -1: no memory. */
int diff_add_change(struct differ *d, struct diff_op *op, const struct diff_change *change);

/* diff_values.c: values that differ, into `op`. `skip` and `needs_restart` are told the key. */
int diff_compare(struct differ *d, const struct diff_values *from, const struct diff_values *to,
                 bool (*skip)(const char *key), bool (*needs_restart)(const char *key),
                 struct diff_op *op);
/* Settings that differ, as the types' schemas have them. */
int diff_config(struct differ *d, const struct plan_actor *from, const struct plan_actor *to,
                struct diff_op *op);

/* "judge/window.0", or "judge/window.0 to .3". */
const char *diff_name(struct differ *d, const struct plan *plan, uint32_t first, uint32_t count);

/* diff_actors.c: what changes in an actor that both have; the proc's values. */
int diff_proc(struct differ *d);
int diff_unit(struct differ *d, const struct diff_unit *from, const struct diff_unit *to);

/* diff_wires.c: per output. */
int diff_wires(struct differ *d, const struct diff_unit *from, const struct diff_unit *to);
/* The wires from an actor that is added. */
int diff_new_wires(struct differ *d, const struct diff_unit *to, struct diff_op *op);

/* diff_plugins.c */
int diff_plugins(struct differ *d);

/* diff_gone.c: senders before receivers. */
int diff_gone(struct differ *d);
