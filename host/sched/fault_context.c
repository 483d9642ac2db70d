/* The registers of a thread that a signal interrupted, machine by machine. */
#include "sched/fault_impl.h"

#if defined(__x86_64__)

uintptr_t context_pc(const ucontext_t *uc) {
    return (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
}

uintptr_t context_sp(const ucontext_t *uc) {
    return (uintptr_t)uc->uc_mcontext.gregs[REG_RSP];
}

void context_undo_call(ucontext_t *uc) {
    greg_t *gregs = uc->uc_mcontext.gregs;
    gregs[REG_RIP] = *(const greg_t *)(uintptr_t)gregs[REG_RSP];
    gregs[REG_RSP] += (greg_t)sizeof(greg_t);
}

#ifndef FAULT_PORTABLE
/* Trap, direction and alignment-check: a callee leaves them clear. */
#define FLAGS_OFF 0x40500

void context_redirect(ucontext_t *uc, struct fault_thread *thread) {
    greg_t *gregs = uc->uc_mcontext.gregs;
    gregs[REG_RIP] = (greg_t)(uintptr_t)fault_resume;
    gregs[REG_RSP] = (greg_t)(uintptr_t)thread->sp;
    gregs[REG_RBX] = (greg_t)(uintptr_t)thread;
    gregs[REG_RAX] = (greg_t)(uint32_t)FAULT_STATUS;
    gregs[REG_EFL] &= ~(greg_t)FLAGS_OFF;
    if (uc->uc_mcontext.fpregs) {
        /* the plugin may have unmasked the exception that it died of */
        uc->uc_mcontext.fpregs->mxcsr = 0x1f80;
        uc->uc_mcontext.fpregs->cwd = 0x37f;
        uc->uc_mcontext.fpregs->swd = 0;
        uc->uc_mcontext.fpregs->ftw = 0;
    }
}
#endif

#elif defined(__aarch64__)

uintptr_t context_pc(const ucontext_t *uc) {
    return uc->uc_mcontext.pc;
}

uintptr_t context_sp(const ucontext_t *uc) {
    return uc->uc_mcontext.sp;
}

void context_undo_call(ucontext_t *uc) {
    uc->uc_mcontext.pc = uc->uc_mcontext.regs[30];
}

#ifndef FAULT_PORTABLE
/* The kind of the last branch; a branch to where none may go would fault again. */
#define PSTATE_BTYPE 0xc00u

void context_redirect(ucontext_t *uc, struct fault_thread *thread) {
    uc->uc_mcontext.pc = (uintptr_t)fault_resume;
    uc->uc_mcontext.sp = (uintptr_t)thread->sp;
    uc->uc_mcontext.regs[19] = (uintptr_t)thread;
    uc->uc_mcontext.regs[0] = (uint32_t)FAULT_STATUS;
    uc->uc_mcontext.pstate &= ~(unsigned long long)PSTATE_BTYPE;
    struct fpsimd_context *fp = (struct fpsimd_context *)(void *)uc->uc_mcontext.__reserved;
    if (fp->head.magic == FPSIMD_MAGIC) {
        fp->fpcr = 0;
    }
}
#endif

#else
/* Without a pc no frame is ever found, and every fault is refused: safe, if of no use. */
uintptr_t context_pc(const ucontext_t *uc) {
    (void)uc;
    return 0;
}

uintptr_t context_sp(const ucontext_t *uc) {
    (void)uc;
    return 0;
}

void context_undo_call(ucontext_t *uc) {
    (void)uc;
}
#endif

#ifdef FAULT_PORTABLE
#include <setjmp.h>

void context_redirect(ucontext_t *uc, struct fault_thread *thread) {
    (void)uc;
    siglongjmp(*(sigjmp_buf *)thread->jump, 1);
}
#endif
