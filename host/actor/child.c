/* Spawning: a child is made when asked for and starts when the turn commits. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"
#include "base/prefetch.h"

/* Why, for the case that the turn fails of it. */
__attribute__((format(printf, 2, 3))) static bool refuse(struct runner *r, const char *format,
                                                         ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(r->refusal, sizeof r->refusal, format, args);
    va_end(args);
    r->refused = true;
    return false;
}

static bool configure(struct runner *r, struct inst *child, const struct troupe_spawn *how) {
    const struct note_config *schema = child->type->config;
    if (!schema) {
        return !how || how->setting_count == 0 ||
               refuse(r, "'%s' takes no settings", child->type->id);
    }
    uint64_t count = how ? how->setting_count : 0;
    struct config_setting *settings = count ? mem_array(count, sizeof *settings) : NULL;
    if (count && !settings) {
        return refuse(r, "no memory");
    }
    for (uint64_t i = 0; i < count; i++) {
        settings[i] = (struct config_setting){
            .key = how->settings[i].key, .values = &how->settings[i].value, .count = 1};
    }
    struct inst_more *more = inst_more(child);
    struct err err;
    int status = more ? config_build(schema, settings, count, NULL, NULL, NULL, &more->config, &err)
                      : err_set(&err, ERR_NOMEM, "no memory");
    mem_free(settings);
    return status == 0 || refuse(r, "%s", err.text);
}

/* Who spawns does so often, and sends each child something before the next. All of that is one item: the children are
 * linked, and what each was sent is in its mailbox, which is shut until the commit. So a million of them take no memory
 * of the outbox, and the commit comes to each once, and to no more than the line that it links and opens. */
static int add_child(struct outbox *box, struct inst *child) {
    struct out_item *item = outbox_last_spawned(box);
    if (item) {
        struct inst *before = item->u.spawned.last;
        before->mbox.task.queue_next = &child->mbox.task;
        before->sibling.next = &child->sibling;
        child->sibling.prev = &before->sibling;
        item->u.spawned.type = item->u.spawned.type == child->type ? child->type : NULL;
    } else if ((item = outbox_add(box, OUT_SPAWN))) {
        item->u.spawned.first = child;
        item->u.spawned.type = child->type;
    } else {
        return -1;
    }
    item->u.spawned.last = child;
    item->count++;
    return 0;
}

static struct inst *child_after(const struct out_item *item, const struct inst *child) {
    return child == item->u.spawned.last ? NULL
                                         : (struct inst *)(void *)child->mbox.task.queue_next;
}

static bool has_name(const struct inst *in, const char *name) {
    const struct inst_more *more = inst_seen(in); /* it may live on another worker */
    return more && more->name && strcmp(more->name, name) == 0;
}

/* AI-2: names are unique among the open slots of a group; here, of a parent. */
static const struct inst *find_namesake(const struct runner *r, const char *name) {
    LIST_EACH (link, &r->inst->more->children) {
        const struct inst *child = LIST_OF(link, struct inst, sibling);
        if (has_name(child, name) && !mbox_is_closed(&child->mbox)) {
            return child;
        }
    }
    for (uint32_t i = r->outbox.done; i < r->outbox.count; i++) {
        const struct out_item *item = &r->outbox.items[i];
        const struct inst *child = item->kind == OUT_SPAWN ? item->u.spawned.first : NULL;
        for (; child; child = child_after(item, child)) {
            if (has_name(child, name)) {
                return child;
            }
        }
    }
    return NULL;
}

static bool name_child(struct runner *r, struct inst *child, struct troupe_str name) {
    char *text = inst_more(child) ? mem_text_n(name.data, name.size) : NULL;
    if (!text) {
        return refuse(r, "no memory");
    }
    child->more->name = text;
    if (strpbrk(text, "/[].")) {
        return refuse(r, "the name '%s' has one of the characters / [ ] .", text);
    }
    const struct inst *first = find_namesake(r, text);
    if (first) {
        char taken[160];
        inst_name(first, taken, sizeof taken);
        return refuse(r, "the name '%s' is taken by '%s'", text, taken);
    }
    return true;
}

/* Actors of the plan stay; children of ours live until we hear of their end. Of others the type can't be
 * read safely. */
static struct inst *join_target(struct runner *r, uint64_t uid) {
    struct inst *planned = proc_planned(r->proc, uid);
    if (planned || inst_uid(r->inst) == uid) {
        return planned ? planned : r->inst;
    }
    LIST_EACH (link, &r->inst->more->children) {
        struct inst *child = LIST_OF(link, struct inst, sibling);
        if (inst_uid(child) == uid) {
            return child;
        }
    }
    return NULL;
}

/* Which rows a join may connect: as a wire of the manifest. */
static bool fits(const struct inst_row *out, const struct inst_row *in) {
    bool is_call = in->kind == TROUPE_ROW_call;
    if (out->kind == TROUPE_ROW_ask) {
        return is_call;
    }
    return !is_call && (out->kind == TROUPE_ROW_out || out->kind == TROUPE_ROW_as);
}

static bool add_wire(struct inst *child, uint16_t out, struct inst *target, uint16_t row) {
    if (!child->ports) {
        child->ports = ports_make(child->type->row_count);
    }
    struct port *port = child->ports ? &child->ports[out] : NULL;
    struct wire *wires = port ? mem_resize(port->wires, (port->count + 1) * sizeof *wires) : NULL;
    if (!wires) {
        return false;
    }
    port->wires = wires;
    struct wire *wire = &wires[port->count];
    memset(wire, 0, sizeof *wire);
    wire->targets = mem_alloc(sizeof *wire->targets);
    if (!wire->targets) {
        return false;
    }
    port->count++;
    wire->count = 1;
    *wire->targets = (struct wire_target){&target->mbox, inst_uid(target), row,
                                          (uint8_t)inst_overflow(target, row)};
    const struct msg_type *wanted = inst_type(target)->rows[row].type;
    wire->body_room = wanted ? wanted->abi.body_size : 0;
    port->body_room = wire->body_room > port->body_room ? wire->body_room : port->body_room;
    inst_settle_port(child, out);
    return true;
}

static bool join(struct runner *r, struct inst *child, const struct troupe_join *join_) {
    uint16_t out = inst_type_row(child->type, join_->output);
    struct inst *target = join_target(r, join_->to.uid);
    uint16_t row =
        target ? inst_type_handler(inst_type(target), (uint16_t)join_->to.port) : INST_NO_ROW;
    if (out == INST_NO_ROW || row == INST_NO_ROW) {
        return refuse(r, "no such port to join '%.*s' to, or no such output",
                      TROUPE_STR_ARG(join_->output));
    }
    const struct inst_row *from = &child->type->rows[out];
    const struct inst_row *to = &inst_type(target)->rows[row];
    struct err err;
    if (!fits(from, to)) {
        return refuse(r, "'%s' cannot be joined to '%s': %s", from->name, to->name,
                      from->kind == TROUPE_ROW_ask ? "it asks, and nobody answers there"
                                                   : "it is no output for messages");
    }
    if (from->type && to->type && type_check_compatible(from->type, to->type, &err) < 0) {
        return refuse(r, "'%s' cannot be joined to '%s': %s", from->name, to->name, err.text);
    }
    return add_wire(child, out, target, row) || refuse(r, "no memory");
}

static bool equip(struct runner *r, struct inst *child, const struct troupe_spawn *how) {
    if (!how && !child->type->config) {
        return true;
    }
    if (!configure(r, child, how)) {
        return false;
    }
    if (how && how->name.size && !name_child(r, child, how->name)) {
        return false;
    }
    for (uint64_t i = 0; how && i < how->join_count; i++) {
        if (!join(r, child, &how->joins[i])) {
            return false;
        }
    }
    return true;
}

/* AI-1: one counter per root tree; AI-3: it never gives a number twice. */
static uint64_t next_pid(const struct inst *parent) {
    struct inst_more *more = parent->more;
    if (!more->root) {
        more->root = inst_root(parent);
    }
    return atomic_fetch_add_explicit(&more->root->more->next_pid, 1, memory_order_relaxed);
}

/* While its children drain it gets no new ones: else one that replaces each child would never end
 * (DR-2). */
static bool may_spawn(struct runner *r, const struct inst *parent, uint32_t capacity) {
    bool lives = parent->phase == PHASE_LIVE || parent->phase == PHASE_CLIENT;
    if (!lives || parent->told || parent->children_draining) {
        return refuse(r, "'%s' is stopping", parent->type->id);
    }
    return capacity <= MBOX_CAPACITY_MAX ||
           refuse(r, "a mailbox holds at most %u messages, not %u", MBOX_CAPACITY_MAX, capacity);
}

/* What its parent was told for good. */
static void tell_child(const struct inst *parent, struct inst *child) {
    child->watched = parent->watched;
    child->alive_by_timers = parent->alive_by_timers;
}

/* It stays where it was made. Else a dedicated worker serves its one actor: children go where there is company, or get
 * their own. */
static bool stays_here(const struct runner *r, const struct inst *child) {
    return !child->type->own_thread && !r->worker->dedicated;
}

static struct troupe_ref spawn(struct runner *r, const struct inst_type *type, uint16_t row,
                               const struct troupe_spawn *how) {
    struct inst *parent = r->inst;
    uint32_t capacity = how && how->capacity ? how->capacity : r->proc->options.capacity;
    struct troupe_ref none = {0, 0};
    if (!may_spawn(r, parent, capacity)) {
        return none;
    }
    /* TX-1: shut to those who knew its cell's owner before; until the commit there is no child */
    struct inst *child =
        inst_more(parent) ? inst_make_shut(r, r->proc, type, capacity, r->worker) : NULL;
    if (!child) {
        (void)refuse(r, "no memory");
        return none;
    }
    child->spawned = true;
    atomic_store_explicit(&child->parent, parent, memory_order_relaxed);
    child->child_row = row;
    if (!equip(r, child, how) || add_child(&r->outbox, child) < 0) {
        inst_unmake(r, child);
        return none;
    }
    child->pid = next_pid(parent);
    /* what most commits would find, while it is at hand */
    tell_child(parent, child);
    if (stays_here(r, child)) {
        (void)life_start_unseen(r, child);
    }
    return (struct troupe_ref){inst_uid(child), 0};
}

struct troupe_ref child_spawn(struct runner *r, uint16_t row, const struct troupe_spawn *how) {
    return spawn(r, type_current(r->inst->type->rows[row].child), row, how);
}

struct troupe_ref child_spawn_by_hand(struct runner *r, struct inst *parent,
                                      const struct inst_type *type,
                                      const struct troupe_spawn *how) {
    r->inst = parent;
    r->refused = false;
    struct troupe_ref ref = spawn(r, type, INST_NO_ROW, how);
    r->inst = NULL;
    (void)outbox_commit(r, parent, &r->outbox, false);
    return ref;
}

/* Its parent, or the thread, may have moved to another worker since it was made. */
static void place(struct runner *r, struct inst *child) {
    struct sched_worker *dedicated;
    struct err err;
    if (!child->type->own_thread) {
        struct sched_worker *home =
            r->worker->dedicated ? sched_worker_at(r->proc->sched, 0) : r->worker;
        atomic_store_explicit(&child->mbox.task.home, home, memory_order_release);
    } else if (sched_dedicate(r->proc->sched, "troupe-own", &child->mbox.task, &dedicated, &err) <
               0) {
        /* it runs on this worker after all, and says why it can't */
        life_fail(r, child, FAILURE_HOST, TROUPE_NO_MEMORY, err.text, NULL);
    }
}

/* It has waited in an outbox while its type went over to other code; it has no state yet. */
static void bring_up_to_date(struct inst *child) {
    const struct inst_type *type = type_current(child->type->line);
    if (type != child->type) {
        __atomic_store_n(&child->type, type, __ATOMIC_SEQ_CST); /* L-1 */
    }
}

/* Of what they were sent by the turn that spawned them: PD-5, and as ever when something was sent. */
static void count_kept(struct runner *r, uint32_t kept) {
    if (kept > 0) {
        queue_count(r, kept);
        outbox_count_sent(r, kept);
    }
}

/* a parent that stops with this still held back has told its other children already */
static bool lives(const struct inst *parent) {
    return parent->phase == PHASE_LIVE || parent->phase == PHASE_CLIENT;
}

/* Takes life_start_unseen back. */
static void unbegin(struct inst *child) {
    child->phase = PHASE_DOWN;
    child->starts = false;
    child->cleanup_ok = false;
    atomic_store_explicit(&child->created_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&child->incarnation, 0, memory_order_relaxed);
    atomic_store_explicit(&child->doing, INST_CREATED, memory_order_relaxed);
}

/* Whatever has changed since it was spawned, which may be long ago, as the turn may have been held back. */
static void commit_anyhow(struct runner *r, struct inst *parent, struct inst *child) {
    if (child->phase == PHASE_LIVE) {
        unbegin(child);
    }
    bring_up_to_date(child);
    tell_child(parent, child);
    bool here = stays_here(r, child);
    place(r, child);
    if (child->mbox.head) {
        move_note(r, atomic_load_explicit(&child->mbox.task.home, memory_order_relaxed),
                  inst_uid(child));
    }
    if (lives(parent) && here && life_start_unseen(r, child)) {
        mbox_open_here(&child->mbox);
        sched_ready_here(r->worker, &child->mbox.task);
        return;
    }
    if (lives(parent)) {
        child->starts = true;
    } else {
        unsigned signal = parent->aborted ? SIGNAL_ABORT : SIGNAL_STOP;
        atomic_store_explicit(&child->signals, (uint16_t)signal, memory_order_relaxed);
    }
    /* not quiet: it is to start */
    inst_set_running(child, true);
    mbox_open(&child->mbox); /* its home is known now, and gets it with all that stands above */
    mbox_poke(&child->mbox);
}

/* All is as it was when they were spawned, in the turn that just ended, and they have begun. A thread that was stuck in
 * it has another worker since (FC-3). */
static bool are_ready(const struct runner *r, const struct inst *parent,
                      const struct out_item *item) {
    const struct inst_type *type = item->u.spawned.type;
    const struct inst *first = item->u.spawned.first;
    return lives(parent) && !parent->paused && type && type_current(type->line) == type &&
           first->phase == PHASE_LIVE &&
           atomic_load_explicit(&first->mbox.task.home, memory_order_relaxed) == r->worker;
}

/* Takes the first of them out of the item. */
static struct inst *take_first(struct out_item *item) {
    struct inst *child = item->u.spawned.first;
    item->u.spawned.first = child_after(item, child);
    item->count--;
    return child;
}

void children_commit(struct runner *r, struct inst *parent, struct out_item *item) {
    bool ready = are_ready(r, parent, item);
    inst_adopt(parent, item->u.spawned.first, item->u.spawned.last, item->count);
    count_kept(r, item->u.spawned.kept);
    if (ready && item->u.spawned.kept > 0) {
        move_note(r, r->worker, 0);
    }
    while (item->count > 0) {
        struct inst *child = take_first(item);
        if (ready) {
            prefetch_ahead(child, CELLS_AHEAD, 1);
            mbox_open_here(&child->mbox);
            sched_ready_here(r->worker, &child->mbox.task);
        } else {
            commit_anyhow(r, parent, child);
        }
    }
}

void children_discard(struct runner *r, struct out_item *item, int32_t reason) {
    while (item->count > 0) {
        struct inst *child = take_first(item);
        struct msg *kept = mbox_close(&child->mbox);
        while (reason && kept) {
            struct msg *next = kept->next;
            bury(r, r->proc, kept, reason);
            kept = next;
        }
        msg_free_chain(r->pool, kept);
        inst_unmake(r, child);
    }
}
