/* stats.Window: says when a source does something too often within a span of time. */
#include <string.h>

#include <troupe/troupe.h>

#include "stats/burst.h"
#include "stats/fields.h"
#include "stats/table.h"

#define STATS_ALERT(F) F(str, source) F(u64, failed) F(time, first) F(time, last)
TROUPE_MESSAGE(stats_alert, "stats.alert/1", STATS_ALERT);

#define WINDOW_CONFIG(C)                                                                           \
    C(field, by, required, "the field that names the source", "event")                             \
    C(field, count, failed, "the field that says how many; empty: one each", "event")              \
    C(field, time, time, "the field that says when; empty: when it arrives", "event")              \
    C(duration, span, 60s, "how far apart what belongs together may be", "1ms..")                  \
    C(int, threshold, 5, "how many within the span make an alert", "1..100000")                    \
    C(bool, again, false, "an alert for each burst of a source, not only for its first")           \
    C(int, max_sources, 100000, "the least recently seen beyond are forgotten", "1..10000000")
TROUPE_CONFIG(window_config, WINDOW_CONFIG);

struct window {
    struct window_config config;
    struct burst_rule rule;
    struct table sources;           /* of struct burst_source */
    const struct troupe_type *type; /* that the three fields were found for */
    const struct troupe_field *by, *count, *time;
    uint64_t alerts;
    uint64_t evicted;
};

#define WINDOW(P)                                                                                  \
    P(config, window, window_config)                                                               \
    P(any, window, event)                                                                          \
    P(out, window, alert, stats_alert)                                                             \
    P(init, window)                                                                                \
    P(cleanup, window)                                                                             \
    P(save, window, 1, 1)                                                                          \
    P(load, window)
TROUPE_ACTOR(window, "stats.Window", WINDOW);

static void *window_alloc(void *turn, uint64_t size) {
    struct troupe_turn *t = turn;
    return t->host->alloc(t, size);
}

static void window_free(void *turn, void *memory) {
    struct troupe_turn *t = turn;
    t->host->free(t, memory);
}

static int window_init(struct troupe_turn *t, struct window *self) {
    const struct table_memory memory = {window_alloc, window_free};
    self->rule.span = self->config.span;
    self->rule.threshold = (uint64_t)self->config.threshold;
    table_init(&self->sources, memory, sizeof(struct burst_source),
               (uint64_t)self->config.max_sources, t->host->now(t) ^ (uint64_t)(uintptr_t)self);
    return 0;
}

static struct burst_source *source_of(struct table_entry *entry) {
    return (struct burst_source *)(void *)entry->value;
}

static int window_no_memory(struct troupe_turn *t, const struct window *self) {
    return troupe_fail(t, "no memory for one more source than %llu",
                       (unsigned long long)self->sources.count);
}

static void window_evict_oldest(struct troupe_turn *t, struct window *self) {
    struct table_entry *oldest = self->sources.oldest;
    if (self->evicted++ == 0) {
        troupe_log(t, TROUPE_LOG_WARN,
                   "more than %lld sources (max_sources): forgetting '%.*s' and others",
                   (long long)self->config.max_sources, TROUPE_STR_ARG(oldest->key));
    }
    t->host->free(t, source_of(oldest)->events);
    table_remove(&self->sources, t, oldest);
}

/* NULL: no memory. */
static struct burst_source *window_source(struct troupe_turn *t, struct window *self,
                                          struct troupe_str key) {
    struct table_entry *entry = table_find(&self->sources, key);
    if (!entry) {
        if (table_is_full(&self->sources)) {
            window_evict_oldest(t, self);
        }
        entry = table_add(&self->sources, t, key);
    }
    return entry ? source_of(entry) : NULL;
}

static bool window_make_room(struct troupe_turn *t, const struct window *self,
                             struct burst_source *source) {
    uint32_t room = burst_room_wanted(&self->rule, source);
    if (room <= source->event_room) {
        return true;
    }
    struct burst_event *events = t->host->resize(t, source->events, room * sizeof *source->events);
    if (!events) {
        return false;
    }
    source->events = events;
    source->event_room = room;
    return true;
}

static void window_find_fields(struct window *self, const struct troupe_type *type) {
    self->type = type;
    self->by = fields_find(type, self->config.by);
    self->count = fields_find(type, self->config.count);
    self->time = fields_find(type, self->config.time);
}

static int window_alert(struct troupe_turn *t, struct window *self, struct troupe_str source,
                        const struct burst *burst) {
    struct stats_alert alert = {
        .source = source, .failed = burst->count, .first = burst->first, .last = burst->last};
    self->alerts++;
    return window_send_alert(t, &alert);
}

/* Reads who, when and how many; how many is 0 where the message is about no source. */
static int window_read(struct troupe_turn *t, struct window *self, const struct troupe_any *message,
                       char *room, struct troupe_str *ret_key, struct burst_event *ret) {
    ret->count = 1;
    if (self->count && !fields_number(self->count, message->body, &ret->count)) {
        return troupe_fail(t, "field '%s' (config key 'count') is not a whole number",
                           self->config.count.data);
    }
    if (ret->count == 0) {
        return 0;
    }
    if (self->by && !fields_text(self->by, message->body, room, ret_key)) {
        return troupe_fail(t, "field '%s' (config key 'by') has no text to tell sources by",
                           self->config.by.data);
    }
    if (!self->by || ret_key->size == 0) {
        ret->count = 0;
    } else if (!self->time || !fields_time(self->time, message->body, &ret->time)) {
        ret->time = t->host->time_of_day(t);
    }
    return 0;
}

static int window_on_event(struct troupe_turn *t, struct window *self,
                           const struct troupe_any *message) {
    char room[FIELDS_TEXT];
    struct troupe_str key;
    struct burst_event event;
    struct burst burst;
    if (message->type != self->type) {
        window_find_fields(self, message->type);
    }
    int status = window_read(t, self, message, room, &key, &event);
    if (status < 0 || event.count == 0) {
        return status;
    }
    struct burst_source *source = window_source(t, self, key);
    if (!source || !window_make_room(t, self, source)) {
        return window_no_memory(t, self);
    }
    bool is_first = !source->has_burst;
    bool found = burst_add(&self->rule, source, event, &burst);
    return found && (is_first || self->config.again) ? window_alert(t, self, key, &burst) : 0;
}

static int window_cleanup(struct troupe_turn *t, struct window *self) {
    if (self->evicted > 0) {
        troupe_log(t, TROUPE_LOG_WARN, "%llu sources were forgotten beyond max_sources",
                   (unsigned long long)self->evicted);
    }
    (void)troupe_publish_u64(t, "sources", self->sources.count);
    (void)troupe_publish_u64(t, "alerts", self->alerts);
    return troupe_publish_u64(t, "evicted_sources", self->evicted);
}

/* The saved state: this, then each source from the least to the most recently seen, as a
 * window_saved_source, its key, and its events. */
struct window_saved {
    uint64_t alerts, evicted, sources;
};

struct window_saved_source {
    uint64_t key_size, event_count, has_burst;
    int64_t burst_first, burst_last;
};

static int window_save_source(struct troupe_turn *t, const struct table_entry *entry,
                              struct troupe_saver *saver) {
    const struct burst_source *s = (const struct burst_source *)(const void *)entry->value;
    struct window_saved_source saved = {.key_size = entry->key.size,
                                        .event_count = s->event_count,
                                        .has_burst = s->has_burst,
                                        .burst_first = s->burst_first,
                                        .burst_last = s->burst_last};
    int status = t->host->save_write(saver, &saved, sizeof saved);
    if (status == 0) {
        status = t->host->save_write(saver, entry->key.data, entry->key.size);
    }
    return status < 0 ? status
                      : t->host->save_write(saver, s->events, s->event_count * sizeof *s->events);
}

static int window_save(struct troupe_turn *t, const struct window *self,
                       struct troupe_saver *saver) {
    struct window_saved saved = {self->alerts, self->evicted, self->sources.count};
    int status = t->host->save_write(saver, &saved, sizeof saved);
    for (const struct table_entry *e = self->sources.oldest; e && status == 0; e = e->newer) {
        status = window_save_source(t, e, saver);
    }
    return status;
}

/* A lower threshold than that of the saved state leaves out the oldest events. */
static int window_load_events(struct troupe_turn *t, struct window *self, uint64_t count,
                              struct burst_source *source, struct troupe_loader *loader) {
    struct burst ignored;
    for (uint64_t i = 0; i < count; i++) {
        struct burst_event event;
        int status = t->host->load_read(loader, &event, sizeof event);
        if (status < 0) {
            return status;
        }
        if (!window_make_room(t, self, source)) {
            return window_no_memory(t, self);
        }
        (void)burst_add(&self->rule, source, event, &ignored);
    }
    return 0;
}

static int window_load_source(struct troupe_turn *t, struct window *self,
                              struct troupe_loader *loader) {
    struct window_saved_source saved;
    int status = t->host->load_read(loader, &saved, sizeof saved);
    if (status < 0 || saved.key_size > t->host->load_left(loader)) {
        return status < 0 ? status : TROUPE_INVALID;
    }
    char *key = t->host->scratch(t, saved.key_size + 1);
    status = key ? t->host->load_read(loader, key, saved.key_size) : TROUPE_NO_MEMORY;
    if (status < 0) {
        return status;
    }
    struct burst_source *source = window_source(t, self, troupe_str_n(key, saved.key_size));
    if (!source) {
        return window_no_memory(t, self);
    }
    status = window_load_events(t, self, saved.event_count, source, loader);
    if (saved.has_burst != 0) {
        source->has_burst = true;
        source->burst_first = saved.burst_first;
        source->burst_last = saved.burst_last;
    }
    return status;
}

static int window_load(struct troupe_turn *t, struct window *self, struct troupe_loader *loader) {
    struct window_saved saved;
    int status = window_init(t, self);
    if (status == 0) {
        status = t->host->load_read(loader, &saved, sizeof saved);
    }
    for (uint64_t i = 0; status == 0 && i < saved.sources; i++) {
        status = window_load_source(t, self, loader);
    }
    if (status == 0) {
        self->alerts = saved.alerts;
        self->evicted += saved.evicted;
    }
    return status;
}
