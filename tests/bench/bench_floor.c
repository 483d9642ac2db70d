/* The floor: the same shapes by the least code that could do them, and what the machine itself takes.
 *
 * usage: bench_floor SHAPE [COUNT]; prints lines "shape 0 name value" as bench_shapes does.
 * One thread, one loop: pooled messages of 64 bytes, a mailbox that others could send to (an exchange
 * for each message, a compare-and-swap to fall idle), a first-in-first-out queue of actors, a function
 * pointer per actor. No bounds, no transactions, no accounting, no supervision, no second worker.
 * `line` hands a cache line between two cores, `apart` a message; `two-cores` plays ping-pong on one core and
 * on two at once, each for itself; `wake` wakes a thread that sleeps on a futex. */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH 1000 /* messages a visit: as many as a source sends in one */
#define CHUNK 1024
#define NS_PER_S 1000000000u

struct actor;

struct message {
    _Atomic(struct message *) next;
    struct message *free_next;
    struct actor *from;
    uint64_t number;
    char pad[32];
};

struct actor {
    void (*handle)(struct actor *self, struct message *m);
    _Atomic uintptr_t newest; /* low bit: idle */
    struct message *taken;    /* the message taken last; the next one hangs on it */
    struct actor *queue_next;
    struct actor *peer;
    uint64_t left, sent;
    char pad[8];
};

static struct message *free_messages;
static struct actor *free_actors;
static struct actor *queue_first, *queue_last;
static struct actor *crowd;
static uint64_t total, handled, random_state = 1;

static uint64_t now_ns(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void *must(void *memory) {
    if (!memory) {
        (void)fprintf(stderr, "bench_floor: out of memory\n");
        exit(1);
    }
    return memory;
}

static struct message *message_take(void) {
    if (!free_messages) {
        struct message *chunk = must(aligned_alloc(64, CHUNK * sizeof *chunk));
        for (unsigned i = 0; i < CHUNK; i++) {
            chunk[i].free_next = free_messages;
            free_messages = &chunk[i];
        }
    }
    struct message *m = free_messages;
    free_messages = m->free_next;
    atomic_store_explicit(&m->next, NULL, memory_order_relaxed);
    return m;
}

static void message_give_back(struct message *m) {
    m->free_next = free_messages;
    free_messages = m;
}

static void queue_add(struct actor *a) {
    a->queue_next = NULL;
    if (queue_first) {
        queue_last->queue_next = a;
    } else {
        queue_first = a;
    }
    queue_last = a;
}

static void send_to(struct actor *to, struct actor *from, uint64_t number) {
    struct message *m = message_take();
    m->from = from;
    m->number = number;
    uintptr_t before = atomic_exchange_explicit(&to->newest, (uintptr_t)m, memory_order_acq_rel);
    struct message *previous = (struct message *)(before & ~(uintptr_t)1);
    atomic_store_explicit(&previous->next, m, memory_order_release);
    if (before & 1) {
        queue_add(to);
    }
}

static struct message *take(struct actor *a) {
    struct message *before = a->taken;
    struct message *m = atomic_load_explicit(&before->next, memory_order_acquire);
    if (m) {
        a->taken = m;
        message_give_back(before);
    }
    return m;
}

static void visit(struct actor *a) {
    for (unsigned i = 0; i < BATCH; i++) {
        struct message *m = take(a);
        if (!m) {
            break;
        }
        a->handle(a, m);
    }
    uintptr_t newest = (uintptr_t)a->taken;
    if (!atomic_compare_exchange_strong_explicit(&a->newest, &newest, newest | 1,
                                                 memory_order_acq_rel, memory_order_relaxed)) {
        queue_add(a);
    }
}

static void loop(void) {
    while (queue_first) {
        struct actor *a = queue_first;
        queue_first = a->queue_next;
        visit(a);
    }
}

static void actor_init(struct actor *a, void (*handle)(struct actor *, struct message *)) {
    memset(a, 0, sizeof *a);
    a->handle = handle;
    a->taken = message_take();
    atomic_store_explicit(&a->newest, (uintptr_t)a->taken | 1, memory_order_relaxed);
}

static struct actor *actors_create(uint64_t count,
                                   void (*handle)(struct actor *, struct message *)) {
    struct actor *actors = must(aligned_alloc(64, (count * sizeof *actors + 63) / 64 * 64));
    for (uint64_t i = 0; i < count; i++) {
        actor_init(&actors[i], handle);
        actors[i].peer = &actors[(i + 1) % count];
    }
    return actors;
}

static void pass_on(struct actor *self, struct message *m) {
    if (m->number > 1) {
        send_to(self->peer, self, m->number - 1);
    }
}

static void play_ring(uint64_t actors, uint64_t hops) {
    struct actor *ring = actors_create(actors, pass_on);
    send_to(ring, NULL, hops);
    loop();
    free(ring);
}

static void count_one(struct actor *self, struct message *m) {
    self->sent += m->number;
    handled++;
}

static void send_burst(struct actor *self, struct message *m) {
    (void)m;
    for (unsigned i = 0; i < 1000 && self->left > 0; i++) {
        send_to(self->peer, self, self->left--);
    }
    if (self->left > 0) {
        send_to(self, self, 0);
    }
}

static void play_flow(uint64_t sources, uint64_t each) {
    struct actor *counter = actors_create(1, count_one);
    struct actor *source = actors_create(sources, send_burst);
    for (uint64_t i = 0; i < sources; i++) {
        source[i].peer = counter;
        source[i].left = each;
        send_to(&source[i], NULL, 0);
    }
    loop();
    free(source);
    free(counter);
}

static void serve(struct actor *self) {
    struct actor *to;
    do {
        random_state = random_state * 6364136223846793005u + 1442695040888963407u;
        to = &crowd[(random_state >> 33) % 100];
    } while (to == self);
    self->left--;
    send_to(to, self, 1);
}

static void play_ball(struct actor *self, struct message *m) {
    if (m->number) {
        send_to(m->from, self, 0);
    } else if (self->left > 0) {
        serve(self);
    }
}

static void play_big(uint64_t pings) {
    crowd = actors_create(100, play_ball);
    for (unsigned i = 0; i < 100; i++) {
        crowd[i].left = pings;
        serve(&crowd[i]);
    }
    loop();
    free(crowd);
}

static struct actor *ended;

/* The last child that handled its message goes back when the next one does: its visit is over then. */
static void reap(void) {
    if (ended) {
        message_give_back(ended->taken);
        ended->peer = free_actors;
        free_actors = ended;
        ended = NULL;
    }
}

static void end_child(struct actor *self, struct message *m) {
    (void)m;
    reap();
    handled++;
    ended = self;
}

static struct actor *child_take(void) {
    if (!free_actors) {
        struct actor *chunk = must(aligned_alloc(64, CHUNK * sizeof *chunk));
        for (unsigned i = 0; i < CHUNK; i++) {
            chunk[i].peer = free_actors;
            free_actors = &chunk[i];
        }
    }
    struct actor *a = free_actors;
    free_actors = a->peer;
    actor_init(a, end_child);
    return a;
}

static void spawn_burst(struct actor *self, struct message *m) {
    (void)m;
    for (unsigned i = 0; i < 1000 && self->left > 0; i++, self->left--) {
        send_to(child_take(), self, 1);
    }
    if (self->left > 0) {
        send_to(self, self, 0);
    }
}

static void play_spawn(uint64_t count) {
    struct actor *spawner = actors_create(1, spawn_burst);
    spawner->left = count;
    send_to(spawner, NULL, 0);
    loop();
    free(spawner);
}

/* --- the machine --- */

static _Alignas(64) _Atomic uint64_t line;

static void pin(int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

static void *line_other(void *argument) {
    uint64_t trips = *(uint64_t *)argument;
    pin(1);
    for (uint64_t i = 0; i < trips; i++) {
        while (atomic_load_explicit(&line, memory_order_acquire) != 2 * i + 1) {
        }
        atomic_store_explicit(&line, 2 * i + 2, memory_order_release);
    }
    return NULL;
}

static void line_trip(uint64_t number) {
    atomic_store_explicit(&line, 2 * number + 1, memory_order_release);
    while (atomic_load_explicit(&line, memory_order_acquire) != 2 * number + 2) {
    }
}

/* How long a trip to the other core and back takes. Inlined: a call of `trip` is no part of it. */
static inline __attribute__((always_inline)) double
play_trips(uint64_t trips, void (*trip)(uint64_t number), void *(*other_core)(void *)) {
    pthread_t other;
    pin(0);
    must(pthread_create(&other, NULL, other_core, &trips) == 0 ? &other : NULL);
    uint64_t begin = 0;
    for (uint64_t i = 0; i < trips; i++) {
        trip(i);
        begin = i == 0 ? now_ns() : begin; /* the other thread runs from here on */
    }
    double ns = (double)(now_ns() - begin) / (double)(trips - 1);
    (void)pthread_join(other, NULL);
    return ns;
}

/* A message handed over between two cores: in a line of its own, by one atomic in a mailbox of one word, which its owner
 * looks at all the time and empties by another. */
#define LETTERS 64u

struct letter {
    _Alignas(64) uint64_t number;
};
static struct letter letters[2][LETTERS]; /* each core's own */
static struct { _Alignas(128) _Atomic(struct letter *) word; } slots[2];

static void hand_to(int core, uint64_t number) {
    struct letter *letter = &letters[1 - core][number % LETTERS];
    letter->number = number;
    struct letter *none = NULL;
    while (!atomic_compare_exchange_weak_explicit(&slots[core].word, &none, letter,
                                                  memory_order_acq_rel, memory_order_relaxed)) {
        none = NULL;
    }
}

static void take_from(int core, uint64_t number) {
    while (!atomic_load_explicit(&slots[core].word, memory_order_relaxed)) {
    }
    struct letter *letter = atomic_exchange_explicit(&slots[core].word, NULL, memory_order_acq_rel);
    must(letter->number == number ? letter : NULL);
}

static void *apart_other(void *argument) {
    uint64_t trips = *(uint64_t *)argument;
    pin(1);
    for (uint64_t i = 0; i < trips; i++) {
        take_from(1, i);
        hand_to(0, i);
    }
    return NULL;
}

static void apart_trip(uint64_t number) {
    hand_to(1, number);
    take_from(0, number);
}

/* How long so many cores take, each of which plays a ping-pong of its own. */
static double play_on(int cores, uint64_t hits) {
    uint64_t begin = now_ns();
    for (int core = 0; core < cores; core++) {
        pid_t child = fork();
        if (child == 0) {
            pin(core);
            play_ring(2, hits);
            _exit(0);
        }
        must(child > 0 ? &child : NULL);
    }
    int status;
    while (wait(&status) > 0) {
        must(status == 0 ? &status : NULL);
    }
    return (double)(now_ns() - begin);
}

/* How many times as much two cores do as one: what nobody's second worker can exceed. */
static double play_two_cores(uint64_t hits) {
    double before = play_on(1, hits);
    double both = play_on(2, hits);
    return (before + play_on(1, hits)) / both;
}

static _Atomic uint32_t word;
static _Atomic uint64_t sent_ns;
static uint64_t *delays;

static void *wake_sleeper(void *argument) {
    uint64_t count = *(uint64_t *)argument;
    for (uint32_t i = 0; i < count; i++) {
        while (atomic_load_explicit(&word, memory_order_acquire) == i) {
            (void)syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, i, NULL, NULL, 0);
        }
        delays[i] = now_ns() - atomic_load_explicit(&sent_ns, memory_order_relaxed);
    }
    return NULL;
}

static int by_size(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void play_wake(const char *shape, uint64_t count, unsigned period_ms) {
    pthread_t sleeper;
    delays = must(calloc(count, sizeof *delays));
    must(pthread_create(&sleeper, NULL, wake_sleeper, &count) == 0 ? &sleeper : NULL);
    uint64_t due = now_ns() + NS_PER_S / 10;
    for (uint64_t i = 0; i < count; i++) {
        due += period_ms * (NS_PER_S / 1000);
        struct timespec at = {(time_t)(due / NS_PER_S), (long)(due % NS_PER_S)};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0) {
        }
        atomic_store_explicit(&sent_ns, now_ns(), memory_order_relaxed);
        atomic_fetch_add_explicit(&word, 1, memory_order_release);
        (void)syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
    (void)pthread_join(sleeper, NULL);
    qsort(delays, count, sizeof *delays, by_size);
    (void)printf("%s 0 p50_us %.6g\n", shape, (double)delays[count / 2] / 1e3);
    (void)printf("%s 0 p99_us %.6g\n", shape, (double)delays[count * 99 / 100] / 1e3);
    free(delays);
}

/* --- */

static uint64_t resident_bytes(void) {
    unsigned long long size = 0;
    unsigned long long resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file) {
        resident = fscanf(file, "%llu %llu", &size, &resident) == 2 ? resident : 0;
        (void)fclose(file);
    }
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* An actor, its state of a word, a place in a table. */
static void play_idle(uint64_t count) {
    uint64_t before = resident_bytes();
    void **table = must(calloc(count, sizeof *table));
    for (uint64_t i = 0; i < count; i++) {
        struct actor *a = child_take();
        a->peer = must(calloc(1, sizeof(uint64_t)));
        table[i] = a;
    }
    (void)printf("idle 0 bytes %.6g\n", (double)(resident_bytes() - before) / (double)count);
    for (uint64_t i = 0; i < count; i++) {
        free(((struct actor *)table[i])->peer);
    }
    free(table);
}

static const struct {
    const char *name;
    uint64_t count;
} shapes[] = {{"ping-pong", 2000000}, {"count", 10000000},  {"fan-in", 1000000},
              {"ring", 10000000},     {"big", 10000},       {"spawn", 1000000},
              {"idle", 1000000},      {"line", 1000000},    {"apart", 500000},
              {"wake", 2000},         {"wake-asleep", 500}, {"two-cores", 10000000}};

/* Returns the messages that went. */
static uint64_t play(const char *shape, uint64_t count) {
    if (strcmp(shape, "ping-pong") == 0) {
        play_ring(2, count);
    } else if (strcmp(shape, "ring") == 0) {
        play_ring(1000, count);
    } else if (strcmp(shape, "count") == 0) {
        play_flow(1, count);
    } else if (strcmp(shape, "fan-in") == 0) {
        play_flow(8, count);
        return 8 * count;
    } else if (strcmp(shape, "big") == 0) {
        play_big(count);
        return 200 * count;
    } else {
        play_spawn(count);
    }
    return count;
}

int main(int argc, char **argv) {
    const char *shape = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        total = strcmp(shape, shapes[i].name) == 0 ? shapes[i].count : total;
    }
    if (total == 0) {
        (void)fprintf(stderr, "usage: bench_floor SHAPE [COUNT]; shapes:");
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            (void)fprintf(stderr, " %s", shapes[i].name);
        }
        (void)fprintf(stderr, "\n");
        return 2;
    }
    total = argc > 2 ? strtoull(argv[2], NULL, 10) : total;
    if (strcmp(shape, "line") == 0) {
        (void)printf("line 0 ns %.6g\n", play_trips(total, line_trip, line_other));
    } else if (strcmp(shape, "apart") == 0) {
        (void)printf("apart 0 ns %.6g\n", play_trips(total, apart_trip, apart_other));
    } else if (strcmp(shape, "two-cores") == 0) {
        (void)printf("two-cores 0 times %.6g\n", play_two_cores(total));
    } else if (strncmp(shape, "wake", 4) == 0) {
        play_wake(shape, total, strcmp(shape, "wake") == 0 ? 1 : 10);
    } else if (strcmp(shape, "idle") == 0) {
        play_idle(total);
    } else {
        uint64_t begin = now_ns();
        uint64_t messages = play(shape, total);
        double ns = (double)(now_ns() - begin);
        if (strcmp(shape, "ping-pong") == 0) {
            (void)printf("ping-pong 0 ns %.6g\n", ns * 2 / (double)messages);
        } else {
            (void)printf("%s 0 per_s %.6g\n", shape, (double)messages * 1e9 / ns);
        }
    }
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("%s 0 rss_kb %ld\n", shape, usage.ru_maxrss);
    return 0;
}
