/* Two deployments of the test kit, joined by the in-process forwarder. */
#include "lib/app/kit_joined.h"

#include <stdio.h>

#include "lib/wait.h"

static const char *const names[] = {"one", "two"};

static void create(struct joined *j, unsigned at, const char *text) {
    struct err err = {0};
    char manifest[4096];
    (void)snprintf(manifest, sizeof manifest, "proc: %s\n%s", names[at], text);
    assert_int_equal(member_create(j->forwarder, names[at], &j->member[at], &err), 0);
    const struct proc_forwarder forwarder = member_forwarder(j->member[at]);
    j->kit[at] = kit_create_with(j->state, manifest, &forwarder);
    assert_int_equal(member_enter(j->member[at], kit_proc(j->kit[at]), &err), 0);
    kit_go(j->kit[at]);
}

void joined_start(struct joined *j, void *state, const char *first, const char *second) {
    struct troupe_error error;
    *j = (struct joined){.state = state};
    assert_int_equal(troupe_forwarder_create(&j->forwarder, &error), TROUPE_OK);
    create(j, 0, first);
    create(j, 1, second);
}

struct troupe_ref joined_find(struct joined *j, unsigned at, const char *actor, const char *port) {
    struct troupe_ref found = forwarder_find(j->member[at], actor, port);
    assert_true(found.uid != 0);
    return found;
}

void joined_settle(struct joined *j) {
    uint64_t steps = !kit_is_threaded(j->state);
    while (steps > 0) {
        steps = 0;
        for (unsigned at = 0; at < 2; at++) {
            struct clock *clock = j->kit[at] ? kit_clock(j->kit[at]) : NULL;
            steps += clock ? deploy_step(kit_deploy(j->kit[at]), clock->now(clock)) : 0;
        }
    }
}

void joined_wait(struct joined *j, const char *line, unsigned count) {
    if (kit_is_threaded(j->state)) {
        kit_wait_lines(j->kit[0] ? j->kit[0] : j->kit[1], line, count);
        return;
    }
    joined_settle(j);
    assert_true(kit_count(j->state, line) >= count);
}

static void is_gone(void *context) {
    atomic_fetch_add((_Atomic unsigned *)context, 1);
}

struct ending {
    struct joined *j;
    unsigned at, gone;
};

static bool is_over(void *context) {
    const struct ending *ending = context;
    joined_settle(ending->j);
    return supervisor_is_over(deploy_supervisor(kit_deploy(ending->j->kit[ending->at])));
}

static bool has_left(void *context) {
    const struct ending *ending = context;
    joined_settle(ending->j);
    return atomic_load(&ending->j->gone) > ending->gone;
}

void joined_end_one(struct joined *j, unsigned at, struct supervisor_result *ret) {
    struct ending ending = {j, at, atomic_load(&j->gone)};
    test_wait_until(is_over, &ending);
    member_leave(j->member[at], is_gone, &j->gone);
    test_wait_until(has_left, &ending);
    kit_end(j->kit[at], ret);
    j->kit[at] = NULL;
    joined_settle(j);
}

void joined_stop(struct joined *j) {
    for (unsigned at = 0; at < 2; at++) {
        if (j->kit[at]) {
            deploy_stop(kit_deploy(j->kit[at]));
            joined_end_one(j, at, NULL);
        }
    }
    joined_fini(j);
}

void joined_fini(struct joined *j) {
    member_destroy(j->member[0]);
    member_destroy(j->member[1]);
    troupe_forwarder_free(j->forwarder);
}
