/* A deployment in this process: plan in, running proc, result out. The one place that wires the
 * parts together. */
#pragma once

#include <stdint.h>

#include "app/checked.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "plan/plan.h"
#include "reload/reload.h"
#include "supervise/supervisor.h"

struct deploy;

struct deploy_options {
    struct log *log;     /* lent; NULL: none */
    bool handle_signals; /* SIGTERM and SIGINT: the first drains, the second aborts */
    bool seeded;         /* one thread, logical clock; deploy_step drives it */
    uint64_t seed;
    struct clock *clock;             /* seeded: a clock_manual */
    bool stays;                      /* is not over before it was told to stop */
    unsigned workers;                /* 0: the manifest's, else one per core */
    struct proc_forwarder forwarder; /* PR-1; zero: none */
};

/* Loads the plan's plugins and makes its actors; nothing runs yet. `plan` and `types` are lent
 * until deploy_destroy. Errors: ABI, IO, REFUSED (plugins), NOMEM, INVALID. */
int deploy_create(const struct plan *plan, struct type_table *types,
                  const struct deploy_options *options, struct deploy **ret, struct err *err);
/* Starts threads and actors. Errors: IO, NOMEM. */
int deploy_start(struct deploy *deploy, struct err *err);
void deploy_stop(struct deploy *deploy); /* drains [any] */
/* Of a root that was to be added. What is wrong may be said of what stands in the plan that it was to join, which is
 * needed until the check is ended. */
struct deploy_check {
    struct deploy_check *next;
    const struct plan *base;
    struct checked checked;
};
/* Adds a root actor to a proc that runs: text->data is a manifest of it and of the wires from it to actors
 * that are there. Loads its plugin, if need be. `ret_check` is to be ended in every case; with INVALID it has
 * what is wrong. Errors: INVALID, EXISTS (the name is taken), STOPPED, REFUSED (a plugin; or a target is
 * ending), NOT_FOUND, ABI, IO, NOMEM. [any, but no worker] */
int deploy_add_root(struct deploy *deploy, const struct manifest_text *text,
                    struct deploy_check *ret_check, struct err *err);
void deploy_end_check(struct deploy *deploy, struct deploy_check *check); /* [any] */
/* Waits for the end. With ret->stuck, once more looks whether those threads have come back. */
void deploy_wait(struct deploy *deploy, struct supervisor_result *ret);
/* Seeded: runs until nothing is left to do before `until_ns`; returns the activations. */
uint64_t deploy_step(struct deploy *deploy, uint64_t until_ns);
/* After the end, or before the start. With stuck threads it must not be called: leave the process. */
void deploy_destroy(struct deploy *deploy); /* takes NULL */

struct proc *deploy_proc(struct deploy *deploy);
struct supervisor *deploy_supervisor(struct deploy *deploy);
struct reload *deploy_reload(struct deploy *deploy); /* reloads its plugins */
/* As reload_needs, also for roots that were added, and for checks. [any] */
bool deploy_needs(struct deploy *deploy, const struct plan *plan);
/* Reloads plugin files that change, until the deployment ends. Errors: REFUSED (it does so), IO, NOMEM. [any] */
int deploy_watch(struct deploy *deploy, struct err *err);
