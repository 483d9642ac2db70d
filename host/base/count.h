/* Counters that one thread writes and any may read.
 *
 * Of an atomic load, an addition and an atomic store compilers make just these. On x86-64 one instruction does the
 * same, without a lock: who reads sees the number from before it or after. A message is counted a dozen times. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#if defined(__SANITIZE_THREAD__)
#define COUNT_IS_WATCHED 1 /* by who sees no assembly */
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define COUNT_IS_WATCHED 1
#endif
#endif

#if defined(__x86_64__) && !defined(COUNT_IS_WATCHED)
#define COUNT_ADD(add, count, by) __asm__(add " %1, %0" : "+m"(*(count)) : "er"(by))
#else
#define COUNT_ADD(add, count, by)                                                                  \
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + (by),         \
                          memory_order_release)
#endif

/* As a store with release, but that the compiler may move it among other accesses: atomic_signal_fence keeps it
 * from that. [the one thread] */
static inline void count_add(_Atomic uint64_t *count, uint64_t by) {
    COUNT_ADD("addq", count, by);
}
static inline void count_add_32(_Atomic uint32_t *count, uint32_t by) {
    COUNT_ADD("addl", count, by);
}
static inline void count_add_16(_Atomic uint16_t *count, uint16_t by) {
    COUNT_ADD("addw", count, by);
}
/* Of a number that may shrink. */
static inline void count_change(_Atomic int64_t *count, int64_t by) {
    COUNT_ADD("addq", count, by);
}
