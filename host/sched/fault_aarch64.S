/* The boundary around calls of plugins, for AArch64; see fault.h. */
#if defined(__aarch64__) && !defined(FAULT_PORTABLE)

/* int32_t fault_call(turn, state, arg, run, thread)
 * The first three stay where they are: for `run`.
 * A fault leaves every register lost but those that the handler sets: sp from thread->sp, x19,
 * w0 = FAULT_STATUS, pc = fault_resume. So all that belong to the caller are on the stack. */
    .text
    .globl fault_call
    .hidden fault_call
    .type fault_call, %function
    .p2align 4
fault_call:
    .cfi_startproc
    hint 34 /* bti c */
    stp x29, x30, [sp, #-176]!
    .cfi_def_cfa_offset 176
    .cfi_offset x29, -176
    .cfi_offset x30, -168
    mov x29, sp
    stp x19, x20, [sp, #16]
    .cfi_offset x19, -160
    .cfi_offset x20, -152
    stp x21, x22, [sp, #32]
    .cfi_offset x21, -144
    .cfi_offset x22, -136
    stp x23, x24, [sp, #48]
    .cfi_offset x23, -128
    .cfi_offset x24, -120
    stp x25, x26, [sp, #64]
    .cfi_offset x25, -112
    .cfi_offset x26, -104
    stp x27, x28, [sp, #80]
    .cfi_offset x27, -96
    .cfi_offset x28, -88
    stp d8, d9, [sp, #96]
    .cfi_offset d8, -80
    .cfi_offset d9, -72
    stp d10, d11, [sp, #112]
    .cfi_offset d10, -64
    .cfi_offset d11, -56
    stp d12, d13, [sp, #128]
    .cfi_offset d12, -48
    .cfi_offset d13, -40
    stp d14, d15, [sp, #144]
    .cfi_offset d14, -32
    .cfi_offset d15, -24
    ldr x9, [x4]
    str x9, [sp, #160]
    mov x19, x4
    mov x9, sp
    str x9, [x4]
    blr x3
    .globl fault_resume
    .hidden fault_resume
fault_resume:
    ldr x9, [sp, #160]
    str x9, [x19]
    ldp d14, d15, [sp, #144]
    ldp d12, d13, [sp, #128]
    ldp d10, d11, [sp, #112]
    ldp d8, d9, [sp, #96]
    ldp x27, x28, [sp, #80]
    ldp x25, x26, [sp, #64]
    ldp x23, x24, [sp, #48]
    ldp x21, x22, [sp, #32]
    ldp x19, x20, [sp, #16]
    ldp x29, x30, [sp], #176
    .cfi_def_cfa_offset 0
    .cfi_restore x29
    .cfi_restore x30
    ret
    .cfi_endproc
    .size fault_call, . - fault_call
#endif

#if defined(__linux__) && defined(__ELF__)
    .section .note.GNU-stack, "", %progbits
#endif
