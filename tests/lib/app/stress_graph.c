/* Random graphs: actors in a row, wires forward, some wires back, and everything a mailbox can be. */
#include "lib/app/stress_graph.h"

#include <string.h>

#include "lib/app/stress_model.h"

static const char *const kind_types[] = {"stress.Source", "stress.Node", "stress.Echo",
                                         "stress.Server", "stress.Parent"};
static const char *const policy_words[] = {"block", "drop_newest", "drop_oldest", "fail"};
static const char *const route_words[] = {"direct", "round_robin", "hash", "broadcast"};

uint64_t model_draw(struct model *m, uint64_t bound) {
    uint64_t x = m->random += 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return (x ^ (x >> 31)) % bound;
}

bool model_chance(struct model *m, unsigned percent) {
    return model_draw(m, 100) < percent;
}

static enum policy draw_policy(struct model *m) {
    uint64_t r = model_draw(m, 100);
    enum policy policy = r < 58 ? BLOCK : r < 72 ? DROP_NEWEST : r < 86 ? DROP_OLDEST : FAIL;
    m->graph->drops |= policy == DROP_NEWEST || policy == DROP_OLDEST;
    return policy;
}

static void add_actor(struct model *m, enum kind kind) {
    struct actor *a = &m->actors[m->count++];
    *a = (struct actor){.kind = kind};
    a->replicas = kind != SOURCE && model_chance(m, 35) ? 1 + (unsigned)model_draw(m, 4) : 0;
    bool grouped =
        m->graph->supervised ? model_chance(m, 35) : kind != SOURCE && model_chance(m, 15);
    a->group = grouped ? 1 + (unsigned)model_draw(m, GROUPS - 1) : 0;
    a->policy = a->in_policy = a->aux_policy = draw_policy(m);
    m->graph->has_parents |= kind == PARENT;
}

/* Servers come last: whoever asks them stands before them. */
static void make_actors(struct model *m) {
    unsigned sources = 1 + (unsigned)model_draw(m, 4);
    unsigned middle = 1 + (unsigned)model_draw(m, 10);
    unsigned servers = (unsigned)model_draw(m, 3);
    for (unsigned i = 0; i < sources; i++) {
        add_actor(m, SOURCE);
    }
    unsigned echoes = 0;
    for (unsigned i = 0; i < middle; i++) {
        uint64_t r = model_draw(m, 10);
        bool echo = r == 0 && echoes < 2;
        echoes += echo;
        add_actor(m, echo ? ECHO : r == 1 || r == 2 ? PARENT : NODE);
    }
    for (unsigned i = 0; i < servers; i++) {
        add_actor(m, SERVER);
    }
}

static const char *draw_in_port(struct model *m, enum kind kind) {
    if (kind != NODE) {
        return "in";
    }
    uint64_t r = model_draw(m, 10);
    return r < 6 ? "in" : r < 9 ? "aux" : "wide";
}

static void add_wire(struct model *m, unsigned from, unsigned port, unsigned to) {
    struct actor *a = &m->actors[from];
    struct actor *b = &m->actors[to];
    struct wire wire = {from, to, port ? "more" : "out", draw_in_port(m, b->kind), 0};
    if (b->replicas) {
        wire.route = 1 + (unsigned)model_draw(m, 3);
    }
    for (unsigned i = 0; i < m->wire_count; i++) {
        const struct wire *w = &m->wires[i];
        if (w->from == from && w->to == to && strcmp(w->from_port, wire.from_port) == 0 &&
            strcmp(w->to_port, wire.to_port) == 0) {
            return; /* there is one already */
        }
    }
    if (m->wire_count == WIRES_MAX) {
        return;
    }
    m->wires[m->wire_count++] = wire;
    a->copies[port] += wire.route == 3 ? b->replicas : 1;
    a->loose[port] |= wire.route == 3;
    b->has_input = true;
}

static bool has_more(enum kind kind) {
    return kind == SOURCE || kind == NODE;
}

/* The first and the last that take items: servers stand behind them, sources before. */
static unsigned first_middle(const struct model *m) {
    unsigned i = 0;
    while (m->actors[i].kind == SOURCE) {
        i++;
    }
    return i;
}

static unsigned end_of_middle(const struct model *m) {
    unsigned i = m->count;
    while (m->actors[i - 1].kind == SERVER) {
        i--;
    }
    return i;
}

static void make_wires(struct model *m) {
    unsigned first = first_middle(m);
    unsigned end = end_of_middle(m);
    for (unsigned from = 0; from < end; from++) {
        enum kind kind = m->actors[from].kind;
        unsigned least = from < first ? first : from + 1;
        unsigned wires =
            kind == SOURCE ? 1 + (unsigned)model_draw(m, 3) : (unsigned)model_draw(m, 3);
        for (unsigned w = 0; w < wires && least < end; w++) {
            unsigned port = has_more(kind) && model_chance(m, 30);
            add_wire(m, from, port, least + (unsigned)model_draw(m, end - least));
        }
        /* An echo makes nothing new, so that a cycle of echoes alone would never end. */
        if (m->graph->has_cycles && (kind == NODE || kind == PARENT) && model_chance(m, 40)) {
            add_wire(m, from, has_more(kind) && model_chance(m, 50),
                     first + (unsigned)model_draw(m, from - first + 1));
        }
    }
    for (unsigned to = first; to < end; to++) {
        if (!m->actors[to].has_input) {
            add_wire(m, (unsigned)model_draw(m, first), 0, to);
        }
    }
}

/* One question port goes to one server; each server is asked by somebody. */
static void make_questions(struct model *m) {
    unsigned end = end_of_middle(m);
    for (unsigned server = end; server < m->count; server++) {
        for (unsigned tries = 0; tries < 4; tries++) {
            unsigned from = (unsigned)model_draw(m, end);
            struct actor *a = &m->actors[from];
            if (!has_more(a->kind) || a->asks || m->wire_count == WIRES_MAX) {
                continue;
            }
            struct actor *b = &m->actors[server];
            unsigned route = b->replicas ? 1 + (unsigned)model_draw(m, 2) : 0;
            m->wires[m->wire_count++] = (struct wire){from, server, "question", "question", route};
            a->asks = true;
            b->has_input = true;
        }
    }
    for (unsigned server = end; server < m->count; server++) {
        m->actors[server].unused = !m->actors[server].has_input;
    }
}

static void add_name(struct model *m, unsigned at) {
    str_addf(&m->graph->manifest, "%sa%u", model_prefix(m->actors[at].group), at);
}

static const char *word(bool yes) {
    return yes ? "true" : "false";
}

static void add_fans(struct model *m, const struct actor *a) {
    str_addf(&m->graph->manifest, ", out_copies: %u, out_loose: %s", a->copies[0],
             word(a->loose[0]));
    if (has_more(a->kind)) {
        str_addf(&m->graph->manifest, ", more_copies: %u, more_loose: %s", a->copies[1],
                 word(a->loose[1]));
    }
}

static void add_source(struct model *m, const struct actor *a) {
    static const char *const drives[] = {"init", "timer", "timer", "watch", "wait"};
    struct str *out = &m->graph->manifest;
    bool endless = m->graph->end == STRESS_IS_STOPPED || m->graph->end == STRESS_IS_ABORTED;
    /* one that would end early goes on until the ledger is full: then it is time to stop at last */
    const char *drive = drives[endless ? 1 + model_draw(m, 4) : model_draw(m, 5)];
    unsigned count = endless ? 1000000 : 20 + (unsigned)model_draw(m, 400);
    str_addf(out, ", drive: %s, count: %u, burst: %u", drive, count,
             1 + (unsigned)model_draw(m, 40));
    str_addf(out, ", period: %uus, ttl: %u, ask: %u, deadline: %uus, hasty: %s",
             model_chance(m, 50) ? 0 : (unsigned)model_draw(m, 300), (unsigned)model_draw(m, 6),
             a->asks ? 5 + (unsigned)model_draw(m, 60) : 0, 1 + (unsigned)model_draw(m, 20000),
             word(model_chance(m, 20)));
}

static void add_node(struct model *m, const struct actor *a) {
    struct str *out = &m->graph->manifest;
    bool stops = a->stops;
    bool fails = m->graph->end == STRESS_FAILS && model_chance(m, 50);
    str_addf(out, ", in_ring: %s, aux_ring: %s", word(a->in_policy == DROP_OLDEST),
             word(a->aux_policy == DROP_OLDEST));
    str_addf(out, ", emit: %u, hold: %u, ask: %u, deadline: %uus", 40 + (unsigned)model_draw(m, 61),
             model_chance(m, 20) ? (unsigned)model_draw(m, 60) : 0,
             a->asks ? 5 + (unsigned)model_draw(m, 60) : 0, 1 + (unsigned)model_draw(m, 20000));
    str_addf(out, ", commit: %u, spin: %u, stop_after: %u, fail_after: %u",
             model_chance(m, 20) ? (unsigned)model_draw(m, 60) : 0,
             model_chance(m, 15) ? (unsigned)model_draw(m, 20000) : 0,
             stops ? 1 + (unsigned)model_draw(m, 300) : 0,
             fails ? 1 + (unsigned)model_draw(m, 300) : 0);
}

static void add_parent(struct model *m, const struct actor *a) {
    unsigned fail = model_chance(m, 60) ? (unsigned)model_draw(m, 15) : 0;
    m->graph->has_risk |= fail > 0;
    str_addf(&m->graph->manifest,
             ", in_ring: %s, emit: %u, children: %u, jobs: %u, own: %u, fail: %u, capacity: %u, "
             "gossip: %s",
             word(a->in_policy == DROP_OLDEST), (unsigned)model_draw(m, 101),
             1 + (unsigned)model_draw(m, 8), 1 + (unsigned)model_draw(m, 30),
             model_chance(m, 20) ? (unsigned)model_draw(m, 30) : 0, fail,
             1 + (unsigned)model_draw(m, 8), word(model_chance(m, 40)));
}

static void add_server(struct model *m, const struct actor *a) {
    bool stops = a->stops;
    str_addf(&m->graph->manifest, ", defer: %u, refuse: %u, never: %u, delay: %uus, stop_after: %u",
             (unsigned)model_draw(m, 80), (unsigned)model_draw(m, 20), (unsigned)model_draw(m, 10),
             1 + (unsigned)model_draw(m, 20000), stops ? 1 + (unsigned)model_draw(m, 100) : 0);
}

static void add_config(struct model *m, unsigned at) {
    const struct actor *a = &m->actors[at];
    str_addf(&m->graph->manifest, "config: { ledger: \"%s\", seed: %u", m->ledger,
             (unsigned)model_draw(m, 1u << 30));
    model_write_life_config(m, at);
    switch (a->kind) {
    case SOURCE:
        add_fans(m, a);
        add_source(m, a);
        break;
    case NODE:
        add_fans(m, a);
        add_node(m, a);
        break;
    case ECHO:
        add_fans(m, a);
        str_addf(&m->graph->manifest, ", in_ring: %s, keep: %u", word(a->in_policy == DROP_OLDEST),
                 model_chance(m, 60) ? (unsigned)model_draw(m, 60) : 0);
        break;
    case SERVER:
        add_server(m, a);
        break;
    case PARENT:
        add_fans(m, a);
        add_parent(m, a);
        break;
    }
    str_add(&m->graph->manifest, " }");
}

/* Ports of their own policy. What comes from children must not be dropped: their parent counts it.
 * And a ring on `wide` would need an order of its own. */
static void add_ports(struct model *m, const struct actor *a) {
    struct str *out = &m->graph->manifest;
    if (a->kind == NODE) {
        str_addf(out, ", ports: { in: %s, aux: %s%s }", policy_words[a->in_policy],
                 policy_words[a->aux_policy],
                 a->policy == DROP_OLDEST ? ", wide: drop_newest" : "");
    } else if (a->kind == PARENT) {
        str_addf(out, ", ports: { in: %s, result: block }", policy_words[a->in_policy]);
    }
}

static void add_mailbox(struct model *m, const struct actor *a) {
    static const unsigned capacities[] = {1, 1, 2, 3, 4, 4, 8, 16, 64, 1024};
    struct str *out = &m->graph->manifest;
    str_addf(out, ", mailbox: { capacity: %u, overflow: %s", capacities[model_draw(m, 10)],
             policy_words[a->policy]);
    if (model_chance(m, 15)) {
        str_addf(out, ", bytes: %uB", 64 + (unsigned)model_draw(m, 8000));
    }
    add_ports(m, a);
    str_add(out, " }");
}

/* The port policies come first: the configs tell the actors of them. */
static void choose_ports(struct model *m, struct actor *a) {
    if ((a->kind == NODE || a->kind == PARENT) && model_chance(m, 30)) {
        a->in_policy = draw_policy(m);
        a->aux_policy = draw_policy(m);
    }
}

static void write_actor(struct model *m, unsigned at) {
    struct actor *a = &m->actors[at];
    struct str *out = &m->graph->manifest;
    choose_ports(m, a);
    str_addf(out, "a%u: { type: %s, ", at, kind_types[a->kind]);
    add_config(m, at);
    add_mailbox(m, a);
    if (a->replicas) {
        str_addf(out, ", replicas: %u", a->replicas);
    }
    if (model_chance(m, 10)) {
        str_add(out, ", thread: own");
    }
    model_write_lives(m, a);
    unsigned before = at > 0 ? (unsigned)model_draw(m, at) : 0;
    if (at > 0 && a->group == 0 && !m->actors[before].unused && model_chance(m, 15)) {
        str_add(out, ", after: [");
        add_name(m, before);
        str_add(out, "]");
    }
    if (m->graph->end == STRESS_IS_STOPPED && model_chance(m, 10)) {
        str_add(out, ", when_inputs_end: stay");
    }
    str_add(out, " }\n");
}

static void indent(struct model *m, unsigned depth) {
    for (unsigned i = 0; i < depth; i++) {
        str_add(&m->graph->manifest, "  ");
    }
}

static void write_actors(struct model *m, unsigned group, unsigned depth) {
    indent(m, depth);
    str_add(&m->graph->manifest, "actors:\n");
    for (unsigned i = 0; i < m->count; i++) {
        if (m->actors[i].group == group && !m->actors[i].unused) {
            indent(m, depth + 1);
            write_actor(m, i);
        }
    }
    for (unsigned g = 1; g < GROUPS; g++) {
        if (m->groups[g].used && model_parent(g) == group) {
            indent(m, depth + 1);
            str_addf(&m->graph->manifest, "g%u:\n", g);
            indent(m, depth + 2);
            model_write_group(m, g);
            write_actors(m, g, depth + 2);
        }
    }
}

/* What is not known before everything is wired. */
static void choose_lives(struct model *m) {
    for (unsigned i = 0; i < m->count; i++) {
        struct actor *a = &m->actors[i];
        a->stops =
            (a->kind == NODE || a->kind == SERVER) && m->graph->closes_early && model_chance(m, 30);
        for (unsigned g = a->unused ? 0 : a->group; g > 0; g = model_parent(g)) {
            m->groups[g].used = true;
        }
    }
    for (unsigned i = 0; i < m->count; i++) {
        model_choose_lives(m, &m->actors[i]);
    }
}

static void write_wires(struct model *m) {
    struct str *out = &m->graph->manifest;
    str_add(out, "wires:\n");
    for (unsigned i = 0; i < m->wire_count; i++) {
        const struct wire *w = &m->wires[i];
        str_add(out, "  - { from: ");
        add_name(m, w->from);
        str_addf(out, ".%s, to: ", w->from_port);
        add_name(m, w->to);
        str_addf(out, ".%s", w->to_port);
        if (w->route) {
            str_addf(out, ", route: %s", route_words[w->route]);
        }
        str_addf(out, "%s }\n", w->route == 2 ? ", key: key" : "");
    }
}

static void choose_end(struct model *m) {
    struct stress_graph *graph = m->graph;
    uint64_t r = model_draw(m, 100);
    graph->end = r < 50   ? STRESS_ENDS_ITSELF
                 : r < 82 ? STRESS_IS_STOPPED
                 : r < 92 ? STRESS_IS_ABORTED
                          : STRESS_FAILS;
    bool is_stopped = graph->end == STRESS_IS_STOPPED || graph->end == STRESS_IS_ABORTED;
    graph->stop_at = is_stopped ? 1 + (uint32_t)model_draw(m, 3000) : 0;
    graph->message_max = 1000 + (uint32_t)model_draw(m, 8000);
    graph->closes_early = model_chance(m, 25);
}

void stress_graph_make(struct stress_graph *graph, uint64_t seed, const char *ledger,
                       const char *plugins) {
    struct model m = {.graph = graph, .random = seed, .ledger = ledger};
    *graph = (struct stress_graph){.drops = false};
    str_init(&graph->manifest);
    str_addf(&graph->manifest,
             "troupe: 1\nproc: stress\nworkers: 4\nstop: { timeout: 1h }\n"
             "plugins: { path: [\"%s\"] }\ndead_letters: { keep: 200000 }\n"
             "quarantine: { keep: 1, bytes: 1B }\n",
             plugins);
    choose_end(&m);
    model_choose_policies(&m);
    graph->has_cycles = model_chance(&m, 40);
    make_actors(&m);
    make_wires(&m);
    make_questions(&m);
    choose_lives(&m);
    model_write_supervision(&m);
    write_actors(&m, 0, 0);
    write_wires(&m);
}

void stress_graph_fini(struct stress_graph *graph) {
    str_fini(&graph->manifest);
}

const char *stress_end_text(enum stress_end end) {
    static const char *const texts[] = {"ends by itself", "is stopped in mid-stream", "is aborted",
                                        "fails"};
    return texts[end];
}
