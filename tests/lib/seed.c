/* Seeds of deterministic tests; see seed.h. */
#include "lib/seed.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/test.h"

/* The command that replays the seed under way; empty: none. Text, so that a dying program can say it. */
static char replay[512];

static void say(void) {
    size_t size = strlen(replay);
    if (size > 0 && write(STDERR_FILENO, replay, size) < 0) {
        replay[0] = '\0'; /* nobody listens */
    }
}

static void on_abort(int signo) {
    say();
    (void)signal(signo, SIG_DFL);
    (void)raise(signo);
}

/* Of the sanitizers, when one is built in. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

static uint64_t number_from(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

struct test_seeds test_seeds(uint64_t count) {
    struct sigaction action = {.sa_handler = on_abort};
    (void)sigaction(SIGABRT, &action, NULL);
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(say);
    }
    uint64_t only = number_from("TROUPE_SEED", 0);
    if (only) {
        return (struct test_seeds){only, only};
    }
    return (struct test_seeds){1, number_from("TROUPE_SEEDS", count)};
}

bool test_seeds_next(struct test_seeds *seeds, uint64_t *ret_seed) {
    replay[0] = '\0';
    if (seeds->next > seeds->last) {
        return false;
    }
    *ret_seed = seeds->next++;
    (void)snprintf(replay, sizeof replay, "replay: TROUPE_SEED=%" PRIu64 " %s\n", *ret_seed,
                   program_invocation_name);
    return true;
}

int test_seed_teardown(void **state) {
    (void)state;
    say();
    replay[0] = '\0';
    return 0;
}

uint64_t test_random_next(struct test_random *random) {
    uint64_t z = (random->state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

uint64_t test_random_below(struct test_random *random, uint64_t bound) {
    return test_random_next(random) % bound;
}
