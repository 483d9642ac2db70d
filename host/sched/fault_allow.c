/* The functions of the C library in which a call may be given up: they hold no lock there. */
#include "sched/fault_impl.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

/* Read and write memory, nothing else. */
#define MEMORY_FUNCTIONS(X)                                                                        \
    X(memcpy)                                                                                      \
    X(memmove)                                                                                     \
    X(mempcpy) X(memset) X(memcmp) X(memchr) X(memrchr) X(rawmemchr) X(memccpy) X(memmem) X(bcmp)  \
        X(strlen) X(strnlen) X(strcpy) X(stpcpy) X(strncpy) X(stpncpy) X(strcat) X(strncat)        \
            X(strcmp) X(strncmp) X(strcasecmp) X(strncasecmp) X(strcasecmp_l) X(strncasecmp_l)     \
                X(strchr) X(strchrnul) X(strrchr) X(strstr) X(strcasestr) X(strspn) X(strcspn)     \
                    X(strpbrk) X(strsep) X(strtok_r) X(memcpy_chk) X(memmove_chk) X(mempcpy_chk)   \
                        X(memset_chk) X(strcpy_chk) X(stpcpy_chk) X(strncpy_chk) X(strcat_chk)     \
                            X(strncat_chk)
/* End in abort, which unlocks what it holds before it raises the signal. */
#define ENDING_FUNCTIONS(X) X(abort) X(assert_fail) X(assert_perror_fail) X(assert_c) X(chk_fail)
/* Wait in the kernel. */
#define WAITING_FUNCTIONS(X)                                                                       \
    X(sleep)                                                                                       \
    X(usleep)                                                                                      \
    X(nanosleep) X(clock_nanosleep) X(poll) X(ppoll) X(select) X(pselect) X(epoll_wait)            \
        X(epoll_pwait) X(read) X(write) X(pread) X(pwrite) X(readv) X(writev) X(recv) X(recvfrom)  \
            X(recvmsg) X(send) X(sendto) X(sendmsg) X(accept) X(accept4) X(connect) X(pause)       \
                X(sched_yield) X(waitpid) X(wait4) X(fsync) X(fdatasync)

/* Those that no header declares, or not always. */
#define UNDECLARED(name, symbol) void name(void) __asm__(symbol)
UNDECLARED(memcpy_chk, "__memcpy_chk");
UNDECLARED(memmove_chk, "__memmove_chk");
UNDECLARED(mempcpy_chk, "__mempcpy_chk");
UNDECLARED(memset_chk, "__memset_chk");
UNDECLARED(strcpy_chk, "__strcpy_chk");
UNDECLARED(stpcpy_chk, "__stpcpy_chk");
UNDECLARED(strncpy_chk, "__strncpy_chk");
UNDECLARED(strcat_chk, "__strcat_chk");
UNDECLARED(strncat_chk, "__strncat_chk");
UNDECLARED(assert_fail, "__assert_fail");
UNDECLARED(assert_perror_fail, "__assert_perror_fail");
UNDECLARED(assert_c, "__assert");
UNDECLARED(chk_fail, "__chk_fail");

#define ADDRESS(name) (void (*)(void)) name,
static void (*const memory[])(void) = {MEMORY_FUNCTIONS(ADDRESS)};
static void (*const ending[])(void) = {ENDING_FUNCTIONS(ADDRESS)};
static void (*const waiting[])(void) = {WAITING_FUNCTIONS(ADDRESS)};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Where the unwinder says that the functions begin: what it says of a frame, too. */
static struct {
    uintptr_t memory[COUNT(memory)], ending[COUNT(ending)], waiting[COUNT(waiting)];
} starts;

static void fill(uintptr_t *to, void (*const *functions)(void), size_t count) {
    for (size_t i = 0; i < count; i++) {
        /* one past: the unwinder takes it for a return address */
        to[i] = (uintptr_t)_Unwind_FindEnclosingFunction((void *)((uintptr_t)functions[i] + 1));
    }
}

void allow_prepare(void) {
    fill(starts.memory, memory, COUNT(memory));
    fill(starts.ending, ending, COUNT(ending));
    fill(starts.waiting, waiting, COUNT(waiting));
}

static bool has(const uintptr_t *in, size_t count, uintptr_t function) {
    for (size_t i = 0; i < count; i++) {
        if (in[i] == function) {
            return true;
        }
    }
    return false;
}

bool allow_is_safe(uintptr_t function, enum fault_kind kind) {
    if (!function) {
        return false;
    }
    if (kind == FAULT_ABORT) {
        return has(starts.ending, COUNT(ending), function);
    }
    return has(starts.memory, COUNT(memory), function) ||
           (kind == FAULT_BREAK && has(starts.waiting, COUNT(waiting), function));
}
