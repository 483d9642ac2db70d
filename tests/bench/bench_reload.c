/* How much later messages come while 10,000 actors go over to other code: the same paced load in spans of time with a
 * reload and without, in turn, in one run. Spans in which the machine itself was slow count for neither.
 *
 * usage: bench_reload [WORKERS [BYTES [SPANS]]]; BYTES of state; SPANS that count, of each kind:
 * 20, or 6 of large states. Prints lines
 * "reload-BYTES workers name value":
 *   p50_us ... max_us    how long a message took without, from when it was due over one of the actors to a meter
 *   added_p50_us ...     how much more with
 *   reloads              how many there were; read_us ... settle_us: how long each of their steps took, in the mean
 *   longest_us           the longest that going over kept one actor
 *   slow_part            of the spans without, those that did not count; slow_part_with: of those with */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "actor/proc.h"
#include "app/deploy.h"
#include "base/clock.h"
#include "base/str.h"
#include "plugin/catalog.h"

#define POOLS 4u
#define ACTORS 10000u
#define GRACE_NS (10 * NS_PER_MS)  /* so that unloading is part of the span */
#define BEHIND_NS (20 * NS_PER_MS) /* likewise, what is late at its end */
#define SPANS_MOST 10000u
#define TRIES_PER_SPAN 20u
#define TELL_TRIES 5000u
#define LARGE 4096u /* bytes: a reload of such states takes three times as long */
#define FIGURES 4u

static const char *const names[FIGURES] = {"p50", "p99", "p999", "max"};
static const char *const attributes[FIGURES] = {"p50_ns", "p99_ns", "p999_ns", "most_ns"};

static const struct {
    const char *name;
    enum reload_step step;
} steps[] = {{"read", RELOAD_STEP_READ},       {"check", RELOAD_STEP_CHECK},
             {"stage", RELOAD_STEP_PROBE}, /* all there is of it without a probe */
             {"load", RELOAD_STEP_LOAD},       {"over", RELOAD_STEP_OVER},
             {"settle", RELOAD_STEP_PROBATION}};

struct bench {
    struct deploy *deploy;
    struct type_table *types;
    char folder[64]; /* of the plugin file that changes */
    uint64_t told;
    unsigned version;
    unsigned reloads;
    double step_ns[RELOAD_STEP_COUNT], longest_ns; /* of all reloads */
    uint64_t with_ns;                              /* how long the last span with a reload was */
    atomic_bool ends;
    atomic_uint slow; /* how often the machine was found slow */
};

/* What the meter counts of a span to. */
enum sum { WITHOUT, WITH, NOWHERE };

static void give_up(const char *why) {
    (void)fprintf(stderr, "bench_reload: %s\n", why);
    exit(1);
}

static void nap(uint64_t ns) {
    struct timespec t = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
    (void)nanosleep(&t, NULL);
}

/* --- the plugin file --- */

static void run_command(const char *command) {
    if (system(command) != 0) { /* NOLINT(cert-env33-c) */
        give_up(command);
    }
}

static void prepare(struct bench *bench) {
    char command[512];
    (void)snprintf(bench->folder, sizeof bench->folder, "/tmp/troupe-bench-XXXXXX");
    if (!mkdtemp(bench->folder)) {
        give_up("no folder for the plugin file");
    }
    (void)snprintf(command, sizeof command,
                   "cd '" TROUPE_BUILD_DIR
                   "/bench-plugins' && cp cell_1.so '%s/1' && cp cell_2.so '%s/2'",
                   bench->folder, bench->folder);
    run_command(command);
}

/* By two calls: what a process would cost that copies is no part of a reload. */
static void install(struct bench *bench, unsigned version) {
    char version_path[128];
    char new_path[128];
    char path[128];
    bench->version = version;
    (void)snprintf(version_path, sizeof version_path, "%s/%u", bench->folder, version);
    (void)snprintf(new_path, sizeof new_path, "%s/new", bench->folder);
    (void)snprintf(path, sizeof path, "%s/cell.so", bench->folder);
    if (link(version_path, new_path) < 0 || rename(new_path, path) < 0) {
        give_up("the plugin file cannot be put in its place");
    }
}

static void reload(struct bench *bench) {
    struct reload_report report;
    struct err err = {0};
    const struct reload_how how = {.has_probation = true,
                                   .has_mode = true,
                                   .mode = RELOAD_ROLLING,
                                   .has_grace = true,
                                   .grace_ns = GRACE_NS,
                                   .skips_probe = true}; /* it is another process's work */
    install(bench, 3 - bench->version);
    if (reload_run(deploy_reload(bench->deploy), &how, &report, &err) < 0) {
        give_up(err.text);
    }
    for (unsigned i = 0; i < RELOAD_STEP_COUNT; i++) {
        bench->step_ns[i] += (double)report.step_ns[i];
    }
    bench->reloads++;
    bench->longest_ns = (double)report.counts.longest_ns > bench->longest_ns
                            ? (double)report.counts.longest_ns
                            : bench->longest_ns;
}

/* The last part of a reload, in the background: who uses the code before is looked for, until it is unloaded. */
static void await_unloaded(struct bench *bench) {
    static struct retired retired[2 * RETIRED_KEEPS];
    bool goes_on = true;
    while (goes_on) {
        size_t count =
            reload_retired(deploy_reload(bench->deploy), retired, sizeof retired / sizeof *retired);
        goes_on = false;
        for (size_t i = 0; i < count; i++) {
            goes_on |= retired[i].state == RETIRED_RETIRING || retired[i].state == RETIRED_QUIET;
        }
        nap(goes_on ? NS_PER_MS : 0);
    }
}

/* --- is the machine itself slow? --- */

/* A virtual machine may get a fraction of its cores for some tenths of a second, and does not know of it: what then
 * is late is late with and without reloads, and tells nothing of them. So a thread does the same little work each
 * millisecond. By its own clock, which stands still while other threads have its core, it takes much longer only when
 * the machine is slow. */
#define WORK_ROUNDS 8000u
#define SLOW_FACTOR 6u

static uint64_t thread_ns(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static uint64_t time_work(void) {
    uint64_t before_ns = thread_ns();
    volatile uint64_t sink = 1;
    for (unsigned i = 0; i < WORK_ROUNDS; i++) {
        sink = sink * 0x9e3779b97f4a7c15u + i;
    }
    return thread_ns() - before_ns;
}

static void *watch_machine(void *context) {
    struct bench *bench = context;
    uint64_t best_ns = UINT64_MAX;
    while (!atomic_load(&bench->ends)) {
        nap(NS_PER_MS);
        uint64_t ns = time_work();
        best_ns = ns < best_ns ? ns : best_ns;
        if (ns > SLOW_FACTOR * best_ns) {
            atomic_fetch_add(&bench->slow, 1);
        }
    }
    return NULL;
}

/* --- spans of time --- */

static struct inst *meter_of(struct bench *bench) {
    struct proc *proc = deploy_proc(bench->deploy);
    return proc_actor(proc, proc_actor_count(proc) - 1);
}

static uint64_t attribute(struct inst *in, const char *name) {
    struct troupe_value value = {0};
    char text[8];
    return inst_attribute(in, name, &value, text, sizeof text) ? value.u : 0;
}

/* The meter counts what it has seen since it was told last. */
static void tell(struct bench *bench, enum sum sum) {
    struct proc *proc = deploy_proc(bench->deploy);
    struct inst *meter = meter_of(bench);
    struct err err;
    const uint64_t body[2] = {++bench->told, sum};
    struct troupe_ref to = {inst_uid(meter), proc_find_port(proc, "tell")};
    const struct msg_type *type = type_find(bench->types, "bench.tell/1");
    for (unsigned tries = 0; proc_send(proc, to, type, body, &err) < 0; tries++) {
        if (tries == TELL_TRIES) {
            give_up(err.text);
        }
        nap(NS_PER_MS); /* while the machine is slow its mailbox may be full */
    }
    while (attribute(meter, "told") != body[0]) {
        nap(100000);
    }
}

/* Whether it counts, if it is to. */
static bool span(struct bench *bench, enum sum kind, bool counts) {
    struct clock *clock = clock_system();
    unsigned slow = atomic_load(&bench->slow);
    tell(bench, NOWHERE);
    uint64_t begin_ns = clock->now(clock);
    if (kind == WITH) {
        reload(bench);
        await_unloaded(bench);
        bench->with_ns = clock->now(clock) - begin_ns;
    } else {
        nap(bench->with_ns);
    }
    nap(BEHIND_NS);
    counts = counts && atomic_load(&bench->slow) == slow;
    tell(bench, counts ? kind : NOWHERE);
    return counts;
}

static void read_figures(struct bench *bench, enum sum kind, double ret[FIGURES]) {
    tell(bench, NOWHERE);
    tell(bench, kind); /* shows it; next to nothing is added */
    for (unsigned i = 0; i < FIGURES; i++) {
        ret[i] = (double)attribute(meter_of(bench), attributes[i]) / 1e3;
    }
}

static void print_figures(struct bench *bench, unsigned workers, unsigned bytes) {
    double without[FIGURES], with[FIGURES];
    read_figures(bench, WITHOUT, without);
    read_figures(bench, WITH, with);
    for (unsigned f = 0; f < FIGURES; f++) {
        (void)printf("reload-%u %u %s_us %.4g\n", bytes, workers, names[f], without[f]);
        (void)printf("reload-%u %u added_%s_us %.4g\n", bytes, workers, names[f],
                     with[f] - without[f]);
    }
    (void)printf("reload-%u %u reloads %u\n", bytes, workers, bench->reloads);
    for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
        (void)printf("reload-%u %u %s_us %.4g\n", bytes, workers, steps[i].name,
                     bench->step_ns[steps[i].step] / 1e3 / bench->reloads);
    }
    (void)printf("reload-%u %u longest_us %.4g\n", bytes, workers, bench->longest_ns / 1e3);
}

static void run(struct bench *bench, unsigned workers, unsigned bytes, unsigned spans) {
    unsigned counted[] = {[WITHOUT] = 0, [WITH] = 0};
    unsigned tried[] = {[WITHOUT] = 0, [WITH] = 0};
    pthread_t watcher;
    if (pthread_create(&watcher, NULL, watch_machine, bench) != 0) {
        give_up("no thread to watch the machine");
    }
    (void)span(bench, WITH, false); /* warm */
    while (counted[WITH] < spans) {
        enum sum kind = counted[WITHOUT] > counted[WITH] ? WITH : WITHOUT;
        if (tried[kind]++ > spans * TRIES_PER_SPAN) {
            give_up("the machine is too slow too often");
        }
        counted[kind] += span(bench, kind, true);
    }
    atomic_store(&bench->ends, true);
    pthread_join(watcher, NULL);
    print_figures(bench, workers, bytes);
    (void)printf("reload-%u %u slow_part %.2f\n", bytes, workers,
                 1 - (double)spans / (double)tried[WITHOUT]);
    (void)printf("reload-%u %u slow_part_with %.2f\n", bytes, workers,
                 1 - (double)spans / (double)tried[WITH]);
}

/* --- the deployment --- */

static void write_manifest(struct str *text, unsigned bytes) {
    str_addf(text, "troupe: 1\nproc: reload\nactors:\n");
    for (unsigned i = 0; i < POOLS; i++) {
        str_addf(text, "  pacer%u: { type: bench.Pacer, config: { each_ms: 10 } }\n", i);
        str_addf(text, "  cell%u: { type: bench.Cell, replicas: %u, config: { bytes: %uB } }\n", i,
                 ACTORS / POOLS, bytes);
    }
    str_add(text, "  meter: { type: bench.Meter }\nwires:\n");
    for (unsigned i = 0; i < POOLS; i++) {
        str_addf(text, "  - { from: pacer%u.stamp, to: cell%u.stamp, route: hash, key: key }\n", i,
                 i);
        str_addf(text, "  - cell%u.stamped -> meter.stamped\n", i);
    }
}

static int start(struct bench *bench, unsigned workers, unsigned bytes, struct err *err) {
    struct str written;
    str_init(&written);
    write_manifest(&written, bytes);
    const char *path = "reload.yaml";
    const struct manifest_text text = {path, str_text(&written), written.size};
    const struct manifest_options options = {.texts = &text, .text_count = 1};
    const char *folders[] = {bench->folder, TROUPE_BUILD_DIR "/bench-plugins"};
    const struct deploy_options deploy_options = {.workers = workers};
    struct diags diags;
    struct manifest *manifest;
    struct catalog *catalog;
    struct plan *plan;
    diags_init(&diags);
    bench->types = type_table_create();
    if (!bench->types || manifest_load(&path, 1, &options, &manifest, &diags, err) < 0 ||
        catalog_scan(folders, 2, &catalog, err) < 0 ||
        plan_build(manifest, catalog, bench->types, &plan, &diags, err) < 0 ||
        deploy_create(plan, bench->types, &deploy_options, &bench->deploy, err) < 0) {
        return -1;
    }
    return deploy_start(bench->deploy, err);
}

int main(int argc, char **argv) {
    static struct bench bench;
    struct err err = {0};
    unsigned workers = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
    unsigned bytes = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1024;
    unsigned spans = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : bytes > LARGE ? 6 : 20;
    if (workers == 0 || bytes == 0 || spans == 0 || spans > SPANS_MOST) {
        (void)fprintf(stderr, "usage: bench_reload [WORKERS [BYTES [SPANS, at most %u]]]\n",
                      SPANS_MOST);
        return 2;
    }
    prepare(&bench);
    install(&bench, 1);
    if (start(&bench, workers, bytes, &err) < 0) {
        give_up(err.text);
    }
    run(&bench, workers, bytes, spans);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", bench.folder);
    run_command(command);
    return 0;
}
