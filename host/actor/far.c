/* Messages for other procs: what an actor sends there, by the proc's forwarder (PR-1). */
#include <stddef.h>

#include "actor/proc_impl.h"

bool far_deliver(struct runner *r, struct inst *in, struct msg *m, bool may_pause) {
    const struct proc_forwarder *forwarder = &in->proc->options.forwarder;
    const struct troupe_ref to = {m->dest, msg_far(m)};
    if (!forwarder->forward) {
        bounce(r, in->proc, m, TROUPE_NOT_LOCAL);
        return true;
    }
    while (forwarder->forward(forwarder->context, in->proc, m, false) == FORWARD_FULL) {
        if (!may_pause || !inst_more(in)) {
            return false; /* as in deliver_slowly */
        }
        switch (forwarder->wait(forwarder->context, in->proc, to, &in->more->pauser)) {
        case PAUSE_WAITS:
            return false;
        case PAUSE_CYCLE:
            (void)forwarder->forward(forwarder->context, in->proc, m, true);
            return true;
        case PAUSE_RETRY:
            break;
        }
    }
    return true;
}
