/* The helpers of the tests themselves: what they promise to all others. */
#include "lib/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/temp.h"
#include "lib/wait.h"

static void test_a_folder_is_removed_with_all_in_it(void **state) {
    (void)state;
    char *folder = test_temp_create();
    char *copy = strdup(folder);
    char *inner = test_path(folder, "inner");
    char *file = test_path(inner, "file");
    assert_int_equal(mkdir(inner, 0755), 0);
    test_write_file(file, "text");

    test_temp_remove(folder);

    assert_int_equal(access(copy, F_OK), -1);
    free(copy);
    free(inner);
    free(file);
}

static void test_a_file_is_written_appended_and_read(void **state) {
    (void)state;
    char *folder = test_temp_create();
    char *file = test_path(folder, "file");
    size_t size = 0;

    test_write_file(file, "too long at first");
    test_write_file_n(file, "a\0b", 3);
    test_append_file(file, "c");
    char *text = test_read_file(file, &size);

    assert_int_equal(size, 4);
    assert_memory_equal(text, "a\0bc", 5);
    free(text);
    free(file);
    test_temp_remove(folder);
}

static void test_output_is_captured_and_given_back(void **state) {
    (void)state;
    struct test_capture outer;
    struct test_capture inner;
    test_capture_start(&outer, STDERR_FILENO);
    test_capture_start(&inner, STDERR_FILENO);
    (void)fputs("inner", stderr);
    char *inner_text = test_capture_stop(&inner);
    (void)fputs("outer", stderr);
    char *outer_text = test_capture_stop(&outer);

    assert_string_equal(inner_text, "inner");
    assert_string_equal(outer_text, "outer");
    free(inner_text);
    free(outer_text);
}

static void *count_to_ten(void *counter) {
    for (int i = 0; i < 10; i++) {
        test_counter_add(counter);
    }
    return NULL;
}

static void test_a_counter_waits_for_other_threads(void **state) {
    (void)state;
    struct test_counter counter;
    pthread_t thread;
    test_counter_init(&counter);
    pthread_create(&thread, NULL, count_to_ten, &counter);

    test_counter_wait(&counter, 10);

    assert_int_equal(test_counter_get(&counter), 10);
    pthread_join(thread, NULL);
    test_counter_fini(&counter);
}

static bool holds_at_the_third_look(void *context) {
    int *looks = context;
    return ++*looks == 3;
}

static void test_a_condition_is_asked_until_it_holds(void **state) {
    (void)state;
    int looks = 0;

    test_wait_until(holds_at_the_third_look, &looks);

    assert_int_equal(looks, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_folder_is_removed_with_all_in_it),
        cmocka_unit_test(test_a_file_is_written_appended_and_read),
        cmocka_unit_test(test_output_is_captured_and_given_back),
        cmocka_unit_test(test_a_counter_waits_for_other_threads),
        cmocka_unit_test(test_a_condition_is_asked_until_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
