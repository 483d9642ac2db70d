/* The proc: made, started, halted, destroyed; names and numbers. */
#include "actor/proc.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "actor/shadow.h"
#include "base/alloc.h"
#include "base/hot.h"
#include "base/prefetch.h"

#define HOST_TYPE(type_id)                                                                         \
    {                                                                                              \
        .id = (type_id), .init = INST_NO_ROW, .cleanup = INST_NO_ROW, .save = INST_NO_ROW,         \
        .load = INST_NO_ROW, .returned = INST_NO_ROW                                               \
    }
const struct inst_type type_group = HOST_TYPE("troupe.Group");
const struct inst_type type_proc = HOST_TYPE("troupe.Proc");

#define DEFAULT_CAPACITY 1024u

static bool name_is_good(const char *name) {
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    return size > 0 && name[size] == '\0';
}

#define TICK_NS NS_PER_MS

static void tick(struct timer *timer, uint64_t now_ns) {
    struct proc *proc = LIST_OF(timer, struct proc, tick_timer);
    enum sched_ticks next = sched_tick(proc->sched, now_ns);
    stuck_tick(proc, now_ns);
    if (next != SCHED_TICKS_END) {
        timers_start(&proc->timers, timer,
                     now_ns + (next == SCHED_TICKS_GO ? TICK_NS : SCHED_LINGER_NS));
    }
    struct proc_observer *observer = &proc->options.observer;
    if (observer->ticked) {
        observer->ticked(observer->context, next != SCHED_TICKS_GO);
    }
}

static void start_ticking(void *context) {
    struct proc *proc = context;
    timers_start_in(&proc->timers, &proc->tick_timer, TICK_NS);
}

static int make_sched(struct proc *proc, struct err *err) {
    struct sched_options options = {.workers = proc->options.workers,
                                    .idle = proc->options.idle,
                                    .seeded = proc->options.seeded,
                                    .seed = proc->options.seed,
                                    .clock = proc->clock,
                                    .local_create = runner_create,
                                    .local_destroy = runner_retire,
                                    .ticks_wanted = proc->options.seeded ? NULL : start_ticking,
                                    .context = proc};
    return sched_create(&options, &proc->sched, err);
}

static int make_parts(struct proc *proc, struct err *err) {
    proc->pools = pools_create();
    proc->name = mem_text(proc->options.name);
    proc->held = held_table_create(proc);
    if (!proc->pools || !proc->name || !proc->held || cells_init(proc) < 0 ||
        dead_init(&proc->dead, proc->options.dead_letters_keep) < 0 ||
        snapshot_store_init(&proc->snapshots, proc->options.snapshots_keep,
                            proc->options.snapshots_max_age_ns) < 0) {
        return err_set(err, ERR_NOMEM, "proc '%s'", proc->options.name);
    }
    runner_init(&proc->outside, proc, NULL, pools_shared(proc->pools));
    if (!proc->types) {
        proc->types = type_table_create();
        proc->owns_types = true;
        if (!proc->types) {
            return err_set(err, ERR_NOMEM, "proc '%s'", proc->options.name);
        }
    }
    if (queries_init(proc, err) < 0 || make_sched(proc, err) < 0) {
        return -1;
    }
    if (!proc->options.seeded && io_create(proc->clock, &proc->timers, &proc->io, err) < 0) {
        return -1;
    }
    proc->self =
        inst_make(&proc->outside, proc, &type_proc, HOST_CAPACITY, sched_worker_at(proc->sched, 0));
    return proc->self && inst_more(proc->self)
               ? 0
               : err_set(err, ERR_NOMEM, "proc '%s'", proc->options.name);
}

int proc_create(const struct proc_options *options, struct proc **ret, struct err *err) {
    if (!options->name || !name_is_good(options->name)) {
        return err_set(err, ERR_INVALID, "'%s' is not a proc name: use letters, digits, _ and -",
                       options->name ? options->name : "");
    }
    struct proc *proc = mem_aligned(64, (sizeof *proc + 63) / 64 * 64);
    if (!proc) {
        return err_set(err, ERR_NOMEM, "proc '%s'", options->name);
    }
    proc->options = *options;
    proc->clock = options->clock ? options->clock : clock_system();
    proc->types = options->types;
    if (proc->options.capacity == 0) {
        proc->options.capacity = DEFAULT_CAPACITY;
    }
    pthread_mutex_init(&proc->lock, NULL);
    pthread_mutex_init(&proc->making, NULL);
    pthread_cond_init(&proc->order_done, NULL);
    timers_init(&proc->timers, proc->clock);
    proc->tick_timer.fire = tick;
    stuck_init(&proc->stuck);
    looks_init(&proc->looks);
    pthread_mutex_init(&proc->queries.lock, NULL);
    pthread_cond_init(&proc->queries.changed, NULL);
    pause_init(&proc->pauses, options->forwarder.pauses);
    quarantine_init(&proc->quarantine, options->quarantine_keep, options->quarantine_bytes);
    map_init(&proc->type_lines);
    map_init(&proc->port_names);
    map_init(&proc->names);
    host_table_fill(&proc->host);
    shadow_host_fill(&proc->host, &proc->writes, &proc->plays);
    if (make_parts(proc, err) < 0) {
        err_wrap(err, "proc '%s'", options->name);
        proc_destroy(proc);
        return -1;
    }
    *ret = proc;
    return 0;
}

void proc_destroy(struct proc *proc) {
    if (!proc) {
        return;
    }
    (void)proc_halt(proc);
    if (proc->pools) {
        queries_stop(proc); /* it may have been stepped */
    }
    if (proc->sched) {
        sched_stop(proc->sched); /* own threads are there before the start */
    }
    if (proc->held) {
        held_table_leave(proc->held);
        held_table_unref(proc->held);
    }
    proc_unload(proc);
    looks_fini(proc);
    queries_fini(proc);
    if (proc->pools) {
        dead_fini(&proc->dead, pools_shared(proc->pools));
        quarantine_fini(&proc->quarantine, pools_shared(proc->pools));
    }
    sched_destroy(proc->sched);
    snapshot_store_fini(&proc->snapshots); /* runners have left it */
    io_destroy(proc->io);
    runners_free(proc);
    outbox_fini(&proc->outside.outbox);
    pools_destroy(proc->pools);
    cells_fini(proc);
    if (proc->owns_types) {
        type_table_destroy(proc->types);
    }
    for (uint16_t i = 0; i < proc->port_name_count; i++) {
        mem_free(proc->port_name_texts[i]);
    }
    mem_free(proc->port_name_texts);
    map_fini(&proc->port_names);
    map_fini(&proc->type_lines);
    map_fini(&proc->names);
    pause_fini(&proc->pauses);
    stuck_fini(&proc->stuck);
    timers_fini(&proc->timers);
    pthread_cond_destroy(&proc->order_done);
    pthread_mutex_destroy(&proc->making);
    pthread_mutex_destroy(&proc->lock);
    mem_free(proc->name);
    mem_free(proc);
}

int proc_start(struct proc *proc, struct err *err) {
    if (proc->io && io_start(proc->io, err) < 0) {
        return -1;
    }
    if (sched_start(proc->sched, err) < 0) {
        io_stop(proc->io);
        return -1;
    }
    proc->started = true;
    inst_signal(proc->self, SIGNAL_START);
    return 0;
}

unsigned proc_halt(struct proc *proc) {
    if (!proc->started) {
        return 0;
    }
    unsigned left = sched_stop(proc->sched);
    proc->started = left > 0; /* asked again, it looks again */
    if (proc->io) {
        io_stop(proc->io);
    }
    queries_stop(proc);
    stuck_stop(proc);
    return left;
}

/* Until nothing is runnable, also after the observer was told so. */
static uint64_t step_to_rest(struct proc *proc) {
    struct proc_observer *observer = &proc->options.observer;
    uint64_t steps = 0;
    for (;;) {
        uint64_t more = sched_step_all(proc->sched, UINT64_MAX) + queries_answer(proc);
        steps += more;
        if (more == 0 || !observer->ticked) {
            return steps;
        }
        observer->ticked(observer->context, true);
    }
}

uint64_t proc_step(struct proc *proc, uint64_t until_ns) {
    struct clock_manual *clock = (struct clock_manual *)(void *)proc->clock;
    uint64_t steps = 0;
    for (;;) {
        steps += step_to_rest(proc);
        uint64_t next_ns = timers_next(&proc->timers);
        if (next_ns == TIMER_NEVER || next_ns > until_ns) {
            return steps;
        }
        if (next_ns > proc->clock->now(proc->clock)) {
            clock_manual_set(clock, next_ns);
        }
        (void)timers_run(&proc->timers, proc->clock->now(proc->clock));
    }
}

uint16_t proc_port_name(struct proc *proc, const char *name) {
    pthread_mutex_lock(&proc->lock);
    uint16_t number = (uint16_t)(uintptr_t)map_find(&proc->port_names, name);
    if (number == 0 && proc->port_name_count < UINT16_MAX - 1) {
        char **texts =
            mem_resize(proc->port_name_texts, ((size_t)proc->port_name_count + 1) * sizeof *texts);
        char *text = texts ? mem_text(name) : NULL;
        if (texts) {
            proc->port_name_texts = texts;
        }
        number = (uint16_t)(proc->port_name_count + 1);
        if (!text || map_set(&proc->port_names, name, (void *)(uintptr_t)number) < 0) {
            mem_free(text);
            number = 0;
        } else {
            texts[proc->port_name_count++] = text;
        }
    }
    pthread_mutex_unlock(&proc->lock);
    return number;
}

uint16_t proc_find_port_name(struct proc *proc, struct troupe_str name) {
    pthread_mutex_lock(&proc->lock);
    uint16_t number = (uint16_t)(uintptr_t)map_find_n(&proc->port_names, name.data, name.size);
    pthread_mutex_unlock(&proc->lock);
    return number;
}

uint16_t proc_find_port(struct proc *proc, const char *name) {
    return proc_find_port_name(proc, troupe_str(name));
}

const char *proc_port_name_text(struct proc *proc, uint16_t number) {
    if (number == QUERIES_PORT) {
        return QUERIES_PORT_NAME;
    }
    pthread_mutex_lock(&proc->lock);
    const char *text =
        number && number <= proc->port_name_count ? proc->port_name_texts[number - 1] : "";
    pthread_mutex_unlock(&proc->lock);
    return text;
}

static struct inst *find_named_locked(const struct proc *proc, const char *text) {
    char name[256];
    (void)snprintf(name, sizeof name, "%s", text);
    char *bracket = strchr(name, '[');
    size_t prefix = strlen(proc->name);
    uint64_t pid = 0;
    const char *wanted = name;
    if (bracket) {
        *bracket = '\0';
        if (strncmp(name, proc->name, prefix) != 0 || name[prefix] != '/') {
            return NULL;
        }
        wanted = name + prefix + 1;
        pid = strtoull(bracket + 1, NULL, 10);
    }
    struct inst *in = map_find(&proc->names, wanted);
    return in && (!bracket || pid == in->pid) ? in : NULL;
}

struct inst *proc_find_named(struct proc *proc, const char *text) {
    pthread_mutex_lock(&proc->lock);
    struct inst *in = find_named_locked(proc, text);
    pthread_mutex_unlock(&proc->lock);
    return in;
}

uint64_t proc_resolve(struct proc *proc, const char *text) {
    pthread_mutex_lock(&proc->lock);
    /* a client gives its name back under the lock, before its cell may become another one's */
    const struct inst *in = find_named_locked(proc, text);
    uint64_t uid = in && !mbox_is_closed(&in->mbox) ? inst_uid(in) : 0;
    pthread_mutex_unlock(&proc->lock);
    return uid;
}

HOT int proc_send(struct proc *proc, struct troupe_ref to, const struct msg_type *type,
                  const void *body, struct err *err) {
    struct inst *in = cell_find(proc, to.uid);
    if (in) {
        prefetch_to_write(in); /* comes while the message is made */
    }
    uint64_t size = type_copy_size(type, body, type->abi.body_size);
    struct msg *m = msg_alloc(pools_shared(proc->pools), MSG_DATA, MSG_BY_NAME, size);
    if (!m) {
        return err_set(err, ERR_NOMEM, "message '%.*s'", TROUPE_STR_ARG(type->abi.id));
    }
    type_copy(type, body, msg_own_body(m), type->abi.body_size);
    m->type = type->index;
    m->dest = to.uid;
    m->port = (uint16_t)to.port;
    enum offer result =
        in ? queue_from_outside(&in->mbox, m, proc, mbox_capacity(&in->mbox)) : OFFER_CLOSED;
    if (result != OFFER_TAKEN) {
        int32_t reason = result == OFFER_FULL ? TROUPE_FULL : TROUPE_GONE;
        bury(&proc->outside, proc, m, reason);
        return err_set(err, ERR_REFUSED, "%s", troupe_status_text(reason));
    }
    return 0;
}

const struct troupe_host *proc_host(struct proc *proc) {
    return &proc->host;
}
const char *proc_name(const struct proc *proc) {
    return proc->name;
}
struct dead_letters *proc_dead_letters(struct proc *proc) {
    return &proc->dead;
}
struct snapshot_store *proc_snapshots(struct proc *proc) {
    return &proc->snapshots;
}
struct quarantine *proc_quarantine(struct proc *proc) {
    return &proc->quarantine;
}
struct timers *proc_timers(struct proc *proc) {
    return &proc->timers;
}
struct clock *proc_clock(struct proc *proc) {
    return proc->clock;
}
struct type_table *proc_types(struct proc *proc) {
    return proc->types;
}
struct sched *proc_sched(struct proc *proc) {
    return proc->sched;
}
struct io *proc_io(struct proc *proc) {
    return proc->io;
}
struct held_table *proc_held(struct proc *proc) {
    return proc->held;
}
struct inst *proc_actor(struct proc *proc, uint32_t plan_index) {
    /* acquire: pairs with the release in load.c */
    struct proc_actors *actors = atomic_load_explicit(&proc->actors, memory_order_acquire);
    return atomic_load_explicit(&actors->items[plan_index].in, memory_order_acquire);
}
uint32_t proc_actor_count(const struct proc *proc) {
    return atomic_load_explicit(&proc->actor_count, memory_order_acquire);
}
