/* The tree step: what follows when an actor has ended. Pure: no threads, no time, no proc, no log.
 *
 * The nodes are the plan's actors and groups by their number there; the coordinator, which is no
 * node, supervises the roots by the manifest's `supervision`. The caller tells what happened, with
 * the time and a random number, and carries out the actions in their order.
 *
 *  down -> starting -> running          a life; starting, running and stopping are `alive`
 *  starting|running -> stopping         told to end, for the sake of others
 *  starting|running|stopping -> down    it has ended
 *  down -> waiting -> starting          its back-off runs, then it starts again
 *  waiting -> down                      its group ends meanwhile
 *  down|waiting -> closed               for good
 *
 * What the caller must do
 * D-1  Each START is answered by STARTED, then ENDED, or by ENDED alone; each STOP and FAIL by ENDED,
 *      also when the node has not begun yet. A group's ENDED comes after those of its members (SV-4).
 * D-2  STARTs come in init order, a group before its members, all that belong together in one step.
 *      The tree does not look at `after`: a node told to start begins when its group and all that it
 *      names in `after` are running or closed (tree_state), else when the last of them has become so.
 * D-3  Events carry the incarnation that START gave. One of an earlier life, a second end, a DUE too
 *      early or for nobody who waits, and whatever else does not fit is harmless: nothing follows.
 * D-4  ENDED is STOPPED when the host had told it to stop by itself (operator, parent, inputs ended)
 *      or by STOP, also if its cleanup failed; FAILED when a message or a turn before that failed it,
 *      also while it drained; else CLEAN.
 *
 * What follows
 * T-1  Each end by failure leads to exactly one of WAIT (a restart), FAIL or GIVE_UP (escalation),
 *      CLOSE, ABSORB (it was being stopped, and starts again with those it was stopped for).
 *      The coordinator's verdict on a root comes before its policy; TREE_NO_MORE is a GIVE_UP.
 * T-2  Restarts: permanent after any end, transient after a failure, temporary never; none after a
 *      stop by the host (DR-2). One failure counts once in its supervisor's window, however many
 *      siblings start with it; that of an actor with an intensity of its own counts there alone.
 * T-3  one_for_all stops all siblings, rest_for_one those that appear later; none of these starts
 *      before all have ended and every back-off among them has passed. A temporary sibling that was
 *      stopped, and one that finished by itself meanwhile, closes instead.
 * T-4  A supervisor that would exceed its intensity fails: a group with FAIL, its members are stopped
 *      and keep their slots; when it has ended, its own supervisor decides as for any child, with the
 *      root cause kept (SV-1). The coordinator gives up, once; the root actor concerned closes.
 * T-5  A group that starts again starts all members whose slots are open, temporary ones too, and
 *      counts from zero; the members' back-offs stay as grown as they were. A back-off is reset when
 *      its actor has run for `period`.
 * T-6  A group that closes closes its members before. A group whose last member has closed is
 *      stopped, and closes: nothing is left that could start again, whatever its policy.
 * T-7  STOPPING: who waits starts at once, restarts have no delay; intensities still hold. A driver
 *      that knows of a waiting node that it has nothing to drain says REMOVED first.
 *      ABORTING: nothing starts any more, who is down closes, and the caller ends the rest itself. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "plan/plan.h"

struct str;
struct tree;

#define TREE_TO(state) (1u << TREE_IS_##state)
#define TREE_STATES(X)                                                                             \
    X(DOWN, "down", TREE_TO(STARTING) | TREE_TO(WAITING) | TREE_TO(CLOSED))                        \
    X(WAITING, "waiting", TREE_TO(STARTING) | TREE_TO(DOWN) | TREE_TO(CLOSED))                     \
    X(STARTING, "starting", TREE_TO(RUNNING) | TREE_TO(STOPPING) | TREE_TO(DOWN))                  \
    X(RUNNING, "running", TREE_TO(STOPPING) | TREE_TO(DOWN))                                       \
    X(STOPPING, "stopping", TREE_TO(DOWN))                                                         \
    X(CLOSED, "closed", 0)
#define TREE_STATE_CONSTANT(name, text, to) TREE_IS_##name,
enum tree_state { TREE_STATES(TREE_STATE_CONSTANT) TREE_STATE_COUNT };
#undef TREE_STATE_CONSTANT

enum tree_event_kind {
    TREE_EVENT_BEGIN,    /* starts all */
    TREE_EVENT_STARTED,  /* node, incarnation: its init has succeeded */
    TREE_EVENT_ENDED,    /* node, incarnation, how, detail, random */
    TREE_EVENT_DUE,      /* node: the time of its WAIT has come */
    TREE_EVENT_STOPPING, /* the proc drains (DR-3) */
    TREE_EVENT_ABORTING, /* the deadline of that has passed */
    TREE_EVENT_REMOVED,  /* node, with its members: it is to go for good, alive or not */
    TREE_EVENT_AGAIN, /* node, an actor: if it is alive, it ends and starts again at once, which does not count */
    TREE_EVENT_ADDED, /* node that was added: starts it, and all below it, unless its group is not up or all is to end */
};

enum tree_how {
    TREE_CLEAN,   /* by itself */
    TREE_STOPPED, /* told so by the host */
    TREE_FAILED,
};

/* What the coordinator says of a root that ended (SV-2); looked at only where its policy would be: not
 * when it was told to end, nor when it starts again with others. */
enum tree_verdict {
    TREE_BY_POLICY,
    TREE_RESTART, /* whatever its policy says; within its intensity */
    TREE_LET_GO,  /* the slot closes */
    TREE_NO_MORE, /* the coordinator gives up */
};

struct tree_event {
    enum tree_event_kind kind;
    uint32_t node;
    uint32_t incarnation;
    enum tree_how how;
    uint64_t detail; /* the caller's own handle of the facts of this end; only passed on */
    uint64_t random; /* for the jitter of a back-off */
    enum tree_verdict verdict; /* ENDED of a root */
};

/* Whose end began it (SV-1): also a clean one, when a permanent actor ended too often. */
struct tree_cause {
    uint32_t node; /* PLAN_NONE: nothing has ended */
    uint32_t incarnation;
    enum tree_how how;
    uint64_t detail;
};

enum tree_verb {
    TREE_START,   /* begin the incarnation */
    TREE_WAIT,    /* it will start again; DUE is wanted at until_ns, unless that is now */
    TREE_STOP,    /* end it cleanly, without drain; the slot stays open */
    TREE_CLOSE,   /* the slot closes */
    TREE_FAIL,    /* the group fails with this cause */
    TREE_GIVE_UP, /* the coordinator gives up: the deployment ends as failed (SV-2); at most once */
    TREE_ABSORB,  /* it failed while it was being stopped: for the record only */
};

#define TREE_WHYS(X)                                                                               \
    X(NONE, "")                                                                                    \
    X(FINISHED, "it has finished")                                                                 \
    X(STOPPED, "it was stopped")                                                                   \
    X(TEMPORARY, "it is temporary")                                                                \
    X(GIVEN_UP, "it is given up")                                                                  \
    X(GROUP, "its group has ended")                                                                \
    X(EMPTY, "all its members have ended")                                                         \
    X(REMOVED, "it is removed")                                                                    \
    X(ABORTED, "the deployment was aborted")                                                       \
    X(SIBLING, "a sibling restarts")                                                               \
    X(COORDINATOR, "the coordinator wants it so")                                                  \
    X(AGAIN, "it starts again")
#define TREE_WHY_CONSTANT(name, text) TREE_WHY_##name,
enum tree_why { TREE_WHYS(TREE_WHY_CONSTANT) TREE_WHY_COUNT };
#undef TREE_WHY_CONSTANT

struct tree_action {
    enum tree_verb verb;
    enum tree_why why;    /* STOP, CLOSE; GIVE_UP: COORDINATOR, or NONE for too many restarts */
    uint32_t node;        /* FAIL: the group; GIVE_UP: the root actor that ended once too often */
    uint32_t other;       /* STOP, CLOSE: the sibling or group on whose account; FAIL: the member
                             * that ended once too often; else PLAN_NONE */
    uint32_t incarnation; /* START: of the life that begins; else of the last one */
    uint32_t restart;     /* WAIT: this is restart number `restart` ... */
    uint32_t limit;       /* WAIT, FAIL, GIVE_UP: ... of `limit` ... */
    uint64_t period_ns;   /* ... within this */
    bool alone;           /* counted for the actor alone */
    uint64_t delay_ns;    /* WAIT */
    uint64_t until_ns;    /* WAIT: now + delay_ns */
    struct tree_cause cause; /* why the node is not running; for FAIL and GIVE_UP the root cause */
};

/* The actions of one step; the memory is the caller's. */
struct tree_actions {
    struct tree_action *items; /* owned */
    uint32_t count;
    uint32_t room;
};

/* `plan` is lent until the tree is destroyed; looked at are its actors' shape and policies, init_order
 * and manifest->supervision. Errors: NOMEM. */
int tree_create(const struct plan *plan, struct tree **ret, struct err *err);
void tree_destroy(struct tree *tree); /* takes NULL */
/* One more, with a number that is free, or the next one, down until TREE_EVENT_ADDED: below the group `parent`
 * (PLAN_NONE: a root), before its sibling `before`, or as the last (PLAN_NONE). `actions` gets room for it, too.
 * `actor`, in which only its policies are looked at, is lent until it has others (tree_take_policies), or its number is
 * free. Errors: NOMEM. */
int tree_add(struct tree *tree, uint32_t number, const struct plan_actor *actor, uint32_t parent,
             uint32_t before, struct tree_actions *actions, struct err *err);

/* Takes back the one with the last number, which has never started. */
void tree_remove_last(struct tree *tree);
/* The number of one that has closed, or has never started, is free: below it there must be nobody whose number is not. It
 * looks like a root that has closed, behind all others, until somebody gets its number. */
void tree_vacate(struct tree *tree, uint32_t node);

/* Other policies for a node, or for the coordinator: all but the memory is lent until there are others, or its number is
 * free. */
struct tree_policies {
    const char *path;                         /* NULL: the coordinator's */
    const struct restart_block *restart;      /* likewise */
    const struct supervise_policy *supervise; /* NULL: an actor's */
    struct window *children, *alone;          /* owned */
};
/* -1: no memory. */
int tree_policies_init(struct tree_policies *policies);
void tree_policies_fini(struct tree_policies *policies);
/* They hold from now on; restarts that were counted still are, where it is counted in the same way. Takes what it
 * needs of them; `node` is PLAN_NONE for the coordinator. */
void tree_take_policies(struct tree *tree, uint32_t node, struct tree_policies *policies);

/* Room for any step of this tree, so that a step needs no memory. Errors: NOMEM. */
int tree_actions_init(struct tree_actions *actions, const struct tree *tree, struct err *err);
void tree_actions_fini(struct tree_actions *actions);

/* Empties `actions` and fills them with what follows. Times must not go backwards. */
void tree_step(struct tree *tree, const struct tree_event *event, uint64_t now_ns,
               struct tree_actions *actions);

enum tree_state tree_state(const struct tree *tree, uint32_t node);
const char *tree_state_text(enum tree_state state);
/* Of the present life, or the last; 0: has not started yet. */
uint32_t tree_incarnation(const struct tree *tree, uint32_t node);
/* Whether a node that is down or waiting can't start before somebody has ended who is alive. */
bool tree_waits_for_ends(const struct tree *tree, uint32_t node);
/* The node that starts as number `i`: those of the plan in its init_order, then the added ones, as they came. */
uint32_t tree_start_order(const struct tree *tree, uint32_t i);
/* Nodes in order of appearance: where one stands, where the first behind all that is below it does, and who stands
 * there. */
uint32_t tree_place(const struct tree *tree, uint32_t node);
uint32_t tree_place_behind(const struct tree *tree, uint32_t node);
uint32_t tree_node_at(const struct tree *tree, uint32_t place);
/* When a waiting node is due. */
uint64_t tree_until_ns(const struct tree *tree, uint32_t node);
/* Every node has closed. */
bool tree_is_over(const struct tree *tree);

/* The action as the end of a log line about its node (GIVE_UP: about the proc): "restart 2 of 5 in
 * 10s, in 210ms". */
void tree_describe(const struct tree *tree, const struct tree_action *action, struct str *out);
