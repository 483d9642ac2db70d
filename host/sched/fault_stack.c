/* What an overflow of the stack leaves behind: all of the stack in memory. */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched/fault.h"

/* What is kept below the caller, for the calls that come next. */
#define STACK_KEPT ((uintptr_t)64 * 1024)

/* The first thread's stack has no memory of its own to its end: what lies there is not known. */
static bool find_bottom(char **ret) {
    pthread_attr_t attr;
    void *bottom;
    size_t size;
    if (syscall(SYS_gettid) == getpid() || pthread_getattr_np(pthread_self(), &attr) != 0) {
        return false;
    }
    bool found = pthread_attr_getstack(&attr, &bottom, &size) == 0;
    (void)pthread_attr_destroy(&attr);
    *ret = bottom;
    return found;
}

void fault_shrink_stack(void) {
    char *here = __builtin_frame_address(0);
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    char *bottom;
    if (find_bottom(&bottom) && (uintptr_t)(here - bottom) > STACK_KEPT + page) {
        (void)madvise(bottom, ((uintptr_t)(here - bottom) - STACK_KEPT) / page * page,
                      MADV_DONTNEED);
    }
}
