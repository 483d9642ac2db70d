/* The host's log: one record, one line, one write; see log.h. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define RECORD_MAX 4096

static const char *const level_texts[] = {"error", "warn", "info", "debug"};

/* A line being put together on the stack: logging works when there is no memory left. The newline
 * and what closes the record always fit. */
struct line {
    char data[RECORD_MAX];
    size_t size;
    size_t limit;
};

static void line_add_n(struct line *line, const char *data, size_t size) {
    if (size <= line->limit - line->size) {
        memcpy(line->data + line->size, data, size);
        line->size += size;
    } else {
        line->limit = line->size; /* cut here: nothing shorter slips in behind the gap */
    }
}

static void line_add(struct line *line, const char *text) {
    line_add_n(line, text, strlen(text));
}

/* What must not be cut: `limit` leaves room for it. */
static void line_close(struct line *line, const char *text) {
    line->limit = sizeof line->data;
    line_add(line, text);
}

static bool is_plain(unsigned char c, bool json) {
    return c >= 0x20 && c != 0x7f && !(json && (c == '"' || c == '\\'));
}

/* Length of the UTF-8 sequence at `data`, 0 when it is none. */
static size_t utf8_size(const unsigned char *data, size_t size) {
    unsigned char c = data[0];
    size_t n = c < 0x80                ? 1
               : c >= 0xc2 && c < 0xe0 ? 2
               : (c & 0xf0) == 0xe0    ? 3
               : c >= 0xf0 && c < 0xf5 ? 4
                                       : 0;
    if (n == 0 || n > size) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((data[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool is_overlong = (c == 0xe0 && data[1] < 0xa0) || (c == 0xf0 && data[1] < 0x90);
    bool is_surrogate = c == 0xed && data[1] >= 0xa0;
    bool is_too_high = c == 0xf4 && data[1] >= 0x90;
    return is_overlong || is_surrogate || is_too_high ? 0 : n;
}

static void line_add_escape(struct line *line, unsigned char c, bool json) {
    char escape[8];
    const char *name = c == '\n'   ? "\\n"
                       : c == '\t' ? "\\t"
                       : c == '\r' ? "\\r"
                       : c == '"'  ? "\\\""
                       : c == '\\' ? "\\\\"
                                   : NULL;
    if (!name) {
        (void)snprintf(escape, sizeof escape, json ? "\\u%04x" : "\\x%02x", c);
    }
    line_add(line, name ? name : escape);
}

/* Text from outside: control characters and, in JSON, what JSON asks for are escaped; a byte that
 * is no UTF-8 shows as an escape in text and as U+FFFD in JSON, which has no way to write it. */
static void line_add_escaped(struct line *line, const char *text, size_t size, bool json) {
    const unsigned char *data = (const unsigned char *)text;
    for (size_t i = 0; i < size;) {
        size_t n = utf8_size(data + i, size - i);
        if (n == 0 && json) {
            line_add(line, "\xef\xbf\xbd");
        } else if (n == 0 || (n == 1 && !is_plain(data[i], json))) {
            line_add_escape(line, data[i], json);
        } else {
            line_add_n(line, text + i, n);
        }
        i += n ? n : 1;
    }
}

static void format_time(struct clock *clock, const char *format, bool utc, char *ret, size_t room) {
    int64_t wall = clock->wall(clock);
    int64_t part = wall % (int64_t)NS_PER_S;
    time_t seconds = (time_t)(wall / (int64_t)NS_PER_S - (part < 0 ? 1 : 0));
    part += part < 0 ? (int64_t)NS_PER_S : 0;
    struct tm tm;
    if (utc) {
        (void)gmtime_r(&seconds, &tm);
    } else {
        (void)localtime_r(&seconds, &tm);
    }
    size_t used = strftime(ret, room, format, &tm);
    (void)snprintf(ret + used, room - used, ".%03d%s", (int)(part / (int64_t)NS_PER_MS),
                   utc ? "Z" : "");
}

static void line_json(struct line *line, struct log *log, enum log_level level, const char *actor,
                      const char *text, uint64_t size) {
    char time[48];
    format_time(log->clock, "%Y-%m-%dT%H:%M:%S", true, time, sizeof time);
    line_add(line, "{\"time\":\"");
    line_add(line, time);
    line_add(line, "\",\"level\":\"");
    line_add(line, log_level_text(level));
    if (actor) {
        line_add(line, "\",\"actor\":\"");
        size_t whole = strlen(actor);
        line_add_escaped(line, actor, whole > RECORD_MAX / 4 ? RECORD_MAX / 4 : whole, true);
    }
    line_add(line, "\",\"text\":\"");
    line_add_escaped(line, text, size, true);
    line_close(line, "\"}\n");
}

static void line_text(struct line *line, struct log *log, enum log_level level, const char *actor,
                      const char *text, uint64_t size) {
    static const char *const colours[] = {"\033[31m", "\033[33m", "\033[32m", "\033[2m"};
    char time[48];
    format_time(log->clock, "%H:%M:%S", false, time, sizeof time);
    line_add(line, time);
    line_add(line, log->colour ? colours[level] : "");
    char padded[16];
    (void)snprintf(padded, sizeof padded, " %-5s", log_level_text(level));
    line_add(line, padded);
    line_add(line, log->colour ? "\033[0m " : " ");
    if (actor) {
        line_add_escaped(line, actor, strlen(actor), false);
        line_add(line, ": ");
    }
    line_add_escaped(line, text, size, false);
    line_close(line, "\n");
}

/* A log that cannot be written is nobody's business who logs: there is no one to tell. */
static void line_write(const struct line *line, int fd) {
    size_t done = 0;
    while (done < line->size) {
        ssize_t n = write(fd, line->data + done, line->size - done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return;
        }
        done += (size_t)n;
    }
}

void log_init(struct log *log, int fd, enum log_level level, enum log_format format,
              struct clock *clock) {
    log->level = (int)level;
    log->format = format;
    log->colour = format == LOG_TEXT && isatty(fd);
    log->fd = fd;
    log->clock = clock;
    log->sink = NULL;
    log->context = NULL;
}

void log_init_sink(struct log *log, log_sink *sink, void *context, enum log_level level) {
    log_init(log, -1, level, LOG_TEXT, NULL);
    log->sink = sink;
    log->context = context;
}

void log_write(struct log *log, enum log_level level, const char *actor, const char *format, ...) {
    if (!log_wants(log, level)) {
        return;
    }
    char text[RECORD_MAX];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (size >= 0) {
        size_t fits = (size_t)size < sizeof text ? (size_t)size : sizeof text - 1;
        log_write_n(log, level, actor, text, fits);
    }
}

void log_write_n(struct log *log, enum log_level level, const char *actor, const char *text,
                 uint64_t size) {
    if (!log_wants(log, level)) {
        return;
    }
    if (log->sink) {
        log->sink(log->context, level, actor, text, size);
        return;
    }
    struct line line;
    line.size = 0;
    line.limit = sizeof line.data - sizeof "\"}\n";
    int saved = errno;
    if (log->format == LOG_JSON) {
        line_json(&line, log, level, actor, text, size);
    } else {
        line_text(&line, log, level, actor, text, size);
    }
    line_write(&line, log->fd);
    errno = saved;
}

const char *log_level_text(enum log_level level) {
    return (unsigned)level < sizeof level_texts / sizeof *level_texts ? level_texts[level]
                                                                      : "unknown";
}

int log_level_parse(const char *text) {
    for (size_t i = 0; i < sizeof level_texts / sizeof *level_texts; i++) {
        if (strcmp(text, level_texts[i]) == 0) {
            return (int)i;
        }
    }
    return -1;
}
