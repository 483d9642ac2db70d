/* Settings go over with their actor. */
#include <stdio.h>
#include <string.h>

#include "actor/swap_impl.h"

bool swap_is_same_code(const struct inst_type *from, const struct inst_type *to) {
    return from->library == to->library;
}

void swap_put_config(struct inst *in, struct config *config) {
    struct inst_more *more = inst_seen(in);
    /* acq_rel: who takes it out sees all of it */
    config_unref(more ? atomic_exchange_explicit(&more->other_config, config, memory_order_acq_rel)
                      : config);
}

void swap_put_next_config(struct inst *in, struct config *config) {
    struct inst_more *more = inst_seen(in);
    /* acq_rel: who takes it out sees all of it */
    config_unref(more ? atomic_exchange_explicit(&more->next_config, config, memory_order_acq_rel)
                      : config);
}

/* Its code may be of another generation by now. */
void swap_take_next_config(struct inst *in) {
    struct inst_more *more = in->more;
    struct config *next =
        more ? atomic_exchange_explicit(&more->next_config, NULL, memory_order_acq_rel) : NULL;
    const struct note_config *note = in->type->config;
    if (next && note && !config_is_same_schema(next->note, note)) {
        struct config *laid_out = NULL;
        struct err err;
        (void)config_convert(next, next->note, note, &laid_out, &err);
        config_unref(next);
        next = laid_out; /* NULL: what it has stays */
    }
    if (next && note) {
        config_unref(more->config);
        more->config = next;
    } else {
        config_unref(next);
    }
}

int swap_find_config(struct inst *in, const struct inst_type *to, struct config **ret, char *why,
                     size_t size) {
    struct inst_more *more = in->more;
    struct err err;
    *ret = atomic_exchange_explicit(&more->other_config, NULL, memory_order_acq_rel);
    if (*ret || !to->config || config_is_same_schema(in->type->config, to->config)) {
        return 0;
    }
    if (config_convert(more->config, in->type->config, to->config, ret, &err) < 0) {
        (void)snprintf(why, size, "%s", err.text);
        return -1;
    }
    return 0;
}

void swap_adopt_config(struct inst *in, struct config **config) {
    struct config *before = in->more->config;
    if (before == *config) {
        config_unref(before);
    } else {
        in->more->config = *config;
        swap_put_config(in, before);
    }
    *config = NULL;
}

void swap_write_config(struct inst *in) {
    const struct config *config = in->more->config;
    if (config && in->type->config) {
        memcpy((char *)in->state + in->type->config_offset, config->body, config->size);
    }
}

bool swap_is_untouched(const struct inst *in, const struct inst_type *to) {
    return swap_is_same_code(in->type, to) &&
           !(in->more && atomic_load_explicit(&in->more->other_config, memory_order_acquire));
}

bool swap_waits(const struct inst *in, const struct inst_type *to) {
    return in->paused && swap_is_same_code(in->type, to) && to->reconfigure != INST_NO_ROW;
}

int swap_reconfigure(struct runner *r, struct inst *in, const struct inst_type *to,
                     struct config **config, char *why, size_t size) {
    int32_t status = turn_reconfigure(r, in, (*config)->body);
    if (status < 0) {
        (void)snprintf(why, size, "reconfigure: %s",
                       r->failed ? r->fail_text : troupe_status_text(status));
        return -1;
    }
    swap_become(in, to);
    swap_adopt_config(in, config);
    swap_write_config(in);
    return 0;
}

/* --- behind a reload that was taken back --- */

static enum swap_phase phase_of(const struct inst *in) {
    /* seq_cst: as in swap_end_back, which looks at all behind it */
    return (enum swap_phase)atomic_load_explicit(&in->type->line->swap.phase, memory_order_seq_cst);
}

void swap_forget_refused(struct inst *in) {
    enum swap_phase phase = phase_of(in);
    if (phase == SWAP_LATE || phase == SWAP_NONE) {
        swap_put_config(in, NULL);
    }
}

void swap_stay_late(struct inst *in) {
    if (phase_of(in) == SWAP_LATE && in->phase != PHASE_CLOSED && !in->is_late) {
        in->is_late = true;
        atomic_fetch_add_explicit(&in->type->line->swap.busy, 1, memory_order_seq_cst);
    }
}

void swap_ask_again(struct inst *in) {
    if (in->is_late) {
        in->is_late = false;
        inst_signal_later(in, SIGNAL_SWAP);
        atomic_fetch_sub_explicit(&in->type->line->swap.busy, 1, memory_order_seq_cst);
    }
}
