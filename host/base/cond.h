/* Waiting for a condition variable until a time of the monotonic clock. [any] */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

void cond_init(pthread_cond_t *cond);
/* False: it is `until_ns`; UINT64_MAX: never. [under lock] */
bool cond_wait_until(pthread_cond_t *changed, pthread_mutex_t *lock, uint64_t until_ns);
