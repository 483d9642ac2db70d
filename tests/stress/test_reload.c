/* Reloads under full load, back and forth between two versions with different states, among them such as fail in
 * every way: each item comes through once and in order, no keeper forgets what it kept, and in the end there is as
 * much memory and as many mappings as before.
 *
 *   TROUPE_RELOADS=200 TROUPE_KEEPERS=10000 KEEPER_LATER=500 tests/stress/test_reload    the long run */
#include "lib/app/kit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wait.h"
#include "sched/fault.h"

struct way {
    const char *fixture; /* what is installed */
    const char *bad;     /* $KEEPER_BAD */
    int outcome;         /* enum reload_outcome */
    unsigned shadow;     /* so many messages are compared first */
};

/* Round and round. After each that is refused or taken back comes one that brings the first version again, which
 * is the one that runs: nothing to do. */
static const struct way ways[] = {
    {"keeper_2", "", RELOAD_DONE, 0},
    {"keeper_1", "", RELOAD_DONE, 0},
    {"keeper_2", "migration", RELOAD_TAKEN_BACK, 0},
    {"keeper_1", "", RELOAD_NOTHING, 0},
    {"keeper_2", "migration-fault", RELOAD_TAKEN_BACK, 0},
    {"keeper_2", "first", RELOAD_TAKEN_BACK, 0},
    {"wants_symbols", "", RELOAD_REFUSED, 0},
    {"keeper_2", "first-fault", RELOAD_TAKEN_BACK, 0},
    {"keeper_2", "first-hang", RELOAD_TAKEN_BACK, 0},
    {"bad_static_tls", "", RELOAD_REFUSED, 0},
    {"keeper_2", "", RELOAD_DONE, 0},
    {"keeper_2", "", RELOAD_NOTHING, 0},
    {"adder_1", "", RELOAD_REFUSED, 0},
    {"keeper_1", "", RELOAD_DONE, 0},
    {"keeper_2", "later-fault", RELOAD_TAKEN_BACK, 0},
    {"keeper_2", "wrong", RELOAD_REFUSED, 50},
    {"keeper_2", "first-fault", RELOAD_REFUSED, 5},
    {"keeper_2", "", RELOAD_DONE, 50},
    {"keeper_1", "", RELOAD_DONE, 50},
};

static unsigned number_from(const char *name, unsigned otherwise) {
    const char *text = getenv(name);
    return text && *text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

/* What a pool may hold; a source and a judge for each. */
#define POOL_MOST 2500u

static unsigned pools_for(unsigned keepers) {
    return (keepers + POOL_MOST - 1) / POOL_MOST;
}

static void tell(struct kit *kit, const char *actor, unsigned pool, const char *port,
                 uint64_t number) {
    char name[32];
    (void)snprintf(name, sizeof name, "%s%u", actor, pool);
    assert_true(kit_number(kit, name, port, number));
}

static char *manifest_for(unsigned keepers) {
    unsigned pools = pools_for(keepers), each = keepers / pools;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    (void)fputs("actors:\n", out);
    for (unsigned i = 0; i < pools; i++) {
        (void)fprintf(out,
                      "  source%u: { type: flow.Source, config: { keys: %u } }\n"
                      "  keeper%u: { type: flow.Keeper, replicas: %u }\n"
                      "  judge%u: { type: flow.Judge, config: { keys: %u } }\n",
                      i, 2 * each, i, each, i, 2 * each);
    }
    (void)fputs("wires:\n", out);
    for (unsigned i = 0; i < pools; i++) {
        (void)fprintf(out,
                      "  - { from: source%u.item, to: keeper%u.item, route: hash, key: key }\n"
                      "  - keeper%u.kept -> judge%u.kept\n",
                      i, i, i, i);
    }
    assert_int_equal(fclose(out), 0);
    return text;
}

static struct kit *start(void **state, unsigned keepers) {
    kit_plugin(*state, "keeper_1", "keeper.so");
    char *text = manifest_for(keepers);
    struct kit *kit = kit_start(*state, text);
    free(text);
    for (unsigned i = 0; i < pools_for(keepers); i++) {
        /* a seeded deployment has to come to rest between two moments */
        bool threads = kit_is_threaded(*state);
        tell(kit, "source", i, threads ? "go" : "pace", threads ? 500 : keepers);
    }
    return kit;
}

/* It goes on until a turn fails, if one is to; in each mode in turn. */
static struct reload_how how_for(const struct way *way, unsigned number) {
    static const enum reload_mode modes[] = {RELOAD_ROLLING, RELOAD_ATOMIC, RELOAD_CANARY};
    bool fails = way->outcome == RELOAD_TAKEN_BACK;
    return (struct reload_how){.has_probation = true,
                               .has_mode = true,
                               .skips_probe = fails || number % 8 != 0, /* else it fails there */
                               .mode = modes[number % 3],
                               .canary = 3,
                               .has_grace = true,
                               .grace_ns = NS_PER_MS,
                               .has_shadow = true,
                               .shadow = {.messages = way->shadow, .time_ns = 600 * NS_PER_S},
                               .probation_ns = fails ? 600 * NS_PER_S : 2 * NS_PER_MS,
                               .probation_messages = fails ? UINT64_MAX : 3};
}

/* Whoever is wrong is seen to be with its first message. */
static void assert_shadow(const struct way *way, const struct reload_report *report) {
    bool is_wrong = way->shadow > 0 && way->outcome == RELOAD_REFUSED;
    const struct shadow_counts *shadow = &report->shadow;
    assert_int_equal(shadow->wanted, way->shadow);
    assert_int_equal(shadow->alive, 0);
    assert_int_equal(shadow->left_out, 0);
    if (is_wrong) {
        assert_int_equal(report->step, RELOAD_STEP_SHADOW);
        assert_true(shadow->differences > 0);
    } else {
        assert_int_equal(shadow->compared, way->shadow);
        assert_int_equal(shadow->differences, 0);
    }
}

static void reload_once(void **state, struct kit *kit, unsigned number, uint64_t *longest_ns) {
    const struct way *way = &ways[number % (sizeof ways / sizeof *ways)];
    if (strchr(way->bad, '-') && !fault_is_contained()) {
        return; /* built with a sanitizer that wants faults for itself */
    }
    if (strstr(way->bad, "-hang") && !kit_is_threaded(*state)) {
        return; /* nobody else is there to see it */
    }
    struct reload_report report;
    kit_plugin(*state, way->fixture, "keeper.so");
    setenv("KEEPER_BAD", way->bad, 1);
    (void)kit_reload(kit, how_for(way, number), &report);
    if ((int)report.outcome != way->outcome) {
        fail_msg("%s %s: %s, at step '%s', for '%s'", way->fixture, way->bad,
                 reload_outcome_text(report.outcome), reload_step_text(report.step), report.reason);
    }
    assert_shadow(way, &report);
    assert_int_equal(report.stranded, 0);
    assert_int_equal(report.counts.sent_since, 0);
    assert_int_equal(report.counts.unguarded, 0);
    *longest_ns = report.counts.longest_ns > *longest_ns ? report.counts.longest_ns : *longest_ns;
}

static unsigned count_mappings(void) {
    FILE *file = fopen("/proc/self/maps", "r");
    unsigned count = 0;
    assert_non_null(file);
    for (int c = getc(file); c != EOF; c = getc(file)) {
        count += c == '\n';
    }
    (void)fclose(file);
    return count;
}

static unsigned resident_kib(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*u %lu", &pages), 1);
    (void)fclose(file);
    return (unsigned)(pages * 4);
}

/* Threads for turns that hang come and go, and so do heaps of threads. */
#define FEW_MAPPINGS 16u
#define FEW_KIB 8192u
#define MAPPINGS_OF_ONE 8u /* at most: generation */

struct footprint {
    unsigned mappings, kib;
    unsigned stays; /* generations: what looks like an address of theirs lies somewhere (RL-5) */
};

static bool have_gone(void *context) {
    static struct retired retired[2 * RETIRED_KEEPS];
    size_t count = reload_retired(deploy_reload(kit_deploy(context)), retired,
                                  sizeof retired / sizeof *retired);
    for (size_t i = 0; i < count; i++) {
        if (retired[i].state == RETIRED_RETIRING || retired[i].state == RETIRED_QUIET) {
            return false;
        }
    }
    return true;
}

/* When all that is to be unloaded has been. */
static struct footprint measure(struct kit *kit) {
    static struct retired retired[2 * RETIRED_KEEPS];
    test_wait_until(have_gone, kit);
    struct footprint ret = {count_mappings(), resident_kib(), 0};
    size_t count =
        reload_retired(deploy_reload(kit_deploy(kit)), retired, sizeof retired / sizeof *retired);
    for (size_t i = 0; i < count; i++) {
        ret.stays += retired[i].state == RETIRED_STAYS;
    }
    return ret;
}

static void judge(void **state, struct kit *kit, unsigned pool) {
    char line[96], name[32];
    tell(kit, "judge", pool, "tell", 0);
    (void)snprintf(name, sizeof name, "source%u", pool);
    char *said = kit_trace_of(*state, name);
    (void)snprintf(line, sizeof line, "judge%u: judged %" PRIu64 ", 0 out of order, 0 forgotten",
                   pool, (uint64_t)strtoull(said + strlen("sent "), NULL, 10));
    free(said);
    kit_wait(kit, line);
}

static void finish(void **state, struct kit *kit, unsigned keepers) {
    for (unsigned i = 0; i < pools_for(keepers); i++) {
        tell(kit, "source", i, "cease", 0);
    }
    kit_settle(kit);
    for (unsigned i = 0; i < pools_for(keepers); i++) {
        judge(state, kit, i);
    }
    kit_stop(kit);
}

static void run(void **state, unsigned keepers, unsigned reloads) {
    struct kit *kit = start(state, keepers);
    struct footprint before = {0};
    uint64_t longest_ns = 0;
    for (unsigned i = 0; i < reloads; i++) {
        if (i == reloads / 2) {
            before = measure(kit);
        }
        reload_once(state, kit, i, &longest_ns);
    }
    struct footprint after = measure(kit);
    print_message("%u reloads of %u keepers; longest pause of one %" PRIu64
                  " us; mappings %u/%u, resident %u/%u KiB, generations that stay %u/%u\n",
                  reloads, keepers, longest_ns / 1000, before.mappings, after.mappings, before.kib,
                  after.kib, before.stays, after.stays);
    unsigned stay = after.stays - before.stays;
    if (fault_is_contained()) { /* a sanitizer keeps what is freed */
        assert_true(after.mappings <= before.mappings + FEW_MAPPINGS + stay * MAPPINGS_OF_ONE);
        assert_true(after.kib <= before.kib + before.kib / 4 + FEW_KIB);
    }
    finish(state, kit, keepers);
}

static void test_rl3_nothing_is_lost_by_reloads_under_load(void **state) {
    bool threads = kit_is_threaded(*state);
    run(state, number_from("TROUPE_KEEPERS", threads ? 200 : 20),
        number_from("TROUPE_RELOADS", threads ? 38 : 19));
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_rl3_nothing_is_lost_by_reloads_under_load),
};

int main(void) {
    return KIT_RUN(tests);
}
