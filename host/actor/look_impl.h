/* Steps of looking, for the files that look; all of them between looks_begin and looks_end. */
#pragma once

#include "actor/inst_impl.h"
#include "actor/look.h"

/* Whether it can be found: it is one of the plan, which stay, or takes messages. */
bool look_is_there(const struct inst *in);
/* The child behind one, or the first for its parent's head; NULL: no more. */
struct inst *look_next_child(const struct inst_more *more, const struct list *at);
/* The one below that a path leads to, as look_begin has it; NULL: none. */
struct inst *look_below(struct inst *in, struct troupe_str path);
/* The open one with this address; NULL: none. Looks at all but for those of the plan and clients. */
struct inst *look_find_address(struct proc *proc, const char *address, uint64_t *ret_uid);
/* As look_at, for one that was found. */
int look_at_slot(const struct inst *in, uint64_t uid, struct snapshot **ret, struct err *err);
