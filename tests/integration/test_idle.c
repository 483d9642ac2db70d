/* The manifest's `idle`: what workers without work do. */
#include "lib/app/kit.h"

#include "actor/proc.h"
#include "sched/sched_impl.h"

#define ACTORS "actors: { a: { type: kit.Player, config: { number: 'note seven' } } }\n"

static enum sched_idle policy_of(void *state, const char *manifest) {
    struct kit *kit = kit_start(state, manifest);
    enum sched_idle policy = proc_sched(kit_proc(kit))->options.idle;
    kit_number(kit, "a", "number", 7);
    kit_wait(kit, "a: seven");
    kit_stop(kit);
    return policy;
}

static void test_workers_idle_as_the_manifest_says(void **state) {
    assert_int_equal(policy_of(*state, ACTORS), SCHED_NAP);
    assert_int_equal(policy_of(*state, "idle: nap\n" ACTORS), SCHED_NAP);
    assert_int_equal(policy_of(*state, "idle: sleep\n" ACTORS), SCHED_SLEEP);
    assert_int_equal(policy_of(*state, "idle: spin\n" ACTORS), SCHED_SPIN);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_BOTH, test_workers_idle_as_the_manifest_says),
};

int main(void) {
    return KIT_RUN(tests);
}
