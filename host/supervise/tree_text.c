/* Actions of the tree in words. */
#include "base/clock.h"
#include "base/str.h"
#include "supervise/tree_impl.h"

static const char *const why_texts[] = {
#define TEXT(name, text) text,
    TREE_WHYS(TEXT)
#undef TEXT
};

/* Jitter makes odd numbers; four digits tell a person enough. */
static void add_delay(struct str *out, uint64_t ns) {
    uint64_t unit = 1;
    while (ns / unit >= 10000 && unit < NS_PER_S) {
        unit *= 1000;
    }
    scalar_add_duration(out, ns / unit * unit);
}

static const char *name_of(const struct tree *tree, uint32_t node) {
    return node == PLAN_NONE ? "" : tree->nodes[tree->places[node]].path;
}

static void add_wait(const struct tree_action *action, struct str *out) {
    str_addf(out, "restart %u of %u in ", (unsigned)action->restart, (unsigned)action->limit);
    scalar_add_duration(out, action->period_ns);
    str_add(out, action->alone ? " of its own, " : ", ");
    if (action->delay_ns == 0) {
        str_add(out, "at once");
    } else {
        str_add(out, "in ");
        add_delay(out, action->delay_ns);
    }
}

/* "'judge/window' ended again after 3 restarts in 30s; it began with 'judge/window/x'" */
static void add_excess(const struct tree *tree, const struct tree_action *action, uint32_t who,
                       struct str *out) {
    str_addf(out, "'%s' ended", name_of(tree, who));
    if (action->limit == 0) {
        str_add(out, ", which is never restarted");
    } else {
        str_addf(out, " again after %u restart%s in ", (unsigned)action->limit,
                 action->limit == 1 ? "" : "s");
        scalar_add_duration(out, action->period_ns);
        str_add(out, action->alone ? " of its own" : "");
    }
    if (action->cause.node != who && action->cause.node != PLAN_NONE) {
        str_addf(out, "; it began with '%s'", name_of(tree, action->cause.node));
    }
}

static void add_stop(const struct tree *tree, const struct tree_action *action, struct str *out) {
    if (action->why == TREE_WHY_SIBLING) {
        str_addf(out, "stopped, to start again together with '%s'", name_of(tree, action->other));
    } else if (action->why == TREE_WHY_GROUP) {
        str_addf(out, "stopped, with its group '%s'", name_of(tree, action->other));
    } else {
        str_addf(out, "stopped: %s", why_texts[action->why]);
    }
}

static void add_close(const struct tree *tree, const struct tree_action *action, struct str *out) {
    if (action->why == TREE_WHY_GROUP) {
        str_addf(out, "over: its group '%s' has ended", name_of(tree, action->other));
    } else {
        str_addf(out, "over: %s", why_texts[action->why]);
    }
}

void tree_describe(const struct tree *tree, const struct tree_action *action, struct str *out) {
    switch (action->verb) {
    case TREE_START:
        str_add(out, "starts");
        if (action->incarnation > 1) {
            str_addf(out, " again, life %u", (unsigned)action->incarnation);
        }
        break;
    case TREE_WAIT:
        add_wait(action, out);
        break;
    case TREE_STOP:
        add_stop(tree, action, out);
        break;
    case TREE_CLOSE:
        add_close(tree, action, out);
        break;
    case TREE_FAIL:
        str_add(out, "failed: ");
        add_excess(tree, action, action->other, out);
        break;
    case TREE_GIVE_UP:
        str_add(out, "gives up: ");
        if (action->why == TREE_WHY_COORDINATOR) {
            str_addf(out, "%s", why_texts[action->why]);
        } else {
            add_excess(tree, action, action->node, out);
        }
        break;
    case TREE_ABSORB:
        str_add(out, "failed while it was being stopped");
        break;
    }
}
