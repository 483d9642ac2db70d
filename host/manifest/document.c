/* The top level of a manifest, by its table of keys. */
#include <string.h>

#include "base/log.h"
#include "manifest/actors.h"
#include "manifest/env.h"
#include "manifest/explain.h"
#include "manifest/impl.h"
#include "manifest/plugins.h"
#include "manifest/policies.h"
#include "manifest/wires.h"

#define AT(member) .offset = offsetof(struct manifest, member)
#define COUNT_HIGH 1000000000.0
#define SOCKET_PATH_LIMIT 107 /* sun_path, less its NUL */

static const char *const idle_words[] = {
    [IDLE_NAP] = "nap", [IDLE_SLEEP] = "sleep", [IDLE_SPIN] = "spin", NULL};
static const char *const level_words[] = {
    [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug", NULL};
static const char *const format_words[] = {[LOG_TEXT] = "text", [LOG_JSON] = "json", NULL};
static const char *const difference_words[] = {
    [DIFFERENCES_REFUSE] = "refuse", [DIFFERENCES_PROMOTE] = "promote", NULL};
static const char *const reload_words[] = {
    [RELOAD_ROLLING] = "rolling", [RELOAD_ATOMIC] = "atomic", [RELOAD_CANARY] = "canary", NULL};

/* systemd gives several directories with ':' between them; the first is the unit's own. */
static char *run_folder(struct reader *r, const char *given, const char *variable) {
    const char *folder = given ? given : env_find(r->options, variable);
    if (!folder || !*folder) {
        return arena_text(r->arena, r->folder);
    }
    return arena_text_n(r->arena, folder, given ? strlen(folder) : strcspn(folder, ":"));
}

static char *read_run_path(struct reader *r, const struct entry *entry, const char *given,
                           const char *variable) {
    if (!schema_is(r, entry, NODE_SCALAR, "a path")) {
        return NULL;
    }
    if (!*entry->value->text) {
        diags_add(r->diags, DIAG_ERROR, entry->value->mark, "'%s' is an empty path", entry->key);
        return NULL;
    }
    char *folder = run_folder(r, given, variable);
    return folder ? path_join(r->arena, folder, entry->value->text) : NULL;
}

static void read_directory(struct reader *r, const struct field *field, const struct entry *entry,
                           void *target) {
    (void)field;
    const struct manifest_options *options = r->options;
    *(char **)target =
        read_run_path(r, entry, options ? options->state_directory : NULL, "STATE_DIRECTORY");
}

static void read_socket(struct reader *r, const struct field *field, const struct entry *entry,
                        void *target) {
    (void)field;
    const struct manifest_options *options = r->options;
    char *path =
        read_run_path(r, entry, options ? options->runtime_directory : NULL, "RUNTIME_DIRECTORY");
    if (path && strlen(path) > SOCKET_PATH_LIMIT) {
        diags_add(r->diags, DIAG_ERROR, entry->value->mark,
                  "the path of a socket has at most %d bytes; '%s' has %zu", SOCKET_PATH_LIMIT,
                  path, strlen(path));
        return;
    }
    *(char **)target = path;
}

static void explain_path(struct explainer *x, const struct field *field, const char *path,
                         const void *target, struct layers layers) {
    (void)field;
    const char *value = *(char *const *)target;
    const struct node *node = layers.maps[0];
    explain_add(x, path, NULL, value ? value : "none", node ? node->mark : (struct mark){0}, node);
}

static const struct field log_fields[] = {
    {"level", FIELD_WORD, AT(log_level), .words = level_words},
    {"format", FIELD_WORD, AT(log_format), .words = format_words},
    {0},
};

static const struct field stop_fields[] = {
    {"timeout", FIELD_DURATION, AT(stop_timeout_ns)},
    {0},
};

static const struct field snapshots_fields[] = {
    {"keep", FIELD_U32, AT(snapshots.keep), .high = COUNT_HIGH},
    {"max_age", FIELD_DURATION, AT(snapshots.max_age_ns), .low = 1},
    {"directory", FIELD_CUSTOM, AT(snapshots.directory), .read = read_directory,
     .explain = explain_path},
    {0},
};

static const struct field quarantine_fields[] = {
    {"keep", FIELD_U32, AT(quarantine.keep), .high = COUNT_HIGH},
    {"bytes", FIELD_SIZE, AT(quarantine.bytes)},
    {0},
};

static const struct field dead_letters_fields[] = {
    {"keep", FIELD_U32, AT(dead_letters_keep), .high = COUNT_HIGH},
    {0},
};

static const struct field probation_fields[] = {
    {"time", FIELD_DURATION, AT(reload.probation_ns)},
    {"messages", FIELD_U64, AT(reload.probation_messages), .high = COUNT_HIGH},
    {0},
};

static const struct field shadow_fields[] = {
    {"messages", FIELD_U64, AT(reload.shadow.messages), .high = COUNT_HIGH},
    {"time", FIELD_DURATION, AT(reload.shadow.time_ns), .low = 1},
    {"differences", FIELD_WORD, AT(reload.shadow.differences), .words = difference_words},
    {0},
};

static const struct field reload_fields[] = {
    {"mode", FIELD_WORD, AT(reload.mode), .words = reload_words},
    {"canary", FIELD_U32, AT(reload.canary), .low = 1, .high = COUNT_HIGH},
    {"swap_timeout", FIELD_DURATION, AT(reload.swap_timeout_ns), .low = 1},
    {"probation", FIELD_MAP, .fields = probation_fields},
    {"shadow", FIELD_MAP, .fields = shadow_fields},
    {"probe", FIELD_DURATION, AT(reload.probe_ns), .low = 1},
    {"grace", FIELD_DURATION, AT(reload.grace_ns)},
    {0},
};

static const struct field control_fields[] = {
    {"socket", FIELD_CUSTOM, AT(control_socket), .read = read_socket, .explain = explain_path},
    {0},
};

/* Taken out of each file before they are merged; here to be suggested. */
static void read_nothing(struct reader *r, const struct field *field, const struct entry *entry,
                         void *target) {
    (void)r;
    (void)field;
    (void)entry;
    (void)target;
}

/* Read in this order: actors need what stands before them. */
const struct field document_fields[] = {
    {"troupe", FIELD_CUSTOM, .read = read_nothing},
    {"proc", FIELD_NAME, AT(proc), .required = true},
    {"include", FIELD_CUSTOM, .read = read_nothing},
    {"workers", FIELD_U32, AT(workers), .low = 1, .high = 1024, .zero = "one per core"},
    {"idle", FIELD_WORD, AT(idle), .words = idle_words},
    {"log", FIELD_MAP, .fields = log_fields},
    {"stop", FIELD_MAP, .fields = stop_fields},
    {"plugins", FIELD_MAP, .fields = plugins_fields},
    {"defaults", FIELD_CUSTOM, .read = actors_read_defaults},
    {"supervision", FIELD_CUSTOM, AT(supervision), .read = policies_read_supervise,
     .explain = policies_explain_supervise},
    {"actors", FIELD_CUSTOM, .read = actors_read, .explain = actors_explain, .required = true},
    {"wires", FIELD_CUSTOM, .read = wires_read, .explain = wires_explain},
    {"snapshots", FIELD_MAP, .fields = snapshots_fields},
    {"quarantine", FIELD_MAP, .fields = quarantine_fields},
    {"dead_letters", FIELD_MAP, .fields = dead_letters_fields},
    {"reload", FIELD_MAP, .fields = reload_fields},
    {"control", FIELD_MAP, .fields = control_fields},
    {0},
};
