/* Hints to the processor: nothing but time depends on them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The line is going to be written: fetches it once, where to read and then to write it would take two
 * turns with the core that has it. */
static inline void prefetch_to_write(const void *at) {
#if defined(__x86_64__)
    __asm__ volatile("prefetchw %0"
                     :
                     : "m"(*(const char *)at)); /* the builtin's is for reading here */
#else
    __builtin_prefetch(at, 1);
#endif
}

/* The same for the lines of what is `size` long and lies so far behind `at`, if anything does. */
static inline void prefetch_ahead(const void *at, size_t distance, size_t size) {
    for (size_t line = 0; line < size; line += 64) {
        prefetch_to_write((const void *)((uintptr_t)at + distance + line));
    }
}
