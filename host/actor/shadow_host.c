/* The host's tables for turns that a shadow follows, which are written down, and for the shadow's own, which are
 * played: see tape.h. All else sees the usual table only, and pays nothing for these two. */
#include <stdio.h>
#include <string.h>

#include "actor/shadow_impl.h"
#include "message/json.h"

struct tape_item shadow_item(const struct runner *r, enum tape_kind kind,
                             const struct inst_row *row) {
    return (struct tape_item){.kind = kind, .row = row ? host_number(r, row) : TAPE_NO_ROW};
}

struct tape_item shadow_message(const struct runner *r, enum tape_kind kind,
                                const struct inst_row *row, const void *body) {
    struct tape_item item = shadow_item(r, kind, row);
    item.type = row->type;
    item.body = body;
    return item;
}

/* Whether something is wired to the output: else nothing is sent. */
const struct port *shadow_port(const struct runner *r, const struct inst_row *row) {
    const struct port *ports = r->shadow->actor->ports;
    uint16_t number = host_number(r, row);
    return ports && number < port_block_of((struct port *)(uintptr_t)ports)->count &&
                   ports[number].count > 0
               ? &ports[number]
               : NULL;
}

static void add_pair(struct str *out, const char *before, struct troupe_str key,
                     struct troupe_str value) {
    str_add(out, before);
    msg_json_add_text(out, key.data, key.size);
    str_add(out, ": ");
    msg_json_add_text(out, value.data, value.size);
}

/* {"name": "x", "capacity": 0, "settings": {"key": "value"}, "joins": {"output": "uid:1, 2"}} */
void shadow_describe_spawn(struct str *out, const struct troupe_spawn *how) {
    str_init(out);
    str_add(out, "{");
    for (uint64_t i = 0; how && i < how->setting_count; i++) {
        add_pair(out, i ? ", " : "\"settings\": {", how->settings[i].key, how->settings[i].value);
    }
    str_add(out, how && how->setting_count ? "}, " : "");
    for (uint64_t i = 0; how && i < how->join_count; i++) {
        char to[48];
        (void)snprintf(to, sizeof to, "uid:%llu, %llu", (unsigned long long)how->joins[i].to.uid,
                       (unsigned long long)how->joins[i].to.port);
        add_pair(out, i ? ", " : "\"joins\": {", how->joins[i].output, troupe_str(to));
    }
    str_add(out, how && how->join_count ? "}, " : "");
    add_pair(out, "", troupe_str("name"), how ? how->name : troupe_str(""));
    str_addf(out, ", \"capacity\": %u}", how ? how->capacity : 0);
}

struct tape_item shadow_answer(const struct runner *r, const struct inst_row *row,
                               struct troupe_once request, int32_t status, struct troupe_str text,
                               const void *body) {
    struct tape_item item = shadow_item(r, TAPE_ANSWER, row);
    item.to[0] = request.uid;
    item.to[1] = request.call;
    item.status = status;
    item.text = status < 0 ? text : troupe_str("");
    item.type = status < 0 ? NULL : row->reply;
    item.body = body;
    return item;
}

void shadow_host_fill(const struct troupe_host *host, struct troupe_host *ret_writes,
                      struct troupe_host *ret_plays) {
    *ret_writes = *host;
    *ret_plays = *host;
    shadow_writes_fill(ret_writes);
    shadow_plays_fill(ret_plays);
}
