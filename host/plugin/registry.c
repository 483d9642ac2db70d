/* The process-wide registry of generations; see registry.h. */
#include "plugin/registry.h"

#include <pthread.h>
#include <stdio.h>

#include "base/alloc.h"

#define REASON_MAX 256

struct pin {
    struct pin *next;
    uint32_t generation;
    struct copy copy;
    char reason[REASON_MAX];
};

static struct {
    pthread_mutex_t lock;
    uint32_t last;     /* generation */
    const void **live; /* images of the dynamic linker */
    size_t live_count;
    struct pin *pins;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

uint32_t registry_next(void) {
    pthread_mutex_lock(&registry.lock);
    uint32_t generation = ++registry.last;
    pthread_mutex_unlock(&registry.lock);
    return generation;
}

static size_t find_live_locked(const void *map) {
    size_t at = 0;
    while (at < registry.live_count && registry.live[at] != map) {
        at++;
    }
    return at;
}

static bool add_locked(const void *map) {
    if (find_live_locked(map) < registry.live_count) {
        return false;
    }
    const void **live = mem_resize((void *)registry.live, (registry.live_count + 1) * sizeof *live);
    if (!live) {
        return false;
    }
    registry.live = live;
    registry.live[registry.live_count++] = map;
    return true;
}

bool registry_add(const void *map) {
    pthread_mutex_lock(&registry.lock);
    bool added = add_locked(map);
    pthread_mutex_unlock(&registry.lock);
    return added;
}

void registry_remove(const void *map) {
    pthread_mutex_lock(&registry.lock);
    size_t at = find_live_locked(map);
    if (at < registry.live_count) {
        registry.live[at] = registry.live[--registry.live_count];
    }
    if (registry.live_count == 0) {
        mem_free((void *)registry.live);
        registry.live = NULL;
    }
    pthread_mutex_unlock(&registry.lock);
}

void registry_pin(uint32_t generation, struct copy *copy, const char *reason) {
    struct pin *pin = mem_alloc(sizeof *pin);
    if (!pin) { /* still pinned; only the reason and the name of its copy are lost */
        copy_remove(copy);
        return;
    }
    pin->generation = generation;
    pin->copy = *copy;
    *copy = (struct copy){.fd = -1};
    (void)snprintf(pin->reason, sizeof pin->reason, "%s", reason);
    pthread_mutex_lock(&registry.lock);
    pin->next = registry.pins;
    registry.pins = pin;
    pthread_mutex_unlock(&registry.lock);
}

bool registry_find_pin(uint32_t generation, char *ret_reason, size_t size) {
    pthread_mutex_lock(&registry.lock);
    const struct pin *pin = registry.pins;
    while (pin && pin->generation != generation) {
        pin = pin->next;
    }
    if (pin) {
        (void)snprintf(ret_reason, size, "%s", pin->reason);
    }
    pthread_mutex_unlock(&registry.lock);
    return pin != NULL;
}

void registry_remove_copies(void) {
    pthread_mutex_lock(&registry.lock);
    for (struct pin *pin = registry.pins; pin; pin = pin->next) {
        copy_remove(&pin->copy);
    }
    pthread_mutex_unlock(&registry.lock);
}
