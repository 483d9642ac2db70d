/* New code is tried on copies of real states, in another process, before this one loads it. */
#include <stdio.h>
#include <string.h>

#include "actor/sample.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "reload/reload_impl.h"

/* How long is waited for actors to give copies. Those that are in a long turn give none. */
#define SAMPLE_NS NS_PER_S
#define STEP_NS (5 * NS_PER_MS)

/* What the types of one file are tried on. */
struct proving {
    struct transaction *t;
    const struct note_plugin *note;
    struct samples **samples; /* of each type; NULL: it needs none */
    struct probe_state **states;
    struct probe_type *types;
};

/* As much of it as swap_version looks at. */
static struct inst_type side_of(const struct note_actor *actor) {
    struct inst_type side = {.state_version = actor->state_version,
                             .state_min = actor->state_min,
                             .writes_older = actor->writes_older,
                             .save = INST_NO_ROW,
                             .load = INST_NO_ROW};
    for (size_t i = 0; i < actor->row_count; i++) {
        side.save = actor->rows[i].kind == TROUPE_ROW_save ? (uint16_t)i : side.save;
        side.load = actor->rows[i].kind == TROUPE_ROW_load ? (uint16_t)i : side.load;
    }
    return side;
}

/* --- copies --- */

static void ask(struct proving *p, size_t at) {
    const struct note_actor *actor = &p->note->actors[at];
    const struct inst_type *from = proc_find_type(p->t->reload->proc, actor->id);
    struct inst_type to = side_of(actor);
    uint32_t version = from ? swap_version(from, &to) : 0;
    struct probe_type *type = &p->types[at];
    *type = (struct probe_type){.id = actor->id};
    if (!version || !config_is_same_schema(from->config, actor->config)) {
        return; /* what is wrong with it will be said when its rows are known */
    }
    type->version_back = swap_version(&to, from);
    if (from->plain_state && actor->plain_state && from->state_version == actor->state_version) {
        type->state_size = from->state_size;
        type->config_offset = from->config_offset;
    }
    p->samples[at] = samples_ask(p->t->reload->proc, from, version);
}

static bool wait_for(const struct transaction *t, struct samples *samples, uint64_t until_ns) {
    struct clock *clock = proc_clock(t->reload->proc);
    if (!t->how->step) {
        return samples_wait(samples, until_ns);
    }
    uint64_t now_ns = clock->now(clock);
    t->how->step(t->how->context, now_ns);
    while (!samples_wait(samples, 0) && (now_ns = clock->now(clock)) < until_ns) {
        t->how->step(t->how->context, now_ns + STEP_NS);
    }
    return samples_wait(samples, 0);
}

/* False: no memory. */
static bool take(struct proving *p, size_t at) {
    const struct sample *samples;
    size_t count = samples_take(p->samples[at], &samples);
    struct probe_state *states = mem_array(count + 1, sizeof *states);
    for (size_t i = 0; states && i < count; i++) {
        const struct sample *sample = &samples[i];
        states[i] = (struct probe_state){.actor = sample->name,
                                         .uid = sample->uid,
                                         .version = sample->version,
                                         .data = sample->data,
                                         .size = sample->size,
                                         .config = sample->config ? sample->config->body : NULL};
    }
    p->states[at] = states;
    p->types[at].states = states;
    p->types[at].count = count;
    return states != NULL;
}

static int gather(struct proving *p, struct err *err) {
    struct clock *clock = proc_clock(p->t->reload->proc);
    size_t count = p->note->actor_count;
    for (size_t i = 0; i < count; i++) {
        ask(p, i);
    }
    uint64_t until_ns = clock->now(clock) + SAMPLE_NS;
    for (size_t i = 0; i < count; i++) {
        if (p->samples[i]) {
            (void)wait_for(p->t, p->samples[i], until_ns);
        }
        if (p->samples[i] && !take(p, i)) {
            return err_set(err, ERR_NOMEM, "copies of states of '%s'", p->types[i].id);
        }
    }
    return 0;
}

/* --- one file --- */

static int run(struct proving *p, const struct exchange *exchange, struct err *err) {
    const struct reload_how *how = p->t->how;
    uint64_t probe_ns =
        how->probe_ns ? how->probe_ns : p->t->reload->plan->manifest->reload.probe_ns;
    struct probe_how probe = {.path = exchange->library->private_path,
                              .image = exchange->image,
                              .types = p->types,
                              .type_count = p->note->actor_count,
                              .time_ns = probe_ns};
    struct probe_result result;
    int status = probe_run(&probe, &result, err);
    struct reload_report *report = p->t->report;
    report->probed += result.states;
    (void)snprintf(report->actor, sizeof report->actor, "%s", result.actor);
    return status;
}

static void fini(struct proving *p) {
    for (size_t i = 0; i < p->note->actor_count; i++) {
        if (p->samples) {
            samples_end(p->samples[i]);
        }
        if (p->states) {
            mem_free(p->states[i]);
        }
    }
    mem_free((void *)p->samples);
    mem_free((void *)p->states);
    mem_free(p->types);
}

static int probe(struct transaction *t, const struct exchange *exchange, struct err *err) {
    const struct note_plugin *note = exchange->image->note;
    struct proving p = {.t = t, .note = note};
    p.samples = mem_array(note->actor_count, sizeof *p.samples);
    p.states = mem_array(note->actor_count, sizeof *p.states);
    p.types = mem_array(note->actor_count, sizeof *p.types);
    int status = -1;
    if (!p.samples || !p.states || !p.types) {
        (void)err_set(err, ERR_NOMEM, "%zu actor types", note->actor_count);
    } else if (gather(&p, err) == 0) {
        status = run(&p, exchange, err);
    }
    fini(&p);
    return status;
}

int transaction_probe(struct transaction *t, struct err *err) {
    for (size_t i = 0; i < t->exchange_count; i++) {
        struct exchange *exchange = &t->exchanges[i];
        if (library_stage(image_ref(exchange->image), &exchange->library, err) < 0) {
            image_destroy(exchange->image);
            return -1;
        }
        if (!t->how->skips_probe && probe(t, exchange, err) < 0) {
            return -1;
        }
    }
    return 0;
}
