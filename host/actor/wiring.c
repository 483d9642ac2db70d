/* Making the ports of actors by a plan, and giving them to those that run. */
#include "actor/wiring.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"

/* --- by a plan --- */

int wiring_init(struct wiring *wiring, const struct plan *plan, struct inst *const *actors) {
    *wiring = (struct wiring){.plan = plan, .actors = actors};
    wiring->first = mem_array(plan->actor_count + 1, sizeof *wiring->first);
    wiring->next = mem_array(plan->wire_count + 1, sizeof *wiring->next);
    if (!wiring->first || !wiring->next) {
        wiring_fini(wiring);
        return -1;
    }
    for (size_t i = 0; i < plan->actor_count; i++) {
        wiring->first[i] = PLAN_NONE;
    }
    for (uint32_t i = (uint32_t)plan->wire_count; i-- > 0;) {
        uint32_t *first = &wiring->first[plan->wires[i].from];
        wiring->next[i] = *first;
        *first = i;
    }
    return 0;
}

void wiring_fini(struct wiring *wiring) {
    mem_free(wiring->first);
    mem_free(wiring->next);
    wiring->first = wiring->next = NULL;
}

/* What the plan calls row `row` of that actor: its code may be of another generation (Y-1). */
static uint16_t row_number(const struct plan *plan, uint32_t actor, const struct inst *in,
                           uint32_t row) {
    const struct note_row *rows = plan->types[plan->actors[actor].type].note->rows;
    const struct inst_type *type = inst_type(in);
    if (row < type->row_count && strcmp(type->rows[row].name, rows[row].name) == 0) {
        return (uint16_t)row;
    }
    return inst_type_row(type, troupe_str(rows[row].name));
}

/* Where the parts of a block are put, one after another. */
struct fill {
    const struct wiring *wiring;
    struct wire_target *targets;
    char *keys;
};

/* Of a wire, without its end; 0: it has none. */
static size_t key_size(const struct plan_wire *wire) {
    return wire->key_name ? strlen(wire->key_name) : 0;
}

static const char *fill_key(struct fill *fill, const struct plan_wire *from) {
    size_t size = key_size(from);
    if (size == 0) {
        return NULL;
    }
    char *key = memcpy(fill->keys, from->key_name, size + 1);
    fill->keys += size + 1;
    return key;
}

static void fill_wire(struct fill *fill, const struct plan_wire *from, struct wire *wire) {
    const struct plan *plan = fill->wiring->plan;
    wire->targets = fill->targets;
    wire->count = (uint32_t)from->to_count;
    wire->mode = (uint8_t)from->route;
    wire->key = fill_key(fill, from);
    for (size_t i = 0; i < from->to_count; i++) {
        struct inst *to = fill->wiring->actors[from->to[i]];
        uint16_t row = row_number(plan, from->to[i], to, from->to_row);
        assert(row != INST_NO_ROW); /* who loads, or reloads, has looked */
        wire->targets[i] =
            (struct wire_target){&to->mbox, inst_uid(to), row, (uint8_t)inst_overflow(to, row)};
        const struct msg_type *wanted = inst_type(to)->rows[row].type;
        if (wanted && wanted->abi.body_size > wire->body_room) {
            wire->body_room = wanted->abi.body_size;
        }
    }
    fill->targets += from->to_count;
}

static void settle(struct port *ports, const struct inst_type *type, uint16_t row) {
    const struct inst_row *of = &type->rows[row];
    port_settle(&ports[row], of->kind == TROUPE_ROW_out ? of->type : NULL);
}

struct sizes {
    uint32_t wires;
    size_t targets, keys;
};

/* Targets lie behind the wires, keys behind these. */
struct wire_block {
    struct looks_block block; /* first */
    struct wire wires[];
};

static struct port_block *make_block(uint16_t row_count, struct sizes sizes) {
    struct port *ports = ports_make(row_count);
    struct port_block *block = ports ? port_block_of(ports) : NULL;
    struct wire_block *wires = mem_alloc(sizeof *wires + sizes.wires * sizeof(struct wire) +
                                         sizes.targets * sizeof(struct wire_target) + sizes.keys);
    if (!block || !wires) {
        mem_free(block);
        mem_free(wires);
        return NULL;
    }
    block->wires = wires;
    return block;
}

/* Each row's wires side by side, in the order of the plan. */
static void place_wires(const struct wiring *wiring, uint32_t actor, struct port_block *block,
                        struct sizes sizes) {
    const struct inst *in = wiring->actors[actor];
    struct wire *wires = block->wires->wires;
    struct wire_target *targets = (struct wire_target *)(void *)(wires + sizes.wires);
    struct fill fill = {wiring, targets, (char *)(targets + sizes.targets)};
    for (uint16_t row = 0; row < block->count; row++) {
        struct port *port = &block->ports[row];
        port->wires = wires;
        for (uint32_t i = wiring->first[actor]; i != PLAN_NONE; i = wiring->next[i]) {
            const struct plan_wire *from = &wiring->plan->wires[i];
            if (row_number(wiring->plan, actor, in, from->from_row) == row) {
                struct wire *wire = &wires[port->count++];
                fill_wire(&fill, from, wire);
                port->body_room =
                    wire->body_room > port->body_room ? wire->body_room : port->body_room;
            }
        }
        wires += port->count;
        if (port->count > 0) {
            settle(block->ports, inst_type(in), row);
        }
    }
}

int wiring_make_ports(const struct wiring *wiring, uint32_t actor, struct port **ret) {
    struct sizes sizes = {0, 0, 0};
    for (uint32_t i = wiring->first[actor]; i != PLAN_NONE; i = wiring->next[i]) {
        const struct plan_wire *wire = &wiring->plan->wires[i];
        sizes.wires++;
        sizes.targets += wire->to_count;
        sizes.keys += wire->key_name ? key_size(wire) + 1 : 0;
    }
    *ret = NULL;
    if (sizes.wires == 0) {
        return 0;
    }
    uint16_t row_count = inst_type(wiring->actors[actor])->row_count;
    struct port_block *block = make_block(row_count, sizes);
    if (!block) {
        return -1;
    }
    place_wires(wiring, actor, block, sizes);
    *ret = block->ports;
    return 0;
}

void wiring_drop_ports(struct port *ports) {
    struct port_block *block = ports ? port_block_of(ports) : NULL;
    for (uint16_t i = 0; block && !block->wires && i < block->count; i++) {
        port_fini(&ports[i]);
    }
    mem_free(block ? block->wires : NULL);
    mem_free(block);
}

void wiring_give_up_ports(struct proc *proc, struct port *ports) {
    struct port_block *block = ports ? port_block_of(ports) : NULL;
    if (block) {
        looks_give_up(proc, block->wires ? &block->wires->block : NULL);
        looks_give_up(proc, &block->block);
    }
}

/* --- for those that run --- */

/* One actor's. */
struct rewiring {
    struct rewire *of;
    struct inst *in;
    struct port *ports; /* to be; once it has changed, those before; NULL: no wires */

    /* under of->lock */
    bool is_done;    /* or need not change, or was not told yet */
    bool is_changed; /* has the ports that it had not at first */
};

struct rewire {
    struct proc *proc;
    size_t count;
    pthread_mutex_t lock;
    pthread_cond_t changed;  /* on CLOCK_MONOTONIC */
    size_t left;             /* under lock */
    struct rewiring items[]; /* ports: the home worker's from rewire_begin until it is done */
};

int rewire_create(struct proc *proc, size_t room, struct rewire **ret) {
    struct rewire *rewire = mem_alloc(sizeof *rewire + room * sizeof *rewire->items);
    if (!rewire) {
        return -1;
    }
    rewire->proc = proc;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&rewire->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&rewire->lock, NULL);
    *ret = rewire;
    return 0;
}

void rewire_add(struct rewire *rewire, struct inst *in, struct port *ports) {
    rewire->items[rewire->count++] =
        (struct rewiring){.of = rewire, .in = in, .ports = ports, .is_done = true};
}

static void tell(struct rewiring *item) {
    struct inst_more *more = inst_seen(item->in);
    item->is_done = false;
    /* release: pairs with rewire_obey */
    atomic_store_explicit(&more->rewiring, item, memory_order_release);
    inst_signal(item->in, SIGNAL_SWAP);
}

void rewire_begin(struct rewire *rewire) {
    pthread_mutex_lock(&rewire->lock);
    rewire->left = rewire->count;
    for (size_t i = 0; i < rewire->count; i++) {
        tell(&rewire->items[i]);
    }
    pthread_mutex_unlock(&rewire->lock);
}

/* Whoever takes it out has it. */
static struct rewiring *take(struct inst *in) {
    struct inst_more *more = inst_seen(in);
    return more ? atomic_exchange_explicit(&more->rewiring, NULL, memory_order_acq_rel) : NULL;
}

size_t rewire_left(struct rewire *rewire, const struct inst **ret_one) {
    pthread_mutex_lock(&rewire->lock);
    for (size_t i = 0; i < rewire->count; i++) {
        struct rewiring *item = &rewire->items[i];
        if (!item->is_done && !inst_is_open(item->in) && take(item->in)) {
            item->is_done = true; /* it sends nothing any more */
            rewire->left--;
        }
        *ret_one = item->is_done ? *ret_one : item->in;
    }
    size_t left = rewire->left;
    pthread_mutex_unlock(&rewire->lock);
    return left;
}

void rewire_wait(struct rewire *rewire, size_t left, uint64_t until_ns) {
    struct timespec until = {(time_t)(until_ns / NS_PER_S), (long)(until_ns % NS_PER_S)};
    int status = 0;
    pthread_mutex_lock(&rewire->lock);
    while (rewire->left >= left && status == 0) {
        status = pthread_cond_timedwait(&rewire->changed, &rewire->lock, &until);
    }
    pthread_mutex_unlock(&rewire->lock);
}

/* One whose order is gone and that is not done changes just now. */
static void withdraw_locked(struct rewiring *item) {
    struct rewire *rewire = item->of;
    if (!item->is_done && take(item->in)) {
        item->is_done = true; /* as it was */
        rewire->left--;
    }
    while (!item->is_done) {
        pthread_cond_wait(&rewire->changed, &rewire->lock);
    }
}

void rewire_back(struct rewire *rewire) {
    pthread_mutex_lock(&rewire->lock);
    for (size_t i = 0; i < rewire->count; i++) {
        withdraw_locked(&rewire->items[i]);
    }
    for (size_t i = 0; i < rewire->count; i++) {
        if (rewire->items[i].is_changed) {
            rewire->left++;
            tell(&rewire->items[i]);
        }
    }
    pthread_mutex_unlock(&rewire->lock);
}

void rewire_destroy(struct rewire *rewire) {
    if (!rewire) {
        return;
    }
    pthread_mutex_lock(&rewire->lock);
    for (size_t i = 0; i < rewire->count; i++) {
        struct port *ports = rewire->items[i].ports;
        withdraw_locked(&rewire->items[i]);
        wiring_give_up_ports(rewire->proc, ports);
    }
    pthread_mutex_unlock(&rewire->lock);
    pthread_cond_destroy(&rewire->changed);
    pthread_mutex_destroy(&rewire->lock);
    mem_free(rewire);
}

/* --- by the home worker --- */

static struct wire *find_same(struct port *port, const struct wire *as) {
    for (uint32_t w = 0; w < port->count; w++) {
        struct wire *wire = &port->wires[w];
        if (wire->targets->mbox == as->targets->mbox && wire->targets->row == as->targets->row) {
            return wire;
        }
    }
    return NULL;
}

/* E-2 */
static void go_on_counting(struct port *from, struct port *to) {
    atomic_store_explicit(&to->plain_sent, 0,
                          memory_order_relaxed); /* it may have had a time before */
    for (uint32_t w = 0; w < to->count; w++) {
        struct wire *wire = &to->wires[w];
        struct wire *before = find_same(from, wire);
        if (before) {
            uint64_t sent = port_sent(from, (uint32_t)(before - from->wires));
            uint64_t dropped = atomic_load_explicit(&before->dropped, memory_order_relaxed);
            atomic_store_explicit(&wire->sent, sent, memory_order_relaxed);
            atomic_store_explicit(&wire->dropped, dropped, memory_order_relaxed);
        }
    }
}

static uint16_t count_of(struct port *ports) {
    return ports ? port_block_of(ports)->count : 0;
}

static void change(struct inst *in, struct rewiring *item) {
    struct port *before = in->ports;
    struct port *ports = item->ports;
    uint16_t count = count_of(before) < count_of(ports) ? count_of(before) : count_of(ports);
    for (uint16_t row = 0; row < count; row++) {
        go_on_counting(&before[row], &ports[row]);
    }
    item->ports = before;
    /* seq_cst: L-1 */
    __atomic_store_n(&in->ports, ports, __ATOMIC_SEQ_CST);
    for (uint16_t row = 0; row < count_of(ports) && row < in->type->row_count; row++) {
        if (ports[row].count > 0) {
            inst_settle_port(in, row);
        }
    }
}

void rewire_obey(struct inst *in) {
    bool is_told = in->more && atomic_load_explicit(&in->more->rewiring, memory_order_relaxed);
    struct rewiring *item = is_told && !in->paused ? take(in) : NULL;
    if (!item) {
        return;
    }
    struct rewire *rewire = item->of;
    change(in, item);
    pthread_mutex_lock(&rewire->lock);
    item->is_done = true;
    item->is_changed = !item->is_changed;
    rewire->left--;
    pthread_cond_broadcast(&rewire->changed);
    pthread_mutex_unlock(&rewire->lock);
}
