/* The host's log: levels, text or JSON, one line a record, to a sink. [any]
 *
 * Text on a terminal is coloured by level, elsewhere plain: "12:04:05.123 info  tail: opened 'x'".
 * JSON: {"time":"2026-11-22T12:04:05.123Z","level":"info","actor":"p/tail[0]","text":"..."}.
 * Only app, cli, control and supervise log above debug; lower layers return errors. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* `actor` may be NULL; `text` is not escaped. */
typedef void log_sink(void *context, enum log_level level, const char *actor, const char *text,
                      uint64_t size);

struct log {
    _Atomic int level; /* records above it are dropped before they are formatted */
    enum log_format format;
    bool colour;
    int fd; /* a record is one write() */
    struct clock *clock;
    log_sink *sink; /* NULL: the fd. Else it gets each record instead, by the thread that logs */
    void *context;
};

void log_init(struct log *log, int fd, enum log_level level, enum log_format format,
              struct clock *clock);
/* The same, with records for `sink`. */
void log_init_sink(struct log *log, log_sink *sink, void *context, enum log_level level);
static inline bool log_wants(struct log *log, enum log_level level) {
    return (int)level <= __atomic_load_n((int *)&log->level, __ATOMIC_RELAXED);
}
/* `actor` may be NULL. A record longer than 4096 bytes is cut; control characters are escaped. */
__attribute__((format(printf, 4, 5))) void log_write(struct log *log, enum log_level level,
                                                     const char *actor, const char *format, ...);
void log_write_n(struct log *log, enum log_level level, const char *actor, const char *text,
                 uint64_t size);
const char *log_level_text(enum log_level level);
/* -1 when `text` names no level. */
int log_level_parse(const char *text);
