/* Other settings: of actors whose new code has other keys, and of a manifest that was read again. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "plan/diff.h"
#include "reload/reload_impl.h"

/* --- what actors have --- */

int settings_create(struct reload *reload, struct err *err) {
    const struct plan *plan = reload->plan;
    reload->settings = plan;
    reload->configs = mem_array(plan->actor_count + 1, sizeof *reload->configs);
    for (size_t i = 0; reload->configs && i < plan->actor_count; i++) {
        struct config *config = plan->actors[i].config;
        reload->configs[i] = config ? config_ref(config) : NULL;
    }
    return reload->configs ? 0
                           : err_set(err, ERR_NOMEM, "settings of %zu actors", plan->actor_count);
}

void settings_destroy(struct reload *reload) {
    for (size_t i = 0; reload->configs && i < reload->plan->actor_count; i++) {
        config_unref(reload->configs[i]);
    }
    mem_free(reload->configs);
}

/* --- what another manifest wants --- */

static bool is_possible(const struct transaction *t, const struct diff_op *op) {
    if (op->kind == DIFF_RELOAD) { /* from where it was */
        const struct plan *plan = t->reload->settings;
        return strcmp(plan->plugins[op->plugin_from].file->path, op->path) == 0;
    }
    return op->kind == DIFF_RECONFIGURE;
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

static bool has_op(const struct diff *diff, enum diff_kind kind) {
    return diff_count(diff, kind) > 0;
}

int transaction_compare(struct transaction *t, struct err *err) {
    struct diff *diff;
    if (!t->how->next) {
        return 0;
    }
    if (diff_create(t->reload->settings, t->how->next, &diff, err) < 0) {
        return -1;
    }
    int status = refuse(t, diff, err);
    t->has_settings = status == 0 && has_op(diff, DIFF_RECONFIGURE);
    diff_destroy(diff);
    return status;
}

/* --- types --- */

static struct turnover *find_turnover(const struct transaction *t, const char *id) {
    for (size_t i = 0; i < t->turnover_count; i++) {
        if (strcmp(t->turnovers[i].to->id, id) == 0) {
            return &t->turnovers[i];
        }
    }
    return NULL;
}

/* A generation of the same code (W-7). */
static int add_same_code(struct transaction *t, const char *id, struct err *err) {
    struct proc *proc = t->reload->proc;
    struct turnover turnover = {proc_find_type(proc, id), NULL};
    struct turnover *all = mem_resize(t->turnovers, (t->turnover_count + 1) * sizeof *all);
    struct plan_type plan_type;
    if (!all) {
        return err_set(err, ERR_NOMEM, "actor type '%s'", id);
    }
    t->turnovers = all;
    const struct library_type *source = turnover.from->source;
    if (plan_type_init(&plan_type, source->library->image->note, source->note, proc_types(proc),
                       err) < 0) {
        return -1;
    }
    int status = proc_add_type(proc, &plan_type, source, &turnover.to, err);
    plan_type_fini(&plan_type);
    if (status == 0) {
        all[t->turnover_count++] = turnover;
    }
    return status;
}

/* The actor as it is to be. */
static const struct plan_actor *actor_after(const struct transaction *t, uint32_t index) {
    const struct plan *plan = t->how->next ? t->how->next : t->reload->settings;
    uint32_t at = plan_find_actor(plan, t->reload->plan->actors[index].path);
    assert(at != PLAN_NONE); /* transaction_compare lets no other plan pass */
    return &plan->actors[at];
}

static const char *type_id(const struct transaction *t, uint32_t index) {
    const struct plan *plan = t->reload->plan;
    uint32_t type = plan->actors[index].type;
    return type == PLAN_NONE ? NULL : plan->types[type].note->id;
}

int transaction_add_same_code(struct transaction *t, struct err *err) {
    const struct plan *plan = t->reload->plan;
    for (uint32_t i = 0; t->has_settings && i < plan->actor_count; i++) {
        const char *id = type_id(t, i);
        const struct plan_actor *after = actor_after(t, i);
        if (!id || find_turnover(t, id) || !after->config) {
            continue;
        }
        const struct note_config *note = proc_find_type(t->reload->proc, id)->config;
        if (!config_is_same(t->reload->configs[i], note, after->config, after->config->note) &&
            add_same_code(t, id, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- from here to there --- */

/* NULL in t->configs: it keeps what it has. */
static int configure(struct transaction *t, uint32_t index, const struct turnover *turnover,
                     struct err *err) {
    const struct note_config *note = turnover->to->config;
    struct config *before = t->reload->configs[index];
    struct config *config;
    if (!note) {
        return 0;
    }
    if (plan_actor_config(actor_after(t, index), note, &config, err) < 0) {
        return -1;
    }
    if (config_is_same(before, turnover->from->config, config, note)) {
        config_unref(config);
        return 0;
    }
    t->configs[index] = config;
    t->report->settings++;
    return 0;
}

int transaction_configure(struct transaction *t, struct err *err) {
    const struct plan *plan = t->reload->plan;
    t->configs = mem_array(plan->actor_count + 1, sizeof *t->configs);
    if (!t->configs) {
        return err_set(err, ERR_NOMEM, "settings of %zu actors", plan->actor_count);
    }
    for (uint32_t i = 0; i < plan->actor_count; i++) {
        const char *id = type_id(t, i);
        const struct turnover *turnover = id ? find_turnover(t, id) : NULL;
        if (turnover && turnover->from && configure(t, i, turnover, err) < 0) {
            return -1;
        }
    }
    return 0;
}

void transaction_hand_out(const struct transaction *t) {
    for (uint32_t i = 0; i < t->reload->plan->actor_count; i++) {
        if (t->configs[i]) {
            swap_put_config(proc_actor(t->reload->proc, i), config_ref(t->configs[i]));
        }
    }
}

void transaction_keep_settings(struct transaction *t, bool is_done) {
    struct reload *reload = t->reload;
    for (size_t i = 0; i < t->turnover_count; i++) {
        swap_forget_configs(reload->proc, t->turnovers[i].to);
    }
    for (uint32_t i = 0; is_done && i < reload->plan->actor_count; i++) {
        if (t->configs[i]) {
            config_unref(reload->configs[i]);
            reload->configs[i] = t->configs[i];
            t->configs[i] = NULL;
        }
    }
    reload->settings = is_done && t->how->next ? t->how->next : reload->settings;
}

void transaction_drop_settings(struct transaction *t) {
    for (uint32_t i = 0; t->configs && i < t->reload->plan->actor_count; i++) {
        config_unref(t->configs[i]);
    }
    mem_free(t->configs);
}
