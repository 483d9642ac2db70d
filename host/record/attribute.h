/* The attributes of an actor: one table of names, kinds and descriptions (IK-1).
 *
 * Snapshots are written to JSON in the order of this table; readers find labels and descriptions
 * here. Names are public: they are added, never renamed or given another meaning. [any] */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* X(kind, text) */
#define ATTRIBUTE_KINDS(X)                                                                         \
    X(TEXT, "text")                                                                                \
    X(NUMBER, "number")                                                                            \
    X(BOOL, "bool")                                                                                \
    X(TIME, "time") /* RFC 3339 in UTC */                                                          \
    X(LIST, "list")                                                                                \
    X(OBJECT, "object")
#define ATTRIBUTE_KIND_CONSTANT(name, text) ATTRIBUTE_##name,
enum attribute_kind { ATTRIBUTE_KINDS(ATTRIBUTE_KIND_CONSTANT) ATTRIBUTE_KIND_COUNT };
#undef ATTRIBUTE_KIND_CONSTANT

/* When an attribute is there. */
enum attribute_when {
    ATTRIBUTE_ALWAYS,
    ATTRIBUTE_SOME,  /* where there is something to say */
    ATTRIBUTE_ENDED, /* of an incarnation that has ended */
    ATTRIBUTE_FAILED /* exactly when the status is `failed` (FI-3) */
};

/* X(constant, name, kind, when, description) */
#define ATTRIBUTES(X)                                                                              \
    X(STATUS, "status", TEXT, ALWAYS,                                                              \
      "what it is doing: created, initializing, idle, processing, client, stopping, stopped or "   \
      "failed")                                                                                    \
    X(STATUS_REASON, "status_reason", TEXT, SOME, "why it stopped or failed")                      \
    X(PROCESSING_SINCE, "processing_since", TIME, SOME,                                            \
      "when the turn in hand began, to a millisecond")                                             \
    X(ID, "id", TEXT, ALWAYS, "its address: proc/name[pid]")                                       \
    X(PROC, "proc", TEXT, ALWAYS, "the name of its proc")                                          \
    X(NAME, "name", TEXT, ALWAYS, "its name, that of its group in front")                          \
    X(UID, "uid", NUMBER, ALWAYS, "the number of its slot, unique in the proc and never reused")   \
    X(INCARNATION, "incarnation", NUMBER, ALWAYS,                                                  \
      "which life of the slot this is: 1, and one more with each restart")                         \
    X(ACTOR_TYPE, "actor_type", TEXT, ALWAYS, "the actor type; () for a client")                   \
    X(PLUGIN, "plugin", TEXT, SOME, "the plugin that implements the type, and its version")        \
    X(GENERATION, "generation", NUMBER, SOME, "which loaded version of the plugin it runs")        \
    X(IS_SYSTEM, "is_system", BOOL, ALWAYS, "whether the host made it for itself")                 \
    X(PARENT, "parent", TEXT, SOME, "the actor that supervises it; none at a root")                \
    X(CHILDREN, "children", LIST, ALWAYS,                                                          \
      "the actors that it supervises, by address; of many, the first")                             \
    X(CHILD_COUNT, "child_count", NUMBER, ALWAYS, "how many actors it supervises")                 \
    X(CREATED_AT, "created_at", TIME, SOME, "when this incarnation began")                         \
    X(ENDED_AT, "ended_at", TIME, ENDED, "when this incarnation ended")                            \
    X(MESSAGES_PROCESSED, "messages_processed", NUMBER, ALWAYS,                                    \
      "messages that its handlers have handled")                                                   \
    X(QUEUE_DEPTH, "queue_depth", NUMBER, ALWAYS, "messages accepted and not yet taken")           \
    X(QUEUE_HIGH_WATER, "queue_high_water", NUMBER, ALWAYS, "the most that were queued at once")   \
    X(TOTAL_PROCESSING_TIME_US, "total_processing_time_us", NUMBER, ALWAYS,                        \
      "microseconds that its turns took together")                                                 \
    X(LAST_HANDLER, "last_handler", TEXT, SOME, "the handler that ran last, or runs")              \
    X(ERROR_CODE, "error_code", TEXT, FAILED, "the status that the failed handler gave, in words") \
    X(ERROR_MESSAGE, "error_message", TEXT, FAILED, "the failure in its own words")                \
    X(FAILURE_KIND, "failure_kind", TEXT, FAILED,                                                  \
      "how it failed: error, panic, stuck, child or host")                                         \
    X(FAILURE_ERROR_MESSAGE, "failure_error_message", TEXT, FAILED,                                \
      "the failure in a sentence that names the handler")                                          \
    X(FAILURE_ROOT_CAUSE_ACTOR, "failure_root_cause_actor", TEXT, FAILED,                          \
      "the address of the actor where the failure began")                                          \
    X(FAILURE_ROOT_CAUSE_NAME, "failure_root_cause_name", TEXT, FAILED, "the name of that actor")  \
    X(FAILURE_OCCURRED_AT, "failure_occurred_at", TIME, FAILED, "when it failed")                  \
    X(FAILURE_IS_PROPAGATED, "failure_is_propagated", BOOL, FAILED,                                \
      "whether the failure began in another actor")                                                \
    X(FAILURE_BACKTRACE, "failure_backtrace", LIST, FAILED,                                        \
      "the frames of the fault, the innermost first; empty when there was no fault")               \
    X(FAILURE_MESSAGE, "failure_message", OBJECT, FAILED,                                          \
      "the message in hand: type, port, sender and value; null when there was none")               \
    X(FAILURE_LOST_WITH_STATE, "failure_lost_with_state", NUMBER, FAILED,                          \
      "messages whose effect on its state is lost: handled since the state that the next life "    \
      "begins with")                                                                               \
    X(RESTARTS, "restarts", LIST, ALWAYS, "earlier incarnations: which, when and why they ended")  \
    X(ATTRIBUTES, "attributes", OBJECT, ALWAYS, "what the actor itself published")                 \
    X(FLIGHT_RECORDER, "flight_recorder", LIST, ALWAYS,                                            \
      "what it logged and what the host noted of it, the oldest first")
#define ATTRIBUTE_CONSTANT(constant, name, kind, when, description) ATTRIBUTE_##constant,
enum attribute_id { ATTRIBUTES(ATTRIBUTE_CONSTANT) ATTRIBUTE_COUNT };
#undef ATTRIBUTE_CONSTANT

struct attribute {
    const char *name;
    const char *description;
    enum attribute_kind kind;
    enum attribute_when when;
};

/* Whether the entity view has it: who it is, and what it published itself (S-4). */
bool attribute_is_of_entity(enum attribute_id id);
/* Whether it is known of an end of which only a brief is left (S-6). */
bool attribute_is_of_brief(enum attribute_id id);
/* Static. */
const struct attribute *attribute_get(enum attribute_id id);
/* NULL: unknown, from a newer program (S-4). */
const struct attribute *attribute_find(const char *name);
const char *attribute_kind_text(enum attribute_kind kind);
