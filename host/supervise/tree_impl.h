/* Inside of the tree, for the files of this folder. */
#pragma once

#include "supervise/policy.h"
#include "supervise/tree.h"

/* Nodes stand in order of appearance: a group, its members, and what comes behind. Inside of the tree they go by
 * their place there, outside by their number, which they keep. */
struct tree_node {
    uint32_t number; /* PLAN_NONE: the coordinator */

    /* constant, but that places move up when a node is added before them */
    uint32_t parent;  /* the coordinator is at place `count` */
    uint32_t end;     /* its members and theirs are the nodes behind it, up to here */
    const char *path; /* lent by the plan, as the policies */
    const struct restart_block *restart;      /* NULL for the coordinator */
    const struct supervise_policy *supervise; /* NULL for an actor */
    struct window *children; /* owned: restarts among its members; NULL for an actor */
    struct window *alone;    /* owned: its own restarts, when counted alone; else NULL */

    /* written by tree_move() only */
    enum tree_state state;
    uint32_t open;        /* members whose slots are open, directly below */
    uint32_t alive;       /* members alive, directly below */
    uint32_t batch_alive; /* those of them that are batched */

    uint32_t incarnation;
    bool batched; /* starts again together with siblings */
    bool failing; /* a group whose intensity was exceeded; `last` is the root cause */
    bool gone;    /* a group that has ended, while the tree waits for members */
    bool leaving; /* removed while alive */
    bool again;   /* told to end, to start again */
    bool starting_now;
    bool was_up;
    uint64_t up_since_ns;
    uint64_t until_ns; /* waiting */
    struct backoff backoff;
    struct tree_cause last;
};

struct tree {
    const struct plan *plan;
    uint32_t count;
    uint32_t depth;
    struct tree_node *nodes; /* count + 1; owned, as the next two */
    uint32_t *places;        /* by number */
    uint32_t *order;         /* numbers, in the order in which they start */
    bool begun, stopping, aborting, gave_up;

    /* during a step */
    uint64_t now_ns;
    uint64_t random;
    uint32_t judged; /* the root that `verdict` is about; PLAN_NONE: none */
    enum tree_verdict verdict;
    struct tree_actions *actions;
    uint32_t starts; /* nodes with starting_now */
    uint32_t start;  /* one of them */
};
