/* The handlers of faults: installed once in a process, chained, and what each thread needs. */
#include "sched/fault.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched/fault_end.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CONTAINED false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CONTAINED false
#endif
#endif
#ifndef CONTAINED
#define CONTAINED true
#endif

#define STACK_SIZE ((size_t)64 * 1024)

static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
#define FAULT_COUNT (sizeof faults / sizeof *faults)

/* PR-4: made by the first user, removed by the last. */
static struct {
    pthread_mutex_t lock;
    unsigned users;                       /* under lock */
    struct sigaction before[FAULT_COUNT]; /* written before the handlers are installed */
    /* Somebody's handler was on top of ours when ours went, and may still call it; before that one is
     * now what ours stood for then. */
    bool covered[FAULT_COUNT];
    struct sigaction below[FAULT_COUNT];
    _Atomic bool spent[FAULT_COUNT]; /* SA_RESETHAND, and called */
    _Atomic int fd;
    char look; /* its address says what a signal of ours asks for */
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = STDERR_FILENO};

/* initial-exec: a signal handler must not cause it to be allocated */
static _Thread_local struct fault_thread *current __attribute__((tls_model("initial-exec")));
/* Where the stack is while a handler of before is called. */
static _Thread_local uintptr_t chaining __attribute__((tls_model("initial-exec")));

bool fault_is_contained(void) {
    return CONTAINED;
}

void fault_set_output(int fd) {
    atomic_store_explicit(&registry.fd, fd, memory_order_relaxed);
}

static int last_fd(void) {
    return atomic_load_explicit(&registry.fd, memory_order_relaxed);
}

static void unblock(int signal) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void set_default(int signal) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    (void)sigaction(signal, &action, NULL);
}

_Noreturn static void die(int signal) {
    set_default(signal);
    unblock(signal);
    for (;;) {
        (void)syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), signal);
    }
}

void fault_die(const struct fault_report *report) {
    if (current) {
        end_tell(last_fd(), current, FAULT_UNWANTED);
    }
    die(report->signal);
}

/* Whether the kernel raised it for what this thread did, and for what reason. */
static bool is_own(int signal, const siginfo_t *info, enum fault_kind *ret) {
    bool by_process = info->si_pid == getpid();
    if (info->si_code == SI_QUEUE && by_process && info->si_value.sival_ptr == &registry) {
        *ret = FAULT_BREAK;
        return true;
    }
    if (info->si_code == SI_QUEUE && by_process && info->si_value.sival_ptr == &registry.look) {
        *ret = FAULT_LOOK;
        return true;
    }
    if (info->si_code == SI_QUEUE && by_process &&
        info->si_value.sival_ptr == (const void *)scan_mark) {
        *ret = FAULT_SCAN;
        return true;
    }
    if (signal == SIGABRT) {
        *ret = FAULT_ABORT;
        return info->si_code == SI_TKILL && by_process;
    }
    *ret = FAULT_TRAP;
    return info->si_code > 0 && !(signal == SIGBUS && info->si_code == BUS_MCEERR_AO);
}

/* The address of an overflow lies just below the stack pointer; a guard of a page is missed by no
 * more than the largest step of code that probes its stack. */
static bool is_overflow(int signal, uintptr_t address, uintptr_t sp) {
    return (signal == SIGSEGV || signal == SIGBUS) && address < sp + 4096 &&
           address + ((uintptr_t)64 * 1024) > sp;
}

static void fill_report(struct fault_report *report, int signal, const siginfo_t *info,
                        const ucontext_t *uc, enum fault_kind kind) {
    report->signal = signal;
    report->address = kind == FAULT_TRAP ? (uintptr_t)info->si_addr : 0;
    report->overflow = kind == FAULT_TRAP && is_overflow(signal, report->address, context_sp(uc));
    report->wild = kind == FAULT_TRAP && signal == SIGSEGV && info->si_code == SI_KERNEL;
    report->broken = kind == FAULT_BREAK;
    report->depth = 0;
    report->count = 0;
    report->first = 0;
}

/* A thread that calls no plugins borrows what F-4 needs. */
static void tell_outside(int signal, const siginfo_t *info, const ucontext_t *uc) {
    struct fault_thread stranger = {.deciding = 0};
    struct fault_thread *thread = current ? current : &stranger;
    current = thread;
    fill_report(&thread->report, signal, info, uc, signal == SIGABRT ? FAULT_ABORT : FAULT_TRAP);
    thread->deciding = 1;
    unblock(signal);
    end_note_frames(&thread->report, uc);
    end_tell(last_fd(), thread, FAULT_OUTSIDE);
    thread->deciding = 0;
    current = thread == &stranger ? NULL : thread;
}

static void call_before(const struct sigaction *action, int signal, siginfo_t *info, void *uc) {
    sigset_t mask;
    (void)pthread_sigmask(SIG_BLOCK, &action->sa_mask, &mask);
    if (action->sa_flags & SA_NODEFER) {
        unblock(signal);
    }
    if (action->sa_flags & SA_SIGINFO) {
        action->sa_sigaction(signal, info, uc);
    } else {
        action->sa_handler(signal);
    }
    (void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

static bool has_handler(const struct sigaction *action) {
    return (action->sa_flags & SA_SIGINFO) ||
           (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

static bool is_spent(const struct sigaction *action, size_t at) {
    return action->sa_flags & SA_RESETHAND && atomic_exchange(&registry.spent[at], true);
}

/* F-3: what would have happened without this handler. */
static void chain(int signal, siginfo_t *info, void *uc, bool is_fault) {
    size_t at = 0;
    while (faults[at] != signal) {
        at++;
    }
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    bool is_nested =
        chaining && here < chaining; /* a handler may jump out of what it was called by */
    const struct sigaction *action =
        registry.covered[at] && is_nested ? &registry.below[at] : &registry.before[at];
    if (has_handler(action) && !is_spent(action, at)) {
        uintptr_t outer = chaining;
        chaining = here;
        call_before(action, signal, info, uc);
        chaining = outer;
        return;
    }
    bool is_sent = info->si_code <= 0;
    if (action->sa_handler == SIG_IGN && is_sent) {
        return;
    }
    if (is_fault) {
        tell_outside(signal, info, uc);
    }
    set_default(signal);
    if (is_sent) {
        (void)raise(
            signal); /* blocked until this handler returns; else the instruction faults again */
    }
}

/* Asked for, not forced by a fault: then a stack that can't be read is no reason to die. */
static bool is_asked_for(enum fault_kind kind) {
    return kind == FAULT_BREAK || kind == FAULT_LOOK || kind == FAULT_SCAN;
}

static enum fault_verdict classify_or_escape(struct fault_thread *thread,
                                             struct fault_report *report, ucontext_t *uc,
                                             enum fault_kind kind) {
    sigjmp_buf escape;
    if (sigsetjmp(escape, 1) != 0) {
        thread->escape = NULL;
        return FAULT_UNREADABLE;
    }
    thread->escape = (void *)&escape;
    enum fault_verdict verdict = classify(thread, report, uc, kind);
    thread->escape = NULL;
    return verdict;
}

/* Nothing happens to the call. */
static void look(struct fault_thread *thread, int signal, const siginfo_t *info, ucontext_t *uc) {
    ucontext_t copy = *uc;
    fill_report(&thread->look, signal, info, uc, FAULT_LOOK);
    thread->deciding = 1;
    unblock(signal);
    (void)classify_or_escape(thread, &thread->look, &copy, FAULT_LOOK);
    thread->deciding = 0;
    /* release: who sees it sees the frames */
    atomic_fetch_add_explicit(&thread->looks, 1, memory_order_release);
}

static void on_own(struct fault_thread *thread, int signal, const siginfo_t *info, ucontext_t *uc,
                   enum fault_kind kind) {
    if (thread->deciding) {
        if (is_asked_for(kind)) {
            return;
        }
        if (thread->escape) {
            siglongjmp(*(sigjmp_buf *)thread->escape, 1);
        }
        end_tell(last_fd(), thread, FAULT_AGAIN); /* F-4 */
        die(thread->report.signal);
    }
    if (kind == FAULT_LOOK) {
        look(thread, signal, info, uc);
        return;
    }
    mcontext_t registers = uc->uc_mcontext;
    fill_report(&thread->report, signal, info, uc, kind);
    thread->deciding = 1;
    unblock(signal); /* for F-4: blocked, a second one would end the process without a word */
    enum fault_verdict verdict = is_asked_for(kind)
                                     ? classify_or_escape(thread, &thread->report, uc, kind)
                                     : classify(thread, &thread->report, uc, kind);
    if (verdict == FAULT_SAFE) {
        thread->deciding = 0;
        thread->given_up = 1;
        context_redirect(uc, thread);
        return;
    }
    uc->uc_mcontext = registers;
    if (kind != FAULT_BREAK) {
        if (verdict == FAULT_BETWEEN) {
            end_note_frames(&thread->report,
                            uc); /* whoever called that other code is of interest */
        }
        end_tell(last_fd(), thread, verdict);
        set_default(signal); /* the instruction faults again, abort goes on: a core of that place */
    }
    thread->deciding = 0;
}

static void on_signal(int signal, siginfo_t *info, void *uc) {
    int saved = errno;
    enum fault_kind kind;
    struct fault_thread *thread = current;
    bool is_ours = is_own(signal, info, &kind);
    if (is_ours && kind == FAULT_SCAN) {
        scan_answer(uc);
    } else if (is_ours && signal == SIGSEGV && quiet_catch((uintptr_t)info->si_addr)) {
        /* the instruction is tried again */
    } else if (is_ours && thread && (thread->sp || thread->deciding)) {
        on_own(thread, signal, info, uc, kind);
    } else if (!is_ours || !is_asked_for(kind)) {
        chain(signal, info, uc, is_ours);
    }
    errno = saved;
}

static bool is_ours(const struct sigaction *action) {
    return action->sa_flags & SA_SIGINFO && action->sa_sigaction == on_signal;
}

static void install(void) {
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < FAULT_COUNT; i++) {
        struct sigaction now;
        (void)sigaction(faults[i], NULL, &now);
        if (!is_ours(&now)) { /* put back by who had covered it, else */
            registry.below[i] = registry.before[i];
            registry.before[i] = now;
            atomic_store(&registry.spent[i], false);
        }
    }
    for (size_t i = 0; i < FAULT_COUNT; i++) {
        (void)sigaction(faults[i], &action, NULL);
    }
}

/* Who installed a handler on top of this one keeps it. */
static void uninstall(void) {
    for (size_t i = 0; i < FAULT_COUNT; i++) {
        struct sigaction now;
        (void)sigaction(faults[i], NULL, &now);
        if (!is_ours(&now)) {
            registry.covered[i] = true;
            continue;
        }
        if (atomic_load(&registry.spent[i])) {
            set_default(faults[i]);
        } else {
            (void)sigaction(faults[i], &registry.before[i], NULL);
        }
        if (registry.covered[i]) {
            registry.before[i] = registry.below[i]; /* what it had been put on top of */
        }
    }
}

void fault_open(void) {
    pthread_mutex_lock(&registry.lock);
    if (registry.users++ == 0 && fault_is_contained()) {
        classify_prepare();
        allow_prepare();
        install();
    }
    pthread_mutex_unlock(&registry.lock);
}

void fault_close(void) {
    pthread_mutex_lock(&registry.lock);
    if (--registry.users == 0) {
        if (fault_is_contained()) {
            uninstall();
        }
        code_free_all();
        fault_set_output(STDERR_FILENO);
    }
    pthread_mutex_unlock(&registry.lock);
}

/* What the kernel puts there first: little or much, by the width of the vectors of the machine. */
static size_t registers_size(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    long least = sysconf(_SC_MINSIGSTKSZ);
    return least > 0 ? ((size_t)least + page - 1) / page * page : page;
}

int fault_thread_init(struct fault_thread *thread, struct err *err) {
    size_t guard = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = guard + STACK_SIZE + registers_size();
    void *map =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (map == MAP_FAILED) {
        return err_errno(err, ERR_NOMEM, errno, "stack for signals");
    }
    if (mprotect(map, guard, PROT_NONE) < 0) {
        int code = errno;
        (void)munmap(map, size);
        return err_errno(err, ERR_NOMEM, code, "stack for signals");
    }
    thread->map = map;
    thread->map_size = size;
    return 0;
}

void fault_thread_fini(struct fault_thread *thread) {
    if (thread->map) {
        (void)munmap(thread->map, thread->map_size);
        thread->map = NULL;
    }
}

void fault_thread_enter(struct fault_thread *thread) {
    size_t size = STACK_SIZE + registers_size();
    stack_t stack = {.ss_sp = (char *)thread->map + thread->map_size - size, .ss_size = size};
    if (fault_is_contained()) {
        (void)sigaltstack(&stack, &thread->before);
    }
    current = thread;
}

void fault_thread_leave(struct fault_thread *thread) {
    current = NULL;
    if (fault_is_contained()) {
        (void)sigaltstack(&thread->before, NULL);
    }
}

static void ask(pthread_t thread, void *what) {
    union sigval value = {.sival_ptr = what};
    if (fault_is_contained()) {
        (void)pthread_sigqueue(thread, SIGABRT, value);
    }
}

void fault_break(pthread_t thread) {
    ask(thread, &registry);
}

void fault_look(pthread_t thread) {
    ask(thread, &registry.look);
}

bool fault_thread_is_current(const struct fault_thread *thread) {
    return current == thread;
}
