/* Numbers, texts and configs on a sheet; see sheet.h. */
#include "probe/sheet.h"

#include <string.h>

#include <troupe/config.h>

#include "base/alloc.h"
#include "base/heap.h"

void sheet_add_number(struct str *out, uint64_t number) {
    str_add_n(out, (const char *)&number, sizeof number);
}

void sheet_add_bytes(struct str *out, const void *data, uint64_t size) {
    sheet_add_number(out, size);
    if (size > 0) {
        str_add_n(out, data, size);
    }
}

uint64_t sheet_number(struct sheet_reader *reader) {
    uint64_t number = 0;
    if (reader->failed || (size_t)(reader->end - reader->at) < sizeof number) {
        reader->failed = true;
        return 0;
    }
    memcpy(&number, reader->at, sizeof number);
    reader->at += sizeof number;
    return number;
}

const void *sheet_bytes(struct sheet_reader *reader, uint64_t *ret_size) {
    uint64_t size = sheet_number(reader);
    const uint8_t *bytes = reader->at;
    if (reader->failed || (uint64_t)(reader->end - reader->at) < size) {
        reader->failed = true;
        size = 0;
    }
    reader->at += size;
    *ret_size = size;
    return bytes;
}

/* --- configs --- */

static bool is_text(enum note_option_kind kind) {
    return kind == NOTE_OPTION_STR || kind == NOTE_OPTION_PATH || kind == NOTE_OPTION_FIELD;
}

/* One member of a body. */
struct member {
    enum note_option_kind kind;
    void *at;
};

/* Calls `each` with the members that lead out of the body, in order; -1: no memory, or `each` failed. */
static int each_member(const struct note_config *note, const void *body,
                       int (*each)(void *context, const struct member *member), void *context) {
    uint64_t *offsets = mem_array(note->key_count + 1, sizeof *offsets);
    uint64_t size;
    uint64_t align;
    int status = offsets ? 0 : -1;
    if (offsets) {
        note_config_layout(note, offsets, &size, &align);
    }
    for (size_t i = 0; status == 0 && i < note->key_count; i++) {
        struct member member = {note->keys[i].kind, (char *)(uintptr_t)body + offsets[i]};
        if (is_text(member.kind) || member.kind == NOTE_OPTION_LIST) {
            status = each(context, &member);
        }
    }
    mem_free(offsets);
    return status;
}

static int add_member(void *context, const struct member *member) {
    struct str *out = context;
    const struct troupe_strs *list = member->at;
    if (is_text(member->kind)) {
        const struct troupe_str *text = member->at;
        sheet_add_bytes(out, text->data, text->size);
        return 0;
    }
    sheet_add_number(out, list->count);
    for (uint64_t i = 0; i < list->count; i++) {
        sheet_add_bytes(out, list->items[i].data, list->items[i].size);
    }
    return 0;
}

void sheet_add_config(struct str *out, const struct note_config *note, const void *body) {
    uint64_t size;
    uint64_t align;
    note_config_layout(note, NULL, &size, &align);
    sheet_add_bytes(out, body, size);
    if (each_member(note, body, add_member, out) < 0) {
        out->failed = true;
    }
}

struct config_reader {
    struct sheet_reader *reader;
    struct heap *heap;
};

/* A copy of its own, ended by a NUL. */
static int read_text(struct config_reader *r, struct troupe_str *ret) {
    uint64_t size;
    const void *bytes = sheet_bytes(r->reader, &size);
    char *copy = r->reader->failed ? NULL : heap_alloc(r->heap, size + 1);
    if (!copy) {
        return -1;
    }
    memcpy(copy, bytes, size);
    *ret = troupe_str_n(copy, size);
    return 0;
}

static int read_member(void *context, const struct member *member) {
    struct config_reader *r = context;
    if (is_text(member->kind)) {
        return read_text(r, member->at);
    }
    uint64_t count = sheet_number(r->reader);
    uint64_t left = (uint64_t)(r->reader->end - r->reader->at);
    struct troupe_str *items =
        count <= left ? heap_alloc(r->heap, (count + 1) * sizeof *items) : NULL;
    for (uint64_t i = 0; items && i < count; i++) {
        if (read_text(r, &items[i]) < 0) {
            return -1;
        }
    }
    *(struct troupe_strs *)member->at = (struct troupe_strs){items, count};
    return items ? 0 : -1;
}

int sheet_read_config(struct sheet_reader *reader, const struct note_config *note, void *to,
                      uint64_t room, struct heap *heap) {
    uint64_t expected;
    uint64_t align;
    uint64_t size;
    note_config_layout(note, NULL, &expected, &align);
    const void *body = sheet_bytes(reader, &size);
    if (reader->failed || size != expected || size > room) {
        return -1;
    }
    memcpy(to, body, size);
    struct config_reader r = {reader, heap};
    return each_member(note, to, read_member, &r);
}
