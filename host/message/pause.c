/* The graph of paused senders. */
#include "message/pause.h"

#include <stddef.h>

void pause_init(struct pause_graph *graph, pthread_mutex_t *shared) {
    *graph = (struct pause_graph){0};
    pthread_mutex_init(&graph->own, NULL);
    graph->lock = shared ? shared : &graph->own;
}

void pause_fini(struct pause_graph *graph) {
    pthread_mutex_destroy(&graph->own);
}

static bool ends(const struct mbox *mb, enum mbox_ends which) {
    return atomic_load_explicit(&mb->ends, memory_order_relaxed) & (unsigned)which;
}

static struct pauser *waiters_locked(const struct mbox *mb) {
    return atomic_load_explicit(&mb->waiters, memory_order_relaxed);
}

/* Somebody is waited for to end, and waits for `pauser` to go on. Looks at all who do: a tree, because
 * each waits for one. */
static bool blocks_an_end_locked(const struct pauser *pauser) {
    const struct mbox *at = pauser->self;
    for (;;) {
        if (ends(at, MBOX_LEAVING)) {
            return true;
        }
        if (waiters_locked(at)) {
            at = waiters_locked(at)->self;
            continue;
        }
        while (at != pauser->self && !at->pausing->next) {
            at = at->pausing->target;
        }
        if (at == pauser->self) {
            return false;
        }
        at = at->pausing->next->self;
    }
}

/* Walks from `target` along what each paused actor waits for. */
static bool would_wait_for_ever_locked(const struct pauser *pauser, const struct mbox *target) {
    bool ends_matter = false;
    while (target != pauser->self) {
        ends_matter |= ends(target, MBOX_ENDING);
        if (!target->pausing) {
            return ends_matter && blocks_an_end_locked(pauser);
        }
        target = target->pausing->target;
    }
    return true;
}

static void unlink_locked(struct pauser *pauser) {
    struct mbox *target = pauser->target;
    if (waiters_locked(target) == pauser) {
        atomic_store_explicit(&target->waiters, pauser->next, memory_order_relaxed);
    } else {
        struct pauser *before = waiters_locked(target);
        while (before->next != pauser) {
            before = before->next;
        }
        before->next = pauser->next;
    }
    pauser->target = NULL;
    pauser->self->pausing = NULL;
}

static enum pause_result link_locked(struct pause_graph *graph, struct pauser *pauser,
                                     struct mbox *target) {
    pauser->target = target;
    pauser->self->pausing = pauser;
    pauser->next = waiters_locked(target);
    /* seq_cst: before the second look at CLOSED; pairs with mbox_close and its look at `waiters`. One of
     * the two sees the other, so nobody waits for what has closed. */
    atomic_store_explicit(&target->waiters, pauser, memory_order_seq_cst);
    if (mbox_is_closed(target)) {
        unlink_locked(pauser);
        return PAUSE_RETRY;
    }
    graph->pauses++;
    return PAUSE_WAITS;
}

enum pause_result pause_wait(struct pause_graph *graph, struct pauser *pauser,
                             struct mbox *target) {
    pthread_mutex_lock(graph->lock);
    enum pause_result result = PAUSE_WAITS;
    if (mbox_is_closed(target) || mbox_room(target, mbox_capacity(target)) > 0) {
        result = PAUSE_RETRY;
    } else if (would_wait_for_ever_locked(pauser, target)) {
        graph->cycles++;
        result = PAUSE_CYCLE;
    } else {
        result = link_locked(graph, pauser, target);
    }
    pthread_mutex_unlock(graph->lock);
    if (result == PAUSE_WAITS) {
        mbox_poke(target); /* the target may have gone idle before it could see who waits */
    }
    return result;
}

bool pause_is_over(struct pause_graph *graph, struct pauser *pauser) {
    pthread_mutex_lock(graph->lock);
    bool over = pauser->target == NULL;
    pthread_mutex_unlock(graph->lock);
    return over;
}

void pause_cancel(struct pause_graph *graph, struct pauser *pauser) {
    pthread_mutex_lock(graph->lock);
    if (pauser->target) {
        unlink_locked(pauser);
    }
    pthread_mutex_unlock(graph->lock);
}

static void wake_all_locked(struct mbox *mb) {
    struct pauser *waiters = waiters_locked(mb);
    atomic_store_explicit(&mb->waiters, NULL, memory_order_relaxed);
    while (waiters) {
        struct pauser *pauser = waiters;
        waiters = pauser->next;
        pauser->target = NULL;
        pauser->self->pausing = NULL;
        mbox_poke(pauser->self);
    }
}

void pause_release(struct pause_graph *graph, struct mbox *mb) {
    pthread_mutex_lock(graph->lock);
    wake_all_locked(mb);
    pthread_mutex_unlock(graph->lock);
}

void pause_end(struct pause_graph *graph, struct mbox *mb) {
    pthread_mutex_lock(graph->lock);
    mbox_set_ends(mb, MBOX_ENDING, 0);
    wake_all_locked(mb);
    pthread_mutex_unlock(graph->lock);
}

void pause_leave(struct pause_graph *graph, struct mbox *mb) {
    pthread_mutex_lock(graph->lock);
    mbox_set_ends(mb, MBOX_LEAVING, 0);
    if (mb->pausing) {
        unlink_locked(mb->pausing);
        mbox_poke(mb);
    }
    pthread_mutex_unlock(graph->lock);
}

void pause_begin(struct mbox *mb) {
    mbox_set_ends(mb, 0, MBOX_ENDING | MBOX_LEAVING);
}

__attribute__((noinline)) void pause_wake(struct pause_graph *graph, struct mbox *mb) {
    if (!mbox_has_waiters(mb)) {
        return;
    }
    mbox_give_places(mb);
    uint32_t capacity = mbox_capacity(mb);
    if (mbox_is_closed(mb) || mbox_room(mb, capacity) >= capacity - capacity / 2) {
        pause_release(graph, mb);
    }
}
