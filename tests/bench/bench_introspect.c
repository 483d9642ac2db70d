/* What it costs others that every actor is looked at in a loop: 10,000 actors, called by 16 client threads of an
 * embedding program, while a client of it asks for their views; in slices of time with and without, one after
 * another in one run. By the public API alone.
 *
 * The loop is paced, each actor once a second, or flat out, as fast as one thread can: both are measured.
 *
 * usage: bench_introspect [WORKERS [SLICES]]; prints lines "introspect workers name value":
 *   per_s          calls a second without
 *   looks_s        looks a second, paced
 *   loss           paced: of calls a second, against the slices without just before and after; the median
 *   cpu_loss       paced: the same of calls for each CPU second that callers and workers took: what looking costs
 *                  them, without the time that it takes itself from the same cores
 *   look_us        CPU time that a look takes itself: of the thread that asks, which makes the answers, too
 *   flat_looks_s, flat_loss, flat_cpu_loss, flat_look_us: the same, flat out
 * usage: bench_introspect looks WORKERS COUNT: asks for so many views and nothing else, to have it counted */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <troupe/client.h>
#include <troupe/introspect.h>

#include "plugins/bench/question.h"

#define ACTORS 10000u
#define CALLERS 16u
#define WINDOW 64u /* calls of one client at a time */
#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull
#define SLICE_NS (150 * NS_PER_MS)
#define SLICES_MOST 400u
#define TIMEOUT_NS (60 * NS_PER_S)

static const char manifest_text[] = "troupe: 1\n"
                                    "actors:\n"
                                    "  a: { type: bench.Clerk, replicas: 2500 }\n"
                                    "  b: { type: bench.Clerk, replicas: 2500 }\n"
                                    "  c: { type: bench.Clerk, replicas: 2500 }\n"
                                    "  d: { type: bench.Clerk, replicas: 2500 }\n";

enum pace { OFF, PACED, FLAT_OUT };

struct bench {
    struct troupe_proc *proc;
    struct troupe_ref ask[ACTORS], look[ACTORS]; /* ports */
    _Atomic bool over;
    _Atomic int pace;
    _Atomic uint64_t looks;
    _Atomic uint64_t looker_cpu_ns; /* so far; written by the looker */
};

struct caller {
    struct bench *bench;
    unsigned number;
    _Alignas(64) _Atomic uint64_t answered;
};

/* A client, and what it asks: `from` whom, by one of the bench's tables. */
struct asker {
    struct troupe_client *client;
    const struct troupe_type *type, *reply;
    const void *body;
    const struct troupe_ref *ports;
};

static void check(int32_t status, const struct troupe_error *error) {
    if (status != TROUPE_OK) {
        (void)fprintf(stderr, "bench_introspect: %s\n", error->text);
        exit(1);
    }
}

static uint64_t clock_ns(clockid_t clock) {
    struct timespec t = {0};
    (void)clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void nap(uint64_t ns) {
    struct timespec t = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
    (void)nanosleep(&t, NULL);
}

/* --- who calls, and who looks --- */

/* Has so many calls under way at once, and takes all the answers. */
static void ask_many(const struct asker *asker, unsigned first, unsigned count) {
    struct troupe_once_port *once[WINDOW];
    struct troupe_message *answer;
    struct troupe_error error;
    for (unsigned i = 0; i < count; i++) {
        struct troupe_ref to = asker->ports[(first + i) % ACTORS];
        check(troupe_client_ask(asker->client, to, asker->type, asker->body, asker->reply, NULL,
                                TIMEOUT_NS, &once[i], &error),
              &error);
    }
    for (unsigned i = 0; i < count; i++) {
        check(troupe_once_port_receive(once[i], &answer, &error), &error);
        troupe_message_free(answer);
        troupe_once_port_free(once[i]);
    }
}

static struct asker join(struct bench *bench) {
    struct asker asker = {0};
    struct troupe_error error;
    check(troupe_client_create(bench->proc, NULL, &asker.client, &error), &error);
    return asker;
}

static void *call(void *argument) {
    struct caller *caller = argument;
    struct bench *bench = caller->bench;
    const unsigned share = ACTORS / CALLERS;
    const struct bench_question question = {1};
    struct troupe_error error;
    struct asker asker = join(bench);
    check(TROUPE_TYPE(asker.client, bench_question, &asker.type, &error), &error);
    check(TROUPE_TYPE(asker.client, bench_answer, &asker.reply, &error), &error);
    asker.body = &question;
    asker.ports = bench->ask;
    for (unsigned at = 0; !atomic_load_explicit(&bench->over, memory_order_relaxed);
         at = at + 2 * WINDOW <= share ? at + WINDOW : 0) {
        ask_many(&asker, caller->number * share + at, WINDOW);
        atomic_fetch_add_explicit(&caller->answered, WINDOW, memory_order_relaxed);
    }
    troupe_client_free(asker.client);
    return NULL;
}

static struct asker join_to_look(struct bench *bench) {
    static const struct troupe_query query;
    struct troupe_error error;
    struct asker asker = join(bench);
    check(TROUPE_TYPE(asker.client, troupe_query, &asker.type, &error), &error);
    check(TROUPE_TYPE(asker.client, troupe_view, &asker.reply, &error), &error);
    asker.body = &query;
    asker.ports = bench->look;
    return asker;
}

/* How many are due: paced, as many as make each actor's turn come once a second. */
static unsigned due(enum pace pace, uint64_t begun_ns, uint64_t looked) {
    uint64_t by_now = (clock_ns(CLOCK_MONOTONIC) - begun_ns) * ACTORS / NS_PER_S;
    uint64_t left = pace == FLAT_OUT ? WINDOW : by_now > looked ? by_now - looked : 0;
    return left < WINDOW ? (unsigned)left : WINDOW;
}

static void *look(void *argument) {
    struct bench *bench = argument;
    struct asker asker = join_to_look(bench);
    enum pace before = OFF;
    unsigned at = 0;
    uint64_t begun_ns = 0, looked = 0;
    while (!atomic_load_explicit(&bench->over, memory_order_relaxed)) {
        enum pace pace = (enum pace)atomic_load_explicit(&bench->pace, memory_order_relaxed);
        if (pace != before) {
            begun_ns = clock_ns(CLOCK_MONOTONIC);
            looked = 0;
            before = pace;
        }
        unsigned count = pace == OFF ? 0 : due(pace, begun_ns, looked);
        if (count == 0) {
            nap(NS_PER_MS);
            continue;
        }
        ask_many(&asker, at, count);
        at = (at + count) % ACTORS;
        looked += count;
        atomic_fetch_add_explicit(&bench->looks, count, memory_order_relaxed);
        atomic_store_explicit(&bench->looker_cpu_ns, clock_ns(CLOCK_THREAD_CPUTIME_ID),
                              memory_order_relaxed);
    }
    troupe_client_free(asker.client);
    return NULL;
}

/* --- slices --- */

struct slice {
    double per_s, per_cpu_s, looks_s, look_us;
};

static uint64_t answered(const struct caller *callers) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < CALLERS; i++) {
        sum += atomic_load_explicit(&callers[i].answered, memory_order_relaxed);
    }
    return sum;
}

static struct slice measure(struct bench *bench, const struct caller *callers, enum pace pace) {
    atomic_store(&bench->pace, pace);
    nap(20 * NS_PER_MS); /* until it does */
    uint64_t from_ns = clock_ns(CLOCK_MONOTONIC), from = answered(callers);
    uint64_t looks = atomic_load(&bench->looks), looking_ns = atomic_load(&bench->looker_cpu_ns);
    uint64_t cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    nap(SLICE_NS);
    double count = (double)(answered(callers) - from);
    looking_ns = atomic_load(&bench->looker_cpu_ns) - looking_ns;
    cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns - looking_ns;
    double s = (double)(clock_ns(CLOCK_MONOTONIC) - from_ns) / 1e9;
    looks = atomic_load(&bench->looks) - looks;
    return (struct slice){count / s, count * 1e9 / (double)cpu_ns, (double)looks / s,
                          looks ? (double)looking_ns / 1e3 / (double)looks : 0};
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, unsigned count) {
    qsort(values, count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* Without, with, without, ...: each with is held against its neighbours. */
static void compare_slices(struct bench *bench, const struct caller *callers, enum pace pace,
                           unsigned workers, unsigned slices) {
    static double loss[SLICES_MOST], cpu_loss[SLICES_MOST], rate[SLICES_MOST], looks[SLICES_MOST],
        look_us[SLICES_MOST];
    const char *prefix = pace == FLAT_OUT ? "flat_" : "";
    struct slice before = measure(bench, callers, OFF);
    for (unsigned i = 0; i < slices; i++) {
        struct slice with = measure(bench, callers, pace);
        struct slice after = measure(bench, callers, OFF);
        loss[i] = 1 - 2 * with.per_s / (before.per_s + after.per_s);
        cpu_loss[i] = 1 - 2 * with.per_cpu_s / (before.per_cpu_s + after.per_cpu_s);
        rate[i] = after.per_s;
        looks[i] = with.looks_s;
        look_us[i] = with.look_us;
        before = after;
    }
    if (pace == PACED) {
        (void)printf("introspect %u per_s %.4g\n", workers, median(rate, slices));
    }
    (void)printf("introspect %u %slooks_s %.4g\n", workers, prefix, median(looks, slices));
    (void)printf("introspect %u %sloss %.4g\n", workers, prefix, median(loss, slices));
    (void)printf("introspect %u %scpu_loss %.4g\n", workers, prefix, median(cpu_loss, slices));
    (void)printf("introspect %u %slook_us %.4g\n", workers, prefix, median(look_us, slices));
}

/* --- the program --- */

static void find_ports(struct bench *bench) {
    struct troupe_error error;
    struct asker asker = join(bench);
    for (unsigned i = 0; i < ACTORS; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%c.%u", (char)('a' + i / 2500), i % 2500);
        check(troupe_client_find(asker.client, name, "question", &bench->ask[i], &error), &error);
        check(
            troupe_client_find(asker.client, name, TROUPE_INTROSPECT_PORT, &bench->look[i], &error),
            &error);
    }
    troupe_client_free(asker.client);
}

static void start(struct bench *bench, unsigned workers) {
    struct troupe_error error;
    const struct troupe_options options = {
        .size = sizeof options, .id = "introspect", .flags = TROUPE_STAYS, .workers = workers};
    check(troupe_proc_create(&options, &bench->proc, &error), &error);
    check(troupe_proc_add_plugins(bench->proc, TROUPE_BUILD_DIR "/bench-plugins", &error), &error);
    check(troupe_proc_load_text(bench->proc, "introspect.yaml", manifest_text,
                                sizeof manifest_text - 1, &error),
          &error);
    check(troupe_proc_start(bench->proc, &error), &error);
    find_ports(bench);
}

static void run(struct bench *bench, unsigned workers, unsigned slices) {
    static struct caller callers[CALLERS];
    pthread_t threads[CALLERS + 1];
    for (unsigned i = 0; i < CALLERS; i++) {
        callers[i].bench = bench;
        callers[i].number = i;
        (void)pthread_create(&threads[i], NULL, call, &callers[i]);
    }
    (void)pthread_create(&threads[CALLERS], NULL, look, bench);
    (void)measure(bench, callers, PACED); /* warm */
    compare_slices(bench, callers, PACED, workers, slices);
    compare_slices(bench, callers, FLAT_OUT, workers, slices);
    atomic_store(&bench->over, true);
    for (unsigned i = 0; i <= CALLERS; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void run_looks(struct bench *bench, unsigned long count) {
    struct asker asker = join_to_look(bench);
    for (unsigned long at = 0; at < count; at += WINDOW) {
        ask_many(&asker, (unsigned)(at % ACTORS), WINDOW);
    }
    troupe_client_free(asker.client);
}

int main(int argc, char **argv) {
    static struct bench bench;
    struct troupe_error error;
    bool counts = argc == 4 && strcmp(argv[1], "looks") == 0;
    argv += counts;
    argc -= counts;
    unsigned workers = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
    unsigned long number = argc > 2 ? strtoul(argv[2], NULL, 10) : 21;
    if (workers == 0 || number == 0 || (!counts && number > SLICES_MOST)) {
        (void)fprintf(stderr,
                      "usage: bench_introspect [WORKERS [SLICES, at most %u]]\n"
                      "       bench_introspect looks WORKERS COUNT\n",
                      SLICES_MOST);
        return 2;
    }
    start(&bench, workers);
    if (counts) {
        run_looks(&bench, number);
    } else {
        run(&bench, workers, (unsigned)number);
    }
    check(troupe_proc_destroy(bench.proc, TROUPE_FOR_EVER, NULL, &error), &error);
    return 0;
}
