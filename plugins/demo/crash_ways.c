/* The ways of demo.Crash that are its own failure alone, and the table of all. */
#define _GNU_SOURCE
#undef NDEBUG
#include "demo/crash.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WAY(name) static int die_##name(struct troupe_turn *t, const struct crash_config *config)
#define UNUSED (void)t, (void)config

static int *volatile nowhere;
static volatile int zero, numerator = 7;
/* A compiler would put the copy of a few bytes in line. */
static void *(*volatile copy)(void *, const void *, size_t) = memcpy;
static size_t (*volatile length)(const char *) = strlen;
static void (*volatile give_up)(void) = abort;

WAY(error) {
    (void)config;
    return troupe_fail(t, "asked to fail");
}

WAY(segv) {
    UNUSED;
    *nowhere = 1;
    return 0;
}

/* An address that no machine of 48 bits has. */
WAY(wild) {
    UNUSED;
    *(volatile int *)(uintptr_t)0x8000000000000123ull = 1;
    return 0;
}

/* A page that no file stands behind: one for all, as who dies of it cannot give it back. */
WAY(bus) {
    static _Atomic(volatile char *) page;
    (void)config;
    if (!page) {
        int fd = memfd_create("empty", MFD_CLOEXEC);
        void *mapped = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
        (void)close(fd);
        if (mapped == MAP_FAILED) {
            return troupe_fail(t, "no page to die of");
        }
        page = mapped;
    }
    return page[0];
}

WAY(fpe) {
    UNUSED;
    return numerator / zero;
}

WAY(ill) {
    UNUSED;
#if defined(__aarch64__)
    __asm__ volatile("udf #0"); /* the compiler's own trap is for debuggers there */
    return 0;
#else
    __builtin_trap();
#endif
}

WAY(abort) {
    UNUSED;
    give_up();
    return 0;
}

WAY(assert) {
    UNUSED;
    assert(zero && "asked to");
    return 0;
}

static int recurse(const volatile char *above, int depth) {
    volatile char bytes[512];
    bytes[0] = (char)(above[0] + 1);
    return zero ? depth : recurse(bytes, depth + 1) + bytes[0];
}

WAY(overflow) {
    UNUSED;
    volatile char first = 0;
    return recurse(&first, 0);
}

WAY(jump) {
    UNUSED;
    void (*volatile function)(void) = (void (*)(void))(uintptr_t)0x10;
    function();
    return 0;
}

WAY(memcpy) {
    UNUSED;
    char bytes[64];
    copy(bytes, nowhere, sizeof bytes);
    return bytes[0];
}

WAY(strlen) {
    UNUSED;
    return (int)length((const char *)nowhere);
}

/* Memory of the state, until the host gives no more. */
WAY(leak) {
    void *memory = t->host->alloc(t, config->bytes);
    if (!memory) {
        return troupe_fail(t, "there is no memory left to leak");
    }
    memset(memory, 1, config->bytes);
    return 0;
}

/* As the choices of the setting. */
static const struct {
    const char *kind;
    crash_way *die;
} ways[] = {
    {"error", die_error},
    {"segv", die_segv},
    {"bus", die_bus},
    {"fpe", die_fpe},
    {"ill", die_ill},
    {"abort", die_abort},
    {"overflow", die_overflow},
    {"jump", die_jump},
    {"memcpy", die_memcpy},
    {"free", die_free},
    {"loop", die_loop},
    {"wild", die_wild},
    {"strlen", die_strlen},
    {"assert", die_assert},
    {"malloc_loop", die_malloc_loop},
    {"sleep", die_sleep},
    {"lock", die_lock},
    {"read", die_read},
    {"snprintf", die_snprintf},
    {"fprintf", die_fprintf},
    {"malloc", die_malloc},
    {"double_free", die_double_free},
    {"heap", die_heap},
    {"qsort", die_qsort},
    {"smash", die_smash},
    {"leak", die_leak},
    {"slow", die_slow},
    {"spawn_bomb", crash_spawn_many},
};

int crash_now(struct troupe_turn *t, const struct crash_config *config, uint32_t kind) {
    return ways[kind].die(t, config);
}

int crash_by_name(struct troupe_turn *t, const struct crash_config *config,
                  struct troupe_str kind) {
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (troupe_str_eq(kind, troupe_str(ways[i].kind))) {
            return ways[i].die(t, config);
        }
    }
    return troupe_fail(t, "no way to die called '%s'", kind.data);
}
