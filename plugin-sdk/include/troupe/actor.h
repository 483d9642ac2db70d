/* Writing an actor: a state, a list of rows, a function for each row.
 *
 *     struct counter { struct counter_config config; uint64_t seen; };
 *
 *     #define COUNTER(P)                                                                  \
 *         P(config, counter, counter_config)                                              \
 *         P(in, counter, line, text_line)                                                 \
 *         P(out, counter, total, demo_total)                                              \
 *         P(timer, counter, report)
 *     TROUPE_ACTOR(counter, "demo.Counter", COUNTER);
 *
 *     static int counter_on_line(struct troupe_turn *t, struct counter *self,
 *                                const struct text_line *line) { ... }
 *     static int counter_on_report(struct troupe_turn *t, struct counter *self,
 *                                  const struct troupe_tick *tick) {
 *         struct demo_total total = {.lines = self->seen};
 *         return counter_send_total(t, &total);
 *     }
 *
 * TROUPE_ACTOR(c_name, "type.Id", ROWS) declares the functions you write, defines the typed ones you
 * call, and the table the host reads. The state is zeroed memory of `struct c_name`. A state of size
 * zero is not allowed in C: give it a member.
 *
 *   row                                   you write                            you get
 *   P(in, A, N, MSG)                      A_on_N(t, self, const MSG *)         A_ref_N(t)
 *   P(any, A, N)                          A_on_N(t, self, const troupe_any *)  A_ref_N(t)
 *   P(call, A, N, REQ, REPLY)             A_on_N(t, self, const REQ *)         A_ref_N(t), A_reply_N(t, const REPLY *),
 *                                                                              A_answer_N(t, once, const REPLY *),
 *                                                                              A_refuse_N(t, once, status, text)
 *   P(out, A, N, MSG)                                                          A_send_N(t, const MSG *)
 *   P(as, A, N, PORT)                                                          A_forward_N(t, const troupe_any *)
 *   P(ask, A, N, REQ, REPLY)              A_on_N(t, self, outcome, const REPLY *)  A_ask_N(t, const REQ *, timeout_ns),
 *                                                                              A_ask_N_of(t, ref, const REQ *, timeout_ns)
 *   P(to, A, N, MSG)                                                           A_send_N(t, ref, const MSG *)
 *   P(timer, A, N)                        A_on_N(t, self, const troupe_tick *) A_start_N(t, first_ns, period_ns), A_stop_N(t)
 *   P(watch, A, N)                        A_on_N(t, self, const troupe_ready *) A_watch_N(t, fd, events), A_unwatch_N(t, fd)
 *   P(child, A, N, "type.Id")             A_on_N(t, self, const troupe_ended *) A_spawn_N(t, const troupe_spawn *)
 *   P(init, A)                            A_init(t, self)
 *   P(cleanup, A)                         A_cleanup(t, self)
 *   P(save, A, VERSION, MIN)              A_save(t, const self, saver)         writes VERSION, loads MIN..VERSION
 *   P(load, A)                            A_load(t, self, loader)
 *   P(returned, A)                        A_returned(t, self, const troupe_returned *)
 *   P(config, A, CONFIG)                  member `struct CONFIG config` in the state
 *   P(option, A, NAME)                    see TROUPE_ROW_KINDS
 *   P(reconfigure, A, CONFIG)             A_reconfigure(t, self, const CONFIG *)
 * Names of rows are unique in an actor. Each function you write returns 0 or a negative status.
 */
#pragma once

#include <troupe/config.h>
#include <troupe/host.h>
#include <troupe/plugin.h>

/* These tables are read by column. */
/* clang-format off */

/* Declarations of what the author writes, and the functions that call it or the host. */
#define TROUPE_RUN_(A, N, FN, ARG)                                                                 \
    static int FN(struct troupe_turn *, struct A *, const ARG *);                                  \
    static int32_t A##_run_##N(struct troupe_turn *t, void *state, const void *arg) {              \
        return FN(t, (struct A *)state, (const ARG *)arg);                                         \
    }
#define TROUPE_HOOK_(A, N)                                                                         \
    static int A##_##N(struct troupe_turn *, struct A *);                                          \
    static int32_t A##_run_##N(struct troupe_turn *t, void *state, const void *arg) {              \
        (void)arg;                                                                                 \
        return A##_##N(t, (struct A *)state);                                                      \
    }
#define TROUPE_OWN_REF_(A, N)                                                                      \
    static inline TROUPE_UNUSED struct troupe_ref A##_ref_##N(struct troupe_turn *t) {             \
        return t->host->own_port(t, A##_row_##N);                                                  \
    }

#define TROUPE_DECLARE_in(A, N, M, R)                                                              \
    TROUPE_RUN_(A, N, A##_on_##N, struct M)                                                        \
    TROUPE_OWN_REF_(A, N)
#define TROUPE_DECLARE_any(A, N, M, R)                                                             \
    TROUPE_RUN_(A, N, A##_on_##N, struct troupe_any)                                               \
    TROUPE_OWN_REF_(A, N)
#define TROUPE_DECLARE_call(A, N, M, R)                                                            \
    TROUPE_RUN_(A, N, A##_on_##N, struct M)                                                        \
    TROUPE_OWN_REF_(A, N)                                                                          \
    static inline TROUPE_UNUSED int A##_answer_##N(struct troupe_turn *t, struct troupe_once once, \
                                                   const struct R *body) {                         \
        return t->host->answer(t, A##_row_##N, once, 0, troupe_str_n(NULL, 0), body);              \
    }                                                                                              \
    static inline TROUPE_UNUSED int A##_reply_##N(struct troupe_turn *t, const struct R *body) {   \
        return A##_answer_##N(t, t->host->context(t)->request, body);                              \
    }                                                                                              \
    static inline TROUPE_UNUSED int A##_refuse_##N(struct troupe_turn *t, struct troupe_once once, \
                                                   int32_t status, const char *text) {             \
        return t->host->answer(t, A##_row_##N, once, status, troupe_str(text), NULL);              \
    }
#define TROUPE_DECLARE_out(A, N, M, R)                                                             \
    static inline TROUPE_UNUSED int A##_send_##N(struct troupe_turn *t, const struct M *body) {    \
        return t->host->send(t, A##_row_##N, body);                                                \
    }
#define TROUPE_DECLARE_as(A, N, M, R)                                                              \
    static inline TROUPE_UNUSED int A##_forward_##N(struct troupe_turn *t,                         \
                                                    const struct troupe_any *message) {            \
        return t->host->forward(t, A##_row_##N, message);                                          \
    }
#define TROUPE_DECLARE_ask(A, N, M, R)                                                             \
    static int A##_on_##N(struct troupe_turn *, struct A *, const struct troupe_outcome *,         \
                          const struct R *);                                                       \
    static int32_t A##_run_##N(struct troupe_turn *t, void *state, const void *arg) {              \
        const struct troupe_outcome *outcome = (const struct troupe_outcome *)arg;                 \
        return A##_on_##N(t, (struct A *)state, outcome, (const struct R *)outcome->body);         \
    }                                                                                              \
    static inline TROUPE_UNUSED uint64_t A##_ask_##N(struct troupe_turn *t, const struct M *body,  \
                                                     uint64_t timeout_ns) {                        \
        return t->host->ask(t, A##_row_##N, body, timeout_ns);                                     \
    }                                                                                              \
    static inline TROUPE_UNUSED uint64_t A##_ask_##N##_of(struct troupe_turn *t,                   \
                                                          struct troupe_ref to,                    \
                                                          const struct M *body,                    \
                                                          uint64_t timeout_ns) {                   \
        return t->host->ask_to(t, A##_row_##N, to, body, timeout_ns);                              \
    }
#define TROUPE_DECLARE_to(A, N, M, R)                                                              \
    static inline TROUPE_UNUSED int A##_send_##N(struct troupe_turn *t, struct troupe_ref to,      \
                                                 const struct M *body) {                           \
        return t->host->send_to(t, A##_row_##N, to, body);                                         \
    }
#define TROUPE_DECLARE_timer(A, N, M, R)                                                           \
    TROUPE_RUN_(A, N, A##_on_##N, struct troupe_tick)                                              \
    static inline TROUPE_UNUSED int A##_start_##N(struct troupe_turn *t, uint64_t first_ns,        \
                                                  uint64_t period_ns) {                            \
        return t->host->start_timer(t, A##_row_##N, first_ns, period_ns);                          \
    }                                                                                              \
    static inline TROUPE_UNUSED int A##_stop_##N(struct troupe_turn *t) {                          \
        return t->host->stop_timer(t, A##_row_##N);                                                \
    }
#define TROUPE_DECLARE_watch(A, N, M, R)                                                           \
    TROUPE_RUN_(A, N, A##_on_##N, struct troupe_ready)                                             \
    static inline TROUPE_UNUSED int A##_watch_##N(struct troupe_turn *t, int32_t fd,               \
                                                  uint32_t events) {                               \
        return t->host->watch(t, A##_row_##N, fd, events);                                         \
    }                                                                                              \
    static inline TROUPE_UNUSED int A##_unwatch_##N(struct troupe_turn *t, int32_t fd) {           \
        return t->host->unwatch(t, A##_row_##N, fd);                                               \
    }
#define TROUPE_DECLARE_child(A, N, M, R)                                                           \
    TROUPE_RUN_(A, N, A##_on_##N, struct troupe_ended)                                             \
    static inline TROUPE_UNUSED struct troupe_ref A##_spawn_##N(struct troupe_turn *t,             \
                                                                const struct troupe_spawn *how) {  \
        return t->host->spawn(t, A##_row_##N, how);                                                \
    }
#define TROUPE_DECLARE_init(A, N, M, R) TROUPE_HOOK_(A, init)
#define TROUPE_DECLARE_cleanup(A, N, M, R) TROUPE_HOOK_(A, cleanup)
#define TROUPE_DECLARE_save(A, N, M, R)                                                            \
    static int A##_save(struct troupe_turn *, const struct A *, struct troupe_saver *);            \
    static int32_t A##_run_save(struct troupe_turn *t, void *state, const void *arg) {             \
        return A##_save(t, (const struct A *)state,                                                \
                        (struct troupe_saver *)(uintptr_t)arg);                                    \
    }
#define TROUPE_DECLARE_load(A, N, M, R)                                                            \
    static int A##_load(struct troupe_turn *, struct A *, struct troupe_loader *);                 \
    static int32_t A##_run_load(struct troupe_turn *t, void *state, const void *arg) {             \
        return A##_load(t, (struct A *)state, (struct troupe_loader *)(uintptr_t)arg);             \
    }
#define TROUPE_DECLARE_returned(A, N, M, R) TROUPE_RUN_(A, returned, A##_returned, struct troupe_returned)
#define TROUPE_DECLARE_config(A, N, M, R)
#define TROUPE_DECLARE_option(A, N, M, R)
#define TROUPE_DECLARE_reconfigure(A, N, M, R) TROUPE_RUN_(A, reconfigure, A##_reconfigure, struct N)

/* Constants A_row_N: the index of each row. */
#define TROUPE_INDEX_in(A, N, M, R) A##_row_##N,
#define TROUPE_INDEX_any(A, N, M, R) A##_row_##N,
#define TROUPE_INDEX_call(A, N, M, R) A##_row_##N,
#define TROUPE_INDEX_out(A, N, M, R) A##_row_##N,
#define TROUPE_INDEX_as(A, N, M, R) A##_row_##N,
#define TROUPE_INDEX_ask(A, N, M, R) A##_row_##N,
#define TROUPE_INDEX_to(A, N, M, R) A##_row_##N,
#define TROUPE_INDEX_timer(A, N, M, R) A##_row_##N,
#define TROUPE_INDEX_watch(A, N, M, R) A##_row_##N,
#define TROUPE_INDEX_child(A, N, M, R) A##_row_##N,
#define TROUPE_INDEX_init(A, N, M, R) A##_row_init,
#define TROUPE_INDEX_cleanup(A, N, M, R) A##_row_cleanup,
#define TROUPE_INDEX_save(A, N, M, R) A##_row_save,
#define TROUPE_INDEX_load(A, N, M, R) A##_row_load,
#define TROUPE_INDEX_returned(A, N, M, R) A##_row_returned,
#define TROUPE_INDEX_config(A, N, M, R) A##_row_config,
#define TROUPE_INDEX_option(A, N, M, R) A##_row_option_##N,
#define TROUPE_INDEX_reconfigure(A, N, M, R) A##_row_reconfigure,

/* The table. */
#define TROUPE_ROW_(kind, name, type, reply, value, run)                                           \
    {(uint32_t)sizeof(struct troupe_row), TROUPE_ROW_##kind, name, type, reply, value, run},
#define TROUPE_TABLE_in(A, N, M, R) TROUPE_ROW_(in, #N, #M, "", 0, A##_run_##N)
#define TROUPE_TABLE_any(A, N, M, R) TROUPE_ROW_(any, #N, "", "", 0, A##_run_##N)
#define TROUPE_TABLE_call(A, N, M, R) TROUPE_ROW_(call, #N, #M, #R, 0, A##_run_##N)
#define TROUPE_TABLE_out(A, N, M, R) TROUPE_ROW_(out, #N, #M, "", 0, NULL)
#define TROUPE_TABLE_as(A, N, M, R) TROUPE_ROW_(as, #N, #M, "", 0, NULL)
#define TROUPE_TABLE_ask(A, N, M, R) TROUPE_ROW_(ask, #N, #M, #R, 0, A##_run_##N)
#define TROUPE_TABLE_to(A, N, M, R) TROUPE_ROW_(to, #N, #M, "", 0, NULL)
#define TROUPE_TABLE_timer(A, N, M, R) TROUPE_ROW_(timer, #N, "", "", 0, A##_run_##N)
#define TROUPE_TABLE_watch(A, N, M, R) TROUPE_ROW_(watch, #N, "", "", 0, A##_run_##N)
#define TROUPE_TABLE_child(A, N, M, R) TROUPE_ROW_(child, #N, M, "", 0, A##_run_##N)
#define TROUPE_TABLE_init(A, N, M, R) TROUPE_ROW_(init, "init", "", "", 0, A##_run_init)
#define TROUPE_TABLE_cleanup(A, N, M, R) TROUPE_ROW_(cleanup, "cleanup", "", "", 0, A##_run_cleanup)
#define TROUPE_TABLE_save(A, N, M, R) TROUPE_ROW_(save, "save", "", "", 0, A##_run_save)
#define TROUPE_TABLE_load(A, N, M, R) TROUPE_ROW_(load, "load", "", "", 0, A##_run_load)
#define TROUPE_TABLE_returned(A, N, M, R) TROUPE_ROW_(returned, "returned", "", "", 0, A##_run_returned)
/* The conditional is there for its type: a `config` of another type does not compile. */
#define TROUPE_TABLE_config(A, N, M, R)                                                            \
    TROUPE_ROW_(config, "config", #N, "",                                                          \
                offsetof(struct A, config) +                                                       \
                    0 * sizeof(1 ? &((struct A *)0)->config : (struct N *)0), NULL)
#define TROUPE_TABLE_option(A, N, M, R) TROUPE_ROW_(option, #N, "", "", 0, NULL)
/* The conditional as above: settings of another type than the member `config` do not compile. */
#define TROUPE_TABLE_reconfigure(A, N, M, R)                                                       \
    TROUPE_ROW_(reconfigure, "reconfigure", #N, "",                                                \
                0 * sizeof(1 ? &((struct A *)0)->config : (struct N *)0), A##_run_reconfigure)

/* The note. */
#define TROUPE_TEXT_in(A, N, M, R) "in " #N " " #M "\n"
#define TROUPE_TEXT_any(A, N, M, R) "any " #N "\n"
#define TROUPE_TEXT_call(A, N, M, R) "call " #N " " #M " " #R "\n"
#define TROUPE_TEXT_out(A, N, M, R) "out " #N " " #M "\n"
#define TROUPE_TEXT_as(A, N, M, R) "as " #N " " #M "\n"
#define TROUPE_TEXT_ask(A, N, M, R) "ask " #N " " #M " " #R "\n"
#define TROUPE_TEXT_to(A, N, M, R) "to " #N " " #M "\n"
#define TROUPE_TEXT_timer(A, N, M, R) "timer " #N "\n"
#define TROUPE_TEXT_watch(A, N, M, R) "watch " #N "\n"
#define TROUPE_TEXT_child(A, N, M, R) "child " #N " " #M "\n"
#define TROUPE_TEXT_init(A, N, M, R) "init\n"
#define TROUPE_TEXT_cleanup(A, N, M, R) "cleanup\n"
#define TROUPE_TEXT_save(A, N, M, R) "save " #N " " #M "\n"
#define TROUPE_TEXT_load(A, N, M, R) "load\n"
#define TROUPE_TEXT_returned(A, N, M, R) "returned\n"
#define TROUPE_TEXT_config(A, N, M, R) "config " #N "\n"
#define TROUPE_TEXT_option(A, N, M, R) "option " #N "\n"
#define TROUPE_TEXT_reconfigure(A, N, M, R) "reconfigure " #N "\n"

/* State versions out of the save row. */
#define TROUPE_VERSION_in(N, M)
#define TROUPE_VERSION_any(N, M)
#define TROUPE_VERSION_call(N, M)
#define TROUPE_VERSION_out(N, M)
#define TROUPE_VERSION_as(N, M)
#define TROUPE_VERSION_ask(N, M)
#define TROUPE_VERSION_to(N, M)
#define TROUPE_VERSION_timer(N, M)
#define TROUPE_VERSION_watch(N, M)
#define TROUPE_VERSION_child(N, M)
#define TROUPE_VERSION_init(N, M)
#define TROUPE_VERSION_cleanup(N, M)
#define TROUPE_VERSION_save(N, M) +(N)
#define TROUPE_VERSION_load(N, M)
#define TROUPE_VERSION_returned(N, M)
#define TROUPE_VERSION_config(N, M)
#define TROUPE_VERSION_option(N, M)
#define TROUPE_VERSION_reconfigure(N, M)
#define TROUPE_MIN_in(N, M)
#define TROUPE_MIN_any(N, M)
#define TROUPE_MIN_call(N, M)
#define TROUPE_MIN_out(N, M)
#define TROUPE_MIN_as(N, M)
#define TROUPE_MIN_ask(N, M)
#define TROUPE_MIN_to(N, M)
#define TROUPE_MIN_timer(N, M)
#define TROUPE_MIN_watch(N, M)
#define TROUPE_MIN_child(N, M)
#define TROUPE_MIN_init(N, M)
#define TROUPE_MIN_cleanup(N, M)
#define TROUPE_MIN_save(N, M) +(M)
#define TROUPE_MIN_load(N, M)
#define TROUPE_MIN_returned(N, M)
#define TROUPE_MIN_config(N, M)
#define TROUPE_MIN_option(N, M)
#define TROUPE_MIN_reconfigure(N, M)

/* The first layer pads missing arguments, the second picks by kind. */
#define TROUPE_DECLARE(...) TROUPE_DECLARE_(__VA_ARGS__, ~, ~, ~, ~)
#define TROUPE_DECLARE_(kind, A, N, M, R, ...) TROUPE_DECLARE_##kind(A, N, M, R)
#define TROUPE_INDEX(...) TROUPE_INDEX_(__VA_ARGS__, ~, ~, ~, ~)
#define TROUPE_INDEX_(kind, A, N, M, R, ...) TROUPE_INDEX_##kind(A, N, M, R)
#define TROUPE_TABLE(...) TROUPE_TABLE_(__VA_ARGS__, ~, ~, ~, ~)
#define TROUPE_TABLE_(kind, A, N, M, R, ...) TROUPE_TABLE_##kind(A, N, M, R)
#define TROUPE_TEXT(...) TROUPE_TEXT_(__VA_ARGS__, ~, ~, ~, ~)
#define TROUPE_TEXT_(kind, A, N, M, R, ...) TROUPE_TEXT_##kind(A, N, M, R)
#define TROUPE_VERSION(...) TROUPE_VERSION_(__VA_ARGS__, ~, ~, ~)
#define TROUPE_VERSION_(kind, A, N, M, ...) TROUPE_VERSION_##kind(N, M)
#define TROUPE_MIN(...) TROUPE_MIN_(__VA_ARGS__, ~, ~, ~)
#define TROUPE_MIN_(kind, A, N, M, ...) TROUPE_MIN_##kind(N, M)

/* Defines the actor type `id` with state `struct c_name`; see the head of this file. */
#define TROUPE_ACTOR(c_name, id, ROWS)                                                             \
    enum c_name##_rows { ROWS(TROUPE_INDEX) c_name##_row_count_ };                                 \
    ROWS(TROUPE_DECLARE)                                                                           \
    TROUPE_NOTE_(c_name##_actor_note, TROUPE_NOTE_ACTOR,                                           \
                 "actor " #c_name " " #id "\n" ROWS(TROUPE_TEXT));                                 \
    static const struct troupe_row c_name##_row_table[] = {ROWS(TROUPE_TABLE)};                    \
    TROUPE_EXTERN_C TROUPE_HIDDEN const struct troupe_actor c_name##_actor;                        \
    const struct troupe_actor c_name##_actor = {                                                   \
        (uint32_t)sizeof(struct troupe_actor),                                                     \
        0,                                                                                         \
        id,                                                                                        \
        sizeof(struct c_name),                                                                     \
        0 ROWS(TROUPE_VERSION),                                                                    \
        0 ROWS(TROUPE_MIN),                                                                        \
        c_name##_row_count_,                                                                       \
        (uint32_t)sizeof(struct troupe_row),                                                       \
        c_name##_row_table}
