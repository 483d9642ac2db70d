/* Whether a deployment of the kit that runs with threads has come to rest. */
#include "actor/inst.h"
#include "lib/app/kit_case.h"
#include "sched/sched_impl.h"
#include "supervise/supervisor_impl.h"

/* What all workers have done so far, and whether one has something to do. */
struct work {
    uint32_t done;
    bool is_busy;
};

static void add_worker(struct work *work, struct sched_worker *worker, const _Atomic bool *rests) {
    work->done += atomic_load(&worker->done);
    work->is_busy |= !atomic_load(rests) || atomic_load(&worker->inbox);
}

static struct work look_at_work(struct sched *sched) {
    struct work work = {0};
    for (unsigned i = 0; i < sched_worker_count(sched); i++) {
        struct sched_worker *worker = sched_worker_at(sched, i);
        add_worker(&work, worker, &worker->idle);
    }
    pthread_mutex_lock(&sched->lock);
    for (struct sched_worker *own = sched->dedicated; own; own = own->link) {
        add_worker(&work, own, &own->parked);
    }
    pthread_mutex_unlock(&sched->lock);
    return work;
}

static bool is_actor_at_rest(const struct inst *in) {
    enum inst_status status = inst_status(in);
    bool ended = status == INST_STOPPED || status == INST_FAILED;
    return !inst_has_signals(in) && (ended || (status == INST_IDLE && inst_depth(in) == 0));
}

static bool are_actors_at_rest(struct proc *proc) {
    for (uint32_t i = 0; i < proc_actor_count(proc); i++) {
        struct inst *in = proc_actor(proc, i);
        if (in && !is_actor_at_rest(in)) { /* NULL: a reload has removed it */
            return false;
        }
    }
    return true;
}

/* Until then a failure is one of the start. */
static bool have_all_begun(struct kit *kit) {
    struct supervisor *sup = deploy_supervisor(kit_deploy(kit));
    pthread_mutex_lock(&sup->lock);
    bool all = sup->ready_count + sup->never_ready_count == sup->count;
    pthread_mutex_unlock(&sup->lock);
    return all;
}

/* One is looked at after the other, and who was at rest may have been given something by the next one since: so all
 * workers must be idle before and after, and have done nothing in between. */
bool kit_is_at_rest(struct kit *kit) {
    struct proc *proc = kit_proc(kit);
    struct work before = look_at_work(proc_sched(proc));
    if (before.is_busy || !are_actors_at_rest(proc) || !have_all_begun(kit)) {
        return false;
    }
    bool is_queued = kit_totals(kit).queued > 0;
    struct work after = look_at_work(proc_sched(proc));
    return !is_queued && !after.is_busy && after.done == before.done;
}
