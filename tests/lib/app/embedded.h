/* For tests of the embedding API: procs of the test kit's plugins, and what they log. */
#pragma once

#include "lib/test.h"

#include <pthread.h>
#include <stdbool.h>

#include <troupe/embed.h>

/* What a proc logged: "ACTOR: TEXT" a line. */
struct embedded_log {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char text[65536];
    size_t size;
};

void embedded_log_init(struct embedded_log *log);
void embedded_log_fini(struct embedded_log *log);
/* Setup and teardown of tests whose *state is a log. */
int embedded_log_setup(void **state);
int embedded_log_teardown(void **state);
/* For options.log, with the log as context. */
void embedded_log_take(void *log, uint32_t level, struct troupe_str actor, struct troupe_str text);
bool embedded_logged(struct embedded_log *log, const char *text);
/* Waits until it is there; fails the test after half a minute. */
void embedded_wait_logged(struct embedded_log *log, const char *text);

/* A proc "p" that is not started: with the kit's plugins, and the manifest's text behind "troupe: 1". The
 * first failure of a root ends it, unless the manifest says something of `supervision`. */
struct troupe_proc *embedded_create(struct embedded_log *log, uint32_t flags, const char *manifest);
struct troupe_proc *embedded_start(struct embedded_log *log, uint32_t flags, const char *manifest);
/* Stops and destroys it by its last handle; it must have ended cleanly. */
void embedded_stop(struct troupe_proc *proc);
/* Destroys one that has ended, or never ran, by its last handle. */
void embedded_drop(struct troupe_proc *proc);
/* For a group of tests: a folder for the gates that scripts wait at, told to the kit by $KIT_TRACE. */
int embedded_gates_make(void **state);
int embedded_gates_remove(void **state);
/* A gate is made before somebody waits at it, and opened once. */
void embedded_gate_make(const char *name);
void embedded_gate_open(const char *name);
/* Fails the test with the error's text unless `status` is OK. */
#define embedded_ok(status, error) embedded_ok_at(status, error, __FILE__, __LINE__)
void embedded_ok_at(int32_t status, const struct troupe_error *error, const char *file, int line);
