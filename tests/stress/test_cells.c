/* Many threads hold, watch, walk, resolve, tell and drop cells, while actors spawn, die and start again; at last
 * the proc goes while some still watch.
 *
 *   TROUPE_STRESS_ROUNDS=5000 tests/stress/test_cells     longer */
#include "lib/app/embedded_cell.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/seed.h"

#define ROUNDS 600u
#define KEPT 8u

static const char manifest[] =
    "supervision: { intensity: 1000000, backoff: { initial: 1ms, max: 2ms } }\n"
    "snapshots: { keep: 10 }\n"
    "actors:\n"
    "  a: { type: kit.Player, restart: permanent, config: { kid: 'number=fail so,cleanup=publish x "
    "1', ended: 'publish heard 1' } }\n"
    "  b: { type: kit.Player, config: { kid: 'init=spawn,number=at 1', ended: 'publish heard 1' } "
    "}\n"
    "  g:\n"
    "    supervise: { strategy: one_for_all, intensity: 1000000, backoff: { initial: 1ms, max: 2ms "
    "} }\n"
    "    actors:\n"
    "      c: { type: kit.Player, restart: permanent }\n"
    "      d: { type: kit.Player, config: { kid: 'init=spawn' } }\n";
static const char *const scripts[] = {"spawn; tell 1",
                                      "spawn; spawn; stop_kid",
                                      "spawn; tell 1; drain_kid",
                                      "spawn; spawn x; publish y 1",
                                      "fail no",
                                      "spawn; fail no"};
static const char *const actors[] = {"a", "b", "g/c", "g/d"};

/* In threads of our own, where cmocka can't fail a test. */
#define CHECK(holds)                                                                               \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds);              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct stress {
    struct embedded *w;
    unsigned rounds;
};

/* One thread's. */
struct part {
    const struct stress *of;
    struct test_random random;
    struct troupe_cell *kept[KEPT];
    uint64_t ends; /* looks at such as have ended */
};

static uint64_t below(struct part *part, uint64_t bound) {
    return test_random_below(&part->random, bound);
}

static bool is_terminal(const struct troupe_cell_seen *seen) {
    return seen->status == TROUPE_CELL_STOPPED || seen->status == TROUPE_CELL_FAILED;
}

static unsigned rank(const struct troupe_cell_seen *seen) {
    return seen->status == TROUPE_CELL_PROCESSING ? TROUPE_CELL_IDLE
           : is_terminal(seen)                    ? TROUPE_CELL_STOPPED
                                                  : seen->status;
}

static void check_order(const struct troupe_cell_seen *before, const struct troupe_cell_seen *now) {
    CHECK(now->incarnation >= before->incarnation);
    if (now->incarnation == before->incarnation) {
        CHECK(rank(now) >= rank(before));
        CHECK(!is_terminal(before) || now->status == before->status);
    }
    CHECK(now->closed || !before->closed);
    CHECK(!now->closed || is_terminal(now));
    CHECK(!is_terminal(now) || now->detail[0]);
}

static struct troupe_cell_seen see(struct troupe_cell *cell) {
    struct troupe_cell_seen seen = {.size = sizeof seen};
    struct troupe_error error;
    CHECK(troupe_cell_status(cell, &seen, &error) == TROUPE_OK);
    return seen;
}

/* --- what threads do with a cell --- */

static void view(struct troupe_cell *cell) {
    struct troupe_look *look = NULL;
    struct troupe_error error;
    CHECK(troupe_cell_look(cell, TROUPE_ACTOR_VIEW, &look, &error) == TROUPE_OK);
    CHECK(strstr(troupe_look_json(look), troupe_cell_id(cell)));
    troupe_look_free(look);
}

/* Weak and strong, and found by its uid: the same actor, or nobody. */
static void find_again(struct part *part, struct troupe_cell *cell) {
    struct troupe_error error;
    struct troupe_cell *by_uid = NULL;
    struct troupe_weak_cell *weak = troupe_cell_weak(cell);
    bool was_closed = see(cell).closed;
    struct troupe_cell *again = troupe_weak_cell_upgrade(weak);
    int32_t status =
        troupe_proc_cell_of(part->of->w->proc, troupe_cell_address(cell), &by_uid, &error);
    CHECK(!was_closed || (!again && status == TROUPE_NOT_FOUND));
    if (again) {
        CHECK(strcmp(troupe_cell_id(again), troupe_cell_id(cell)) == 0);
    }
    if (status == TROUPE_OK) {
        CHECK(strcmp(troupe_cell_id(by_uid), troupe_cell_id(cell)) == 0);
    }
    troupe_cell_unref(by_uid);
    troupe_cell_unref(again);
    troupe_weak_cell_free(weak);
}

static void go_up(struct troupe_cell *cell) {
    struct troupe_error error;
    struct troupe_cell *parent = NULL;
    int32_t status = troupe_cell_parent(cell, &parent, &error);
    CHECK(status == TROUPE_OK || (status == TROUPE_NOT_FOUND && see(cell).closed));
    if (status == TROUPE_OK && parent) {
        struct troupe_cell_seen child = see(cell);
        CHECK(child.closed || !see(parent).closed || see(cell).closed); /* SV-4 */
        troupe_cell_unref(parent);
    }
}

static void watch_a_while(struct part *part, struct troupe_cell *cell) {
    struct troupe_cell_seen before = see(cell);
    for (unsigned i = 0; i < 4; i++) {
        struct troupe_cell_seen now = before;
        struct troupe_error error;
        int32_t status = troupe_cell_watch(cell, below(part, 2000000), &now, &error);
        CHECK(status == TROUPE_OK || status == TROUPE_TIMEOUT);
        check_order(&before, &now);
        before = now;
    }
}

static void stop(struct troupe_cell *cell, uint32_t signal) {
    struct troupe_error error;
    if (troupe_cell_pid(cell) > 0 && strcmp(troupe_cell_type(cell), "kit.Player") == 0 &&
        !strchr(troupe_cell_id(cell) + 2, '/')) { /* no member of the group */
        int32_t status = troupe_cell_signal(cell, signal, &error);
        CHECK(status == TROUPE_OK || status == TROUPE_GONE);
    }
}

static void use(struct part *part, struct troupe_cell *cell) {
    switch (below(part, 6)) {
    case 0:
        view(cell);
        break;
    case 1:
        find_again(part, cell);
        break;
    case 2:
        go_up(cell);
        break;
    case 3:
        watch_a_while(part, cell);
        break;
    case 4:
        stop(cell, (uint32_t)below(part, 3));
        break;
    default:
        part->ends += see(cell).closed;
    }
}

/* --- the threads --- */

static bool keep_some(void *context, struct troupe_cell *cell, uint32_t depth) {
    struct part *part = context;
    CHECK(depth > 0);
    if (below(part, 8) == 0) {
        struct troupe_cell **place = &part->kept[below(part, KEPT)];
        troupe_cell_unref(*place);
        *place = troupe_cell_ref(cell);
    }
    return below(part, 200) > 0;
}

static void *walk(void *context) {
    struct part *part = context;
    struct troupe_error error;
    for (unsigned i = 0; i < part->of->rounds; i++) {
        struct troupe_traverse options = {.size = sizeof options, .most = 200};
        int32_t status = troupe_proc_traverse(part->of->w->proc, &options, keep_some, part, &error);
        CHECK(status == TROUPE_OK || status == TROUPE_FULL);
        for (unsigned k = 0; k < KEPT; k++) {
            if (part->kept[k]) {
                use(part, part->kept[k]);
            }
        }
    }
    for (unsigned k = 0; k < KEPT; k++) {
        troupe_cell_unref(part->kept[k]);
    }
    return NULL;
}

/* By addresses that are, were, or will be. */
static void *resolve(void *context) {
    struct part *part = context;
    struct troupe_error error;
    for (unsigned i = 0; i < part->of->rounds; i++) {
        char address[32];
        struct troupe_cell *cell = NULL;
        (void)snprintf(address, sizeof address, "p/kid[%u]", (unsigned)below(part, 300));
        const char *actor = below(part, 2) ? address : actors[below(part, 4)];
        int32_t status = troupe_proc_cell(part->of->w->proc, actor, &cell, &error);
        CHECK(status == TROUPE_OK || status == TROUPE_NOT_FOUND);
        if (status == TROUPE_OK) {
            use(part, cell);
        }
        troupe_cell_unref(cell);
    }
    return NULL;
}

static void *drive(void *context) {
    struct part *part = context;
    struct embedded *w = part->of->w;
    struct troupe_error error;
    for (unsigned i = 0; i < 10 * part->of->rounds; i++) {
        const struct kit_do body = {troupe_str(scripts[below(part, 6)]), {0, 0}};
        struct troupe_ref to;
        if (troupe_client_find(w->client, actors[below(part, 4)], "do", &to, &error) == TROUPE_OK) {
            (void)troupe_client_send(w->client, to, w->order, &body, NULL, 0, &error);
        }
    }
    return NULL;
}

/* Watches until the slot has closed for good. */
static void *stay(void *context) {
    struct troupe_cell *cell = context;
    struct troupe_cell_seen before = see(cell);
    struct troupe_error error;
    while (!before.closed) {
        struct troupe_cell_seen now = before;
        CHECK(troupe_cell_watch(cell, TROUPE_FOR_EVER, &now, &error) == TROUPE_OK);
        check_order(&before, &now);
        before = now;
    }
    view(cell);
    troupe_cell_unref(cell);
    return NULL;
}

#define PARTS 6u
#define STAYERS 5u

static void test_cells_while_actors_come_and_go(void **state) {
    static void *(*const runs[PARTS])(void *) = {walk, walk, walk, resolve, resolve, drive};
    static const char *const watched[STAYERS] = {"a", "b", "g", "g/c", "g/d"};
    struct embedded *w = *state;
    const char *rounds = getenv("TROUPE_STRESS_ROUNDS");
    const struct stress stress = {w, rounds ? (unsigned)strtoul(rounds, NULL, 10) : ROUNDS};
    struct part parts[PARTS];
    pthread_t threads[PARTS + STAYERS];
    embedded_begin(w, manifest);

    for (unsigned i = 0; i < STAYERS; i++) {
        struct troupe_cell *cell = cell_of(w, watched[i]);
        assert_int_equal(pthread_create(&threads[PARTS + i], NULL, stay, cell), 0);
    }
    for (unsigned i = 0; i < PARTS; i++) {
        parts[i] = (struct part){.of = &stress, .random = {i + 1}};
        assert_int_equal(pthread_create(&threads[i], NULL, runs[i], &parts[i]), 0);
    }
    uint64_t ends = 0;
    for (unsigned i = 0; i < PARTS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        ends += parts[i].ends;
    }
    embedded_finish(w); /* the others still watch */
    for (unsigned i = PARTS; i < PARTS + STAYERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }

    assert_true(ends > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cells_while_actors_come_and_go, embedded_setup,
                                        embedded_teardown),
    };
    return cmocka_run_group_tests(tests, embedded_gates_make, embedded_gates_remove);
}
