/* `config` of an actor: scalars and lists of scalars under any key. */
#include "manifest/settings.h"

#include "manifest/explain.h"

static struct value read_scalar(struct reader *r, const struct node *node) {
    return (struct value){.kind = VALUE_SCALAR,
                          .mark = node->mark,
                          .text = schema_text(r, node),
                          .quoted = node->quoted,
                          .from_outside = node->from_outside};
}

/* VALUE_NONE when an item was refused. */
static struct value read_list(struct reader *r, const char *key, const struct node *list) {
    struct value value = {.kind = VALUE_LIST, .mark = list->mark};
    value.items = arena_array(r->arena, list->count, sizeof *value.items);
    for (size_t i = 0; value.items && i < list->count; i++) {
        const struct node *item = list->entries[i].value;
        if (item->kind == NODE_SCALAR) {
            value.items[value.count++] = read_scalar(r, item);
            continue;
        }
        value.kind = VALUE_NONE;
        if (item->kind != NODE_BAD) {
            diags_add(r->diags, DIAG_ERROR, item->mark, "the list '%s' holds plain values, not %s",
                      key, node_kind_text(item));
        }
    }
    return value;
}

/* VALUE_NONE after a report. */
static struct value read_value(struct reader *r, const struct entry *entry) {
    const struct node *node = entry->value;
    switch (node->kind) {
    case NODE_SCALAR:
        return read_scalar(r, node);
    case NODE_LIST:
        return read_list(r, entry->key, node);
    case NODE_NULL:
        diags_add(r->diags, DIAG_ERROR, entry->mark,
                  "'%s' has no value; write \"\" for an empty text", entry->key);
        break;
    case NODE_MAP:
        diags_add(r->diags, DIAG_ERROR, node->mark,
                  "'%s' is a map; a config value is a plain value or a list of them", entry->key);
        break;
    default:
        break;
    }
    return (struct value){0};
}

void settings_read(struct reader *r, const struct field *field, const struct entry *entry,
                   void *target) {
    (void)field;
    struct manifest_actor *actor = target;
    actor->config_mark = entry->mark;
    if (!schema_is(r, entry, NODE_MAP, "a map of settings")) {
        return;
    }
    const struct node *map = entry->value;
    actor->settings = arena_array(r->arena, map->count, sizeof *actor->settings);
    for (size_t i = 0; actor->settings && i < map->count; i++) {
        const struct entry *given = &map->entries[i];
        struct value value = read_value(r, given);
        if (value.kind != VALUE_NONE) {
            actor->settings[actor->setting_count++] =
                (struct manifest_setting){arena_text(r->arena, given->key), given->mark, value};
        }
    }
}

void settings_explain(struct explainer *x, const struct field *field, const char *path,
                      const void *target, struct layers layers) {
    (void)field;
    const struct manifest_actor *actor = target;
    for (size_t i = 0; i < actor->setting_count; i++) {
        const struct manifest_setting *setting = &actor->settings[i];
        struct str text;
        str_init(&text);
        for (size_t j = 0; j < setting->value.count; j++) {
            str_addf(&text, "%s%s", j ? ", " : "", setting->value.items[j].text);
        }
        bool is_list = setting->value.kind == VALUE_LIST;
        struct str shown;
        str_init(&shown);
        str_addf(&shown, is_list ? "[%s]" : "%s", is_list ? str_text(&text) : setting->value.text);
        explain_add(x, path, setting->key, str_text(&shown), setting->value.mark,
                    node_value(layers.maps[0], setting->key));
        str_fini(&shown);
        str_fini(&text);
    }
}
