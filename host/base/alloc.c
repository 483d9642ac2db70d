/* Heap memory with a test hook; see alloc.h. */
#include "base/alloc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Allocations until the one that fails; 0: off. Process-wide because it stands in for malloc. */
static _Atomic uint64_t fail_at;

void mem_fail_at(uint64_t n) {
    __atomic_store_n((uint64_t *)&fail_at, n, __ATOMIC_RELAXED);
}

/* Counts one allocation down; true for the one that is to fail, which switches the hook off. */
static bool is_due(void) {
    uint64_t left = __atomic_load_n((uint64_t *)&fail_at, __ATOMIC_RELAXED);
    while (left != 0) {
        /* relaxed: only the count matters, nothing is published by it */
        if (__atomic_compare_exchange_n((uint64_t *)&fail_at, &left, left - 1, true,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            return left == 1;
        }
    }
    return false;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EXACT 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define EXACT 1
#endif
#endif

/* Below it, zeroing costs less than calloc, which goes past glibc's cache of free blocks of the thread. */
#define SMALL 512u

/* All of the block that glibc takes for it: what is left at its end would keep what somebody else had there, and who
 * looks through memory for pointers (reload/audit.h) would find it. Sanitizers want to know the exact size. */
static inline size_t whole(size_t size) {
#if defined(EXACT)
    return size ? size : 1;
#else
    return size <= 24 ? 24 : ((size + 7) | 15) - 7;
#endif
}

void *mem_alloc(size_t size) {
    if (is_due()) {
        return NULL;
    }
    if (size > SMALL) {
        return calloc(1, size);
    }
    size = whole(size);
    void *memory = malloc(size);
    __asm__("" : "+r"(memory)); /* else the compiler makes it a calloc */
    return memory ? memset(memory, 0, size) : NULL;
}

void *mem_array(size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        return NULL;
    }
    return mem_alloc(total);
}

void mem_use_large_pages(void *memory, size_t size) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    /* with the pages at its ends: the kernel moves and joins only what was advised alike */
    uintptr_t first = (uintptr_t)memory / page * page;
    uintptr_t end = ((uintptr_t)memory + size + page - 1) / page * page;
    (void)madvise((void *)first, end - first, MADV_HUGEPAGE);
}

void *mem_resize(void *memory, size_t size) {
    return is_due() ? NULL : realloc(memory, size ? size : 1);
}

void *mem_aligned(size_t align, size_t size) {
    size_t least = align < sizeof(void *) ? sizeof(void *) : align;
    void *memory;
    if (is_due() || posix_memalign(&memory, least, size ? size : 1) != 0) {
        return NULL;
    }
    return memset(memory, 0, size);
}

char *mem_text(const char *text) {
    return text ? mem_text_n(text, strlen(text)) : NULL;
}

char *mem_text_n(const char *data, size_t size) {
    if (size > SIZE_MAX / 2 || is_due()) {
        return NULL;
    }
    size_t room = whole(size + 1);
    char *copy = malloc(room);
    if (!copy) {
        return NULL;
    }
    if (size > 0) {
        memcpy(copy, data, size);
    }
    memset(copy + size, 0, room - size);
    return copy;
}

void mem_free(void *memory) {
    free(memory);
}

/* A size that glibc finds no free block for without a look at all of them: first it joins the small ones that lie side
 * by side (malloc_consolidate), then it sorts what has been freed since it did so last. */
#define LOOKS_AT_ALL 4096u

void mem_tidy(void) {
    void *memory = malloc(LOOKS_AT_ALL);
    __asm__("" : "+r"(memory)); /* else the compiler leaves both out */
    free(memory);
}
