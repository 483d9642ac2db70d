/* A manifest as a typed document: every value with its file, line and column.
 *
 * Reading knows the keys and their kinds, substitutes variables, follows `include`, and merges
 * several files; it knows no plugins: whether actors, types, ports and config names exist is the
 * plan's business. All errors of a run are collected in the diagnostics.
 *
 * Variables  stand in scalar values only (never in keys), quoted or not. ${VAR} must be set (it may
 *            be empty); ${VAR:-default} takes the default when VAR is unset or empty, as the shell
 *            does; $${ is a literal ${. A default cannot hold another ${.
 * Includes   are read first, each file once, relative to the file that names it. Maps grow together;
 *            wires are joined; any other key may be set in one file only: else an error names both
 *            places.
 * Overriding A later file of the command line overrides the earlier ones: maps merge key by key (so
 *            actors and config settings merge by name), scalars and lists replace, and wires merge by
 *            their two ends: the same ends replace the wire, others are added.
 * Defaults   `defaults` apply key by key to each actor that does not say otherwise. What a `restart`
 *            block leaves out of intensity, period and backoff comes from its supervisor: the group's
 *            `supervise`, at a root `supervision`. What these leave out is built in.
 * Paths      plugins.path, configs: relative to the file they stand in; a config value that begins with
 *            a variable of the environment: to the current folder, as the caller meant it.
 *            snapshots.directory: to the state directory, control.socket: to the runtime directory,
 *            else both to the folder of the first file of the command line.
 * Every file says `troupe: 1`, the format it is written in. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"

/* Where a value stands. `file` is owned by the manifest. line and column count from 1; 0: built in. */
struct mark {
    const char *file;
    uint32_t line;
    uint32_t column;
};

/* A value as written, after substitution. Lists and maps are for actor configs. */
enum value_kind { VALUE_NONE, VALUE_SCALAR, VALUE_LIST };
struct value {
    enum value_kind kind;
    struct mark mark;
    char *text; /* scalar */
    bool quoted;
    bool from_outside;   /* scalar: begins with an environment variable's value */
    struct value *items; /* list */
    size_t count;
};

struct manifest_setting { /* one key of an actor's config */
    char *key;
    struct mark mark; /* of the key */
    struct value value;
};

enum idle_policy { IDLE_NAP, IDLE_SLEEP, IDLE_SPIN };
enum overflow { OVERFLOW_BLOCK, OVERFLOW_DROP_NEWEST, OVERFLOW_DROP_OLDEST, OVERFLOW_FAIL };
enum restart_policy { RESTART_PERMANENT, RESTART_TRANSIENT, RESTART_TEMPORARY };
enum strategy { STRATEGY_ONE_FOR_ONE, STRATEGY_ONE_FOR_ALL, STRATEGY_REST_FOR_ONE };
enum on_stuck { ON_STUCK_REPORT, ON_STUCK_RESTART, ON_STUCK_EXIT };
enum on_fault { ON_FAULT_RECOVER, ON_FAULT_EXIT };
enum when_inputs_end { INPUTS_END_STOP, INPUTS_END_STAY };
enum reload_mode { RELOAD_ROLLING, RELOAD_ATOMIC, RELOAD_CANARY };
enum reload_differences { DIFFERENCES_REFUSE, DIFFERENCES_PROMOTE };
struct reload_shadow {
    /* that new code handles behind the code that runs, before it takes over; 0: none */
    uint64_t messages;
    uint64_t time_ns;                    /* how long it may take until so many have come */
    enum reload_differences differences; /* PROMOTE: it takes over whatever comes of that */
};
enum route_mode { ROUTE_DIRECT, ROUTE_ROUND_ROBIN, ROUTE_HASH, ROUTE_BROADCAST };

struct backoff_policy {
    uint64_t initial_ns, max_ns;
    double factor, jitter;
};
struct supervise_policy { /* `supervision:` and a group's `supervise:` */
    enum strategy strategy;
    uint32_t intensity;
    uint64_t period_ns;
    struct backoff_policy backoff;
};
struct port_overflow {
    char *port;
    struct mark mark;
    enum overflow overflow;
};
#define MANIFEST_CAPACITY_MAX 100000
struct mailbox_policy {
    uint32_t capacity;
    uint64_t bytes; /* 0: no bound */
    enum overflow overflow;
    struct port_overflow *ports;
    size_t port_count;
};
struct restart_block {
    enum restart_policy policy;
    bool own; /* an intensity of its own: counted alone (SV-5) */
    uint32_t intensity;
    uint64_t period_ns;
    struct backoff_policy backoff;
};
struct checkpoint_policy {
    uint64_t messages; /* 0: not by messages */
    uint64_t time_ns;  /* 0: not by time */
};

struct manifest_ref { /* a name that refers to something, with its place */
    char *text;
    struct mark mark;
};

/* An actor or (is_group) a group, with everything resolved that `defaults` and built-in defaults say. */
struct manifest_actor {
    char *name;
    struct mark mark; /* of the name */
    bool is_group;
    struct supervise_policy supervise; /* group */
    struct manifest_actor *actors;     /* group: members in order of appearance */
    size_t actor_count;

    struct manifest_ref type;
    struct manifest_setting *settings;
    size_t setting_count;
    struct mark config_mark;
    uint32_t replicas; /* 0: not a pool; a pool of 1 is a pool */
    bool own_thread;
    bool thread_given;
    struct manifest_ref *after;
    size_t after_count;
    struct mailbox_policy mailbox;
    uint64_t memory; /* 0: no cap */
    uint32_t quarantine_after;
    enum when_inputs_end when_inputs_end;
    uint64_t stop_timeout_ns, stuck_after_ns;
    enum on_stuck on_stuck;
    enum on_fault on_fault;
    struct restart_block restart;
    struct checkpoint_policy checkpoint;
};

struct manifest_wire {
    struct mark mark;
    struct manifest_ref from; /* "judge/window.alert" */
    struct manifest_ref to;
    bool has_route;
    enum route_mode route;
    struct mark route_mark;
    struct manifest_ref key; /* text NULL: none */
};

struct manifest_pin {
    char *file; /* as written: a plugin file's name */
    struct mark mark;
    char *sha256; /* 64 hex digits, lower case */
};

/* A key that was given and whose effect is not built yet, for `run` to say so. */
struct manifest_unused {
    const char *key; /* static */
    struct mark mark;
};

struct manifest {
    char *proc;
    struct mark proc_mark;
    uint32_t workers; /* 0: one per core */
    enum idle_policy idle;
    int log_level;  /* enum log_level */
    int log_format; /* enum log_format */
    uint64_t stop_timeout_ns;
    struct manifest_ref *plugin_path; /* resolved against the file they stand in */
    size_t plugin_path_count;
    struct manifest_pin *pins;
    size_t pin_count;
    struct supervise_policy supervision;
    struct manifest_actor *actors; /* roots, in order of appearance, includes first */
    size_t actor_count;
    struct manifest_wire *wires;
    size_t wire_count;
    struct {
        uint32_t keep;
        uint64_t max_age_ns;
        char *directory; /* NULL: none */
    } snapshots;
    struct {
        uint32_t keep;
        uint64_t bytes;
    } quarantine;
    uint32_t dead_letters_keep;
    uint32_t child_capacity; /* of spawned actors' mailboxes: what `defaults` says */
    struct {
        enum reload_mode mode;
        uint32_t canary; /* mode canary: how many actors go first */
        uint64_t swap_timeout_ns, probation_ns, probation_messages;
        struct reload_shadow shadow;
        uint64_t probe_ns; /* how long each new file may be tried before it is loaded */
        uint64_t grace_ns; /* how long old code lies still before it is unloaded */
    } reload;
    char *control_socket; /* NULL: none */
    struct manifest_unused *unused;
    size_t unused_count;
    const char *const
        *types; /* actor types in use by others than actors; lent, set by who builds a plan */
    size_t type_count;
    /* All files were read as YAML. With errors nevertheless, the document holds what is right (an
     * actor without a usable type has type.text NULL), so that a plan can look for further ones. */
    bool complete;
    struct manifest_impl *impl; /* source texts, origins for --explain */
};

/* One finding, with its source line. */
enum diag_severity { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };
struct diag {
    enum diag_severity severity;
    struct mark mark;
    char *text; /* owned */
    char
        *hint; /* what was probably meant instead, as it stands in the text; owned; NULL: unknown */
};
/* Findings of a whole run, in the order found; printed sorted by file, line, column. */
struct diags {
    struct diag *items;
    size_t count;
    size_t errors;
    bool failed; /* a finding was lost for lack of memory; it is counted */
    const struct manifest_sources *sources; /* lent: to print the line and the caret */
};

void diags_init(struct diags *diags);
void diags_fini(struct diags *diags);
/* Adds a finding; `mark` is copied (its file name must outlive the diags). */
__attribute__((format(printf, 4, 5))) void diags_add(struct diags *diags,
                                                     enum diag_severity severity, struct mark mark,
                                                     const char *format, ...);

/* What was probably meant, for the finding that was just added. */
void diags_hint(struct diags *diags, const char *hint);

/* Where environment variables come from: NULL for getenv; tests give their own. */
typedef const char *manifest_env(void *context, const char *name);

/* A file given as text. */
struct manifest_text {
    const char *path;
    const char *data;
    size_t size;
};

struct manifest_options {
    manifest_env *env;
    void *env_context;
    const char *state_directory;       /* NULL: $STATE_DIRECTORY, else the manifest's folder */
    const char *runtime_directory;     /* NULL: $RUNTIME_DIRECTORY, else the manifest's folder */
    const struct manifest_text *texts; /* not NULL: no file is opened but these, includes neither */
    size_t text_count;
    bool files_too;    /* other files are opened as well */
    bool may_be_empty; /* no actor is no error */
    /* Not NULL: `defaults` and `supervision` are those of this manifest, to whose actors others are added;
     * it must outlive what is read. */
    const struct manifest *base;
};

/* Reads the files, the later ones overriding key by key. Returns -1 when there was any error; they
 * are in `diags`, which may keep pointing into the manifest's sources: *ret is set whenever there is
 * anything to print, and must outlive diags. Errors beyond the findings: NOMEM. */
int manifest_load(const char *const *paths, size_t count, const struct manifest_options *options,
                  struct manifest **ret, struct diags *diags, struct err *err);
void manifest_destroy(struct manifest *manifest); /* takes NULL */
/* Whether a root, or one that stands in, is called so. */
bool manifest_has_root(const struct manifest *manifest, const char *name);
/* The actor, group or pool at a path such as "judge/window"; NULL: there is none. */
const struct manifest_actor *manifest_find_actor(const struct manifest *manifest, const char *path);
/* Adds a root called `path` that stands in for an actor of another manifest, which is lent: as that is, but
 * without what refers to further ones. Errors: NOMEM. */
int manifest_add_stand_in(struct manifest *manifest, const char *path,
                          const struct manifest_actor *actor, struct err *err);

/* Calls `each` for the findings, sorted, with the line that each is about (NULL: none; of a long one the
 * part around the column) and what stands before a caret below it. All is lent. */
typedef void diags_shown(void *context, const struct diag *diag, const char *line,
                         const char *margin);
void diags_each(const struct diags *diags, diags_shown *each, void *context);
/* "file:line:col: error: text", the source line, a caret; into `out`. Colours when asked. */
struct str;
void diags_print(const struct diags *diags, bool colour, struct str *out);
/* The same as a JSON array of {severity,file,line,column,text}. */
void diags_json(const struct diags *diags, struct str *out);

/* For `check --explain`: every effective value, "key = value    # file:line:col" or "# default";
 * behind a place also the variable the value came from: ", ${AUTH_LOG:-auth.log}". */
void manifest_explain(const struct manifest *manifest, struct str *out);
/* The same as a JSON array of {key,value,file,line,column,from}; a default has no file. */
void manifest_explain_json(const struct manifest *manifest, struct str *out);

/* Every effective value, in the order of manifest_explain; all is lent for the call. A default has line 0.
 * Errors: NOMEM, when not all were told. */
typedef void manifest_each(void *context, const char *key, const char *value, struct mark mark);
int manifest_values(const struct manifest *manifest, manifest_each *each, void *context,
                    struct err *err);

/* Scalars as the manifest writes them; also for plugin configs. Return -1 with a sentence in err
 * ("'10x' is not a duration; write 250ms, 10s, 5m or 1h"). */
int scalar_duration(const char *text, uint64_t *ret_ns, struct err *err);
int scalar_size(const char *text, uint64_t *ret_bytes, struct err *err);
int scalar_int(const char *text, int64_t *ret, struct err *err);
int scalar_float(const char *text, double *ret, struct err *err);
int scalar_bool(const char *text, bool *ret, struct err *err);
/* Back to text, in the largest unit that divides it: "250ms", "64KiB". */
void scalar_add_duration(struct str *out, uint64_t ns);
void scalar_add_size(struct str *out, uint64_t bytes);
