/* A stress run from manifest text to verdict; see stress_run.h. */
#include "lib/app/stress_run.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "actor/proc.h"
#include "lib/app/stress_impl.h"
#include "lib/temp.h"
#include "lib/test.h"
#include "plugin/catalog.h"

struct stress_world *stress_world_create(void) {
    struct stress_world *world = test_calloc(1, sizeof *world);
    world->folder = test_temp_create();
    world->ledger_path = test_path(world->folder, "ledger");
    char *plugin = test_path(world->folder, "stress.so");
    assert_int_equal(symlink(TROUPE_BUILD_DIR "/test-plugins/stress.so", plugin), 0);
    free(plugin);
    int fd = open(world->ledger_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && ftruncate(fd, sizeof *world->ledger) == 0);
    world->ledger = mmap(NULL, sizeof *world->ledger, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(world->ledger != MAP_FAILED);
    (void)close(fd);
    return world;
}

void stress_world_destroy(struct stress_world *world) {
    (void)munmap(world->ledger, sizeof *world->ledger);
    free(world->ledger_path);
    test_temp_remove(world->folder);
    test_free(world);
}

void stress_world_look(struct stress_world *world, unsigned lookers) {
    world->lookers = lookers;
}

struct stress_sums stress_sums(const struct stress_world *world) {
    return world->sums;
}

static void add_up(struct stress_world *world) {
    const struct ledger *ledger = world->ledger;
    world->sums.handled += atomic_load(&ledger->handled);
    world->sums.lives += atomic_load(&ledger->lives);
    world->sums.deaths += atomic_load(&ledger->deaths);
    world->sums.quarantined += atomic_load(&ledger->quarantined);
    world->sums.saves += atomic_load(&ledger->saves);
    world->sums.loads += atomic_load(&ledger->loads);
}

static void print_pause(void *context, const struct inst *paused, const struct inst *waits_for) {
    char from[160];
    char to[160];
    (void)context;
    inst_name(paused, from, sizeof from);
    inst_name(waits_for, to, sizeof to);
    (void)fprintf(stderr, "  %s waits for %s, which is %s and has %u messages\n", from, to,
                  inst_status_text(inst_status(waits_for)), inst_depth(waits_for));
}

static void print_actors(struct stress_case *c) {
    for (uint32_t i = 0; i < proc_actor_count(deploy_proc(c->deploy)); i++) {
        const struct inst *in = proc_actor(deploy_proc(c->deploy), i);
        char name[160];
        if (!in) {
            continue; /* a reload has removed it */
        }
        inst_name(in, name, sizeof name);
        (void)fprintf(stderr, "  %s: %s, %u messages, %s%s%s\n", name,
                      inst_status_text(inst_status(in)), inst_depth(in),
                      inst_is_quiet(in) ? "quiet" : "busy", inst_handler(in)[0] ? " in " : "",
                      inst_handler(in));
    }
}

static void print_state(struct stress_case *c) {
    struct proc_totals totals;
    proc_totals(deploy_proc(c->deploy), &totals);
    (void)fprintf(stderr,
                  "lives %llu, deaths %llu, quarantined %llu, retried %llu; queued %lld, handled "
                  "%llu, sent %llu, dropped %llu, dead %llu, late %llu, "
                  "pauses %llu, cycles %llu, live %lld messages and %llu instances\n",
                  (unsigned long long)atomic_load(&c->ledger->lives),
                  (unsigned long long)atomic_load(&c->ledger->deaths),
                  (unsigned long long)totals.quarantined, (unsigned long long)totals.retried,
                  (long long)totals.queued, (unsigned long long)totals.handled,
                  (unsigned long long)totals.sent, (unsigned long long)totals.dropped,
                  (unsigned long long)totals.dead_letters, (unsigned long long)totals.late_replies,
                  (unsigned long long)totals.pauses, (unsigned long long)totals.cycles,
                  (long long)totals.live_messages, (unsigned long long)totals.live_instances);
    print_actors(c);
    proc_each_pause(deploy_proc(c->deploy), print_pause, NULL);
}

void stress_fail(struct stress_case *c, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)fprintf(stderr, "seed %" PRIu64 ", %s, %s: %s\n", c->seed,
                  c->workers ? "with threads" : "seeded", stress_end_text(c->graph.end), text);
    if (c->deploy) {
        print_state(c);
    }
    (void)fprintf(stderr,
                  "%s\nTo run it again:\n  TROUPE_SEED=%" PRIu64 " TROUPE_WORKERS=%u "
                  "TROUPE_LOOKERS=%u %s/tests/stress/test_stress\n",
                  str_text(&c->graph.manifest), c->seed, c->workers, c->world->lookers,
                  TROUPE_BUILD_DIR);
    /* Threads may be stuck, and what they use must stay. */
    (void)fflush(NULL);
    _exit(1);
}

/* Only what the last run used is cleared. */
static void clear_ledger(struct ledger *ledger) {
    uint32_t actors = atomic_load(&ledger->actors);
    uint32_t messages = atomic_load(&ledger->messages);
    unsigned slots = 0;
    while (slots < LEDGER_SLOTS - 1 && atomic_load(&ledger->slot[slots].uid)) {
        slots++;
    }
    memset(ledger->actor, 0, (actors + 2) * sizeof *ledger->actor);
    memset(ledger->cell, 0,
           (messages + 2 < LEDGER_MESSAGES ? messages + 2 : LEDGER_MESSAGES) *
               sizeof *ledger->cell);
    memset(ledger, 0, offsetof(struct ledger, order));
    for (unsigned i = 0; i < LEDGER_SLOTS; i++) {
        memset(ledger->order[i], 0, (slots + 1) * sizeof ledger->order[i][0]);
    }
}

static void make_plan(struct stress_case *c) {
    const struct manifest_text text = {"stress.yaml", str_text(&c->graph.manifest),
                                       c->graph.manifest.size};
    const struct manifest_options options = {.texts = &text, .text_count = 1};
    const char *path = "stress.yaml";
    const char *folder = c->world->folder;
    struct manifest *manifest = NULL;
    struct catalog *catalog = NULL;
    struct diags diags;
    struct err err = {0};
    diags_init(&diags);
    c->types = type_table_create();
    int status = manifest_load(&path, 1, &options, &manifest, &diags, &err);
    if (status == 0) {
        status = catalog_scan(&folder, 1, &catalog, &err);
    }
    if (status == 0) {
        status = plan_build(manifest, catalog, c->types, &c->plan, &diags, &err);
    }
    if (status < 0) {
        struct str findings;
        str_init(&findings);
        diags_print(&diags, false, &findings);
        stress_fail(c, "the manifest is wrong: %s\n%s", err.text, str_text(&findings));
    }
    diags_fini(&diags);
}

static void run(struct stress_case *c, struct clock_manual *clock) {
    struct err err;
    struct deploy_options options = {.workers = c->workers};
    if (c->workers == 0) {
        options.seeded = true;
        options.seed = c->seed;
        options.clock = &clock->clock;
        options.workers = 1 + (unsigned)(c->seed % 4);
    }
    if (deploy_create(c->plan, c->types, &options, &c->deploy, &err) < 0) {
        stress_fail(c, "%s", err.text);
    }
    if (c->workers) {
        struct stress_looks *looks = stress_looks_begin(c);
        stress_drive_threads(c);
        stress_looks_end(looks);
        return;
    }
    if (deploy_start(c->deploy, &err) < 0) {
        stress_fail(c, "%s", err.text);
    }
    stress_drive_seeded(c);
}

uint64_t stress_run(struct stress_world *world, uint64_t seed, unsigned workers) {
    struct stress_case c = {
        .world = world, .ledger = world->ledger, .seed = seed, .workers = workers};
    struct clock_manual clock;
    clock_manual_init(&clock, NS_PER_S, 0);
    clear_ledger(world->ledger);
    stress_graph_make(&c.graph, seed, world->ledger_path, world->folder);
    world->ledger->message_max = c.graph.message_max;
    make_plan(&c);
    run(&c, &clock);
    stress_judge(&c);
    add_up(world);
    uint64_t trace = atomic_load(&world->ledger->trace);
    deploy_destroy(c.deploy);
    plan_destroy(c.plan);
    type_table_destroy(c.types);
    stress_graph_fini(&c.graph);
    return trace;
}
