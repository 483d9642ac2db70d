/* Messages: their making, shared bodies, references, sizes. */
#include "given.h"

#include <string.h>

#include "base/alloc.h"

static void test_message_is_empty_but_for_what_was_asked(void **state) {
    struct world *w = *state;

    struct msg *m = msg_alloc(w->pool, MSG_REQUEST, MSG_EXTENDED, 40);

    assert_non_null(m);
    assert_null(m->next);
    assert_int_equal(m->sender + m->dest + m->type + m->port + m->reason, 0);
    assert_int_equal(m->kind, MSG_REQUEST);
    assert_int_equal(m->flags, MSG_EXTENDED);
    assert_int_equal(msg_call(m), 0);
    assert_int_equal(msg_trace(m), 0);
    memset(msg_body(m), 0xff, 40);
    assert_int_equal(msg_call(m), 0);
    msg_free(w->pool, m);
}

static void test_body_lies_behind_header_and_extension(void **state) {
    struct world *w = *state;
    struct msg *plain = msg_alloc(w->pool, MSG_DATA, 0, 16);
    struct msg *extended = msg_alloc(w->pool, MSG_DATA, MSG_EXTENDED, 16);

    assert_int_equal(sizeof(struct msg), 48);
    assert_ptr_equal(msg_body(plain), (char *)plain + 48);
    assert_ptr_equal(msg_body(extended),
                     (char *)extended + sizeof(struct msg) + sizeof(struct msg_extension));
    assert_int_equal((uintptr_t)plain % 64, 0);
    assert_int_equal((uintptr_t)extended % 64, 0);
    msg_extension(extended)->call = 7;
    msg_extension(extended)->trace = 8;
    msg_extension(extended)->far = 9;
    assert_int_equal(msg_call(extended), 7);
    assert_int_equal(msg_trace(extended), 8);
    assert_int_equal(msg_far(extended), 9);
    assert_int_equal(msg_far(plain), 0);

    msg_free(w->pool, plain);
    msg_free(w->pool, extended);
}

static void test_every_kind_has_a_text_and_is_charged_as_listed(void **state) {
    (void)state;
    static const char *const texts[] = {"message",       "request",   "reply",
                                        "tick",          "readiness", "child ended",
                                        "undeliverable", "deadline",  "notice"};
    assert_int_equal(MSG_KIND_COUNT, sizeof texts / sizeof texts[0]);

    for (unsigned kind = 0; kind < MSG_KIND_COUNT; kind++) {
        struct msg m = {.kind = (uint8_t)kind};
        assert_string_equal(msg_kind_text((enum msg_kind)kind), texts[kind]);
        assert_int_equal(msg_is_charged(&m), kind == MSG_DATA || kind == MSG_REQUEST);
    }
    assert_string_equal(msg_kind_text(MSG_KIND_COUNT), "unknown");
}

static void test_mb7_shared_envelopes_have_one_body(void **state) {
    struct world *w = *state;
    struct msg *m = given_msg(w->pool, MSG_DATA, 42);
    m->type = 3;
    m->sender = 4;

    struct msg *a = msg_share(w->pool, m, 0);
    struct msg *b = msg_share(w->pool, a, MSG_EXTENDED);

    assert_ptr_equal(msg_body(a), msg_body(m));
    assert_ptr_equal(msg_body(b), msg_body(m));
    assert_ptr_equal(msg_origin(b), m);
    assert_int_equal(b->type, 3);
    assert_int_equal(b->sender, 0);
    assert_int_equal(b->kind, MSG_DATA);
    assert_int_equal(msg_trace(b), 0);
    assert_int_equal(atomic_load(&m->refs), 3);
    assert_int_equal(pools_live(w->pools), 3);
    msg_free(w->pool, a);
    msg_free(w->pool, b);
    msg_free(w->pool, m);
}

static void test_mb9_body_lives_until_the_last_holder_lets_go(void **state) {
    struct world *w = *state;
    struct msg *m = given_msg(w->pool, MSG_DATA, 42);
    struct msg *envelope = msg_share(w->pool, m, 0);
    struct msg *kept = msg_hold(envelope);
    assert_ptr_equal(kept, m);

    msg_free(w->pool, m);
    assert_int_equal(number_of(envelope), 42);
    msg_free(w->pool, envelope);
    assert_int_equal(*(uint64_t *)msg_body(kept), 42);
    assert_int_equal(pools_live(w->pools), 1);
    msg_release(w->pool, kept);

    assert_int_equal(pools_live(w->pools), 0);
}

static void test_chain_is_freed_whole(void **state) {
    struct world *w = *state;
    struct msg *last;
    struct msg *chain = given_chain(w->pool, 0, 100, &last);
    assert_int_equal(pools_live(w->pools), 100);

    msg_free_chain(w->pool, chain);
    msg_free_chain(w->pool, NULL);

    assert_int_equal(pools_live(w->pools), 0);
}

static void test_block_size_covers_header_and_body(void **state) {
    struct world *w = *state;
    static const uint64_t sizes[] = {0, 1, 16, 17, 80, 81, 1000, 4000, 4096, 5000, 100000};

    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct msg *m = msg_alloc(w->pool, MSG_DATA, 0, sizes[i]);
        assert_non_null(m);
        assert_true(msg_block_size(m) >= sizeof(struct msg) + sizes[i]);
        memset(msg_body(m), 0xaa, sizes[i]);
        msg_free(w->pool, m);
    }
}

/* type_copy_size says so of nonsense: no block can be had. */
static void test_absurd_size_is_no_memory(void **state) {
    struct world *w = *state;

    assert_null(msg_alloc(w->pool, MSG_DATA, 0, UINT64_MAX));
    assert_null(msg_alloc(w->pool, MSG_DATA, MSG_EXTENDED, UINT64_MAX - 48));
    assert_null(msg_alloc(w->shared, MSG_DATA, 0, UINT64_MAX - 63));
    assert_null(msg_alloc(w->shared, MSG_DATA, 0, UINT64_MAX / 2));

    assert_int_equal(pools_live(w->pools), 0);
}

static void test_envelope_without_memory_takes_no_reference(void **state) {
    struct world *w = *state;
    struct msg *m = given_msg(w->shared, MSG_DATA, 1);
    struct pool *empty = pools_take(w->pools);
    mem_fail_at(1);

    assert_null(msg_share(empty, m, 0));

    mem_fail_at(0);
    pools_give_back(w->pools, empty);
    assert_int_equal(atomic_load(&m->refs), 1);
    assert_int_equal(pools_live(w->pools), 1);
    msg_free(w->shared, m);
}

int main(void) {
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_message_is_empty_but_for_what_was_asked),
        IN_WORLD(test_body_lies_behind_header_and_extension),
        IN_WORLD(test_every_kind_has_a_text_and_is_charged_as_listed),
        IN_WORLD(test_mb7_shared_envelopes_have_one_body),
        IN_WORLD(test_mb9_body_lives_until_the_last_holder_lets_go),
        IN_WORLD(test_chain_is_freed_whole),
        IN_WORLD(test_block_size_covers_header_and_body),
        IN_WORLD(test_absurd_size_is_no_memory),
        IN_WORLD(test_envelope_without_memory_takes_no_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
