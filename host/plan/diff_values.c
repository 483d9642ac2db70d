/* Values and settings that differ. */
#include <string.h>

#include "base/str.h"
#include "plan/diff_impl.h"

/* --- what the manifest says --- */

static const struct diff_value *find(const struct diff_values *values, const char *key) {
    const struct diff_value *value = values->first;
    while (value && strcmp(value->key, key) != 0) {
        value = value->next;
    }
    return value;
}

static int add(struct differ *d, struct diff_op *op, const struct diff_value *from,
               const struct diff_value *to, bool needs_restart) {
    const struct diff_change change = {.what = to ? to->key : from->key,
                                       .from = from ? from->text : NULL,
                                       .to = to ? to->text : NULL,
                                       .mark = to ? to->mark : (struct mark){0},
                                       .needs_restart = needs_restart};
    return diff_add_change(d, op, &change);
}

int diff_compare(struct differ *d, const struct diff_values *from, const struct diff_values *to,
                 bool (*skip)(const char *key), bool (*needs_restart)(const char *key),
                 struct diff_op *op) {
    for (const struct diff_value *v = to->first; v; v = v->next) {
        const struct diff_value *before = find(from, v->key);
        bool differs = !before || strcmp(before->text, v->text) != 0;
        if (differs && !skip(v->key) && add(d, op, before, v, needs_restart(v->key)) < 0) {
            return -1;
        }
    }
    for (const struct diff_value *v = from->first; v; v = v->next) {
        if (!skip(v->key) && !find(to, v->key) && add(d, op, v, NULL, needs_restart(v->key)) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- what the types make of it --- */

static size_t find_key(const struct config *config, const char *name) {
    size_t count = config ? config->note->key_count : 0;
    size_t at = 0;
    while (at < count && strcmp(config->note->keys[at].name, name) != 0) {
        at++;
    }
    return at < count ? at : SIZE_MAX;
}

static struct mark setting_mark(const struct plan_actor *actor, const char *key) {
    for (size_t i = 0; i < actor->spec->setting_count; i++) {
        if (strcmp(actor->spec->settings[i].key, key) == 0) {
            return actor->spec->settings[i].value.mark;
        }
    }
    return (struct mark){0};
}

/* `to`: SIZE_MAX when only the type before has such a key; likewise `from`. */
static int compare_key(struct differ *d, const struct plan_actor *from, size_t old,
                       const struct plan_actor *to, size_t new, struct diff_op *op) {
    struct str texts[2];
    struct str what;
    int status = 0;
    str_init(&texts[0]);
    str_init(&texts[1]);
    str_init(&what);
    if (old != SIZE_MAX) {
        config_add_value(from->config, from->config->note, old, &texts[0]);
    }
    if (new != SIZE_MAX) {
        config_add_value(to->config, to->config->note, new, &texts[1]);
    }
    bool differs =
        old == SIZE_MAX || new == SIZE_MAX || strcmp(str_text(&texts[0]), str_text(&texts[1])) != 0;
    const char *name =
        new != SIZE_MAX ? to->config->note->keys[new].name : from->config->note->keys[old].name;
    str_addf(&what, "config.%s", name);
    if (texts[0].failed || texts[1].failed || what.failed) {
        status = diff_no_memory(d);
    } else if (differs) {
        const struct diff_change change = {.what = str_text(&what),
                                           .from = old != SIZE_MAX ? str_text(&texts[0]) : NULL,
                                           .to = new != SIZE_MAX ? str_text(&texts[1]) : NULL,
                                           .mark = setting_mark(to, name)};
        status = diff_add_change(d, op, &change);
    }
    str_fini(&texts[0]);
    str_fini(&texts[1]);
    str_fini(&what);
    return status;
}

int diff_config(struct differ *d, const struct plan_actor *from, const struct plan_actor *to,
                struct diff_op *op) {
    for (size_t i = 0; to->config && i < to->config->note->key_count; i++) {
        size_t old = find_key(from->config, to->config->note->keys[i].name);
        if (compare_key(d, from, old, to, i, op) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; from->config && i < from->config->note->key_count; i++) {
        if (find_key(to->config, from->config->note->keys[i].name) == SIZE_MAX &&
            compare_key(d, from, i, to, SIZE_MAX, op) < 0) {
            return -1;
        }
    }
    return 0;
}
