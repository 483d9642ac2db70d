/* The rings of drop_oldest ports. */
#include <assert.h>
#include <stddef.h>

#include "message/mbox.h"

void mbox_ring_init(struct mbox_ring *ring, uint16_t port, uint32_t capacity) {
    *ring = (struct mbox_ring){.port = port, .capacity = capacity};
    pthread_mutex_init(&ring->lock, NULL);
}

void mbox_ring_fini(struct mbox_ring *ring) {
    assert(!ring->head);
    pthread_mutex_destroy(&ring->lock);
}

struct mbox_ring *mbox_ring_find(const struct mbox *mb, uint16_t port) {
    struct mbox_bounds *bounds = mbox_is_bounded(mb) ? mb->bounds : NULL;
    for (uint16_t i = 0; bounds && i < bounds->ring_count; i++) {
        if (bounds->rings[i].port == port) {
            return &bounds->rings[i];
        }
    }
    return NULL;
}

enum offer mbox_ring_offer(struct mbox *mb, struct mbox_ring *ring, struct msg *m,
                           struct msg **ret_evicted) {
    struct msg *evicted = NULL;
    pthread_mutex_lock(&ring->lock);
    /* under the ring's lock: mbox_close sets CLOSED before it empties the ring, so either we see it or
     * it sees our message */
    if (mbox_is_closed(mb)) {
        pthread_mutex_unlock(&ring->lock);
        return OFFER_CLOSED;
    }
    if (ring->count == ring->capacity) {
        evicted = ring->head;
        ring->head = evicted->next;
        evicted->next = NULL;
        ring->count--;
    } else {
        atomic_fetch_add_explicit(&mb->bounds->in_rings, 1, memory_order_relaxed);
    }
    m->next = NULL;
    if (ring->head) {
        ring->tail->next = m;
    } else {
        ring->head = m;
    }
    ring->tail = m;
    ring->count++;
    pthread_mutex_unlock(&ring->lock);
    *ret_evicted = evicted;
    mbox_poke(mb);
    return OFFER_TAKEN;
}

static struct msg *ring_pop(struct mbox_ring *ring) {
    pthread_mutex_lock(&ring->lock);
    struct msg *m = ring->head;
    if (m) {
        ring->head = m->next;
        ring->count--;
    }
    pthread_mutex_unlock(&ring->lock);
    return m;
}

struct msg *mbox_ring_take(struct mbox *mb) {
    struct mbox_bounds *bounds = mb->bounds;
    for (uint16_t i = 0; bounds && i < bounds->ring_count; i++) {
        struct mbox_ring *ring = &bounds->rings[bounds->ring_next];
        bounds->ring_next =
            (uint16_t)(bounds->ring_next + 1 < bounds->ring_count ? bounds->ring_next + 1 : 0);
        struct msg *m = ring_pop(ring);
        if (m) {
            atomic_fetch_sub_explicit(&bounds->in_rings, 1, memory_order_release);
            return m;
        }
    }
    return NULL;
}
