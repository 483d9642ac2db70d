/* demo.Crash misbehaves on purpose, in the way its setting names: to see what containment does. */
#include "demo/crash.h"

#define CRASH_COMMAND(F) F(str, kind)
TROUPE_MESSAGE(crash_command, "demo.crash/1", CRASH_COMMAND);

enum { AT_MESSAGE, AT_INIT, AT_CLEANUP, AT_TIMER, AT_RETURNED, AT_SAVE, AT_LOAD };

struct crash {
    struct crash_config config;
    int64_t seen;   /* by this incarnation */
    uint64_t total; /* saved */
};

#define CRASH(P)                                                                                   \
    P(config, crash, crash_config)                                                                 \
    P(any, crash, message)                                                                         \
    P(as, crash, passed, message)                                                                  \
    P(in, crash, command, crash_command)                                                           \
    P(to, crash, letter, crash_command)                                                            \
    P(timer, crash, alarm)                                                                         \
    P(child, crash, kid, "demo.Worker")                                                            \
    P(init, crash)                                                                                 \
    P(cleanup, crash)                                                                              \
    P(returned, crash)                                                                             \
    P(save, crash, 1, 1)                                                                           \
    P(load, crash)
TROUPE_ACTOR(crash, "demo.Crash", CRASH);

/* Where `at` says this place: the kind, else nothing. */
static int crash_at(struct troupe_turn *t, const struct crash *self, uint32_t place) {
    return self->config.at == place ? crash_now(t, &self->config, self->config.kind) : 0;
}

static int crash_init(struct troupe_turn *t, struct crash *self) {
    return crash_at(t, self, AT_INIT);
}

/* To an actor that never was: it comes back. */
static int crash_send_astray(struct troupe_turn *t) {
    const struct troupe_ref nowhere = {UINT64_MAX, 1};
    const struct crash_command empty = {.kind = troupe_str("")};
    return crash_send_letter(t, nowhere, &empty);
}

static int crash_on_message(struct troupe_turn *t, struct crash *self,
                            const struct troupe_any *message) {
    int status = crash_forward_passed(t, message);
    self->total++;
    if (status < 0 || self->config.after == 0 || ++self->seen < self->config.after) {
        return status;
    }
    switch (self->config.at) {
    case AT_TIMER:
        return crash_start_alarm(t, 0, 0);
    case AT_RETURNED:
        return crash_send_astray(t);
    default:
        return crash_at(t, self, AT_MESSAGE);
    }
}

static int crash_on_command(struct troupe_turn *t, struct crash *self,
                            const struct crash_command *command) {
    return command->kind.size == 0 ? crash_now(t, &self->config, self->config.kind)
                                   : crash_by_name(t, &self->config, command->kind);
}

static int crash_on_alarm(struct troupe_turn *t, struct crash *self,
                          const struct troupe_tick *tick) {
    (void)tick;
    return crash_at(t, self, AT_TIMER);
}

static int crash_returned(struct troupe_turn *t, struct crash *self,
                          const struct troupe_returned *returned) {
    (void)returned;
    return crash_at(t, self, AT_RETURNED);
}

static int crash_on_kid(struct troupe_turn *t, struct crash *self,
                        const struct troupe_ended *ended) {
    (void)t, (void)self;
    return ended->failed ? TROUPE_UNHANDLED : 0;
}

int crash_spawn_many(struct troupe_turn *t, const struct crash_config *config) {
    for (int64_t i = 0; i < config->children; i++) {
        if (crash_spawn_kid(t, NULL).uid == 0) {
            return troupe_fail(t, "cannot start child %lld", (long long)i + 1);
        }
    }
    return 0;
}

static int crash_save(struct troupe_turn *t, const struct crash *self, struct troupe_saver *saver) {
    int status = crash_at(t, self, AT_SAVE);
    return status < 0 ? status : t->host->save_write(saver, &self->total, sizeof self->total);
}

static int crash_load(struct troupe_turn *t, struct crash *self, struct troupe_loader *loader) {
    int status = crash_at(t, self, AT_LOAD);
    return status < 0 ? status : t->host->load_read(loader, &self->total, sizeof self->total);
}

static int crash_cleanup(struct troupe_turn *t, struct crash *self) {
    troupe_log(t, TROUPE_LOG_INFO, "cleaned up");
    return crash_at(t, self, AT_CLEANUP);
}
