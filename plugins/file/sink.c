/* file.Sink: writes records to a file or to the standard output, one a line. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <troupe/troupe.h>

/* So much is gathered before it is written, at most for the time `flush`. */
#define SINK_BUFFER (64u * 1024)

#define SINK_CONFIG(C)                                                                             \
    C(path, path, "-", "the file to write; - is the standard output")                              \
    C(enum, format, json, "json: the whole record; text: its field text", "json|text")             \
    C(bool, append, true, "false: empty the file first, also after a restart")                     \
    C(duration, flush, 10ms, "how long a record may wait for others; 0s: not at all", "0s..1h")
TROUPE_CONFIG(sink_config, SINK_CONFIG);

enum { SINK_JSON, SINK_TEXT };

struct sink_buffer {
    char *data;
    uint64_t size, capacity;
};

struct sink {
    struct sink_config config;
    int32_t fd;
    bool failed; /* a write has: cleanup does not try again */
    uint64_t records;
    struct sink_buffer out;
    struct sink_buffer last; /* what came to the port `last` */
};

#define SINK(P)                                                                                    \
    P(config, sink, sink_config)                                                                   \
    P(any, sink, record)                                                                           \
    P(any, sink, last)                                                                             \
    P(timer, sink, flush)                                                                          \
    P(init, sink)                                                                                  \
    P(cleanup, sink)                                                                               \
    P(option, sink, own_thread)                                                                    \
    P(option, sink, touches_world)
TROUPE_ACTOR(sink, "file.Sink", SINK);

static bool sink_is_standard_output(const struct sink *self) {
    return strcmp(self->config.path.data, "-") == 0;
}

static int sink_fail(struct troupe_turn *t, struct sink *self, const char *what) {
    const char *why = strerror(errno);
    self->failed = true;
    return sink_is_standard_output(self)
               ? troupe_fail(t, "cannot %s the standard output: %s", what, why)
               : troupe_fail(t, "cannot %s '%s': %s", what, self->config.path.data, why);
}

static int sink_init(struct troupe_turn *t, struct sink *self) {
    if (sink_is_standard_output(self)) {
        self->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    } else {
        int how = O_WRONLY | O_CREAT | O_CLOEXEC | (self->config.append ? O_APPEND : O_TRUNC);
        self->fd = open(self->config.path.data, how, 0666);
    }
    return self->fd < 0 ? sink_fail(t, self, "open") : 0;
}

/* Whether to try again after errno: waits for a full pipe that somebody made non-blocking, and
 * gives up only when the actor is told to stop while the reader takes nothing. */
static bool sink_may_go_on(struct troupe_turn *t, const struct sink *self) {
    int why = errno;
    if (why != EINTR && why != EAGAIN && why != EWOULDBLOCK) {
        return false;
    }
    if (why != EINTR) {
        struct pollfd room = {.fd = self->fd, .events = POLLOUT};
        why = poll(&room, 1, -1) < 0 ? errno : 0;
    }
    bool stopping = why == EINTR && t->host->wait(t, NULL, 0, 0) == TROUPE_STOPPING;
    errno = EINTR;
    return !stopping;
}

static int sink_write(struct troupe_turn *t, struct sink *self, const char *data, uint64_t size) {
    while (size > 0) {
        ssize_t wrote = write(self->fd, data, size);
        if (wrote >= 0) {
            data += wrote;
            size -= (uint64_t)wrote;
        } else if (!sink_may_go_on(t, self)) {
            return sink_fail(t, self, "write to");
        }
    }
    return 0;
}

static int sink_flush(struct troupe_turn *t, struct sink *self) {
    uint64_t size = self->out.size;
    self->out.size = 0;
    return sink_write(t, self, self->out.data, size);
}

static int sink_grow(struct troupe_turn *t, struct sink_buffer *b, uint64_t size) {
    if (b->capacity - b->size >= size) {
        return 0;
    }
    uint64_t capacity = b->capacity ? b->capacity : 4096;
    while (capacity - b->size < size) {
        capacity *= 2;
    }
    char *data = t->host->resize(t, b->data, capacity);
    if (!data) {
        return troupe_fail(t, "no memory for a record of %llu bytes", (unsigned long long)size);
    }
    b->data = data;
    b->capacity = capacity;
    return 0;
}

/* The line a record becomes; false when there was no memory. With format text, a record that has no
 * text is written whole. */
static bool sink_line(struct troupe_turn *t, const struct sink *self,
                      const struct troupe_any *record, struct troupe_str *ret) {
    struct troupe_value value;
    if (self->config.format == SINK_TEXT &&
        t->host->read(record, troupe_str("text"), &value) == 0 &&
        (value.kind == TROUPE_KIND_str || value.kind == TROUPE_KIND_bytes)) {
        *ret = value.s;
        return true;
    }
    *ret = t->host->to_json(t, record);
    return ret->size > 0;
}

/* Appends the record as one line. */
static int sink_add(struct troupe_turn *t, struct sink *self, const struct troupe_any *record,
                    struct sink_buffer *b) {
    struct troupe_str line;
    if (!sink_line(t, self, record, &line)) {
        return troupe_fail(t, "no memory to write a record as JSON");
    }
    int status = sink_grow(t, b, line.size + 1);
    if (status < 0) {
        return status;
    }
    if (line.size > 0) {
        memcpy(b->data + b->size, line.data, line.size);
    }
    b->data[b->size + line.size] = '\n';
    b->size += line.size + 1;
    self->records++;
    return 0;
}

static int sink_on_record(struct troupe_turn *t, struct sink *self,
                          const struct troupe_any *record) {
    bool is_first = self->out.size == 0;
    int status = sink_add(t, self, record, &self->out);
    if (status < 0) {
        return status;
    }
    if (self->config.flush == 0 || self->out.size >= SINK_BUFFER) {
        return sink_flush(t, self);
    }
    return is_first ? sink_start_flush(t, self->config.flush, 0) : 0;
}

static int sink_on_last(struct troupe_turn *t, struct sink *self, const struct troupe_any *record) {
    return sink_add(t, self, record, &self->last);
}

static int sink_on_flush(struct troupe_turn *t, struct sink *self, const struct troupe_tick *tick) {
    (void)tick;
    return sink_flush(t, self);
}

static int sink_cleanup(struct troupe_turn *t, struct sink *self) {
    int status = 0;
    if (!self->failed) {
        status = sink_flush(t, self);
    }
    if (status == 0 && !self->failed) {
        status = sink_write(t, self, self->last.data, self->last.size);
    }
    (void)troupe_publish_u64(t, "records", self->records);
    bool closed = self->fd < 0 || close(self->fd) == 0;
    self->fd = -1;
    return status == 0 && !closed && !self->failed ? sink_fail(t, self, "close") : status;
}
