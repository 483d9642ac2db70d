/* Gathering what is known of an instance. */
#include "actor/facts.h"

#include <stdio.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"
#include "message/json.h"

int64_t facts_wall(const struct proc *proc, uint64_t mono_ns) {
    struct clock *clock = proc->clock;
    uint64_t now_ns = clock->now(clock);
    uint64_t ago_ns = now_ns > mono_ns ? now_ns - mono_ns : 0;
    return mono_ns ? clock->wall(clock) - (int64_t)ago_ns : 0;
}

static void gather_attributes(const struct inst *in, struct facts_room *room,
                              struct snapshot_facts *facts) {
    const struct published *at = inst_published(in);
    for (; at && facts->attribute_count < SNAPSHOT_ATTRIBUTES_MAX; at = published_next(at)) {
        struct str json;
        str_init(&json);
        msg_json_add_value(&json, &at->value);
        room->attributes[facts->attribute_count++] =
            (struct snapshot_attribute){at->name, json.failed ? NULL : str_take(&json)};
        str_fini(&json);
    }
    facts->attributes = room->attributes;
}

static void gather_names(const struct inst *in, struct facts_room *room,
                         struct snapshot_facts *facts) {
    const struct inst_type *type = inst_type(in);
    const struct inst *parent = inst_parent(in);
    inst_name(in, room->id, sizeof room->id);
    facts->proc = in->proc->name;
    facts->id = room->id;
    facts->name = inst_shown_name(in);
    if (parent && parent != in->proc->self) {
        inst_name(parent, room->parent, sizeof room->parent);
        facts->parent = room->parent;
    }
    facts->actor_type = type->id;
    facts->plugin = type->plugin;
    facts->generation = type->generation;
    facts->last_handler = inst_last_handler(in);
}

void facts_gather(const struct inst *in, struct facts_room *room, struct snapshot_facts *facts) {
    struct proc *proc = in->proc;
    memset(facts, 0, sizeof *facts);
    gather_names(in, room, facts);
    facts->uid = inst_uid(in);
    facts->pid = in->pid;
    facts->incarnation = inst_incarnation(in);
    facts->is_system = !inst_type(in)->line;
    facts->ended_ns = proc->clock->now(proc->clock);
    facts->ended_wall_ns = proc->clock->wall(proc->clock);
    uint64_t created_ns = atomic_load_explicit(&in->created_ns, memory_order_relaxed);
    facts->created_wall_ns = created_ns ? snapshot_wall(facts, created_ns) : 0;
    facts->messages_processed = atomic_load_explicit(&in->processed, memory_order_relaxed);
    facts->total_processing_time_us =
        atomic_load_explicit(&in->busy_ns, memory_order_relaxed) / NS_PER_US;
    facts->queue_depth = mbox_depth(&in->mbox);
    facts->queue_high_water = inst_high_water(in);
    const struct past *past = inst_past(in);
    facts->restarts = past ? past->items : NULL;
    facts->restart_count = past ? past->count : 0;
    gather_attributes(in, room, facts);
}

void facts_let_go(struct facts_room *room, const struct snapshot_facts *facts) {
    for (size_t i = 0; i < facts->attribute_count; i++) {
        mem_free((void *)(uintptr_t)room->attributes[i].json);
    }
}
