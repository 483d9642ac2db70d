/* Heap memory and its test hook. */
#include "base/alloc.h"

#include <malloc.h>
#include <pthread.h>
#include <string.h>

#include "lib/test.h"

static void test_new_memory_is_zeroed(void **state) {
    (void)state;
    static const char zeros[512];

    char *plain = mem_alloc(512);
    char *array = mem_array(32, 16);
    char *aligned = mem_aligned(64, 512);

    assert_memory_equal(plain, zeros, 512);
    assert_memory_equal(array, zeros, 512);
    assert_memory_equal(aligned, zeros, 512);
    mem_free(plain);
    mem_free(array);
    mem_free(aligned);
}

static void test_size_zero_is_memory_too(void **state) {
    (void)state;

    void *memory = mem_alloc(0);
    void *resized = mem_resize(NULL, 0);
    void *aligned = mem_aligned(8, 0);

    assert_non_null(memory);
    assert_non_null(resized);
    assert_non_null(aligned);
    mem_free(memory);
    mem_free(resized);
    mem_free(aligned);
}

static void test_array_refuses_a_size_that_overflows(void **state) {
    (void)state;

    assert_null(mem_array(SIZE_MAX / 2, 3));
}

static void test_aligned_keeps_to_its_alignment(void **state) {
    (void)state;

    for (size_t align = 1; align <= 4096; align *= 2) {
        void *memory = mem_aligned(align, 10);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % align, 0);
        mem_free(memory);
    }
}

static void test_text_is_copied_and_terminated(void **state) {
    (void)state;

    char *whole = mem_text("abc");
    char *part = mem_text_n("abcdef", 2);
    char *empty = mem_text_n(NULL, 0);

    assert_string_equal(whole, "abc");
    assert_string_equal(part, "ab");
    assert_string_equal(empty, "");
    mem_free(whole);
    mem_free(part);
    mem_free(empty);
}

static void test_text_of_null_is_null_and_no_allocation(void **state) {
    (void)state;
    mem_fail_at(1);

    assert_null(mem_text(NULL));

    void *next = mem_alloc(1);
    assert_null(next);
}

static void test_hook_fails_the_nth_allocation_and_only_that(void **state) {
    (void)state;
    mem_fail_at(3);

    void *first = mem_alloc(1);
    void *second = mem_text("x");
    void *third = mem_aligned(8, 1);
    void *fourth = mem_resize(NULL, 1);

    assert_non_null(first);
    assert_non_null(second);
    assert_null(third);
    assert_non_null(fourth);
    mem_free(first);
    mem_free(second);
    mem_free(fourth);
}

static void test_hook_set_to_zero_is_off(void **state) {
    (void)state;
    mem_fail_at(1);
    mem_fail_at(0);

    void *memory = mem_alloc(1);

    assert_non_null(memory);
    mem_free(memory);
}

static void test_resize_that_fails_leaves_the_memory(void **state) {
    (void)state;
    char *memory = mem_text("kept");
    mem_fail_at(1);

    void *resized = mem_resize(memory, 1000);

    assert_null(resized);
    assert_string_equal(memory, "kept");
    mem_free(memory);
}

static void *allocate_many(void *arg) {
    uintptr_t *failures = arg;
    for (int i = 0; i < 1000; i++) {
        void *memory = mem_alloc(8);
        *failures += memory ? 0 : 1;
        mem_free(memory);
    }
    return NULL;
}

static void test_hook_fails_exactly_one_allocation_of_many_threads(void **state) {
    (void)state;
    pthread_t threads[4];
    uintptr_t failures[4] = {0};
    mem_fail_at(1500);

    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, allocate_many, &failures[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }

    assert_int_equal(failures[0] + failures[1] + failures[2] + failures[3], 1);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OTHER_MALLOC 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OTHER_MALLOC 1
#endif
#endif

/* Bytes of small blocks that are free, and that the C library has yet to join with what lies beside them. */
static size_t untidy(void) {
#if defined(OTHER_MALLOC)
    return 0;
#else
    return mallinfo2().fsmblks;
#endif
}

static void test_tidying_leaves_few_small_blocks_to_be_joined(void **state) {
    (void)state;
    static void *blocks[1000];
    for (int i = 0; i < 1000; i++) {
        blocks[i] = mem_alloc(40);
    }
    for (int i = 0; i < 1000; i++) {
        mem_free(blocks[i]);
    }
    size_t before = untidy();

    mem_tidy();

#if defined(OTHER_MALLOC)
    assert_int_equal(before, 0);
#else
    assert_true(before > 900 * 40);
#endif
    assert_true(untidy() <= before / 100); /* to ask may take a block or two */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_memory_is_zeroed),
        cmocka_unit_test(test_size_zero_is_memory_too),
        cmocka_unit_test(test_array_refuses_a_size_that_overflows),
        cmocka_unit_test(test_aligned_keeps_to_its_alignment),
        cmocka_unit_test(test_text_is_copied_and_terminated),
        cmocka_unit_test(test_text_of_null_is_null_and_no_allocation),
        cmocka_unit_test(test_hook_fails_the_nth_allocation_and_only_that),
        cmocka_unit_test(test_hook_set_to_zero_is_off),
        cmocka_unit_test(test_resize_that_fails_leaves_the_memory),
        cmocka_unit_test(test_hook_fails_exactly_one_allocation_of_many_threads),
        cmocka_unit_test(test_tidying_leaves_few_small_blocks_to_be_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
