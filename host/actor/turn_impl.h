/* What the files that run turns share. */
#pragma once

#include "actor/inst_impl.h"

/* One begins. */
static inline void turn_begin(struct runner *r, struct msg *m) {
    r->msg = m;
    r->logged = 0;
    r->answered = false;
    r->failed = false;
    r->has_context = false;
    r->refused = false;
    r->committed = false;
    r->has_flight = false;
}
