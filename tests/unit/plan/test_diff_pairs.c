/* Plans by chance, in pairs: what the difference says, done on paper to what the one is, gives the other.
 *
 * What a deployment is, is written down here by what its manifest was made of, a fact a line: of plans and
 * differences it knows nothing. */
#include "plan/diff.h"

#include "base/map.h"
#include "lib/seed.h"
#include "unit/plan/diff_world.h"

#define ACTORS 7u
#define GROUPS 2u
#define WIRES 24u

struct model_actor {
    bool is_there;
    uint32_t group; /* GROUPS: in none */
    uint32_t type;
    uint32_t replicas; /* 0: no pool */
    bool own_thread;
    uint32_t depth, span, names, capacity, memory, restart, stuck;
};
struct model_wire {
    bool is_there;
    uint32_t from, out, to, in, route;
};
struct model {
    uint32_t workers, level, intensity[GROUPS];
    struct model_actor actors[ACTORS];
    struct model_wire wires[WIRES];
};

static const char *const types[] = {"d.Tap", "d.Pipe", "d.Sink"};
static const char *const levels[] = {"info", "warn", "debug"};
static const char *const restarts[] = {"permanent", "transient", "temporary"};
static const char *const outs[][2] = {{"line", "copy"}, {"on", "on"}};
static const char *const ins[] = {"line", "debug"};
static const char *const routes[] = {"round_robin", "hash", "broadcast"};

/* --- by chance --- */

static uint32_t below(struct test_random *random, uint32_t bound) {
    return (uint32_t)test_random_below(random, bound);
}

static void make_actor(struct test_random *r, struct model_actor *a) {
    *a = (struct model_actor){.is_there = below(r, 4) > 0,
                              .group = below(r, GROUPS + 1),
                              .type = below(r, 3),
                              .replicas = below(r, 3) ? 0 : 1 + below(r, 3),
                              .own_thread = below(r, 5) == 0,
                              .depth = below(r, 10),
                              .span = below(r, 3),
                              .names = below(r, 3),
                              .capacity = 1 + below(r, 3),
                              .memory = below(r, 3),
                              .restart = below(r, 3),
                              .stuck = 1 + below(r, 3)};
}

static void make_wire(struct test_random *r, struct model_wire *w) {
    *w = (struct model_wire){.is_there = below(r, 3) > 0,
                             .from = below(r, ACTORS),
                             .out = below(r, 2),
                             .to = below(r, ACTORS),
                             .in = below(r, 2),
                             .route = below(r, 3)};
}

static void make_head(struct test_random *r, struct model *m) {
    m->workers = 1 + below(r, 4);
    m->level = below(r, 3);
    for (uint32_t g = 0; g < GROUPS; g++) {
        m->intensity[g] = 1 + below(r, 3);
    }
}

static void make(struct test_random *r, struct model *m) {
    make_head(r, m);
    for (uint32_t i = 0; i < ACTORS; i++) {
        make_actor(r, &m->actors[i]);
    }
    for (uint32_t i = 0; i < WIRES; i++) {
        make_wire(r, &m->wires[i]);
    }
}

/* Some of it becomes something else. */
static void change(struct test_random *r, struct model *m) {
    for (uint32_t n = below(r, 4); n > 0; n--) {
        make_actor(r, &m->actors[below(r, ACTORS)]);
        make_wire(r, &m->wires[below(r, WIRES)]);
    }
    struct model_actor *one = &m->actors[below(r, ACTORS)];
    one->depth = below(r, 10);
    one->replicas += one->replicas ? 1 : 0;
    one->memory = below(r, 3);
    if (below(r, 4) == 0) {
        make_head(r, m);
    }
}

/* Wires that can't be: from sinks, from and to what is not there, twice. */
static void repair(struct model *m) {
    m->actors[0].is_there = true;
    for (uint32_t i = 0; i < WIRES; i++) {
        struct model_wire *w = &m->wires[i];
        w->is_there &= m->actors[w->from].is_there && m->actors[w->to].is_there;
        w->is_there &= m->actors[w->from].type != 2 && m->actors[w->to].type != 0;
        w->out = m->actors[w->from].type == 1 ? 0 : w->out;
        for (uint32_t k = 0; k < i; k++) {
            const struct model_wire *o = &m->wires[k];
            w->is_there &= !(o->is_there && o->from == w->from && o->out == w->out &&
                             o->to == w->to && o->in == w->in);
        }
    }
}

/* --- as a manifest --- */

static const char *path_of(const struct model *m, uint32_t actor, char *ret) {
    const char group[3] = {'g', (char)('0' + m->actors[actor].group), '\0'};
    bool is_inside = m->actors[actor].group < GROUPS;
    (void)snprintf(ret, 16, "%s%s%c", is_inside ? group : "", is_inside ? "/" : "",
                   (char)('a' + actor));
    return ret;
}

static const char *names_of(uint32_t names, bool shown) {
    static const char *const texts[2][3] = {{"[]", "[x]", "[x, y]"},
                                            {"[]", "[\"x\"]", "[\"x\", \"y\"]"}};
    return texts[shown][names];
}

static void write_actor(const struct model *m, uint32_t i, const char *indent, struct str *out) {
    const struct model_actor *a = &m->actors[i];
    str_addf(out, "%s%c: { type: %s, config: { depth: %u, span: %us, names: %s }", indent,
             (char)('a' + i), types[a->type], a->depth, a->span + 1, names_of(a->names, false));
    if (a->replicas) {
        str_addf(out, ", replicas: %u", a->replicas);
    }
    if (a->memory) {
        str_addf(out, ", memory: %uKiB", a->memory);
    }
    str_addf(out, ", thread: %s, mailbox: { capacity: %u }, restart: %s, stuck_after: %us }\n",
             a->own_thread ? "own" : "pool", a->capacity, restarts[a->restart], a->stuck);
}

static bool write_members(const struct model *m, uint32_t group, const char *indent,
                          struct str *out) {
    bool found = false;
    for (uint32_t i = 0; i < ACTORS; i++) {
        if (m->actors[i].is_there && m->actors[i].group == group) {
            write_actor(m, i, indent, out);
            found = true;
        }
    }
    return found;
}

static bool has_members(const struct model *m, uint32_t group) {
    bool found = false;
    for (uint32_t i = 0; i < ACTORS; i++) {
        found |= m->actors[i].is_there && m->actors[i].group == group;
    }
    return found;
}

static void write_wires(const struct model *m, struct str *out) {
    char from[16];
    char to[16];
    bool found = false;
    for (uint32_t i = 0; i < WIRES; i++) {
        const struct model_wire *w = &m->wires[i];
        if (!w->is_there) {
            continue;
        }
        str_add(out, found ? "" : "wires:\n");
        found = true;
        str_addf(out, "  - { from: %s.%s, to: %s.%s", path_of(m, w->from, from),
                 outs[m->actors[w->from].type][w->out], path_of(m, w->to, to), ins[w->in]);
        if (m->actors[w->to].replicas) {
            str_addf(out, ", route: %s%s", routes[w->route], w->route == 1 ? ", key: text" : "");
        }
        str_add(out, " }\n");
    }
}

static void write_manifest(const struct model *m, struct str *out) {
    str_addf(out, "workers: %u\nlog: { level: %s }\nactors:\n", m->workers, levels[m->level]);
    (void)write_members(m, GROUPS, "  ", out);
    for (uint32_t g = 0; g < GROUPS; g++) {
        if (has_members(m, g)) {
            str_addf(out, "  g%u:\n    supervise: { intensity: %u }\n    actors:\n", g,
                     m->intensity[g]);
            (void)write_members(m, g, "      ", out);
        }
    }
    write_wires(m, out);
}

/* --- as facts: "path what" -> value --- */

static void set(struct map *facts, const char *who, const char *what, const char *value) {
    char key[128];
    (void)snprintf(key, sizeof key, "%s %s", who, what);
    free(map_remove(facts, key));
    if (value) {
        assert_int_equal(map_set(facts, key, strdup(value)), 0);
    }
}

__attribute__((format(printf, 4, 5))) static void setf(struct map *facts, const char *who,
                                                       const char *what, const char *format, ...) {
    char value[128];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(value, sizeof value, format, args);
    va_end(args);
    set(facts, who, what, value);
}

static void add_actor_facts(const struct model *m, uint32_t i, const char *who, struct map *facts) {
    const struct model_actor *a = &m->actors[i];
    set(facts, who, "type", types[a->type]);
    set(facts, who, "thread", a->own_thread ? "own" : "pool");
    setf(facts, who, "config.depth", "%u", a->depth);
    setf(facts, who, "config.span", "%us", a->span + 1);
    set(facts, who, "config.names", names_of(a->names, true));
    setf(facts, who, "mailbox.capacity", "%u", a->capacity);
    setf(facts, who, "memory", a->memory ? "%uKiB" : "no cap", a->memory);
    set(facts, who, "restart.policy", restarts[a->restart]);
    setf(facts, who, "restart.intensity", "%u", a->group < GROUPS ? m->intensity[a->group] : 5);
    setf(facts, who, "stuck_after", "%us", a->stuck);
    for (uint32_t w = 0; w < WIRES; w++) {
        const struct model_wire *wire = &m->wires[w];
        const struct model_actor *to = &m->actors[wire->to];
        char what[64];
        char path[16];
        if (!wire->is_there || wire->from != i) {
            continue;
        }
        (void)snprintf(what, sizeof what, "%s -> %s.%s", outs[a->type][wire->out],
                       path_of(m, wire->to, path), ins[wire->in]);
        if (to->replicas) {
            setf(facts, who, what, "%s%s, to %u replica%s", routes[wire->route],
                 wire->route == 1 ? " by text" : "", to->replicas, to->replicas == 1 ? "" : "s");
        } else {
            set(facts, who, what, "direct");
        }
    }
}

static void add_facts(const struct model *m, struct map *facts) {
    setf(facts, "", "workers", "%u", m->workers);
    set(facts, "", "log.level", levels[m->level]);
    for (uint32_t g = 0; g < GROUPS; g++) {
        const char who[] = {'g', (char)('0' + g), '\0'};
        if (has_members(m, g)) {
            setf(facts, who, "supervise.intensity", "%u", m->intensity[g]);
        }
    }
    for (uint32_t i = 0; i < ACTORS; i++) {
        const struct model_actor *a = &m->actors[i];
        char path[16];
        char replica[32];
        for (uint32_t r = 0; a->is_there && r < (a->replicas ? a->replicas : 1); r++) {
            (void)snprintf(replica, sizeof replica, a->replicas ? "%s.%u" : "%s",
                           path_of(m, i, path), r);
            add_actor_facts(m, i, replica, facts);
        }
    }
}

static void facts_fini(struct map *facts) {
    struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(facts, &at));) {
        free(entry->value);
    }
    map_fini(facts);
}

static bool is_of(const char *key, const char *who) {
    size_t size = strlen(who);
    return strncmp(key, who, size) == 0 && key[size] == ' ';
}

/* --- operations, on paper --- */

static void copy(struct map *facts, const struct map *from, const char *who) {
    struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(from, &at));) {
        if (is_of(entry->key, who)) {
            set(facts, who, entry->key + strlen(who) + 1, entry->value);
        }
    }
}

static void drop(struct map *facts, const char *who) {
    struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(facts, &at));) {
        if (is_of(entry->key, who)) {
            set(facts, who, entry->key + strlen(who) + 1, NULL);
            at = 0;
        }
    }
}

/* D-2: nobody that stays sends to what is not there any more. (What has become a pool is wired to as such.) */
static void assert_unwired(const struct map *facts, const struct map *end, const char *who) {
    char target[64];
    struct map_entry *entry;
    (void)snprintf(target, sizeof target, "-> %s.", who);
    for (size_t at = 0; (entry = map_next(facts, &at));) {
        char type[64];
        (void)snprintf(type, sizeof type, "%.*s type", (int)strcspn(entry->key, " "), entry->key);
        assert_false(strstr(entry->key, target) && strcmp(entry->value, "direct") == 0 &&
                     map_find(end, type));
    }
}

static void apply_changes(const struct diff_op *op, const char *who, struct map *facts) {
    for (size_t c = 0; c < op->change_count; c++) {
        set(facts, who, op->changes[c].what, op->changes[c].to);
    }
}

/* Of a new actor what is no wire is the new plan's; its wires are what the operation says. */
static void add_new(const struct diff_op *op, const char *who, const struct map *end,
                    struct map *facts) {
    struct map_entry *entry;
    copy(facts, end, who);
    for (size_t at = 0; (entry = map_next(facts, &at));) {
        if (is_of(entry->key, who) && strstr(entry->key, " -> ")) {
            set(facts, who, entry->key + strlen(who) + 1, NULL);
            at = 0;
        }
    }
    apply_changes(op, who, facts);
}

static void apply(const struct pair *p, const struct diff_op *op, const struct map *end,
                  struct map *facts) {
    bool is_gone = op->kind == DIFF_REMOVE;
    const struct plan *plan = is_gone ? p->from->plan : p->to->plan;
    if (op->count == 0) {
        apply_changes(op, "", facts);
    }
    for (uint32_t i = 0; i < op->count; i++) {
        const char *who = plan->actors[(is_gone ? op->from : op->to) + i].path;
        if (op->kind == DIFF_ADD) {
            assert_true(plan_find_actor(p->from->plan, who) == PLAN_NONE);
            add_new(op, who, end, facts);
        } else if (is_gone) {
            assert_unwired(facts, end, who);
            drop(facts, who);
        } else {
            assert_true(plan_find_actor(p->from->plan, who) == op->from + i);
            apply_changes(op, who, facts);
        }
    }
}

static void assert_same(const struct map *one, const struct map *two) {
    struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(one, &at));) {
        const char *value = map_find(two, entry->key);
        if (!value || strcmp(value, entry->value) != 0) {
            fail_msg("'%s' is '%s', not '%s'", entry->key, (const char *)entry->value,
                     value ? value : "nothing");
        }
    }
}

static void assert_ordered(const struct diff *diff) {
    for (size_t i = 1; i < diff->op_count; i++) {
        assert_true(diff->ops[i - 1].kind <= diff->ops[i].kind);
        assert_true(diff->ops[i].text[0] && (diff->ops[i].mark.line || diff->ops[i].count == 0));
    }
}

static void build(struct world *w, const struct model *m) {
    struct str text;
    str_init(&text);
    write_manifest(m, &text);
    pair_build(w, DIFF_PLUGIN, 'a', str_text(&text));
    str_fini(&text);
}

static void check_pair(const struct model *one, const struct model *two) {
    struct map facts;
    struct map end;
    void *state;
    assert_int_equal(pair_setup(&state), 0);
    struct pair *p = state;
    map_init(&facts);
    map_init(&end);
    add_facts(one, &facts);
    add_facts(two, &end);
    build(p->from, one);
    build(p->to, two);
    assert_int_equal(diff_create(p->from->plan, p->to->plan, &p->diff, NULL), 0);

    for (size_t i = 0; i < p->diff->op_count; i++) {
        apply(p, &p->diff->ops[i], &end, &facts);
    }

    assert_ordered(p->diff);
    assert_same(&facts, &end);
    assert_same(&end, &facts);
    facts_fini(&facts);
    facts_fini(&end);
    assert_int_equal(pair_teardown(&state), 0);
}

static void check_same(const struct model *model) {
    void *state;
    assert_int_equal(pair_setup(&state), 0);
    struct pair *p = state;
    build(p->from, model);
    build(p->to, model);

    assert_int_equal(diff_create(p->from->plan, p->to->plan, &p->diff, NULL), 0);

    assert_int_equal(p->diff->op_count, 0);
    assert_int_equal(pair_teardown(&state), 0);
}

static void test_the_difference_done_on_paper_gives_the_other_plan(void **state) {
    struct test_seeds seeds = test_seeds(300);
    (void)state;
    for (uint64_t seed; test_seeds_next(&seeds, &seed);) {
        struct test_random random = {seed};
        struct model one;
        make(&random, &one);
        struct model two = one;
        if (below(&random, 3) == 0) {
            make(&random, &two);
        } else {
            change(&random, &two);
        }
        repair(&one);
        repair(&two);

        check_same(&one);
        check_pair(&one, &two);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_the_difference_done_on_paper_gives_the_other_plan,
                                  test_seed_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
