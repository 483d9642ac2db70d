/* Findings: collected, sorted, printed with their source lines. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/str.h"
#include "manifest/json.h"
#include "manifest/manifest.h"
#include "manifest/source.h"

#define LINE_SHOWN 160 /* characters of a long source line */
#define LINE_BEFORE 80 /* of them before the caret */

static const char *const severity_words[] = {
    [DIAG_ERROR] = "error", [DIAG_WARNING] = "warning", [DIAG_NOTE] = "note"};
static const char *const severity_colours[] = {
    [DIAG_ERROR] = "\x1b[1;31m", [DIAG_WARNING] = "\x1b[1;33m", [DIAG_NOTE] = "\x1b[1;36m"};

void diags_init(struct diags *diags) {
    *diags = (struct diags){0};
}

void diags_fini(struct diags *diags) {
    for (size_t i = 0; i < diags->count; i++) {
        mem_free(diags->items[i].text);
        mem_free(diags->items[i].hint);
    }
    mem_free(diags->items);
    diags_init(diags);
}

/* A power of two of places; the array grows whenever the count is one. */
static int grow(struct diags *diags) {
    if (diags->count & (diags->count - 1)) {
        return 0;
    }
    size_t room = diags->count ? diags->count * 2 : 1;
    struct diag *items = mem_resize(diags->items, room * sizeof *items);
    if (!items) {
        return -1;
    }
    diags->items = items;
    return 0;
}

/* What stands in a manifest may be anything; a terminal must not obey it. */
static void blank_control(char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            *text = '?';
        }
    }
}

void diags_add(struct diags *diags, enum diag_severity severity, struct mark mark,
               const char *format, ...) {
    struct str text;
    str_init(&text);
    va_list args;
    va_start(args, format);
    str_addv(&text, format, args);
    va_end(args);
    char *taken = str_take(&text);
    str_fini(&text);
    diags->errors += severity == DIAG_ERROR ? 1 : 0;
    if (!taken || grow(diags) < 0) {
        mem_free(taken);
        diags->failed = true;
        return;
    }
    blank_control(taken);
    err_shorten(taken);
    diags->items[diags->count++] = (struct diag){severity, mark, taken, NULL};
}

void diags_hint(struct diags *diags, const char *hint) {
    if (!diags->failed) {
        struct diag *last = &diags->items[diags->count - 1];
        last->hint = mem_text(hint);
        diags->failed = !last->hint;
    }
}

struct sorted {
    const struct diag *diag;
    size_t source; /* files in the order read; before them what has none */
};

static int compare(const void *left, const void *right) {
    const struct sorted *a = left;
    const struct sorted *b = right;
    if (a->source != b->source) {
        return a->source < b->source ? -1 : 1;
    }
    if (a->diag->mark.line != b->diag->mark.line) {
        return a->diag->mark.line < b->diag->mark.line ? -1 : 1;
    }
    if (a->diag->mark.column != b->diag->mark.column) {
        return a->diag->mark.column < b->diag->mark.column ? -1 : 1;
    }
    return a->diag < b->diag ? -1 : a->diag > b->diag;
}

static struct sorted *sort(const struct diags *diags) {
    struct sorted *sorted = mem_array(diags->count, sizeof *sorted);
    for (size_t i = 0; sorted && i < diags->count; i++) {
        size_t index = 0;
        bool found = source_find(diags->sources, diags->items[i].mark.file, &index);
        sorted[i] = (struct sorted){&diags->items[i], found ? index + 1 : 0};
    }
    if (sorted) {
        qsort(sorted, diags->count, sizeof *sorted, compare);
    }
    return sorted;
}

static void add_line(struct str *out, const char *at, const char *end) {
    for (size_t i = 0; at < end && i < LINE_SHOWN; i++) {
        size_t step = utf8_step(at, (size_t)(end - at));
        unsigned char c = (unsigned char)*at;
        if ((c < ' ' && c != '\t') || c == 0x7f || (step == 1 && c >= 0x80)) {
            str_add_char(out, '?');
        } else {
            str_add_n(out, at, step);
        }
        at += step;
    }
}

/* The line, of a long one the part around the column, and what stands before a caret below it. */
static bool add_excerpt(const struct diags *diags, struct mark mark, struct str *line,
                        struct str *margin) {
    size_t index;
    size_t size;
    const struct source *source = source_find(diags->sources, mark.file, &index);
    if (!source || !mark.line) {
        return false;
    }
    const char *whole = source_line(source, mark.line, &size);
    uint32_t first = mark.column > LINE_SHOWN ? mark.column - LINE_BEFORE : 1;
    const char *begin = source_at(source, mark.line, first);
    const char *target = source_at(source, mark.line, mark.column);
    add_line(line, begin, whole + size);
    while (begin < target) {
        str_add_char(margin, *begin == '\t' ? '\t' : ' ');
        begin += utf8_step(begin, (size_t)(target - begin));
    }
    return true;
}

void diags_each(const struct diags *diags, diags_shown *each, void *context) {
    struct sorted *sorted = sort(diags);
    struct str line;
    struct str margin;
    str_init(&line);
    str_init(&margin);
    for (size_t i = 0; i < diags->count; i++) { /* without memory: as found */
        const struct diag *diag = sorted ? sorted[i].diag : &diags->items[i];
        str_clear(&line);
        str_clear(&margin);
        bool has_line = add_excerpt(diags, diag->mark, &line, &margin);
        each(context, diag, has_line ? str_text(&line) : NULL, str_text(&margin));
    }
    str_fini(&margin);
    str_fini(&line);
    mem_free(sorted);
}

static void add_place(struct str *out, struct mark mark) {
    if (mark.file && mark.line) {
        str_addf(out, "%s:%" PRIu32 ":%" PRIu32 ": ", mark.file, mark.line, mark.column);
    } else if (mark.file) {
        str_addf(out, "%s: ", mark.file);
    }
}

struct printer {
    bool colour;
    struct str *out;
};

static void print_one(void *context, const struct diag *diag, const char *line,
                      const char *margin) {
    const struct printer *printer = context;
    bool colour = printer->colour;
    add_place(printer->out, diag->mark);
    str_addf(printer->out, "%s%s:%s %s\n", colour ? severity_colours[diag->severity] : "",
             severity_words[diag->severity], colour ? "\x1b[0m" : "", diag->text);
    if (line) {
        str_addf(printer->out, "%s\n%s%s\n", line, margin, colour ? "\x1b[1;32m^\x1b[0m" : "^");
    }
}

void diags_print(const struct diags *diags, bool colour, struct str *out) {
    struct printer printer = {colour, out};
    diags_each(diags, print_one, &printer);
}

static void json_one(const struct diag *diag, struct str *out) {
    str_addf(out, "{\"severity\":\"%s\"", severity_words[diag->severity]);
    if (diag->mark.file) {
        str_add(out, ",\"file\":");
        json_add_text(out, diag->mark.file);
    }
    if (diag->mark.file && diag->mark.line) {
        str_addf(out, ",\"line\":%" PRIu32 ",\"column\":%" PRIu32, diag->mark.line,
                 diag->mark.column);
    }
    str_add(out, ",\"text\":");
    json_add_text(out, diag->text);
    str_add_char(out, '}');
}

void diags_json(const struct diags *diags, struct str *out) {
    struct sorted *sorted = sort(diags);
    str_add_char(out, '[');
    for (size_t i = 0; i < diags->count; i++) {
        str_add(out, i ? ",\n " : "\n ");
        json_one(sorted ? sorted[i].diag : &diags->items[i], out);
    }
    str_add(out, diags->count ? "\n]\n" : "]\n");
    mem_free(sorted);
}
