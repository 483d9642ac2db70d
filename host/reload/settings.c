/* Other settings: of actors whose new code has other keys, and of a manifest that was read again. */
#include <string.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "reload/reload_impl.h"

/* --- what actors have --- */

static int keep_plan(struct reload *reload, const struct plan *plan, uint32_t *numbers,
                     struct config **configs, struct err *err) {
    if (!numbers || !configs) {
        mem_free(numbers);
        mem_free(configs);
        return err_set(err, ERR_NOMEM, "settings of %zu actors", plan->actor_count);
    }
    mem_free(reload->numbers);
    mem_free(reload->configs);
    reload->plan = plan;
    reload->numbers = numbers;
    reload->configs = configs;
    return 0;
}

int settings_create(struct reload *reload, const struct plan *plan, struct err *err) {
    uint32_t *numbers = mem_array(plan->actor_count + 1, sizeof *numbers);
    struct config **configs = mem_array(plan->actor_count + 1, sizeof *configs);
    for (uint32_t i = 0; numbers && configs && i < plan->actor_count; i++) {
        struct config *config = plan->actors[i].config;
        configs[i] = config ? config_ref(config) : NULL;
        numbers[i] = i;
    }
    return keep_plan(reload, plan, numbers, configs, err);
}

void settings_destroy(struct reload *reload) {
    for (size_t i = 0; reload->configs && i < reload->plan->actor_count; i++) {
        config_unref(reload->configs[i]);
    }
    mem_free(reload->configs);
    mem_free(reload->numbers);
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

/* The actor as it is to be; NULL: it leaves, or is restarted, and keeps its settings until then, key by key. */
static const struct plan_actor *actor_after(const struct transaction *t, uint32_t index) {
    const struct plan *plan = transaction_plan(t);
    uint32_t at = t->after ? t->after[index] : index;
    bool keeps = at == PLAN_NONE || (t->restarts && t->restarts[at]);
    return keeps ? NULL : &plan->actors[at];
}

static const char *type_id(const struct transaction *t, uint32_t index) {
    const struct plan *plan = t->reload->plan;
    uint32_t type = plan->actors[index].type;
    return type == PLAN_NONE ? NULL : plan->types[type].note->id;
}

int transaction_add_same_code(struct transaction *t, struct err *err) {
    const struct plan *plan = t->reload->plan;
    for (uint32_t i = 0; t->has_settings && i < plan->actor_count; i++) {
        slice_make_way(i);
        const char *id = type_id(t, i);
        const struct plan_actor *after = actor_after(t, i);
        if (!id || find_turnover(t, id) || !after || !after->config) {
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

/* What was made last: replicas have the same. */
struct made {
    const struct manifest_actor *spec;
    const struct note_config *note;
    struct config *config; /* a reference */
};

static int make(const struct plan_actor *actor, const struct note_config *note, struct made *made,
                struct err *err) {
    if (actor->spec == made->spec && note == made->note) {
        return 0;
    }
    config_unref(made->config);
    *made = (struct made){0};
    if (plan_actor_config(actor, note, &made->config, err) < 0) {
        return -1;
    }
    made->spec = actor->spec;
    made->note = note;
    return 0;
}

/* NULL in t->configs: it keeps what it has. */
static int configure(struct transaction *t, uint32_t index, const struct turnover *turnover,
                     struct made *made, struct err *err) {
    const struct note_config *note = turnover->to->config;
    struct config *before = t->reload->configs[index];
    const struct plan_actor *after = actor_after(t, index);
    if (!note || !after) {
        return 0;
    }
    if (make(after, note, made, err) < 0) {
        return -1;
    }
    if (!config_is_same(before, turnover->from->config, made->config, note)) {
        t->configs[index] = config_ref(made->config);
        t->report->settings++;
    }
    return 0;
}

int transaction_configure(struct transaction *t, struct err *err) {
    const struct plan *plan = t->reload->plan;
    t->configs = mem_array(plan->actor_count + 1, sizeof *t->configs);
    t->config_count = plan->actor_count;
    if (!t->configs) {
        return err_set(err, ERR_NOMEM, "settings of %zu actors", plan->actor_count);
    }
    struct made made = {0};
    int status = 0;
    for (uint32_t i = 0; i < plan->actor_count && status == 0; i++) {
        slice_make_way(i);
        const char *id = type_id(t, i);
        const struct turnover *turnover = id ? find_turnover(t, id) : NULL;
        if (turnover && turnover->from) {
            status = configure(t, i, turnover, &made, err);
        }
    }
    config_unref(made.config);
    return status;
}

int transaction_configure_restarts(struct transaction *t, struct err *err) {
    const struct plan *next = t->how->next;
    for (uint32_t i = 0; i < next->actor_count; i++) {
        const struct plan_actor *actor = &next->actors[i];
        if (!t->restarts[i]) {
            continue;
        }
        const char *id = next->types[actor->type].note->id;
        const struct note_config *note = proc_find_type(t->reload->proc, id)->config;
        if (note && plan_actor_config(actor, note, &t->next_configs[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

void transaction_hand_out(const struct transaction *t) {
    for (uint32_t i = 0; i < t->reload->plan->actor_count; i++) {
        slice_make_way(i);
        if (t->configs[i]) {
            struct inst *in = proc_actor(t->reload->proc, t->reload->numbers[i]);
            swap_put_config(in, config_ref(t->configs[i]));
        }
    }
}

/* What an actor of the next plan has then: a reference; NULL: nothing. */
static struct config *config_after(const struct transaction *t, uint32_t index) {
    const struct reload *reload = t->reload;
    uint32_t before = t->before[index];
    bool is_own = before == PLAN_NONE || t->restarts[index];
    struct config *config = is_own               ? t->next_configs[index]
                            : t->configs[before] ? t->configs[before]
                                                 : reload->configs[before];
    return config ? config_ref(config) : NULL;
}

static void keep_next(struct transaction *t) {
    struct reload *reload = t->reload;
    const struct plan *next = t->how->next;
    for (uint32_t i = 0; i < next->actor_count; i++) {
        struct config *config = config_after(t, i);
        config_unref(t->next_configs[i]);
        t->next_configs[i] = config;
    }
    for (size_t i = 0; i < reload->plan->actor_count; i++) {
        config_unref(reload->configs[i]);
        config_unref(t->configs[i]);
        t->configs[i] = NULL;
    }
    (void)keep_plan(reload, next, t->numbers, t->next_configs, NULL);
    t->numbers = NULL;
    t->next_configs = NULL;
}

static void keep_same(struct transaction *t) {
    struct reload *reload = t->reload;
    for (uint32_t i = 0; i < reload->plan->actor_count; i++) {
        slice_make_way(i);
        if (t->configs[i]) {
            config_unref(reload->configs[i]);
            reload->configs[i] = t->configs[i];
            t->configs[i] = NULL;
        }
    }
}

void transaction_keep_settings(struct transaction *t, bool is_done) {
    for (size_t i = 0; i < t->turnover_count; i++) {
        swap_forget_configs(t->reload->proc, t->turnovers[i].to, !is_done);
    }
    if (is_done && t->how->next) {
        /* without memory the plan before is needed still */
        (void)supervisor_adopt(t->reload->supervisor, t->how->next, t->numbers);
        keep_next(t);
    } else if (is_done) {
        keep_same(t);
    }
}

void transaction_drop_settings(struct transaction *t) {
    for (size_t i = 0; t->configs && i < t->config_count; i++) {
        slice_make_way(i);
        config_unref(t->configs[i]);
    }
    for (size_t i = 0; t->next_configs && i < t->how->next->actor_count; i++) {
        config_unref(t->next_configs[i]);
    }
    mem_free(t->configs);
    mem_free(t->next_configs);
}
