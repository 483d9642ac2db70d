/* Struct bodies of the actor folder. */
#pragma once

#include <pthread.h>
#include <stddef.h>

#include <troupe/plugin.h>

#include "actor/checkpoint.h"
#include "actor/client.h"
#include "actor/failure.h"
#include "actor/held.h"
#include "actor/inst.h"
#include "actor/inst_parts.h"
#include "actor/looks.h"
#include "actor/outbox.h"
#include "actor/proc.h"
#include "actor/published.h"
#include "actor/stuck.h"
#include "actor/type.h"
#include "actor/wiring.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/scratch.h"
#include "base/stock.h"
#include "message/mbox.h"
#include "message/pause.h"
#include "message/pool.h"
#include "record/snapshot_store.h"
#include "route/wire.h"
#include "sched/timer.h"

/* In inst.plan_index. */
#define INST_IS_HELD (1u << 31)
#define INST_UNPLANNED (INST_IS_HELD - 1)

/* Where a slot is in its present life; the home worker's view, finer than the status.
 *
 *  down -> live -> children -> flush -> down      a life; the mailbox stays open and keeps what comes
 *  down -> closed                                 for good; what a spawned child's end leads to at once */
enum inst_phase {
    PHASE_LIVE,     /* takes messages; 0, see struct inst */
    PHASE_CHILDREN, /* stopping: waits for its children to end (SV-4) */
    PHASE_FLUSH,    /* stopping: cleanup ran, what it sent waits for room */
    PHASE_CLOSED,
    PHASE_DOWN,   /* no life: waits for SIGNAL_START, or for SIGNAL_CLOSE */
    PHASE_CLIENT, /* hands over what arrives, runs nothing; then closed */
};

/* Why a life ended that did not fail. X(constant, text) */
#define INST_REASONS(X)                                                                            \
    X(STOPPED, "stopped")                                                                          \
    X(ABORTED, "aborted")                                                                          \
    X(NOT_STARTED, "stopped before it started")                                                    \
    X(INPUTS_ENDED, "inputs ended")                                                                \
    X(DRAINED, "drained")
#define INST_REASON_CONSTANT(name, text) REASON_##name,
enum inst_reason { REASON_NONE, INST_REASONS(INST_REASON_CONSTANT) INST_REASON_COUNT };
#undef INST_REASON_CONSTANT

/* Of the child that was heard of last; see life.c. */
struct heard_name {
    uint64_t parent; /* its uid, if the child shows that one's name, whole; else 0 */
    uint64_t pid;
    uint64_t size;
    char text[160];
};

/* What a worker brings to each turn. `turn` is first: plugins hold a pointer to it. */
struct runner {
    struct troupe_turn turn;

    /* any thread, atomic; see gate.h */
    _Atomic uint32_t gate, asked;
    _Atomic uint64_t calls;         /* of plugins, begun and ended: odd during one */
    _Atomic(struct inst *) calling; /* whose the last one was */
    _Atomic bool plays;             /* it is of a shadow */

    struct proc *proc;
    struct sched_worker *worker;
    struct fault_thread *fault; /* of its thread */
    struct pool *pool;
    struct scratch scratch;
    struct outbox outbox;
    struct stock states;        /* of ended lives */
    struct snapshot_feed ended; /* children that ended well */
    struct inst *free_cells;    /* linked by sibling.next */
    uint32_t free_cell_count;
    uint32_t leaving_count;
    struct inst *leaving;        /* cells, linked by `state`: see cell_leave */
    struct runner *next;         /* proc.runners: pushed once, never removed */
    struct runner *next_retired; /* under proc.lock */

    /* where this activation's messages went, but for those of outbox_commit_here: to decide whether the instance moves
     * there. NULL: there are none; the own worker: here, to an own thread, or to more than one worker */
    struct sched_worker *went_to;
    uint64_t went_to_uid;

    /* the turn in hand */
    struct inst *inst; /* NULL: none */
    struct msg *msg;
    struct port *ports;   /* the instance's; NULL: none is wired */
    uint32_t plain_count; /* the rows from which this turn may send plain messages: all, or none */
    const struct inst_row *row;
    uint64_t now_ns; /* by the coarse clock, when the activation began or its last turn ended */

    /* of it too, cleared when it begins; side by side, so that this takes two stores */
    uint32_t logged; /* lines since the last commit */
    bool answered, failed, has_context;
    bool refused;    /* a spawn was */
    bool committed;  /* something was, early (TX-2) */
    bool has_flight; /* flight_at is known */

    bool goes; /* its actor goes over just now: see swap_obey */

    /* what goes with these */
    enum log_level logged_level; /* the gravest */
    uint64_t flight_at; /* where the recorder was when it first logged since the last commit */
    int32_t fail_status;
    enum failure_kind fail_kind;
    char *fail_frames; /* of a panic, a line a frame; owned until the failure takes it */
    char fail_text[512];
    char refusal[320]; /* why the last spawn was refused */
    struct troupe_context context;
    struct shown_name names[SHOWN_NAMES]; /* by uid, direct-mapped */
    struct heard_name heard;
    struct troupe_saver *saver; /* of a save in progress */
    struct config *going;       /* the settings of who goes over just now; owned */
    struct config *gone_from;   /* likewise: those it had before */
    uint32_t states_dropped;    /* states of those who went, ever */
    uint32_t passed_on;         /* how often it has woken the next one that has to go, ever */
    struct shadow *shadow;      /* that follows the turn in hand, or whose turn it is; NULL: none */

    struct stuck_watch watch; /* who looks after stuck turns; see stuck.h */
    struct estate *estate;    /* of a turn that was revoked; this thread's */

    /* written by this worker, read by anyone */
    _Atomic int64_t queued; /* accepted minus taken here; the sum over workers is the proc's (PD) */
    _Atomic int64_t instances; /* made minus unmade here; the sum over workers is the proc's */
    _Atomic uint64_t handled, sent, dropped, late_replies, discarded_turns;
    _Atomic uint64_t retried; /* messages given to a next life (FC-4) */
    _Atomic uint64_t
        lost_with_state; /* handled since the last state that was kept, by lives that failed */
    _Atomic int64_t high_water;       /* of the proc's queue, as seen from here (PD-6) */
    _Atomic uint64_t last_nonzero_ns; /* 0: never (PD-7) */
    int64_t others;                   /* what the other workers had queued when last looked at */
    int64_t outside;                  /* what had come from outside by then */
    uint32_t look_at;                 /* again when the worker has done so many units */
};

/* An instance: four lines of memory, in the order in which they are needed, so that no two instances share a
 * line and a message touches as few as can be:
 *   1  what a sender elsewhere writes (mbox.task.word, mbox.uncharged), with all that it reads to do so; it
 *      travels between the workers with each batch, the others stay where they are;
 *   2  what the home writes for each message;
 *   3  what the home reads for each turn, and senders by reference (uid): hardly ever written;
 *   4  what is needed when it is spawned, pauses or ends.
 * What is not needed by every actor is in `more`. */
struct inst {
    struct mbox mbox; /* first: a task is an instance */

    /* any thread, atomic */
    _Atomic uint64_t processed;
    _Atomic uint16_t signals;
    _Atomic uint32_t doing; /* see DOING */

    /* --- the third line --- */

    _Atomic uint64_t uid;      /* any thread; changes when the cell is used again */
    _Atomic uint64_t since_ns; /* any thread; of the turn in hand, or the last one (ST-2) */

    /* set at spawn, then constant */
    const struct inst_type *type;
    struct port *ports; /* one per row of the type; NULL: no outputs wired */

    /* only the home worker */
    void *state;
    struct inst_more
        *more; /* NULL: nothing yet; set by inst_more(), others read it by inst_seen() */
    struct flight *flight; /* NULL until there is something to note; lookers read it, too */
    union {
        struct {
            uint8_t phase : 4;
            uint8_t shadowed : 1; /* its turns are followed by new code, or to be: more.shadow */
            struct {
                bool paused : 1, draining : 1;
                bool checkpoints : 1; /* its plan wants them, and its type can save */
                /* SIGNAL_START and SIGNAL_FINISH, given by its own worker: without an atomic */
                bool starts : 1, finishes : 1;
                bool hears : 1; /* of ends of children, before anything else: more.ends */
                bool holds : 1; /* what it was before a reload: more.held (W-3) */
                bool gated : 1; /* runs no turn until its whole type has gone over */
            };
        };
        uint16_t unease; /* 0: nothing stands between it and its next message */
    };
    uint16_t child_row;       /* of the parent's type: whose handler hears of the end */
    bool is_calling : 1;      /* calls of its own are pending */
    bool alive_by_timers : 1; /* SIGNAL_ALIVE */
    bool timed : 1;           /* it has had a timer or a watch */
    bool is_late : 1;         /* it can't go back just now, and asks to as soon as it can (W-9) */
    unsigned char : 0;
    unsigned char reason : 4; /* of a clean end; enum inst_reason */
    bool inputs_ended : 1;    /* why it drains */
    bool children_draining : 1, failed : 1, aborted : 1, quiet : 1;
    bool cleanup_ok : 1;
    bool watched : 1;        /* SIGNAL_WATCH: its children are to be, too */
    bool spawned : 1;        /* by an actor: it has one life, and the cell is used again */
    bool told : 1;           /* its life ends because the host said so (DR-2) */
    _Atomic uint8_t holders; /* 2: its end is not over; the parent has not heard of it */

    /* --- the fourth --- */

    /* set at spawn, then constant */
    struct proc *proc;
    _Atomic(struct inst *) parent; /* lives longer (SV-4); NULL: the proc itself */
    uint64_t pid;                  /* 0: a root */
    _Atomic uint32_t plan_index;   /* INST_UNPLANNED: the plan does not know it; any thread adds
                                    * INST_IS_HELD: it has a record, see held.h */

    _Atomic uint32_t incarnation; /* any thread; of the present life, or the last; 0: has had none;
                                   * with INCARNATION_BEGINS while the status is still that of the last */
    struct list sibling; /* more.children of the parent; written by the parent's home worker */
    _Atomic uint64_t created_ns; /* any thread; when the present life began, to a millisecond */
    _Atomic uint64_t busy_ns;    /* any thread; time that its turns took; see record_time */
};

/* What an instance is doing, for whoever looks, in one word, so that the usual turn writes it at once: its status,
 * with DOING_TURN for IDLE: it is processing, so that the end of an activation takes no look at which it was;
 * DOING_RUNS: it is in an activation, or something is held back or pending; the row of this life's last turn + 1,
 * 0: there was none, and DOING_NOW: it is of this activation. Written by the home worker; the status by inst_move()
 * only, but for IDLE <-> PROCESSING, and before anybody has seen it. */
#define DOING_RUNS (1u << 8)
#define DOING_NOW (1u << 9)
#define DOING_TURN (1u << 10)
#define DOING_STATUS (UINT8_MAX | DOING_TURN)
#define DOING_ROW(row) ((uint32_t)((row) + 1) << 16 | DOING_NOW)
#define DOING_HANDLER ((uint32_t)UINT16_MAX << 16 | DOING_NOW)
static inline uint32_t inst_doing(const struct inst *in) {
    return atomic_load_explicit(&in->doing, memory_order_relaxed);
}
static inline enum inst_status doing_status(uint32_t doing) {
    return doing & DOING_TURN ? INST_PROCESSING : (enum inst_status)(doing & UINT8_MAX);
}
static inline uint32_t doing_for(enum inst_status status) {
    return status == INST_PROCESSING ? INST_IDLE | DOING_TURN : status;
}
static inline uint16_t doing_handler(uint32_t doing) {
    return (uint16_t)(doing >> 16);
}
static inline void inst_set_running(struct inst *in, bool running) {
    uint32_t doing = inst_doing(in) & ~DOING_RUNS;
    /* release: pairs with inst_is_quiet; who sees it quiet sees what its turns sent */
    atomic_store_explicit(&in->doing, doing | (running ? DOING_RUNS : 0), memory_order_release);
}
/* A DOING_ROW; what inst_handler_now said; 0: none. */
static inline void inst_set_handler(struct inst *in, uint32_t handler) {
    uint32_t doing = inst_doing(in) & ~DOING_HANDLER;
    atomic_store_explicit(&in->doing, doing | handler, memory_order_relaxed);
}
static inline uint32_t inst_handler_now(const struct inst *in) {
    return inst_doing(in) & DOING_HANDLER;
}

#define LINE 64
_Static_assert(offsetof(struct inst, mbox.head) == LINE, "what senders elsewhere need is one line");
_Static_assert(offsetof(struct inst, uid) == 2 * LINE, "what each message changes is another");
_Static_assert(offsetof(struct inst, proc) == 3 * LINE, "what each turn needs is the third");
_Static_assert(sizeof(struct inst) == 4 * LINE,
               "an idle actor is as large as its cell and its state");
#undef LINE

/* proc.c */
struct runner *runner_current(struct proc *proc);
static inline struct runner *runner_of(struct troupe_turn *turn) {
    return (struct runner *)(void *)turn;
}

/* cell.c */
/* Actors that are spawned one after another mostly lie side by side, and go through all that follows in that order: to
 * fetch who is so far on (prefetch_ahead) is in time. Found by itself each would wait for memory. */
#define CELLS_AHEAD (8 * sizeof(struct inst))
int cells_init(struct proc *proc); /* -1: no memory */
void cells_fini(struct proc *proc);
struct inst *cell_take(struct runner *r, struct proc *proc);
void cell_give_back(struct runner *r, struct inst *in);
/* The same for one that lookers may have found, and that nobody can find any more: it is given back with others, when
 * there are some, so that they share the look at who looks. [a worker] */
void cell_leave(struct runner *r, struct inst *in);
void cells_leave_now(struct runner *r);
/* By a thread that is no worker. */
void cell_give_to_all(struct proc *proc, struct inst *in);
/* A list of cells for all, under proc.lock. */
void cells_give_run_locked(struct runner *r, struct inst *run);
/* All cells there are, used or not; the number only grows. One that was never used has no `proc`. [any] */
uint32_t cell_count(struct proc *proc);
struct inst *cell_at(struct proc *proc, uint32_t index);
/* The open instance with this uid; NULL: gone. Its memory stays an instance for the proc's life, but
 * may become another one's at any time: what is sent carries the uid and is checked when taken. */
struct inst *cell_find(struct proc *proc, uint64_t uid);
/* The number of its cell, from 0; CELLS_MOST or more: of none. */
static inline uint64_t cell_number(uint64_t uid) {
    return (uid & ((1ull << 28) - 1)) - 1;
}

/* relaxed: it is set before the instance is known to others, and by whoever uses the cell again */
static inline struct inst *inst_parent(const struct inst *in) {
    return atomic_load_explicit(&in->parent, memory_order_relaxed);
}

/* inst.c */
/* Makes it; NULL: no memory. [home worker] So the parts of it. */
struct inst_more *inst_more(struct inst *in);
struct inst_memory *inst_memory(struct inst *in);
struct inst_calls *inst_calls(struct inst *in);
struct inst_lives *inst_lives(struct inst *in);
/* NULL as long as there is none. */
static inline struct inst_memory *inst_has_memory(const struct inst *in) {
    return in->more ? in->more->memory : NULL;
}
static inline struct inst_calls *inst_has_calls(const struct inst *in) {
    return in->more ? in->more->calls : NULL;
}
static inline struct inst_lives *inst_has_lives(const struct inst *in) {
    return in->more ? in->more->lives : NULL;
}
static inline struct failure *inst_failure(const struct inst *in) {
    return inst_has_lives(in) ? in->more->lives->failure : NULL;
}
static inline uint32_t inst_open_children(const struct inst *in) {
    return in->more ? atomic_load_explicit(&in->more->open_children, memory_order_relaxed) : 0;
}
/* What becomes of messages for this row when it is full. [home worker; of one of the plan: any] */
static inline enum overflow inst_overflow(const struct inst *in, uint16_t row) {
    bool is_said = in->more && in->more->row_overflow && row < in->more->overflow_count;
    return is_said ? in->more->row_overflow[row] : OVERFLOW_BLOCK;
}
/* As it was made by its home worker, or NULL. [any thread that knows that the instance stays] */
static inline struct inst_more *inst_seen(const struct inst *in) {
    /* acquire: pairs with the release in inst_more */
    return __atomic_load_n(&in->more, __ATOMIC_ACQUIRE);
}
static inline const struct past *inst_past(const struct inst *in) {
    struct inst_more *more = inst_seen(in);
    /* seq_cst: L-1 */
    return more ? atomic_load_explicit(&more->past, memory_order_seq_cst) : NULL;
}
/* The root of its tree: it has `more`. */
struct inst *inst_root(const struct inst *in);
void inst_move(struct inst *in, enum inst_status to);
/* The status, and which life it is of: both of the same moment. [any] */
enum inst_status inst_life(const struct inst *in, uint32_t *ret_incarnation);
/* The name that stands in the id: an anonymous child shows its parent's; lent. */
const char *inst_shown_name(const struct inst *in);
/* What its id begins with when it has no name of its own; lent by who has the name. NULL: nobody above has
 * one, or no memory. */
struct snapshot_family *inst_family(const struct inst *in);
/* The handler that runs, or ran last in this life; NULL: none has; the type's. */
const char *inst_last_handler(const struct inst *in);
/* Those that it has spawned; it has some. [home worker] */
void inst_signal_each_child(struct inst *in, unsigned signals);
static inline void inst_signal_children(struct inst *in, unsigned signals) {
    if (inst_open_children(in) > 0) {
        inst_signal_each_child(in, signals);
    }
}
/* It has nothing but its cell and, as long as it lives, a state. [home worker] */
static inline bool inst_is_bare(const struct inst *in) {
    return !in->more && !in->flight && !in->ports;
}
static inline bool inst_is_held(const struct inst *in) {
    return atomic_load_explicit(&in->plan_index, memory_order_seq_cst) & INST_IS_HELD;
}
/* Tells who has it in hand of the move that was just made; H-3. [home worker] */
static inline void inst_tell(struct inst *in) {
    /* acquire, release: the one that comes second sees what the other did */
    if (atomic_fetch_add_explicit(&in->plan_index, 0, memory_order_seq_cst) & INST_IS_HELD) {
        held_tell(in);
    }
}
/* The same behind mbox_close, which is such an operation, too. */
static inline void inst_tell_closed(struct inst *in) {
    /* seq_cst: pairs with held_take, which looks at the mailbox behind */
    if (inst_is_held(in)) {
        held_tell(in);
    }
}
/* The next life of the slot begins, as `created`. */
void inst_begin(struct inst *in);
/* The first life of one that nobody has seen yet, as `idle`. */
void inst_begin_unseen(struct inst *in);
/* The one making of an instance; not started, not linked to its parent. NULL: no memory. */
struct inst *inst_make(struct runner *r, struct proc *proc, const struct inst_type *type,
                       uint32_t capacity, struct sched_worker *home);
/* As inst_make, but its mailbox stays closed until mbox_open: for one that may never have been. */
struct inst *inst_make_shut(struct runner *r, struct proc *proc, const struct inst_type *type,
                            uint32_t capacity, struct sched_worker *home);
struct port *ports_make(uint16_t row_count); /* NULL: no memory */
/* At least so many, if it has any; -1: no memory. [home worker] */
int inst_widen_ports(struct inst *in, uint16_t row_count);
/* A wire of this output has been added. */
void inst_settle_port(struct inst *in, uint16_t row);
/* Spawned children, linked as siblings, are their parent's; each until the parent has heard of its end. [home worker of the
 * parent] */
void inst_adopt(struct inst *parent, struct inst *first, struct inst *last, uint32_t count);
void inst_let_go(struct inst *parent, struct inst *child);
/* Gives back what a life had allocated, kept and opened; takes NULL. */
void inst_memory_end(struct pool *pool, struct inst_memory *memory);
/* Frees what the slot owns and the cell; for an instance that never started or has ended. What others
 * may be looking at goes when they have looked away. */
void inst_unmake(struct runner *r, struct inst *in);
/* Its two halves: nobody finds it any more, and the rest. */
void inst_hide(struct inst *in);
void inst_unmake_hidden(struct runner *r, struct inst *in);
/* The same for a spawned one that has ended and is bare. [a worker] */
void inst_unmake_bare(struct runner *r, struct inst *in);
/* Frees what lookers read of one that was unmade. */
void inst_forget(struct inst *in);

/* turn.c */
enum task_result inst_run(struct sched_task *task, struct sched_worker *worker);
bool inst_arrived(struct sched_task *task, struct sched_worker *worker);
/* Runs one row in a turn and commits or discards. Returns the row's status; < 0: discarded. */
int32_t turn_run(struct runner *r, struct inst *in, uint16_t row, const void *arg, struct msg *m);
/* What becomes of a turn's requests and sends. */
void turn_close(struct runner *r, struct inst *in, struct msg *m, bool failed);
/* Runs one row and drops what it asks for, whatever it returns; it handles no message. */
int32_t turn_try(struct runner *r, struct inst *in, uint16_t row, const void *arg);
/* The row `reconfigure`: as turn_try, but what it does is done when it succeeds. */
int32_t turn_reconfigure(struct runner *r, struct inst *in, const void *config);
/* The turn that just returned `status` fails the actor: "row: why". */
void turn_fail(struct runner *r, struct inst *in, uint16_t row, int32_t status);

/* obey.c */
static inline bool inst_has_orders(const struct inst *in) {
    return atomic_load_explicit(&in->signals, memory_order_relaxed) || in->starts || in->finishes;
}
/* Takes the signals that have come, and does what they ask. [home worker] */
void inst_obey(struct runner *r, struct inst *in);

/* move.c */
/* A message went to an instance of this home and uid. */
void move_note(struct runner *r, struct sched_worker *home, uint64_t uid);
/* Whether the instance should move, once the activation is over; task.pull_to says where. */
bool move_decide_sent(struct runner *r, struct inst *in);
static inline bool move_decide(struct runner *r, struct inst *in) {
    return r->went_to && move_decide_sent(r, in);
}

/* bounce.c */
/* Takes a message that could not be delivered and returns it, or makes it a dead letter. */
void bounce(struct runner *r, struct proc *proc, struct msg *m, int32_t reason);
void bounce_chain(struct runner *r, struct proc *proc, struct msg *first, int32_t reason);
void bury(struct runner *r, struct proc *proc, struct msg *m, int32_t reason);
/* Sends an uncharged message of the host's; takes it in every case. */
void deliver_host(struct pool *pool, struct inst *to, struct msg *m);

/* far.c */
/* One message of the actor's outbox to another proc; false: it has no room there, and the actor must wait (linked
 * when may_pause). Else the message is taken. */
bool far_deliver(struct runner *r, struct inst *in, struct msg *m, bool may_pause);

/* runner.c */
/* Offers one message that comes out of no outbox, counted like the others (PD). [any] */
enum offer queue_from_outside(struct mbox *mb, struct msg *m, struct proc *proc, uint32_t limit);
void queue_look_at_others(struct runner *r);
/* Counts what this worker is about to have accepted, and takes back what was refused. */
void queue_count(struct runner *r, uint32_t count);
void queue_uncount(struct runner *r, uint32_t count);
static inline void queue_count_taken(struct runner *r) {
    count_change(&r->queued, -1);
}

/* message_in.c */
/* Handles one message that was taken; the message is freed or passed on. */
void inst_handle(struct runner *r, struct inst *in, struct msg *m);
/* The body as a handler of another revision expects it: a copy in turn memory when it expects more fields (MB-8);
 * NULL: it cannot, or there is no memory. */
const void *inst_fit_body(struct runner *r, const struct inst *in, struct msg *m,
                          const struct inst_row *row);

/* life.c */
void life_start(struct runner *r, struct inst *in);
/* The same for the first life of one that is still shut, in two halves: what others will see, at once; in->starts, which
 * stays, brings the other with its first activation: memory for its state, as most live for one message only. False: it
 * has to be life_start, as there is an init to run. */
bool life_start_unseen(struct runner *r, struct inst *in);
void life_start_seen(struct runner *r, struct inst *in);
/* Begins the end: cleanly, by itself or told by the host, or as failed with this status and text.
 * Harmless when it has begun. A life that has not begun yet ends all the same. */
void life_stop(struct runner *r, struct inst *in, bool told, enum inst_reason reason);
/* All that follows from a stop of its own, at once, for one of whom nothing is left to be done or told but that it
 * ended; false: it is another's, and nothing was done. True: it must not be touched any more. */
bool life_finish_simply(struct runner *r, struct inst *in);
/* What the sender of a message that is left over is told. */
int32_t life_end_status(const struct inst *in);
/* Why it ended, if it did so cleanly; static. */
const char *life_reason(const struct inst *in);
void life_fail(struct runner *r, struct inst *in, enum failure_kind kind, int32_t status,
               const char *text, const char *root);
/* Goes on with the end as far as it can; true when the life has ended and nothing is held back. */
bool life_proceed(struct runner *r, struct inst *in);
/* The parent has heard of the end of a child, *ret, which is nobody's any more. Takes the message. Returns the
 * row whose handler is to hear of it. */
uint16_t life_let_go(struct runner *r, struct inst *in, struct msg *m, struct inst_end *ret);
void life_child_ended(struct runner *r, struct inst *in, struct msg *m);
/* Goes on with what a message told of ends; in->hears. */
void life_hear(struct runner *r, struct inst *in);
/* The slot, which is down, closes: what is queued comes back (AI-4). */
void life_close(struct runner *r, struct inst *in);
/* The home worker is done with a closed slot for good. */
void life_leave(struct runner *r, struct inst *in);

/* record.c */
/* The ring, made when there is none yet; NULL: no memory. [home worker] */
struct flight *record_flight(struct inst *in);
/* A note of the runtime's, when there is a ring to note it in. [home worker] */
void record_note(struct runner *r, struct inst *in, enum flight_kind kind, uint32_t number,
                 const char *text);
/* The handler ran once more, and there is no ring yet. */
void record_first_ran(struct inst *in, uint64_t now_ns, uint16_t row);
/* The turn began at since_ns by the coarse clock, which has moved on: what it took. */
void record_time(struct runner *r, struct inst *in, uint64_t since_ns);
/* Stores the snapshot of the life that is about to end (SV-3), and has it written. */
void record_end(struct runner *r, struct inst *in);
/* The same for a spawned child that ends well and that nobody has in hand. */
void record_end_of_child(struct runner *r, struct inst *in);

/* state.c */
struct save_order {   /* body of a notice */
    proc_saved *done; /* NULL: a checkpoint is due */
    void *context;
    /* instead of `done`: by the home worker, between two turns; r and in NULL: the instance has ended */
    void (*visit)(void *context, struct runner *r, struct inst *in);
};
/* Runs the save row; `notice` is what asked for it, or NULL. A status; `out` gets the bytes. */
int32_t inst_save_state(struct runner *r, struct inst *in, struct msg *notice, struct str *out);
void inst_notice(struct runner *r, struct inst *in, struct msg *m);
/* Copies the order. When it fails, it is as if it had not been given. Errors: NOT_FOUND, STOPPED, NOMEM. [any] */
int order_send(struct proc *proc, uint64_t uid, const struct save_order *order, struct err *err);
void notice_refuse(struct msg *m);       /* the instance ended before it could */
void inst_forget_state(struct inst *in); /* more->saved */
/* Runs the load row with more->saved; a status. */
int32_t inst_load_state(struct runner *r, struct inst *in);

/* call.c */
uint64_t call_begin(struct inst *in, uint16_t row, uint64_t deadline_ns);
/* The reply to a call that is refused, with this text; NULL: no memory. Its sender stays to be set. */
struct msg *call_refusal(struct pool *pool, int32_t status, struct troupe_str text);
bool call_is_over(const struct inst *in, uint64_t number, uint64_t now_ns);
void call_withdraw(struct inst *in, uint64_t number);
void call_reply(struct runner *r, struct inst *in, struct msg *m);
void call_expire(struct runner *r, struct inst *in, struct msg *m);
/* A turn of its outcomes was not the last of those that are due. */
void calls_look_again(struct inst *in);
void calls_end(struct runner *r, struct inst *in);
int request_add(struct inst *in, struct troupe_once once);
bool request_waits(const struct inst *in, struct troupe_once once);
bool request_remove(struct inst *in, struct troupe_once once);
/* Tells a caller how its call ended without an answer. */
void request_refuse(struct runner *r, struct inst *in, struct troupe_once once, int32_t status,
                    struct troupe_str text);

/* host_fd.c */
void owned_fds_end(struct owned_fds *fds); /* closes them */
/* Whether it was one of them; from now on it is not. */
bool inst_disown_fd(struct inst *in, int32_t fd);

/* timer.c, watch.c */
int inst_timer_start(struct runner *r, struct inst *in, uint16_t row, uint64_t first_ns,
                     uint64_t period_ns);
void inst_timer_stop(struct inst *in, uint16_t row);
void inst_timers_end(struct inst *in);
bool inst_has_timers(const struct inst *in);
void inst_tick(struct runner *r, struct inst *in, struct msg *m);
/* Takes the descriptor; fails the actor when it cannot be watched. */
void inst_watch_start(struct runner *r, struct inst *in, uint16_t row, int fd, uint32_t events);
void inst_watch_stop(struct inst *in, uint16_t row, int fd);
void inst_watches_end(struct inst *in);
/* The row of a watch that is no watch in this type; INST_NO_ROW: there is none. */
uint16_t inst_watch_row_lacking(const struct inst *in, const struct inst_type *type);
bool inst_has_watches(const struct inst *in);
void inst_ready(struct runner *r, struct inst *in, struct msg *m);

/* child.c */
struct troupe_ref child_spawn(struct runner *r, uint16_t row, const struct troupe_spawn *how);
/* For a client, outside of a turn: at once. r->refusal says why not. */
struct troupe_ref child_spawn_by_hand(struct runner *r, struct inst *parent,
                                      const struct inst_type *type, const struct troupe_spawn *how);
/* Of an OUT_SPAWN, each with what it was sent. */
void children_commit(struct runner *r, struct inst *parent, struct out_item *item);
/* They never were. What they were sent is freed, or buried with this reason, if that is not 0. */
void children_discard(struct runner *r, struct out_item *item, int32_t reason);

/* client.c: false when the client has ended and must not be touched any more. */
bool client_step(struct runner *r, struct inst *in);

/* host_*.c */
void host_table_fill(struct troupe_host *host);
