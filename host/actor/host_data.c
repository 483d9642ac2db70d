/* Memory, texts, clocks, saved states: the parts of the host table that send nothing. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "actor/host_impl.h"
#include "base/alloc.h"
#include "message/json.h"
#include "plugin/saved.h"

static const void *host_extension(const struct troupe_host *host, struct troupe_str id) {
    (void)host;
    (void)id;
    return NULL; /* this host has none yet */
}

static void *host_alloc(struct troupe_turn *turn, uint64_t size) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, NULL);
    struct inst_memory *own = inst_memory(r->inst);
    return own ? heap_alloc(&own->heap, size) : NULL;
}

static void *host_resize(struct troupe_turn *turn, void *memory, uint64_t size) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, NULL);
    struct inst_memory *own = inst_memory(r->inst);
    return own ? heap_resize(&own->heap, memory, size) : NULL;
}

static void host_free(struct troupe_turn *turn, void *memory) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, );
    struct inst_memory *own = inst_has_memory(r->inst);
    if (!memory || !own) {
        return;
    }
    if (heap_free(&own->heap, memory) < 0) {
        turn->host->fail(turn, TROUPE_INVALID,
                         troupe_str("freed memory that is not a live block of this actor"));
    }
}

static void *host_scratch(struct troupe_turn *turn, uint64_t size) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, NULL);
    return scratch_alloc(&r->scratch, size);
}

static int32_t host_fail(struct troupe_turn *turn, int32_t status, struct troupe_str text) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    if (!r->failed) {
        r->failed = true;
        r->fail_kind = FAILURE_ERROR;
        r->fail_status = status < 0 ? status : TROUPE_ERROR;
        (void)snprintf(r->fail_text, sizeof r->fail_text, "%.*s", TROUPE_STR_ARG(text));
    }
    return status < 0 ? status : TROUPE_ERROR;
}

static void host_log(struct troupe_turn *turn, uint32_t level, struct troupe_str text) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, );
    struct log *log = r->proc->options.log;
    enum log_level host_level = level > LOG_DEBUG ? LOG_DEBUG : (enum log_level)level;
    struct flight *flight = record_flight(r->inst); /* FR-1 */
    if (flight) {
        r->flight_at = r->has_flight ? r->flight_at : flight_mark(flight);
        r->has_flight = true;
        flight_log(flight, sched_coarse_now(r->worker), host_level, text.data, text.size);
    }
    if (log && log_wants(log, host_level)) {
        char name[160];
        inst_name(r->inst, name, sizeof name);
        log_write_n(log, host_level, name, text.data, text.size);
        r->logged_level =
            r->logged++ && r->logged_level < host_level ? r->logged_level : host_level;
    }
}

/* Shown when the turn commits. */
static int32_t host_publish(struct troupe_turn *turn, struct troupe_str name,
                            const struct troupe_value *value) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    bool is_text = value->kind == TROUPE_KIND_str || value->kind == TROUPE_KIND_bytes;
    uint64_t text_size = is_text ? value->s.size : 0;
    if (name.size == 0 || value->kind == TROUPE_KIND_list) {
        return TROUPE_INVALID;
    }
    struct published *attribute =
        inst_more(r->inst) ? mem_alloc(sizeof *attribute + name.size + text_size + 2) : NULL;
    struct out_item *item = attribute ? outbox_add(&r->outbox, OUT_PUBLISH) : NULL;
    if (!item) {
        mem_free(attribute);
        return TROUPE_NO_MEMORY;
    }
    attribute->name = (char *)(attribute + 1);
    memcpy(attribute->name, name.data, name.size);
    attribute->value = *value;
    if (is_text) {
        char *text = attribute->name + name.size + 1;
        memcpy(text, text_size ? value->s.data : "", text_size);
        attribute->value.s.data = text;
    }
    item->u.attribute = attribute;
    return TROUPE_OK;
}

static struct troupe_str host_to_json(struct troupe_turn *turn, const struct troupe_any *message) {
    struct runner *r = runner_of(turn);
    struct troupe_str none = {NULL, 0};
    TURN_OR(r, none);
    size_t size;
    char *json = msg_json(message, &size);
    char *copy = json ? scratch_alloc(&r->scratch, size + 1) : NULL;
    if (copy) {
        memcpy(copy, json, size + 1);
    }
    mem_free(json);
    return copy ? troupe_str_n(copy, size) : none;
}

static uint64_t host_now(struct troupe_turn *turn) {
    struct proc *proc = runner_of(turn)->proc;
    return proc->clock->now(proc->clock);
}

static int64_t host_time_of_day(struct troupe_turn *turn) {
    struct proc *proc = runner_of(turn)->proc;
    return proc->clock->wall(proc->clock);
}

void host_table_fill(struct troupe_host *host) {
    *host = (struct troupe_host){
        .size = sizeof *host,
        .abi_major = TROUPE_ABI_MAJOR,
        .abi_minor = TROUPE_ABI_MINOR,
        .version = troupe_str(TROUPE_VERSION_TEXT),
        .extension = host_extension,
        .context = host_context,
        .send = host_send,
        .send_to = host_send_to,
        .forward = host_forward,
        .keep = host_keep,
        .drop = host_drop,
        .ask = host_ask,
        .ask_to = host_ask_to,
        .answer = host_answer,
        .own_port = host_own_port,
        .port_of = host_port_of,
        .spawn = host_spawn,
        .stop_child = host_stop_child,
        .stop = host_stop,
        .start_timer = host_start_timer,
        .stop_timer = host_stop_timer,
        .watch = host_watch,
        .unwatch = host_unwatch,
        .wait = host_wait,
        .commit = host_commit,
        .alloc = host_alloc,
        .resize = host_resize,
        .free = host_free,
        .scratch = host_scratch,
        .fail = host_fail,
        .log = host_log,
        .publish = host_publish,
        .read = type_read,
        .to_json = host_to_json,
        .now = host_now,
        .time_of_day = host_time_of_day,
        .own_fd = host_own_fd,
        .close_fd = host_close_fd,
    };
    saved_fill(host);
}
