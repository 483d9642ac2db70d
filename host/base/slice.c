/* Slices of a core; see slice.h. */
#include "base/slice.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

void slice_ask(uint64_t ns) {
    struct sched_attr attr = {.size = sizeof attr};
    if (syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0) == 0 &&
        attr.sched_policy == SCHED_NORMAL) {
        attr.sched_runtime = ns; /* the nice value stays */
        attr.sched_flags |= SCHED_FLAG_RESET_ON_FORK;
        (void)syscall(SYS_sched_setattr, 0, &attr, 0);
    }
}

void slice_end(void) {
    (void)syscall(SYS_sched_yield);
}
