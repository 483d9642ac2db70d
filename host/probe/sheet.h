/* What a probe and its child write to each other: a sheet of fixed size, and behind it the states. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "plugin/note.h"

#define SHEET_FD 3 /* the child's */
#define SHEET_FORMAT 1u

/* What the child is at. */
enum sheet_step {
    SHEET_BEGIN,
    SHEET_MAP,
    SHEET_INIT,
    SHEET_LOAD,
    SHEET_SAVE,
    SHEET_FINI,
    SHEET_PASSED,
    SHEET_REFUSED, /* `text` says why */
    SHEET_STEP_COUNT
};

struct sheet {
    /* this process's */
    uint32_t format;
    uint32_t seconds; /* of the processor */
    uint64_t memory;  /* bytes */
    uint64_t size;    /* of what stands behind */
    /* the child's */
    _Atomic uint32_t step;
    _Atomic uint32_t failed_at; /* the step before SHEET_REFUSED */
    _Atomic uint32_t state;     /* which one, counted through all types */
    char text[1024];
};

/* --- what stands behind: numbers and texts, one after another --- */

void sheet_add_number(struct str *out, uint64_t number);
void sheet_add_bytes(struct str *out, const void *data, uint64_t size);
/* The body of a config, texts included. */
void sheet_add_config(struct str *out, const struct note_config *note, const void *body);

struct sheet_reader {
    const uint8_t *at, *end;
    bool failed; /* it ended early; then numbers are 0 and texts empty */
};
uint64_t sheet_number(struct sheet_reader *reader);
/* Lent by the sheet. */
const void *sheet_bytes(struct sheet_reader *reader, uint64_t *ret_size);

struct heap;
/* Into `to`, of `room` bytes; texts are made in the heap. -1: malformed, another layout, or no memory. */
int sheet_read_config(struct sheet_reader *reader, const struct note_config *note, void *to,
                      uint64_t room, struct heap *heap);
