/* What the steps of plan_build share: the manifest's actors as units, their ports, the links.
 *
 * A unit is an actor, a pool or a group as the manifest has it; a link is a wire as it stands there.
 * All is checked and resolved on units and links, whose number is that of the manifest's lines; only
 * a plan without errors is spread out into actors and wires. The steps run in the order in which
 * they are declared here.
 *
 * B-1  a step reports findings to the diags and goes on; it returns -1 for lack of memory only.
 * B-2  what was reported once is marked (type PLAN_NONE, port.broken) and gives no second finding.
 * B-3  a step may fail to suggest, never to report: suggestions are bounded, see build_nearest. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <troupe/plugin.h>

#include "base/map.h"
#include "manifest/arena.h"
#include "plan/plan.h"

/* In type_index: known to be in no file. */
#define BUILD_UNKNOWN ((void *)UINTPTR_MAX)
#define BUILD_ACTORS_MAX 10000000u

/* What is known of the message type at a port: none yet, one, or several. */
enum port_state { PORT_NONE, PORT_ONE, PORT_MANY };

struct port { /* a row of a unit; an output: what it sends; a handler: what is wired to it */
    enum port_state state;
    const struct msg_type *type; /* PORT_ONE */
    uint32_t first_in, last_in;  /* links to it, in the manifest's order; PLAN_NONE ends */
    uint32_t first_out, last_out;
    bool broken;   /* something wired here is wrong and was reported */
    bool reported; /* the port itself was */
};

struct after {
    uint32_t unit;
    struct mark mark;
    bool reported; /* as the one that closes a cycle */
};

struct unit {
    const struct manifest_actor *spec;
    char *path;
    uint32_t parent;    /* unit, or PLAN_NONE */
    uint32_t end;       /* behind the last unit below this one */
    uint32_t first;     /* its first actor */
    uint32_t count;     /* of actors */
    uint32_t pid;       /* of its first actor; 0 for roots */
    uint32_t type;      /* PLAN_NONE: a group, or unknown */
    struct port *ports; /* per row of the type */
    struct config *config;
    enum overflow *row_overflow;
    struct after *after;
    size_t after_count;
    uint32_t *actors;      /* first, first + 1, ...: made when something is wired to it */
    uint32_t wired_inputs; /* for each of its actors */
    uint32_t component;    /* by wires; units without a wire have one of their own */
    uint32_t cycle;
    bool in_cycle;
    bool is_wired;
};

struct link {
    const struct manifest_wire *spec;
    uint32_t from, from_row; /* unit */
    uint32_t to, to_row;
    uint32_t next_in, next_out;
    const struct troupe_field *key;
};

struct build {
    struct plan *plan;
    struct manifest *manifest;
    struct catalog *catalog;
    struct type_table *types;
    struct diags *diags;
    struct err *err;
    struct arena scratch;
    bool is_partial; /* the manifest had errors: what is missing may only have been left out */
    struct unit *units;
    size_t unit_count;
    uint64_t actor_count;
    struct map unit_index;    /* path -> index + 1 */
    const char **unit_names;  /* NULL-terminated, for suggestions */
    size_t suggested;         /* candidates compared so far */
    struct map type_index;    /* id -> index + 1 into plan->types, or BUILD_UNKNOWN */
    struct mark *type_marks;  /* per type: who asked for it first */
    uint32_t *file_plugins;   /* per file of the catalog: index into plan->plugins */
    struct map message_files; /* message id -> struct declared */
    struct link *links;
    size_t link_count;
    uint32_t *unit_order; /* units in the order of their start */
};

/* Owned by the plan: everything its arrays point to. */
struct plan_impl {
    struct arena memory;
    struct map actor_index; /* path -> index + 1 */
};

int build_no_memory(struct build *b);

/* Text as by printf, in the arena; NULL when there is no memory. */
__attribute__((format(printf, 2, 3))) char *build_text(struct arena *arena, const char *format,
                                                       ...);

/* units.c: manifest actors as units, with paths, pids and numbers. */
int build_units(struct build *b);
/* The unit that `path` names, PLAN_NONE after reporting that there is none. */
uint32_t build_find_unit(struct build *b, struct mark mark, const char *path);
/* As str_nearest; gives up once the candidates of one build were some millions. */
const char *build_nearest(struct build *b, const char *word, const char *const *candidates,
                          size_t count);

/* types.c: the actor types in use and those they spawn; messages interned. */
int build_types(struct build *b);
const struct plan_type *build_type_of(const struct build *b, uint32_t unit);
/* Whether there are rows of which `wanted` holds: their names "'a', 'b'", and the one nearest to
 * `word` ("" when none). Both in scratch memory. */
int build_row_names(struct build *b, const struct note_actor *note,
                    bool (*wanted)(const struct note_row *), const char *word,
                    const char **ret_list, const char **ret_near);
/* The row of that name, PLAN_NONE when there is none. */
uint32_t build_find_row(const struct note_actor *note, const char *name);

/* pins.c */
int build_pins(struct build *b);

/* configs.c */
int build_configs(struct build *b);
/* Config values of kind field, once it is known what is wired where. */
int build_field_configs(struct build *b);

/* mailboxes.c: overflow policies of handler ports. */
int build_mailboxes(struct build *b);

/* links.c: wires as links between rows of units. */
int build_links(struct build *b);
const char *build_row_name(const struct build *b, uint32_t unit, uint32_t row);

/* as.c: what travels: the types of `as` outputs, along the links. */
int build_as(struct build *b);

/* routes.c: message types, routes and keys of links. */
int build_routes(struct build *b);
/* "no field 'x' in T, which ...": reports at mark. `sender` is the link the type comes by. */
int build_report_field(struct build *b, struct mark mark, const char *prefix, const char *field,
                       const struct msg_type *type, const struct link *link);

/* after.c: the order of starting. */
int build_after(struct build *b);

/* graph.c: who is wired to whom: inputs, components, cycles. */
int build_graph(struct build *b);

/* spread.c: units and links as the plan's actors and wires. Only without errors. */
int build_spread(struct build *b);
