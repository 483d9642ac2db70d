/* State memory: zeroed, aligned, accounted, capped, freed whole, safe against wrong frees. */
#include "lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/heap.h"

/* The pool is tested under the address sanitizer too, where heaps do without it. */
static struct heap new_heap(uint64_t limit, bool separate) {
    struct heap heap;
    heap_init(&heap, limit);
    heap.separate = separate;
    return heap;
}

static void assert_zero(const unsigned char *at, uint64_t size) {
    for (uint64_t i = 0; i < size; i++) {
        assert_int_equal(at[i], 0);
    }
}

static void test_nothing_is_held_before_the_first_block(void **state) {
    (void)state;
    struct heap heap;

    heap_init(&heap, 0);

    assert_int_equal(heap.held, 0);
    assert_true(sizeof heap <= 64);
    heap_fini(&heap);
}

static void test_one_block_holds_little_more_than_itself(void **state) {
    (void)state;
    struct heap heap = new_heap(0, false);

    assert_non_null(heap_alloc(&heap, 200));

    assert_int_equal(heap.held, 232);
    assert_int_equal(heap.used, 232);
    heap_fini(&heap);
}

static void test_a_few_small_blocks_hold_less_than_a_kilobyte(void **state) {
    (void)state;
    struct heap heap = new_heap(0, false);

    for (int i = 0; i < 6; i++) {
        assert_non_null(heap_alloc(&heap, 50));
    }

    assert_true(heap.held < 1024);
    heap_fini(&heap);
}

static void test_blocks_of_every_size_are_aligned_zeroed_and_apart(void **state) {
    (void)state;
    for (int separate = 0; separate < 2; separate++) {
        struct heap heap = new_heap(0, separate);
        enum { COUNT = 2100 };
        unsigned char *blocks[COUNT];
        for (uint64_t size = 0; size < COUNT; size++) {
            blocks[size] = heap_alloc(&heap, size);
            assert_non_null(blocks[size]);
            assert_int_equal((uintptr_t)blocks[size] % 16, 0);
            assert_zero(blocks[size], size);
            memset(blocks[size], (int)(size % 251) + 1, size);
        }

        for (uint64_t size = 0; size < COUNT; size++) {
            for (uint64_t i = 0; i < size; i++) {
                assert_int_equal(blocks[size][i], size % 251 + 1);
            }
        }
        heap_fini(&heap);
    }
}

static void test_rounding_loses_at_most_a_quarter(void **state) {
    (void)state;
    struct heap heap = new_heap(0, false);
    assert_non_null(heap_alloc(&heap, 1));
    for (uint64_t size = 120; size <= HEAP_SMALL_MAX; size++) {
        uint64_t before = heap.used;
        assert_non_null(heap_alloc(&heap, size));
        assert_true(heap.used - before >= size + 8);
        assert_true(heap.used - before <= (size + 8) * 5 / 4 + 16);
    }
    heap_fini(&heap);
}

static void test_a_freed_block_is_used_again_and_zeroed(void **state) {
    (void)state;
    struct heap heap = new_heap(0, false);
    assert_non_null(heap_alloc(&heap, 8));
    void *first = heap_alloc(&heap, 100);
    memset(first, 0xFF, 100);
    uint64_t held = heap.held;

    assert_int_equal(heap_free(&heap, first), 0);
    void *second = heap_alloc(&heap, 97);

    assert_ptr_equal(second, first);
    assert_zero(second, 97);
    assert_int_equal(heap.held, held);
    heap_fini(&heap);
}

static void test_large_blocks_go_back_at_once(void **state) {
    (void)state;
    struct heap heap = new_heap(0, false);
    assert_non_null(heap_alloc(&heap, 8));
    uint64_t held = heap.held;
    uint64_t used = heap.used;

    void *large = heap_alloc(&heap, 1 << 20);
    assert_non_null(large);
    assert_true(heap.held >= held + (1 << 20));
    assert_int_equal(heap_free(&heap, large), 0);

    assert_int_equal(heap.held, held);
    assert_int_equal(heap.used, used);
    heap_fini(&heap);
}

static void test_all_blocks_freed_leave_nothing_in_use(void **state) {
    (void)state;
    for (int separate = 0; separate < 2; separate++) {
        struct heap heap = new_heap(0, separate);
        void *blocks[200];
        for (int i = 0; i < 200; i++) {
            blocks[i] = heap_alloc(&heap, (uint64_t)(i * i));
        }

        for (int i = 0; i < 200; i++) {
            assert_int_equal(heap_free(&heap, blocks[(i * 77) % 200]), 0);
        }

        assert_int_equal(heap.used, 0);
        heap_fini(&heap);
        assert_int_equal(heap.held, 0);
    }
}

static void test_resize_keeps_the_bytes(void **state) {
    (void)state;
    for (int separate = 0; separate < 2; separate++) {
        struct heap heap = new_heap(0, separate);
        assert_non_null(heap_alloc(&heap, 8));
        const uint64_t sizes[] = {1, 20, 24, 300, 2040, 2041, 100000, 50000, 30, 0, 10};
        unsigned char *memory = heap_resize(&heap, NULL, 1);
        memory[0] = 7;
        for (size_t i = 1; i < sizeof sizes / sizeof sizes[0]; i++) {
            uint64_t kept = sizes[i] < sizes[i - 1] ? sizes[i] : sizes[i - 1];
            memory = heap_resize(&heap, memory, sizes[i]);
            assert_non_null(memory);
            assert_int_equal((uintptr_t)memory % 16, 0);
            for (uint64_t k = 0; k < kept; k++) {
                assert_int_equal(memory[k], 7);
            }
            memset(memory, 7, sizes[i]);
        }
        heap_fini(&heap);
    }
}

static void test_limit_refuses_and_leaves_the_heap_usable(void **state) {
    (void)state;
    for (int separate = 0; separate < 2; separate++) {
        struct heap heap = new_heap(4096, separate);
        void *first = heap_alloc(&heap, 100);
        assert_non_null(first);

        assert_null(heap_alloc(&heap, 4096));
        assert_null(heap_resize(&heap, first, 5000));
        assert_null(heap_alloc(&heap, UINT64_MAX));
        int count = 0;
        while (heap_alloc(&heap, 100)) {
            count++;
        }

        assert_true(count >= 20);
        assert_true(heap.held <= 4096);
        assert_non_null(heap_resize(&heap, first, 90));
        heap_fini(&heap);
    }
}

static void test_a_block_that_fits_a_tight_limit_is_given(void **state) {
    (void)state;
    struct heap heap = new_heap(300, false);

    assert_non_null(heap_alloc(&heap, 100));
    assert_non_null(heap_alloc(&heap, 100)); /* no pool would fit */

    assert_true(heap.held <= 300);
    heap_fini(&heap);
}

static void test_freeing_twice_is_refused(void **state) {
    (void)state;
    struct heap heap = new_heap(0, false);
    assert_non_null(heap_alloc(&heap, 8));
    void *memory = heap_alloc(&heap, 100);
    uint64_t used = heap.used;

    assert_int_equal(heap_free(&heap, memory), 0);
    assert_int_equal(heap_free(&heap, memory), -1);
    assert_null(heap_resize(&heap, memory, 10));

    assert_int_equal(heap.used, used - 112);
    heap_fini(&heap);
}

static void test_memory_of_another_heap_is_refused(void **state) {
    (void)state;
    struct heap heaps[2] = {new_heap(0, false), new_heap(0, false)};
    void *memory[2];
    memory[0] = heap_alloc(&heaps[0], 100);
    memory[1] = heap_alloc(&heaps[1], 100);

    assert_int_equal(heap_free(&heaps[0], memory[1]), -1);
    assert_int_equal(heap_free(&heaps[0], (char *)memory[0] + 16), -1);
    assert_int_equal(heap_free(&heaps[0], (char *)memory[0] + 1), -1);
    assert_int_equal(heap_free(&heaps[0], NULL), 0);

    assert_int_equal(heap_free(&heaps[0], memory[0]), 0);
    heap_fini(&heaps[0]);
    heap_fini(&heaps[1]);
}

static void test_a_heap_may_be_used_again_after_fini(void **state) {
    (void)state;
    struct heap heap = new_heap(1000, false);
    assert_non_null(heap_alloc(&heap, 100));
    assert_non_null(heap_alloc(&heap, 100));

    heap_fini(&heap);

    assert_int_equal(heap.used, 0);
    assert_int_equal(heap.limit, 1000);
    assert_non_null(heap_alloc(&heap, 100));
    heap_fini(&heap);
}

static void test_no_memory_is_reported_and_changes_nothing(void **state) {
    (void)state;
    struct heap heap = new_heap(0, false);
    unsigned char *small = heap_alloc(&heap, 100);
    unsigned char *large = heap_alloc(&heap, 10000);
    large[0] = 3;
    uint64_t held = heap.held;

    mem_fail_at(1);
    assert_null(heap_resize(&heap, large, 20000));
    mem_fail_at(1);
    assert_null(heap_alloc(&heap, 3000));
    mem_fail_at(0);

    assert_int_equal(heap.held, held);
    assert_int_equal(large[0], 3);
    assert_int_equal(heap_free(&heap, large), 0);
    assert_int_equal(heap_free(&heap, small), 0);
    heap_fini(&heap);
}

enum { LIVE_MAX = 200 };

struct live {
    unsigned char *memory;
    uint64_t size;
};

static void check_live(const struct live *l, int mark) {
    for (uint64_t i = 0; i < l->size; i++) {
        assert_int_equal(l->memory[i], mark);
    }
}

static void test_any_sequence_keeps_all_bytes(void **state) {
    (void)state;
    struct heap heap = new_heap(1 << 20, false);
    struct live live[LIVE_MAX] = {0};
    srand(11);
    for (int step = 0; step < 20000; step++) {
        int i = rand() % LIVE_MAX;
        uint64_t size = (uint64_t)(rand() % (rand() % 10 ? 300 : 6000));
        check_live(&live[i], i + 1);
        if (rand() % 3 == 0) {
            assert_int_equal(heap_free(&heap, live[i].memory), 0);
            live[i] = (struct live){0};
            continue;
        }
        unsigned char *memory = heap_resize(&heap, live[i].memory, size);
        if (memory) {
            live[i] = (struct live){memory, size};
            memset(memory, i + 1, size);
        }
    }
    for (int i = 0; i < LIVE_MAX; i++) {
        check_live(&live[i], i + 1);
        assert_int_equal(heap_free(&heap, live[i].memory), 0);
    }
    assert_int_equal(heap.used, 0);
    assert_true(heap.held <= heap.limit);
    heap_fini(&heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_held_before_the_first_block),
        cmocka_unit_test(test_one_block_holds_little_more_than_itself),
        cmocka_unit_test(test_a_few_small_blocks_hold_less_than_a_kilobyte),
        cmocka_unit_test(test_blocks_of_every_size_are_aligned_zeroed_and_apart),
        cmocka_unit_test(test_rounding_loses_at_most_a_quarter),
        cmocka_unit_test(test_a_freed_block_is_used_again_and_zeroed),
        cmocka_unit_test(test_large_blocks_go_back_at_once),
        cmocka_unit_test(test_all_blocks_freed_leave_nothing_in_use),
        cmocka_unit_test(test_resize_keeps_the_bytes),
        cmocka_unit_test(test_limit_refuses_and_leaves_the_heap_usable),
        cmocka_unit_test(test_a_block_that_fits_a_tight_limit_is_given),
        cmocka_unit_test(test_freeing_twice_is_refused),
        cmocka_unit_test(test_memory_of_another_heap_is_refused),
        cmocka_unit_test(test_a_heap_may_be_used_again_after_fini),
        cmocka_unit_test(test_no_memory_is_reported_and_changes_nothing),
        cmocka_unit_test(test_any_sequence_keeps_all_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
