/* The host's table for turns that a shadow follows: all is done as always, and written down. */
#include "actor/shadow_impl.h"

static int32_t write_send(struct troupe_turn *turn, uint32_t port, const void *body) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    int32_t status = host_send(turn, port, body);
    const struct inst_row *row = status == TROUPE_OK ? host_row(r, port, ROW(out)) : NULL;
    if (row && shadow_port(r, row)) {
        struct tape_item item = shadow_message(r, TAPE_SEND, row, body);
        tape_write(r, shadow_tape(r), &item);
    }
    return status;
}

static int32_t write_send_to(struct troupe_turn *turn, uint32_t port, struct troupe_ref to,
                             const void *body) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    int32_t status = host_send_to(turn, port, to, body);
    if (status == TROUPE_OK) {
        struct tape_item item = shadow_message(r, TAPE_SEND_TO, host_row(r, port, ROW(to)), body);
        item.to[0] = to.uid;
        item.to[1] = to.port;
        tape_write(r, shadow_tape(r), &item);
    }
    return status;
}

static int32_t write_forward(struct troupe_turn *turn, uint32_t port,
                             const struct troupe_any *message) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    int32_t status = host_forward(turn, port, message);
    const struct inst_row *row = status == TROUPE_OK ? host_row(r, port, ROW(as)) : NULL;
    if (row && shadow_port(r, row)) {
        struct tape_item item = shadow_item(r, TAPE_FORWARD, row);
        item.type = type_of(message->type);
        item.body = message->body;
        tape_write(r, shadow_tape(r), &item);
    }
    return status;
}

static void write_call(struct runner *r, struct tape_item *item, uint64_t timeout_ns,
                       uint64_t call) {
    item->numbers[0] = timeout_ns;
    item->call = call;
    tape_write(r, shadow_tape(r), item);
}

static uint64_t write_ask(struct troupe_turn *turn, uint32_t port, const void *body,
                          uint64_t timeout_ns) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, 0);
    uint64_t call = host_ask(turn, port, body, timeout_ns);
    if (call) {
        struct tape_item item = shadow_message(r, TAPE_ASK, host_row(r, port, ROW(ask)), body);
        write_call(r, &item, timeout_ns, call);
    }
    return call;
}

static uint64_t write_ask_to(struct troupe_turn *turn, uint32_t port, struct troupe_ref to,
                             const void *body, uint64_t timeout_ns) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, 0);
    uint64_t call = host_ask_to(turn, port, to, body, timeout_ns);
    if (call) {
        struct tape_item item = shadow_message(r, TAPE_ASK_TO, host_row(r, port, ROW(ask)), body);
        item.to[0] = to.uid;
        item.to[1] = to.port;
        write_call(r, &item, timeout_ns, call);
    }
    return call;
}

static int32_t write_answer(struct troupe_turn *turn, uint32_t port, struct troupe_once request,
                            int32_t status, struct troupe_str text, const void *body) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    int32_t done = host_answer(turn, port, request, status, text, body);
    if (done == TROUPE_OK) {
        struct tape_item item =
            shadow_answer(r, host_row(r, port, ROW(call)), request, status, text, body);
        tape_write(r, shadow_tape(r), &item);
    }
    return done;
}

static struct troupe_ref write_spawn(struct troupe_turn *turn, uint32_t port,
                                     const struct troupe_spawn *how) {
    struct runner *r = runner_of(turn);
    struct troupe_ref none = {0, 0};
    TURN_OR(r, none);
    struct troupe_ref child = host_spawn(turn, port, how);
    if (child.uid) {
        struct str text;
        struct tape_item item = shadow_item(r, TAPE_SPAWN, host_row(r, port, ROW(child)));
        shadow_describe_spawn(&text, how);
        item.text = troupe_str_n(str_text(&text), text.size);
        item.child = child;
        tape_write(r, shadow_tape(r), &item);
        str_fini(&text);
    }
    return child;
}

static int32_t write_stop_child(struct troupe_turn *turn, struct troupe_ref child, bool drain) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    int32_t status = host_stop_child(turn, child, drain);
    if (status == TROUPE_OK) {
        struct tape_item item = shadow_item(r, TAPE_STOP_CHILD, NULL);
        item.to[0] = child.uid;
        item.numbers[0] = drain;
        tape_write(r, shadow_tape(r), &item);
    }
    return status;
}

static int32_t write_stop(struct troupe_turn *turn) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    int32_t status = host_stop(turn);
    if (status == TROUPE_OK) {
        struct tape_item item = shadow_item(r, TAPE_STOP, NULL);
        tape_write(r, shadow_tape(r), &item);
    }
    return status;
}

static int32_t write_start_timer(struct troupe_turn *turn, uint32_t port, uint64_t first_ns,
                                 uint64_t period_ns) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    int32_t status = host_start_timer(turn, port, first_ns, period_ns);
    if (status == TROUPE_OK) {
        struct tape_item item = shadow_item(r, TAPE_START_TIMER, host_row(r, port, ROW(timer)));
        item.numbers[0] = first_ns;
        item.numbers[1] = period_ns;
        tape_write(r, shadow_tape(r), &item);
    }
    return status;
}

static int32_t write_stop_timer(struct troupe_turn *turn, uint32_t port) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    int32_t status = host_stop_timer(turn, port);
    if (status == TROUPE_OK) {
        struct tape_item item = shadow_item(r, TAPE_STOP_TIMER, host_row(r, port, ROW(timer)));
        tape_write(r, shadow_tape(r), &item);
    }
    return status;
}

static int32_t write_publish(struct troupe_turn *turn, struct troupe_str name,
                             const struct troupe_value *value) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    int32_t status = r->proc->host.publish(turn, name, value);
    if (status == TROUPE_OK) {
        struct tape_item item = shadow_item(r, TAPE_PUBLISH, NULL);
        item.text = name;
        item.value = *value;
        tape_write(r, shadow_tape(r), &item);
    }
    return status;
}

/* S-4 */
static void leave_out(struct runner *r, const char *why) {
    tape_leave_out(shadow_tape(r), why);
}

static int32_t write_watch(struct troupe_turn *turn, uint32_t port, int32_t fd, uint32_t events) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    leave_out(r, "its turn watches a descriptor");
    return host_watch(turn, port, fd, events);
}

static int32_t write_unwatch(struct troupe_turn *turn, uint32_t port, int32_t fd) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    leave_out(r, "its turn ends the watch of a descriptor");
    return host_unwatch(turn, port, fd);
}

static int32_t write_close_fd(struct troupe_turn *turn, int32_t fd) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    leave_out(r, "its turn closes a descriptor");
    return host_close_fd(turn, fd);
}

static int32_t write_own_fd(struct troupe_turn *turn, int32_t fd) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    leave_out(r, "its turn opens a descriptor");
    return host_own_fd(turn, fd);
}

static int32_t write_wait(struct troupe_turn *turn, struct troupe_pollfd *fds, uint64_t count,
                          uint64_t timeout_ns) {
    struct runner *r = runner_of(turn);
    TURN_OR(r, TROUPE_WRONG_THREAD);
    leave_out(r, "its turn waits");
    return host_wait(turn, fds, count, timeout_ns);
}

static uint64_t write_now(struct troupe_turn *turn) {
    struct runner *r = runner_of(turn);
    uint64_t now_ns = r->proc->host.now(turn);
    if (!fault_thread_is_current(r->fault)) {
        return now_ns;
    }
    TURN_OR(r, now_ns);
    return (uint64_t)tape_time(r, shadow_tape(r), false, (int64_t)now_ns);
}

static int64_t write_time_of_day(struct troupe_turn *turn) {
    struct runner *r = runner_of(turn);
    int64_t now_ns = r->proc->host.time_of_day(turn);
    if (!fault_thread_is_current(r->fault)) {
        return now_ns;
    }
    TURN_OR(r, now_ns);
    return tape_time(r, shadow_tape(r), true, now_ns);
}

void shadow_writes_fill(struct troupe_host *host) {
    host->send = write_send;
    host->send_to = write_send_to;
    host->forward = write_forward;
    host->ask = write_ask;
    host->ask_to = write_ask_to;
    host->answer = write_answer;
    host->spawn = write_spawn;
    host->stop_child = write_stop_child;
    host->stop = write_stop;
    host->start_timer = write_start_timer;
    host->stop_timer = write_stop_timer;
    host->publish = write_publish;
    host->watch = write_watch;
    host->unwatch = write_unwatch;
    host->own_fd = write_own_fd;
    host->close_fd = write_close_fd;
    host->wait = write_wait;
    host->now = write_now;
    host->time_of_day = write_time_of_day;
}
