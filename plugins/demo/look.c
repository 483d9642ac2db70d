/* demo.Look asks what is known of another actor, whenever something comes in, and sends it on. */
#include <troupe/introspect.h>
#include <troupe/troupe.h>

#define DEMO_SEEN(F) F(str, id) F(str, status) F(u64, handled) F(u64, queued)
TROUPE_MESSAGE(demo_seen, "demo.seen/1", DEMO_SEEN);

#define LOOK_CONFIG(C) C(str, actor, required, "whom to look at: /name or /group/name")
TROUPE_CONFIG(look_config, LOOK_CONFIG);

struct look {
    struct look_config config;
};

#define LOOK(P)                                                                                    \
    P(config, look, look_config)                                                                   \
    P(any, look, message)                                                                          \
    P(ask, look, view, troupe_query, troupe_view)                                                  \
    P(out, look, seen, demo_seen)
TROUPE_ACTOR(look, "demo.Look", LOOK);

#define TIMEOUT 10000000000ull

/* Any actor can be asked for what can be named from the proc on: this one asks itself. */
static int look_on_message(struct troupe_turn *t, struct look *self,
                           const struct troupe_any *message) {
    (void)message;
    struct troupe_query query = {.child = self->config.actor};
    struct troupe_ref port = troupe_introspect_port(t, t->host->context(t)->self);
    return look_ask_view_of(t, port, &query, TIMEOUT) ? 0 : troupe_fail(t, "cannot ask");
}

static int look_on_view(struct troupe_turn *t, struct look *self,
                        const struct troupe_outcome *outcome, const struct troupe_view *view) {
    (void)self;
    if (outcome->status < 0) {
        return troupe_fail(t, "%.*s", TROUPE_STR_ARG(outcome->text));
    }
    struct demo_seen seen = {view->id, view->status, view->messages_processed, view->queue_depth};
    return look_send_seen(t, &seen);
}
