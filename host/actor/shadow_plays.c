/* The host's table for turns of shadows: nothing is done, all is compared with what is written (K-1). */
#include "actor/shadow_impl.h"

/* In plugin code nobody's turn is in hand, so that functions of the usual table refuse (S-5); in these it is that of
 * the shadow's body. */
struct play_pass {
    struct gate_pass gate;
    struct inst *before;
};

static struct play_pass play_begin(struct runner *r) {
    struct play_pass pass = {.gate = gate_pass(r)};
    pass.before = r->inst;
    r->inst = r->shadow ? &r->shadow->body : NULL; /* else it was revoked */
    return pass;
}

static void play_finish(struct play_pass *pass) {
    pass->gate.r->inst = pass->before;
    gate_pass_end(&pass->gate);
}

#define PLAY_OR(r, value)                                                                          \
    if (!fault_thread_is_current((r)->fault)) {                                                    \
        return value;                                                                              \
    }                                                                                              \
    struct play_pass pass_ __attribute__((cleanup(play_finish), unused)) = play_begin(r);          \
    if (!(r)->inst) {                                                                              \
        return value;                                                                              \
    }

/* A call that will have no outcome. */
#define NOBODYS_CALL UINT64_MAX

static bool play(struct runner *r, struct tape_item *item) {
    return tape_play(shadow_tape(r), r->shadow->body.type, item);
}

static int32_t play_send(struct troupe_turn *turn, uint32_t port, const void *body) {
    struct runner *r = runner_of(turn);
    PLAY_OR(r, TROUPE_WRONG_THREAD);
    const struct inst_row *row = host_row(r, port, ROW(out));
    if (!row || !body) {
        return TROUPE_INVALID;
    }
    if (shadow_port(r, row)) {
        struct tape_item item = shadow_message(r, TAPE_SEND, row, body);
        (void)play(r, &item);
    }
    return TROUPE_OK;
}

static int32_t play_send_to(struct troupe_turn *turn, uint32_t port, struct troupe_ref to,
                            const void *body) {
    struct runner *r = runner_of(turn);
    PLAY_OR(r, TROUPE_WRONG_THREAD);
    const struct inst_row *row = host_row(r, port, ROW(to));
    if (!row || !body || to.uid == 0) {
        return TROUPE_INVALID;
    }
    struct tape_item item = shadow_message(r, TAPE_SEND_TO, row, body);
    item.to[0] = to.uid;
    item.to[1] = to.port;
    (void)play(r, &item);
    return TROUPE_OK;
}

static int32_t play_forward(struct troupe_turn *turn, uint32_t port,
                            const struct troupe_any *message) {
    struct runner *r = runner_of(turn);
    PLAY_OR(r, TROUPE_WRONG_THREAD);
    const struct inst_row *row = host_row(r, port, ROW(as));
    if (!row || !message || !host_find_held(r, row->source, message)) {
        return TROUPE_INVALID;
    }
    if (shadow_port(r, row)) {
        struct tape_item item = shadow_item(r, TAPE_FORWARD, row);
        item.type = type_of(message->type);
        item.body = message->body;
        (void)play(r, &item);
    }
    return TROUPE_OK;
}

static uint64_t play_ask(struct troupe_turn *turn, uint32_t at, const void *body,
                         uint64_t timeout_ns) {
    struct runner *r = runner_of(turn);
    PLAY_OR(r, 0);
    const struct inst_row *row = host_row(r, at, ROW(ask));
    const struct port *port = row ? shadow_port(r, row) : NULL;
    if (!body || !port || port->count != 1 || port->wires[0].mode == WIRE_BROADCAST) {
        return 0;
    }
    struct tape_item item = shadow_message(r, TAPE_ASK, row, body);
    item.numbers[0] = timeout_ns;
    return play(r, &item) ? item.call : NOBODYS_CALL;
}

static uint64_t play_ask_to(struct troupe_turn *turn, uint32_t port, struct troupe_ref to,
                            const void *body, uint64_t timeout_ns) {
    struct runner *r = runner_of(turn);
    PLAY_OR(r, 0);
    const struct inst_row *row = host_row(r, port, ROW(ask));
    if (!row || !body || to.uid == 0) {
        return 0;
    }
    struct tape_item item = shadow_message(r, TAPE_ASK_TO, row, body);
    item.to[0] = to.uid;
    item.to[1] = to.port;
    item.numbers[0] = timeout_ns;
    return play(r, &item) ? item.call : NOBODYS_CALL;
}

static int32_t play_answer(struct troupe_turn *turn, uint32_t port, struct troupe_once request,
                           int32_t status, struct troupe_str text, const void *body) {
    struct runner *r = runner_of(turn);
    PLAY_OR(r, TROUPE_WRONG_THREAD);
    const struct inst_row *row = host_row(r, port, ROW(call));
    if (!row || status > 0 || (status == 0 && !body)) {
        return TROUPE_INVALID;
    }
    bool in_hand = r->msg && r->msg->kind == MSG_REQUEST && r->msg->sender == request.uid &&
                   msg_call(r->msg) == request.call;
    bool is_such = tape_expects(shadow_tape(r), TAPE_ANSWER, request.uid, request.call);
    if (in_hand ? r->answered : !is_such && !request_waits(r->shadow->actor, request)) {
        return TROUPE_INVALID;
    }
    r->answered |= in_hand;
    struct tape_item item = shadow_answer(r, row, request, status, text, body);
    (void)play(r, &item);
    return TROUPE_OK;
}

static struct troupe_ref play_spawn(struct troupe_turn *turn, uint32_t port,
                                    const struct troupe_spawn *how) {
    struct runner *r = runner_of(turn);
    struct troupe_ref none = {0, 0};
    PLAY_OR(r, none);
    const struct inst_row *row = host_row(r, port, ROW(child));
    if (!row) {
        return none;
    }
    struct str text;
    struct tape_item item = shadow_item(r, TAPE_SPAWN, row);
    shadow_describe_spawn(&text, how);
    item.text = troupe_str_n(str_text(&text), text.size);
    bool is_such = play(r, &item);
    str_fini(&text);
    return is_such ? item.child : none;
}

static int32_t play_stop_child(struct troupe_turn *turn, struct troupe_ref child, bool drain) {
    struct runner *r = runner_of(turn);
    PLAY_OR(r, TROUPE_WRONG_THREAD);
    const struct inst *in = cell_find(r->proc, child.uid);
    bool is_such =
        tape_expects(shadow_tape(r), TAPE_STOP_CHILD, child.uid, 0); /* it may have gone since */
    if (!is_such && (!in || inst_parent(in) != r->shadow->actor)) {
        return TROUPE_NOT_FOUND;
    }
    struct tape_item item = shadow_item(r, TAPE_STOP_CHILD, NULL);
    item.to[0] = child.uid;
    item.numbers[0] = drain;
    (void)play(r, &item);
    return TROUPE_OK;
}

static int32_t play_stop(struct troupe_turn *turn) {
    struct runner *r = runner_of(turn);
    PLAY_OR(r, TROUPE_WRONG_THREAD);
    struct tape_item item = shadow_item(r, TAPE_STOP, NULL);
    (void)play(r, &item);
    return TROUPE_OK;
}

static int32_t play_start_timer(struct troupe_turn *turn, uint32_t port, uint64_t first_ns,
                                uint64_t period_ns) {
    struct runner *r = runner_of(turn);
    PLAY_OR(r, TROUPE_WRONG_THREAD);
    const struct inst_row *row = host_row(r, port, ROW(timer));
    if (!row) {
        return TROUPE_INVALID;
    }
    struct tape_item item = shadow_item(r, TAPE_START_TIMER, row);
    item.numbers[0] = first_ns;
    item.numbers[1] = period_ns;
    (void)play(r, &item);
    return TROUPE_OK;
}

static int32_t play_stop_timer(struct troupe_turn *turn, uint32_t port) {
    struct runner *r = runner_of(turn);
    PLAY_OR(r, TROUPE_WRONG_THREAD);
    const struct inst_row *row = host_row(r, port, ROW(timer));
    if (!row) {
        return TROUPE_INVALID;
    }
    struct tape_item item = shadow_item(r, TAPE_STOP_TIMER, row);
    (void)play(r, &item);
    return TROUPE_OK;
}

static int32_t play_publish(struct troupe_turn *turn, struct troupe_str name,
                            const struct troupe_value *value) {
    struct runner *r = runner_of(turn);
    PLAY_OR(r, TROUPE_WRONG_THREAD);
    if (name.size == 0 || value->kind == TROUPE_KIND_list) {
        return TROUPE_INVALID;
    }
    struct tape_item item = shadow_item(r, TAPE_PUBLISH, NULL);
    item.text = name;
    item.value = *value;
    (void)play(r, &item);
    return TROUPE_OK;
}

/* What the code that runs has not done in this turn, else it was left out: always a difference. */
static int32_t play_descriptor(struct runner *r, enum tape_kind kind, int32_t fd) {
    PLAY_OR(r, TROUPE_WRONG_THREAD);
    struct tape_item item = shadow_item(r, kind, NULL);
    item.numbers[0] = (uint64_t)fd;
    (void)play(r, &item);
    return TROUPE_REFUSED;
}

static int32_t play_watch(struct troupe_turn *turn, uint32_t port, int32_t fd, uint32_t events) {
    (void)port;
    (void)events;
    return play_descriptor(runner_of(turn), TAPE_WATCH, fd);
}

static int32_t play_unwatch(struct troupe_turn *turn, uint32_t port, int32_t fd) {
    (void)port;
    return play_descriptor(runner_of(turn), TAPE_UNWATCH, fd);
}

static int32_t play_own_fd(struct troupe_turn *turn, int32_t fd) {
    return play_descriptor(runner_of(turn), TAPE_OWN_FD, fd);
}

static int32_t play_close_fd(struct troupe_turn *turn, int32_t fd) {
    return play_descriptor(runner_of(turn), TAPE_CLOSE_FD, fd);
}

static int32_t play_wait(struct troupe_turn *turn, struct troupe_pollfd *fds, uint64_t count,
                         uint64_t timeout_ns) {
    struct runner *r = runner_of(turn);
    (void)fds;
    (void)count;
    PLAY_OR(r, TROUPE_WRONG_THREAD);
    struct tape_item item = shadow_item(r, TAPE_WAIT, NULL);
    item.numbers[0] = timeout_ns;
    (void)play(r, &item);
    return TROUPE_STOPPING; /* so that it returns */
}

/* TX-2 */
static int32_t play_commit(struct troupe_turn *turn) {
    (void)turn;
    return TROUPE_REFUSED;
}

static void play_log(struct troupe_turn *turn, uint32_t level, struct troupe_str text) {
    (void)turn;
    (void)level;
    (void)text;
}

static uint64_t play_now(struct troupe_turn *turn) {
    struct runner *r = runner_of(turn);
    uint64_t now_ns = r->proc->host.now(turn);
    PLAY_OR(r, now_ns);
    return (uint64_t)tape_time(r, shadow_tape(r), false, (int64_t)now_ns);
}

static int64_t play_time_of_day(struct troupe_turn *turn) {
    struct runner *r = runner_of(turn);
    int64_t now_ns = r->proc->host.time_of_day(turn);
    PLAY_OR(r, now_ns);
    return tape_time(r, shadow_tape(r), true, now_ns);
}

/* --- its own: memory, texts, what is known of itself --- */

/* As in any turn, with the shadow's body. */
#define OWN(result, name, none, parameters, arguments)                                             \
    static result own_##name parameters {                                                          \
        struct runner *r = runner_of(turn);                                                        \
        PLAY_OR(r, none);                                                                          \
        return r->proc->host.name arguments;                                                       \
    }
static const struct troupe_context no_context = {.size = sizeof no_context, .name = {"", 0}};
OWN(const struct troupe_context *, context, &no_context, (struct troupe_turn * turn), (turn))
OWN(const struct troupe_any *, keep, NULL, (struct troupe_turn * turn), (turn))
OWN(struct troupe_ref, own_port, ((struct troupe_ref){0, 0}),
    (struct troupe_turn * turn, uint32_t port), (turn, port))
OWN(struct troupe_ref, port_of, ((struct troupe_ref){0, 0}),
    (struct troupe_turn * turn, struct troupe_ref actor, struct troupe_str port),
    (turn, actor, port))
OWN(void *, alloc, NULL, (struct troupe_turn * turn, uint64_t size), (turn, size))
OWN(void *, resize, NULL, (struct troupe_turn * turn, void *memory, uint64_t size),
    (turn, memory, size))
OWN(void *, scratch, NULL, (struct troupe_turn * turn, uint64_t size), (turn, size))
OWN(int32_t, fail, TROUPE_WRONG_THREAD,
    (struct troupe_turn * turn, int32_t status, struct troupe_str text), (turn, status, text))
OWN(struct troupe_str, to_json, ((struct troupe_str){NULL, 0}),
    (struct troupe_turn * turn, const struct troupe_any *message), (turn, message))

static void own_drop(struct troupe_turn *turn, const struct troupe_any *kept) {
    struct runner *r = runner_of(turn);
    PLAY_OR(r, );
    host_drop(turn, kept);
}

static void own_free(struct troupe_turn *turn, void *memory) {
    struct runner *r = runner_of(turn);
    PLAY_OR(r, );
    r->proc->host.free(turn, memory);
}

void shadow_plays_fill(struct troupe_host *host) {
    host->send = play_send;
    host->send_to = play_send_to;
    host->forward = play_forward;
    host->ask = play_ask;
    host->ask_to = play_ask_to;
    host->answer = play_answer;
    host->spawn = play_spawn;
    host->stop_child = play_stop_child;
    host->stop = play_stop;
    host->start_timer = play_start_timer;
    host->stop_timer = play_stop_timer;
    host->publish = play_publish;
    host->watch = play_watch;
    host->unwatch = play_unwatch;
    host->own_fd = play_own_fd;
    host->close_fd = play_close_fd;
    host->wait = play_wait;
    host->commit = play_commit;
    host->log = play_log;
    host->now = play_now;
    host->time_of_day = play_time_of_day;
    host->context = own_context;
    host->keep = own_keep;
    host->drop = own_drop;
    host->own_port = own_own_port;
    host->port_of = own_port_of;
    host->alloc = own_alloc;
    host->resize = own_resize;
    host->free = own_free;
    host->scratch = own_scratch;
    host->fail = own_fail;
    host->to_json = own_to_json;
}
