/* Joined procs: a message for another proc is encoded, carried over, and decoded there.
 *
 * Each member has a number, and a stand-in in its proc: a client that is the sender of what comes
 * from elsewhere. Answers and undeliverables come to it, and it sends them on to where they belong.
 *
 * An address of another proc has that proc's number in the upper bits of its port; the lower ones
 * are a port name's number, always that of the proc that holds the address. */
#include <stdio.h>
#include <string.h>

#include "actor/client.h"
#include "actor/proc.h"
#include "app/forwarder_impl.h"
#include "base/alloc.h"
#include "message/parcel.h"

#define PORT_BITS 16
#define PORT_MASK UINT16_MAX
#define TTL_DEFAULT 16u
/* Of the mailbox that a worker empties at once. */
#define MAILBOX_CAPACITY 1024u

struct troupe_forwarder {
    _Atomic uint64_t refs;
    pthread_mutex_t pauses; /* actors of one proc wait for room in another */
    pthread_rwlock_t lock;  /* held for reading while a message crosses */
    struct list members;    /* member.link; under lock */
    uint64_t number;        /* under lock: of the last member */
};

/* A request of another proc that waits for its answer here. */
struct foreign_call {
    uint64_t number; /* 0: free */
    uint64_t from;   /* number of the member that asks */
    uint64_t uid, call;
};

struct member {
    struct troupe_forwarder *forwarder;
    char id[128];
    uint64_t number;
    struct client_seat seat;
    struct list link; /* troupe_forwarder.members */

    /* set by member_enter, then constant */
    struct proc *proc;
    struct inst *stand_in;

    pthread_mutex_t lock;
    struct foreign_call *calls; /* under lock; owned */
    uint32_t call_room, call_search;
    uint64_t call_series;

    /* set by member_leave, then constant */
    void (*gone)(void *context);
    void *context;
};

/* --- the forwarder --- */

int32_t troupe_forwarder_create(struct troupe_forwarder **ret, struct troupe_error *error) {
    struct troupe_forwarder *forwarder = mem_alloc(sizeof *forwarder);
    if (!forwarder) {
        return embed_fail(error, TROUPE_NO_MEMORY, "out of memory");
    }
    atomic_store_explicit(&forwarder->refs, 1, memory_order_relaxed);
    pthread_mutex_init(&forwarder->pauses, NULL);
    pthread_rwlock_init(&forwarder->lock, NULL);
    list_init(&forwarder->members);
    *ret = forwarder;
    return TROUPE_OK;
}

struct troupe_forwarder *forwarder_ref(struct troupe_forwarder *forwarder) {
    atomic_fetch_add_explicit(&forwarder->refs, 1, memory_order_relaxed);
    return forwarder;
}

void forwarder_unref(struct troupe_forwarder *forwarder) {
    if (forwarder && atomic_fetch_sub_explicit(&forwarder->refs, 1, memory_order_acq_rel) == 1) {
        pthread_rwlock_destroy(&forwarder->lock);
        pthread_mutex_destroy(&forwarder->pauses);
        mem_free(forwarder);
    }
}

void troupe_forwarder_free(struct troupe_forwarder *forwarder) {
    forwarder_unref(forwarder);
}

static struct member *find_member_locked(const struct troupe_forwarder *forwarder,
                                         uint64_t number) {
    LIST_EACH (link, &forwarder->members) {
        struct member *member = LIST_OF(link, struct member, link);
        if (member->number == number) {
            return member;
        }
    }
    return NULL;
}

static struct member *find_id_locked(const struct troupe_forwarder *forwarder, const char *id,
                                     size_t size) {
    LIST_EACH (link, &forwarder->members) {
        struct member *member = LIST_OF(link, struct member, link);
        if (strlen(member->id) == size && memcmp(member->id, id, size) == 0) {
            return member;
        }
    }
    return NULL;
}

/* --- requests from elsewhere --- */

#define PLACE_BITS 20
#define PLACE_MASK ((1ull << PLACE_BITS) - 1)

static int grow_calls_locked(struct member *member) {
    uint32_t room = member->call_room ? member->call_room * 2 : 16;
    struct foreign_call *calls =
        room > PLACE_MASK ? NULL : mem_resize(member->calls, room * sizeof *calls);
    if (!calls) {
        return -1;
    }
    memset(calls + member->call_room, 0, (room - member->call_room) * sizeof *calls);
    member->call_search = member->call_room;
    member->calls = calls;
    member->call_room = room;
    return 0;
}

/* 0: no memory, or too many. */
static uint64_t add_call(struct member *member, uint64_t from, uint64_t uid, uint64_t call) {
    pthread_mutex_lock(&member->lock);
    uint32_t tried = 0;
    uint64_t number = 0;
    while (tried < member->call_room &&
           member->calls[(member->call_search + tried) % member->call_room].number) {
        tried++;
    }
    if (tried < member->call_room || grow_calls_locked(member) == 0) {
        tried = tried < member->call_room ? tried : 0;
        uint32_t place = (member->call_search + tried) % member->call_room;
        number = ++member->call_series << PLACE_BITS | place;
        member->calls[place] = (struct foreign_call){number, from, uid, call};
        member->call_search = place + 1;
    }
    pthread_mutex_unlock(&member->lock);
    return number;
}

/* False: there is none, or it has been answered. */
static bool take_call(struct member *member, uint64_t number, struct foreign_call *ret) {
    uint64_t place = number & PLACE_MASK;
    pthread_mutex_lock(&member->lock);
    bool found = number && place < member->call_room && member->calls[place].number == number;
    if (found) {
        *ret = member->calls[place];
        member->calls[place].number = 0;
    }
    pthread_mutex_unlock(&member->lock);
    return found;
}

/* --- crossing; the forwarder is locked for reading --- */

struct crossing {
    const struct member *from, *to;
};

/* As it is called over there. */
static struct troupe_ref translate(void *context, struct troupe_ref ref) {
    const struct crossing *crossing = context;
    uint64_t number = ref.port >> PORT_BITS;
    uint16_t port = (uint16_t)ref.port;
    if (port) {
        port = client_translate_port(crossing->from->proc, port, crossing->to->proc);
    }
    number = number == 0 ? crossing->from->number : number == crossing->to->number ? 0 : number;
    return (struct troupe_ref){ref.uid, number << PORT_BITS | port};
}

/* Decodes it there. A message of the proc `to`, with a body and what is common; NULL: *ret_reason
 * says why. */
static struct msg *unpack(const struct member *from, struct member *to, const struct str *bytes,
                          int32_t *ret_reason) {
    struct parcel_in in;
    struct err err;
    if (parcel_read(bytes->data, bytes->size, proc_types(to->proc), &in, &err) < 0) {
        *ret_reason = err.code == ERR_NOMEM ? TROUPE_NO_MEMORY : TROUPE_INVALID;
        return NULL;
    }
    struct msg *m = client_new_message(to->proc, in.head.kind, in.room);
    if (!m) {
        *ret_reason = TROUPE_NO_MEMORY;
        return NULL;
    }
    parcel_body(&in, msg_own_body(m));
    struct msg_extension *extension = msg_extension(m);
    m->type = in.head.type ? in.head.type->index : 0;
    m->reason = (uint8_t)-in.head.reason;
    m->sender = inst_uid(to->stand_in);
    m->dest = in.head.dest;
    m->port = (uint16_t)in.head.port;
    extension->call = in.head.call;
    extension->trace = in.head.trace;
    extension->sequence = in.head.sequence;
    extension->ttl = in.head.ttl;
    if (m->kind == MSG_RETURNED) {
        m->sender = in.head.sender; /* whom it was sent to */
        extension->far = from->number << PORT_BITS | m->port;
    } else {
        extension->from = (struct troupe_ref){in.head.sender, from->number << PORT_BITS};
    }
    return m;
}

static struct msg *carry(const struct member *from, struct member *to, struct parcel *parcel,
                         int32_t *ret_reason) {
    struct crossing crossing = {from, to};
    struct str bytes;
    struct msg *m = NULL;
    str_init(&bytes);
    *ret_reason = TROUPE_NO_MEMORY;
    if (parcel->port) {
        parcel->port = client_translate_port(from->proc, (uint16_t)parcel->port, to->proc);
    }
    if (parcel_write(parcel, translate, &crossing, &bytes) == 0) {
        m = unpack(from, to, &bytes, ret_reason);
    }
    str_fini(&bytes);
    return m;
}

static struct parcel parcel_of(const struct member *from, struct msg *m) {
    return (struct parcel){.kind = (enum msg_kind)m->kind,
                           .reason = -(int32_t)m->reason,
                           .sender = m->sender,
                           .dest = m->dest,
                           .port = m->port,
                           .call = msg_call(m),
                           .trace = msg_trace(m),
                           .sequence = msg_sequence(m),
                           .ttl = msg_ttl(m) ? msg_ttl(m) : TTL_DEFAULT,
                           .type = m->type ? type_get(proc_types(from->proc), m->type) : NULL,
                           .body = msg_body(m)};
}

/* A message or a request, which stays the caller's. */
static enum client_sent cross(struct member *from, struct member *to, struct msg *m, bool hard,
                              int32_t *ret_reason) {
    struct parcel parcel = parcel_of(from, m);
    struct troupe_ref dest = {m->dest, 0};
    struct msg *over = carry(from, to, &parcel, ret_reason);
    if (!over) {
        return CLIENT_REFUSED;
    }
    struct msg_extension *extension = msg_extension(over);
    dest.port = over->port;
    bool is_request = over->kind == MSG_REQUEST;
    if (is_request) {
        extension->call = add_call(to, from->number, m->sender, msg_call(m));
    }
    struct foreign_call call;
    enum client_sent sent = CLIENT_REFUSED;
    if (is_request && !extension->call) {
        *ret_reason = TROUPE_NO_MEMORY;
    } else {
        uint64_t number = extension->call; /* once it is sent, the message is another's */
        sent = client_offer_here(to->stand_in, over, dest, hard, ret_reason);
        if (sent == CLIENT_SENT) {
            return CLIENT_SENT;
        }
        (void)(is_request && take_call(to, number, &call));
    }
    client_free_message(to->proc, over);
    return sent;
}

/* Answers and undeliverables: there is nobody to hear that they did not arrive. */
static void cross_back(struct member *from, struct member *to, struct parcel *parcel) {
    int32_t reason;
    struct msg *over = carry(from, to, parcel, &reason);
    if (over) {
        client_deliver(to->proc, over);
    }
}

/* A proc's forwarder. */
static enum forwarded forward(void *context, struct proc *proc, struct msg *m, bool hard) {
    struct member *from = context;
    int32_t reason = TROUPE_GONE;
    enum client_sent sent = CLIENT_REFUSED;
    pthread_rwlock_rdlock(&from->forwarder->lock);
    struct member *to = find_member_locked(from->forwarder, msg_far(m) >> PORT_BITS);
    if (to) {
        sent = cross(from, to, m, hard, &reason);
    }
    pthread_rwlock_unlock(&from->forwarder->lock);
    if (sent == CLIENT_FULL && !hard) {
        return FORWARD_FULL;
    }
    if (sent == CLIENT_SENT) {
        client_free_message(proc, m);
    } else {
        client_return(proc, m, sent == CLIENT_FULL ? TROUPE_CYCLE_OVERFLOW : reason);
    }
    return FORWARD_TAKEN;
}

/* Somebody waits in the mailbox of the other proc itself: that one has not left as long as the lock is held, and
 * whoever waits there is released before it has. */
static enum pause_result wait_there(void *context, struct proc *proc, struct troupe_ref to,
                                    struct pauser *pauser) {
    struct member *from = context;
    pthread_rwlock_rdlock(&from->forwarder->lock);
    struct member *there = find_member_locked(from->forwarder, to.port >> PORT_BITS);
    enum pause_result result =
        there ? client_wait_there(proc, pauser, there->proc, to.uid) : PAUSE_RETRY;
    pthread_rwlock_unlock(&from->forwarder->lock);
    return result;
}

/* --- the stand-in --- */

static int32_t send_answer(struct member *member, struct msg *m) {
    struct foreign_call call;
    if (!take_call(member, msg_call(m), &call)) {
        return CLIENT_LATE;
    }
    struct parcel parcel = parcel_of(member, m);
    parcel.dest = call.uid;
    parcel.call = call.call;
    parcel.port = 0;
    if (m->type && m->reason) { /* the request itself, which was undeliverable */
        parcel.type = NULL;
    }
    struct troupe_str text = troupe_str(troupe_status_text(parcel.reason));
    parcel.body = m->type && m->reason ? &text : parcel.body;
    struct member *to = find_member_locked(member->forwarder, call.from);
    if (to) {
        cross_back(member, to, &parcel);
    }
    return to ? CLIENT_TAKEN : CLIENT_LATE;
}

/* To its sender, as if it had come back there. */
static int32_t send_back(struct member *member, struct msg *m) {
    struct troupe_ref from = msg_from(m);
    struct parcel parcel = parcel_of(member, m);
    parcel.dest = from.uid;
    struct member *to = find_member_locked(member->forwarder, from.port >> PORT_BITS);
    if (!to) {
        return -(int32_t)m->reason; /* a dead letter of this proc */
    }
    cross_back(member, to, &parcel);
    return CLIENT_TAKEN;
}

static int32_t took(void *context, struct msg *m) {
    struct member *member = context;
    int32_t result = TROUPE_NO_SUCH_PORT;
    pthread_rwlock_rdlock(&member->forwarder->lock);
    if (m->kind == MSG_REPLY) {
        result = send_answer(member, m);
    } else if (m->kind == MSG_RETURNED) {
        result = send_back(member, m);
    }
    pthread_rwlock_unlock(&member->forwarder->lock);
    if (result == CLIENT_TAKEN) {
        client_free_message(member->proc, m);
    }
    return result;
}

static void woken(void *context) {
    (void)context; /* who waits for room are the senders themselves */
}

static bool may_end(void *context, struct msg **ret_left) {
    (void)context;
    *ret_left = NULL;
    return true;
}

static void ended(void *context) {
    struct member *member = context;
    member->gone(member->context);
}

/* --- members --- */

int member_create(struct troupe_forwarder *forwarder, const char *id, struct member **ret,
                  struct err *err) {
    struct member *member = mem_alloc(sizeof *member);
    if (!member) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    member->forwarder = forwarder;
    (void)snprintf(member->id, sizeof member->id, "%s", id);
    member->seat = (struct client_seat){
        .took = took, .woken = woken, .may_end = may_end, .ended = ended, .context = member};
    list_init(&member->link);
    pthread_mutex_init(&member->lock, NULL);
    *ret = member;
    return 0;
}

struct proc_forwarder member_forwarder(struct member *member) {
    return (struct proc_forwarder){.forward = forward,
                                   .wait = wait_there,
                                   .pauses = &member->forwarder->pauses,
                                   .context = member};
}

int member_enter(struct member *member, struct proc *proc, struct err *err) {
    const struct client_spec spec = {NULL, MAILBOX_CAPACITY, false};
    struct troupe_forwarder *forwarder = member->forwarder;
    member->proc = proc;
    pthread_rwlock_wrlock(&forwarder->lock);
    bool taken = find_id_locked(forwarder, member->id, strlen(member->id)) != NULL;
    int status =
        taken ? err_set(err, ERR_REFUSED,
                        "a proc '%s' is joined already: the id of each is its own", member->id)
              : client_make(proc, &spec, &member->seat, &member->stand_in, err);
    if (status == 0) {
        member->number = ++forwarder->number;
        list_add_last(&forwarder->members, &member->link);
    }
    pthread_rwlock_unlock(&forwarder->lock);
    return status;
}

void member_withdraw(struct member *member) {
    pthread_rwlock_wrlock(&member->forwarder->lock);
    bool was_there = !list_is_empty(&member->link);
    list_remove(&member->link);
    pthread_rwlock_unlock(&member->forwarder->lock);
    if (was_there) {
        client_release_all(member->proc); /* they find it gone, and their messages come back */
    }
}

void member_leave(struct member *member, void (*gone)(void *context), void *context) {
    member_withdraw(member);
    member->gone = gone;
    member->context = context;
    client_stop(member->stand_in);
}

void member_destroy(struct member *member) {
    if (member) {
        member_withdraw(member); /* one that never ran */
        pthread_mutex_destroy(&member->lock);
        mem_free(member->calls);
        mem_free(member);
    }
}

struct troupe_ref forwarder_find(struct member *member, const char *text, const char *port) {
    struct troupe_ref found = {0, 0};
    pthread_rwlock_rdlock(&member->forwarder->lock);
    struct member *to = find_id_locked(member->forwarder, text, strcspn(text, "/"));
    if (to && to != member) {
        found.uid = proc_resolve(to->proc, text);
        found.port = to->number << PORT_BITS;
    }
    if (found.uid && port) {
        uint16_t there = proc_find_port(to->proc, port);
        uint16_t here = there ? client_translate_port(to->proc, there, member->proc) : 0;
        found =
            here ? (struct troupe_ref){found.uid, found.port | here} : (struct troupe_ref){0, 0};
    }
    pthread_rwlock_unlock(&member->forwarder->lock);
    return found;
}
