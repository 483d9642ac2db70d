/* Inside of the test kit: one run of one test. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/app/kit.h"

struct kit_case {
    const struct kit_test *test;
    bool threads;
    uint64_t seed;
    char *folder;
    char *trace; /* path */
    char *log;   /* path */
    int log_fd;
    struct kit *kits; /* those that have not ended */
    unsigned kit_count;
};

void kit_give_up(struct kit *kit);

/* Threads: whether nobody has anything to do, all having begun. kit_rest.c */
bool kit_is_at_rest(struct kit *kit);
