/* An actor type ready to run: a library's rows with message types interned and port names numbered. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "message/type.h"
#include "plan/config.h"
#include "plugin/library.h"

struct inst_type;
struct proc;

struct inst_row {
    uint32_t kind;    /* TROUPE_ROW_... */
    uint16_t name_id; /* the proc's number of the port's name; from 1 */
    uint16_t accepts; /* a bit for each enum msg_kind that its handler is for */
    uint64_t usual;   /* in: the `head` of plain messages for it; to: of those it sends; 0: none */
    const char *name;
    const struct msg_type *type; /* message or request; NULL: any, as, or none */
    union {
        const struct msg_type *reply;  /* call, ask */
        const struct inst_type *child; /* child */
        uint64_t named;                /* in: the `head` of plain messages for it by its name */
    };
    uint16_t source;       /* as: the row it follows */
    uint16_t next_handler; /* of the same hash of its name + 1; see handlers */
    uint32_t doing;        /* inst.doing while it handles a usual message */
    int32_t (*run)(struct troupe_turn *turn, void *state, const void *arg);
};

#define INST_NO_ROW UINT16_MAX
#define INST_HANDLER_HASHES 8u

struct inst_type {
    const char *id;
    const struct library *library; /* NULL: a type of the host */
    const struct library_type *source;
    struct inst_row *rows;
    uint16_t row_count;
    bool has_outputs;
    bool own_thread;
    uint64_t state_size;
    uint64_t config_offset;
    const struct note_config *config; /* NULL: takes none */
    uint32_t state_version, state_min;
    uint16_t init, cleanup, save, load, returned; /* rows, or INST_NO_ROW */
    uint16_t handlers[INST_HANDLER_HASHES];       /* by name_id: the first row + 1; 0: none */
};

static inline uint16_t inst_row_index(const struct inst_type *type, const struct inst_row *row) {
    return (uint16_t)(row - type->rows);
}
/* The handler row (in, any, call) with this port name's number, or INST_NO_ROW. */
uint16_t inst_type_handler(const struct inst_type *type, uint16_t name_id);
/* The row with this name, or INST_NO_ROW. */
uint16_t inst_type_row(const struct inst_type *type, struct troupe_str name);
