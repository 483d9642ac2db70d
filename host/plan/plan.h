/* The plan: what runs, how wired, under which policies; immutable, checked, resolved.
 *
 * Built from a manifest and a catalog without running plugin code. Actors are numbered in order of
 * appearance (includes first), a group directly before its members, a pool's replicas one after
 * another; parents come before children. Everything is owned by the plan. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "manifest/manifest.h"
#include "message/type.h"
#include "plan/config.h"
#include "plugin/catalog.h"

#define PLAN_NONE UINT32_MAX

struct plan_type {                     /* an actor type in use, or spawned by one in use */
    const struct note_actor *note;     /* lent by the catalog's image */
    uint32_t plugin;                   /* index into plugins */
    const struct msg_type **row_types; /* per row: message or request; NULL: any, as, or none */
    const struct msg_type **row_replies;
    uint32_t *row_children; /* per row of kind child: index into types; else PLAN_NONE */
    uint32_t *row_sources;  /* per row of kind as: the row it follows; else PLAN_NONE */
};

struct plan_plugin {
    const struct catalog_file *file; /* lent by the catalog */
};

struct plan_actor {
    char *path; /* "judge/window.0": without proc and pid */
    char *name; /* what stands in ids: "judge/window.0" for AI-1's name[pid] */
    struct mark mark;
    uint32_t parent; /* a group, or PLAN_NONE for a root */
    uint32_t pid;    /* 0 for a root, else from 1 in its group tree (SV-8) */
    bool is_group;
    uint32_t type;                     /* index into types; PLAN_NONE for a group */
    const struct manifest_actor *spec; /* lent by the manifest, which the plan keeps: policies */
    bool own_thread;                   /* the manifest's word, else the type's wish */
    struct config *config;             /* checked values; NULL for a group or a type without */
    enum overflow *row_overflow;       /* per row of the type */
    const struct msg_type *
        *row_types;        /* per row, `as` and `any` resolved by the wires; NULL: many */
    uint32_t wired_inputs; /* actors wired to it, each counted once, itself not */
    uint32_t component;    /* weakly connected component by wires: may be placed apart */
    uint32_t cycle;        /* strongly connected component; actors of one cycle share it. Both are
                         * numbers from 0 in order of appearance, dense */
    bool in_cycle;         /* the cycle has more than one member, or a wire to itself */
    uint32_t *after;       /* actors to initialise before this one */
    size_t after_count;
    uint32_t index_in_pool; /* PLAN_NONE: not a replica */
};

struct plan_wire { /* one per source actor: a pool's output becomes one wire per replica */
    uint32_t from, from_row;
    uint32_t *to; /* the target, or all replicas of the pool, in order */
    size_t to_count;
    uint32_t to_row;
    enum route_mode route;
    const struct troupe_field *key; /* hash: in the type sent; NULL for any-typed: by key_name */
    const char *key_name;           /* hash; else NULL */
    struct mark key_mark;           /* where it stands */
    const struct msg_type *type;    /* what travels: the output's type */
    struct mark mark;
};

struct plan {
    struct manifest *manifest; /* owned */
    struct catalog *catalog;   /* owned */
    const char *proc;
    struct plan_plugin *plugins;
    size_t plugin_count;
    struct plan_type *types;
    size_t type_count;
    struct plan_actor *actors;
    size_t actor_count;
    struct plan_wire *wires;
    size_t wire_count;
    uint32_t *init_order;   /* all actors; respects `after`, groups before members */
    struct plan_impl *impl; /* memory of all this, and the paths */
};

/* Builds and checks. Takes manifest and catalog in every case. `types` is lent and must outlive the
 * plan. Returns -1 when the diags got an error; *ret is then still set, because the marks live in
 * it, and must be destroyed after the diags were printed; it holds no actors then. Only without any
 * memory *ret is not set: then the diags must not be printed. Errors: INVALID, NOMEM. */
int plan_build(struct manifest *manifest, struct catalog *catalog, struct type_table *types,
               struct plan **ret, struct diags *diags, struct err *err);
void plan_destroy(struct plan *plan); /* takes NULL */

/* An actor type of a plugin file outside of a plan, for code that replaces other code: its messages interned, its
 * children unknown. `note` is lent as long as it. Errors: NOMEM; INVALID: a message of this name is known with
 * another schema. [any] */
int plan_type_init(struct plan_type *type, const struct note_plugin *note,
                   const struct note_actor *actor, struct type_table *types, struct err *err);
void plan_type_fini(struct plan_type *type);

/* An actor's settings as other code of its type has them: checked against that schema, but for fields of what is
 * wired to it. Errors: as config_build, with "file:line:col: 'actor'" before them. */
int plan_actor_config(const struct plan_actor *actor, const struct note_config *note,
                      struct config **ret, struct err *err);
/* Puts "file:line:col: 'actor'" before an error; returns -1. */
int plan_wrap(const struct plan_actor *actor, struct mark mark, struct err *err);

/* The index of an actor by path, PLAN_NONE when there is none. */
uint32_t plan_find_actor(const struct plan *plan, const char *path);

/* The plan as a JSON object; compact, one line. Only for a plan that was built without errors. */
struct str;
void plan_json(const struct plan *plan, struct str *out);
