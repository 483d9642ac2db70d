/* bench.Spawner starts children and sends each a message; they stop, or stay idle for its life. */
#include <stdio.h>
#include <unistd.h>

#include "mark.h"

#define BENCH_JOB(F) F(u64, number)
TROUPE_MESSAGE(bench_job, "bench.job/1", BENCH_JOB);
#define BENCH_GO_ON(F) F(u64, started)
TROUPE_MESSAGE(bench_go_on, "bench.go_on/1", BENCH_GO_ON);

#define SPAWNER_CONFIG(C)                                                                          \
    C(int, count, required, "how many children to start", "1..")                                   \
    C(int, burst, 1000, "how many in one turn", "1..")                                             \
    C(bool, stay, false, "children stay idle; their memory is measured")
TROUPE_CONFIG(spawner_config, SPAWNER_CONFIG);

struct spawner {
    struct spawner_config config;
    int64_t started, ended;
    uint64_t memory_before;
    uint64_t job;
};

#define SPAWNER(P)                                                                                 \
    P(config, spawner, spawner_config)                                                             \
    P(in, spawner, go_on, bench_go_on)                                                             \
    P(child, spawner, child, "bench.Child")                                                        \
    P(to, spawner, job, bench_job)                                                                 \
    P(out, spawner, again, bench_go_on)                                                            \
    P(init, spawner)
TROUPE_ACTOR(spawner, "bench.Spawner", SPAWNER);

static uint64_t resident_bytes(void) {
    unsigned long long size = 0;
    unsigned long long resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file) {
        if (fscanf(file, "%llu %llu", &size, &resident) != 2) {
            resident = 0;
        }
        (void)fclose(file);
    }
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int spawner_start(struct troupe_turn *t, struct spawner *self) {
    struct troupe_ref child = spawner_spawn_child(t, NULL);
    if (child.uid == 0) {
        return troupe_fail(t, "cannot start a child");
    }
    if (self->job == 0) {
        self->job = t->host->port_of(t, child, troupe_str("job")).port;
    }
    child.port = self->job;
    struct bench_job job = {.number = self->config.stay ? 1 : 0};
    self->started++;
    return spawner_send_job(t, child, &job);
}

/* All children are idle: the memory of a child is what has come on top. */
static int spawner_weigh(struct troupe_turn *t, struct spawner *self) {
    uint64_t more = resident_bytes() - self->memory_before;
    int status = troupe_publish_u64(t, "bytes", more / (uint64_t)self->config.count);
    status = status < 0 ? status : bench_ended(t);
    return status < 0 ? status : t->host->stop(t);
}

static int spawner_go_on(struct troupe_turn *t, struct spawner *self) {
    if (self->started == self->config.count) {
        return self->config.stay ? spawner_weigh(t, self) : 0;
    }
    for (int64_t i = 0; i < self->config.burst && self->started < self->config.count; i++) {
        int status = spawner_start(t, self);
        if (status < 0) {
            return status;
        }
    }
    struct bench_go_on go_on = {.started = (uint64_t)self->started};
    return spawner_send_again(t, &go_on);
}

static int spawner_init(struct troupe_turn *t, struct spawner *self) {
    self->memory_before = resident_bytes();
    int status = bench_started(t);
    return status < 0 ? status : spawner_go_on(t, self);
}

static int spawner_on_go_on(struct troupe_turn *t, struct spawner *self,
                            const struct bench_go_on *go_on) {
    (void)go_on;
    return spawner_go_on(t, self);
}

static int spawner_on_child(struct troupe_turn *t, struct spawner *self,
                            const struct troupe_ended *ended) {
    (void)ended;
    if (++self->ended < self->config.count || self->config.stay) {
        return 0;
    }
    int status = bench_ended(t);
    return status < 0 ? status : t->host->stop(t);
}

struct child {
    uint64_t jobs;
};

#define CHILD(P) P(in, child, job, bench_job)
TROUPE_ACTOR(child, "bench.Child", CHILD);

static int child_on_job(struct troupe_turn *t, struct child *self, const struct bench_job *job) {
    self->jobs++;
    return job->number ? 0 : t->host->stop(t);
}
