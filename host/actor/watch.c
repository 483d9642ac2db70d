/* File descriptors that an instance watches: readiness arrives as messages. */
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "actor/proc_impl.h"
#include "base/alloc.h"
#include "io/watch.h"

struct inst_watch {
    struct io_watch watch;
    struct inst *inst;
    uint64_t uid;
    uint64_t number; /* a report names it; never reused by the instance */
    struct proc *proc;
    uint32_t events;
    uint16_t row;
    struct inst_watch *next;
};

struct ready_body {
    uint64_t number;
    uint32_t events;
};

/* On the I/O thread; the instance may have ended: then its mailbox refuses, or its successor drops what
 * carries the old uid. */
static void report(void *context, int fd, uint32_t events) {
    struct inst_watch *w = context;
    struct pool *pool = pools_shared(w->proc->pools);
    (void)fd;
    struct msg *m = msg_alloc(pool, MSG_READY, 0, sizeof(struct ready_body));
    if (m) {
        *(struct ready_body *)msg_own_body(m) = (struct ready_body){w->number, events};
        m->dest = w->uid;
        deliver_host(pool, w->inst, m);
    }
}

static void closed(void *context) {
    mem_free(context);
}

static void fail_watch(struct runner *r, struct inst *in, uint16_t row, const char *why) {
    char text[sizeof(struct err) + 96];
    (void)snprintf(text, sizeof text, "%s: %s", in->type->rows[row].name, why);
    life_fail(r, in, FAILURE_ERROR, TROUPE_INVALID, text, NULL);
}

void inst_watch_start(struct runner *r, struct inst *in, uint16_t row, int fd, uint32_t events) {
    if (in->phase != PHASE_LIVE || in->quiet) {
        (void)close(fd); /* TM-3: the host's since the call */
        return;
    }
    struct inst_more *more = inst_more(in);
    struct inst_watch *w = more ? mem_alloc(sizeof *w) : NULL;
    if (!w) {
        (void)close(fd);
        fail_watch(r, in, row, "no memory for a watch");
        return;
    }
    *w = (struct inst_watch){.inst = in,
                             .uid = inst_uid(in),
                             .number = ++more->watch_number,
                             .proc = in->proc,
                             .events = events,
                             .row = row};
    struct err err;
    if (io_watch_start(in->proc->io, &w->watch, fd, events, report, w, &err) < 0) {
        mem_free(w);
        (void)close(fd);
        fail_watch(r, in, row, err.text);
        return;
    }
    w->next = more->watches;
    more->watches = w;
    in->timed = true;
}

void inst_watch_stop(struct inst *in, uint16_t row, int fd) {
    for (struct inst_watch **at = in->more ? &in->more->watches : NULL; at && *at;
         at = &(*at)->next) {
        struct inst_watch *w = *at;
        if (w->row == row && w->watch.fd == fd) {
            *at = w->next;
            io_watch_stop(in->proc->io, &w->watch, true, closed);
            return;
        }
    }
}

void inst_watches_end(struct inst *in) {
    while (in->more && in->more->watches) {
        struct inst_watch *w = in->more->watches;
        in->more->watches = w->next;
        io_watch_stop(in->proc->io, &w->watch, true, closed);
    }
}

bool inst_has_watches(const struct inst *in) {
    return in->more && in->more->watches;
}

static struct inst_watch *find(struct inst *in, uint64_t number) {
    struct inst_watch *w = in->more ? in->more->watches : NULL;
    while (w && w->number != number) {
        w = w->next;
    }
    return w;
}

void inst_ready(struct runner *r, struct inst *in, struct msg *m) {
    const struct ready_body *body = msg_body(m);
    struct inst_watch *w = m->dest == inst_uid(in) ? find(in, body->number) : NULL;
    if (!w) {
        return;
    }
    struct troupe_ready ready = {w->watch.fd, body->events};
    uint16_t row = w->row;
    int32_t status = turn_run(r, in, row, &ready, m);
    if (status < 0) {
        turn_fail(r, in, row, status);
    }
    w = find(in, body->number); /* the handler may have ended it */
    if (w && io_watch_again(in->proc->io, &w->watch, w->events, NULL) < 0) {
        fail_watch(r, in, row, "a watched file descriptor was closed by somebody else");
    }
}

uint16_t inst_watch_row_lacking(const struct inst *in, const struct inst_type *type) {
    for (const struct inst_watch *w = in->more->watches; w; w = w->next) {
        if (w->row >= type->row_count || type->rows[w->row].kind != TROUPE_ROW_watch) {
            return w->row;
        }
    }
    return INST_NO_ROW;
}
