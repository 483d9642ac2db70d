/* Inside of the random graphs: what is drawn before it is written as a manifest. */
#pragma once

#include "lib/app/stress_graph.h"

#define ACTORS_MAX 24u
#define WIRES_MAX 96u
#define GROUPS 4u /* the roots, and three groups: the last one lies in the first */

enum kind { SOURCE, NODE, ECHO, SERVER, PARENT };
enum policy { BLOCK, DROP_NEWEST, DROP_OLDEST, FAIL };
enum restart { TRANSIENT, PERMANENT, TEMPORARY };

struct actor {
    enum kind kind;
    unsigned replicas; /* 0: no pool */
    unsigned group;    /* 0: a root */
    bool has_input;
    bool unused; /* a server that nobody asks, and so would never end */
    enum policy policy, in_policy, aux_policy;
    unsigned copies[2]; /* of a message on out and on more */
    bool loose[2];
    bool asks;
    bool stops; /* by itself, some time */
    enum restart restart;
    unsigned deaths; /* quarantine_after */
};

struct group {
    unsigned strategy; /* 0 one_for_one, 1 one_for_all, 2 rest_for_one */
    bool used;
};

struct wire {
    unsigned from, to;
    const char *from_port, *to_port;
    unsigned route; /* 0: not to a pool */
};

struct model {
    struct stress_graph *graph;
    uint64_t random;
    struct actor actors[ACTORS_MAX];
    unsigned count;
    struct group groups[GROUPS];
    struct wire wires[WIRES_MAX];
    unsigned wire_count;
    const char *ledger;
};

uint64_t model_draw(struct model *m, uint64_t bound);
bool model_chance(struct model *m, unsigned percent);
/* "g1/g3/" and the like; "" for the roots. */
const char *model_prefix(unsigned group);
unsigned model_parent(unsigned group);

/* Policies: of the whole, then of each actor once it is known what it does. */
void model_choose_policies(struct model *m);
void model_choose_lives(struct model *m, struct actor *a);
/* Written at the head, in a group's map, in an actor's map, in its config. */
void model_write_supervision(struct model *m);
void model_write_group(struct model *m, unsigned group);
void model_write_lives(struct model *m, const struct actor *a);
void model_write_life_config(struct model *m, unsigned at);
