/* Spawning: a child is made when asked for and starts when the turn commits. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"

static struct config *child_config(const struct inst_type *type, const struct troupe_spawn *how,
                                   bool *ret_ok) {
    *ret_ok = true;
    if (!type->config) {
        *ret_ok = !how || how->setting_count == 0;
        return NULL;
    }
    uint64_t count = how ? how->setting_count : 0;
    struct config_setting *settings = count ? mem_array(count, sizeof *settings) : NULL;
    struct config *config = NULL;
    *ret_ok = !count || settings;
    for (uint64_t i = 0; settings && i < count; i++) {
        settings[i] = (struct config_setting){
            .key = how->settings[i].key, .values = &how->settings[i].value, .count = 1};
    }
    struct err err;
    if (*ret_ok &&
        config_build(type->config, settings, count, NULL, NULL, NULL, &config, &err) < 0) {
        *ret_ok = false;
    }
    mem_free(settings);
    return config;
}

/* AI-2: names are unique among the open slots of a group; here, of a parent. */
static bool name_is_taken(const struct inst *parent, const char *name) {
    LIST_EACH (link, &parent->children) {
        const struct inst *child = LIST_OF(link, struct inst, sibling);
        if (child->more && child->more->name && strcmp(child->more->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool name_in_outbox(const struct outbox *box, const char *name) {
    for (uint32_t i = box->done; i < box->count; i++) {
        const struct inst *child = box->items[i].kind == OUT_SPAWN ? box->items[i].u.child : NULL;
        if (child && child->more && child->more->name && strcmp(child->more->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool name_child(struct runner *r, struct inst *child, struct troupe_str name) {
    struct inst_more *more = inst_more(child);
    char *text = more ? mem_text_n(name.data, name.size) : NULL;
    if (!text) {
        return false;
    }
    if (strpbrk(text, "/[].") || name_is_taken(r->inst, text) || name_in_outbox(&r->outbox, text)) {
        mem_free(text);
        return false;
    }
    more->name = text;
    return true;
}

/* Plan actors have the first cells, and stay; children of ours live until we hear of their end. Of
 * others the type can't be read safely. */
static struct inst *join_target(struct runner *r, uint64_t uid) {
    struct proc *proc = r->proc;
    for (uint32_t i = 0; i < proc->actor_count; i++) {
        if (inst_uid(proc->actors[i]) == uid) {
            return proc->actors[i];
        }
    }
    if (inst_uid(r->inst) == uid) {
        return r->inst;
    }
    LIST_EACH (link, &r->inst->children) {
        struct inst *child = LIST_OF(link, struct inst, sibling);
        if (inst_uid(child) == uid) {
            return child;
        }
    }
    return NULL;
}

static bool join(struct runner *r, struct inst *child, const struct troupe_join *join_) {
    uint16_t out = inst_type_row(child->type, join_->output);
    struct inst *target = join_target(r, join_->to.uid);
    uint16_t row = target ? inst_type_handler(target->type, (uint16_t)join_->to.port) : INST_NO_ROW;
    if (out == INST_NO_ROW || row == INST_NO_ROW ||
        (child->type->rows[out].kind != TROUPE_ROW_out &&
         child->type->rows[out].kind != TROUPE_ROW_ask)) {
        return false;
    }
    const struct msg_type *sent = child->type->rows[out].type;
    const struct msg_type *wanted = target->type->rows[row].type;
    if (sent && wanted && type_check_compatible(sent, wanted, NULL) < 0) {
        return false;
    }
    if (!child->ports) {
        child->ports = mem_array(child->type->row_count, sizeof *child->ports);
    }
    if (!child->ports) {
        return false;
    }
    struct port *port = &child->ports[out];
    struct wire *wires = mem_resize(port->wires, (port->count + 1) * sizeof *wires);
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
    uint8_t overflow = target->row_overflow ? target->row_overflow[row] : WIRE_BLOCK;
    *wire->targets = (struct wire_target){&target->mbox, inst_uid(target), row, overflow};
    wire->body_room = wanted ? wanted->abi.body_size : 0;
    port->body_room = wire->body_room > port->body_room ? wire->body_room : port->body_room;
    return true;
}

static bool equip(struct runner *r, struct inst *child, const struct troupe_spawn *how) {
    bool ok;
    child->config = child_config(child->type, how, &ok);
    if (!ok || !how) {
        return ok;
    }
    if (how->name.size && !name_child(r, child, how->name)) {
        return false;
    }
    for (uint64_t i = 0; i < how->join_count; i++) {
        if (!join(r, child, &how->joins[i])) {
            return false;
        }
    }
    return true;
}

struct troupe_ref child_spawn(struct runner *r, uint16_t row, const struct troupe_spawn *how) {
    struct inst *parent = r->inst;
    const struct inst_type *type = parent->type->rows[row].child;
    uint32_t capacity = how && how->capacity ? how->capacity : r->proc->options.capacity;
    struct troupe_ref none = {0, 0};
    if (!type || parent->draining || parent->phase != PHASE_LIVE || capacity > MBOX_CAPACITY_MAX) {
        return none;
    }
    struct inst *child = inst_make(r, r->proc, type, capacity, 0, r->worker);
    if (!child) {
        return none;
    }
    child->spawned = true;
    child->parent = parent;
    child->root = parent->root;
    child->child_row = row;
    struct out_item *item = equip(r, child, how) ? outbox_add(&r->outbox, OUT_SPAWN) : NULL;
    if (!item) {
        inst_unmake(r, child);
        return none;
    }
    /* AI-1: one counter per root tree; AI-3: it never gives a number twice */
    child->pid = atomic_fetch_add_explicit(&parent->root->next_pid, 1, memory_order_relaxed);
    item->u.child = child;
    return (struct troupe_ref){inst_uid(child), 0};
}

void child_commit(struct runner *r, struct inst *parent, struct inst *child) {
    list_add_last(&parent->children, &child->sibling);
    parent->open_children++;
    struct sched_worker *worker = r->worker;
    if (child->type->own_thread || worker->dedicated) {
        struct sched_worker *dedicated;
        struct err err;
        if (!child->type->own_thread) {
            /* a dedicated worker serves its one actor: others go where there is company */
            atomic_store_explicit(&child->mbox.task.home, sched_worker_at(r->proc->sched, 0),
                                  memory_order_release);
        } else if (sched_dedicate(r->proc->sched, "troupe-own", &child->mbox.task, &dedicated,
                                  &err) < 0) {
            /* it runs on this worker after all, and says why it can't */
            life_fail(r, child, TROUPE_NO_MEMORY, err.text, NULL);
        }
    }
    inst_signal(child, SIGNAL_START);
}
