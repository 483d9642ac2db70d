/* Waiting for a condition variable by the monotonic clock. */
#include "base/cond.h"

#include <time.h>

#include "base/clock.h"

void cond_init(pthread_cond_t *cond) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

bool cond_wait_until(pthread_cond_t *changed, pthread_mutex_t *lock, uint64_t until_ns) {
    if (until_ns == UINT64_MAX) {
        pthread_cond_wait(changed, lock);
        return true;
    }
    struct timespec until = {(time_t)(until_ns / NS_PER_S), (long)(until_ns % NS_PER_S)};
    return pthread_cond_timedwait(changed, lock, &until) == 0;
}
