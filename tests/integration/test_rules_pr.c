/* Procs: what is not local, and two procs in one process (PR). */
#include <pthread.h>

#include "actor/inst.h"
#include "actor/proc_impl.h"
#include "lib/app/kit.h"

#define ELSEWHERE (1ull << 32)
#define ALONE                                                                                      \
    "actors: { a: { type: kit.Player, config: { returned: 'note back $: %', "                      \
    "cleanup: 'note end' } } }\n"

/* What a forwarder was given; the turns of one actor follow one another, the lock is for the test. */
struct taken {
    pthread_mutex_t lock;
    struct proc *proc;
    struct msg *messages[8];
    size_t count;
};

static enum forwarded take(void *context, struct proc *proc, struct msg *m, bool hard) {
    struct taken *taken = context;
    (void)hard;
    pthread_mutex_lock(&taken->lock);
    taken->proc = proc;
    if (taken->count < 8) {
        taken->messages[taken->count] = m;
    }
    taken->count++;
    pthread_mutex_unlock(&taken->lock);
    return FORWARD_TAKEN;
}

static void test_pr1_forwarder_takes_what_is_not_local(void **state) {
    struct taken taken = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const struct proc_forwarder forwarder = {.forward = take, .context = &taken};
    struct kit *kit = kit_create_with(*state, ALONE, &forwarder);
    kit_go(kit);

    kit_do_to(kit, "a", "tell 6; tell 7; note sent", (struct troupe_ref){5, ELSEWHERE});
    kit_wait(kit, "a: sent");
    kit_settle(kit);
    pthread_mutex_lock(&taken.lock);
    struct proc *proc = kit_proc(kit);

    assert_int_equal(taken.count, 2);
    assert_ptr_equal(taken.proc, proc);
    for (uint64_t i = 0; i < 2; i++) {
        struct msg *m = taken.messages[i];
        assert_int_equal(*(const uint64_t *)msg_body(m), 6 + i);
        assert_int_equal(m->dest, 5);
        assert_int_equal(msg_far(m), ELSEWHERE);
        assert_int_equal(m->sender, inst_uid(kit_actor(kit, "a")));
        msg_free(pools_shared(proc->pools), m);
    }
    pthread_mutex_unlock(&taken.lock);
    assert_int_equal(kit_dead(kit), 0);
    kit_stop(kit);
    kit_assert_trace(*state, "a", "sent\nend\n");
}

static void test_pr1_forwarder_gets_nothing_local(void **state) {
    struct taken taken = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const struct proc_forwarder forwarder = {.forward = take, .context = &taken};
    struct kit *kit = kit_create_with(*state, ALONE, &forwarder);
    kit_go(kit);

    kit_do_to(kit, "a", "tell 6", (struct troupe_ref){99, 1});
    kit_wait(kit, "a: back 6: actor is gone");
    kit_stop(kit);

    assert_int_equal(taken.count, 0);
}

static void test_pr1_without_a_forwarder_it_comes_back(void **state) {
    struct kit *kit = kit_start(*state, ALONE);

    kit_do_to(kit, "a", "tell 6; note sent", (struct troupe_ref){5, ELSEWHERE});
    kit_wait(kit, "a: back 6: another proc, and no forwarder");
    kit_stop(kit);

    kit_assert_trace(*state, "a", "sent\nback 6: another proc, and no forwarder\nend\n");
}

static void test_pr1_what_comes_back_names_the_other_proc(void **state) {
    struct kit *kit = kit_start(*state, "actors: { a: { type: kit.Player, config: {\n"
                                        "  returned: 'note back $: %; at 6; again 7' } } }\n");

    kit_do_to(kit, "a", "tell 6", (struct troupe_ref){inst_uid(kit_actor(kit, "a")), ELSEWHERE});
    kit_wait(kit, "a: back 7: another proc, and no forwarder");
    kit_stop(kit);
}

static void test_pr1_without_a_forwarder_what_nobody_takes_back_is_a_dead_letter(void **state) {
    struct kit *kit = kit_start(*state, "actors: { a: { type: kit.Player } }\n");

    kit_do_to(kit, "a", "tell 6; note sent", (struct troupe_ref){5, ELSEWHERE});
    kit_wait(kit, "a: sent");
    kit_settle(kit);

    assert_int_equal(kit_dead_for(kit, TROUPE_NOT_LOCAL), 1);
    kit_stop(kit);
}

static void test_pr4_two_procs_run_at_once_and_end_on_their_own(void **state) {
    struct kit *first = kit_start(
        *state, "actors:\n"
                "  a: { type: kit.Player, config: { number: 'note $; out $' } }\n"
                "  b: { type: kit.Player, config: { number: 'note $', cleanup: 'note end' } }\n"
                "wires: [a.out -> b.number]\n");
    struct kit *second = kit_start(
        *state, "proc: q\n"
                "actors:\n"
                "  x: { type: kit.Player, config: { number: 'note $; out $' } }\n"
                "  y: { type: kit.Player, config: { number: 'note $', cleanup: 'note end' } }\n"
                "wires: [x.out -> y.number]\n");

    kit_number(first, "a", "number", 1);
    kit_number(second, "x", "number", 2);
    kit_do(second, "x", "name");
    kit_wait(first, "b: 1");
    kit_wait(second, "y: 2");
    kit_wait(second, "x: name q/x[0]");
    kit_stop(first);
    kit_assert_trace(*state, "b", "1\nend\n");
    kit_number(second, "x", "number", 3);
    kit_wait(second, "y: 3");
    kit_stop(second);

    kit_assert_trace(*state, "a", "1\n");
    kit_assert_trace(*state, "y", "2\n3\nend\n");
}

static void test_pr4_a_failure_ends_its_own_proc_only(void **state) {
    struct kit *first =
        kit_start(*state, "actors: { a: { type: kit.Player, config: { number: 'fail no' } } }\n");
    struct kit *second = kit_start(
        *state, "proc: q\nactors: { x: { type: kit.Player, config: { number: 'note $' } } }\n");
    struct supervisor_result result;

    kit_number(first, "a", "number", 1);
    kit_end(first, &result);
    kit_number(second, "x", "number", 2);
    kit_wait(second, "x: 2");
    kit_stop(second);

    assert_string_equal(result.cause, "actor 'p/a[0]' failed: number: no");
}

static const struct kit_test pr[] = {
    KIT_TEST(KIT_BOTH, test_pr1_forwarder_takes_what_is_not_local),
    KIT_TEST(KIT_BOTH, test_pr1_forwarder_gets_nothing_local),
    KIT_TEST(KIT_BOTH, test_pr1_without_a_forwarder_it_comes_back),
    KIT_TEST(KIT_BOTH, test_pr1_what_comes_back_names_the_other_proc),
    KIT_TEST(KIT_BOTH, test_pr1_without_a_forwarder_what_nobody_takes_back_is_a_dead_letter),
    KIT_TEST(KIT_BOTH, test_pr4_two_procs_run_at_once_and_end_on_their_own),
    KIT_TEST(KIT_BOTH, test_pr4_a_failure_ends_its_own_proc_only),
};

int main(void) {
    return KIT_RUN(pr);
}
