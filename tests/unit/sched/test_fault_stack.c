/* What the stack of a thread holds in memory once an overflow was contained. */
#include <sys/mman.h>

#include "unit/sched/faulty.h"

#define KEPT_MOST ((size_t)256 * 1024)

/* How much of the stack of this thread is in memory. */
static size_t resident(void) {
    static unsigned char pages[(64u << 20) / 4096];
    pthread_attr_t attr;
    void *bottom;
    size_t size, page = (size_t)sysconf(_SC_PAGESIZE), count = 0;
    CHECK(pthread_getattr_np(pthread_self(), &attr) == 0);
    CHECK(pthread_attr_getstack(&attr, &bottom, &size) == 0);
    (void)pthread_attr_destroy(&attr);
    CHECK(size / page <= sizeof pages && mincore(bottom, size, pages) == 0);
    for (size_t i = 0; i < size / page; i++) {
        count += pages[i] & 1;
    }
    return count * page;
}

static void overflow_and_shrink(void) {
    CHECK(fault_call(NULL, NULL, NULL, find_kind("overflow")->run, &thread) == FAULT_STATUS);
    CHECK(resident() > 2 * KEPT_MOST);
    fault_shrink_stack();
    CHECK(resident() <= KEPT_MOST);
    CHECK(fault_call(NULL, NULL, NULL, find_kind("overflow")->run, &thread) == FAULT_STATUS);
    (void)use_library(NULL);
}

static void body(const void *unused) {
    (void)unused;
    prepare();
    CHECK(pthread_join(start_thread(overflow_and_shrink), NULL) == 0);
    clean_up();
}

static void test_fc2_stack_that_overflowed_is_given_back(void **state) {
    char text[4096];
    (void)state;
    skip_where_not_contained();

    int status = run_child(body, NULL, text, sizeof text);

    print_message("%s", text);
    assert_int_equal(status, 0);
}

/* Its end is not that of its memory. */
static void test_first_thread_keeps_its_stack(void **state) {
    char large[16384];
    (void)state;
    memset(large, 7, sizeof large);

    fault_shrink_stack();

    assert_int_equal(large[sizeof large - 1], 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fc2_stack_that_overflowed_is_given_back),
        cmocka_unit_test(test_first_thread_keeps_its_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
