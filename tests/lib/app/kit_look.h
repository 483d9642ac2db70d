/* For tests that look at actors. */
#pragma once

#include "lib/app/kit.h"

#include <string.h>

#include "actor/look.h"
#include "base/alloc.h"
#include "inspect/actor_view.h"
#include "lib/wait.h"

/* A reference of the caller's. */
static inline struct snapshot *kit_look(struct kit *kit, const char *address) {
    struct snapshot *s = NULL;
    struct err err = {0};
    if (look_up(kit_proc(kit), address, &s, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return s;
}

static inline bool kit_looks(struct kit *kit, const char *address, const char *status) {
    struct snapshot *s = kit_look(kit, address);
    bool is_so = strcmp(snapshot_text(s, ATTRIBUTE_STATUS), status) == 0;
    snapshot_unref(s);
    return is_so;
}

struct kit_looked {
    struct kit *kit;
    const char *address, *status;
};

static inline bool kit_has_status(void *context) {
    const struct kit_looked *l = context;
    return kit_looks(l->kit, l->address, l->status);
}

/* Waits until it is looked at with this status. */
static inline void kit_wait_status(struct kit *kit, const char *address, const char *status) {
    struct kit_looked looked = {kit, address, status};
    test_wait_until(kit_has_status, &looked);
}

struct kit_numbered {
    struct kit *kit;
    const char *address;
    enum attribute_id attribute;
    uint64_t number;
};

static inline bool kit_has_number(void *context) {
    const struct kit_numbered *n = context;
    struct snapshot *s = kit_look(n->kit, n->address);
    bool is_so = snapshot_number(s, n->attribute) == n->number;
    snapshot_unref(s);
    return is_so;
}

/* Waits until it is looked at with this number: what a turn sends is there some time after all that the turn notes. */
static inline void kit_wait_number(struct kit *kit, const char *address,
                                   enum attribute_id attribute, uint64_t number) {
    struct kit_numbered numbered = {kit, address, attribute, number};
    test_wait_until(kit_has_number, &numbered);
}

/* Whether the recorder says so; the first that has the text. */
static inline bool kit_recorded(const struct snapshot *s, const char *text) {
    for (size_t i = 0; i < s->facts.record_count; i++) {
        if (strstr(s->facts.records[i].text, text)) {
            return true;
        }
    }
    return false;
}
