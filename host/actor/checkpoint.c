/* Checkpoints. */
#include "actor/checkpoint.h"

#include "actor/proc_impl.h"
#include "base/alloc.h"

static uint64_t every_ns(const struct inst *in) {
    return atomic_load_explicit(&proc_policy_of(in->proc, in)->checkpoint_ns, memory_order_relaxed);
}

static uint64_t every_messages(const struct inst *in) {
    return atomic_load_explicit(&proc_policy_of(in->proc, in)->checkpoint_messages,
                                memory_order_relaxed);
}

/* A notice without an order asks for one (state.c). */
static void came_due(struct timer *timer, uint64_t now_ns) {
    struct checkpointing *checkpoint = LIST_OF(timer, struct checkpointing, timer);
    struct inst *in = checkpoint->self;
    struct pool *pool = pools_shared(in->proc->pools);
    (void)now_ns;
    struct msg *m = msg_alloc(pool, MSG_NOTICE, 0, sizeof(struct save_order));
    if (m) {
        *(struct save_order *)msg_own_body(m) = (struct save_order){.done = NULL};
        m->dest = inst_uid(in);
        deliver_host(pool, in, m);
    } else {
        timers_start_in(&in->proc->timers, timer, every_ns(in));
    }
}

static void start_timer(struct inst *in) {
    struct checkpointing *checkpoint = &in->more->lives->checkpoint;
    uint64_t time_ns = every_ns(in);
    if (time_ns) {
        if (!checkpoint->self) { /* before its first start: who fires it reads this */
            checkpoint->self = in;
            checkpoint->timer.fire = came_due;
        }
        timers_start_in(&in->proc->timers, &checkpoint->timer, time_ns);
    }
}

__attribute__((noinline)) void checkpoint_count(struct runner *r, struct inst *in) {
    struct inst_lives *lives = inst_lives(in);
    uint64_t messages = every_messages(in);
    if (!lives || in->phase != PHASE_LIVE) {
        return;
    }
    uint64_t since = ++lives->checkpoint.since;
    if (messages && since - lives->checkpoint.tried >= messages) {
        checkpoint_take(r, in, NULL);
    } else if (since == 1) {
        start_timer(in);
    }
}

static void say_failed(const struct inst *in, int32_t status) {
    char name[160];
    inst_name(in, name, sizeof name);
    if (in->proc->options.log) {
        log_write(in->proc->options.log, LOG_WARN, name,
                  "its state could not be saved (%s); the checkpoint before stays",
                  troupe_status_text(status));
    }
}

static void take(struct runner *r, struct inst *in, struct msg *notice) {
    struct inst_lives *lives = inst_has_lives(in);
    struct str bytes;
    str_init(&bytes);
    int32_t status = inst_save_state(r, in, notice, &bytes);
    if (status >= 0) {
        mem_free((void *)(uintptr_t)lives->saved);
        lives->saved_size = bytes.size;
        lives->saved = str_take(&bytes);
        lives->saved_version = in->type->state_version;
        lives->checkpoint.since = lives->checkpoint.tried = 0;
    } else if (!in->failed) {
        lives->checkpoint.tried = lives->checkpoint.since;
        start_timer(in);
        say_failed(in, status);
    }
    str_fini(&bytes);
}

static bool is_due(const struct inst *in) {
    const struct inst_lives *lives = inst_has_lives(in);
    return lives && lives->checkpoint.since > 0;
}

void checkpoint_take(struct runner *r, struct inst *in, struct msg *notice) {
    if (is_due(in) && in->phase == PHASE_LIVE) {
        take(r, in, notice);
    }
}

void checkpoint_take_last(struct runner *r, struct inst *in) {
    if (in->checkpoints && is_due(in)) {
        take(r, in, NULL);
    }
}

void checkpoint_end(struct inst *in) {
    struct inst_lives *lives = inst_has_lives(in);
    if (lives && lives->checkpoint.self) {
        (void)timers_stop(&in->proc->timers, &lives->checkpoint.timer);
    }
}
