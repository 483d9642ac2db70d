/* Inverted instances: actors that the program drives by hand (CI-4).
 *
 * Like any actor an inverted instance has an id, handler ports and children, but no worker ever
 * runs its handlers: what arrives lies in its receivers until the program looks. There are three,
 * each given to exactly one consumer:
 *
 *     signals   that it is to stop
 *     events    how its children have ended (SV-1)
 *     work      work cells: a message and the handler it is for. Nothing runs until the program
 *               runs one.
 *
 *     troupe_inverted_create(proc, NULL, &inverted, &error);
 *     troupe_inverted_handle(inverted, "line", line_type, NULL, on_line, self, &error);
 *     troupe_inverted_work(inverted, &work, &error);
 *     while (troupe_work_receive(work, TROUPE_FOR_EVER, &cell, &error) == TROUPE_OK) {
 *         troupe_work_cell_run(cell);
 *     }
 *
 * (It answers introspection as a client does; the program has no part in that.)
 * It is a client as well, and sends, asks and opens further ports as one. A receiver is used by one
 * thread at a time; different receivers by different threads. It holds its proc weakly; when the
 * proc ends, so do its children and it. */
#pragma once

#include <troupe/client.h>

struct troupe_inverted;
struct troupe_signals;
struct troupe_events;
struct troupe_work;
struct troupe_work_cell;

/* Makes one in a proc that runs, with the options of a client. *ret is the caller's.
 * Errors: as troupe_client_create. [any] */
TROUPE_API int32_t troupe_inverted_create(struct troupe_proc *proc,
                                          const struct troupe_client_options *options,
                                          struct troupe_inverted **ret, struct troupe_error *error);
/* Its children are stopped and end first (SV-4), then it ends as a client does. Takes NULL. [any] */
TROUPE_API void troupe_inverted_free(struct troupe_inverted *inverted);
/* The same instance as a client; lent as long as it. Not to be freed. [any] */
TROUPE_API struct troupe_client *troupe_inverted_client(struct troupe_inverted *inverted);

/* --- handler ports and work --- */

/* Run for a message of a port, by the thread that runs its work cell. The message is lent; a
 * request is answered by troupe_message_answer, at the latest before this returns. The status is
 * that of troupe_work_cell_run. */
typedef int32_t troupe_handler(void *context, struct troupe_message *message);

/* Gives it a handler port; `reply` not NULL: for requests, answered with that type. All handler
 * ports share one queue of the instance's capacity; one message more comes back as full.
 * Errors: REFUSED (there is a port of that name), GONE, NO_MEMORY, INVALID. [any] */
TROUPE_API int32_t troupe_inverted_handle(struct troupe_inverted *inverted, const char *port,
                                          const struct troupe_type *type,
                                          const struct troupe_type *reply, troupe_handler *handler,
                                          void *context, struct troupe_error *error);

/* The work receiver, once; lent as long as the instance.
 * Errors: REFUSED (it has been given to somebody). [any] */
TROUPE_API int32_t troupe_inverted_work(struct troupe_inverted *inverted, struct troupe_work **ret,
                                        struct troupe_error *error);
/* The next work cell; *ret is the caller's, to be run or freed.
 * Errors: TIMEOUT, GONE, NO_MEMORY (it stays there); WRONG_THREAD, unless the timeout is 0.
 * [outside] */
TROUPE_API int32_t troupe_work_receive(struct troupe_work *work, uint64_t timeout,
                                       struct troupe_work_cell **ret, struct troupe_error *error);
/* The message in it, and its port; lent as long as the cell. [any] */
TROUPE_API const struct troupe_message *
troupe_work_cell_message(const struct troupe_work_cell *cell);
TROUPE_API const char *troupe_work_cell_port(const struct troupe_work_cell *cell);
/* Runs the handler, frees the cell and returns the handler's status. [any] */
TROUPE_API int32_t troupe_work_cell_run(struct troupe_work_cell *cell);
/* Drops it unrun: a request ends as an error. Takes NULL. [any] */
TROUPE_API void troupe_work_cell_free(struct troupe_work_cell *cell);

/* --- signals --- */

/* The signal receiver, once. As troupe_inverted_work. [any] */
TROUPE_API int32_t troupe_inverted_signals(struct troupe_inverted *inverted,
                                           struct troupe_signals **ret, struct troupe_error *error);
/* Waits until it is told to stop, because its proc stops: returns OK, once. The program should let
 * it go then; when the proc has ended it ends anyway.
 * Errors: TIMEOUT, GONE; WRONG_THREAD, unless the timeout is 0. [outside] */
TROUPE_API int32_t troupe_signals_receive(struct troupe_signals *signals, uint64_t timeout,
                                          struct troupe_error *error);

/* --- children --- */

/* Starts a child of an actor type that the proc knows (of its actors, their children, or by
 * troupe_proc_add_type). `how` may be NULL: name, settings and mailbox as for an actor's child;
 * `joins` must be empty. *ret is its address.
 * Errors: NOT_FOUND (the type), REFUSED (the text says why: setting, name, stopping), GONE,
 * WRONG_THREAD. [outside] */
TROUPE_API int32_t troupe_inverted_spawn(struct troupe_inverted *inverted, const char *type,
                                         const struct troupe_spawn *how, struct troupe_ref *ret,
                                         struct troupe_error *error);
/* Stops a child; with `drain` it handles what it was sent before.
 * Errors: NOT_FOUND (no live child of this one), GONE, WRONG_THREAD. [outside] */
TROUPE_API int32_t troupe_inverted_stop_child(struct troupe_inverted *inverted,
                                              struct troupe_ref child, bool drain,
                                              struct troupe_error *error);

/* Never grows, as the other one below. */
struct troupe_child {
    struct troupe_ref ref;
    uint64_t pid;
    char status[16]; /* "idle" */
    char name[160];  /* "proc/name[pid]" */
};
/* Calls `each` for its children that have not ended, in the order of their pids; `child` is lent.
 * Errors: GONE, NO_MEMORY, WRONG_THREAD. [outside] */
TROUPE_API int32_t troupe_inverted_children(struct troupe_inverted *inverted,
                                            void (*each)(void *context,
                                                         const struct troupe_child *child),
                                            void *context, struct troupe_error *error);

/* The receiver of its children's ends, once. As troupe_inverted_work. Until it is taken, and when
 * the instance goes, a child's failure is the coordinator's: without one the proc ends as failed.
 * [any] */
TROUPE_API int32_t troupe_inverted_events(struct troupe_inverted *inverted,
                                          struct troupe_events **ret, struct troupe_error *error);

struct troupe_child_end {
    uint64_t uid;
    bool failed;
    int32_t status;
    char name[160]; /* "proc/name[pid]" */
    char text[512]; /* the reason */
    char root[160]; /* the actor that really failed (SV-1) */
};
/* Waits for the next end of a child.
 * Errors: TIMEOUT, GONE; WRONG_THREAD, unless the timeout is 0. [outside] */
TROUPE_API int32_t troupe_events_receive(struct troupe_events *events, uint64_t timeout,
                                         struct troupe_child_end *ret, struct troupe_error *error);
