/* The boundary around calls of plugins where there is no assembly for it; see fault.h. */
#include "sched/fault_impl.h"

#ifdef FAULT_PORTABLE
#include <setjmp.h>

const char fault_resume[1];

__attribute__((noinline)) int32_t fault_call(struct troupe_turn *turn, void *state, const void *arg,
                                             int32_t (*run)(struct troupe_turn *turn, void *state,
                                                            const void *arg),
                                             struct fault_thread *thread) {
    sigjmp_buf jump;
    void *volatile sp = thread->sp;
    void *volatile outer = thread->jump;
    volatile int32_t status = FAULT_STATUS;
    if (sigsetjmp(jump, 0) == 0) {
        thread->jump = (void *)&jump;
        thread->sp = __builtin_frame_address(0);
        status = run(turn, state, arg);
    } else {
        sigset_t faults; /* the jump left the one that was handled blocked */
        sigemptyset(&faults);
        sigaddset(&faults, thread->report.signal);
        (void)pthread_sigmask(SIG_UNBLOCK, &faults, NULL);
    }
    thread->sp = sp;
    thread->jump = outer;
    return status;
}
#endif
