/* demo.Spawner shares out work among children it starts: spawn, references, children's ends. */
#include <troupe/troupe.h>

#define DEMO_JOB(F) F(u64, number)
TROUPE_MESSAGE(demo_job, "demo.job/1", DEMO_JOB);
#define DEMO_RESULT(F) F(u64, number) F(u64, power)
TROUPE_MESSAGE(demo_result, "demo.result/1", DEMO_RESULT);
#define DEMO_TOTAL(F) F(u64, jobs) F(u64, sum)
TROUPE_MESSAGE(demo_total, "demo.total/1", DEMO_TOTAL);

#define SPAWNER_CONFIG(C)                                                                          \
    C(int, workers, 3, "how many children to start", "1..1000")                                    \
    C(int, jobs, 100, "how many jobs to share out", "1..1000000")
TROUPE_CONFIG(spawner_config, SPAWNER_CONFIG);

struct spawner {
    struct spawner_config config;
    struct troupe_ref *workers;
    int64_t results;
    int64_t ended;
    uint64_t sum;
};

#define SPAWNER(P)                                                                                 \
    P(config, spawner, spawner_config)                                                             \
    P(child, spawner, worker, "demo.Worker")                                                       \
    P(to, spawner, job, demo_job)                                                                  \
    P(in, spawner, result, demo_result)                                                            \
    P(out, spawner, total, demo_total)                                                             \
    P(init, spawner)
TROUPE_ACTOR(spawner, "demo.Spawner", SPAWNER);

/* A child's settings are written as in a manifest, its outputs joined to ports of the parent. */
static struct troupe_ref spawner_start(struct troupe_turn *t) {
    const struct troupe_setting exponent = {troupe_str("exponent"), troupe_str("2")};
    const struct troupe_join result = {troupe_str("result"), spawner_ref_result(t)};
    const struct troupe_spawn how = {.size = sizeof how,
                                     .settings = &exponent,
                                     .setting_count = 1,
                                     .joins = &result,
                                     .join_count = 1};
    return spawner_spawn_worker(t, &how);
}

static int spawner_share_out(struct troupe_turn *t, const struct spawner *self) {
    for (int64_t i = 0; i < self->config.jobs; i++) {
        struct troupe_ref worker = self->workers[i % self->config.workers];
        struct demo_job job = {.number = (uint64_t)i + 1};
        int status = spawner_send_job(t, t->host->port_of(t, worker, troupe_str("job")), &job);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

static int spawner_init(struct troupe_turn *t, struct spawner *self) {
    uint64_t count = (uint64_t)self->config.workers;
    self->workers = t->host->alloc(t, count * sizeof *self->workers);
    if (!self->workers) {
        return troupe_fail(t, "no memory for %llu workers", (unsigned long long)count);
    }
    for (uint64_t i = 0; i < count; i++) {
        self->workers[i] = spawner_start(t);
        if (self->workers[i].uid == 0) {
            return troupe_fail(t, "cannot start worker %llu", (unsigned long long)i + 1);
        }
    }
    return spawner_share_out(t, self);
}

static int spawner_on_result(struct troupe_turn *t, struct spawner *self,
                             const struct demo_result *result) {
    self->sum += result->power;
    if (++self->results < self->config.jobs) {
        return 0;
    }
    int status = 0;
    for (int64_t i = 0; i < self->config.workers && status == 0; i++) {
        status = t->host->stop_child(t, self->workers[i], true);
    }
    return status;
}

static int spawner_on_worker(struct troupe_turn *t, struct spawner *self,
                             const struct troupe_ended *ended) {
    if (ended->failed) {
        return TROUPE_UNHANDLED; /* its failure is ours */
    }
    if (++self->ended < self->config.workers) {
        return 0;
    }
    struct demo_total total = {.jobs = (uint64_t)self->results, .sum = self->sum};
    int status = spawner_send_total(t, &total);
    return status < 0 ? status : t->host->stop(t);
}

#define WORKER_CONFIG(C) C(int, exponent, 1, "the power to raise numbers to", "0..8")
TROUPE_CONFIG(worker_config, WORKER_CONFIG);

struct worker {
    struct worker_config config;
};

#define WORKER(P)                                                                                  \
    P(config, worker, worker_config)                                                               \
    P(in, worker, job, demo_job)                                                                   \
    P(out, worker, result, demo_result)
TROUPE_ACTOR(worker, "demo.Worker", WORKER);

static int worker_on_job(struct troupe_turn *t, struct worker *self, const struct demo_job *job) {
    struct demo_result result = {.number = job->number, .power = 1};
    for (int64_t i = 0; i < self->config.exponent; i++) {
        result.power *= job->number;
    }
    return worker_send_result(t, &result);
}
