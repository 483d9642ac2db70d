/* Procs that are joined, seen from one of them. */
#pragma once

#include <troupe/forwarder.h>

#include "app/embed_impl.h"

struct member;

/* Before the deployment is made: for a place among those that the forwarder, which is lent, joins, under this id.
 * Errors: NOMEM. */
int member_create(struct troupe_forwarder *forwarder, const char *id, struct member **ret,
                  struct err *err);
struct proc_forwarder member_forwarder(struct member *member);
/* The deployment is made, and does not run yet: from here on others find it. Errors: REFUSED (the id is taken),
 * NOMEM. */
int member_enter(struct member *member, struct proc *proc, struct err *err);
/* The others don't find it any more: it could not start after all. */
void member_withdraw(struct member *member);
/* The others don't find it any more; what they are sending it has arrived, and who waits for room there goes on.
 * Its stand-in ends: `gone` is called when nothing of it is left in the proc, by a worker. */
void member_leave(struct member *member, void (*gone)(void *context), void *context);
void member_destroy(struct member *member); /* takes NULL */

void forwarder_unref(struct troupe_forwarder *forwarder); /* takes NULL */
struct troupe_forwarder *forwarder_ref(struct troupe_forwarder *forwarder);
/* "proc/name[pid]" in another proc; uid 0: not found. `port` NULL: none. */
struct troupe_ref forwarder_find(struct member *member, const char *text, const char *port);
