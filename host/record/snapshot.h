/* What is kept of one incarnation that has ended, and what was seen of one that goes on: copies of plain
 * values, nothing else. It keeps no instance, no library and no message (S-5), never changes, and may be
 * read by any thread as long as it is referenced. [any] */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "record/attribute.h"
#include "record/flight.h"

/* How it failed. X(constant, text) */
#define FAILURE_KINDS(X)                                                                           \
    X(ERROR, "error") /* a handler returned a negative status */                                   \
    X(PANIC, "panic") /* a fault in the actor's code */                                            \
    X(STUCK, "stuck") /* a handler did not return, and was given up */                             \
    X(CHILD, "child") /* a child failed, and nobody handled it */                                  \
    X(HOST, "host")   /* the host could not go on with it: no memory, ... */
#define FAILURE_CONSTANT(name, text) FAILURE_##name,
enum failure_kind { FAILURE_KINDS(FAILURE_CONSTANT) FAILURE_KIND_COUNT };
#undef FAILURE_CONSTANT

/* What is kept at most; longer texts are cut, of longer lists the beginning is kept. */
#define SNAPSHOT_TEXT_MAX 1024u
#define SNAPSHOT_CHILDREN_MAX 64u
#define SNAPSHOT_ATTRIBUTES_MAX 64u
#define SNAPSHOT_ATTRIBUTE_MAX 4096u /* bytes of JSON; a larger one is kept as null */
#define SNAPSHOT_RESTARTS_MAX 16u    /* the latest are kept */
#define SNAPSHOT_FRAMES_MAX 64u
#define SNAPSHOT_MESSAGE_MAX 65536u /* bytes of JSON; of a larger one the beginning, as text */

/* An attribute that the actor published. */
struct snapshot_attribute {
    const char *name;
    const char *json; /* as msg_json_add_value writes it */
};

struct snapshot_restart {
    uint32_t incarnation; /* the one that ended */
    int64_t wall_ns;
    const char *why;
};

/* An entry of the flight recorder. */
struct snapshot_record {
    uint64_t at_ns, last_ns; /* as in struct flight_entry */
    enum flight_kind kind;
    enum log_level level;
    uint32_t count;
    bool discarded, cut;
    const char *text;
    size_t size;
};

/* The message in hand; `type` NULL: there was none. */
struct snapshot_message {
    const char *type, *port;
    const char *sender;  /* its address; NULL: the host, or nobody */
    const char *json;    /* as msg_json writes it; NULL: not known */
    size_t json_size;    /* of all of it; set by the snapshot */
    uint32_t deaths;     /* incarnations that died on it, this one included */
    uint64_t quarantine; /* its number there; 0: not quarantined */
};

struct snapshot_failure {
    enum failure_kind kind;
    const char *code;     /* the status in words */
    const char *message;  /* in its own words */
    const char *sentence; /* with what led to it: "on_line: cannot parse 'x'" */
    const char *root_id;  /* where it began; NULL: here */
    const char *root_name;
    uint64_t root_uid; /* 0: not known, or of another proc */
    int64_t wall_ns;
    uint64_t lost_with_state;  /* messages */
    const char *const *frames; /* a line a frame */
    size_t frame_count;
    struct snapshot_message in_hand;
};

/* Times: wall_ns since 1970, 0: none; ended_ns by the clock of the flight recorder. Texts may be NULL
 * where attribute.h says SOME; others are then empty. */
struct snapshot_facts {
    /* Of one that goes on: its status, and `ended` is when it was looked at. NULL: it has ended. */
    const char *status;
    int64_t processing_wall_ns;
    bool is_brief; /* nothing is known but who it was, when it ended and why */

    const char *proc, *id, *name;
    uint64_t uid, pid;
    uint32_t incarnation;
    const char *actor_type, *plugin, *parent;
    uint32_t generation; /* 0: none */
    bool is_system;

    bool failed;
    const char *reason;
    int64_t created_wall_ns, ended_wall_ns;
    uint64_t ended_ns;

    uint64_t messages_processed, total_processing_time_us;
    uint64_t queue_depth, queue_high_water;
    const char *last_handler;

    const char *const *children;
    size_t child_count; /* that `children` has */
    size_t child_total; /* that there are */
    const struct snapshot_attribute *attributes;
    size_t attribute_count;
    const struct snapshot_restart *restarts; /* the oldest first */
    size_t restart_count;
    const struct snapshot_record *records; /* set by the snapshot */
    size_t record_count;

    struct snapshot_failure failure; /* when failed (FI-3) */
};

struct snapshot {
    struct snapshot_facts
        facts;          /* all of it points into the snapshot; `failure` is zero unless failed */
    bool is_propagated; /* FI-4 */
    _Atomic uint32_t refs;
    size_t size; /* bytes of all of it */
};

/* One for the moment: its facts are lent by whoever filled them in, and only what the ring holds is copied. */
struct snapshot_lent {
    struct snapshot snapshot;        /* without references and size */
    struct snapshot_record *records; /* owned; their texts stand behind them */
    char *text, *end;                /* of the room for texts: what is left */
    size_t room;                     /* records */
};
/* Makes `facts` a snapshot in `lent`, with what the ring holds just now; `flight` may be NULL. -1: no memory. */
int snapshot_lend(struct snapshot_lent *lent, const struct snapshot_facts *facts,
                  struct flight *flight);
void snapshot_end_lending(struct snapshot_lent *lent);

/* Copies `facts`, and what the ring holds just now; `flight` may be NULL. One allocation. One reference is the caller's; NULL: no memory. */
struct snapshot *snapshot_create(const struct snapshot_facts *facts, struct flight *flight);
struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot *snapshot); /* takes NULL */
const char *failure_kind_text(enum failure_kind kind);

/* The attributes one by one, as attribute.h has them. Whether it is there, and its value by its kind: lent
 * text, never NULL; times as wall_ns. Lists and objects are in `facts`. */
bool snapshot_has(const struct snapshot *s, enum attribute_id id);
const char *snapshot_text(const struct snapshot *s, enum attribute_id id);
uint64_t snapshot_number(const struct snapshot *s, enum attribute_id id);
int64_t snapshot_time(const struct snapshot *s, enum attribute_id id);
bool snapshot_bool(const struct snapshot *s, enum attribute_id id);
/* When an entry of the recorder was, as wall_ns. */
int64_t snapshot_wall(const struct snapshot_facts *facts, uint64_t at_ns);

/* {"format": 1, "kind": "actor", ...}: then the attributes by their names, in the order of attribute.h;
 * one a line, an element of a list a line. Valid JSON whatever the actor logged. */
void snapshot_json(const struct snapshot *snapshot, struct str *out);
/* The same with "kind": "entity" and what attribute_is_of_entity says only (S-4). */
void snapshot_entity_json(const struct snapshot *snapshot, struct str *out);
/* One of them as it stands there: the value alone. */
void snapshot_value_json(const struct snapshot *snapshot, enum attribute_id id, struct str *out);
