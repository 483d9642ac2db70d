/* Asking actors for copies of their states; see sample.h. */
#include "actor/sample.h"

#include <pthread.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"
#include "base/cond.h"

/* What one actor was asked for. */
struct request {
    struct samples *of;
    uint64_t uid;
};

struct samples {
    /* set when it is asked, then constant */
    const struct inst_type *type;
    uint32_t version;
    struct request requests[SAMPLES_MOST];

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under lock */
    unsigned holders; /* who asked, and those who have not answered */
    bool closed;
    uint64_t bytes;
    size_t count;
    struct sample samples[SAMPLES_MOST];
};

static void destroy(struct samples *samples) {
    for (size_t i = 0; i < samples->count; i++) {
        mem_free((void *)(uintptr_t)samples->samples[i].data);
        config_unref((struct config *)(uintptr_t)samples->samples[i].config);
    }
    pthread_cond_destroy(&samples->changed);
    pthread_mutex_destroy(&samples->lock);
    mem_free(samples);
}

static void let_go(struct samples *samples) {
    pthread_mutex_lock(&samples->lock);
    bool is_last = --samples->holders == 0;
    pthread_cond_broadcast(&samples->changed);
    pthread_mutex_unlock(&samples->lock);
    if (is_last) {
        destroy(samples);
    }
}

/* Takes the bytes, when there is still room and need. */
static void add_locked(struct samples *samples, struct inst *in, struct str *bytes) {
    if (samples->closed || samples->bytes + bytes->size > SAMPLES_BYTES) {
        return;
    }
    struct sample *sample = &samples->samples[samples->count];
    struct config *config = in->more ? in->more->config : NULL;
    sample->uid = inst_uid(in);
    (void)inst_name(in, sample->name, sizeof sample->name);
    sample->version = samples->version;
    sample->size = bytes->size;
    sample->data = str_take(bytes);
    sample->config = config ? config_ref(config) : NULL;
    samples->bytes += sample->size;
    samples->count += sample->data != NULL;
}

/* By its home worker. */
static void take(struct runner *r, struct inst *in, struct samples *samples) {
    struct str bytes;
    if (in->type != samples->type) {
        return; /* it has gone over meanwhile */
    }
    if (swap_save(r, in, samples->version, &bytes) >= 0) {
        pthread_mutex_lock(&samples->lock);
        add_locked(samples, in, &bytes);
        pthread_mutex_unlock(&samples->lock);
    } else { /* a reload will find out, and say so */
        mem_free(r->fail_frames);
        r->fail_frames = NULL;
    }
    str_fini(&bytes);
}

static void visit(void *context, struct runner *r, struct inst *in) {
    struct request *request = context;
    if (in) {
        take(r, in, request->of);
    }
    let_go(request->of);
}

/* --- asking --- */

static bool is_of(struct inst *in, const struct inst_type *type) {
    /* acquire: pairs with reset in inst.c */
    return in->proc && atomic_load_explicit(&in->holders, memory_order_acquire) > 0 &&
           inst_type(in) == type && inst_is_open(in);
}

static uint32_t count_of(struct proc *proc, const struct inst_type *type) {
    uint32_t count = 0;
    for (uint32_t i = 0, cells = cell_count(proc); i < cells; i++) {
        count += is_of(cell_at(proc, i), type);
    }
    return count;
}

/* Every so-manieth. */
static uint32_t choose(struct samples *samples, struct proc *proc) {
    struct looker looker;
    uint32_t chosen = 0;
    looks_begin(proc, &looker);
    uint64_t all = count_of(proc, samples->type);
    uint64_t at = 0;
    for (uint32_t i = 0, cells = cell_count(proc); i < cells && chosen < SAMPLES_MOST; i++) {
        struct inst *in = cell_at(proc, i);
        if (!is_of(in, samples->type)) {
            continue;
        }
        if (all <= SAMPLES_MOST || at++ * SAMPLES_MOST / all >= chosen) {
            samples->requests[chosen++] = (struct request){samples, inst_uid(in)};
        }
    }
    looks_end(proc, &looker);
    return chosen;
}

struct samples *samples_ask(struct proc *proc, const struct inst_type *type, uint32_t version) {
    struct samples *samples = mem_alloc(sizeof *samples);
    if (!samples) {
        return NULL;
    }
    cond_init(&samples->changed);
    pthread_mutex_init(&samples->lock, NULL);
    samples->type = type;
    samples->version = version;
    uint32_t chosen = choose(samples, proc);
    samples->holders = 1 + chosen;
    for (uint32_t i = 0; i < chosen; i++) {
        struct request *request = &samples->requests[i];
        struct save_order order = {.context = request, .visit = visit};
        if (order_send(proc, request->uid, &order, NULL) < 0) {
            let_go(samples);
        }
    }
    return samples;
}

bool samples_wait(struct samples *samples, uint64_t until_ns) {
    pthread_mutex_lock(&samples->lock);
    while (samples->holders > 1 && cond_wait_until(&samples->changed, &samples->lock, until_ns)) {
    }
    bool all = samples->holders == 1;
    pthread_mutex_unlock(&samples->lock);
    return all;
}

size_t samples_take(struct samples *samples, const struct sample **ret) {
    pthread_mutex_lock(&samples->lock);
    samples->closed = true;
    size_t count = samples->count;
    pthread_mutex_unlock(&samples->lock);
    *ret = samples->samples;
    return count;
}

void samples_end(struct samples *samples) {
    if (samples) {
        (void)samples_take(samples, &(const struct sample *){NULL});
        let_go(samples);
    }
}
