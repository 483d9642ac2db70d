/* Policies of actors and supervisors. */
#include "manifest/policies.h"

#include <stddef.h>
#include <stdio.h>

#include "base/clock.h"
#include "manifest/explain.h"

/* "left out", outside every range */
#define LEFT_OUT_U32 UINT32_MAX
#define LEFT_OUT_NS UINT64_MAX
#define LEFT_OUT_FLOAT (-1.0)

#define COUNT_HIGH 1000000000.0

const char *const overflow_words[] = {"block", "drop_newest", "drop_oldest", "fail", NULL};
const char *const strategy_words[] = {"one_for_one", "one_for_all", "rest_for_one", NULL};
const char *const restart_words[] = {"permanent", "transient", "temporary", NULL};

#define AT(type, member) .offset = offsetof(struct type, member)

static field_read read_ports;
static field_explain explain_ports;

#define MAILBOX_FIELDS                                                                             \
    {"capacity", FIELD_U32, AT(mailbox_policy, capacity), .low = 1,                                \
     .high = MANIFEST_CAPACITY_MAX},                                                               \
        {"bytes", FIELD_SIZE, AT(mailbox_policy, bytes), .low = 1, .zero = "no bound"}, {          \
        "overflow", FIELD_WORD, AT(mailbox_policy, overflow), .words = overflow_words              \
    }

const struct field mailbox_fields[] = {
    MAILBOX_FIELDS,
    {"ports", FIELD_CUSTOM, .read = read_ports, .explain = explain_ports},
    {0},
};

const struct field default_mailbox_fields[] = {MAILBOX_FIELDS, {0}};

static const struct field backoff_fields[] = {
    {"initial", FIELD_DURATION, AT(backoff_policy, initial_ns), .low = 1},
    {"factor", FIELD_FLOAT, AT(backoff_policy, factor), .low = 1},
    {"max", FIELD_DURATION, AT(backoff_policy, max_ns), .low = 1},
    {"jitter", FIELD_FLOAT, AT(backoff_policy, jitter), .low = 0, .high = 1},
    {0},
};

const struct field supervise_fields[] = {
    {"strategy", FIELD_WORD, AT(supervise_policy, strategy), .words = strategy_words},
    {"intensity", FIELD_U32, AT(supervise_policy, intensity), .low = 0, .high = COUNT_HIGH},
    {"period", FIELD_DURATION, AT(supervise_policy, period_ns), .low = 1},
    {"backoff", FIELD_MAP, AT(supervise_policy, backoff), .fields = backoff_fields},
    {0},
};

const struct field restart_fields[] = {
    {"policy", FIELD_WORD, AT(restart_block, policy), .words = restart_words},
    {"intensity", FIELD_U32, AT(restart_block, intensity), .low = 0, .high = COUNT_HIGH},
    {"period", FIELD_DURATION, AT(restart_block, period_ns), .low = 1},
    {"backoff", FIELD_MAP, AT(restart_block, backoff), .fields = backoff_fields},
    {0},
};

const struct field checkpoint_fields[] = {
    {"messages", FIELD_U64, AT(checkpoint_policy, messages), .low = 1, .high = COUNT_HIGH},
    {"time", FIELD_DURATION, AT(checkpoint_policy, time_ns), .low = 1},
    {0},
};

struct mailbox_policy policies_mailbox(void) {
    return (struct mailbox_policy){.capacity = 1024, .overflow = OVERFLOW_BLOCK};
}

struct supervise_policy policies_supervise(void) {
    return (struct supervise_policy){
        .strategy = STRATEGY_ONE_FOR_ONE,
        .intensity = 5,
        .period_ns = 10 * NS_PER_S,
        .backoff = {100 * NS_PER_MS, 10 * NS_PER_S, 2.0, 0.2},
    };
}

struct restart_block policies_restart(void) {
    return (struct restart_block){
        .policy = RESTART_TRANSIENT,
        .intensity = LEFT_OUT_U32,
        .period_ns = LEFT_OUT_NS,
        .backoff = {LEFT_OUT_NS, LEFT_OUT_NS, LEFT_OUT_FLOAT, LEFT_OUT_FLOAT},
    };
}

static void read_ports(struct reader *r, const struct field *field, const struct entry *entry,
                       void *target) {
    (void)field;
    struct mailbox_policy *mailbox = target;
    if (!schema_is(r, entry, NODE_MAP, "a map from ports to overflow policies")) {
        return;
    }
    const struct node *map = entry->value;
    struct port_overflow *ports = arena_array(r->arena, map->count, sizeof *ports);
    size_t count = 0;
    for (size_t i = 0; ports && i < map->count; i++) {
        const struct entry *port = &map->entries[i];
        int word = schema_is(r, port, NODE_SCALAR, "an overflow policy")
                       ? schema_word(r, port->key, port->value, overflow_words)
                       : -1;
        if (word >= 0) {
            ports[count++] = (struct port_overflow){arena_text(r->arena, port->key), port->mark,
                                                    (enum overflow)word};
        }
    }
    mailbox->ports = ports;
    mailbox->port_count = count;
}

static void explain_ports(struct explainer *x, const struct field *field, const char *path,
                          const void *target, struct layers layers) {
    (void)field;
    (void)layers;
    const struct mailbox_policy *mailbox = target;
    for (size_t i = 0; i < mailbox->port_count; i++) {
        const struct port_overflow *port = &mailbox->ports[i];
        explain_add(x, path, port->port, overflow_words[port->overflow], port->mark, NULL);
    }
}

static void check_backoff(struct reader *r, const struct backoff_policy *backoff,
                          const struct node *given) {
    if (!given || backoff->initial_ns <= backoff->max_ns) {
        return;
    }
    const struct entry *initial = node_find(given, "initial");
    const struct entry *max = node_find(given, "max");
    struct str text;
    str_init(&text);
    str_add(&text, "'initial' (");
    scalar_add_duration(&text, backoff->initial_ns);
    str_add(&text, ") is longer than 'max' (");
    scalar_add_duration(&text, backoff->max_ns);
    diags_add(r->diags, DIAG_ERROR,
              initial ? initial->value->mark
              : max   ? max->value->mark
                      : given->mark,
              "in 'backoff', %s)", str_text(&text));
    str_fini(&text);
}

void policies_read_supervise(struct reader *r, const struct field *field, const struct entry *entry,
                             void *target) {
    (void)field;
    struct supervise_policy *supervise = target;
    if (!schema_is(r, entry, NODE_MAP, "a map such as { strategy: one_for_one }")) {
        return;
    }
    char what[32];
    (void)snprintf(what, sizeof what, "'%s'", entry->key);
    schema_read(r, supervise_fields, entry->value, what, entry->mark, supervise);
    check_backoff(r, &supervise->backoff, node_value(entry->value, "backoff"));
}

void policies_explain_supervise(struct explainer *x, const struct field *field, const char *path,
                                const void *target, struct layers layers) {
    (void)field;
    explain_fields(x, supervise_fields, path, target, layers);
}

/* A word is a block that holds the policy alone. */
void policies_read_restart(struct reader *r, const struct field *field, const struct entry *entry,
                           void *target) {
    (void)field;
    struct restart_block *restart = target;
    const struct node *value = entry->value;
    if (value->kind == NODE_SCALAR) {
        int word = schema_word(r, entry->key, value, restart_words);
        restart->policy = word >= 0 ? (enum restart_policy)word : restart->policy;
    } else if (schema_is(r, entry, NODE_MAP, "permanent, transient or temporary, or a map")) {
        schema_read(r, restart_fields, value, "'restart'", entry->mark, restart);
    }
}

void policies_finish_restart(struct reader *r, struct restart_block *restart,
                             const struct supervise_policy *supervisor, const struct node *given) {
    struct backoff_policy *backoff = &restart->backoff;
    const struct backoff_policy *other = &supervisor->backoff;
    bool has_intensity = restart->intensity != LEFT_OUT_U32;
    bool has_period = restart->period_ns != LEFT_OUT_NS;
    restart->own = has_intensity || has_period;
    restart->intensity = has_intensity ? restart->intensity : supervisor->intensity;
    restart->period_ns = has_period ? restart->period_ns : supervisor->period_ns;
    backoff->initial_ns =
        backoff->initial_ns != LEFT_OUT_NS ? backoff->initial_ns : other->initial_ns;
    backoff->max_ns = backoff->max_ns != LEFT_OUT_NS ? backoff->max_ns : other->max_ns;
    backoff->factor = backoff->factor >= 0 ? backoff->factor : other->factor;
    backoff->jitter = backoff->jitter >= 0 ? backoff->jitter : other->jitter;
    check_backoff(r, backoff, node_value(given, "backoff"));
}

void policies_explain_restart(struct explainer *x, const struct field *field, const char *path,
                              const void *target, struct layers layers) {
    (void)field;
    /* a word in a layer stands for the first key of the table: the policy */
    layers.maps[LAYER_COUNT - 1] = x->supervisor;
    explain_fields(x, restart_fields, path, target, layers);
}

void policies_read_checkpoint(struct reader *r, const struct field *field,
                              const struct entry *entry, void *target) {
    (void)field;
    struct checkpoint_policy *checkpoint = target;
    if (!schema_is(r, entry, NODE_MAP, "a map such as { messages: 1000, time: 5s }")) {
        return;
    }
    schema_read(r, checkpoint_fields, entry->value, "'checkpoint'", entry->mark, checkpoint);
    if (entry->value->count == 0) {
        diags_add(r->diags, DIAG_ERROR, entry->value->mark,
                  "'checkpoint' needs 'messages' or 'time', or both");
    }
}

void policies_explain_checkpoint(struct explainer *x, const struct field *field, const char *path,
                                 const void *target, struct layers layers) {
    (void)field;
    const struct checkpoint_policy *checkpoint = target;
    if (checkpoint->messages || checkpoint->time_ns) {
        explain_fields(x, checkpoint_fields, path, target, layers);
    } else {
        explain_add(x, path, NULL, "none", (struct mark){0}, NULL);
    }
}
