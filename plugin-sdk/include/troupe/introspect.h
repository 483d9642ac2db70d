/* Asking what is known of an actor: a call to the port that every actor has, answered by the host.
 *
 *     #define WATCHER(P) P(ask, watcher, look, troupe_query, troupe_view) ...
 *
 *     struct troupe_query query = {.child = troupe_str("/parse")};
 *     watcher_ask_look_of(t, troupe_introspect_port(t, self), &query, timeout_ns);
 *
 *     static int watcher_on_look(struct troupe_turn *t, struct watcher *self,
 *                                const struct troupe_outcome *outcome, const struct troupe_view *view) {
 *         if (outcome->status == 0) { ... view->status, view->queue_depth ... }
 *
 * The actor that is looked at does not notice: it runs no turn for it, and answers also when it is stuck,
 * begins, stops or has ended, as long as its snapshot is kept. A call to somebody who never was, or of whom
 * nothing is known any more, ends with NOT_FOUND. Include this header by name; troupe.h does not. */
#pragma once

#include <troupe/host.h>
#include <troupe/message.h>

#define TROUPE_INTROSPECT_PORT "troupe.introspect"

/* `view`: "actor" or empty: all that is known; "entity": who it is, and what it published itself; "proc": of
 * the proc that the actor is in, as a whole, answered by a troupe_proc_view and without a `child`.
 * `child`: one below the actor that is asked, which has not ended: its name, its pid as "[3]", or several of
 * these joined by '/'. With '/' in front it begins at the proc, whose children are the actors of the
 * manifest: "/group/name". Empty: the actor itself. */
#define TROUPE_QUERY(F) F(str, view) F(str, child)
TROUPE_MESSAGE(troupe_query, "troupe.query/1", TROUPE_QUERY);

#define TROUPE_VIEW_TEXT(F) F(str, text)
TROUPE_RECORD(troupe_view_text, TROUPE_VIEW_TEXT);
#define TROUPE_VIEW_LIFE(F) F(u64, incarnation) F(time, at) F(str, why)
TROUPE_RECORD(troupe_view_life, TROUPE_VIEW_LIFE);
/* `value` is JSON: a number, a text in quotes, ... */
#define TROUPE_VIEW_PUBLISHED(F) F(str, name) F(str, value)
TROUPE_RECORD(troupe_view_published, TROUPE_VIEW_PUBLISHED);
/* `kind`: log, ran, started, paused, ...; `level` of a log line; `count`: how often a handler ran. */
#define TROUPE_VIEW_RECORD(F)                                                                      \
    F(time, at) F(str, kind) F(str, level) F(u64, count) F(str, text) F(bool, discarded)
TROUPE_RECORD(troupe_view_record, TROUPE_VIEW_RECORD);

/* The attributes by their names, as troupe-attributes(7) tells of them; one that is not there, or not in the
 * view, is empty. `failure_message` is JSON. */
#define TROUPE_VIEW(F)                                                                             \
    F(str, status)                                                                                 \
    F(str, status_reason)                                                                          \
    F(time, processing_since)                                                                      \
    F(str, id)                                                                                     \
    F(str, proc)                                                                                   \
    F(str, name)                                                                                   \
    F(u64, uid)                                                                                    \
    F(u64, incarnation)                                                                            \
    F(str, actor_type)                                                                             \
    F(str, plugin)                                                                                 \
    F(u64, generation)                                                                             \
    F(bool, is_system)                                                                             \
    F(str, parent)                                                                                 \
    F(list, children, troupe_view_text)                                                            \
    F(u64, child_count)                                                                            \
    F(time, created_at)                                                                            \
    F(time, ended_at)                                                                              \
    F(u64, messages_processed)                                                                     \
    F(u64, queue_depth)                                                                            \
    F(u64, queue_high_water)                                                                       \
    F(u64, total_processing_time_us)                                                               \
    F(str, last_handler)                                                                           \
    F(str, error_code)                                                                             \
    F(str, error_message)                                                                          \
    F(str, failure_kind)                                                                           \
    F(str, failure_error_message)                                                                  \
    F(str, failure_root_cause_actor)                                                               \
    F(str, failure_root_cause_name)                                                                \
    F(time, failure_occurred_at)                                                                   \
    F(bool, failure_is_propagated)                                                                 \
    F(list, failure_backtrace, troupe_view_text)                                                   \
    F(str, failure_message)                                                                        \
    F(u64, failure_lost_with_state)                                                                \
    F(list, restarts, troupe_view_life)                                                            \
    F(list, attributes, troupe_view_published)                                                     \
    F(list, flight_recorder, troupe_view_record)
TROUPE_MESSAGE(troupe_view, "troupe.view/1", TROUPE_VIEW);

#define TROUPE_VIEW_DEAD(F)                                                                        \
    F(u64, number)                                                                                 \
    F(time, at) F(str, type) F(str, reason) F(u64, from_uid) F(str, from) F(u64, to_uid) F(str, to)
TROUPE_RECORD(troupe_view_dead, TROUPE_VIEW_DEAD);
#define TROUPE_VIEW_ENDED(F)                                                                       \
    F(str, id)                                                                                     \
    F(u64, uid) F(u64, incarnation) F(str, status) F(time, ended_at) F(str, status_reason)
TROUPE_RECORD(troupe_view_ended, TROUPE_VIEW_ENDED);

/* A proc as a whole: the totals and what is kept, by the names that troupe-attributes(7) gives them. When
 * never anything was queued, `last_nonzero` is 0. `quarantine_kept` is JSON. */
#define TROUPE_PROC_VIEW(F)                                                                        \
    F(str, name)                                                                                   \
    F(time, at)                                                                                    \
    F(u64, live_instances)                                                                         \
    F(u64, live_messages)                                                                          \
    F(u64, queued)                                                                                 \
    F(u64, queued_high_water)                                                                      \
    F(u64, handled)                                                                                \
    F(u64, sent)                                                                                   \
    F(u64, dropped)                                                                                \
    F(u64, dead_letters)                                                                           \
    F(u64, late_replies)                                                                           \
    F(u64, discarded_turns)                                                                        \
    F(u64, pauses)                                                                                 \
    F(u64, cycles)                                                                                 \
    F(u64, quarantined)                                                                            \
    F(u64, retried)                                                                                \
    F(u64, lost_with_state)                                                                        \
    F(u64, snapshots_evicted)                                                                      \
    F(u64, quarantine_fallen)                                                                      \
    F(time, last_nonzero)                                                                          \
    F(list, dead_letters_kept, troupe_view_dead)                                                   \
    F(str, quarantine_kept)                                                                        \
    F(list, terminated, troupe_view_ended)
TROUPE_MESSAGE(troupe_proc_view, "troupe.proc_view/1", TROUPE_PROC_VIEW);

/* The port of an actor that answers, for ask_to. [turn] */
static inline TROUPE_UNUSED struct troupe_ref troupe_introspect_port(struct troupe_turn *turn,
                                                                     struct troupe_ref actor) {
    return turn->host->port_of(turn, actor, troupe_str(TROUPE_INTROSPECT_PORT));
}
