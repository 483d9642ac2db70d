/* Sliding windows: finds the moment at which events of one source become a burst. */
#include "stats/burst.h"

#include <assert.h>
#include <string.h>

#define FIRST_ROOM 4

/* Differences of any two times fit into 64 bits without a sign. */
static uint64_t distance(int64_t a, int64_t b) {
    return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

uint32_t burst_room_wanted(const struct burst_rule *rule, const struct burst_source *source) {
    if (source->event_count < source->event_room) {
        return source->event_room;
    }
    uint64_t room = source->event_room ? (uint64_t)source->event_room * 2 : FIRST_ROOM;
    return (uint32_t)(room < 2 * rule->threshold ? room : 2 * rule->threshold);
}

/* B-2 */
static bool prolongs(const struct burst_rule *rule, struct burst_source *s, int64_t time) {
    bool is_near = time >= s->burst_first
                       ? time <= s->burst_last || distance(time, s->burst_last) <= rule->span
                       : distance(time, s->burst_first) <= rule->span;
    if (!s->has_burst || !is_near) {
        return false;
    }
    s->burst_first = time < s->burst_first ? time : s->burst_first;
    s->burst_last = time > s->burst_last ? time : s->burst_last;
    return true;
}

static void remove_at(struct burst_source *s, uint32_t at) {
    s->event_count--;
    memmove(s->events + at, s->events + at + 1, (s->event_count - at) * sizeof *s->events);
}

/* Keeps the order; returns where the event went. */
static uint32_t insert(struct burst_source *s, struct burst_event event) {
    uint32_t at = s->event_count;
    while (at > 0 && s->events[at - 1].time > event.time) {
        at--;
    }
    memmove(s->events + at + 1, s->events + at, (s->event_count - at) * sizeof *s->events);
    s->events[at] = event;
    s->event_count++;
    return at;
}

/* The fullest span that holds the event at `at`; of equally full ones the earliest. */
static struct burst fullest(const struct burst_rule *rule, const struct burst_source *s,
                            uint32_t at) {
    uint32_t begin = at;
    while (begin > 0 && distance(s->events[begin - 1].time, s->events[at].time) <= rule->span) {
        begin--;
    }
    struct burst best = {0};
    uint64_t count = 0;
    uint32_t end = begin;
    for (uint32_t i = begin; i <= at; i++) {
        while (end < s->event_count &&
               distance(s->events[i].time, s->events[end].time) <= rule->span) {
            count += s->events[end++].count;
        }
        if (count > best.count) {
            best = (struct burst){count, s->events[i].time, s->events[end - 1].time};
        }
        count -= s->events[i].count;
    }
    return best;
}

/* B-3 */
static void forget_farthest(struct burst_source *s, int64_t from) {
    uint32_t last = s->event_count - 1;
    bool is_first = distance(s->events[0].time, from) > distance(s->events[last].time, from);
    remove_at(s, is_first ? 0 : last);
}

bool burst_add(const struct burst_rule *rule, struct burst_source *source, struct burst_event event,
               struct burst *ret) {
    if (prolongs(rule, source, event.time)) {
        return false;
    }
    assert(source->event_count < source->event_room);
    struct burst found = fullest(rule, source, insert(source, event));
    if (found.count >= rule->threshold) {
        source->event_count = 0;
        source->has_burst = true;
        source->burst_first = found.first;
        source->burst_last = found.last;
        *ret = found;
        return true;
    }
    if (source->event_count >= 2 * rule->threshold) {
        forget_farthest(source, event.time);
    }
    return false;
}
