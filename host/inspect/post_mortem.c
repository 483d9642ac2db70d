/* Reading post-mortem files. */
#include "inspect/post_mortem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "inspect/post_mortem_impl.h"
#include "message/json.h"
#include "message/json_scalar.h"

static const char *const kinds[] = {[POST_MORTEM_ACTOR] = "actor",
                                    [POST_MORTEM_PROCESS] = "process",
                                    [POST_MORTEM_MESSAGE] = "message"};

/* ------------------------------------------------------- reading a file */

static int read_all(int fd, char *data, size_t size, size_t *ret_size) {
    size_t done = 0;
    while (done < size) {
        ssize_t n = read(fd, data + done, size - done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        if (n == 0) {
            break;
        }
        done += (size_t)n;
    }
    *ret_size = done;
    return 0;
}

static int read_open(int fd, const char *path, char **ret, size_t *ret_size, struct err *err) {
    struct stat info;
    if (fstat(fd, &info) < 0) {
        return err_errno(err, ERR_IO, errno, "cannot read '%s'", path);
    }
    if (!S_ISREG(info.st_mode)) {
        return err_set(err, ERR_IO, "cannot read '%s': it is no file", path);
    }
    if (info.st_size > POST_MORTEM_SIZE_MAX) {
        return err_set(err, ERR_INVALID, "'%s' is no post-mortem: it has more than %u MiB", path,
                       POST_MORTEM_SIZE_MAX >> 20);
    }
    char *data = mem_alloc((size_t)info.st_size + 1);
    if (!data) {
        return err_set(err, ERR_NOMEM, "no memory to read '%s'", path);
    }
    if (read_all(fd, data, (size_t)info.st_size, ret_size) < 0) {
        mem_free(data);
        return err_errno(err, ERR_IO, errno, "cannot read '%s'", path);
    }
    *ret = data;
    return 0;
}

static int read_file(const char *path, char **ret, size_t *ret_size, struct err *err) {
    /* A FIFO must not keep the reader waiting. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return err_errno(err, ERR_IO, errno, "cannot open '%s'", path);
    }
    int status = read_open(fd, path, ret, ret_size, err);
    (void)close(fd);
    return status;
}

/* ------------------------------------------------------- understanding it */

static bool is_number_char(char c) {
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* Adds the number at `at`, in quotes when it is an integer beyond 64 bits signed; returns its size. */
static size_t add_number(struct str *out, const char *at, size_t left) {
    size_t size = 0;
    bool is_integer = true;
    while (size < left && is_number_char(at[size])) {
        is_integer = is_integer && at[size] != '.' && at[size] != 'e' && at[size] != 'E';
        size++;
    }
    bool is_large = is_integer && size >= sizeof "9223372036854775807" - 1;
    str_add(out, is_large ? "\"" : "");
    str_add_n(out, at, size);
    str_add(out, is_large ? "\"" : "");
    return size;
}

/* jansson knows no integers beyond 2^63, messages do: they are shown as they are, as texts. */
static json_t *load_with_large_numbers(const char *data, size_t size) {
    struct str quoted;
    bool in_text = false;
    str_init(&quoted);
    for (size_t i = 0; i < size && !quoted.failed;) {
        if (!in_text && (data[i] == '-' || (data[i] >= '0' && data[i] <= '9'))) {
            i += add_number(&quoted, data + i, size - i);
            continue;
        }
        bool is_escape = in_text && data[i] == '\\' && i + 1 < size;
        in_text = data[i] == '"' ? !in_text : in_text;
        str_add_n(&quoted, data + i, is_escape ? 2 : 1);
        i += is_escape ? 2 : 1;
    }
    json_t *root =
        quoted.failed ? NULL : json_loadb(str_text(&quoted), quoted.size, JSON_ALLOW_NUL, NULL);
    str_fini(&quoted);
    return root;
}

static int fail_json(const json_error_t *error, const char *path, struct err *err) {
    struct str text;
    str_init(&text);
    add_clean(&text, (struct view){error->text, strlen(error->text)}, 200);
    int status = err_set(err, ERR_INVALID, "'%s' is no post-mortem: it is not JSON, line %d: %s",
                         path, error->line, str_text(&text));
    str_fini(&text);
    return status;
}

static int load(const char *data, size_t size, const char *path, json_t **ret, struct err *err) {
    json_error_t error;
    json_t *root = json_loadb(data, size, JSON_ALLOW_NUL, &error);
    if (!root && json_error_code(&error) == json_error_numeric_overflow) {
        root = load_with_large_numbers(data, size);
    }
    if (!root && json_error_code(&error) == json_error_out_of_memory) {
        return err_set(err, ERR_NOMEM, "no memory to read '%s'", path);
    }
    if (!root) {
        return fail_json(&error, path, err);
    }
    *ret = root;
    return 0;
}

/* Sets pm->kind. */
static int check_kind(struct post_mortem *pm, struct err *err) {
    const json_t *format = json_object_get(pm->root, "format");
    struct view kind = view_get(pm->root, "kind");
    if (!json_is_integer(format) || json_integer_value(format) < 1 || kind.size == 0) {
        return err_set(err, ERR_INVALID,
                       "'%s' is no post-mortem: it has no \"format\" and \"kind\"", pm->path);
    }
    if (json_integer_value(format) > 1) {
        return err_set(err, ERR_INVALID,
                       "'%s' is of format %lld, and this program knows 1 only: take a newer one",
                       pm->path, (long long)json_integer_value(format));
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kind.size == strlen(kinds[i]) && memcmp(kind.data, kinds[i], kind.size) == 0) {
            pm->kind = (enum post_mortem_kind)i;
            return 0;
        }
    }
    struct str text;
    str_init(&text);
    add_clean(&text, kind, 40);
    int status = err_set(err, ERR_INVALID, "'%s' is a post-mortem of an unknown kind: '%s'",
                         pm->path, str_text(&text));
    str_fini(&text);
    return status;
}

/* Takes `data`. */
static int make(char *data, size_t size, const char *path, struct post_mortem **ret,
                struct err *err) {
    struct post_mortem *pm = mem_alloc(sizeof *pm);
    char *own_path = mem_text(path);
    if (!pm || !own_path) {
        mem_free(pm);
        mem_free(own_path);
        mem_free(data);
        return err_set(err, ERR_NOMEM, "no memory to read '%s'", path);
    }
    *pm = (struct post_mortem){.path = own_path, .text = data, .size = size};
    if (load(data, size, path, &pm->root, err) < 0 || check_kind(pm, err) < 0) {
        post_mortem_destroy(pm);
        return -1;
    }
    *ret = pm;
    return 0;
}

int post_mortem_read(const char *path, struct post_mortem **ret, struct err *err) {
    char *data = NULL;
    size_t size = 0;
    if (read_file(path, &data, &size, err) < 0) {
        return -1;
    }
    return make(data, size, path, ret, err);
}

int post_mortem_parse(const char *data, size_t size, const char *path, struct post_mortem **ret,
                      struct err *err) {
    char *copy = mem_text_n(data, size);
    if (!copy) {
        return err_set(err, ERR_NOMEM, "no memory to read '%s'", path);
    }
    return make(copy, size, path, ret, err);
}

void post_mortem_destroy(struct post_mortem *pm) {
    if (pm) {
        json_decref(pm->root);
        mem_free(pm->text);
        mem_free(pm->path);
        mem_free(pm);
    }
}

const char *post_mortem_path(const struct post_mortem *pm) {
    return pm->path;
}

int64_t post_mortem_when(const struct post_mortem *pm) {
    static const char *const keys[] = {"failure_occurred_at", "ended_at", "occurred_at", "at"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        int64_t when = time_get(pm->root, keys[i]);
        if (when) {
            return when;
        }
    }
    return 0;
}

/* ------------------------------------------------------- the page, the line */

void post_mortem_text(const struct post_mortem *pm, bool colour, struct str *out) {
    struct paint paint = paint_make(colour);
    switch (pm->kind) {
    case POST_MORTEM_ACTOR:
        actor_text(pm, &paint, out);
        break;
    case POST_MORTEM_PROCESS:
        process_text(pm, &paint, out);
        break;
    case POST_MORTEM_MESSAGE:
        message_text(pm, &paint, out);
        break;
    }
}

static const char *file_name(const struct post_mortem *pm) {
    const char *slash = strrchr(pm->path, '/');
    return slash ? slash + 1 : pm->path;
}

void post_mortem_line(const struct post_mortem *pm, bool colour, struct str *out) {
    struct paint paint = paint_make(colour);
    const char *name = file_name(pm);
    add_local_time(out, post_mortem_when(pm), false);
    str_addf(out, "  %s", paint.bad);
    add_who(out, pm);
    str_addf(out, "%s  ", paint.end);
    add_why(out, pm, 100);
    str_addf(out, "  %s", paint.dim);
    add_clean(out, (struct view){name, strlen(name)}, SIZE_MAX);
    str_addf(out, "%s\n", paint.end);
}

void post_mortem_json(const struct post_mortem *pm, struct str *out) {
    static const char blank[] = " \t\r\n";
    size_t from = 0, to = pm->size;
    while (from < to && strchr(blank, pm->text[from])) {
        from++;
    }
    while (to > from && strchr(blank, pm->text[to - 1])) {
        to--;
    }
    str_add_n(out, pm->text + from, to - from);
}

static void add_text_member(struct str *out, const char *key, const struct str *text) {
    str_addf(out, ", \"%s\": ", key);
    msg_json_add_text(out, str_text(text), text->size);
    out->failed = out->failed || text->failed;
}

void post_mortem_line_json(const struct post_mortem *pm, struct str *out) {
    struct str who, why;
    str_init(&who);
    str_init(&why);
    add_who(&who, pm);
    add_why(&why, pm, 1000);
    str_add(out, "{\"file\": ");
    msg_json_add_text(out, pm->path, strlen(pm->path));
    str_addf(out, ", \"kind\": \"%s\", \"at\": ", kinds[pm->kind]);
    int64_t when = post_mortem_when(pm);
    if (when) {
        json_add_time(out, when);
    } else {
        str_add(out, "null");
    }
    add_text_member(out, "who", &who);
    add_text_member(out, "why", &why);
    str_add_char(out, '}');
    str_fini(&who);
    str_fini(&why);
}
