/* stats.Count: sums up a log, and says so when its input has ended. */
#include <stdlib.h>
#include <string.h>

#include <troupe/troupe.h>

#include "common/syslog_event.h"
#include "stats/table.h"

#define STATS_SOURCE(F) F(str, source) F(u64, failed)
TROUPE_RECORD(stats_source, STATS_SOURCE);

/* `lines` are all, parsed or not; `sources` those with failures, the most first. */
#define STATS_SUMMARY(F)                                                                           \
    F(u64, lines) F(u64, failed) F(u64, accepted) F(list, sources, stats_source)
TROUPE_MESSAGE(stats_summary, "stats.summary/1", STATS_SUMMARY);

#define COUNT_CONFIG(C)                                                                            \
    C(int, max_sources, 100000, "sources beyond are in the totals only", "1..10000000")
TROUPE_CONFIG(count_config, COUNT_CONFIG);

struct count {
    struct count_config config;
    uint64_t lines, failed, accepted;
    uint64_t other;       /* of `failed`: of sources beyond max_sources, or none */
    struct table sources; /* of uint64_t: failed */
};

#define COUNT(P)                                                                                   \
    P(config, count, count_config)                                                                 \
    P(in, count, event, syslog_event)                                                              \
    P(out, count, summary, stats_summary)                                                          \
    P(init, count)                                                                                 \
    P(cleanup, count)                                                                              \
    P(save, count, 1, 1)                                                                           \
    P(load, count)
TROUPE_ACTOR(count, "stats.Count", COUNT);

static void *count_alloc(void *turn, uint64_t size) {
    struct troupe_turn *t = turn;
    return t->host->alloc(t, size);
}

static void count_free(void *turn, void *memory) {
    struct troupe_turn *t = turn;
    t->host->free(t, memory);
}

static int count_init(struct troupe_turn *t, struct count *self) {
    const struct table_memory memory = {count_alloc, count_free};
    table_init(&self->sources, memory, sizeof(uint64_t), (uint64_t)self->config.max_sources,
               t->host->now(t) ^ (uint64_t)(uintptr_t)self);
    return 0;
}

static int count_failed(struct troupe_turn *t, struct count *self, struct troupe_str source,
                        uint64_t failed) {
    struct table_entry *entry = source.size ? table_find(&self->sources, source) : NULL;
    if (!entry && (source.size == 0 || table_is_full(&self->sources))) {
        self->other += failed;
        return 0;
    }
    if (!entry) {
        entry = table_add(&self->sources, t, source);
    }
    if (!entry) {
        return troupe_fail(t, "no memory for one more source than %llu",
                           (unsigned long long)self->sources.count);
    }
    entry->value[0] += failed;
    return 0;
}

static int count_on_event(struct troupe_turn *t, struct count *self,
                          const struct syslog_event *event) {
    self->lines++;
    self->accepted += event->accepted;
    self->failed += event->failed;
    return event->failed ? count_failed(t, self, event->source, event->failed) : 0;
}

static int compare_sources(const void *left, const void *right) {
    const struct stats_source *a = left;
    const struct stats_source *b = right;
    if (a->failed != b->failed) {
        return a->failed > b->failed ? -1 : 1;
    }
    uint64_t common = a->source.size < b->source.size ? a->source.size : b->source.size;
    int order = memcmp(a->source.data, b->source.data, common);
    return order ? order : (a->source.size > b->source.size) - (a->source.size < b->source.size);
}

static int count_cleanup(struct troupe_turn *t, struct count *self) {
    uint64_t count = self->sources.count;
    struct stats_source *sources = t->host->scratch(t, (count + 1) * sizeof *sources);
    if (!sources) {
        return troupe_fail(t, "no memory to sum up %llu sources", (unsigned long long)count);
    }
    uint64_t at = 0;
    for (const struct table_entry *e = self->sources.newest; e; e = e->older) {
        sources[at++] = (struct stats_source){.source = e->key, .failed = e->value[0]};
    }
    qsort(sources, count, sizeof *sources, compare_sources);
    struct stats_summary summary = {
        .lines = self->lines, .failed = self->failed, .accepted = self->accepted};
    summary.sources.items = sources;
    summary.sources.count = count;
    if (self->other > 0) {
        troupe_log(t, TROUPE_LOG_WARN,
                   "%llu failures are of no source listed: there are more than max_sources, or the "
                   "line names none",
                   (unsigned long long)self->other);
    }
    (void)troupe_publish_u64(t, "unlisted_failures", self->other);
    return count_send_summary(t, &summary);
}

/* The saved state: this, then of each source the size of its name, its failures, its name. */
struct count_saved {
    uint64_t lines, failed, accepted, other, sources;
};

struct count_saved_source {
    uint64_t key_size, failed;
};

static int count_save(struct troupe_turn *t, const struct count *self, struct troupe_saver *saver) {
    struct count_saved saved = {self->lines, self->failed, self->accepted, self->other,
                                self->sources.count};
    int status = t->host->save_write(saver, &saved, sizeof saved);
    for (const struct table_entry *e = self->sources.oldest; e && status == 0; e = e->newer) {
        struct count_saved_source source = {e->key.size, e->value[0]};
        status = t->host->save_write(saver, &source, sizeof source);
        if (status == 0) {
            status = t->host->save_write(saver, e->key.data, e->key.size);
        }
    }
    return status;
}

static int count_load_source(struct troupe_turn *t, struct count *self,
                             struct troupe_loader *loader) {
    struct count_saved_source saved;
    int status = t->host->load_read(loader, &saved, sizeof saved);
    if (status < 0 || saved.key_size > t->host->load_left(loader)) {
        return status < 0 ? status : TROUPE_INVALID;
    }
    char *key = t->host->scratch(t, saved.key_size + 1);
    status = key ? t->host->load_read(loader, key, saved.key_size) : TROUPE_NO_MEMORY;
    return status < 0 ? status
                      : count_failed(t, self, troupe_str_n(key, saved.key_size), saved.failed);
}

static int count_load(struct troupe_turn *t, struct count *self, struct troupe_loader *loader) {
    struct count_saved saved;
    int status = count_init(t, self);
    if (status == 0) {
        status = t->host->load_read(loader, &saved, sizeof saved);
    }
    for (uint64_t i = 0; status == 0 && i < saved.sources; i++) {
        status = count_load_source(t, self, loader);
    }
    if (status == 0) {
        self->lines = saved.lines;
        self->failed = saved.failed;
        self->accepted = saved.accepted;
        self->other += saved.other;
    }
    return status;
}
