/* Descriptors that an actor has given to the host without having them watched (TM-3). */
#include "lib/app/kit_stuck.h"

#include <errno.h>

/* Who comes to a gate has that long, on the slowest machine. */
#define STUCK_SOON "stuck_after: 500ms, "
#define ALONE_WITH(defaults, config)                                                               \
    "defaults: { " defaults "on_stuck: restart, restart: temporary }\n"                            \
    "actors: { a: { type: kit.Player, config: { " config " } },\n"                                 \
    "          b: { type: kit.Player } }\n"
#define ALONE(config) ALONE_WITH("", config)

static int owned_fd(void *state) {
    char *trace = kit_trace_of(state, "a");
    const char *at = strstr(trace, "watches ");
    assert_non_null(at);
    int fd = (int)strtol(at + strlen("watches "), NULL, 10);
    free(trace);
    return fd;
}

static bool is_closed(void *context) {
    return fcntl(*(int *)context, F_GETFD) < 0 && errno == EBADF;
}

static void test_tm3_owned_descriptor_is_closed_with_the_incarnation(void **state) {
    struct kit *kit = kit_start(*state, ALONE("init: 'own_fd; note ready'"));

    kit_wait(kit, "a: ready");
    int fd = owned_fd(*state);
    assert_false(is_closed(&fd));
    kit_stop(kit);

    assert_true(is_closed(&fd));
}

static void test_tm3_owned_descriptor_is_closed_when_asked(void **state) {
    struct kit *kit = kit_start(*state, ALONE("init: 'own_fd', number: 'close_fd; note ready'"));
    char wanted[128];

    kit_number(kit, "a", "number", 1);
    kit_wait(kit, "a: ready");
    int fd = owned_fd(*state);
    kit_stop(kit);

    (void)snprintf(wanted, sizeof wanted, "watches %d\nclosed 0 %d %d\nready\n", fd, TROUPE_INVALID,
                   TROUPE_INVALID);
    kit_assert_trace(*state, "a", wanted);
}

/* At once, not at commit: the turn that opened it may not come to that. */
static void test_tm3_owned_descriptor_of_a_discarded_turn_is_closed(void **state) {
    struct supervisor_result result;
    struct kit *kit = kit_start(*state, ALONE("number: 'own_fd; fail no'"));

    kit_number(kit, "a", "number", 1);
    kit_wait_closed(kit, "a");
    int fd = owned_fd(*state);
    bool closed = is_closed(&fd);
    kit_stop_for(kit, &result);

    assert_true(closed);
}

static void test_tm3_owned_descriptor_is_closed_after_a_fault(void **state) {
    struct supervisor_result result;
    if (!fault_is_contained()) {
        print_message("skipped: a sanitizer handles faults in this build\n");
        return;
    }
    struct kit *kit = kit_start(*state, ALONE("init: own_fd, number: fault"));

    kit_number(kit, "a", "number", 1);
    kit_wait_closed(kit, "a");
    int fd = owned_fd(*state);
    bool closed = is_closed(&fd);
    kit_stop_for(kit, &result);

    assert_true(closed);
}

/* The thread that does not come back may be about to read from it. */
static void test_tm3_owned_descriptor_of_an_abandoned_turn_waits_for_its_return(void **state) {
    struct supervisor_result result;
    struct kit *kit = kit_start(*state, ALONE_WITH(STUCK_SOON, "number: 'own_fd; gate g'"));
    kit_gate_make(*state, "g");

    kit_number(kit, "a", "number", 1);
    kit_wait_logged(*state, "number: stuck: ran for ", 1);
    kit_wait_closed(kit, "a");
    int fd = owned_fd(*state);
    assert_false(is_closed(&fd));
    kit_open_until(*state, "g", "the abandoned turn of 'number' has come back");
    test_wait_until(is_closed, &fd);
    kit_stop_for(kit, &result);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_tm3_owned_descriptor_is_closed_with_the_incarnation),
    KIT_TEST(KIT_BOTH, test_tm3_owned_descriptor_is_closed_when_asked),
    KIT_TEST(KIT_BOTH, test_tm3_owned_descriptor_of_a_discarded_turn_is_closed),
    KIT_TEST(KIT_BOTH, test_tm3_owned_descriptor_is_closed_after_a_fault),
    KIT_TEST(KIT_THREADS, test_tm3_owned_descriptor_of_an_abandoned_turn_waits_for_its_return),
};

int main(void) {
    return KIT_RUN(tests);
}
