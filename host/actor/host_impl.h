/* What the files behind the host table share: one entry point a function of struct troupe_host. */
#pragma once

#include "actor/gate.h"
#include "actor/proc_impl.h"

/* A wrong thread or a finished turn is a plugin's bug; debug builds say so instead of going on. */
#if TROUPE_DEBUG_CHECKS
#define TURN_IS_VALID(r) ((r)->inst && sched_current() == (r)->worker)
#define THREAD_IS_RIGHT(r) fault_thread_is_current((r)->fault) /* before it passes the gate */
#else
#define TURN_IS_VALID(r) ((r)->inst != NULL)
#define THREAD_IS_RIGHT(r) true
#endif
/* First in a function that does something for a turn; to its end, the thread is in the host. */
#define TURN_OR(r, value)                                                                          \
    if (!THREAD_IS_RIGHT(r)) {                                                                     \
        return value;                                                                              \
    }                                                                                              \
    struct gate_pass gate_ __attribute__((cleanup(gate_pass_end), unused)) = gate_pass(r);         \
    if (!TURN_IS_VALID(r)) {                                                                       \
        return value;                                                                              \
    }

/* The turn's row `port` when it is of one of the kinds in `kinds` (bit per TROUPE_ROW_...). */
const struct inst_row *host_row(const struct runner *r, uint32_t port, uint32_t kinds);
#define ROW(kind) (1u << TROUPE_ROW_##kind)
/* Its number (Y-1), and its output port; NULL: nothing of the actor is wired. */
static inline uint16_t host_number(const struct runner *r, const struct inst_row *row) {
    return (uint16_t)(row - r->inst->type->rows);
}
static inline struct port *host_port(const struct runner *r, const struct inst_row *row) {
    return r->inst->ports ? &r->inst->ports[host_number(r, row)] : NULL;
}

/* host_send.c */
int32_t host_send(struct troupe_turn *turn, uint32_t port, const void *body);
int32_t host_send_to(struct troupe_turn *turn, uint32_t port, struct troupe_ref to,
                     const void *body);
int32_t host_forward(struct troupe_turn *turn, uint32_t port, const struct troupe_any *message);
const struct troupe_any *host_keep(struct troupe_turn *turn);
void host_drop(struct troupe_turn *turn, const struct troupe_any *kept);
/* A new message of this turn's: sender, trace; a deep copy of `body`. NULL: no memory. */
struct msg *host_new_message(struct runner *r, enum msg_kind kind, unsigned flags,
                             const struct msg_type *type, const void *body, uint64_t room);
/* The message that `message` stands for: the one in hand, or one kept, that came in on row `source`; NULL: neither. */
struct msg *host_find_held(struct runner *r, uint16_t source, const struct troupe_any *message);
/* A message for a reference; takes m. */
/* For one of another proc the message must be extended. */
int32_t host_address(struct runner *r, struct msg *m, struct troupe_ref to);

/* host_call.c */
uint64_t host_ask(struct troupe_turn *turn, uint32_t port, const void *body, uint64_t timeout_ns);
uint64_t host_ask_to(struct troupe_turn *turn, uint32_t port, struct troupe_ref to,
                     const void *body, uint64_t timeout_ns);
int32_t host_answer(struct troupe_turn *turn, uint32_t port, struct troupe_once request,
                    int32_t status, struct troupe_str text, const void *body);

/* host_self.c */
const struct troupe_context *host_context(struct troupe_turn *turn);
struct troupe_ref host_own_port(struct troupe_turn *turn, uint32_t port);
struct troupe_ref host_port_of(struct troupe_turn *turn, struct troupe_ref actor,
                               struct troupe_str port);
struct troupe_ref host_spawn(struct troupe_turn *turn, uint32_t port,
                             const struct troupe_spawn *how);
int32_t host_stop_child(struct troupe_turn *turn, struct troupe_ref child, bool drain);
int32_t host_stop(struct troupe_turn *turn);
int32_t host_start_timer(struct troupe_turn *turn, uint32_t port, uint64_t first_ns,
                         uint64_t period_ns);
int32_t host_stop_timer(struct troupe_turn *turn, uint32_t port);
int32_t host_watch(struct troupe_turn *turn, uint32_t port, int32_t fd, uint32_t events);
int32_t host_unwatch(struct troupe_turn *turn, uint32_t port, int32_t fd);
int32_t host_wait(struct troupe_turn *turn, struct troupe_pollfd *fds, uint64_t count,
                  uint64_t timeout_ns);
int32_t host_commit(struct troupe_turn *turn);

/* host_fd.c */
int32_t host_own_fd(struct troupe_turn *turn, int32_t fd);
int32_t host_close_fd(struct troupe_turn *turn, int32_t fd);

/* host_data.c */
void host_data_fill(struct troupe_host *host);
