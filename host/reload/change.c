/* Another plan for what runs: actors join, get other wires, and leave.
 *
 * Whoever joins is made, wired and started before anybody sends to it; whoever leaves is told to when nobody who stays
 * sends to it any more, and ends in the order of the wires with what it has been sent. Until then all of it can be
 * taken back in the same way: wires first, then those that joined leave. */
#include <stdio.h>
#include <string.h>

#include "actor/wiring.h"
#include "base/alloc.h"
#include "reload/reload_impl.h"

#define LOOK_AGAIN_NS (5 * NS_PER_MS)

struct list_of {
    uint32_t *items; /* numbers; owned */
    size_t count;
};

struct change {
    struct list_of joining, leaving, restarting;
    /* Owned. New ones of those who stay, new ones of those who join, old ones of those who leave, old ones of those
     * who stay: all that may be used until it is settled, without the last part when it is, without the first part
     * when it is taken back. */
    struct supervisor_edge *edges;
    size_t parts[5]; /* where each begins, and the end */
    bool *
        rewires; /* per actor of the next plan: it stays, with other wires; owned, as the next two */
    struct inst **actors;   /* likewise: what it is */
    struct proc_made *made; /* likewise */
    bool is_made, is_shown, is_rewired;
    struct rewire *rewire; /* owned */
};

/* --- waiting --- */

static uint64_t now(const struct transaction *t) {
    struct clock *clock = proc_clock(t->reload->proc);
    return clock->now(clock);
}

static uint64_t until_over(const struct transaction *t) {
    return now(t) +
           (t->how->over_ns ? t->how->over_ns : t->reload->plan->manifest->reload.swap_timeout_ns);
}

static uint64_t soon(const struct transaction *t, uint64_t until_ns) {
    uint64_t soon_ns = now(t) + LOOK_AGAIN_NS;
    return soon_ns < until_ns ? soon_ns : until_ns;
}

static void wait_heard(const struct transaction *t, uint64_t heard_of, uint64_t until_ns) {
    if (t->how->step) {
        t->how->step(t->how->context, soon(t, until_ns));
    } else {
        supervisor_wait_heard(t->reload->supervisor, heard_of, until_ns);
    }
}

static const char *path_of(const struct plan *plan, const uint32_t *numbers, uint32_t number) {
    uint32_t at = 0;
    while (at + 1 < plan->actor_count && numbers[at] != number) {
        at++;
    }
    return plan->actors[at].path;
}

/* --- what it is --- */

static int find_who(struct transaction *t, struct change *c) {
    const struct plan *plan = t->reload->plan;
    const struct plan *next = t->how->next;
    c->joining.items = mem_array(next->actor_count + 1, sizeof *c->joining.items);
    c->leaving.items = mem_array(plan->actor_count + 1, sizeof *c->leaving.items);
    c->restarting.items = mem_array(next->actor_count + 1, sizeof *c->restarting.items);
    if (!c->joining.items || !c->leaving.items || !c->restarting.items) {
        return -1;
    }
    for (uint32_t i = 0; i < next->actor_count; i++) {
        if (t->before[i] == PLAN_NONE) {
            c->joining.items[c->joining.count++] = t->numbers[i];
        } else if (t->restarts[i]) {
            c->restarting.items[c->restarting.count++] = t->numbers[i];
        }
    }
    for (uint32_t i = 0; i < plan->actor_count; i++) {
        if (t->after[i] == PLAN_NONE) {
            c->leaving.items[c->leaving.count++] = t->reload->numbers[i];
        }
    }
    return 0;
}

static size_t count_edges(const struct plan *plan) {
    size_t count = 0;
    for (size_t i = 0; i < plan->wire_count; i++) {
        count += plan->wires[i].to_count;
    }
    return count;
}

/* Those of actors that are, or are not, in both plans. */
static void add_edges(struct change *c, size_t *count, const struct plan *plan,
                      const uint32_t *numbers, const uint32_t *other, bool in_both) {
    for (size_t i = 0; i < plan->wire_count; i++) {
        const struct plan_wire *wire = &plan->wires[i];
        for (size_t n = 0; (other[wire->from] != PLAN_NONE) == in_both && n < wire->to_count; n++) {
            c->edges[(*count)++] =
                (struct supervisor_edge){numbers[wire->from], numbers[wire->to[n]]};
        }
    }
}

static int find_edges(struct transaction *t, struct change *c) {
    const struct plan *plan = t->reload->plan;
    const struct plan *next = t->how->next;
    size_t count = 0;
    c->edges = mem_array(count_edges(plan) + count_edges(next) + 1, sizeof *c->edges);
    if (!c->edges) {
        return -1;
    }
    add_edges(c, &count, next, t->numbers, t->before, true);
    c->parts[1] = count;
    add_edges(c, &count, next, t->numbers, t->before, false);
    c->parts[2] = count;
    add_edges(c, &count, plan, t->reload->numbers, t->after, false);
    c->parts[3] = count;
    add_edges(c, &count, plan, t->reload->numbers, t->after, true);
    c->parts[4] = count;
    return 0;
}

/* --- other wires --- */

struct side {
    const struct plan *plan;
    const uint32_t *numbers;
    struct wiring wires;
};

static const char *row_name(const struct side *side, uint32_t actor, uint32_t row) {
    const struct plan *plan = side->plan;
    return plan->types[plan->actors[actor].type].note->rows[row].name;
}

static bool is_same_key(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_same_wire(const struct side *from, uint32_t a, const struct side *to, uint32_t b) {
    const struct plan_wire *old = &from->plan->wires[a];
    const struct plan_wire *new = &to->plan->wires[b];
    if (old->to_count != new->to_count || old->route != new->route ||
        !is_same_key(old->key_name, new->key_name) ||
        strcmp(row_name(from, old->from, old->from_row), row_name(to, new->from, new->from_row)) ||
        strcmp(row_name(from, old->to[0], old->to_row), row_name(to, new->to[0], new->to_row))) {
        return false;
    }
    for (size_t i = 0; i < old->to_count; i++) {
        if (from->numbers[old->to[i]] != to->numbers[new->to[i]]) {
            return false;
        }
    }
    return true;
}

static bool has_same_wires(const struct side *from, uint32_t before, const struct side *to,
                           uint32_t at) {
    uint32_t a = from->wires.first[before];
    uint32_t b = to->wires.first[at];
    while (a != PLAN_NONE && b != PLAN_NONE && is_same_wire(from, a, to, b)) {
        a = from->wires.next[a];
        b = to->wires.next[b];
    }
    return a == PLAN_NONE && b == PLAN_NONE;
}

static int find_rewired(struct transaction *t, struct change *c) {
    struct side from = {.plan = t->reload->plan, .numbers = t->reload->numbers};
    struct side to = {.plan = t->how->next, .numbers = t->numbers};
    c->rewires = mem_array(to.plan->actor_count + 1, sizeof *c->rewires);
    int status = c->rewires && wiring_init(&from.wires, from.plan, NULL) == 0 &&
                         wiring_init(&to.wires, to.plan, NULL) == 0
                     ? 0
                     : -1;
    for (uint32_t i = 0; status == 0 && i < to.plan->actor_count; i++) {
        uint32_t before = t->before[i];
        c->rewires[i] = before != PLAN_NONE && !has_same_wires(&from, before, &to, i);
        t->report->rewired += c->rewires[i];
    }
    wiring_fini(&from.wires);
    wiring_fini(&to.wires);
    return status;
}

/* --- whether it can be --- */

/* Of somebody who was there. */
static int check_stands(const struct transaction *t, uint32_t at, const char *what,
                        struct err *err) {
    static const char *const texts[] = {
        [SUPERVISOR_IS_ENDING] = "is ending", [SUPERVISOR_HAS_ENDED] = "has ended"};
    enum supervisor_standing standing = supervisor_standing(t->reload->supervisor, t->numbers[at]);
    return standing == SUPERVISOR_STANDS
               ? 0
               : err_set(err, ERR_REFUSED, "'%s' %s: nothing can be %s it any more",
                         t->how->next->actors[at].path, texts[standing], what);
}

static int check_joining(const struct transaction *t, struct err *err) {
    const struct plan *next = t->how->next;
    for (uint32_t i = 0; i < next->actor_count; i++) {
        uint32_t parent = next->actors[i].parent;
        if (t->before[i] != PLAN_NONE) {
            continue;
        }
        if (proc_check_name(t->reload->proc, next->actors[i].name, err) < 0) {
            return err_wrap(err, "'%s' can't be added", next->actors[i].path);
        }
        if (parent != PLAN_NONE && t->before[parent] != PLAN_NONE &&
            check_stands(t, parent, "added to", err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int check_wires(const struct transaction *t, const struct change *c, struct err *err) {
    const struct plan *next = t->how->next;
    for (size_t w = 0; w < next->wire_count; w++) {
        const struct plan_wire *wire = &next->wires[w];
        bool is_new = t->before[wire->from] == PLAN_NONE || c->rewires[wire->from];
        for (size_t i = 0; is_new && i < wire->to_count; i++) {
            if (t->before[wire->to[i]] != PLAN_NONE &&
                check_stands(t, wire->to[i], "wired to", err) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int check_leaving(const struct transaction *t, const struct change *c, struct err *err) {
    for (size_t i = 0; i < c->leaving.count; i++) {
        uint32_t number = c->leaving.items[i];
        const struct plan_actor *by = supervisor_aimed_at(t->reload->supervisor, number);
        if (by) {
            return err_set(err, ERR_REFUSED,
                           "'%s' can't be removed: '%s', which was added while the proc ran, is "
                           "wired to it",
                           path_of(t->reload->plan, t->reload->numbers, number), by->path);
        }
    }
    return 0;
}

int transaction_prepare(struct transaction *t, struct err *err) {
    size_t count = t->how->next->actor_count + 1;
    struct change *c = mem_alloc(sizeof *c);
    t->change = c;
    if (!c) {
        return err_set(err, ERR_NOMEM, "a change of %zu actors", count);
    }
    c->actors = mem_array(count, sizeof *c->actors);
    c->made = mem_array(count, sizeof *c->made);
    if (!c->actors || !c->made || find_who(t, c) < 0 || find_edges(t, c) < 0 ||
        find_rewired(t, c) < 0) {
        return err_set(err, ERR_NOMEM, "a change of %zu actors", count);
    }
    t->report->added = (uint32_t)c->joining.count;
    t->report->removed = (uint32_t)c->leaving.count;
    return check_joining(t, err) < 0 || check_wires(t, c, err) < 0 ? -1 : check_leaving(t, c, err);
}

/* --- who joins --- */

static int make_rewire(struct transaction *t, struct change *c) {
    const struct plan *next = t->how->next;
    struct wiring wiring;
    int status = rewire_create(t->reload->proc, t->report->rewired, &c->rewire);
    if (status < 0 || wiring_init(&wiring, next, c->actors) < 0) {
        return -1;
    }
    for (uint32_t i = 0; i < next->actor_count && status == 0; i++) {
        struct port *ports = NULL;
        status = c->rewires[i] ? wiring_make_ports(&wiring, i, &ports) : 0;
        if (c->rewires[i] && status == 0) {
            rewire_add(c->rewire, c->actors[i], ports);
        }
    }
    wiring_fini(&wiring);
    return status;
}

static int make(struct transaction *t, struct change *c, struct err *err) {
    const struct plan *next = t->how->next;
    for (uint32_t i = 0; i < next->actor_count; i++) {
        bool is_there = t->before[i] != PLAN_NONE;
        c->actors[i] = is_there ? proc_actor(t->reload->proc, t->numbers[i]) : NULL;
    }
    if (proc_make_actors(t->reload->proc, next, c->actors, c->made, err) < 0) {
        return -1;
    }
    c->is_made = true;
    return make_rewire(t, c) < 0 ? err_set(err, ERR_NOMEM, "other wires") : 0;
}

static struct supervisor_change say_change(const struct change *c, size_t from, size_t to,
                                           const struct list_of *leaving) {
    return (struct supervisor_change){.edges = &c->edges[c->parts[from]],
                                      .edge_count = c->parts[to] - c->parts[from],
                                      .leaving = leaving ? leaving->items : NULL,
                                      .leaving_count = leaving ? leaving->count : 0};
}

static int show(struct transaction *t, struct change *c, struct err *err) {
    struct supervisor_change change = say_change(c, 0, 4, NULL);
    change.plan = t->how->next;
    change.actors = c->actors;
    change.numbers = t->numbers;
    if (supervisor_change(t->reload->supervisor, &change, err) < 0) {
        return -1;
    }
    c->is_shown = true;
    return 0;
}

static int not_up(struct transaction *t, const struct inst_end *end, struct err *err) {
    (void)snprintf(t->report->actor, sizeof t->report->actor, "%s", end->name);
    return err_set(err, ERR_FAILED, "'%s', which was to be added, failed before it was ready: %s",
                   end->name, end->text);
}

static int not_in_time(struct transaction *t, uint32_t number, struct err *err) {
    const char *path = path_of(t->how->next, t->numbers, number);
    (void)snprintf(t->report->actor, sizeof t->report->actor, "%s", path);
    return err_set(err, ERR_FAILED,
                   "'%s', which was to be added, was not ready in time; 'reload.swap_timeout' says "
                   "how long that may take",
                   path);
}

static int come_up(struct transaction *t, const struct change *c, struct err *err) {
    uint64_t until_ns = until_over(t);
    struct supervisor_progress progress;
    for (;;) {
        supervisor_look(t->reload->supervisor, c->joining.items, c->joining.count, &progress);
        if (progress.failed.failed) {
            return not_up(t, &progress.failed, err);
        }
        if (progress.is_ending) {
            return err_set(err, ERR_STOPPED, "the proc is stopping");
        }
        if (progress.up == c->joining.count) {
            return 0;
        }
        if (now(t) >= until_ns) {
            return not_in_time(t, progress.not_up, err);
        }
        wait_heard(t, progress.heard_of, until_ns);
    }
}

int transaction_add(struct transaction *t, struct err *err) {
    struct change *c = t->change;
    return make(t, c, err) < 0 || show(t, c, err) < 0 ? -1 : come_up(t, c, err);
}

/* --- other wires --- */

/* How many have not changed theirs in time. */
static size_t drive(struct transaction *t, struct change *c, uint64_t until_ns,
                    const struct inst **ret_one) {
    for (;;) {
        size_t left = rewire_left(c->rewire, ret_one);
        if (left == 0 || now(t) >= until_ns) {
            return left;
        }
        if (t->how->step) {
            t->how->step(t->how->context, soon(t, until_ns));
        } else {
            rewire_wait(c->rewire, left, soon(t, until_ns));
        }
    }
}

int transaction_rewire(struct transaction *t, struct err *err) {
    const struct inst *one = NULL;
    char name[160];
    t->change->is_rewired = true;
    rewire_begin(t->change->rewire);
    if (drive(t, t->change, until_over(t), &one) == 0) {
        return 0;
    }
    (void)inst_name(one, name, sizeof name);
    (void)snprintf(t->report->actor, sizeof t->report->actor, "%s", name);
    return err_set(err, ERR_FAILED,
                   "'%s' has not come to the end of a turn in time to get its new wires; "
                   "'reload.swap_timeout' says how long that may take",
                   name);
}

/* --- who leaves --- */

/* What a life that begins has, from now on; or not after all. */
static void give_settings(struct transaction *t, bool is_back) {
    for (uint32_t i = 0; i < t->how->next->actor_count; i++) {
        struct config *config = is_back ? NULL : t->next_configs[i];
        if (t->restarts[i]) {
            swap_put_next_config(proc_actor(t->reload->proc, t->numbers[i]),
                                 config ? config_ref(config) : NULL);
        }
    }
}

int transaction_let_leave(struct transaction *t, struct err *err) {
    struct supervisor_change change = say_change(t->change, 0, 3, &t->change->leaving);
    change.is_settled = true;
    change.policies = t->how->next;
    change.numbers = t->numbers;
    change.restarting = t->change->restarting.items;
    change.restarting_count = t->change->restarting.count;
    if (transaction_configure_restarts(t, err) < 0) {
        return -1;
    }
    give_settings(t, false);
    if (supervisor_change(t->reload->supervisor, &change, err) < 0) {
        give_settings(t, true);
        return -1;
    }
    supervisor_accept(t->reload->supervisor);
    return 0;
}

/* Whether all of them have ended in time. */
static bool have_ended(struct transaction *t, const struct list_of *list, uint64_t until_ns) {
    struct supervisor_progress progress;
    for (;;) {
        supervisor_look(t->reload->supervisor, list->items, list->count, &progress);
        if (progress.closed == list->count || now(t) >= until_ns) {
            return progress.closed == list->count;
        }
        wait_heard(t, progress.heard_of, until_ns);
    }
}

static void tell_all(struct transaction *t, const struct list_of *list,
                     enum supervisor_order order) {
    struct err err;
    for (size_t i = list->count; i-- > 0;) {
        (void)supervisor_tell(t->reload->supervisor, list->items[i], 0, order,
                              &err); /* or it has */
    }
}

/* As at the end of a proc: what could not end in time is aborted, and what it has not handled becomes dead letters. */
static bool see_off(struct transaction *t, const struct list_of *list) {
    if (have_ended(t, list, now(t) + t->reload->plan->manifest->stop_timeout_ns)) {
        return true;
    }
    tell_all(t, list, SUPERVISOR_ABORT);
    return have_ended(t, list, until_over(t));
}

void transaction_remove(struct transaction *t) {
    struct supervisor_progress progress;
    struct change *c = t->change;
    if (!see_off(t, &c->leaving)) {
        supervisor_look(t->reload->supervisor, c->leaving.items, c->leaving.count, &progress);
        t->report->stranded += c->leaving.count - progress.closed;
    }
}

/* --- back --- */

static void wires_back(struct transaction *t, struct change *c) {
    const struct inst *one;
    if (c->is_rewired) {
        rewire_back(c->rewire);
        (void)drive(t, c, until_over(t), &one);
    }
}

void transaction_undo_change(struct transaction *t) {
    struct err err;
    struct change *c = t->change;
    if (!c || !c->is_shown) {
        return;
    }
    struct supervisor_change change = say_change(c, 1, 4, &c->joining);
    change.is_settled = true;
    wires_back(t, c);
    if (supervisor_change(t->reload->supervisor, &change, &err) < 0) {
        tell_all(t, &c->joining, SUPERVISOR_STOP); /* no memory, or all ends anyway */
    }
    (void)see_off(t, &c->joining);
    supervisor_accept(t->reload->supervisor);
}

void transaction_drop_change(struct transaction *t) {
    struct change *c = t->change;
    if (!c) {
        return;
    }
    if (c->is_made && !c->is_shown) {
        proc_unmake_actors(t->reload->proc, t->how->next, c->actors, c->made);
    }
    rewire_destroy(c->rewire);
    mem_free(c->joining.items);
    mem_free(c->leaving.items);
    mem_free(c->restarting.items);
    mem_free(c->edges);
    mem_free(c->rewires);
    mem_free((void *)c->actors);
    mem_free(c->made);
    mem_free(c);
}
