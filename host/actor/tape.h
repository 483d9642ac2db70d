/* The tape of a turn: what it asks of the host, written down while the code that runs handles a message, and compared
 * one by one while new code handles the same on its copy of the state (shadow.h).
 *
 * K-1  Nothing that a turn asks for while the tape plays is done: it is compared with what the turn before asked for
 *      at that point, and gets the same answer: the same child, the number of the same call, the same time.
 * K-2  The first difference is written down; what follows in that turn is no longer compared, and is answered as if
 *      it were done, but for what can't be had: a child, a descriptor.
 * K-3  What is written down lies in turn memory, and is bounded; a turn that goes beyond, or does what can't be
 *      done twice (TX-3), is not compared. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <troupe/host.h>

#include "base/str.h"
#include "message/type.h"

struct inst_type;
struct runner;

/* X(constant, name in JSON, what it is called for people, before the name of its row; its numbers) */
#define TAPE_KINDS(X)                                                                              \
    X(SEND, "send", "message on", NULL, NULL)                                                      \
    X(SEND_TO, "send_to", "message of", NULL, NULL)                                                \
    X(FORWARD, "forward", "message passed on by", NULL, NULL)                                      \
    X(ASK, "ask", "call on", "timeout_ns", NULL)                                                   \
    X(ASK_TO, "ask_to", "call to a reference by", "timeout_ns", NULL)                              \
    X(ANSWER, "answer", "answer to", NULL, NULL)                                                   \
    X(SPAWN, "spawn", "child of", NULL, NULL)                                                      \
    X(STOP_CHILD, "stop_child", "stop of a child", "drains", NULL)                                 \
    X(STOP, "stop", "stop", NULL, NULL)                                                            \
    X(START_TIMER, "start_timer", "start of timer", "first_ns", "period_ns")                       \
    X(STOP_TIMER, "stop_timer", "end of timer", NULL, NULL)                                        \
    X(PUBLISH, "publish", "attribute", NULL, NULL)                                                 \
    X(WATCH, "watch", "watch", "fd", NULL)                                                         \
    X(UNWATCH, "unwatch", "end of watch", "fd", NULL)                                              \
    X(OWN_FD, "own_fd", "descriptor", "fd", NULL)                                                  \
    X(CLOSE_FD, "close_fd", "end of a descriptor", "fd", NULL)                                     \
    X(WAIT, "wait", "wait", "timeout_ns", NULL)
#define TAPE_CONSTANT(name, json, text, first, second) TAPE_##name,
enum tape_kind { TAPE_KINDS(TAPE_CONSTANT) TAPE_KIND_COUNT };
#undef TAPE_CONSTANT

#define TAPE_NO_ROW UINT16_MAX
#define TAPE_ITEMS_MOST (1u << 16)
#define TAPE_BYTES_MOST (16u << 20)
/* Of what is shown of an item; what is longer is cut, and then stands as text. */
#define TAPE_SHOWN 768u

/* One thing that a turn asks for. */
struct tape_item {
    struct tape_item *next;
    enum tape_kind kind;
    uint16_t row;                /* its number (Y-1), or TAPE_NO_ROW */
    const struct msg_type *type; /* of `body`; NULL: it has none */
    const void *body;
    uint64_t to[2];            /* a reference, a request, a child */
    uint64_t numbers[2];       /* how long; whether it drains; a descriptor, and for what */
    int32_t status;            /* of an answer */
    struct troupe_str text;    /* of an answer; an attribute's name; how to spawn, as JSON */
    struct troupe_value value; /* of an attribute */

    /* what the host answered */
    struct troupe_ref child;
    uint64_t call;
};

struct tape_time;
struct tape_times { /* that it was told, one after another */
    struct tape_time *first, **end, *at;
};

struct tape {
    bool plays;           /* else it is written */
    bool differs;         /* K-2 */
    const char *left_out; /* why the turn can't be compared; NULL: it can */
    struct tape_item *first, **end;
    struct tape_item *at; /* that comes next */
    uint32_t count;
    uint64_t bytes;
    struct tape_times times[2];     /* monotonic, of day */
    struct str what, expected, got; /* the difference; the latter as JSON */
};

void tape_init(struct tape *tape);
void tape_fini(struct tape *tape);
/* Empty, to be written. */
void tape_begin(struct tape *tape);
/* To be played from its beginning. */
void tape_rewind(struct tape *tape);
/* At the end of what is played: nothing must be left. */
void tape_end(struct tape *tape, const struct inst_type *type);
/* A difference that is none of what was asked for. */
void tape_differ(struct tape *tape, const char *what, const char *expected, const char *got);

/* A JSON text for a difference: what is too long stands as text, cut. */
void tape_add_shown(struct str *out, const struct str *json);

/* --- in functions of the host --- */

/* Written: a turn asked for this, and was given it. Copies it, into turn memory. */
void tape_write(struct runner *r, struct tape *tape, const struct tape_item *item);
/* Played: K-1. `child` and `call` of the item become what they were. False: K-2. `type` is the new code's. */
bool tape_play(struct tape *tape, const struct inst_type *type, struct tape_item *item);
/* Played: whether this, to that, is what was asked for at this point. */
bool tape_expects(const struct tape *tape, enum tape_kind kind, uint64_t to, uint64_t more);
/* The turn that is written is not to be compared: it does this. */
void tape_leave_out(struct tape *tape, const char *why);
/* A turn is told the time: the host's, or what it was. */
int64_t tape_time(struct runner *r, struct tape *tape, bool of_day, int64_t now_ns);
