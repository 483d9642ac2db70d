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

#define AT(function) (void (*)(void))(function)
/* Read and write memory, nothing else. */
static void (*const memory[])(void) = {
    AT(memcpy),     AT(memmove),     AT(mempcpy),     AT(memset),       AT(memcmp),
    AT(memchr),     AT(memrchr),     AT(rawmemchr),   AT(memccpy),      AT(memmem),
    AT(bcmp),       AT(strlen),      AT(strnlen),     AT(strcpy),       AT(stpcpy),
    AT(strncpy),    AT(stpncpy),     AT(strcat),      AT(strncat),      AT(strcmp),
    AT(strncmp),    AT(strcasecmp),  AT(strncasecmp), AT(strcasecmp_l), AT(strncasecmp_l),
    AT(strchr),     AT(strchrnul),   AT(strrchr),     AT(strstr),       AT(strcasestr),
    AT(strspn),     AT(strcspn),     AT(strpbrk),     AT(strsep),       AT(strtok_r),
    AT(memcpy_chk), AT(memmove_chk), AT(mempcpy_chk), AT(memset_chk),   AT(strcpy_chk),
    AT(stpcpy_chk), AT(strncpy_chk), AT(strcat_chk),  AT(strncat_chk)};
/* End in abort, which unlocks what it holds before it raises the signal. */
static void (*const ending[])(void) = {AT(abort), AT(assert_fail), AT(assert_perror_fail),
                                       AT(assert_c), AT(chk_fail)};
/* Wait in the kernel. */
static void (*const waiting[])(void) = {
    AT(sleep),    AT(usleep),  AT(nanosleep),   AT(clock_nanosleep), AT(poll),   AT(ppoll),
    AT(select),   AT(pselect), AT(epoll_wait),  AT(epoll_pwait),     AT(read),   AT(write),
    AT(pread),    AT(pwrite),  AT(readv),       AT(writev),          AT(recv),   AT(recvfrom),
    AT(recvmsg),  AT(send),    AT(sendto),      AT(sendmsg),         AT(accept), AT(accept4),
    AT(connect),  AT(pause),   AT(sched_yield), AT(waitpid),         AT(wait4),  AT(fsync),
    AT(fdatasync)};

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
