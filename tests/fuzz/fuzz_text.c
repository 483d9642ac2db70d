/* Any bytes, cut into any pieces: the splitter hands out the lines that a plain search for LF finds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct expected { /* what is left, and the number of the next line */
    const char *data;
    size_t size;
    uint64_t number, offset;
    uint64_t max_line;
};

static void expect(bool holds) {
    if (!holds) {
        abort();
    }
}

static void expect_line(struct expected *e, const struct split_line *line) {
    expect(e->size > 0);
    const char *lf = memchr(e->data, '\n', e->size);
    size_t used = lf ? (size_t)(lf - e->data) + 1 : e->size;
    size_t length = lf ? used - 1 : used;
    if (lf && length > 0 && e->data[length - 1] == '\r') {
        length--;
    }
    expect(line->number == ++e->number && line->offset == e->offset);
    expect(line->cut == (length > e->max_line));
    expect(line->text.size == (line->cut ? e->max_line : length));
    expect(memcmp(line->text.data, e->data, line->text.size) == 0);
    e->data += used;
    e->size -= used;
    e->offset += used;
}

/* The first byte chooses max_line, the second how many bytes come at once. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3) {
        return 0;
    }
    uint64_t max_line = 1 + data[0] % 32;
    uint64_t chunk = 1 + data[1] % 32;
    uint64_t capacity = split_capacity(max_line, chunk);
    char *buffer = malloc(capacity);
    expect(buffer != NULL);
    struct split split;
    struct split_line line;
    split_init(&split, buffer, capacity, max_line);
    struct expected e = {(const char *)data + 2, size - 2, 0, 0, max_line};
    for (size_t at = 2; at < size;) {
        uint64_t room;
        char *into = split_room(&split, &room);
        uint64_t part = size - at < chunk ? size - at : chunk;
        expect(room >= chunk);
        memcpy(into, data + at, part);
        split_filled(&split, part);
        at += part;
        while (split_next(&split, &line)) {
            expect_line(&e, &line);
        }
    }
    if (split_rest(&split, &line)) {
        expect_line(&e, &line);
    }
    expect(e.size == 0);
    free(buffer);
    return 0;
}
