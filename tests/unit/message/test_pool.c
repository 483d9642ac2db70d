/* Pools: blocks are used again, come home from other workers, and are counted. */
#include "given.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"

#if defined(__SANITIZE_ADDRESS__)
#define BLOCKS_ARE_POOLED 0 /* there every block comes from the heap */
#else
#define BLOCKS_ARE_POOLED 1
#endif

static void test_freed_block_is_used_next(void **state) {
    struct world *w = *state;
    struct msg *m = given_msg(w->pool, MSG_DATA, 1);
    msg_free(w->pool, m);

    struct msg *again = given_msg(w->pool, MSG_REPLY, 2);

    if (BLOCKS_ARE_POOLED) {
        assert_ptr_equal(again, m);
    }
    assert_int_equal(again->kind, MSG_REPLY);
    msg_free(w->pool, again);
}

static void test_blocks_do_not_overlap(void **state) {
    struct world *w = *state;
    enum { COUNT = 3000 };
    static struct msg *held[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        uint64_t size = 8 + i * 37 % 5000;
        held[i] = msg_alloc(w->pool, MSG_DATA, 0, size);
        assert_non_null(held[i]);
        memset(msg_body(held[i]), (int)(i % 251), size);
    }

    for (unsigned i = 0; i < COUNT; i++) {
        uint64_t size = 8 + i * 37 % 5000;
        const unsigned char *body = msg_body(held[i]);
        assert_int_equal(body[0], i % 251);
        assert_int_equal(body[size - 1], i % 251);
        assert_int_equal(held[i]->kind, MSG_DATA);
    }

    assert_int_equal(pools_live(w->pools), COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        msg_free(w->pool, held[i]);
    }
}

static void test_memory_stays_flat_when_blocks_come_and_go(void **state) {
    struct world *w = *state;
    msg_free(w->pool, given_msg(w->pool, MSG_DATA, 0));
    uint64_t bytes = pools_bytes(w->pools);
    assert_true(!BLOCKS_ARE_POOLED || bytes > 0);

    for (unsigned i = 0; i < 100000; i++) {
        msg_free(w->pool, given_msg(w->pool, MSG_DATA, i));
    }

    assert_int_equal(pools_bytes(w->pools), bytes);
}

static void test_blocks_freed_elsewhere_come_home_by_a_flush(void **state) {
    struct world *w = *state;
    struct pool *other = pools_take(w->pools);
    struct msg *m = given_msg(w->pool, MSG_DATA, 1);
    msg_free(other, m);
    assert_int_equal(pools_live(w->pools), 0);

    pool_flush(other);

    assert_false(pool_wants_flush(other));
    if (BLOCKS_ARE_POOLED) {
        uint64_t bytes = pools_bytes(w->pools);
        struct msg *held = NULL; /* those that were made with it come first */
        struct msg *again;
        do {
            again = given_msg(w->pool, MSG_DATA, 2);
            again->next = held;
            held = again;
        } while (again != m && pools_bytes(w->pools) == bytes);
        assert_ptr_equal(again, m);
        assert_int_equal(pools_bytes(w->pools), bytes);
        msg_free_chain(w->pool, held);
    }
    pools_give_back(w->pools, other);
}

/* Not for each block: that would cost two cores a line each time. */
static void test_flush_is_wanted_for_some_blocks_at_once(void **state) {
    enum { SOME = 16 };
    struct world *w = *state;
    struct pool *other = pools_take(w->pools);
    struct msg *held[SOME];
    for (unsigned i = 0; i < SOME; i++) {
        held[i] = given_msg(w->pool, MSG_DATA, i);
    }

    for (unsigned i = 0; i < SOME; i++) {
        assert_false(pool_wants_flush(other));
        msg_free(other, held[i]);
    }

    assert_int_equal(pool_wants_flush(other), BLOCKS_ARE_POOLED);
    pools_give_back(w->pools, other);
}

/* A pool holds back blocks of a few owners at a time; of many more, all come home. */
static void test_blocks_of_many_owners_find_their_homes(void **state) {
    struct world *w = *state;
    enum { OWNERS = 9, EACH = 70 };
    struct pool *owners[OWNERS];
    struct msg *held[OWNERS][EACH];
    for (unsigned i = 0; i < OWNERS; i++) {
        owners[i] = pools_take(w->pools);
        for (unsigned k = 0; k < EACH; k++) {
            held[i][k] = given_msg(owners[i], MSG_DATA, k);
        }
    }
    uint64_t bytes = pools_bytes(w->pools);

    for (unsigned k = 0; k < EACH; k++) {
        for (unsigned i = 0; i < OWNERS; i++) {
            msg_free(w->pool, held[i][k]);
        }
    }
    pool_flush(w->pool);

    assert_int_equal(pools_live(w->pools), 0);
    for (unsigned i = 0; i < OWNERS; i++) {
        for (unsigned k = 0; k < EACH; k++) {
            held[i][k] = given_msg(owners[i], MSG_DATA, k);
        }
    }
    assert_int_equal(pools_bytes(w->pools), bytes);
    for (unsigned i = 0; i < OWNERS; i++) {
        for (unsigned k = 0; k < EACH; k++) {
            msg_free(owners[i], held[i][k]);
        }
        pools_give_back(w->pools, owners[i]);
    }
}

static void test_retired_pool_is_taken_again_and_flushed(void **state) {
    struct world *w = *state;
    struct pool *other = pools_take(w->pools);
    struct msg *m = given_msg(w->pool, MSG_DATA, 1);
    msg_free(other, m);

    pools_give_back(w->pools, other);

    assert_false(pool_wants_flush(other));
    assert_ptr_equal(pools_take(w->pools), other);
    pools_give_back(w->pools, other);
}

static void test_shared_pool_frees_anything(void **state) {
    struct world *w = *state;
    struct msg *pooled = given_msg(w->pool, MSG_DATA, 1);
    struct msg *shared = given_msg(w->shared, MSG_DATA, 2);
    struct msg *heap = msg_alloc(w->shared, MSG_DATA, 0, 100000);
    assert_int_equal(heap->owner, POOL_HEAP);
    assert_int_equal(pools_live(w->pools), 3);

    msg_free(w->shared, pooled);
    msg_free(w->pool, shared);
    msg_free(w->pool, heap);

    assert_int_equal(pools_live(w->pools), 0);
    if (BLOCKS_ARE_POOLED) {
        struct msg *fresh = given_msg(w->pool, MSG_DATA, 3);
        msg_free(w->pool, fresh);
    }
}

static void test_block_of_the_shared_pool_comes_home_and_is_taken_again(void **state) {
    struct world *w = *state;
    struct msg *here = given_msg(w->shared, MSG_DATA, 1);
    struct msg *away = given_msg(w->shared, MSG_DATA, 2);
    msg_free(w->shared, here);
    msg_free(w->pool, away);
    pool_flush(w->pool);

    struct msg *first = given_msg(w->shared, MSG_DATA, 3);
    struct msg *second = given_msg(w->shared, MSG_DATA, 4);

    if (BLOCKS_ARE_POOLED) {
        assert_ptr_equal(first, away);
        assert_ptr_equal(second, here);
    }
    msg_free(w->shared, first);
    msg_free(w->shared, second);
    assert_int_equal(pools_live(w->pools), 0);
}

#define TAKERS 4u

static void *take_and_free(void *context) {
    struct pool *shared = context;
    struct msg *held[8] = {NULL};
    for (uint64_t i = 0; i < 40000; i++) {
        struct msg **slot = &held[i * 7 % 8];
        if (*slot) {
            assert_int_equal(*(uint64_t *)msg_body(*slot), (uint64_t)(uintptr_t)*slot);
            msg_free(shared, *slot);
        }
        *slot = given_msg(shared, MSG_DATA, 0);
        *(uint64_t *)msg_body(*slot) = (uint64_t)(uintptr_t)*slot;
    }
    for (unsigned i = 0; i < 8; i++) {
        msg_free(shared, held[i]);
    }
    return NULL;
}

static void test_shared_pool_is_for_many_threads_at_once(void **state) {
    struct world *w = *state;
    pthread_t threads[TAKERS];

    for (unsigned i = 0; i < TAKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_free, w->shared), 0);
    }
    for (unsigned i = 0; i < TAKERS; i++) {
        pthread_join(threads[i], NULL);
    }

    assert_int_equal(pools_live(w->pools), 0);
}

static void test_no_memory_is_null_and_counts_nothing(void **state) {
    struct world *w = *state;
    struct pool *empty = pools_take(w->pools);
    mem_fail_at(1);
    assert_null(msg_alloc(empty, MSG_DATA, 0, 8));
    mem_fail_at(1);
    assert_null(msg_alloc(w->shared, MSG_DATA, 0, 8));
    mem_fail_at(1);
    assert_null(msg_alloc(empty, MSG_DATA, 0, 100000));
    mem_fail_at(1);
    assert_null(pools_take(w->pools));
    mem_fail_at(1);
    assert_null(pools_create());
    mem_fail_at(0);

    assert_int_equal(pools_live(w->pools), 0);
    pools_give_back(w->pools, empty);
}

static void test_destroy_takes_null_and_pools_with_blocks_out(void **state) {
    (void)state;
    struct pools *pools = pools_create();
    struct pool *pool = pools_take(pools);
    struct msg *m = given_msg(pool, MSG_DATA, 1);
    if (!BLOCKS_ARE_POOLED) {
        msg_free(pool, m); /* one of the heap would be a leak */
    }

    pools_destroy(pools);
    pools_destroy(NULL);
}

/* Each thread takes from its own pool, passes its messages on, and frees those of its neighbour. */
#define THREADS 4u
#define ROUNDS 20000u

struct passer {
    struct pools *pools;
    pthread_t thread;
    _Atomic(struct msg *) slot; /* from the neighbour before */
    struct passer *next;
    bool wrong;
};

static void *pass(void *argument) {
    struct passer *p = argument;
    struct pool *pool = pools_take(p->pools);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        struct msg *m = given_msg(pool, MSG_DATA, i);
        struct msg *copy = i % 3 == 0 ? msg_share(pool, m, 0) : NULL;
        struct msg *passed = copy ? copy : m;
        struct msg *before = atomic_exchange_explicit(&p->next->slot, passed, memory_order_acq_rel);
        if (copy) {
            p->wrong |= number_of(m) != i;
            msg_free(pool, m);
        }
        if (before) {
            msg_free(pool, before);
        }
        struct msg *mine = atomic_exchange_explicit(&p->slot, NULL, memory_order_acq_rel);
        if (mine) {
            p->wrong |= number_of(mine) >= ROUNDS;
            msg_free(pool, mine);
        }
        if (i % 100 == 0) {
            pool_flush(pool);
        }
    }
    pools_give_back(p->pools, pool);
    return NULL;
}

static void test_blocks_freed_by_other_threads_are_all_home_in_the_end(void **state) {
    struct world *w = *state;
    static struct passer passers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        passers[i] = (struct passer){.pools = w->pools, .next = &passers[(i + 1) % THREADS]};
    }

    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&passers[i].thread, NULL, pass, &passers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(passers[i].thread, NULL);
    }

    for (unsigned i = 0; i < THREADS; i++) {
        struct msg *left = atomic_load(&passers[i].slot);
        if (left) {
            msg_free(w->pool, left);
        }
        assert_false(passers[i].wrong);
    }
    assert_int_equal(pools_live(w->pools), 0);
    assert_true(pools_bytes(w->pools) < 4 * 1024 * 1024);
}

int main(void) {
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_freed_block_is_used_next),
        IN_WORLD(test_blocks_do_not_overlap),
        IN_WORLD(test_memory_stays_flat_when_blocks_come_and_go),
        IN_WORLD(test_blocks_freed_elsewhere_come_home_by_a_flush),
        IN_WORLD(test_flush_is_wanted_for_some_blocks_at_once),
        IN_WORLD(test_blocks_of_many_owners_find_their_homes),
        IN_WORLD(test_retired_pool_is_taken_again_and_flushed),
        IN_WORLD(test_shared_pool_frees_anything),
        IN_WORLD(test_block_of_the_shared_pool_comes_home_and_is_taken_again),
        IN_WORLD(test_shared_pool_is_for_many_threads_at_once),
        IN_WORLD(test_no_memory_is_null_and_counts_nothing),
        IN_WORLD(test_destroy_takes_null_and_pools_with_blocks_out),
        IN_WORLD(test_blocks_freed_by_other_threads_are_all_home_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
