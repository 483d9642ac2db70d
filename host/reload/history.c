/* What reloads tell when they are over, and what is kept of them (RL-7). */
#include <stdio.h>

#include "actor/shadow.h"
#include "reload/reload_impl.h"

static void say(const struct reload *reload, const struct reload_report *report) {
    if (!reload->log || report->outcome == RELOAD_NOTHING) {
        return;
    }
    if (report->outcome == RELOAD_DONE && report->changes[0]) {
        log_write(reload->log, LOG_INFO, NULL, "the manifests were read again: %s",
                  report->changes);
    }
    if (report->outcome == RELOAD_DONE && report->files == 0 && report->settings > 0) {
        log_write(reload->log, LOG_INFO, NULL, "%u actor%s other settings now", report->settings,
                  report->settings == 1 ? " has" : "s have");
    } else if (report->outcome == RELOAD_DONE && report->files > 0) {
        log_write(reload->log, LOG_INFO, NULL,
                  "reloaded '%s': generation %u instead of %u, %llu actors went over", report->file,
                  report->to_generation, report->from_generation,
                  (unsigned long long)report->counts.over);
    } else if (report->outcome != RELOAD_DONE) {
        log_write(reload->log, LOG_WARN, NULL, "reload of '%s' %s at step '%s': %s",
                  report->file[0] ? report->file : "the plugins",
                  reload_outcome_text(report->outcome), reload_step_text(report->step),
                  report->reason);
    }
}

static void say_difference(void *context, const char *json) {
    struct reload *reload = context;
    log_write(reload->log, LOG_WARN, NULL, "shadow: %s", json);
}

static void say_shadow(const struct transaction *t) {
    const struct shadow_counts *counts = &t->report->shadow;
    if (!t->reload->log || !t->shadow) {
        return;
    }
    log_write(t->reload->log, counts->differences ? LOG_WARN : LOG_INFO, NULL,
              "shadow: %llu of %llu turns compared, of %llu actors; %llu differ; left out: %llu",
              (unsigned long long)counts->compared, (unsigned long long)counts->wanted,
              (unsigned long long)counts->actors, (unsigned long long)counts->differences,
              (unsigned long long)counts->left_out);
    shadow_run_each(t->shadow, say_difference, t->reload);
}

static void keep(const struct transaction *t) {
    struct reload *reload = t->reload;
    if (t->report->outcome == RELOAD_NOTHING) {
        return;
    }
    pthread_mutex_lock(&reload->lock);
    uint64_t at = reload->reports++ % RELOAD_KEEPS;
    struct shadow_run *before = reload->shadows[at];
    reload->history[at] = *t->report;
    reload->shadows[at] = t->shadow ? shadow_run_ref(t->shadow) : NULL;
    pthread_mutex_unlock(&reload->lock);
    shadow_run_unref(before);
}

struct reload_report report_begin(struct reload *reload) {
    struct clock *clock = proc_clock(reload->proc);
    return (struct reload_report){
        .number = ++reload->series, .outcome = RELOAD_REFUSED, .wall_ns = clock->wall(clock)};
}

void report_end(struct transaction *t, const char *reason) {
    struct reload_report *report = t->report;
    (void)snprintf(report->reason, sizeof report->reason, "%.*s", (int)sizeof report->reason - 1,
                   reason);
    say_shadow(t);
    say(t->reload, report);
    keep(t);
}

size_t reload_history(struct reload *reload, struct reload_report *ret, size_t room) {
    pthread_mutex_lock(&reload->lock);
    uint64_t kept = reload->reports < RELOAD_KEEPS ? reload->reports : RELOAD_KEEPS;
    uint64_t count = kept < room ? kept : room;
    for (uint64_t i = 0; i < count; i++) {
        ret[i] = reload->history[(reload->reports - count + i) % RELOAD_KEEPS];
    }
    pthread_mutex_unlock(&reload->lock);
    return count;
}

bool reload_differences(struct reload *reload, uint64_t number, shadow_each *each, void *context) {
    struct shadow_run *shadow = NULL;
    bool found = false;
    pthread_mutex_lock(&reload->lock);
    for (size_t i = 0; i < RELOAD_KEEPS && !found; i++) {
        found = number > 0 && reload->history[i].number == number;
        shadow = found && reload->shadows[i] ? shadow_run_ref(reload->shadows[i]) : NULL;
    }
    pthread_mutex_unlock(&reload->lock);
    if (shadow) {
        shadow_run_each(shadow, each, context);
    }
    shadow_run_unref(shadow);
    return found;
}
