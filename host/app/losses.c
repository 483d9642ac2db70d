/* What a deployment lost on its way, told at its end: an overflow policy that drops does so silently, and
 * what each failure cost was said long ago. */
#include <inttypes.h>
#include <stdio.h>

#include "actor/proc.h"
#include "app/deploy.h"
#include "base/str.h"

#define WIRES_SHOWN 10 /* a pool of senders has a wire each */
#define REASONS 64     /* more statuses than there are */
#define ACTORS_SHOWN 20

static void name_end(struct str *text, const struct inst *in, const char *port) {
    char name[160];
    inst_name(in, name, sizeof name);
    str_addf(text, "%s.%s", name, port);
}

struct drops {
    struct log *log;
    uint64_t wires, beyond; /* messages of the wires that are not shown */
};

static void log_drops(void *context, const struct proc_wire *wire) {
    struct drops *drops = context;
    struct str text;
    if (wire->dropped == 0) {
        return;
    }
    if (drops->wires++ >= WIRES_SHOWN) {
        drops->beyond += wire->dropped;
        return;
    }
    str_init(&text);
    str_addf(&text, "%" PRIu64 " message%s dropped from ", wire->dropped,
             wire->dropped == 1 ? " was" : "s were");
    name_end(&text, wire->from, wire->port);
    str_add(&text, " to ");
    name_end(&text, wire->to, wire->to_port);
    if (wire->to_count > 1) {
        str_add(&text, " and the others of its pool");
    }
    log_write(drops->log, LOG_WARN, NULL, "%s: the mailbox was full", str_text(&text));
    str_fini(&text);
}

struct letters {
    uint64_t kept;
    uint64_t by_reason[REASONS];
};

static void count_letter(void *context, const struct dead_letter *letter) {
    struct letters *letters = context;
    unsigned reason = (unsigned)-letter->reason;
    letters->kept++;
    letters->by_reason[reason < REASONS ? reason : REASONS - 1]++;
}

static void log_letters(struct dead_letters *dead, struct log *log) {
    struct letters letters = {0};
    uint64_t total = dead_total(dead);
    const char *separator = ": ";
    struct str text;
    if (total == 0) {
        return;
    }
    dead_each(dead, count_letter, &letters);
    str_init(&text);
    str_addf(&text, "%" PRIu64 " message%s not be delivered, and nobody took %s back", total,
             total == 1 ? " could" : "s could", total == 1 ? "it" : "them");
    for (unsigned i = 0; i < REASONS; i++) {
        if (letters.by_reason[i] > 0) {
            str_addf(&text, "%s%s (%" PRIu64 ")", separator, troupe_status_text(-(int32_t)i),
                     letters.by_reason[i]);
            separator = ", ";
        }
    }
    if (total > letters.kept) {
        str_addf(&text, "; %" PRIu64 " older ones are not kept", total - letters.kept);
    }
    log_write(log, LOG_WARN, NULL, "%s", str_text(&text));
    str_fini(&text);
}

struct failures {
    struct log *log;
    unsigned actors;
    struct proc_loss beyond; /* of the actors that are not shown */
};

/* Behind a colon, or behind another one. */
static void add_count(struct str *text, uint64_t count, const char *what) {
    if (count > 0) {
        bool is_first = text->data[text->size - 1] == ':';
        str_addf(text, "%s %" PRIu64 " %s", is_first ? "" : ",", count, what);
    }
}

static void log_loss(struct log *log, const char *who, const struct proc_loss *loss) {
    struct str text;
    str_init(&text);
    str_addf(&text, "  %s:", who);
    add_count(&text, loss->failures, loss->failures == 1 ? "failure" : "failures");
    add_count(&text, loss->quarantined, "quarantined");
    add_count(&text, loss->retried, "retried");
    add_count(&text, loss->lost_with_state, "lost with state");
    log_write(log, LOG_WARN, NULL, "%s", str_text(&text));
    str_fini(&text);
}

static void show_loss(void *context, const struct proc_loss *loss) {
    struct failures *failures = context;
    char name[160];
    if (loss->quarantined == 0 && loss->retried == 0 && loss->lost_with_state == 0) {
        return;
    }
    if (failures->actors++ < ACTORS_SHOWN) {
        inst_name(loss->actor, name, sizeof name);
        log_loss(failures->log, name, loss);
        return;
    }
    failures->beyond.failures += loss->failures;
    failures->beyond.quarantined += loss->quarantined;
    failures->beyond.retried += loss->retried;
    failures->beyond.lost_with_state += loss->lost_with_state;
}

/* Of spawned children the sum knows, too. */
static void log_failures(struct proc *proc, struct log *log) {
    struct proc_totals totals;
    struct failures failures = {.log = log};
    proc_totals(proc, &totals);
    if (totals.quarantined == 0 && totals.retried == 0 && totals.lost_with_state == 0) {
        return;
    }
    struct str text;
    str_init(&text);
    str_add(&text, "messages that failures cost:");
    add_count(&text, totals.quarantined, "quarantined");
    add_count(&text, totals.retried, "retried");
    add_count(&text, totals.lost_with_state, "lost with state");
    log_write(log, LOG_WARN, NULL, "%s", str_text(&text));
    str_fini(&text);
    proc_each_loss(proc, show_loss, &failures);
    if (failures.actors > ACTORS_SHOWN) {
        char others[64];
        (void)snprintf(others, sizeof others, "%u others", failures.actors - ACTORS_SHOWN);
        log_loss(log, others, &failures.beyond);
    }
}

void deploy_log_losses(struct deploy *deploy, struct log *log) {
    struct proc *proc = deploy_proc(deploy);
    struct drops drops = {log, 0, 0};
    proc_each_wire(proc, log_drops, &drops);
    if (drops.wires > WIRES_SHOWN) {
        log_write(log, LOG_WARN, NULL, "%" PRIu64 " more were dropped on %" PRIu64 " other wires",
                  drops.beyond, drops.wires - WIRES_SHOWN);
    }
    log_letters(proc_dead_letters(proc), log);
    log_failures(proc, log);
}
