/* What a proc lost on its way, told at its end: an overflow policy that drops does so silently, and what
 * each failure cost was said long ago. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actor/proc.h"
#include "app/embed_impl.h"
#include "base/alloc.h"

#define WIRES_SHOWN 10 /* a pool of senders has a wire each */
#define ACTORS_SHOWN 20

/* --- gathering --- */

struct gathering {
    struct end_losses *losses;
    bool failed; /* no memory */
};

/* The next one of an array that grows; NULL: no memory. */
static void *next_item(struct gathering *g, void **items, uint64_t count, size_t size) {
    void *all = mem_resize(*items, (count + 1) * size);
    if (!all) {
        g->failed = true;
        return NULL;
    }
    *items = all;
    return (char *)all + count * size;
}

static char *name_port(const struct inst *in, const char *port) {
    char name[160];
    struct str text;
    inst_name(in, name, sizeof name);
    str_init(&text);
    str_addf(&text, "%s.%s", name, port);
    return str_take(&text);
}

static void gather_drop(void *context, const struct proc_wire *wire) {
    struct gathering *g = context;
    struct end_losses *losses = g->losses;
    if (wire->dropped == 0) {
        return;
    }
    struct end_drop *drop =
        next_item(g, (void **)&losses->drops, losses->drop_count, sizeof *losses->drops);
    if (drop) {
        *drop = (struct end_drop){.messages = wire->dropped,
                                  .receivers = wire->to_count,
                                  .from = name_port(wire->from, wire->port),
                                  .to = name_port(wire->to, wire->to_port)};
        losses->drop_count++;
        g->failed |= !drop->from || !drop->to;
    }
}

static void gather_letter(void *context, const struct dead_letter *letter) {
    struct end_losses *losses = context;
    unsigned reason = (unsigned)-letter->reason;
    losses->letters_kept++;
    losses->letters_by_reason[reason < END_REASONS ? reason : END_REASONS - 1]++;
}

static void gather_loss(void *context, const struct proc_loss *loss) {
    struct gathering *g = context;
    struct end_losses *losses = g->losses;
    if (loss->quarantined == 0 && loss->retried == 0 && loss->lost_with_state == 0) {
        return;
    }
    struct end_loss *item =
        next_item(g, (void **)&losses->actors, losses->actor_count, sizeof *losses->actors);
    if (item) {
        char name[160];
        inst_name(loss->actor, name, sizeof name);
        *item = (struct end_loss){.failures = loss->failures,
                                  .quarantined = loss->quarantined,
                                  .retried = loss->retried,
                                  .lost_with_state = loss->lost_with_state,
                                  .name = mem_text(name)};
        losses->actor_count++;
        g->failed |= !item->name;
    }
}

static void count_failures(void *context, const struct proc_loss *loss) {
    struct end_losses *losses = context;
    losses->all.failures += loss->failures;
}

int end_gather_losses(struct end_losses *losses, struct proc *proc) {
    struct gathering g = {.losses = losses};
    struct dead_letters *dead = proc_dead_letters(proc);
    struct proc_totals totals;
    proc_each_wire(proc, gather_drop, &g);
    losses->letters = dead_total(dead);
    dead_each(dead, gather_letter, losses);
    proc_totals(proc, &totals);
    losses->all = (struct end_loss){.failures = totals.past_failures,
                                    .quarantined = totals.quarantined,
                                    .retried = totals.retried,
                                    .lost_with_state = totals.lost_with_state};
    proc_each_loss(proc, count_failures, losses);
    proc_each_loss(proc, gather_loss, &g);
    return g.failed ? -1 : 0;
}

void end_free_losses(struct end_losses *losses) {
    for (uint64_t i = 0; i < losses->drop_count; i++) {
        mem_free(losses->drops[i].from);
        mem_free(losses->drops[i].to);
    }
    for (uint64_t i = 0; i < losses->actor_count; i++) {
        mem_free(losses->actors[i].name);
    }
    mem_free(losses->drops);
    mem_free(losses->actors);
}

/* --- looking --- */

/* What the caller's struct has room for, behind its size. */
static int32_t hand_out(void *ret, uint32_t room, const void *from, uint32_t size) {
    uint32_t least = sizeof(uint32_t);
    memcpy((char *)ret + least, (const char *)from + least, (room < size ? room : size) - least);
    return TROUPE_OK;
}

int32_t troupe_end_drop(const struct troupe_end *end, uint64_t index, struct troupe_drop *ret) {
    if (index >= end->losses.drop_count) {
        return TROUPE_NOT_FOUND;
    }
    const struct end_drop *drop = &end->losses.drops[index];
    const struct troupe_drop found = {.receivers = drop->receivers,
                                      .messages = drop->messages,
                                      .from = troupe_str(drop->from),
                                      .to = troupe_str(drop->to)};
    return hand_out(ret, ret->size, &found, sizeof found);
}

uint64_t troupe_end_dead_letters(const struct troupe_end *end, int32_t reason) {
    unsigned at = (unsigned)-reason;
    return reason == 0        ? end->losses.letters
           : at < END_REASONS ? end->losses.letters_by_reason[at]
                              : 0;
}

int32_t troupe_end_loss(const struct troupe_end *end, uint64_t index, struct troupe_loss *ret) {
    const struct end_losses *losses = &end->losses;
    if (index >= losses->actor_count && index != TROUPE_ALL) {
        return TROUPE_NOT_FOUND;
    }
    const struct end_loss *loss = index == TROUPE_ALL ? &losses->all : &losses->actors[index];
    const struct troupe_loss found = {.failures = loss->failures,
                                      .quarantined = loss->quarantined,
                                      .retried = loss->retried,
                                      .lost_with_state = loss->lost_with_state,
                                      .actor = troupe_str(loss->name ? loss->name : "")};
    return hand_out(ret, ret->size, &found, sizeof found);
}

/* --- telling --- */

static void log_drops(const struct end_losses *losses, struct log *log) {
    uint64_t beyond = 0;
    for (uint64_t i = 0; i < losses->drop_count; i++) {
        const struct end_drop *drop = &losses->drops[i];
        if (i >= WIRES_SHOWN) {
            beyond += drop->messages;
            continue;
        }
        log_write(log, LOG_WARN, NULL,
                  "%" PRIu64 " message%s dropped from %s to %s%s: the mailbox was full",
                  drop->messages, drop->messages == 1 ? " was" : "s were", drop->from, drop->to,
                  drop->receivers > 1 ? " and the others of its pool" : "");
    }
    if (beyond > 0) {
        log_write(log, LOG_WARN, NULL, "%" PRIu64 " more were dropped on %" PRIu64 " other wires",
                  beyond, losses->drop_count - WIRES_SHOWN);
    }
}

static void log_letters(const struct end_losses *losses, struct log *log) {
    uint64_t total = losses->letters;
    const char *separator = ": ";
    struct str text;
    if (total == 0) {
        return;
    }
    str_init(&text);
    str_addf(&text, "%" PRIu64 " message%s not be delivered, and nobody took %s back", total,
             total == 1 ? " could" : "s could", total == 1 ? "it" : "them");
    for (unsigned i = 0; i < END_REASONS; i++) {
        if (losses->letters_by_reason[i] > 0) {
            str_addf(&text, "%s%s (%" PRIu64 ")", separator, troupe_status_text(-(int32_t)i),
                     losses->letters_by_reason[i]);
            separator = ", ";
        }
    }
    if (total > losses->letters_kept) {
        str_addf(&text, "; %" PRIu64 " older ones are not kept", total - losses->letters_kept);
    }
    log_write(log, LOG_WARN, NULL, "%s", str_text(&text));
    str_fini(&text);
}

/* Behind a colon, or behind another one. */
static void add_count(struct str *text, uint64_t count, const char *what) {
    if (count > 0) {
        bool is_first = text->data[text->size - 1] == ':';
        str_addf(text, "%s %" PRIu64 " %s", is_first ? "" : ",", count, what);
    }
}

static void log_loss(struct log *log, const char *who, const struct end_loss *loss,
                     bool with_failures) {
    struct str text;
    str_init(&text);
    str_addf(&text, "%s:", who);
    if (with_failures) {
        add_count(&text, loss->failures, loss->failures == 1 ? "failure" : "failures");
    }
    add_count(&text, loss->quarantined, "quarantined");
    add_count(&text, loss->retried, "retried");
    add_count(&text, loss->lost_with_state, "lost with state");
    log_write(log, LOG_WARN, NULL, "%s", str_text(&text));
    str_fini(&text);
}

static void log_failures(const struct end_losses *losses, struct log *log) {
    const struct end_loss *all = &losses->all;
    struct end_loss beyond = {0};
    char who[170];
    if (all->quarantined == 0 && all->retried == 0 && all->lost_with_state == 0) {
        return;
    }
    log_loss(log, "messages that failures cost", all, false);
    for (uint64_t i = 0; i < losses->actor_count; i++) {
        const struct end_loss *loss = &losses->actors[i];
        if (i < ACTORS_SHOWN) {
            (void)snprintf(who, sizeof who, "  %s", loss->name);
            log_loss(log, who, loss, true);
            continue;
        }
        beyond.failures += loss->failures;
        beyond.quarantined += loss->quarantined;
        beyond.retried += loss->retried;
        beyond.lost_with_state += loss->lost_with_state;
    }
    if (losses->actor_count > ACTORS_SHOWN) {
        (void)snprintf(who, sizeof who, "  %" PRIu64 " others", losses->actor_count - ACTORS_SHOWN);
        log_loss(log, who, &beyond, true);
    }
}

void end_log(const struct troupe_end *end, const struct supervisor_result *result,
             struct log *log) {
    if (result->aborted || result->left) {
        log_write(log, LOG_ERROR, NULL,
                  "aborted: %" PRIu64 " message%s became dead letters; not ended in time: %s",
                  result->left, result->left == 1 ? "" : "s",
                  result->unfinished[0] ? result->unfinished : "none");
    }
    if (end) {
        log_drops(&end->losses, log);
        log_letters(&end->losses, log);
        log_failures(&end->losses, log);
    }
}
