/* The graph of a proc that gets other wires: cycles are found anew, and who feeds whom. */
#include <string.h>

#include "base/alloc.h"
#include "supervise/supervisor_impl.h"

/* Whom each is wired to, one after another. */
struct aims {
    uint32_t *first; /* per actor, and one more: where its begin in `items`; owned, as that */
    uint32_t *items;
};

/* A walk in depth (Tarjan), with a stack of its own: graphs may be long. */
struct walk {
    const struct aims *aims;
    uint32_t *number; /* per actor: when it was met, from 1; 0: not yet */
    uint32_t *low;    /* the earliest that can be reached from it and is not done */
    uint32_t *next;   /* the aim to follow next */
    uint32_t *open;   /* met, and of no cycle yet */
    uint32_t *path;   /* from where it came */
    uint32_t *cycle;  /* per actor; PLAN_NONE: of none yet */
    uint32_t open_count, depth, met, cycles;
};

/* What the new graph is, until it takes the place of the one before. */
struct regraph {
    struct supervisor *sup;
    struct aims aims;
    struct walk walk;
    struct sup_cycle *cycles;
    struct sup_list *feeds; /* per actor */
    uint32_t *fed_by;       /* per cycle: the last actor that was found to feed it, + 1 */
};

/* --- edges --- */

static void each_edge(const struct supervisor *sup, const struct supervisor_change *change,
                      void (*each)(struct aims *aims, uint32_t from, uint32_t to),
                      struct aims *aims) {
    for (size_t i = 0; i < change->edge_count; i++) {
        each(aims, change->edges[i].from, change->edges[i].to);
    }
    for (uint32_t i = 0; i < sup->count; i++) {
        const struct sup_actor *actor = sup->actors[i];
        for (uint32_t t = 0; actor->by_hand && t < actor->aims.count; t++) {
            each(aims, i, actor->aims.items[t]);
        }
    }
}

static void count_edge(struct aims *aims, uint32_t from, uint32_t to) {
    (void)to;
    aims->first[from + 1]++;
}

/* Backwards, so that `first` is what it says afterwards. */
static void put_edge(struct aims *aims, uint32_t from, uint32_t to) {
    aims->items[--aims->first[from + 1]] = to;
}

static int gather(struct regraph *g, const struct supervisor_change *change) {
    uint32_t count = g->sup->count;
    g->aims.first = mem_array((size_t)count + 2, sizeof *g->aims.first);
    if (!g->aims.first) {
        return -1;
    }
    each_edge(g->sup, change, count_edge, &g->aims);
    for (uint32_t i = 0; i < count; i++) { /* first[i + 1]: behind those of i */
        g->aims.first[i + 1] += g->aims.first[i];
    }
    uint32_t all = g->aims.first[count];
    g->aims.items = mem_array((size_t)all + 1, sizeof *g->aims.items);
    if (!g->aims.items) {
        return -1;
    }
    each_edge(g->sup, change, put_edge, &g->aims);
    memmove(g->aims.first, g->aims.first + 1, count * sizeof *g->aims.first);
    g->aims.first[count] = all;
    return 0;
}

/* --- cycles --- */

static int walk_init(struct walk *w, const struct aims *aims, uint32_t count) {
    w->aims = aims;
    w->number = mem_array((size_t)count + 1, sizeof *w->number);
    w->low = mem_array((size_t)count + 1, sizeof *w->low);
    w->next = mem_array((size_t)count + 1, sizeof *w->next);
    w->open = mem_array((size_t)count + 1, sizeof *w->open);
    w->path = mem_array((size_t)count + 1, sizeof *w->path);
    w->cycle = mem_array((size_t)count + 1, sizeof *w->cycle);
    return w->number && w->low && w->next && w->open && w->path && w->cycle ? 0 : -1;
}

static void meet(struct walk *w, uint32_t at) {
    w->number[at] = w->low[at] = ++w->met;
    w->next[at] = w->aims->first[at];
    w->cycle[at] = PLAN_NONE;
    w->open[w->open_count++] = at;
    w->path[w->depth++] = at;
}

static void lower(struct walk *w, uint32_t at, uint32_t to) {
    w->low[at] = to < w->low[at] ? to : w->low[at];
}

static void leave(struct walk *w, uint32_t at) {
    w->depth--;
    if (w->depth > 0) {
        lower(w, w->path[w->depth - 1], w->low[at]);
    }
    if (w->low[at] != w->number[at]) {
        return;
    }
    uint32_t member;
    do {
        member = w->open[--w->open_count];
        w->cycle[member] = w->cycles;
    } while (member != at);
    w->cycles++;
}

static void walk_from(struct walk *w, uint32_t start) {
    meet(w, start);
    while (w->depth > 0) {
        uint32_t at = w->path[w->depth - 1];
        if (w->next[at] == w->aims->first[at + 1]) {
            leave(w, at);
            continue;
        }
        uint32_t to = w->aims->items[w->next[at]++];
        if (w->number[to] == 0) {
            meet(w, to);
        } else if (w->cycle[to] == PLAN_NONE) {
            lower(w, at, w->number[to]);
        }
    }
}

static void walk_fini(struct walk *w) {
    mem_free(w->number);
    mem_free(w->low);
    mem_free(w->next);
    mem_free(w->open);
    mem_free(w->path);
    mem_free(w->cycle);
}

/* --- what they are --- */

/* It has been told to end, as all its members have that are there still. */
static bool has_ended(const struct supervisor *sup, const struct sup_cycle *cycle) {
    uint32_t open = 0;
    for (uint32_t i = 0; i < cycle->members.count; i++) {
        const struct sup_actor *actor = sup->actors[cycle->members.items[i]];
        /* one that was just added is of no cycle yet */
        bool was_told = actor->cycle < sup->cycle_count && sup->cycles[actor->cycle].ended;
        if (!actor->closed && !was_told) {
            return false;
        }
        open += !actor->closed;
    }
    return open > 0;
}

static int add_members(struct regraph *g) {
    struct supervisor *sup = g->sup;
    for (uint32_t i = 0; i < sup->count; i++) {
        const struct sup_actor *actor = sup->actors[i];
        struct sup_cycle *cycle = &g->cycles[g->walk.cycle[i]];
        if (actor->plan->is_group || actor->is_vacant) {
            continue; /* a group ends when its members have */
        }
        cycle->is_cycle |= cycle->members.count > 0;
        cycle->leaving |= actor->leaving;
        cycle->stay |= actor->plan->spec->when_inputs_end == INPUTS_END_STAY;
        if (sup_list_add(&cycle->members, i) < 0) {
            return -1;
        }
    }
    for (uint32_t c = 0; c < g->walk.cycles; c++) {
        g->cycles[c].ended = has_ended(sup, &g->cycles[c]);
    }
    return 0;
}

/* Each once; those of who leaves count as inputs for those who leave after it alone. */
static int add_feed(struct regraph *g, uint32_t from, uint32_t cycle) {
    const struct sup_actor *actor = g->sup->actors[from];
    struct sup_cycle *to = &g->cycles[cycle];
    to->has_inputs |= !actor->leaving || to->leaving;
    if (actor->closed || g->fed_by[cycle] == from + 1) {
        return 0;
    }
    g->fed_by[cycle] = from + 1;
    to->open_inputs++;
    return sup_list_add(&g->feeds[from], cycle);
}

static int add_feeds(struct regraph *g) {
    const struct aims *aims = &g->aims;
    for (uint32_t i = 0; i < g->sup->count; i++) {
        for (uint32_t t = aims->first[i]; t < aims->first[i + 1]; t++) {
            uint32_t cycle = g->walk.cycle[aims->items[t]];
            if (aims->items[t] == i) {
                g->cycles[cycle].is_cycle = true; /* wired to itself */
            } else if (cycle != g->walk.cycle[i] && add_feed(g, i, cycle) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int make(struct regraph *g, const struct supervisor_change *change) {
    uint32_t count = g->sup->count;
    if (gather(g, change) < 0 || walk_init(&g->walk, &g->aims, count) < 0) {
        return -1;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (g->walk.number[i] == 0) {
            walk_from(&g->walk, i);
        }
    }
    g->cycles = mem_array((size_t)g->walk.cycles + 1, sizeof *g->cycles);
    g->fed_by = mem_array((size_t)g->walk.cycles + 1, sizeof *g->fed_by);
    g->feeds = mem_array((size_t)count + 1, sizeof *g->feeds);
    return !g->cycles || !g->fed_by || !g->feeds || add_members(g) < 0 || add_feeds(g) < 0 ? -1 : 0;
}

static void exchange(struct regraph *g) {
    struct supervisor *sup = g->sup;
    struct sup_cycle *cycles = sup->cycles;
    uint32_t cycle_count = sup->cycle_count;
    sup->cycles = g->cycles;
    sup->cycle_count = g->walk.cycles;
    sup->watching = 0;
    g->cycles = cycles;
    g->walk.cycles = cycle_count;
    for (uint32_t i = 0; i < sup->count; i++) {
        struct sup_list feeds = sup->actors[i]->feeds;
        sup->actors[i]->feeds = g->feeds[i];
        sup->actors[i]->cycle = g->walk.cycle[i];
        g->feeds[i] = feeds;
    }
}

static void fini(struct regraph *g) {
    for (uint32_t i = 0; g->cycles && i < g->walk.cycles; i++) {
        mem_free(g->cycles[i].members.items);
    }
    for (uint32_t i = 0; g->feeds && i < g->sup->count; i++) {
        mem_free(g->feeds[i].items);
    }
    mem_free(g->cycles);
    mem_free(g->feeds);
    mem_free(g->fed_by);
    mem_free(g->aims.first);
    mem_free(g->aims.items);
    walk_fini(&g->walk);
}

int sup_regraph(struct supervisor *sup, const struct supervisor_change *change) {
    struct regraph g = {.sup = sup};
    int status = make(&g, change);
    if (status == 0) {
        exchange(&g);
    }
    fini(&g);
    return status;
}
