/* The dead letter ring. */
#include "message/dead.h"

#include "base/alloc.h"
#include "message/pool.h"

int dead_init(struct dead_letters *dead, uint32_t keep) {
    *dead = (struct dead_letters){.keep = keep};
    pthread_mutex_init(&dead->lock, NULL);
    if (keep > 0) {
        dead->ring = mem_array(keep, sizeof *dead->ring);
        if (!dead->ring) {
            return -1;
        }
    }
    return 0;
}

void dead_fini(struct dead_letters *dead, struct pool *pool) {
    for (uint32_t i = 0; i < dead->count; i++) {
        msg_free(pool, dead->ring[(dead->first + i) % dead->keep].message);
    }
    dead->count = 0;
    pthread_mutex_destroy(&dead->lock);
    mem_free(dead->ring);
    dead->ring = NULL;
}

void dead_add(struct dead_letters *dead, struct pool *pool, struct msg *m, uint64_t from,
              uint64_t to, int32_t reason, uint64_t at_ns) {
    struct msg *evicted = NULL;
    pthread_mutex_lock(&dead->lock);
    dead->total++;
    if (dead->keep == 0) {
        evicted = m;
        dead->dropped++;
    } else {
        if (dead->count == dead->keep) {
            evicted = dead->ring[dead->first].message;
            dead->first = (dead->first + 1) % dead->keep;
            dead->count--;
            dead->dropped++;
        }
        dead->ring[(dead->first + dead->count++) % dead->keep] =
            (struct dead_letter){dead->total, from, to, reason, at_ns, m};
    }
    pthread_mutex_unlock(&dead->lock);
    if (evicted) {
        msg_free(pool, evicted);
    }
}

uint64_t dead_total(struct dead_letters *dead) {
    pthread_mutex_lock(&dead->lock);
    uint64_t total = dead->total;
    pthread_mutex_unlock(&dead->lock);
    return total;
}

void dead_each(struct dead_letters *dead,
               void (*each)(void *context, const struct dead_letter *letter), void *context) {
    pthread_mutex_lock(&dead->lock);
    for (uint32_t i = 0; i < dead->count; i++) {
        each(context, &dead->ring[(dead->first + i) % dead->keep]);
    }
    pthread_mutex_unlock(&dead->lock);
}
