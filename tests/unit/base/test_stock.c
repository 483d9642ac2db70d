/* A thread's stock of small blocks. */
#include "lib/test.h"

#include "base/stock.h"

static void test_a_block_given_is_the_next_one_taken_and_zero_again(void **state) {
    (void)state;
    struct stock stock = {0};
    char *block = stock_take(&stock, 20);
    memset(block, 'x', 20);
    stock_give(&stock, block, 20);

    char *again = stock_take(&stock, 24); /* of the same size, as malloc rounds it */
    char zeros[24] = "";
    assert_memory_equal(again, zeros, sizeof zeros);
    if (STOCK_KEEPS) {
        assert_ptr_equal(again, block);
    }
    stock_give(&stock, again, 24);
    stock_fini(&stock);
}

static void test_each_size_gets_room_for_it(void **state) {
    (void)state;
    struct stock stock = {0};
    for (unsigned round = 0; round < 2; round++) {
        for (size_t size = 1; size <= STOCK_MOST + 20; size++) {
            char *block = stock_take(&stock, size);
            assert_non_null(block);
            for (size_t i = 0; i < size; i++) {
                assert_int_equal(block[i], 0);
            }
            memset(block, 'x', size);
            stock_give(&stock, block, size);
        }
    }
    stock_fini(&stock);
}

static void test_it_keeps_so_many_of_a_size_only(void **state) {
    (void)state;
    struct stock stock = {0};
    void *blocks[2 * STOCK_KEEPS + 1];
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        blocks[i] = stock_take(&stock, 8);
    }
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        stock_give(&stock, blocks[i], 8);
    }
    stock_give(&stock, NULL, 8);

    assert_int_equal(stock.count[0], STOCK_KEEPS);
    stock_fini(&stock);
    assert_int_equal(stock.count[0], 0);
    assert_null(stock.first[0]);
}

static void test_without_memory_there_is_none(void **state) {
    (void)state;
    struct stock stock = {0};
    mem_fail_at(1);
    assert_null(stock_take(&stock, 8));
    stock_fini(&stock);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_block_given_is_the_next_one_taken_and_zero_again),
        cmocka_unit_test(test_each_size_gets_room_for_it),
        cmocka_unit_test(test_it_keeps_so_many_of_a_size_only),
        cmocka_unit_test(test_without_memory_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
