/* What it costs others that every actor is looked at in a loop: 10,000 actors, called by 16 threads of the
 * embedding program, in slices of time with and without somebody who looks, one after another in one run.
 *
 * usage: bench_introspect [WORKERS [SLICES]]; prints lines "introspect workers name value":
 *   per_s     messages a second without
 *   looks_s   looks a second, in the slices with
 *   loss      of messages a second, against the slices without just before and after; the median
 *   cpu_loss  the same of messages for each CPU second that callers and workers took: what looking costs
 *             them, without the time that it takes itself from the same cores
 *   look_us   CPU time of a look */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "actor/look.h"
#include "actor/proc.h"
#include "app/deploy.h"
#include "base/clock.h"

#define ACTORS 10000u
#define CALLERS 16u
#define WINDOW 64u /* calls of one caller at a time */
#define SLICE_NS (150 * NS_PER_MS)
#define SLICES_MOST 400u
#define POLL_NS 20000

static const char manifest_text[] =
    "troupe: 1\n"
    "proc: introspect\n"
    "actors:\n"
    "  a: { type: bench.Counter, replicas: 2500, config: { expect: 1000000000000 } }\n"
    "  b: { type: bench.Counter, replicas: 2500, config: { expect: 1000000000000 } }\n"
    "  c: { type: bench.Counter, replicas: 2500, config: { expect: 1000000000000 } }\n"
    "  d: { type: bench.Counter, replicas: 2500, config: { expect: 1000000000000 } }\n";

struct bench {
    struct deploy *deploy;
    struct proc *proc;
    const struct msg_type *type;
    _Atomic bool over, looking;
    _Atomic uint64_t looks;
    _Atomic uint64_t looker_cpu_ns; /* so far; written by the looker */
};

struct caller {
    struct bench *bench;
    unsigned number;
};

static uint64_t clock_ns(clockid_t clock) {
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void nap(uint64_t ns) {
    struct timespec t = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
    (void)nanosleep(&t, NULL);
}

/* --- who calls, and who looks --- */

/* Sends to so many actors of its own share, waits until all have handled it, goes on with the next. */
static void *call(void *argument) {
    const struct caller *caller = argument;
    struct bench *bench = caller->bench;
    const unsigned share = ACTORS / CALLERS;
    unsigned first = caller->number * share;
    uint64_t rounds = 0;
    for (unsigned at = 0; !atomic_load_explicit(&bench->over, memory_order_relaxed);
         at = at + 2 * WINDOW <= share ? at + WINDOW : 0) {
        rounds += at == 0;
        for (unsigned i = at; i < at + WINDOW; i++) {
            uint64_t number = rounds;
            struct err err;
            struct inst *in = proc_actor(bench->proc, first + i);
            if (proc_send(bench->proc, inst_uid(in), "item", bench->type, &number, &err) < 0) {
                (void)fprintf(stderr, "bench_introspect: %s\n", err.text);
                exit(1);
            }
        }
        for (unsigned i = at; i < at + WINDOW; i++) {
            while (inst_processed(proc_actor(bench->proc, first + i)) < rounds) {
                nap(POLL_NS);
            }
        }
    }
    return NULL;
}

static void *look(void *argument) {
    struct bench *bench = argument;
    unsigned at = 0;
    while (!atomic_load_explicit(&bench->over, memory_order_relaxed)) {
        if (!atomic_load_explicit(&bench->looking, memory_order_relaxed)) {
            nap(NS_PER_MS);
            continue;
        }
        struct snapshot *s;
        struct err err;
        if (look_at(bench->proc, inst_uid(proc_actor(bench->proc, at)), &s, &err) < 0) {
            (void)fprintf(stderr, "bench_introspect: %s\n", err.text);
            exit(1);
        }
        snapshot_unref(s);
        at = (at + 1) % ACTORS;
        atomic_fetch_add_explicit(&bench->looks, 1, memory_order_relaxed);
        if (at % 64 == 0) {
            atomic_store_explicit(&bench->looker_cpu_ns, clock_ns(CLOCK_THREAD_CPUTIME_ID),
                                  memory_order_relaxed);
        }
    }
    return NULL;
}

/* --- slices --- */

struct slice {
    double per_s, per_cpu_s, looks_s;
};

static uint64_t handled(struct bench *bench) {
    struct proc_totals totals;
    proc_totals(bench->proc, &totals);
    return totals.handled;
}

static uint64_t others_cpu_ns(struct bench *bench) {
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID) - atomic_load(&bench->looker_cpu_ns);
}

static struct slice measure(struct bench *bench, bool looking) {
    atomic_store(&bench->looking, looking);
    nap(5 * NS_PER_MS); /* until it does */
    uint64_t from_ns = clock_ns(CLOCK_MONOTONIC), from = handled(bench), cpu = others_cpu_ns(bench);
    uint64_t looks = atomic_load(&bench->looks);
    nap(SLICE_NS);
    double count = (double)(handled(bench) - from);
    double cpu_s = (double)(others_cpu_ns(bench) - cpu) / 1e9;
    double s = (double)(clock_ns(CLOCK_MONOTONIC) - from_ns) / 1e9;
    return (struct slice){count / s, count / cpu_s,
                          (double)(atomic_load(&bench->looks) - looks) / s};
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, unsigned count) {
    qsort(values, count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void print(unsigned workers, const char *name, double value) {
    (void)printf("introspect %u %s %.4g\n", workers, name, value);
}

/* Without, with, without, ...: each with is held against its neighbours. */
static void compare_slices(struct bench *bench, unsigned workers, unsigned slices) {
    static double loss[SLICES_MOST], cpu_loss[SLICES_MOST], rate[SLICES_MOST], looks[SLICES_MOST];
    (void)measure(bench, false); /* warm */
    struct slice before = measure(bench, false);
    for (unsigned i = 0; i < slices; i++) {
        struct slice with = measure(bench, true);
        struct slice after = measure(bench, false);
        loss[i] = 1 - 2 * with.per_s / (before.per_s + after.per_s);
        cpu_loss[i] = 1 - 2 * with.per_cpu_s / (before.per_cpu_s + after.per_cpu_s);
        rate[i] = after.per_s;
        looks[i] = with.looks_s;
        before = after;
    }
    print(workers, "per_s", median(rate, slices));
    print(workers, "looks_s", median(looks, slices));
    print(workers, "loss", median(loss, slices));
    print(workers, "cpu_loss", median(cpu_loss, slices));
    print(workers, "look_us",
          (double)atomic_load(&bench->looker_cpu_ns) / 1e3 / (double)atomic_load(&bench->looks));
}

/* --- the deployment --- */

static int start(struct bench *bench, unsigned workers, struct diags *diags, struct err *err) {
    const char *path = "introspect.yaml";
    const struct manifest_text text = {path, manifest_text, sizeof manifest_text - 1};
    const struct manifest_options options = {.texts = &text, .text_count = 1};
    const char *folder = TROUPE_BUILD_DIR "/bench-plugins";
    struct deploy_options deploy_options = {.workers = workers};
    struct manifest *manifest;
    struct catalog *catalog;
    struct plan *plan;
    struct type_table *types = type_table_create();
    if (!types || manifest_load(&path, 1, &options, &manifest, diags, err) < 0 ||
        catalog_scan(&folder, 1, &catalog, err) < 0 ||
        plan_build(manifest, catalog, types, &plan, diags, err) < 0 ||
        deploy_create(plan, types, &deploy_options, &bench->deploy, err) < 0) {
        return -1;
    }
    bench->proc = deploy_proc(bench->deploy);
    bench->type = type_find(types, "bench.item/1");
    return deploy_start(bench->deploy, err);
}

static void run(struct bench *bench, unsigned workers, unsigned slices) {
    pthread_t threads[CALLERS + 1];
    struct caller callers[CALLERS];
    for (unsigned i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){bench, i};
        (void)pthread_create(&threads[i], NULL, call, &callers[i]);
    }
    (void)pthread_create(&threads[CALLERS], NULL, look, bench);
    compare_slices(bench, workers, slices);
    atomic_store(&bench->over, true);
    for (unsigned i = 0; i <= CALLERS; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* The process ends with what it has: only the figures count. */
int main(int argc, char **argv) {
    static struct bench bench;
    struct diags diags;
    struct err err = {0};
    unsigned workers = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
    unsigned long slices = argc > 2 ? strtoul(argv[2], NULL, 10) : 21;
    if (workers == 0 || slices == 0 || slices > SLICES_MOST) {
        (void)fprintf(stderr, "usage: bench_introspect [WORKERS [SLICES, at most %u]]\n",
                      SLICES_MOST);
        return 2;
    }
    diags_init(&diags);
    if (start(&bench, workers, &diags, &err) < 0) {
        struct str text;
        str_init(&text);
        diags_print(&diags, false, &text);
        (void)fputs(str_text(&text), stderr);
        (void)fprintf(stderr, "bench_introspect: %s\n", err.text);
        return 1;
    }
    run(&bench, workers, (unsigned)slices);
    return 0;
}
