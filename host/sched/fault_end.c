/* The end of the process by a fault: told once, by one thread, whatever else goes wrong. */
#include "sched/fault_end.h"

#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

#define WAIT_MS 10
#define WAITS_MAX 200 /* the other one is as ill as we are */
#define NOT_DYING (-1)

/* F-4: a fault in here must not find itself waiting for itself. */
static struct {
    _Atomic pid_t owner; /* 0: nobody; NOT_DYING: end_lock */
    _Atomic bool told;
    /* of the owner */
    unsigned entered;
    enum fault_verdict first;
} ending;

void end_lock(void) {
    pid_t nobody = 0;
    /* acquire: pairs with the releases below. Held by one who dies it is never got, and soon no matter. */
    while (!atomic_compare_exchange_weak_explicit(&ending.owner, &nobody, NOT_DYING,
                                                  memory_order_acquire, memory_order_relaxed)) {
        nobody = 0;
        (void)sched_yield();
    }
}

void end_unlock(void) {
    /* release: what was linked is seen by who dies next */
    atomic_store_explicit(&ending.owner, 0, memory_order_release);
}

/* Whether it is ours to tell; else another one has, or had the time to. */
static bool become_owner(void) {
    pid_t self = (pid_t)syscall(SYS_gettid);
    for (unsigned i = 0; i < WAITS_MAX; i++) {
        pid_t owner = 0;
        if (atomic_compare_exchange_strong_explicit(&ending.owner, &owner, self,
                                                    memory_order_acquire, memory_order_relaxed) ||
            owner == self) {
            return true;
        }
        if (atomic_load_explicit(&ending.told, memory_order_relaxed)) {
            return false;
        }
        (void)poll(NULL, 0, WAIT_MS);
    }
    return false;
}

/* In a child that an embedding program forked while a thread was dying there is nobody left to wait for;
 * it waits in vain, says nothing, and dies all the same. */
void end_tell(int fd, const struct fault_thread *thread, enum fault_verdict verdict) {
    if (!become_owner()) {
        return;
    }
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    ending.entered++;
    if (ending.entered == 1) {
        ending.first = verdict;
    }
    struct fault_death death = {.report = &thread->report,
                                .verdict = ending.first,
                                .occurred_at_ns = now.tv_sec * 1000000000ll + now.tv_nsec,
                                .pid = getpid()};
    if (ending.entered == 1 && thread->whose) {
        thread->whose(thread->context, &death.whose);
    }
    if (ending.entered <= 2 && verdict != FAULT_UNWANTED) { /* that was logged */
        write_last_words(fd, death.report, &death.whose, verdict);
    }
    if (ending.entered <= 3) {
        post_mortem_write(fd, &death, ending.entered <= 2);
    }
    atomic_store_explicit(&ending.told, true, memory_order_relaxed);
}

struct noting {
    struct fault_report *report;
    uintptr_t pc;
    unsigned skipped;
};

static _Unwind_Reason_Code note_frame(struct _Unwind_Context *frame, void *argument) {
    struct noting *noting = argument;
    struct fault_report *report = noting->report;
    int is_exact = 0;
    uintptr_t pc = _Unwind_GetIPInfo(frame, &is_exact);
    if (report->count == 0 && pc != noting->pc) {
        return ++noting->skipped > 64 ? _URC_NORMAL_STOP : _URC_NO_REASON; /* the handler's own */
    }
    if (pc == 0) {
        return _URC_NORMAL_STOP; /* where threads begin */
    }
    report->frames[report->count++] = is_exact ? pc : pc - 1;
    report->depth = report->count;
    return report->count < FAULT_FRAMES_MAX ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

void end_note_frames(struct fault_report *report, const ucontext_t *uc) {
    struct noting noting = {.report = report, .pc = context_pc(uc)};
    report->count = 0;
    (void)_Unwind_Backtrace(note_frame, &noting);
    if (report->count == 0) {
        report->frames[0] = noting.pc;
        report->count = 1;
        report->depth = 1;
    }
}
