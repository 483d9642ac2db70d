/* Turn memory: aligned, apart, gone after a reset, one chunk kept. */
#include "lib/test.h"

#include <string.h>

#include "base/alloc.h"
#include "base/scratch.h"

static void test_nothing_is_held_before_the_first_use(void **state) {
    (void)state;
    struct scratch scratch;

    scratch_init(&scratch);
    scratch_reset(&scratch);

    assert_int_equal(scratch.held, 0);
    scratch_fini(&scratch);
}

static void test_blocks_are_aligned_and_apart(void **state) {
    (void)state;
    struct scratch scratch;
    scratch_init(&scratch);
    unsigned char *blocks[600];
    for (int i = 0; i < 600; i++) {
        blocks[i] = scratch_alloc(&scratch, (uint64_t)i);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], i % 256, (size_t)i);
    }

    for (int i = 0; i < 600; i++) {
        for (int k = 0; k < i; k++) {
            assert_int_equal(blocks[i][k], i % 256);
        }
    }
    scratch_fini(&scratch);
}

static void test_a_reset_gives_the_same_memory_again(void **state) {
    (void)state;
    struct scratch scratch;
    scratch_init(&scratch);
    void *first = scratch_alloc(&scratch, 100);

    scratch_reset(&scratch);
    void *again = scratch_alloc(&scratch, 50);

    assert_ptr_equal(again, first);
    assert_int_equal(scratch.held, SCRATCH_CHUNK);
    scratch_fini(&scratch);
}

static void test_a_reset_keeps_one_chunk_at_most(void **state) {
    (void)state;
    struct scratch scratch;
    scratch_init(&scratch);
    for (int i = 0; i < 100; i++) {
        assert_non_null(scratch_alloc(&scratch, 10000));
    }
    assert_non_null(scratch_alloc(&scratch, 10 << 20));
    assert_true(scratch.held > 11 << 20);

    scratch_reset(&scratch);

    assert_int_equal(scratch.held, SCRATCH_CHUNK);
    scratch_fini(&scratch);
}

static void test_a_large_block_does_not_end_the_chunk_in_use(void **state) {
    (void)state;
    struct scratch scratch;
    scratch_init(&scratch);
    char *first = scratch_alloc(&scratch, 16);

    char *large = scratch_alloc(&scratch, SCRATCH_CHUNK);
    memset(large, 1, SCRATCH_CHUNK);
    char *second = scratch_alloc(&scratch, 16);

    assert_ptr_equal(second, first + 16);
    scratch_fini(&scratch);
}

static void test_no_memory_is_reported(void **state) {
    (void)state;
    struct scratch scratch;
    scratch_init(&scratch);

    mem_fail_at(1);
    assert_null(scratch_alloc(&scratch, 16));
    mem_fail_at(1);
    assert_null(scratch_alloc(&scratch, 1 << 20));
    mem_fail_at(0);
    assert_null(scratch_alloc(&scratch, UINT64_MAX));

    assert_non_null(scratch_alloc(&scratch, 0));
    scratch_fini(&scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_held_before_the_first_use),
        cmocka_unit_test(test_blocks_are_aligned_and_apart),
        cmocka_unit_test(test_a_reset_gives_the_same_memory_again),
        cmocka_unit_test(test_a_reset_keeps_one_chunk_at_most),
        cmocka_unit_test(test_a_large_block_does_not_end_the_chunk_in_use),
        cmocka_unit_test(test_no_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
