/* Heap memory with a test hook: tests make the n-th allocation fail, and count what is live.
 * All host code allocates here (message and state memory take their slabs from here). [any] */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Zeroed; NULL when there is none. */
void *mem_alloc(size_t size);
void *mem_array(size_t count, size_t size); /* NULL also when count * size overflows */
/* As realloc; new bytes are not zeroed. On failure `memory` stays. */
void *mem_resize(void *memory, size_t size);
/* Zeroed, aligned to a power of two `align`. Freed by mem_free. */
void *mem_aligned(size_t align, size_t size);
/* The memory, of megabytes, will be used whole: large pages are welcome. Only a hint. */
void mem_use_large_pages(void *memory, size_t size);
char *mem_text(const char *text);                /* strdup; NULL gives NULL */
char *mem_text_n(const char *data, size_t size); /* copies and terminates */
void mem_free(void *memory);                     /* takes NULL */
/* The C library puts in order what was freed by its thread. For who frees in numbers, now and then: else it does so when
 * somebody next allocates, all of it at once, which takes milliseconds when there were thousands. */
void mem_tidy(void);

/* Test hook: the n-th allocation from now fails (1: the next), 0 switches it off. Process-wide;
 * compiled into all builds, one relaxed load a call. */
void mem_fail_at(uint64_t n);
