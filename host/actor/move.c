/* Moving to one's partner: a cheap instance that sends to one other worker only becomes that one's.
 *
 * Crossing workers costs several times a local message. Instances that talk find together by this,
 * whatever put them apart; without it one early mistake would be for ever. Only instances that were
 * never found dear move: dear ones were put apart on purpose. */
#include <stddef.h>

#include "actor/proc_impl.h"

/* Activations in a row before it moves. Of two that talk to each other the younger goes first, so that
 * they never swap; one whose partner never answers goes as well, later. */
#define PULL_YOUNGER 64u
#define PULL_OLDER 256u
/* As the price above which work is given away, see sched/give.c. */
#define CHEAP_NS 300u

void move_note(struct runner *r, struct sched_worker *home, uint64_t uid) {
    if (home == r->worker || home->dedicated || (r->went_to && r->went_to != home)) {
        r->went_to = r->worker;
    } else {
        r->went_to = home;
        r->went_to_uid = uid;
    }
}

__attribute__((noinline)) bool move_decide_sent(struct runner *r, struct inst *in) {
    struct sched_task *task = &in->mbox.task;
    struct sched_worker *to = r->went_to;
    r->went_to = NULL;
    if (to == r->worker || r->worker->dedicated || task->cost_ns > CHEAP_NS) {
        task->pull = 0;
        return false;
    }
    task->pull = task->pull_to == to->index ? (uint16_t)(task->pull + 1) : 1;
    task->pull_to = (uint16_t)to->index;
    bool younger = inst_uid(in) > r->went_to_uid;
    if (task->pull < (younger ? PULL_YOUNGER : PULL_OLDER)) {
        return false;
    }
    task->pull = 0;
    return true;
}
