/* What actors publish of themselves (S-4), for whoever looks. */
#pragma once

#include <troupe/message.h>

#include "actor/looks.h"

/* Never changes but for `next`; another of its name takes its place. */
struct published {
    struct looks_block block;
    _Atomic(struct published *) next;
    struct troupe_value value; /* s points behind the name */
    char *name;
};

/* The first and the one behind; NULL: no more. [home worker, lookers] */
const struct published *inst_published(const struct inst *in);
const struct published *published_next(const struct published *at);

/* Shows what was published, in place of what had its name; takes it. [home worker] */
void inst_publish(struct inst *in, struct published *attribute);
/* AI-4: an incarnation begins without what the one before it published. [home worker] */
void inst_attributes_end(struct inst *in);
