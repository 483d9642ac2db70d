/* Whether what new code says of its config goes with the settings that actors have. */
#include "reload/reload_impl.h"

/* What the files that have changed say of a type; NULL: nothing. */
static const struct note_actor *note_after(const struct transaction *t, const char *id) {
    const struct note_actor *found = NULL;
    for (size_t i = 0; i < t->exchange_count && !found; i++) {
        found = note_find_actor(t->exchanges[i].image->note, id);
    }
    return found;
}

static int check(const struct plan_actor *actor, const struct note_actor *note, struct err *err) {
    const struct manifest_actor *spec = actor->spec;
    struct config *config;
    if (!note->config && spec->setting_count > 0) {
        (void)err_set(err, ERR_INVALID, "it takes no config any more");
        return plan_wrap(actor, spec->settings[0].mark, err);
    }
    if (!note->config) {
        return 0;
    }
    if (plan_actor_config(actor, note->config, &config, err) < 0) {
        return -1;
    }
    config_unref(config);
    return 0;
}

int transaction_check_keys(struct transaction *t, struct err *err) {
    const struct plan *plan = transaction_plan(t);
    const struct manifest_actor *checked = NULL; /* replicas have the same */
    for (uint32_t i = 0; i < plan->actor_count; i++) {
        const struct plan_actor *actor = &plan->actors[i];
        const struct note_actor *note =
            actor->type == PLAN_NONE ? NULL : note_after(t, plan->types[actor->type].note->id);
        if (note && actor->spec != checked && check(actor, note, err) < 0) {
            return -1;
        }
        checked = actor->spec;
    }
    return 0;
}
