/* The ways in which demo.Crash can misbehave. */
#pragma once

#include <troupe/troupe.h>

/* clang-format off */
#define CRASH_KINDS "error|segv|bus|fpe|ill|abort|overflow|jump|memcpy|free|loop|wild|strlen|assert|\
malloc_loop|sleep|lock|read|snprintf|fprintf|malloc|double_free|heap|qsort|smash|leak|slow|spawn_bomb"
/* clang-format on */
#define CRASH_CONFIG(C)                                                                            \
    C(enum, kind, segv, "how to misbehave; README.md says what each does", CRASH_KINDS)            \
    C(int, after, 1, "from this message on; 0: only at a command", "0..")                          \
    C(enum, at, message, "in which handler; timer: a timer that the message starts",               \
      "message|init|cleanup|timer|returned|save|load")                                             \
    C(duration, time, 100ms, "how long each message takes, with kind slow", "0s..1h")              \
    C(size, bytes, 1MiB, "how much each message takes, with kind leak", "1B..1GiB")                \
    C(int, children, 100, "how many each message starts, with kind spawn_bomb", "1..100000")
TROUPE_CONFIG(crash_config, CRASH_CONFIG);

/* Misbehaves; returns only where the kind lets it. By the choice's number, and by its name. */
TROUPE_HIDDEN int crash_now(struct troupe_turn *t, const struct crash_config *config,
                            uint32_t kind);
TROUPE_HIDDEN int crash_by_name(struct troupe_turn *t, const struct crash_config *config,
                                struct troupe_str kind);
/* crash.c: starts children. */
TROUPE_HIDDEN int crash_spawn_many(struct troupe_turn *t, const struct crash_config *config);
/* crash_fatal.c: in the C library, with locks held for all that is known: the process cannot go on. */

typedef int crash_way(struct troupe_turn *t, const struct crash_config *config);
TROUPE_HIDDEN crash_way die_free, die_snprintf, die_fprintf, die_malloc, die_double_free, die_heap,
    die_qsort, die_smash;
/* crash_hang.c: never return, or late. */
TROUPE_HIDDEN crash_way die_loop, die_malloc_loop, die_sleep, die_lock, die_read, die_slow;
