/* `defaults` and `actors`: actors and groups, by their tables of keys. */
#include "manifest/actors.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "manifest/explain.h"
#include "manifest/impl.h"
#include "manifest/policies.h"
#include "manifest/settings.h"

#define AT(member) .offset = offsetof(struct manifest_actor, member)
#define WHAT_SIZE 320

static const char *const inputs_end_words[] = {"stop", "stay", NULL};
static const char *const on_stuck_words[] = {"report", "restart", "exit", NULL};
static const char *const on_fault_words[] = {"recover", "exit", NULL};
static const char *const thread_words[] = {"pool", "own", NULL};

static field_read read_type, read_thread, read_after, read_members;
static field_explain explain_type, explain_thread, explain_after, explain_members;

static const struct field actor_fields[] = {
    {"type", FIELD_CUSTOM, .read = read_type, .explain = explain_type, .required = true},
    {"config", FIELD_CUSTOM, .read = settings_read, .explain = settings_explain},
    {"replicas", FIELD_U32, AT(replicas), .low = 1, .high = 4096, .zero = "not a pool"},
    {"thread", FIELD_CUSTOM, .read = read_thread, .explain = explain_thread},
    {"after", FIELD_CUSTOM, .read = read_after, .explain = explain_after},
    {"mailbox", FIELD_MAP, AT(mailbox), .fields = mailbox_fields},
    {"memory", FIELD_SIZE, AT(memory), .low = 1, .zero = "no cap"},
    {"quarantine_after", FIELD_U32, AT(quarantine_after), .low = 1, .high = 1000000},
    {"when_inputs_end", FIELD_WORD, AT(when_inputs_end), .words = inputs_end_words},
    {"stop_timeout", FIELD_DURATION, AT(stop_timeout_ns)},
    {"stuck_after", FIELD_DURATION, AT(stuck_after_ns), .low = 1},
    {"on_stuck", FIELD_WORD, AT(on_stuck), .words = on_stuck_words},
    {"on_fault", FIELD_WORD, AT(on_fault), .words = on_fault_words},
    {"restart", FIELD_CUSTOM, AT(restart), .read = policies_read_restart,
     .explain = policies_explain_restart},
    {"checkpoint", FIELD_CUSTOM, AT(checkpoint), .read = policies_read_checkpoint,
     .explain = policies_explain_checkpoint},
    {0},
};

static const struct field group_fields[] = {
    {"supervise", FIELD_CUSTOM, AT(supervise), .read = policies_read_supervise,
     .explain = policies_explain_supervise},
    {"restart", FIELD_CUSTOM, AT(restart), .read = policies_read_restart,
     .explain = policies_explain_restart},
    {"after", FIELD_CUSTOM, .read = read_after, .explain = explain_after},
    {"stop_timeout", FIELD_DURATION, AT(stop_timeout_ns)},
    {"actors", FIELD_CUSTOM, .read = read_members, .explain = explain_members, .required = true},
    {0},
};

static const struct field default_fields[] = {
    {"mailbox", FIELD_MAP, AT(mailbox), .fields = default_mailbox_fields},
    {"restart", FIELD_CUSTOM, AT(restart), .read = policies_read_restart},
    {"stop_timeout", FIELD_DURATION, AT(stop_timeout_ns)},
    {"stuck_after", FIELD_DURATION, AT(stuck_after_ns), .low = 1},
    {"on_stuck", FIELD_WORD, AT(on_stuck), .words = on_stuck_words},
    {"on_fault", FIELD_WORD, AT(on_fault), .words = on_fault_words},
    {0},
};

struct manifest_actor actors_prototype(void) {
    return (struct manifest_actor){
        .supervise = policies_supervise(),
        .mailbox = policies_mailbox(),
        .quarantine_after = 1,
        .when_inputs_end = INPUTS_END_STOP,
        .stop_timeout_ns = 5 * NS_PER_S,
        .stuck_after_ns = 2 * NS_PER_S,
        .on_stuck = ON_STUCK_REPORT,
        .on_fault = ON_FAULT_RECOVER,
        .restart = policies_restart(),
    };
}

void actors_read_defaults(struct reader *r, const struct field *field, const struct entry *entry,
                          void *target) {
    (void)field;
    (void)target;
    if (schema_is(r, entry, NODE_MAP, "a map of what holds for every actor")) {
        schema_read(r, default_fields, entry->value, "'defaults'", entry->mark,
                    &r->manifest->impl->prototype);
    }
}

static void read_type(struct reader *r, const struct field *field, const struct entry *entry,
                      void *target) {
    (void)field;
    struct manifest_actor *actor = target;
    if (!schema_is(r, entry, NODE_SCALAR, "an actor type, such as file.Tail")) {
        return;
    }
    if (!*entry->value->text) {
        diags_add(r->diags, DIAG_ERROR, entry->value->mark,
                  "'type' is empty; it needs an actor type, such as file.Tail");
        return;
    }
    actor->type.text = schema_text(r, entry->value);
    actor->type.mark = entry->value->mark;
}

static void explain_type(struct explainer *x, const struct field *field, const char *path,
                         const void *target, struct layers layers) {
    (void)field;
    const struct manifest_actor *actor = target;
    explain_add(x, path, NULL, actor->type.text ? actor->type.text : "", actor->type.mark,
                layers.maps[0]);
}

static void read_thread(struct reader *r, const struct field *field, const struct entry *entry,
                        void *target) {
    (void)field;
    struct manifest_actor *actor = target;
    int word = schema_is(r, entry, NODE_SCALAR, "pool or own")
                   ? schema_word(r, entry->key, entry->value, thread_words)
                   : -1;
    if (word >= 0) {
        actor->thread_given = true;
        actor->own_thread = word == 1;
    }
}

static void explain_thread(struct explainer *x, const struct field *field, const char *path,
                           const void *target, struct layers layers) {
    (void)field;
    const struct manifest_actor *actor = target;
    const struct node *node = layers.maps[0];
    explain_add(x, path, NULL,
                actor->thread_given ? thread_words[actor->own_thread] : "as the type wishes",
                node ? node->mark : (struct mark){0}, node);
}

static void read_after(struct reader *r, const struct field *field, const struct entry *entry,
                       void *target) {
    (void)field;
    struct manifest_actor *actor = target;
    if (!schema_is(r, entry, NODE_LIST, "a list of actors, such as [judge/window]")) {
        return;
    }
    const struct node *list = entry->value;
    actor->after = arena_array(r->arena, list->count, sizeof *actor->after);
    for (size_t i = 0; actor->after && i < list->count; i++) {
        const struct entry item = {entry->key, list->entries[i].mark, list->entries[i].value};
        if (schema_is(r, &item, NODE_SCALAR, "names of actors")) {
            actor->after[actor->after_count++] =
                (struct manifest_ref){schema_text(r, item.value), item.value->mark};
        }
    }
}

static void explain_after(struct explainer *x, const struct field *field, const char *path,
                          const void *target, struct layers layers) {
    (void)field;
    (void)layers;
    const struct manifest_actor *actor = target;
    for (size_t i = 0; i < actor->after_count; i++) {
        explain_add(x, path, NULL, actor->after[i].text, actor->after[i].mark, NULL);
    }
}

static void read_actor(struct reader *r, const struct entry *entry,
                       const struct supervise_policy *supervisor, struct manifest_actor *actor) {
    const struct node *map = entry->value;
    *actor = r->manifest->impl->prototype;
    actor->name = arena_text(r->arena, entry->key);
    actor->mark = entry->mark;
    actor->config_mark = entry->mark;
    actor->is_group = node_find(map, "actors") || node_find(map, "supervise");
    const char *noun = actor->is_group ? "group" : "actor";
    char what[WHAT_SIZE];
    (void)snprintf(what, sizeof what, "%s '%s'", noun, entry->key);
    schema_check_name(r, actor->is_group ? "a group" : "an actor", entry->key, entry->mark);
    if (schema_is(r, entry, NODE_MAP, "a map such as { type: file.Tail }")) {
        schema_read(r, actor->is_group ? group_fields : actor_fields, map, what, entry->mark,
                    actor);
    }
    policies_finish_restart(r, &actor->restart, supervisor, node_value(map, "restart"));
}

static struct manifest_actor *read_actors(struct reader *r, const struct entry *entry,
                                          const struct supervise_policy *supervisor,
                                          size_t *ret_count) {
    if (!schema_is(r, entry, NODE_MAP, "a map from names to actors")) {
        return NULL;
    }
    const struct node *map = entry->value;
    bool may_be_empty = r->options && r->options->may_be_empty;
    if (map->count == 0 && !may_be_empty) {
        diags_add(r->diags, DIAG_ERROR, map->mark,
                  "'actors' is empty; it needs at least one actor");
    }
    struct manifest_actor *actors = arena_array(r->arena, map->count, sizeof *actors);
    for (size_t i = 0; actors && i < map->count; i++) {
        read_actor(r, &map->entries[i], supervisor, &actors[i]);
    }
    *ret_count = actors ? map->count : 0;
    return actors;
}

static void read_members(struct reader *r, const struct field *field, const struct entry *entry,
                         void *target) {
    (void)field;
    struct manifest_actor *group = target;
    group->actors = read_actors(r, entry, &group->supervise, &group->actor_count);
}

void actors_read(struct reader *r, const struct field *field, const struct entry *entry,
                 void *target) {
    (void)field;
    (void)target;
    struct manifest *manifest = r->manifest;
    manifest->actors = read_actors(r, entry, &manifest->supervision, &manifest->actor_count);
}

static void explain_list(struct explainer *x, const struct manifest_actor *actors, size_t count,
                         const char *path, const struct node *map) {
    const struct node *defaults = node_value(x->manifest->impl->root, "defaults");
    struct str full;
    str_init(&full);
    for (size_t i = 0; i < count; i++) {
        str_clear(&full);
        str_addf(&full, "%s.%s", path, actors[i].name);
        const struct node *node = node_value(map, actors[i].name);
        x->group = node_value(node, "supervise");
        explain_fields(x, actors[i].is_group ? group_fields : actor_fields, str_text(&full),
                       &actors[i], (struct layers){{node, defaults}});
    }
    str_fini(&full);
}

static void explain_members(struct explainer *x, const struct field *field, const char *path,
                            const void *target, struct layers layers) {
    (void)field;
    const struct manifest_actor *group = target;
    const struct node *outer = x->supervisor;
    x->supervisor = x->group;
    explain_list(x, group->actors, group->actor_count, path, layers.maps[0]);
    x->supervisor = outer;
}

void actors_explain(struct explainer *x, const struct field *field, const char *path,
                    const void *target, struct layers layers) {
    (void)field;
    (void)target;
    const struct manifest *manifest = x->manifest;
    x->supervisor = node_value(manifest->impl->root, "supervision");
    explain_list(x, manifest->actors, manifest->actor_count, path, layers.maps[0]);
    x->supervisor = NULL;
}
