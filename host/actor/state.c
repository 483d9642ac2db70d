/* Saving and loading the state of an instance, between two turns. */
#include <stddef.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"
#include "plugin/saved.h"

int32_t inst_save_state(struct runner *r, struct inst *in, struct msg *notice, struct str *out) {
    struct troupe_saver saver;
    str_init(&saver.bytes);
    saver.version = in->type->state_version;
    r->saver = &saver;
    uint64_t processed = inst_processed(in);
    uint32_t last = inst_handler_now(in);
    int32_t status = turn_run(r, in, in->type->save, &saver, notice);
    r->saver = NULL;
    /* it handled no message; and who looks wants to know what did before */
    atomic_store_explicit(&in->processed, processed, memory_order_relaxed);
    if (status >= 0) {
        inst_set_handler(in, last);
    }
    if (status >= 0 && saver.bytes.failed) {
        status = TROUPE_NO_MEMORY;
    }
    if (status >= 0) {
        str_fini(out);
        *out = saver.bytes;
        return TROUPE_OK;
    }
    str_fini(&saver.bytes);
    return status;
}

void inst_notice(struct runner *r, struct inst *in, struct msg *m) {
    const struct save_order *order = msg_body(m);
    if (order->visit) {
        bool is_it = m->dest == inst_uid(in) && in->phase == PHASE_LIVE;
        order->visit(order->context, is_it ? r : NULL, is_it ? in : NULL);
        return;
    }
    if (!order->done) {
        checkpoint_take(r, in, m);
        return;
    }
    if (m->dest != inst_uid(in) || in->type->save == INST_NO_ROW) {
        order->done(order->context, m->dest == inst_uid(in) ? TROUPE_UNSUPPORTED : TROUPE_GONE, 0,
                    NULL, 0);
        return;
    }
    struct str bytes;
    str_init(&bytes);
    int32_t status = inst_save_state(r, in, m, &bytes);
    order->done(order->context, status, in->type->state_version, bytes.data, bytes.size);
    str_fini(&bytes);
}

void notice_refuse(struct msg *m) {
    const struct save_order *order = msg_body(m);
    if (order->visit) {
        order->visit(order->context, NULL, NULL);
    } else if (order->done) {
        order->done(order->context, TROUPE_GONE, 0, NULL, 0);
    }
}

int order_send(struct proc *proc, uint64_t uid, const struct save_order *order, struct err *err) {
    struct inst *in = cell_find(proc, uid);
    struct pool *pool = pools_shared(proc->pools);
    if (!in) {
        return err_set(err, ERR_NOT_FOUND, "no actor has uid %llu", (unsigned long long)uid);
    }
    struct msg *m = msg_alloc(pool, MSG_NOTICE, 0, sizeof *order);
    if (!m) {
        return err_set(err, ERR_NOMEM, "save");
    }
    *(struct save_order *)msg_own_body(m) = *order;
    m->dest = uid;
    if (queue_from_outside(&in->mbox, m, proc, 0) != OFFER_TAKEN) {
        msg_free(pool, m);
        return err_set(err, ERR_STOPPED, "the actor with uid %llu has ended",
                       (unsigned long long)uid);
    }
    return 0;
}

int proc_save(struct proc *proc, uint64_t uid, proc_saved *done, void *context, struct err *err) {
    return order_send(proc, uid, &(struct save_order){.done = done, .context = context}, err);
}

int proc_restore(struct proc *proc, uint32_t plan_index, uint32_t version, const void *data,
                 uint64_t size, struct err *err) {
    struct inst *in = proc_actor(proc, plan_index);
    struct inst_lives *lives = inst_lives(in);
    void *copy = lives ? mem_alloc(size + 1) : NULL;
    if (!copy) {
        return err_set(err, ERR_NOMEM, "state of %llu bytes", (unsigned long long)size);
    }
    if (in->type->load == INST_NO_ROW || version > in->type->state_version ||
        version < in->type->state_min) {
        mem_free(copy);
        return err_set(err, ERR_INVALID, "actor type '%s' loads state versions %u to %u, not %u",
                       in->type->id, in->type->state_min, in->type->state_version, version);
    }
    if (size) {
        memcpy(copy, data, size);
    }
    lives->saved = copy;
    lives->saved_size = size;
    lives->saved_version = version;
    return 0;
}

void inst_forget_state(struct inst *in) {
    mem_free((void *)(uintptr_t)in->more->lives->saved);
    in->more->lives->saved = NULL;
}

int32_t inst_load_state(struct runner *r, struct inst *in) {
    const struct inst_lives *lives = in->more->lives;
    struct troupe_loader loader = {
        .data = lives->saved, .size = lives->saved_size, .version = lives->saved_version};
    return turn_run(r, in, in->type->load, &loader, NULL);
}
