/* The texts of the files a manifest was read from: reading, lines, places. */
#include "manifest/source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"

#define SOURCE_LIMIT ((size_t)64 * 1024 * 1024)

static int read_all(int fd, const char *path, struct str *out, struct err *err) {
    char block[16384];
    for (;;) {
        ssize_t got = read(fd, block, sizeof block);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_errno(err, ERR_IO, errno, "cannot read '%s'", path);
        }
        if (got == 0) {
            return out->failed ? err_set(err, ERR_NOMEM, "cannot read '%s'", path) : 0;
        }
        str_add_n(out, block, (size_t)got);
        if (out->size > SOURCE_LIMIT) {
            return err_set(err, ERR_INVALID, "'%s' is larger than 64 MiB", path);
        }
    }
}

static int read_file(struct source *source, struct str *out, struct arena *arena, struct err *err) {
    int fd = open(source->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_errno(err, ERR_IO, errno, "cannot open '%s'", source->path);
    }
    int status = read_all(fd, source->path, out, err);
    (void)close(fd);
    char real[PATH_MAX];
    source->identity = realpath(source->path, real) ? arena_text(arena, real) : source->path;
    return status;
}

static int read_text(struct source *source, struct str *out, const struct manifest_options *options,
                     struct arena *arena, struct err *err) {
    for (size_t i = 0; options && i < options->text_count; i++) {
        const struct manifest_text *text = &options->texts[i];
        if (strcmp(text->path, source->path) == 0) {
            str_add_n(out, text->data, text->size);
            source->identity = text->path;
            return out->failed ? err_set(err, ERR_NOMEM, "cannot read '%s'", text->path) : 0;
        }
    }
    return !options || !options->texts || options->files_too
               ? read_file(source, out, arena, err)
               : err_errno(err, ERR_IO, ENOENT, "cannot open '%s'", source->path);
}

/* YAML's line breaks, so that our lines are the parser's: \n, \r\n, \r, NEL, LS, PS. */
static size_t break_size(const char *at, size_t left) {
    if (*at == '\n') {
        return 1;
    }
    if (*at == '\r') {
        return left > 1 && at[1] == '\n' ? 2 : 1;
    }
    if (left > 1 && memcmp(at, "\xc2\x85", 2) == 0) {
        return 2;
    }
    if (left > 2 && (memcmp(at, "\xe2\x80\xa8", 3) == 0 || memcmp(at, "\xe2\x80\xa9", 3) == 0)) {
        return 3;
    }
    return 0;
}

static void find_lines(struct source *source, uint32_t *lines) {
    uint32_t count = 1; /* the first begins at 0 */
    for (size_t i = 0; i < source->size;) {
        size_t size = break_size(source->text + i, source->size - i);
        i += size ? size : 1;
        if (size && lines) {
            lines[count] = (uint32_t)i;
        }
        count += size ? 1 : 0;
    }
    source->line_count = count;
}

static int add_source(struct manifest_sources *sources, struct source *source) {
    if (sources->count == sources->room) {
        size_t room = sources->room ? sources->room * 2 : 8;
        struct source **items = arena_array(sources->arena, room, sizeof *items);
        if (!items) {
            return -1;
        }
        if (sources->count) {
            memcpy(items, sources->items, sources->count * sizeof *items);
        }
        sources->items = items;
        sources->room = room;
    }
    sources->items[sources->count++] = source;
    return 0;
}

static int keep_text(struct manifest_sources *sources, struct source *source,
                     const struct str *text) {
    const char *data = str_text(text);
    size_t size = text->size;
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        data += 3;
        size -= 3;
    }
    source->text = arena_text_n(sources->arena, data, size);
    source->size = size;
    if (!source->text) {
        return -1;
    }
    find_lines(source, NULL);
    source->lines = arena_array(sources->arena, source->line_count, sizeof *source->lines);
    if (!source->lines) {
        return -1;
    }
    find_lines(source, source->lines);
    return add_source(sources, source);
}

int source_read(struct manifest_sources *sources, const char *path,
                const struct manifest_options *options, struct source **ret, struct err *err) {
    struct source *source = arena_alloc(sources->arena, sizeof *source);
    if (!source || !(source->path = arena_text(sources->arena, path))) {
        return err_set(err, ERR_NOMEM, "cannot read '%s'", path);
    }
    struct str text;
    str_init(&text);
    int status = read_text(source, &text, options, sources->arena, err);
    if (status == 0 && keep_text(sources, source, &text) < 0) {
        status = err_set(err, ERR_NOMEM, "cannot read '%s'", path);
    }
    str_fini(&text);
    if (status == 0) {
        *ret = source;
    }
    return status;
}

const struct source *source_find(const struct manifest_sources *sources, const char *path,
                                 size_t *ret_index) {
    for (size_t i = 0; sources && path && i < sources->count; i++) {
        if (sources->items[i]->path == path) {
            *ret_index = i;
            return sources->items[i];
        }
    }
    return NULL;
}

const char *source_line(const struct source *source, uint32_t line, size_t *ret_size) {
    *ret_size = 0;
    if (line == 0 || line > source->line_count) {
        return "";
    }
    size_t begin = source->lines[line - 1];
    size_t size = 0;
    while (begin + size < source->size &&
           !break_size(source->text + begin + size, source->size - begin - size)) {
        size++;
    }
    *ret_size = size;
    return source->text + begin;
}

const char *source_at(const struct source *source, uint32_t line, uint32_t column) {
    size_t size;
    const char *at = source_line(source, line, &size);
    const char *end = at + size;
    for (uint32_t i = 1; i < column && at < end; i++) {
        at += utf8_step(at, (size_t)(end - at));
    }
    return at;
}

struct mark source_mark(const struct source *source, size_t offset) {
    uint32_t low = 0;
    uint32_t high = source->line_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (source->lines[middle] <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    struct mark mark = {source->path, low + 1, 1};
    size_t at = source->lines[low];
    while (at < offset && at < source->size) {
        at += utf8_step(source->text + at, source->size - at);
        mark.column++;
    }
    return mark;
}

size_t utf8_step(const char *text, size_t size) {
    unsigned char first = (unsigned char)*text;
    size_t want = first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 1;
    if (want > size) {
        return 1;
    }
    for (size_t i = 1; i < want; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80) {
            return 1;
        }
    }
    return want;
}

char *path_join(struct arena *arena, const char *folder, const char *name) {
    if (name[0] == '/' || strcmp(folder, ".") == 0) {
        return arena_text(arena, name);
    }
    size_t folder_size = strlen(folder);
    bool slash = folder_size && folder[folder_size - 1] == '/';
    size_t name_size = strlen(name);
    char *path = arena_alloc(arena, folder_size + name_size + 2);
    if (path) {
        memcpy(path, folder, folder_size);
        path[folder_size] = '/';
        memcpy(path + folder_size + (slash ? 0 : 1), name, name_size + 1);
    }
    return path;
}

char *path_folder(struct arena *arena, const char *file) {
    const char *slash = strrchr(file, '/');
    if (!slash) {
        return arena_text(arena, ".");
    }
    return arena_text_n(arena, file, slash == file ? 1 : (size_t)(slash - file));
}

char *path_beside(struct arena *arena, const char *file, const char *name) {
    char *folder = path_folder(arena, file);
    return folder ? path_join(arena, folder, name) : NULL;
}
