/* The difference of two plans: what would have to be done for one to become the other, in order.
 *
 * D-1  Pure: nothing is run, loaded or looked up. The same plans give the same operations in the same order.
 * D-2  The order is the one of least disturbance. What needs the whole proc to restart comes first, as all else
 *      is done by it. Then code, as new settings and wires may need it; settings of what is there; what is added, in the
 *      order of starting; wires, whose ends are there by then; restarts, with the wires at the actor's ports. So far
 *      all can be taken back. Then policies, and what goes, senders before receivers, members before their group,
 *      when nobody outside of that sends to it any more.
 * D-3  There are at most four operations for an actor, a pool or a group of the manifest, and one for each of its
 *      outputs: replicas that change in the same way are one operation. Long values are cut.
 * D-4  An actor is the same in both plans when its path is, and both are actors, pools, or groups. */
#pragma once

#include "base/err.h"
#include "plan/plan.h"

/* In the order in which they are done. X(constant, text) */
#define DIFF_KINDS(X)                                                                              \
    X(PROC, "proc")                                                                                \
    X(RELOAD, "reload")                                                                            \
    X(RECONFIGURE, "reconfigure")                                                                  \
    X(ADD, "add")                                                                                  \
    X(REWIRE, "rewire")                                                                            \
    X(RESTART, "restart")                                                                          \
    X(POLICY, "policy")                                                                            \
    X(REMOVE, "remove")
#define DIFF_KIND_CONSTANT(name, text) DIFF_##name,
enum diff_kind { DIFF_KINDS(DIFF_KIND_CONSTANT) DIFF_KIND_COUNT };
#undef DIFF_KIND_CONSTANT

/* One thing that differs. */
struct diff_change {
    const char *what; /* "config.span", "mailbox.capacity", "line -> parse.line" */
    const char *from; /* NULL: it was not there */
    const char *to;   /* NULL: it is not there any more */
    struct mark mark; /* in the new manifest; line 0: a default, or not there */
    bool needs_restart;
};

struct diff_op {
    enum diff_kind kind;
    uint32_t from,
        to; /* the first actor, in the old and the new plan; PLAN_NONE: it is in one only, or the
                        * operation is about a plugin or the proc */
    uint32_t count; /* so many actors, one after another in both plans: of a pool */
    uint32_t plugin_from, plugin_to; /* reload: in the old and the new plan; else PLAN_NONE */
    uint32_t row;     /* rewire: the output, in the new plan's type, or PLAN_NONE; by name: */
    const char *port; /* rewire: its name; else NULL */
    const char *path; /* of the first actor, or of the plugin file; "" for the proc */
    struct mark mark; /* in the new manifest; remove: in the old one */
    const char *text; /* a sentence */
    struct diff_change *changes;
    size_t change_count;
    bool is_live; /* can be done while the proc runs, see reload/reload.h */
};

struct diff {
    struct diff_op *ops;
    size_t op_count;
    struct diff_impl *impl; /* memory of all this */
};

/* The plans are lent and must outlive it, as must their manifests. Errors: NOMEM. */
int diff_create(const struct plan *from, const struct plan *to, struct diff **ret, struct err *err);
void diff_destroy(struct diff *diff); /* takes NULL */

/* How many operations are of this kind. */
size_t diff_count(const struct diff *diff, enum diff_kind kind);
bool diff_is_live(const struct diff *diff);
const char *diff_kind_text(enum diff_kind kind);
