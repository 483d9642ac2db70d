/* For tests of stuck turns: waiting for what the log says, and opening gates in spite of signals. */
#pragma once

#include "lib/app/kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/temp.h"
#include "lib/wait.h"
#include "sched/fault.h"

struct kit_said {
    void *state;
    const char *text;
    const char *gate; /* NULL: none */
    unsigned count;
};

static inline unsigned kit_count_text(char *in, const char *text) {
    unsigned count = 0;
    for (const char *at = in; (at = strstr(at, text)); at++) {
        count++;
    }
    free(in);
    return count;
}

static inline unsigned kit_logged(void *state, const char *text) {
    return kit_count_text(kit_log(state), text);
}

static inline bool kit_has_said(void *context) {
    const struct kit_said *said = context;
    if (said->gate) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s-%s", getenv("KIT_TRACE"), said->gate);
        int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0) {
            (void)close(fd);
        }
    }
    return kit_logged(said->state, said->text) +
               kit_count_text(kit_trace_of(said->state, NULL), said->text) >=
           said->count;
}

/* Waits for a text in the log, or in the trace. */
static inline void kit_wait_logged(void *state, const char *text, unsigned count) {
    struct kit_said said = {state, text, NULL, count};
    test_wait_until(kit_has_said, &said);
}

/* Who stands at a gate may be interrupted, and step up again: knocks until the log or the trace has
 * `text`. */
static inline void kit_open_until_times(void *state, const char *gate, const char *text,
                                        unsigned count) {
    struct kit_said said = {state, text, gate, count};
    test_wait_until(kit_has_said, &said);
}

static inline void kit_open_until(void *state, const char *gate, const char *text) {
    kit_open_until_times(state, gate, text, 1);
}

/* Whoever comes to the gate from now on passes, until the descriptor is closed. */
static inline int kit_open_for_good(const char *gate) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s-%s", getenv("KIT_TRACE"), gate);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}
