/* What a manifest that was read again wants: who is who in the next plan, and whether it can be done. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "plan/diff.h"
#include "reload/reload_impl.h"

/* --- what can't be --- */

static bool is_possible(const struct transaction *t, const struct diff_op *op) {
    if (op->kind == DIFF_RELOAD) { /* from where it was */
        const struct plan *plan = t->reload->plan;
        return strcmp(plan->plugins[op->plugin_from].file->path, op->path) == 0;
    }
    return op->is_live;
}

/* All of it, or nothing: so all that is in the way is said. */
static int refuse(const struct transaction *t, const struct diff *diff, struct err *err) {
    struct str reasons;
    str_init(&reasons);
    for (size_t i = 0; i < diff->op_count; i++) {
        if (!is_possible(t, &diff->ops[i])) {
            str_addf(&reasons, "%s%s", reasons.size ? "; " : "", diff->ops[i].text);
        }
    }
    int status = reasons.size
                     ? err_set(err, ERR_REFUSED, "this takes a restart: %s", str_text(&reasons))
                     : 0;
    status = reasons.failed ? err_set(err, ERR_NOMEM, "what would take a restart") : status;
    str_fini(&reasons);
    return status;
}

static void describe(struct transaction *t, const struct diff *diff) {
    char *out = t->report->changes;
    size_t room = sizeof t->report->changes;
    size_t size = 0;
    for (size_t i = 0; i < diff->op_count && size < room; i++) {
        size +=
            (size_t)snprintf(out + size, room - size, "%s%s", size ? "; " : "", diff->ops[i].text);
    }
}

/* --- who is who --- */

static bool is_same_kind(const struct plan_actor *a, const struct plan_actor *b) {
    return a->is_group == b->is_group &&
           (a->index_in_pool == PLAN_NONE) == (b->index_in_pool == PLAN_NONE);
}

static int allocate(struct transaction *t, struct err *err) {
    size_t old = t->reload->plan->actor_count + 1;
    size_t new = t->how->next->actor_count + 1;
    t->after = mem_array(old, sizeof *t->after);
    t->before = mem_array(new, sizeof *t->before);
    t->numbers = mem_array(new, sizeof *t->numbers);
    t->restarts = mem_array(new, sizeof *t->restarts);
    t->next_configs = mem_array(new, sizeof *t->next_configs);
    return t->after && t->before && t->numbers && t->restarts && t->next_configs
               ? 0
               : err_set(err, ERR_NOMEM, "a plan of %zu actors", t->how->next->actor_count);
}

/* Those that are new get numbers that nobody has, in order of appearance. */
static void match(struct transaction *t) {
    const struct plan *plan = t->reload->plan;
    const struct plan *next = t->how->next;
    struct supervisor *supervisor = t->reload->supervisor;
    uint32_t number = 0; /* from there on they have not been given */
    for (uint32_t i = 0; i < plan->actor_count; i++) {
        t->after[i] = PLAN_NONE;
    }
    for (uint32_t i = 0; i < next->actor_count; i++) {
        uint32_t before = plan_find_actor(plan, next->actors[i].path);
        bool is_there =
            before != PLAN_NONE && is_same_kind(&plan->actors[before], &next->actors[i]);
        t->before[i] = is_there ? before : PLAN_NONE;
        if (is_there) {
            t->numbers[i] = t->reload->numbers[before];
            t->after[before] = i;
        } else {
            t->numbers[i] = supervisor_free_number(supervisor, number);
            number = t->numbers[i] + 1;
        }
    }
}

static void find_restarts(struct transaction *t, const struct diff *diff) {
    for (size_t i = 0; i < diff->op_count; i++) {
        const struct diff_op *op = &diff->ops[i];
        for (uint32_t n = 0; op->kind == DIFF_RESTART && n < op->count; n++) {
            t->restarts[op->to + n] = true;
            t->report->restarted++;
        }
    }
}

static void give_configs(struct transaction *t) {
    for (uint32_t i = 0; i < t->how->next->actor_count; i++) {
        struct config *config = t->how->next->actors[i].config;
        t->next_configs[i] = t->before[i] == PLAN_NONE && config ? config_ref(config) : NULL;
    }
}

static bool has_op(const struct diff *diff, enum diff_kind kind) {
    return diff_count(diff, kind) > 0;
}

int transaction_compare(struct transaction *t, struct err *err) {
    struct diff *diff;
    if (!t->how->next) {
        return 0;
    }
    if (allocate(t, err) < 0 || diff_create(t->reload->plan, t->how->next, &diff, err) < 0) {
        return -1;
    }
    int status = refuse(t, diff, err);
    t->has_settings = has_op(diff, DIFF_RECONFIGURE);
    t->has_change = has_op(diff, DIFF_ADD) || has_op(diff, DIFF_REWIRE) ||
                    has_op(diff, DIFF_REMOVE) || has_op(diff, DIFF_RESTART) ||
                    has_op(diff, DIFF_POLICY);
    describe(t, diff);
    if (status == 0) {
        find_restarts(t, diff);
    }
    diff_destroy(diff);
    if (status == 0) {
        match(t);
        give_configs(t);
    }
    return status < 0 || !t->has_change ? status : transaction_prepare(t, err);
}

void transaction_drop_comparison(struct transaction *t) {
    mem_free(t->after);
    mem_free(t->before);
    mem_free(t->numbers);
    mem_free(t->restarts);
}
