/* The post-mortem of a process, as a page: written in a signal handler, so its frames have no names yet. */
#include <inttypes.h>
#include <string.h>

#include "inspect/post_mortem_impl.h"

#define FRAMES_SHOWN 128u

static void begin_fact(struct str *out, const struct paint *paint, const char *name) {
    str_addf(out, "  %s%-10s%s", paint->dim, name, paint->end);
}

static void show_fact(struct str *out, const json_t *root, const struct paint *paint,
                      const char *key) {
    struct view view = view_get(root, key);
    if (view.size) {
        begin_fact(out, paint, key);
        add_clean(out, view, 1000);
        str_add_char(out, '\n');
    }
}

static void add_signal(struct str *out, const json_t *root) {
    struct view name = view_get(root, "signal");
    if (name.size) {
        add_clean(out, name, 40);
    } else {
        str_addf(out, "signal %" PRIu64, number_get(root, "signal", 0));
    }
    if (json_object_get(root, "address")) {
        str_add(out, " at address ");
        add_address(out, json_object_get(root, "address"));
    }
}

static struct view module_of(const json_t *frame) {
    struct view module = view_get(frame, "module");
    return module.size ? module : view_get(frame, "file");
}

static void show_frames(struct str *out, const json_t *frames, const struct paint *paint) {
    size_t count = json_array_size(frames);
    if (count == 0) {
        return;
    }
    str_addf(out, "\n%sframes%s, the innermost first\n", paint->title, paint->end);
    for (size_t i = 0; i < count && i < FRAMES_SHOWN; i++) {
        const json_t *frame = json_array_get(frames, i);
        struct view module = module_of(frame);
        str_addf(out, "  #%zu ", i);
        if (module.size) {
            add_clean(out, module, 300);
            str_add(out, " + ");
            add_address(out, json_object_get(frame, "offset"));
        } else {
            add_address(out, json_object_get(frame, "address"));
        }
        str_add_char(out, '\n');
    }
}

/* ------------------------------------------------------- the commands that name them */

static bool is_hex(const json_t *value) {
    const char *text = json_string_value(value);
    if (json_is_integer(value)) {
        return true;
    }
    return text && strncmp(text, "0x", 2) == 0 && text[2] && strlen(text) <= 18 &&
           strlen(text) == json_string_length(value) &&
           strspn(text + 2, "0123456789abcdefABCDEF") == strlen(text + 2);
}

static bool same(struct view a, struct view b) {
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

/* For a shell; a path with characters that are shown escaped cannot be pasted, and gets no command. */
static bool can_quote(struct view path) {
    for (size_t i = 0; i < path.size; i++) {
        unsigned char c = (unsigned char)path.data[i];
        if (c < 0x20 || c >= 0x7f) {
            return false;
        }
    }
    return path.size > 0 && path.size < 4096 && path.data[0] != '-';
}

static void add_quoted(struct str *out, struct view path) {
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-,@%";
    bool is_plain = true;
    for (size_t i = 0; i < path.size; i++) {
        is_plain = is_plain && strchr(plain, path.data[i]);
    }
    str_add(out, is_plain ? "" : "'");
    for (size_t i = 0; i < path.size; i++) {
        if (path.data[i] == '\'') {
            str_add(out, "'\\''");
        } else {
            str_add_char(out, path.data[i]);
        }
    }
    str_add(out, is_plain ? "" : "'");
}

/* Whether a frame before `at` is of the same file. */
static bool had_file(const json_t *frames, size_t at, struct view file) {
    for (size_t i = 0; i < at; i++) {
        if (same(view_get(json_array_get(frames, i), "file"), file)) {
            return true;
        }
    }
    return false;
}

static void add_command(struct str *out, const json_t *frames, size_t from, struct view file) {
    str_add(out, "  addr2line -Cfipe ");
    add_quoted(out, file);
    for (size_t i = from; i < json_array_size(frames) && i < FRAMES_SHOWN; i++) {
        const json_t *frame = json_array_get(frames, i);
        const json_t *offset = json_object_get(frame, "offset");
        if (same(view_get(frame, "file"), file) && is_hex(offset)) {
            str_add_char(out, ' ');
            add_address(out, offset);
        }
    }
    str_add_char(out, '\n');
}

static void show_commands(struct str *out, const json_t *frames, const struct paint *paint) {
    bool any = false;
    for (size_t i = 0; i < json_array_size(frames) && i < FRAMES_SHOWN; i++) {
        const json_t *frame = json_array_get(frames, i);
        struct view file = view_get(frame, "file");
        if (!can_quote(file) || !is_hex(json_object_get(frame, "offset")) ||
            had_file(frames, i, file)) {
            continue;
        }
        if (!any) {
            str_addf(out, "\n%sto see functions and lines%s\n", paint->title, paint->end);
        }
        any = true;
        add_command(out, frames, i, file);
    }
}

void process_text(const struct post_mortem *pm, const struct paint *paint, struct str *out) {
    const json_t *root = pm->root, *frames = array_get(root, "frames");
    str_add(out, paint->title);
    add_who(out, pm);
    str_addf(out, "%s %sdied%s of ", paint->end, paint->bad, paint->end);
    add_signal(out, root);
    str_add(out, "\n\n");
    show_fact(out, root, paint, "why");
    show_fact(out, root, paint, "actor");
    show_fact(out, root, paint, "handler");
    begin_fact(out, paint, "when");
    add_local_time(out, post_mortem_when(pm), true);
    str_add_char(out, '\n');
    show_fact(out, root, paint, "proc");
    show_fact(out, root, paint, "version");
    show_frames(out, frames, paint);
    show_commands(out, frames, paint);
}
