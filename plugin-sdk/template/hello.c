/* The smallest actor: it says hello and stops. */
#include <troupe/troupe.h>

struct hello {
    struct troupe_ref self;
};
#define HELLO(P) P(init, hello)
TROUPE_ACTOR(hello, "hello.Hello", HELLO);

static int hello_init(struct troupe_turn *t, struct hello *self) {
    self->self = t->host->context(t)->self;
    troupe_log(t, TROUPE_LOG_INFO, "hello from a plugin");
    return t->host->stop(t);
}
TROUPE_PLUGIN("hello", "1.0", &hello_actor);
