/* Sliding windows: finds the moment at which events of one source become a burst.
 *
 * B-1  A burst is `threshold` or more within `span`, both ends included. It is found once, when
 *      the event that completes it is added, also when that event is up to a span late.
 * B-2  Events that prolong a burst found (within `span` of it) belong to it, and make no other.
 *      What comes later is a new beginning.
 * B-3  A source keeps fewer than 2 * `threshold` events: what can lie within a span on both sides
 *      of a moment without being a burst. Beyond, the one farthest in time from the newest to
 *      arrive is forgotten, so that a wrong clock in between does no lasting harm.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct burst_event {
    int64_t time;
    uint64_t count; /* above 0 */
};

/* One source. Zeroed memory is a source without events. */
struct burst_source {
    struct burst_event *events; /* sorted by time */
    uint32_t event_count, event_room;
    bool has_burst; /* the one found last, prolonged by what followed */
    int64_t burst_first, burst_last;
};

struct burst_rule {
    uint64_t span; /* in the unit of the times */
    uint64_t threshold;
};

struct burst {
    uint64_t count;
    int64_t first, last;
};

/* How many events the source must have room for before the next add; grow `events` to that. */
uint32_t burst_room_wanted(const struct burst_rule *rule, const struct burst_source *source);

/* Adds `event`; true with *ret when it completes a burst. */
bool burst_add(const struct burst_rule *rule, struct burst_source *source, struct burst_event event,
               struct burst *ret);
