/* Whether a call of a plugin can be given up where it stands: its stack, frame by frame (F-1).
 *
 * Runs in the signal handler. The unwinder takes no lock (glibc's _dl_find_object) and allocates
 * nothing once it is warm; whatever it reads may fault, which F-4 is for. */
#include <unwind.h>

#include "sched/fault_impl.h"

/* A stack holds fewer frames, and following more of them would look like a hang. */
#define DEPTH_MAX 2000000u
/* Of the handler itself. */
#define OWN_FRAMES_MAX 64u

struct walk {
    const struct fault_thread *thread;
    struct fault_report *report;
    uintptr_t pc;       /* of the fault */
    uintptr_t sp;       /* there */
    uintptr_t cfa;      /* of the frame before */
    uintptr_t function; /* where the last frame before the plugin's begins; 0: none yet */
    unsigned own;
    bool has_begun, in_plugin, over;
    bool look; /* every frame up to the boundary is wanted */
    enum fault_verdict verdict;
};

static _Unwind_Reason_Code end(struct walk *walk, enum fault_verdict verdict) {
    walk->verdict = verdict;
    walk->over = true;
    return _URC_NORMAL_STOP;
}

static bool is_boundary(const struct walk *walk, struct _Unwind_Context *frame) {
    if (_Unwind_GetRegionStart(frame) != (uintptr_t)fault_call) {
        return false;
    }
#ifdef FAULT_PORTABLE
    return _Unwind_GetCFA(frame) <= (uintptr_t)walk->thread->sp;
#else
    return _Unwind_GetCFA(frame) == (uintptr_t)walk->thread->sp;
#endif
}

static void note(struct fault_report *report, uintptr_t address) {
    if (report->count < FAULT_FRAMES_MAX) {
        report->frames[report->count++] = address;
    }
    report->depth++;
}

static _Unwind_Reason_Code visit(struct _Unwind_Context *frame, void *argument) {
    struct walk *walk = argument;
    int is_exact = 0;
    uintptr_t pc = _Unwind_GetIPInfo(frame, &is_exact);
    if (!walk->has_begun) {
        if (pc != walk->pc || !is_exact) {
            return ++walk->own > OWN_FRAMES_MAX ? end(walk, FAULT_UNREADABLE) : _URC_NO_REASON;
        }
        walk->has_begun = true;
        walk->cfa = walk->sp;
    }
    /* of the interrupted frame it may be the handler's, on another stack */
    uintptr_t cfa = is_exact ? walk->sp : _Unwind_GetCFA(frame);
    if (cfa < walk->cfa || walk->report->depth > DEPTH_MAX) {
        return end(walk, FAULT_UNREADABLE);
    }
    walk->cfa = cfa;
    if (is_boundary(walk, frame)) {
        return end(walk, walk->in_plugin ? FAULT_SAFE : FAULT_OUTSIDE);
    }
    if (cfa > (uintptr_t)walk->thread->sp) {
        return end(walk, FAULT_UNREADABLE);
    }
    uintptr_t address = is_exact ? pc : pc - 1;
    uintptr_t base;
    note(walk->report, address);
    if (fault_find_code(address, &base, NULL, 0)) {
        if (!walk->in_plugin) {
            walk->report->first = walk->report->count - 1;
        }
        walk->in_plugin = true;
    } else if (walk->in_plugin && !walk->look) {
        return end(walk, FAULT_BETWEEN);
    } else if (!walk->in_plugin) {
        walk->function = _Unwind_GetRegionStart(frame);
        if (!walk->function) {
            return end(walk, FAULT_UNREADABLE);
        }
    }
    return _URC_NO_REASON;
}

static bool has_code(uintptr_t pc) {
    uintptr_t base;
    /* one past: the unwinder takes it for a return address */
    return fault_find_code(pc, &base, NULL, 0) || _Unwind_FindEnclosingFunction((void *)(pc + 1));
}

enum fault_verdict classify(const struct fault_thread *thread, struct fault_report *report,
                            ucontext_t *uc, enum fault_kind kind) {
    uintptr_t pc = context_pc(uc);
    if (!has_code(pc)) {
        note(report, pc);
        context_undo_call(uc);
        pc = context_pc(uc);
        if (!has_code(pc)) {
            return FAULT_UNREADABLE;
        }
    }
    struct walk walk = {.thread = thread,
                        .report = report,
                        .pc = pc,
                        .sp = context_sp(uc),
                        .look = kind == FAULT_LOOK,
                        .verdict = FAULT_UNREADABLE};
    (void)_Unwind_Backtrace(visit, &walk);
    if (!walk.over) {
        return FAULT_UNREADABLE;
    }
    if (walk.verdict == FAULT_SAFE && walk.function && !allow_is_safe(walk.function, kind)) {
        return FAULT_LIBRARY;
    }
    if (walk.verdict == FAULT_SAFE && kind == FAULT_ABORT && !walk.function) {
        return FAULT_UNREADABLE;
    }
    return walk.verdict;
}

static _Unwind_Reason_Code pass(struct _Unwind_Context *frame, void *argument) {
    (void)frame;
    unsigned *count = argument;
    return ++*count < 4 ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

/* The first use sets things up; not in a signal handler, then. */
void classify_prepare(void) {
    unsigned count = 0;
    (void)_Unwind_Backtrace(pass, &count);
    (void)has_code((uintptr_t)classify_prepare);
}
