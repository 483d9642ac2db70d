/* The gate between plugin code and the host: passed on each way, so that a turn that is stuck in plugin
 * code can be dealt with from outside.
 *
 * Who looks after stuck turns closes the gate of a runner, then looks whether its thread is in plugin code.
 * If so, the thread waits at the gate as soon as it comes back, and until the gate is opened everything
 * that is the thread's may be moved. A closed gate costs the thread nothing: it is no signal.
 *
 * G-1  gate is GATE_PLUGIN only while the runner's thread is in plugin code, called by turn_run.
 * G-2  who comes back sets it to GATE_HOST before it looks at `asked`; who closes sets `asked`, then makes
 *      all threads pass a barrier, then looks at the gate. So one sees the other, and the thread, which does
 *      this in each turn, needs no barrier of its own. */
#pragma once

#include "actor/inst_impl.h"

enum { GATE_HOST, GATE_PLUGIN };
/* What is asked of who comes back. MOVED: to learn which worker it is now; REVOKED: to leave. */
enum { GATE_OPEN, GATE_CLOSED, GATE_MOVED, GATE_REVOKED };

/* stuck_revoke.c: waits until the gate is not closed, does what is asked, and returns it. */
__attribute__((cold, noinline)) uint32_t gate_obey(struct runner *r);

static inline uint32_t gate_enter(struct runner *r) {
    uint32_t before = atomic_load_explicit(&r->gate, memory_order_relaxed);
    atomic_store_explicit(&r->gate, GATE_HOST, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst); /* G-2; the barrier of the other is for both */
    if (__builtin_expect(atomic_load_explicit(&r->asked, memory_order_relaxed), 0)) {
        (void)gate_obey(r);
    }
    return before;
}

/* The same, for what may as well be done by gate_enter: false: the gate is closed, and nothing was done. */
static inline bool gate_try(struct runner *r, uint32_t *ret_before) {
    *ret_before = atomic_load_explicit(&r->gate, memory_order_relaxed);
    atomic_store_explicit(&r->gate, GATE_HOST, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst); /* as in gate_enter */
    if (__builtin_expect(atomic_load_explicit(&r->asked, memory_order_relaxed), 0)) {
        atomic_store_explicit(&r->gate, *ret_before, memory_order_release);
        return false;
    }
    return true;
}

static inline void gate_leave(struct runner *r, uint32_t to) {
    /* release: who closes the gate sees what was done before */
    atomic_store_explicit(&r->gate, to, memory_order_release);
}

/* A call begins, or ends. */
static inline void gate_count(struct runner *r) {
    atomic_signal_fence(memory_order_release); /* who sees the number sees whose call it is */
    count_add(&r->calls, 1);
}

/* Around the call of a plugin. */
static inline void gate_call(struct runner *r, struct inst *in) {
    atomic_store_explicit(&r->calling, in, memory_order_relaxed);
    gate_count(r);
    gate_leave(r, GATE_PLUGIN);
}

/* False: the turn was revoked meanwhile, and nothing of the instance may be touched. */
static inline bool gate_return(struct runner *r) {
    atomic_store_explicit(&r->gate, GATE_HOST, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst); /* as in gate_enter */
    uint32_t asked = atomic_load_explicit(&r->asked, memory_order_relaxed);
    if (__builtin_expect(asked != GATE_OPEN, 0)) {
        asked = gate_obey(r);
    }
    gate_count(r);
    return __builtin_expect(asked != GATE_REVOKED, 1);
}

/* Who waits in the host is not stuck, and begins anew. */
static inline void gate_wait_begin(struct runner *r) {
    gate_count(r);
}
static inline void gate_wait_end(struct runner *r) {
    gate_count(r);
}

/* A function of the host that a plugin calls. */
struct gate_pass {
    struct runner *r;
    uint32_t before;
};

static inline struct gate_pass gate_pass(struct runner *r) {
    return (struct gate_pass){r, gate_enter(r)};
}

static inline void gate_pass_end(struct gate_pass *pass) {
    gate_leave(pass->r, pass->before);
}
