/* For tests of joined procs: "one" and "two" of the test kit's actors, a client in each. */
#pragma once

#include "lib/app/embedded_client.h"

#include <stdio.h>
#include <string.h>

#include <troupe/forwarder.h>

struct two {
    struct embedded_log log[2];
    struct troupe_forwarder *forwarder;
    struct troupe_proc *proc[2];
    struct troupe_client *client[2];
    const struct troupe_type *number[2], *order[2];
    struct troupe_error error;
};

static inline int two_setup(void **state) {
    struct two *two = calloc(1, sizeof *two);
    assert_non_null(two);
    embedded_log_init(&two->log[0]);
    embedded_log_init(&two->log[1]);
    embedded_ok(troupe_forwarder_create(&two->forwarder, &two->error), &two->error);
    *state = two;
    return 0;
}

static inline int two_teardown(void **state) {
    struct two *two = *state;
    troupe_forwarder_free(two->forwarder);
    embedded_log_fini(&two->log[0]);
    embedded_log_fini(&two->log[1]);
    free(two);
    return 0;
}

static inline struct troupe_proc *two_create(struct two *two, unsigned at, const char *id,
                                             const char *actors) {
    struct troupe_options options = {.size = sizeof options,
                                     .id = id,
                                     .flags = TROUPE_STAYS,
                                     .workers = 2,
                                     .log = embedded_log_take,
                                     .log_context = &two->log[at],
                                     .forwarder = two->forwarder};
    char text[2048];
    struct troupe_proc *proc = NULL;
    (void)snprintf(text, sizeof text, "troupe: 1\n%s", actors);
    embedded_ok(troupe_proc_create(&options, &proc, &two->error), &two->error);
    embedded_ok(troupe_proc_add_plugins(proc, TROUPE_BUILD_DIR "/test-plugins/kit.so", &two->error),
                &two->error);
    embedded_ok(troupe_proc_load_text(proc, "m", text, strlen(text), &two->error), &two->error);
    return proc;
}

static inline void two_begin_one(struct two *two, unsigned at, const char *id, const char *actors) {
    two->proc[at] = two_create(two, at, id, actors);
    embedded_ok(troupe_proc_start(two->proc[at], &two->error), &two->error);
    embedded_ok(troupe_client_create(two->proc[at], NULL, &two->client[at], &two->error),
                &two->error);
    embedded_ok(TROUPE_TYPE(two->client[at], kit_number, &two->number[at], &two->error),
                &two->error);
    embedded_ok(TROUPE_TYPE(two->client[at], kit_do, &two->order[at], &two->error), &two->error);
}

static inline void two_begin(struct two *two, const char *first, const char *second) {
    two_begin_one(two, 0, "one", first);
    two_begin_one(two, 1, "two", second);
}

static inline void two_finish_one(struct two *two, unsigned at) {
    troupe_client_free(two->client[at]);
    embedded_stop(two->proc[at]);
}

static inline void two_finish(struct two *two) {
    two_finish_one(two, 0);
    two_finish_one(two, 1);
}

static inline struct troupe_ref two_find(struct two *two, unsigned at, const char *actor,
                                         const char *port) {
    struct troupe_ref ref = {0, 0};
    embedded_ok(troupe_client_find(two->client[at], actor, port, &ref, &two->error), &two->error);
    return ref;
}
