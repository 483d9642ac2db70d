/* Random supervision: strategies, intensities, back-offs, restarts, quarantine, checkpoints. */
#include "lib/app/stress_model.h"

static const char *const strategy_words[] = {"one_for_one", "one_for_all", "rest_for_one"};
static const char *const restart_words[] = {"transient", "permanent", "temporary"};
static const char *const prefixes[GROUPS] = {"", "g1/", "g2/", "g1/g3/"};

const char *model_prefix(unsigned group) {
    return prefixes[group];
}

unsigned model_parent(unsigned group) {
    return group == 3 ? 1 : 0;
}

static bool is_told_to_stop(const struct model *m) {
    return m->graph->end == STRESS_IS_STOPPED || m->graph->end == STRESS_IS_ABORTED;
}

void model_choose_policies(struct model *m) {
    struct stress_graph *graph = m->graph;
    graph->supervised = model_chance(m, 65);
    if (!graph->supervised) {
        return;
    }
    graph->hasty_stops = model_chance(m, 10);
    graph->long_waits = is_told_to_stop(m) && model_chance(m, 15);
    for (unsigned i = 0; i < GROUPS; i++) {
        uint64_t r = model_draw(m, 10);
        m->groups[i].strategy = r < 5 ? 0 : r < 7 ? 1 : 2;
        graph->batches |= m->groups[i].strategy > 0;
    }
}

/* One that is to end by itself must not start again each time. */
static bool may_be_permanent(const struct model *m, const struct actor *a) {
    return is_told_to_stop(m) || (a->kind != SOURCE && !a->stops);
}

void model_choose_lives(struct model *m, struct actor *a) {
    a->deaths = 1;
    if (!m->graph->supervised) {
        return;
    }
    a->deaths = 1 + (unsigned)model_draw(m, 3);
    uint64_t r = model_draw(m, 100);
    if (r < 15 && may_be_permanent(m, a)) {
        a->restart = PERMANENT;
    } else if (r >= 90) {
        a->restart = TEMPORARY;
        m->graph->closes_early = true;
        m->graph->may_give_up = true; /* before all were ready once, each is needed */
    }
}

static void write_backoff(struct model *m) {
    static const char *const initials[] = {"1ns", "1us", "50us", "300us", "1ms"};
    struct str *out = &m->graph->manifest;
    if (m->graph->long_waits && model_chance(m, 50)) {
        str_add(out, "backoff: { initial: 100h, max: 200h }");
        return;
    }
    str_addf(out, "backoff: { initial: %s, factor: %u, max: %s, jitter: 0.%u }",
             initials[model_draw(m, 5)], 1 + (unsigned)model_draw(m, 3),
             model_chance(m, 50) ? "1ms" : "4ms", (unsigned)model_draw(m, 10));
}

static void write_intensity(struct model *m, bool small) {
    m->graph->may_give_up |= small;
    str_addf(&m->graph->manifest, "intensity: %u, period: %s, ",
             small ? (unsigned)model_draw(m, 6) : 1000000 + (unsigned)model_draw(m, 2),
             model_chance(m, 50) ? "1ms" : "10s");
}

static void write_policy(struct model *m, unsigned group, bool small) {
    str_addf(&m->graph->manifest, "{ strategy: %s, ", strategy_words[m->groups[group].strategy]);
    write_intensity(m, small);
    write_backoff(m);
    str_add(&m->graph->manifest, " }\n");
}

void model_write_supervision(struct model *m) {
    if (m->graph->supervised) {
        str_add(&m->graph->manifest, "supervision: ");
        write_policy(m, 0, model_chance(m, 15));
        str_addf(&m->graph->manifest, "defaults: { stop_timeout: %s }\n",
                 m->graph->hasty_stops ? "20us" : "100h");
    }
}

void model_write_group(struct model *m, unsigned group) {
    str_add(&m->graph->manifest, "supervise: ");
    if (!m->graph->supervised) {
        str_add(&m->graph->manifest, "{ strategy: one_for_one }\n");
        return;
    }
    m->graph->batches = true; /* its members go down with it */
    bool give_up = m->graph->may_give_up;
    write_policy(m, group, model_chance(m, 40));
    m->graph->may_give_up = give_up; /* the group starts again */
}

void model_write_lives(struct model *m, const struct actor *a) {
    struct str *out = &m->graph->manifest;
    if (!m->graph->supervised) {
        return;
    }
    if (model_chance(m, 20)) {
        str_addf(out, ", restart: { policy: %s, ", restart_words[a->restart]);
        write_intensity(m, model_chance(m, 10));
        write_backoff(m);
        str_add(out, " }");
    } else {
        str_addf(out, ", restart: %s", restart_words[a->restart]);
    }
    str_addf(out, ", quarantine_after: %u", a->deaths);
    if (a->kind == NODE && model_chance(m, 40)) {
        unsigned how = 1 + (unsigned)model_draw(m, 3);
        str_add(out, ", checkpoint: { ");
        if (how & 1) {
            str_addf(out, "messages: %u%s", 1 + (unsigned)model_draw(m, 20), how & 2 ? ", " : "");
        }
        if (how & 2) {
            str_addf(out, "time: %uus", 1 + (unsigned)model_draw(m, 2000));
        }
        str_add(out, " }");
    }
}

/* Everybody above them as well: else they may go down, and come up again, with others. */
static bool is_alone(const struct model *m, const struct actor *a) {
    return a->group == 0 && m->groups[0].strategy == 0;
}

void model_write_life_config(struct model *m, unsigned at) {
    const struct actor *a = &m->actors[at];
    struct str *out = &m->graph->manifest;
    if (!m->graph->supervised) {
        return;
    }
    unsigned die = model_chance(m, 45) ? 1 + (unsigned)model_draw(m, 8) : 0;
    die = die && model_chance(m, 15) ? 30 : die;
    bool looked_at = m->graph->end != STRESS_IS_ABORTED && !m->graph->hasty_stops;
    str_addf(out, ", die: %u, deaths: %u, flawed: %u, family: %u, rank: %u, strategy: %u", die,
             a->deaths, model_chance(m, 20) ? (unsigned)model_draw(m, 40) : 0, a->group, at,
             looked_at ? m->groups[a->group].strategy : 0);
    str_addf(out, ", final: %s, once: %s",
             is_alone(m, a) && a->restart != PERMANENT ? "true" : "false",
             is_alone(m, a) && a->restart == TEMPORARY ? "true" : "false");
}
