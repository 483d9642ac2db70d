/* Runs one shape of load once: a manifest of real actors from a plugin, in this process.
 *
 * usage: bench_shapes SHAPE [WORKERS [COUNT]]; prints a line "shape workers name value" for each figure.
 * Time is taken by the actors themselves, from the first turn that sends to the last one handled, so
 * that reading manifests, loading plugins and starting threads does not count. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "actor/proc.h"
#include "app/deploy.h"
#include "base/alloc.h"
#include "base/str.h"

#define RING 1000

enum unit { UNIT_RATE, UNIT_TRIP, UNIT_BYTES, UNIT_WAKE };

struct shape {
    const char *name;
    const char *manifest; /* NULL: the ring's, which is written here */
    uint64_t count;       /* default */
    uint64_t messages;    /* per count */
    enum unit unit;
    uint64_t burst;     /* 0: 1000 */
    unsigned period_ms; /* wake */
};

static const struct shape shapes[] = {
    {"ping-pong", "ping-pong", 2000000, 1, UNIT_TRIP, 0, 0},
    {"apart", "apart", 500000, 1, UNIT_TRIP, 0, 0},
    {"apart-own", "apart-own", 500000, 1, UNIT_TRIP, 0, 0},
    {"groups", "groups", 5000000, 2, UNIT_RATE, 0, 0},
    {"count", "count", 10000000, 1, UNIT_RATE, 0, 0},
    {"fan-in", "fan-in", 1000000, 8, UNIT_RATE, 0, 0},
    {"overload", "overload", 250000, 8, UNIT_RATE, 0, 0},
    {"ring", NULL, 10000000, 1, UNIT_RATE, 0, 0},
    {"big", "big", 10000, 200, UNIT_RATE, 0, 0},
    {"spawn", "spawn", 1000000, 1, UNIT_RATE, 0, 0},
    {"spawn-at-once", "spawn", 1000000, 1, UNIT_RATE, 1000000, 0},
    {"idle", "idle", 1000000, 1, UNIT_BYTES, 0, 0},
    {"call", "call", 1000000, 1, UNIT_RATE, 0, 0},
    {"spread", "spread", 400000, 1, UNIT_RATE, 0, 0},
    {"wake", "wake", 2000, 1, UNIT_WAKE, 0, 1},
    {"wake-spin", "wake-spin", 2000, 1, UNIT_WAKE, 0, 1},
    {"wake-asleep", "wake", 500, 1, UNIT_WAKE, 0, 10},
};

struct bench {
    const struct shape *shape;
    unsigned workers;
    uint64_t count;
    uint64_t begin_ns; /* of the time over which `cpu` is taken */
    double cpu;
    double quiet_cpu;    /* wake: of a second in which nothing is sent */
    char numbers[4][32]; /* variables of the manifest, see find_variable */
    struct str text;
    struct manifest *manifest;
    struct diags diags;
    struct type_table *types;
    struct plan *plan;
    struct deploy *deploy;
};

static uint64_t now_ns(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static const char *find_variable(void *context, const char *name) {
    static const char *const names[4] = {"COUNT", "COUNT8", "EIGHTH", "BURST"};
    struct bench *bench = context;
    for (unsigned i = 0; i < 4; i++) {
        if (strcmp(name, names[i]) == 0) {
            return bench->numbers[i];
        }
    }
    return strcmp(name, "PLUGINS") == 0 ? TROUPE_BUILD_DIR "/bench-plugins" : getenv(name);
}

static void set_variables(struct bench *bench) {
    const uint64_t values[4] = {bench->count, bench->count * 8, bench->count / 8,
                                bench->shape->burst ? bench->shape->burst : 1000};
    for (unsigned i = 0; i < 4; i++) {
        (void)snprintf(bench->numbers[i], sizeof bench->numbers[i], "%" PRIu64, values[i]);
    }
}

/* The first player serves when all others are ready. */
static void write_ring(struct str *text, uint64_t hops) {
    str_addf(text, "troupe: 1\nproc: ring\nplugins: { path: ['${PLUGINS}'] }\nactors:\n");
    for (int i = 1; i < RING; i++) {
        str_addf(text, "  p%d: { type: bench.Player }\n", i);
    }
    str_addf(text, "  p0: { type: bench.Player, config: { serve: %" PRIu64 " }, after: [", hops);
    for (int i = 1; i < RING; i++) {
        str_addf(text, i > 1 ? ", p%d" : "p%d", i);
    }
    str_addf(text, "] }\nwires:\n");
    for (int i = 0; i < RING; i++) {
        str_addf(text, "  - p%d.hit -> p%d.ball\n", i, (i + 1) % RING);
    }
}

static int load_manifest(struct bench *bench, struct err *err) {
    char path[512];
    const char *const paths[] = {path};
    struct manifest_text text = {.path = "ring.yaml"};
    struct manifest_options options = {.env = find_variable, .env_context = bench};
    diags_init(&bench->diags);
    str_init(&bench->text);
    (void)snprintf(path, sizeof path, "%s/tests/bench/manifests/%s.yaml", TROUPE_SOURCE_DIR,
                   bench->shape->manifest ? bench->shape->manifest : "");
    if (!bench->shape->manifest) {
        (void)snprintf(path, sizeof path, "%s", text.path);
        write_ring(&bench->text, bench->count);
        text.data = str_text(&bench->text);
        text.size = bench->text.size;
        options.texts = &text;
        options.text_count = 1;
    }
    return manifest_load(paths, 1, &options, &bench->manifest, &bench->diags, err);
}

static int load_plan(struct bench *bench, struct err *err) {
    if (load_manifest(bench, err) < 0) {
        return -1;
    }
    const char *folder = bench->manifest->plugin_path[0].text;
    bench->types = type_table_create();
    if (!bench->types) {
        return err_set(err, ERR_NOMEM, "no memory for message types");
    }
    struct catalog *catalog;
    if (catalog_scan(&folder, 1, &catalog, err) < 0) {
        return -1;
    }
    return plan_build(bench->manifest, catalog, bench->types, &bench->plan, &bench->diags, err);
}

static void print_findings(struct bench *bench) {
    struct str text;
    str_init(&text);
    diags_print(&bench->diags, false, &text);
    (void)fputs(str_text(&text), stderr);
    str_fini(&text);
}

static void sleep_until(uint64_t due_ns) {
    struct timespec at = {(time_t)(due_ns / NS_PER_S), (long)(due_ns % NS_PER_S)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0) {
    }
}

static double cpu_seconds(void) {
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Sends a message each so many milliseconds, from this thread, until the listener has enough. */
static int wake(struct bench *bench, struct err *err) {
    struct proc *proc = deploy_proc(bench->deploy);
    const struct msg_type *type = type_find(bench->types, "bench.call/1");
    struct troupe_ref to = {inst_uid(proc_actor(proc, 0)), proc_find_port(proc, "call")};
    uint64_t due = now_ns() + 100 * NS_PER_MS; /* the start-up is over then */
    sleep_until(due);
    double cpu = cpu_seconds();
    due += NS_PER_S;
    sleep_until(due);
    bench->quiet_cpu = cpu_seconds() - cpu;
    bench->cpu = cpu_seconds();
    bench->begin_ns = now_ns();
    for (uint64_t i = 0; i < bench->count; i++) {
        due += bench->shape->period_ms * NS_PER_MS;
        sleep_until(due);
        uint64_t sent_ns = now_ns();
        if (proc_send(proc, to, type, &sent_ns, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Makes the two rivals known to each other; who serves last, so that the other knows it by then. */
static int introduce(struct bench *bench, struct err *err) {
    struct proc *proc = deploy_proc(bench->deploy);
    const struct msg_type *type = type_find(bench->types, "bench.meet/1");
    const uint64_t ball = proc_find_port(proc, "ball");
    const uint64_t meet = proc_find_port(proc, "meet");
    struct troupe_ref ping = {proc_resolve(proc, "ping"), ball};
    struct troupe_ref pong = {proc_resolve(proc, "pong"), ball};
    return proc_send(proc, (struct troupe_ref){pong.uid, meet}, type, &ping, err) < 0 ||
                   proc_send(proc, (struct troupe_ref){ping.uid, meet}, type, &pong, err) < 0
               ? -1
               : 0;
}

/* What some shapes need from outside while they run. */
static int drive(struct bench *bench, struct err *err) {
    if (bench->shape->unit == UNIT_WAKE) {
        return wake(bench, err);
    }
    return strcmp(bench->shape->name, "apart") == 0 ? introduce(bench, err) : 0;
}

static void print(const struct bench *bench, const char *name, double value) {
    (void)printf("%s %u %s %.6g\n", bench->shape->name, bench->workers, name, value);
}

/* The earliest or latest of an attribute over all actors of the plan; 0: nobody has it. */
static uint64_t find_attribute(struct bench *bench, const char *name, bool earliest) {
    struct proc *proc = deploy_proc(bench->deploy);
    uint64_t found = 0;
    for (uint32_t i = 0; i < proc_actor_count(proc); i++) {
        struct troupe_value value;
        char text[8];
        if (inst_attribute(proc_actor(proc, i), name, &value, text, sizeof text) &&
            (found == 0 || (earliest ? value.u < found : value.u > found))) {
            found = value.u;
        }
    }
    return found;
}

static int report(struct bench *bench, struct err *err) {
    double wall = (double)(now_ns() - bench->begin_ns) / 1e9;
    double cpu = cpu_seconds() - bench->cpu;
    uint64_t started = find_attribute(bench, "started", true);
    uint64_t ended = find_attribute(bench, "ended", false);
    if (started == 0 || ended <= started) {
        return err_set(err, ERR_INVALID, "%s did not come to its end", bench->shape->name);
    }
    double seconds = (double)(ended - started) / 1e9;
    double messages = (double)(bench->count * bench->shape->messages);
    switch (bench->shape->unit) {
    case UNIT_TRIP:
        print(bench, "ns", seconds * 1e9 / (messages / 2));
        break;
    case UNIT_BYTES:
        print(bench, "bytes", (double)find_attribute(bench, "bytes", false));
        break;
    case UNIT_WAKE:
        print(bench, "p50_us", (double)find_attribute(bench, "p50", false) / 1e3);
        print(bench, "p99_us", (double)find_attribute(bench, "p99", false) / 1e3);
        print(bench, "quiet_cpu", bench->quiet_cpu);
        break;
    case UNIT_RATE:
        print(bench, "per_s", messages / seconds);
        break;
    }
    struct proc_totals totals;
    struct rusage usage;
    proc_totals(deploy_proc(bench->deploy), &totals);
    (void)getrusage(RUSAGE_SELF, &usage);
    print(bench, "cpu", cpu / wall);
    print(bench, "cpu_ns", cpu * 1e9 / messages);
    print(bench, "rss_kb", (double)usage.ru_maxrss);
    print(bench, "pauses", (double)totals.pauses);
    if (totals.dead_letters > 0 || totals.queued != 0) {
        return err_set(err, ERR_INVALID, "%s lost messages", bench->shape->name);
    }
    return 0;
}

static int run(struct bench *bench, struct err *err) {
    struct deploy_options options = {.workers = bench->workers};
    struct supervisor_result result;
    if (load_plan(bench, err) < 0 ||
        deploy_create(bench->plan, bench->types, &options, &bench->deploy, err) < 0) {
        return -1;
    }
    bench->cpu = cpu_seconds();
    bench->begin_ns = now_ns();
    if (deploy_start(bench->deploy, err) < 0 || drive(bench, err) < 0) {
        return -1;
    }
    deploy_wait(bench->deploy, &result);
    if (result.failed) {
        return err_set(err, ERR_INVALID, "%s", result.cause);
    }
    return report(bench, err);
}

static void end(struct bench *bench) {
    deploy_destroy(bench->deploy);
    diags_fini(&bench->diags);
    if (bench->plan) {
        plan_destroy(bench->plan);
    } else {
        manifest_destroy(bench->manifest);
    }
    type_table_destroy(bench->types);
    str_fini(&bench->text);
}

int main(int argc, char **argv) {
    struct bench bench = {.workers = 1};
    struct err err = {0};
    for (size_t i = 0; argc > 1 && i < sizeof shapes / sizeof *shapes; i++) {
        if (strcmp(argv[1], shapes[i].name) == 0) {
            bench.shape = &shapes[i];
        }
    }
    if (!bench.shape) {
        (void)fprintf(stderr, "usage: bench_shapes SHAPE [WORKERS [COUNT]]; shapes:");
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            (void)fprintf(stderr, " %s", shapes[i].name);
        }
        (void)fprintf(stderr, "\n");
        return 2;
    }
    bench.workers = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
    bench.count = argc > 3 ? strtoull(argv[3], NULL, 10) : bench.shape->count;
    set_variables(&bench);
    int status = run(&bench, &err);
    if (status < 0) {
        print_findings(&bench);
        (void)fprintf(stderr, "bench_shapes: %s\n", err.text);
    }
    end(&bench);
    return status < 0 ? 1 : 0;
}
