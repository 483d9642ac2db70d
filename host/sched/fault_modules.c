/* Which files the frames of a fault lie in: /proc/self/maps, read without the C library's help. */
#include <string.h>
#include <unistd.h>

#include "sched/fault_end.h"

enum field { FIELD_START, FIELD_END, FIELD_RIGHTS, FIELD_OFFSET, FIELD_REST, FIELD_FILE };

/* A line of the file, character by character: it may be longer than any buffer.
 * "7f0000000000-7f0000001000 r-xp 00002000 fe:01 1234      /lib/x.so" */
struct line {
    enum field field;
    uintptr_t start, end, offset;
    size_t length;
    char file[256];
};

static uintptr_t hex_add(uintptr_t number, char digit) {
    unsigned value = digit <= '9' ? (unsigned)(digit - '0') : (unsigned)(digit - 'a' + 10);
    return value < 16 ? number * 16 + value : number;
}

static void line_add(struct line *line, char c) {
    switch (line->field) {
    case FIELD_START:
        if (c == '-') {
            line->field = FIELD_END;
        } else {
            line->start = hex_add(line->start, c);
        }
        break;
    case FIELD_END:
        if (c == ' ') {
            line->field = FIELD_RIGHTS;
        } else {
            line->end = hex_add(line->end, c);
        }
        break;
    case FIELD_RIGHTS:
        line->field = c == ' ' ? FIELD_OFFSET : FIELD_RIGHTS;
        break;
    case FIELD_OFFSET:
        if (c == ' ') {
            line->field = FIELD_REST;
        } else {
            line->offset = hex_add(line->offset, c);
        }
        break;
    case FIELD_REST:
        if (c != '/' && c != '[') {
            break;
        }
        line->field = FIELD_FILE;
        /* fall through */
    case FIELD_FILE:
        if (line->length < sizeof line->file - 1) {
            line->file[line->length++] = c;
        }
        break;
    }
}

/* The parts of a file follow each other; the first tells where it begins. */
static void line_end(struct line *line, struct fault_module *last,
                     const struct fault_report *report, struct fault_modules *ret) {
    line->file[line->length] = '\0';
    if (strcmp(line->file, last->file) != 0) {
        memcpy(last->file, line->file, line->length + 1);
        last->base = line->start - line->offset;
    }
    for (unsigned i = 0; line->length > 0 && i < report->count; i++) {
        if (report->frames[i] < line->start || report->frames[i] >= line->end) {
            continue;
        }
        if (ret->count == 0 || strcmp(ret->modules[ret->count - 1].file, last->file) != 0) {
            if (ret->count == MODULES_MAX) {
                return;
            }
            ret->modules[ret->count++] = *last;
        }
        ret->of[i] = (uint8_t)(ret->count - 1);
    }
    *line = (struct line){.field = FIELD_START};
}

void modules_find(int maps, const struct fault_report *report, struct fault_modules *ret) {
    struct line line = {.field = FIELD_START};
    struct fault_module last = {0};
    char bytes[1024];
    ssize_t got;
    ret->count = 0;
    memset(ret->of, MODULES_MAX, sizeof ret->of);
    if (maps < 0 || lseek(maps, 0, SEEK_SET) != 0) {
        return;
    }
    while ((got = read(maps, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            if (bytes[i] == '\n') {
                line_end(&line, &last, report, ret);
            } else {
                line_add(&line, bytes[i]);
            }
        }
    }
}
