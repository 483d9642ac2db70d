/* The host of a probe; see prober.h. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "plugin/saved.h"
#include "prober/prober.h"

static struct trial_turn *trial_of(struct troupe_turn *turn) {
    return (struct trial_turn *)(void *)turn; /* its first member */
}

void trial_init(struct trial_turn *t, const struct troupe_host *host) {
    *t = (struct trial_turn){.turn.host = host, .context.size = sizeof t->context};
    heap_init(&t->heap, 0);
    scratch_init(&t->scratch);
}

void trial_fini(struct trial_turn *t) {
    heap_fini(&t->heap);
    scratch_fini(&t->scratch);
}

void trial_begin(struct trial_turn *t, uint64_t uid, struct troupe_str name) {
    heap_fini(&t->heap);
    scratch_reset(&t->scratch);
    t->context.self.uid = uid;
    t->context.name = name;
    t->failed = false;
    t->status = TROUPE_OK;
    t->text[0] = '\0';
}

/* --- real --- */

static const void *extension(const struct troupe_host *host, struct troupe_str id) {
    (void)host;
    (void)id;
    return NULL;
}

static const struct troupe_context *context(struct troupe_turn *turn) {
    return &trial_of(turn)->context;
}

static void *alloc(struct troupe_turn *turn, uint64_t size) {
    return heap_alloc(&trial_of(turn)->heap, size);
}

static void *resize(struct troupe_turn *turn, void *memory, uint64_t size) {
    return heap_resize(&trial_of(turn)->heap, memory, size);
}

static int32_t fail(struct troupe_turn *turn, int32_t status, struct troupe_str text) {
    struct trial_turn *t = trial_of(turn);
    t->status = status < 0 ? status : TROUPE_ERROR;
    if (!t->failed) {
        t->failed = true;
        (void)snprintf(t->text, sizeof t->text, "%.*s", TROUPE_STR_ARG(text));
    }
    return t->status;
}

static void free_memory(struct troupe_turn *turn, void *memory) {
    if (memory && heap_free(&trial_of(turn)->heap, memory) < 0) {
        (void)fail(turn, TROUPE_INVALID,
                   troupe_str("freed memory that is not a live block of this actor"));
    }
}

static void *scratch(struct troupe_turn *turn, uint64_t size) {
    return scratch_alloc(&trial_of(turn)->scratch, size);
}

static int64_t read_clock(clockid_t clock) {
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t now(struct troupe_turn *turn) {
    (void)turn;
    return (uint64_t)read_clock(CLOCK_MONOTONIC);
}

static int64_t time_of_day(struct troupe_turn *turn) {
    (void)turn;
    return read_clock(CLOCK_REALTIME);
}

/* --- accepted --- */

static int32_t send(struct troupe_turn *turn, uint32_t port, const void *body) {
    (void)turn;
    (void)port;
    (void)body;
    return TROUPE_OK;
}

static int32_t send_to(struct troupe_turn *turn, uint32_t port, struct troupe_ref to,
                       const void *body) {
    (void)to;
    return send(turn, port, body);
}

static int32_t forward(struct troupe_turn *turn, uint32_t port, const struct troupe_any *message) {
    (void)turn;
    (void)port;
    (void)message;
    return TROUPE_INVALID; /* there is none in hand, or kept */
}

static const struct troupe_any *keep(struct troupe_turn *turn) {
    (void)turn;
    return NULL;
}

static void drop(struct troupe_turn *turn, const struct troupe_any *kept) {
    (void)turn;
    (void)kept;
}

static uint64_t ask(struct troupe_turn *turn, uint32_t port, const void *body,
                    uint64_t timeout_ns) {
    (void)port;
    (void)body;
    (void)timeout_ns;
    return ++trial_of(turn)->numbers;
}

static uint64_t ask_to(struct troupe_turn *turn, uint32_t port, struct troupe_ref to,
                       const void *body, uint64_t timeout_ns) {
    (void)to;
    return ask(turn, port, body, timeout_ns);
}

static int32_t answer(struct troupe_turn *turn, uint32_t port, struct troupe_once request,
                      int32_t status, struct troupe_str text, const void *body) {
    (void)request;
    (void)status;
    (void)text;
    return send(turn, port, body);
}

static struct troupe_ref own_port(struct troupe_turn *turn, uint32_t port) {
    return (struct troupe_ref){trial_of(turn)->context.self.uid, port + 1};
}

static struct troupe_ref port_of(struct troupe_turn *turn, struct troupe_ref actor,
                                 struct troupe_str port) {
    (void)turn;
    (void)port;
    return (struct troupe_ref){actor.uid, 1};
}

static struct troupe_ref spawn(struct troupe_turn *turn, uint32_t port,
                               const struct troupe_spawn *how) {
    (void)port;
    (void)how;
    return (struct troupe_ref){++trial_of(turn)->numbers, 0};
}

static int32_t stop_child(struct troupe_turn *turn, struct troupe_ref child, bool drain) {
    (void)turn;
    (void)child;
    (void)drain;
    return TROUPE_OK;
}

static int32_t do_nothing(struct troupe_turn *turn) {
    (void)turn;
    return TROUPE_OK;
}

static int32_t start_timer(struct troupe_turn *turn, uint32_t port, uint64_t first_ns,
                           uint64_t period_ns) {
    (void)first_ns;
    (void)period_ns;
    return send(turn, port, NULL);
}

static int32_t stop_timer(struct troupe_turn *turn, uint32_t port) {
    return send(turn, port, NULL);
}

static int32_t watch(struct troupe_turn *turn, uint32_t port, int32_t fd, uint32_t events) {
    (void)fd;
    (void)events;
    return send(turn, port, NULL);
}

static int32_t unwatch(struct troupe_turn *turn, uint32_t port, int32_t fd) {
    (void)fd;
    return send(turn, port, NULL);
}

static int32_t wait(struct troupe_turn *turn, struct troupe_pollfd *fds, uint64_t count,
                    uint64_t timeout_ns) {
    (void)turn;
    (void)fds;
    (void)count;
    (void)timeout_ns;
    return TROUPE_UNSUPPORTED;
}

static void log_line(struct troupe_turn *turn, uint32_t level, struct troupe_str text) {
    (void)turn;
    (void)level;
    (void)text;
}

static int32_t publish(struct troupe_turn *turn, struct troupe_str name,
                       const struct troupe_value *value) {
    (void)name;
    return send(turn, 0, value);
}

static int32_t read_field(const struct troupe_any *message, struct troupe_str field,
                          struct troupe_value *ret) {
    (void)message;
    (void)field;
    (void)ret;
    return TROUPE_NOT_FOUND;
}

static struct troupe_str to_json(struct troupe_turn *turn, const struct troupe_any *message) {
    (void)turn;
    (void)message;
    return (struct troupe_str){NULL, 0};
}

static int32_t take_fd(struct troupe_turn *turn, int32_t fd) {
    (void)turn;
    (void)fd;
    return TROUPE_OK;
}

void trial_host(struct troupe_host *ret) {
    *ret = (struct troupe_host){
        .size = sizeof *ret,
        .abi_major = TROUPE_ABI_MAJOR,
        .abi_minor = TROUPE_ABI_MINOR,
        .version = troupe_str(TROUPE_VERSION_TEXT),
        .extension = extension,
        .context = context,
        .send = send,
        .send_to = send_to,
        .forward = forward,
        .keep = keep,
        .drop = drop,
        .ask = ask,
        .ask_to = ask_to,
        .answer = answer,
        .own_port = own_port,
        .port_of = port_of,
        .spawn = spawn,
        .stop_child = stop_child,
        .stop = do_nothing,
        .start_timer = start_timer,
        .stop_timer = stop_timer,
        .watch = watch,
        .unwatch = unwatch,
        .wait = wait,
        .commit = do_nothing,
        .alloc = alloc,
        .resize = resize,
        .free = free_memory,
        .scratch = scratch,
        .fail = fail,
        .log = log_line,
        .publish = publish,
        .read = read_field,
        .to_json = to_json,
        .now = now,
        .time_of_day = time_of_day,
        .own_fd = take_fd,
        .close_fd = take_fd,
    };
    saved_fill(ret);
}
