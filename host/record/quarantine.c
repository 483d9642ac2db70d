/* The quarantine. */
#include "record/quarantine.h"

#include <stdbool.h>

#include "base/alloc.h"
#include "message/json.h"
#include "record/json_out.h"

struct quarantined {
    struct list link; /* in quarantine.kept */
    uint64_t number;
    struct quarantine_facts facts;
    struct msg *message; /* owned */
    uint64_t bytes;
};

void quarantine_init(struct quarantine *quarantine, uint32_t keep, uint64_t bytes) {
    *quarantine = (struct quarantine){.keep = keep, .room = bytes};
    pthread_mutex_init(&quarantine->lock, NULL);
    list_init(&quarantine->kept);
}

static void free_list(struct list *list, struct pool *pool) {
    LIST_EACH_SAFE (link, after, list) {
        struct quarantined *q = LIST_OF(link, struct quarantined, link);
        msg_free(pool, q->message);
        mem_free(q);
    }
}

void quarantine_fini(struct quarantine *quarantine, struct pool *pool) {
    free_list(&quarantine->kept, pool);
    list_init(&quarantine->kept);
    quarantine->count = 0;
    quarantine->bytes = 0;
    pthread_mutex_destroy(&quarantine->lock);
}

/* Moves the oldest ones to `fallen` until one of `bytes` fits. */
static void make_room(struct quarantine *quarantine, uint64_t bytes, struct list *fallen) {
    while (quarantine->count > 0 && (quarantine->count >= quarantine->keep ||
                                     bytes > quarantine->room - quarantine->bytes)) {
        struct list *link = quarantine->kept.next;
        quarantine->count--;
        quarantine->bytes -= LIST_OF(link, struct quarantined, link)->bytes;
        list_remove(link);
        list_add_last(fallen, link);
    }
}

uint64_t quarantine_add(struct quarantine *quarantine, struct pool *pool,
                        const struct quarantine_facts *facts, struct msg *m) {
    uint64_t bytes = msg_block_size(msg_origin(m));
    bool can_fit = quarantine->keep > 0 && bytes <= quarantine->room;
    struct quarantined *added = can_fit ? mem_alloc(sizeof *added) : NULL;
    struct list fallen;
    list_init(&fallen);
    pthread_mutex_lock(&quarantine->lock);
    uint64_t number = ++quarantine->total;
    if (added) {
        make_room(quarantine, bytes, &fallen);
        *added =
            (struct quarantined){.number = number, .facts = *facts, .message = m, .bytes = bytes};
        list_add_last(&quarantine->kept, &added->link);
        quarantine->count++;
        quarantine->bytes += bytes;
    }
    pthread_mutex_unlock(&quarantine->lock);
    if (!added) {
        msg_free(pool, m);
    }
    free_list(&fallen, pool);
    return number;
}

struct quarantine_counts quarantine_counts(struct quarantine *quarantine) {
    pthread_mutex_lock(&quarantine->lock);
    struct quarantine_counts counts = {quarantine->count, quarantine->bytes, quarantine->total,
                                       quarantine->total - quarantine->count};
    pthread_mutex_unlock(&quarantine->lock);
    return counts;
}

/* ------------------------------------------------------- reading */

/* A copy that stays when the one it is of falls out: its body is held. */
struct look {
    uint64_t number;
    struct quarantine_facts facts;
    struct msg *origin;
    uint32_t type;
};

static struct look look_at(const struct quarantined *q) {
    return (struct look){q->number, q->facts, msg_hold(q->message), q->message->type};
}

static bool find(struct quarantine *quarantine, uint64_t number, struct look *ret) {
    bool found = false;
    pthread_mutex_lock(&quarantine->lock);
    LIST_EACH (link, &quarantine->kept) {
        const struct quarantined *q = LIST_OF(link, struct quarantined, link);
        if (q->number == number) {
            *ret = look_at(q);
            found = true;
        }
    }
    pthread_mutex_unlock(&quarantine->lock);
    return found;
}

/* Up to `room`, oldest first. */
static uint32_t look_at_all(struct quarantine *quarantine, struct look *looks, uint32_t room) {
    uint32_t count = 0;
    pthread_mutex_lock(&quarantine->lock);
    LIST_EACH (link, &quarantine->kept) {
        if (count < room) {
            looks[count++] = look_at(LIST_OF(link, struct quarantined, link));
        }
    }
    pthread_mutex_unlock(&quarantine->lock);
    return count;
}

static void add_value(struct json_out *json, const struct look *look, struct type_table *types) {
    const struct msg_type *type = type_get(types, look->type);
    if (type) {
        json_text_n(json, "type", type->abi.id.data, type->abi.id.size);
        json_key(json, "value");
        struct troupe_any any = {&type->abi, msg_own_body(look->origin)};
        msg_json_add(json->out, &any);
    }
}

static void add_look(struct str *out, const struct look *look, struct type_table *types,
                     const char *separator) {
    const struct quarantine_facts *f = &look->facts;
    struct json_out json = json_open(out, '{', separator);
    json_number(&json, "format", 1);
    json_text(&json, "kind", "message");
    json_number(&json, "number", look->number);
    json_text(&json, "actor", f->actor);
    json_number(&json, "uid", f->uid);
    json_number(&json, "incarnation", f->incarnation);
    json_number(&json, "deaths", f->deaths);
    json_time(&json, "at", f->wall_ns);
    json_text_some(&json, "port", f->port);
    json_text_some(&json, "sender", f->sender);
    json_text(&json, "why", f->reason);
    add_value(&json, look, types);
    json_close(&json, '}');
}

int quarantine_json(struct quarantine *quarantine, struct pool *pool, struct type_table *types,
                    uint64_t number, struct str *out) {
    struct look look;
    if (!find(quarantine, number, &look)) {
        return -1;
    }
    add_look(out, &look, types, "\n  ");
    str_add_char(out, '\n');
    msg_release(pool, look.origin);
    return 0;
}

void quarantine_list_json(struct quarantine *quarantine, struct pool *pool,
                          struct type_table *types, struct str *out) {
    uint32_t room = quarantine_counts(quarantine).kept;
    struct look *looks = mem_array(room + 1, sizeof *looks);
    if (!looks) {
        out->failed = true;
        return;
    }
    uint32_t count = look_at_all(quarantine, looks, room);
    struct json_out list = json_open(out, '[', "\n  ");
    for (uint32_t i = 0; i < count; i++) {
        json_key(&list, NULL);
        add_look(out, &looks[i], types, " ");
        msg_release(pool, looks[i].origin);
    }
    json_close(&list, ']');
    str_add_char(out, '\n');
    mem_free(looks);
}
