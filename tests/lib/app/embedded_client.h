/* For tests of clients: a proc of the test kit's actors, and a client in it. */
#pragma once

/* before cmocka, whose `fail` is a macro */
#include "fixtures/plugins/kit/kit.h"

#include "lib/app/embedded.h"

#include <stdlib.h>

#include <troupe/client.h>

#include "lib/wait.h"

#define EMBEDDED_S 1000000000ull

struct embedded {
    struct embedded_log log;
    struct troupe_proc *proc;
    struct troupe_client *client;
    const struct troupe_type *number, *order;
    struct troupe_error error;
};

static inline int embedded_setup(void **state) {
    struct embedded *w = calloc(1, sizeof *w);
    assert_non_null(w);
    embedded_log_init(&w->log);
    *state = w;
    return 0;
}

static inline int embedded_teardown(void **state) {
    struct embedded *w = *state;
    embedded_log_fini(&w->log);
    free(w);
    return 0;
}

static inline void embedded_begin_as(struct embedded *w, const char *manifest,
                                     const struct troupe_client_options *options) {
    w->proc = embedded_start(&w->log, TROUPE_STAYS, manifest);
    embedded_ok(troupe_client_create(w->proc, options, &w->client, &w->error), &w->error);
    embedded_ok(TROUPE_TYPE(w->client, kit_number, &w->number, &w->error), &w->error);
    embedded_ok(TROUPE_TYPE(w->client, kit_do, &w->order, &w->error), &w->error);
}

static inline void embedded_begin(struct embedded *w, const char *manifest) {
    embedded_begin_as(w, manifest, NULL);
}

static inline void embedded_finish(struct embedded *w) {
    troupe_client_free(w->client);
    embedded_stop(w->proc);
}

static inline struct troupe_ref embedded_find(struct embedded *w, const char *actor,
                                              const char *port) {
    struct troupe_ref ref = {0, 0};
    embedded_ok(troupe_client_find(w->client, actor, port, &ref, &w->error), &w->error);
    return ref;
}

struct embedded_named {
    struct embedded *w;
    const char *name;
};

static inline bool embedded_is_gone(void *context) {
    const struct embedded_named *named = context;
    struct embedded *w = named->w;
    struct troupe_ref ref;
    return troupe_client_find(w->client, named->name, NULL, &ref, &w->error) == TROUPE_NOT_FOUND;
}

/* Waits until no open actor has this name; w->error says so. */
static inline void embedded_wait_gone(struct embedded *w, const char *name) {
    struct embedded_named named = {w, name};
    test_wait_until(embedded_is_gone, &named);
}

static inline int32_t embedded_send(struct embedded *w, const char *actor, uint64_t number,
                                    uint64_t timeout) {
    const struct kit_number body = {number};
    return troupe_client_send(w->client, embedded_find(w, actor, "number"), w->number, &body, NULL,
                              timeout, &w->error);
}

static inline void embedded_order(struct embedded *w, const char *actor, const char *script,
                                  struct troupe_ref to) {
    const struct kit_do body = {troupe_str(script), to};
    embedded_ok(troupe_client_send(w->client, embedded_find(w, actor, "do"), w->order, &body, NULL,
                                   0, &w->error),
                &w->error);
}

static inline int32_t embedded_call(struct embedded *w, const char *actor, uint64_t number,
                                    uint64_t timeout, uint64_t *ret) {
    const struct kit_number body = {number};
    struct troupe_message *answer = NULL;
    int32_t status = troupe_client_call(w->client, embedded_find(w, actor, "asked"), w->number,
                                        &body, w->number, timeout, &answer, &w->error);
    if (status == TROUPE_OK) {
        *ret = ((const struct kit_number *)troupe_message_body(answer))->number;
        troupe_message_free(answer);
    }
    return status;
}

static inline struct troupe_port *embedded_open_port(struct embedded *w, const char *name,
                                                     const struct troupe_port_options *options) {
    struct troupe_port *port = NULL;
    embedded_ok(troupe_client_open(w->client, name, w->number, options, &port, &w->error),
                &w->error);
    return port;
}

static inline uint64_t embedded_receive(struct embedded *w, struct troupe_port *port) {
    struct troupe_message *message = NULL;
    embedded_ok(troupe_port_receive(port, 30 * EMBEDDED_S, &message, &w->error), &w->error);
    uint64_t number = ((const struct kit_number *)troupe_message_body(message))->number;
    troupe_message_free(message);
    return number;
}
