/* The boundary around calls of plugins, for x86-64; see fault.h. */
#if defined(__x86_64__) && !defined(FAULT_PORTABLE)

/* int32_t fault_call(turn, state, arg, run, thread)
 * The first three stay where they are: for `run`.
 * A fault leaves every register lost but those that the handler sets: rsp from thread->sp, rbx,
 * eax = FAULT_STATUS, rip = fault_resume. So all that belong to the caller are on the stack. */
    .section .text.hot, "ax", @progbits /* beside its callers, see base/hot.h */
    .globl fault_call
    .hidden fault_call
    .type fault_call, @function
    .p2align 4
fault_call:
    .cfi_startproc
    endbr64
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbx, 0
    pushq %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r12, 0
    pushq %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r13, 0
    pushq %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r14, 0
    pushq %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r15, 0
    pushq (%r8)
    .cfi_adjust_cfa_offset 8
    movq %r8, %rbx
    movq %rsp, (%r8)
    call *%rcx
    .cfi_remember_state
    /* It returned: the registers are the caller's again but for rbx, which holds our thread. */
    popq (%rbx)
    .cfi_adjust_cfa_offset -8
    movq 32(%rsp), %rbx
    .cfi_restore %rbx
    addq $48, %rsp
    .cfi_adjust_cfa_offset -48
    ret
    .cfi_restore_state
    .globl fault_resume
    .hidden fault_resume
fault_resume:
    popq (%rbx)
    .cfi_adjust_cfa_offset -8
    popq %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r15
    popq %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r14
    popq %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r13
    popq %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r12
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbx
    popq %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbp
    ret
    .cfi_endproc
    .size fault_call, . - fault_call
#endif

#if defined(__linux__) && defined(__ELF__)
    .section .note.GNU-stack, "", %progbits
#endif
