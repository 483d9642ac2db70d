/* Asking a thread whether it has something of some code at hand: by a signal, it looks for itself. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sched/fault_impl.h"

#define POLL_NS 50000

const char scan_mark[1] = {0};

/* One at a time, by fault_scan_thread. */
static struct {
    _Atomic pid_t asked; /* 0: nobody, or it has begun to answer */
    _Atomic bool done;
    struct fault_scan *of; /* the asked one's from when `asked` is set until `done` is */
} scan;

static bool points_into(const struct fault_scan *of, uintptr_t word) {
    for (size_t i = 0; i < of->code_count; i++) {
        if (word >= of->code[i].start && word < of->code[i].end) {
            return true;
        }
    }
    return false;
}

/* The first word that does; 0: none. Memory of this thread, or registers: aligned. */
__attribute__((no_sanitize("address"))) static uintptr_t
look(const struct fault_scan *of, const uintptr_t *from, const uintptr_t *to) {
    for (; from < to; from++) {
        if (points_into(of, *from)) {
            return *from;
        }
    }
    return 0;
}

static uintptr_t stack_end(const struct fault_scan *of, uintptr_t sp) {
    for (size_t i = 0; i < of->memory_count; i++) {
        if (sp >= of->memory[i].start && sp < of->memory[i].end) {
            return of->memory[i].end;
        }
    }
    return 0;
}

void scan_answer(const ucontext_t *uc) {
    pid_t self = (pid_t)syscall(SYS_gettid);
    if (!atomic_compare_exchange_strong(&scan.asked, &self, 0)) {
        return; /* the one who asked waits no longer */
    }
    struct fault_scan *of = scan.of;
    uintptr_t sp = context_sp(uc) & ~(uintptr_t)(sizeof(uintptr_t) - 1);
    uintptr_t end = stack_end(of, sp);
    if (end) {
        const uintptr_t *registers = (const uintptr_t *)(const void *)&uc->uc_mcontext;
        of->found = look(of, registers, registers + sizeof uc->uc_mcontext / sizeof *registers);
        of->found = of->found ? of->found : look(of, (const uintptr_t *)sp, (const uintptr_t *)end);
        of->sp = sp;
    }
    /* release: who sees it sees the answer */
    atomic_store_explicit(&scan.done, true, memory_order_release);
}

/* A signal that waits would come when the handlers have gone, perhaps. */
static bool takes_signals(pid_t thread) {
    char path[64];
    char line[256];
    unsigned long long blocked = ~0ULL;
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/status", (int)thread);
    FILE *status = fopen(path, "re");
    while (status && fgets(line, sizeof line, status) &&
           sscanf(line, "SigBlk: %llx", &blocked) != 1) {
    }
    if (status) {
        (void)fclose(status);
    }
    return !(blocked & (1ULL << (SIGABRT - 1)));
}

static bool ask(pid_t thread) {
    siginfo_t info = {.si_signo = SIGABRT, .si_code = SI_QUEUE};
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = (void *)(uintptr_t)scan_mark;
    return syscall(SYS_rt_tgsigqueueinfo, getpid(), thread, SIGABRT, &info) == 0;
}

bool fault_scan_thread(pid_t thread, struct fault_scan *of, uint64_t most_ns) {
    uint64_t looks = most_ns / POLL_NS;
    of->sp = of->found = 0;
    scan.of = of;
    atomic_store(&scan.done, false);
    atomic_store(&scan.asked, thread);
    bool is_asked = fault_is_contained() && takes_signals(thread) && ask(thread);
    while (!atomic_load_explicit(&scan.done, memory_order_acquire)) {
        pid_t still = thread;
        if ((!is_asked || looks-- == 0) && atomic_compare_exchange_strong(&scan.asked, &still, 0)) {
            return false;
        }
        (void)nanosleep(&(struct timespec){0, POLL_NS}, NULL);
    }
    return of->sp != 0;
}
