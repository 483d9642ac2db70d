/* bench.Peer plays with others of the crowd at random; bench.Starter introduces them to each other. */
#include "mark.h"

#define BENCH_HELLO(F) F(ref, ping) F(ref, pong)
TROUPE_MESSAGE(bench_hello, "bench.hello/1", BENCH_HELLO);
#define BENCH_MEMBER(F) F(ref, ping)
TROUPE_RECORD(bench_member, BENCH_MEMBER);
#define BENCH_CROWD(F) F(list, members, bench_member)
TROUPE_MESSAGE(bench_crowd, "bench.crowd/1", BENCH_CROWD);
#define BENCH_PING(F) F(ref, from)
TROUPE_MESSAGE(bench_ping, "bench.ping/1", BENCH_PING);
#define BENCH_PONG(F) F(u64, number)
TROUPE_MESSAGE(bench_pong, "bench.pong/1", BENCH_PONG);
#define BENCH_DONE(F) F(u64, pongs)
TROUPE_MESSAGE(bench_done, "bench.done/1", BENCH_DONE);

#define STARTER_CONFIG(C) C(int, peers, required, "how many there are", "2..")
TROUPE_CONFIG(starter_config, STARTER_CONFIG);

struct starter {
    struct starter_config config;
    struct bench_member *members;
    int64_t known, done;
};

#define STARTER(P)                                                                                 \
    P(config, starter, starter_config)                                                             \
    P(in, starter, hello, bench_hello)                                                             \
    P(in, starter, done, bench_done)                                                               \
    P(out, starter, crowd, bench_crowd)                                                            \
    P(init, starter)
TROUPE_ACTOR(starter, "bench.Starter", STARTER);

static int starter_init(struct troupe_turn *t, struct starter *self) {
    self->members = t->host->alloc(t, (uint64_t)self->config.peers * sizeof *self->members);
    return self->members ? 0 : TROUPE_NO_MEMORY;
}

static int starter_on_hello(struct troupe_turn *t, struct starter *self,
                            const struct bench_hello *hello) {
    self->members[self->known++].ping = hello->ping;
    if (self->known < self->config.peers) {
        return 0;
    }
    struct bench_crowd crowd = {.members = {self->members, (uint64_t)self->known}};
    int status = bench_started(t);
    return status < 0 ? status : starter_send_crowd(t, &crowd);
}

static int starter_on_done(struct troupe_turn *t, struct starter *self,
                           const struct bench_done *done) {
    (void)done;
    return ++self->done == self->config.peers ? bench_ended(t) : 0;
}

#define PEER_CONFIG(C) C(int, pings, required, "how many to send, one after another", "1..")
TROUPE_CONFIG(peer_config, PEER_CONFIG);

struct peer {
    struct peer_config config;
    struct bench_member *members;
    uint64_t count, random;
    struct troupe_ref own;
    int64_t pongs;
};

#define PEER(P)                                                                                    \
    P(config, peer, peer_config)                                                                   \
    P(in, peer, crowd, bench_crowd)                                                                \
    P(in, peer, ping, bench_ping)                                                                  \
    P(in, peer, pong, bench_pong)                                                                  \
    P(to, peer, serve, bench_ping)                                                                 \
    P(to, peer, answer, bench_pong)                                                                \
    P(out, peer, hello, bench_hello)                                                               \
    P(out, peer, done, bench_done)                                                                 \
    P(init, peer)
TROUPE_ACTOR(peer, "bench.Peer", PEER);

static int peer_init(struct troupe_turn *t, struct peer *self) {
    self->own = peer_ref_pong(t);
    self->random = self->own.uid * 0x9e3779b97f4a7c15u;
    struct bench_hello hello = {.ping = peer_ref_ping(t), .pong = self->own};
    return peer_send_hello(t, &hello);
}

static int peer_play(struct troupe_turn *t, struct peer *self) {
    struct troupe_ref to;
    do {
        self->random = self->random * 6364136223846793005u + 1442695040888963407u;
        to = self->members[(self->random >> 33) % self->count].ping;
    } while (to.uid == self->own.uid);
    struct bench_ping ping = {.from = self->own};
    return peer_send_serve(t, to, &ping);
}

static int peer_on_crowd(struct troupe_turn *t, struct peer *self,
                         const struct bench_crowd *crowd) {
    uint64_t size = crowd->members.count * sizeof *self->members;
    self->members = t->host->alloc(t, size);
    if (!self->members) {
        return TROUPE_NO_MEMORY;
    }
    __builtin_memcpy(self->members, crowd->members.items, size);
    self->count = crowd->members.count;
    return peer_play(t, self);
}

static int peer_on_ping(struct troupe_turn *t, struct peer *self, const struct bench_ping *ping) {
    struct bench_pong pong = {.number = (uint64_t)self->pongs};
    return peer_send_answer(t, ping->from, &pong);
}

static int peer_on_pong(struct troupe_turn *t, struct peer *self, const struct bench_pong *pong) {
    (void)pong;
    if (++self->pongs < self->config.pings) {
        return peer_play(t, self);
    }
    struct bench_done done = {.pongs = (uint64_t)self->pongs};
    return peer_send_done(t, &done);
}
