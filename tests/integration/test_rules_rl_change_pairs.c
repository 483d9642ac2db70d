/* Reload (RL): random pairs of manifests. One deployment that was changed into another is wired, supervised and ends
 * like one that began as the other. */
#include "lib/app/kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "base/str.h"
#include "lib/seed.h"
#include "supervise/supervisor_impl.h"

#define UNITS 7u /* the last two are members of the group */
#define FIRST_MEMBER 5u
#define OUTS 2u
#define ROUNDS 4u

struct unit {
    bool is_there;
    uint32_t replicas; /* 0: an actor alone */
    bool stays;
    uint32_t restart, intensity;
    bool wires[OUTS][UNITS];
};

struct deployment {
    struct unit units[UNITS];
    uint32_t strategy;
};

static const char *const outs[] = {"out", "other"};
static const char *const routes[] = {"round_robin", "broadcast"};
static const char *const restarts[] = {"permanent", "transient", "temporary"};
static const char *const strategies[] = {"one_for_one", "one_for_all", "rest_for_one"};

/* --- any deployment --- */

static void choose(struct test_random *random, struct deployment *ret) {
    *ret = (struct deployment){.strategy = (uint32_t)test_random_below(random, 3)};
    for (uint32_t i = 0; i < UNITS; i++) {
        struct unit *unit = &ret->units[i];
        unit->is_there = i == 0 || test_random_below(random, 3) > 0;
        unit->replicas = i == 1 || i == 2 ? 1 + (uint32_t)test_random_below(random, 3) : 0;
        unit->stays = test_random_below(random, 2);
        unit->restart = (uint32_t)test_random_below(random, 3);
        unit->intensity = (uint32_t)test_random_below(random, 4);
        for (uint32_t w = 0; w < OUTS * UNITS; w++) {
            unit->wires[w / UNITS][w % UNITS] = test_random_below(random, 5) == 0;
        }
    }
}

static void add_unit(const struct deployment *d, uint32_t i, struct str *out) {
    const struct unit *unit = &d->units[i];
    if (!unit->is_there) {
        return;
    }
    str_addf(out, "%su%u: { type: kit.Player, when_inputs_end: %s, restart: %s",
             i >= FIRST_MEMBER ? "      " : "  ", i, unit->stays ? "stay" : "stop",
             restarts[unit->restart]);
    if (unit->replicas) {
        str_addf(out, ", replicas: %u", unit->replicas);
    }
    /* a timer, as else cycles would come to rest and end */
    str_addf(out, ", stop_timeout: %us, config: { init: 'tick 3600000 3600000' } }\n",
             5 + unit->intensity);
}

static const char *path_of(uint32_t i) {
    static const char *const paths[] = {"u0", "u1", "u2", "u3", "u4", "g/u5", "g/u6"};
    return paths[i];
}

static void add_wires(const struct deployment *d, uint32_t from, struct str *out) {
    for (uint32_t w = 0; d->units[from].is_there && w < OUTS * UNITS; w++) {
        uint32_t to = w % UNITS;
        if (!d->units[from].wires[w / UNITS][to] || !d->units[to].is_there) {
            continue;
        }
        str_addf(out, "  - { from: %s.%s, to: %s.number", path_of(from), outs[w / UNITS],
                 path_of(to));
        if (d->units[to].replicas) {
            str_addf(out, ", route: %s", routes[w / UNITS]);
        }
        str_add(out, " }\n");
    }
}

static void write_down(const struct deployment *d, struct str *out) {
    str_addf(out, "supervision: { strategy: %s, intensity: %u }\nactors:\n",
             strategies[d->strategy], 1 + d->strategy);
    for (uint32_t i = 0; i < FIRST_MEMBER; i++) {
        add_unit(d, i, out);
    }
    if (d->units[FIRST_MEMBER].is_there || d->units[FIRST_MEMBER + 1].is_there) {
        str_addf(out, "  g:\n    supervise: { strategy: %s }\n    actors:\n",
                 strategies[2 - d->strategy]);
        add_unit(d, FIRST_MEMBER, out);
        add_unit(d, FIRST_MEMBER + 1, out);
    }
    str_add(out, "wires:\n  - { from: u0.out, to: u0.second }\n");
    for (uint32_t i = 0; i < UNITS; i++) {
        add_wires(d, i, out);
    }
}

/* --- what it is --- */

static const char *name_of(struct kit *kit, uint32_t number, char *room, size_t size) {
    (void)inst_name(proc_actor(kit_proc(kit), number), room, size);
    return room;
}

static void add_target(struct kit *kit, const struct wire_target *target, struct str *out) {
    char name[160];
    struct inst *in = proc_planned(kit_proc(kit), target->uid);
    assert_non_null(in);
    assert_ptr_equal(target->mbox, &in->mbox);
    (void)inst_name(in, name, sizeof name);
    *strchr(name, '[') = '\0'; /* members that joined later have other numbers */
    str_addf(out, " %s.%s/%u", name, inst_type(in)->rows[target->row].name, target->overflow);
}

static void add_ports(struct kit *kit, const struct inst *in, struct str *out) {
    uint16_t count = in->ports ? port_block_of(in->ports)->count : 0;
    for (uint16_t row = 0; row < count; row++) {
        const struct port *port = &in->ports[row];
        for (uint32_t w = 0; w < port->count; w++) {
            const struct wire *wire = &port->wires[w];
            str_addf(out, "  %s -> %u, %llu:", inst_type(in)->rows[row].name, wire->mode,
                     (unsigned long long)wire->body_room);
            for (uint32_t t = 0; t < wire->count; t++) {
                add_target(kit, &wire->targets[t], out);
            }
            str_addf(out, "%s\n", port->plain ? " plain" : "");
        }
    }
}

/* Who is in a cycle with it, and what else is known of the cycle. */
static void add_cycle(struct kit *kit, const struct supervisor *sup, uint32_t number,
                      struct str *out) {
    const struct sup_cycle *cycle = &sup->cycles[sup->actors[number]->cycle];
    uint32_t members = 0;
    for (uint32_t i = 0; i < cycle->members.count; i++) {
        members += inst_is_open(proc_actor(kit_proc(kit), cycle->members.items[i]));
    }
    str_addf(out, "  cycle: %d of %u, %u inputs (%d), stays %d\n", cycle->is_cycle, members,
             cycle->open_inputs, cycle->has_inputs, cycle->stay);
    assert_false(cycle->leaving);
    assert_false(cycle->ended);
}

/* In the order of the tree. */
static char *describe(struct kit *kit) {
    const struct supervisor *sup = deploy_supervisor(kit_deploy(kit));
    char name[160];
    struct str out;
    str_init(&out);
    for (uint32_t place = 0; place < sup->count; place++) {
        uint32_t number = tree_node_at(sup->tree, place);
        const struct inst *in = proc_actor(kit_proc(kit), number);
        const struct sup_actor *actor = sup->actors[number];
        if (!in || !inst_is_open(in)) {
            continue;
        }
        assert_ptr_equal(actor->plan, proc_plan_of(kit_proc(kit), in));
        *strchr(name_of(kit, number, name, sizeof name), '[') = '\0';
        str_addf(&out, "%s: restart %d, %llus, parent %d, feeds %u\n", name,
                 actor->plan->spec->restart.policy,
                 (unsigned long long)(actor->plan->spec->stop_timeout_ns / NS_PER_S),
                 actor->parent != PLAN_NONE, actor->feeds.count);
        add_ports(kit, in, &out);
        if (!actor->plan->is_group) {
            add_cycle(kit, sup, number, &out);
        }
    }
    char *text = strdup(str_text(&out));
    str_fini(&out);
    return text;
}

static char *describe_new(void **state, const struct deployment *d) {
    struct str text;
    str_init(&text);
    write_down(d, &text);
    struct kit *kit = kit_start(*state, str_text(&text));
    kit_settle(kit);
    char *described = describe(kit);
    kit_stop(kit);
    str_fini(&text);
    return described;
}

static void test_rl_what_was_changed_is_what_would_have_begun(void **state) {
    static const struct reload_how at_once = {.has_probation = true};
    struct test_random random = {kit_seed(*state)};
    struct reload_report report;
    struct deployment d;
    struct str text;
    str_init(&text);
    char *texts[ROUNDS];
    struct deployment all[ROUNDS];
    for (unsigned i = 0; i < ROUNDS; i++) {
        choose(&random, &all[i]);
        texts[i] = describe_new(state, &all[i]);
    }
    choose(&random, &d);
    write_down(&d, &text);
    struct kit *kit = kit_start(*state, str_text(&text));
    for (unsigned i = 0; i < ROUNDS; i++) {
        str_clear(&text);
        write_down(&all[i], &text);
        if (kit_reload_to(kit, str_text(&text), at_once, &report) < 0) {
            fail_msg("%s\n%s", report.reason, str_text(&text));
        }
        char *changed = describe(kit);
        assert_string_equal(changed, texts[i]);
        free(changed);
        free(texts[i]);
    }
    kit_stop(kit);
    str_fini(&text);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_rl_what_was_changed_is_what_would_have_begun),
};

int main(void) {
    return KIT_RUN(tests);
}
