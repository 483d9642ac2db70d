/* The ways of demo.Crash that no process survives: in the C library, with its locks held for all that is
 * known, or with a stack that cannot be followed. */
#include "demo/crash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAY(name) int die_##name(struct troupe_turn *t, const struct crash_config *config)
#define UNUSED (void)t, (void)config

static int *volatile nowhere;
static const char *volatile no_text = (const char *)(uintptr_t)0x10;
/* What the compiler knows nothing of: it may leave out writes that are wrong. */
static void *(*volatile overwrite)(void *, int, size_t) = memset;

WAY(free) {
    UNUSED;
    void *volatile block = (void *)(uintptr_t)0x1230;
    free(block);
    return 0;
}

WAY(snprintf) {
    UNUSED;
    char text[32];
    (void)snprintf(text, sizeof text, "%s", no_text);
    return text[0];
}

WAY(fprintf) {
    UNUSED;
    return fprintf(stderr, "%s", no_text);
}

/* Overwrites the size of what is free behind a block, then allocates from there. */
WAY(malloc) {
    UNUSED;
    const size_t size = 100000;
    char *volatile block = malloc(size);
    overwrite(block, 0xff, size + 64);
    for (size_t i = 0; i < 1000; i++) {
        char *volatile next = malloc(size + i);
        next[0] = 1;
    }
    return 0;
}

WAY(double_free) {
    UNUSED;
    char *volatile block = malloc(2000);
    char *volatile keep = malloc(2000);
    char *again = block;
    free(block);
    free(again);
    free(keep);
    return 0;
}

WAY(heap) {
    UNUSED;
    char *volatile a = malloc(3000);
    char *volatile b = malloc(3000);
    char *volatile c = malloc(3000);
    overwrite(a, 0x41, 3000 + 32);
    free(b);
    free(c);
    free(a);
    return 0;
}

static int compare(const void *a, const void *b) {
    *nowhere = 1;
    return *(const int *)a - *(const int *)b;
}

WAY(qsort) {
    UNUSED;
    int numbers[4] = {4, 3, 2, 1};
    qsort(numbers, 4, sizeof *numbers, compare);
    return numbers[0];
}

/* Damages its own frame, then faults: nobody can tell who called it. */
WAY(smash) {
    UNUSED;
    void *volatile *frame = __builtin_frame_address(0);
    for (unsigned i = 0; i < 4; i++) {
        frame[i] = (void *)(uintptr_t)0x4141414141414141ull;
    }
    *nowhere = 1;
    return 0;
}
