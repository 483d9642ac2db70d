/* An actor with a row of every kind, a message of every field kind and a config of every option kind:
 * test_headers.sh compiles it as C and as C++. */
#include <troupe/troupe.h>

#define ABI_ITEM(F) F(str, name) F(u64, count)
TROUPE_RECORD(abi_item, ABI_ITEM);

#define ABI_FULL(F)                                                                                \
    F(bool, a)                                                                                     \
    F(i8, b)                                                                                       \
    F(i16, c)                                                                                      \
    F(i32, d)                                                                                      \
    F(i64, e)                                                                                      \
    F(u8, f)                                                                                       \
    F(u16, g)                                                                                      \
    F(u32, h)                                                                                      \
    F(u64, i)                                                                                      \
    F(f32, j)                                                                                      \
    F(f64, k)                                                                                      \
    F(time, l)                                                                                     \
    F(duration, m)                                                                                 \
    F(str, n)                                                                                      \
    F(bytes, o)                                                                                    \
    F(ref, p)                                                                                      \
    F(list, q, abi_item)
TROUPE_MESSAGE(abi_full, "abi.full/1", ABI_FULL);

#define ABI_SMALL(F) F(u64, number)
TROUPE_MESSAGE(abi_small, "abi.small/1", ABI_SMALL);

#define ABI_CONFIG(C)                                                                              \
    C(str, text, "a b", "some text")                                                               \
    C(path, file, required, "a file")                                                              \
    C(int, number, -1, "a number", "-5..5")                                                        \
    C(float, part, 0.5, "a part", "0..1")                                                          \
    C(bool, follow, false, "whether")                                                              \
    C(duration, span, 10s, "how long", "1ms..1h")                                                  \
    C(size, room, 64KiB, "how much", "..1MiB")                                                     \
    C(enum, from, start, "where", "start|end")                                                     \
    C(list, names, "", "which")                                                                    \
    C(field, by, "", "a field of the input", "full")
TROUPE_CONFIG(abi_config, ABI_CONFIG);

struct abi {
    struct abi_config config;
    uint64_t seen;
    struct troupe_once open;
    struct troupe_ref child;
};

#define ABI(P)                                                                                     \
    P(config, abi, abi_config)                                                                     \
    P(option, abi, touches_world)                                                                  \
    P(in, abi, full, abi_full)                                                                     \
    P(any, abi, all)                                                                               \
    P(call, abi, request, abi_small, abi_full)                                                     \
    P(out, abi, result, abi_full)                                                                  \
    P(as, abi, same, all)                                                                          \
    P(ask, abi, question, abi_small, abi_full)                                                     \
    P(to, abi, direct, abi_small)                                                                  \
    P(timer, abi, beat)                                                                            \
    P(watch, abi, ready)                                                                           \
    P(child, abi, helper, "abi.Every")                                                             \
    P(init, abi)                                                                                   \
    P(cleanup, abi)                                                                                \
    P(save, abi, 2, 1)                                                                             \
    P(load, abi)                                                                                   \
    P(returned, abi)                                                                               \
    P(reconfigure, abi, abi_config)
TROUPE_ACTOR(abi, "abi.Every", ABI);

static int abi_init(struct troupe_turn *t, struct abi *self) {
    struct troupe_spawn how;
    __builtin_memset(&how, 0, sizeof how);
    how.size = (uint32_t)sizeof how;
    self->child = abi_spawn_helper(t, &how);
    (void)abi_watch_ready(t, 0, TROUPE_READABLE);
    return abi_start_beat(t, self->config.span, self->config.span);
}

static int abi_cleanup(struct troupe_turn *t, struct abi *self) {
    troupe_log(t, TROUPE_LOG_INFO, "saw %llu", (unsigned long long)self->seen);
    (void)abi_unwatch_ready(t, 0);
    return abi_stop_beat(t);
}

static int abi_on_full(struct troupe_turn *t, struct abi *self, const struct abi_full *full) {
    self->seen += full->q.count ? full->q.items[0].count : full->i;
    return abi_send_result(t, full);
}

static int abi_on_all(struct troupe_turn *t, struct abi *self, const struct troupe_any *message) {
    struct troupe_value value;
    if (t->host->read(message, self->config.by, &value) < 0) {
        return troupe_fail(t, "no field '%.*s'", TROUPE_STR_ARG(self->config.by));
    }
    return abi_forward_same(t, message);
}

static int abi_on_request(struct troupe_turn *t, struct abi *self,
                          const struct abi_small *request) {
    struct abi_full reply;
    __builtin_memset(&reply, 0, sizeof reply);
    reply.i = request->number;
    reply.n = troupe_format(t, "%u", 1u);
    if (request->number == 0) {
        self->open = t->host->context(t)->request;
        return TROUPE_OK;
    }
    (void)abi_answer_request(t, self->open, &reply);
    (void)abi_refuse_request(t, self->open, TROUPE_REFUSED, "twice");
    return abi_reply_request(t, &reply);
}

static int abi_on_question(struct troupe_turn *t, struct abi *self,
                           const struct troupe_outcome *outcome, const struct abi_full *reply) {
    self->seen += reply ? reply->i : 0;
    return outcome->status < 0 ? troupe_fail(t, "%s", troupe_status_text(outcome->status)) : 0;
}

static int abi_on_beat(struct troupe_turn *t, struct abi *self, const struct troupe_tick *tick) {
    struct abi_small small = {tick->missed};
    (void)abi_ask_question(t, &small, 1000);
    (void)abi_ask_question_of(t, abi_ref_request(t), &small, 1000);
    (void)troupe_publish_u64(t, "seen", self->seen);
    (void)abi_ref_full(t);
    (void)abi_ref_all(t);
    return abi_send_direct(t, self->child, &small);
}

static int abi_on_ready(struct troupe_turn *t, struct abi *self, const struct troupe_ready *ready) {
    self->seen += ready->events & TROUPE_HANGUP;
    return abi_unwatch_ready(t, ready->fd);
}

static int abi_on_helper(struct troupe_turn *t, struct abi *self,
                         const struct troupe_ended *ended) {
    (void)t;
    self->seen++;
    return ended->failed ? TROUPE_UNHANDLED : TROUPE_OK;
}

static int abi_save(struct troupe_turn *t, const struct abi *self, struct troupe_saver *saver) {
    return t->host->save_write(saver, &self->seen, sizeof self->seen);
}

static int abi_load(struct troupe_turn *t, struct abi *self, struct troupe_loader *loader) {
    return t->host->load_read(loader, &self->seen, sizeof self->seen);
}

static int abi_returned(struct troupe_turn *t, struct abi *self,
                        const struct troupe_returned *returned) {
    (void)self;
    return troupe_publish_str(t, "returned", returned->text);
}

static int abi_reconfigure(struct troupe_turn *t, struct abi *self,
                           const struct abi_config *config) {
    return config->span < self->config.span ? TROUPE_REFUSED
                                            : abi_start_beat(t, config->span, config->span);
}

static int32_t abi_start(const struct troupe_host *host) {
    return TROUPE_HAS(host, load_version) ? TROUPE_OK : TROUPE_UNSUPPORTED;
}

static void abi_end(void) {
}

TROUPE_PLUGIN_HOOKS("abi", "1.0", abi_start, abi_end, &abi_actor);
