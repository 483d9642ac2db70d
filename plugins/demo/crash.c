/* demo.Crash dies on purpose, in the way its setting names: to see what containment does. */
#define _GNU_SOURCE
#undef NDEBUG
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <troupe/troupe.h>

#define CRASH_COMMAND(F) F(str, kind)
TROUPE_MESSAGE(crash_command, "demo.crash/1", CRASH_COMMAND);

#define CRASH_CONFIG(C)                                                                            \
    C(enum, kind, segv, "how to die",                                                              \
      "error|segv|bus|fpe|ill|abort|overflow|jump|memcpy|free|loop")                               \
    C(int, after, 1, "die at this message; 0: only at a command", "0..")                           \
    C(enum, at, message, "die at a message, or already in init, or only in cleanup",               \
      "message|init|cleanup")
TROUPE_CONFIG(crash_config, CRASH_CONFIG);

enum { CRASH_AT_MESSAGE, CRASH_AT_INIT, CRASH_AT_CLEANUP };

struct crash {
    struct crash_config config;
    int64_t seen;
};

#define CRASH(P)                                                                                   \
    P(config, crash, crash_config)                                                                 \
    P(any, crash, message)                                                                         \
    P(as, crash, passed, message)                                                                  \
    P(in, crash, command, crash_command)                                                           \
    P(init, crash)                                                                                 \
    P(cleanup, crash)
TROUPE_ACTOR(crash, "demo.Crash", CRASH);

static int *volatile nowhere;
static volatile int zero, numerator = 7;
/* A compiler would put the copy of a few bytes in line. */
static void *(*volatile copy)(void *, const void *, size_t) = memcpy;

static int die_error(struct troupe_turn *t) {
    return troupe_fail(t, "asked to fail");
}

static int die_segv(struct troupe_turn *t) {
    (void)t;
    *nowhere = 1;
    return 0;
}

/* A page that no file stands behind. */
static int die_bus(struct troupe_turn *t) {
    int fd = memfd_create("empty", MFD_CLOEXEC);
    volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    (void)close(fd);
    return page == MAP_FAILED ? troupe_fail(t, "no page to die of") : page[0];
}

static int die_fpe(struct troupe_turn *t) {
    (void)t;
    return numerator / zero;
}

static int die_ill(struct troupe_turn *t) {
    (void)t;
#if defined(__aarch64__)
    __asm__ volatile("udf #0"); /* the compiler's own trap is for debuggers there */
    return 0;
#else
    __builtin_trap();
#endif
}

static int die_abort(struct troupe_turn *t) {
    (void)t;
    assert(zero && "asked to");
    return 0;
}

static int recurse(const volatile char *above, int depth) {
    volatile char bytes[512];
    bytes[0] = (char)(above[0] + 1);
    return zero ? depth : recurse(bytes, depth + 1) + bytes[0];
}

static int die_overflow(struct troupe_turn *t) {
    volatile char first = 0;
    (void)t;
    return recurse(&first, 0);
}

static int die_jump(struct troupe_turn *t) {
    void (*volatile function)(void) = (void (*)(void))(uintptr_t)0x10;
    (void)t;
    function();
    return 0;
}

static int die_memcpy(struct troupe_turn *t) {
    char bytes[64];
    (void)t;
    copy(bytes, nowhere, sizeof bytes);
    return bytes[0];
}

/* In the C library, with its locks held for all that is known: the process cannot go on. */
static int die_free(struct troupe_turn *t) {
    void *volatile block = (void *)(uintptr_t)0x1230;
    (void)t;
    free(block);
    return 0;
}

static int die_loop(struct troupe_turn *t) {
    (void)t;
    while (!zero) {
    }
    return 0;
}

/* As the choices of the setting. */
static const struct {
    const char *kind;
    int (*die)(struct troupe_turn *t);
} ways[] = {{"error", die_error},       {"segv", die_segv}, {"bus", die_bus},
            {"fpe", die_fpe},           {"ill", die_ill},   {"abort", die_abort},
            {"overflow", die_overflow}, {"jump", die_jump}, {"memcpy", die_memcpy},
            {"free", die_free},         {"loop", die_loop}};

static int crash_init(struct troupe_turn *t, struct crash *self) {
    return self->config.at == CRASH_AT_INIT ? ways[self->config.kind].die(t) : 0;
}

static int crash_on_message(struct troupe_turn *t, struct crash *self,
                            const struct troupe_any *message) {
    int status = crash_forward_passed(t, message);
    if (status == 0 && self->config.at == CRASH_AT_MESSAGE && ++self->seen == self->config.after) {
        return ways[self->config.kind].die(t);
    }
    return status;
}

static int crash_on_command(struct troupe_turn *t, struct crash *self,
                            const struct crash_command *command) {
    if (command->kind.size == 0) {
        return ways[self->config.kind].die(t);
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (troupe_str_eq(command->kind, troupe_str(ways[i].kind))) {
            return ways[i].die(t);
        }
    }
    return troupe_fail(t, "no way to die called '%s'", command->kind.data);
}

static int crash_cleanup(struct troupe_turn *t, struct crash *self) {
    troupe_log(t, TROUPE_LOG_INFO, "cleaned up");
    return self->config.at == CRASH_AT_CLEANUP ? ways[self->config.kind].die(t) : 0;
}
