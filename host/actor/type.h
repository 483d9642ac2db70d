/* An actor type ready to run: a library's rows with message types interned and port names numbered.
 *
 * Y-1  A row's number is the same in all generations of a type (PT-4): names get numbers in the order in
 *      which they appear, and keep them. So what lies in mailboxes, timers, calls and wires stays valid when
 *      an actor goes over to another generation. What a plugin calls row i is numbers[i]; in the first
 *      generation, and as long as rows are only appended, that is i itself.
 * Y-2  A generation has a row for each number there is when it is made; those that its plugin does not have
 *      are of no kind and accept nothing. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "actor/looks.h"
#include "actor/swap.h"
#include "message/type.h"
#include "plan/config.h"
#include "plugin/library.h"

struct inst_type;
struct proc;

struct inst_row {
    uint32_t kind;    /* TROUPE_ROW_...; 0: this generation has no such row */
    uint16_t name_id; /* the proc's number of the port's name; from 1 */
    uint16_t accepts; /* a bit for each enum msg_kind that its handler is for */
    uint64_t usual;   /* in: the `head` of plain messages for it; to: of those it sends; 0: none */
    const char *name; /* the proc's */
    const struct msg_type *type; /* message or request; NULL: any, as, or none */
    union {
        const struct msg_type *reply;  /* call, ask */
        const struct type_line *child; /* child */
        uint64_t named;                /* in: the `head` of plain messages for it by its name */
    };
    uint16_t source;       /* as: the row it follows */
    uint16_t next_handler; /* of the same hash of its name + 1; see handlers */
    uint32_t doing;        /* inst.doing while it handles a usual message */
    int32_t (*run)(struct troupe_turn *turn, void *state, const void *arg);
};

/* An actor type by its id, over all its generations. Lives as long as the proc. */
struct type_line {
    char *id;                                  /* owned; so `names` */
    _Atomic(const struct inst_type *) current; /* what new instances are; NULL: none yet */
    uint16_t *names;  /* by number: the proc's number of the row's name; under proc.lock */
    uint16_t count;   /* how many */
    struct swap swap; /* of its actors, to another generation */
};

#define INST_NO_ROW UINT16_MAX
#define INST_HANDLER_HASHES 8u

/* One generation of one; a block with all that belongs to it. */
struct inst_type {
    struct looks_block block;      /* first */
    const char *id;                /* the line's */
    struct type_line *line;        /* NULL: a type of the host */
    const struct library *library; /* NULL: a type of the host */
    const struct library_type *source;
    const char *plugin; /* name of its file: lookers may come when the library has gone */
    uint32_t generation;
    struct inst_row *rows;
    uint16_t row_count;
    uint16_t own_rows;       /* the plugin's, which it calls 0 to own_rows - 1 */
    uint16_t plain_rows;     /* the same as long as its numbers are Y-1's; else 0 */
    const uint16_t *numbers; /* NULL: the same */
    bool has_outputs;
    bool own_thread, plain_state, writes_older;
    uint64_t state_size;
    uint64_t config_offset;
    const struct note_config *config; /* NULL: takes none */
    uint32_t state_version, state_min;
    uint16_t init, cleanup, save, load, returned, reconfigure; /* rows, or INST_NO_ROW */
    uint16_t handlers[INST_HANDLER_HASHES]; /* by name_id: the first row + 1; 0: none */
};

static inline uint16_t inst_row_index(const struct inst_type *type, const struct inst_row *row) {
    return (uint16_t)(row - type->rows);
}
/* The handler row (in, any, call) with this port name's number, or INST_NO_ROW. */
uint16_t inst_type_handler(const struct inst_type *type, uint16_t name_id);
/* The row with this name, or INST_NO_ROW. */
uint16_t inst_type_row(const struct inst_type *type, struct troupe_str name);
/* What the plugin calls row `at`; INST_NO_ROW: it has none. */
static inline uint16_t inst_type_number(const struct inst_type *type, uint32_t at) {
    if (at >= type->own_rows) {
        return INST_NO_ROW;
    }
    return type->numbers ? type->numbers[at] : (uint16_t)at;
}
/* What a new instance of this line is. */
static inline const struct inst_type *type_current(const struct type_line *line) {
    /* acquire: pairs with type_make_current */
    return atomic_load_explicit(&line->current, memory_order_acquire);
}

/* types.c */
void type_make_current(struct type_line *line, const struct inst_type *type);
/* A generation that no instance is of any more, nor will be. Lookers may still read it. */
void type_retire(struct proc *proc, const struct inst_type *type);
/* Those of a library go when no instance is of one, or could go back to it; false: some is, and all stay. No new one is
 * made of them meanwhile: they are not current (type_make_current), and all activations are over that have seen them so. */
bool types_retire_of(struct proc *proc, const struct library *library);
void types_free(struct proc *proc);
