/* Visits: whoever has made something unfindable learns when nobody can have it in hand any more that found it in an
 * activation.
 *
 * V-1  What an activation finds it forgets when it ends, and it keeps nothing but its own across a call of a plugin.
 * V-2  Each worker of the pool is visited by a task, which comes out of its inbox between two activations. Own threads
 *      and strays may be in one for as long as they like: they count as visited when they are found with nothing to do,
 *      or, after a barrier, in code that is not the host's. */
#pragma once

#include <stdbool.h>

struct sched;
struct sched_visits;

/* Begins; `is_out` says whether the thread of this worker's local is in code that is not the host's (acquire, or
 * stronger). NULL: no memory. Seeded: it is over at once. [control] */
struct sched_visits *sched_visit(struct sched *sched, bool (*is_out)(const void *local));
/* Whether all have been visited. [control] */
bool sched_visits_are_over(struct sched_visits *visits);
/* When they are over, or the scheduler has stopped. Takes NULL. */
void sched_visits_destroy(struct sched_visits *visits);
