/* Errors: codes, texts, wrapping. */
#include "base/err.h"

#include <errno.h>
#include <string.h>

#include "lib/test.h"

static void test_set_fills_code_and_text_and_returns_minus_one(void **state) {
    (void)state;
    struct err err = {0};

    int status = err_set(&err, ERR_INVALID, "actor '%s' has %d ports", "tail", 3);

    assert_int_equal(status, -1);
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.text, "actor 'tail' has 3 ports");
}

static void test_set_cuts_a_text_that_does_not_fit(void **state) {
    (void)state;
    struct err err;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';

    err_set(&err, ERR_IO, "%s", text);

    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_memory_equal(err.text, text, sizeof err.text - 1);
}

static void test_set_may_quote_the_text_it_replaces(void **state) {
    (void)state;
    struct err err;
    err_set(&err, ERR_IO, "inner");

    err_set(&err, ERR_FAILED, "outer (%s)", err.text);

    assert_string_equal(err.text, "outer (inner)");
}

static void test_errno_adds_the_system_text(void **state) {
    (void)state;
    struct err err;

    int status = err_errno(&err, ERR_IO, ENOENT, "cannot open '%s'", "a.log");

    assert_int_equal(status, -1);
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.text, "cannot open 'a.log': No such file or directory");
}

static void test_errno_of_an_unknown_number_is_still_a_sentence(void **state) {
    (void)state;
    struct err err;

    err_errno(&err, ERR_IO, 99999, "cannot open 'a.log'");

    assert_string_equal(err.text, "cannot open 'a.log': Unknown error 99999");
}

static void test_wrap_puts_its_context_in_front_and_keeps_the_code(void **state) {
    (void)state;
    struct err err;
    err_set(&err, ERR_NOT_FOUND, "no file '%s'", "x");

    int status = err_wrap(&err, "actor '%s'", "tail");

    assert_int_equal(status, -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.text, "actor 'tail': no file 'x'");
}

static void test_wrap_of_a_full_text_keeps_the_context_and_cuts_the_end(void **state) {
    (void)state;
    struct err err;
    char text[sizeof err.text];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_set(&err, ERR_IO, "%s", text);

    err_wrap(&err, "actor 'tail'");

    assert_memory_equal(err.text, "actor 'tail': xxx", 17);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void test_nobody_asks_is_allowed(void **state) {
    (void)state;

    assert_int_equal(err_set(NULL, ERR_IO, "text %d", 1), -1);
    assert_int_equal(err_errno(NULL, ERR_IO, EIO, "text"), -1);
    assert_int_equal(err_wrap(NULL, "text"), -1);
}

static void test_each_code_has_a_text_of_its_own(void **state) {
    (void)state;

    for (int a = 0; a < ERR_CODE_COUNT; a++) {
        for (int b = 0; b < a; b++) {
            assert_string_not_equal(err_code_text(a), err_code_text(b));
        }
    }
    assert_string_equal(err_code_text(ERR_NOMEM), "out of memory");
    assert_string_equal(err_code_text(ERR_CODE_COUNT), "unknown error");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_fills_code_and_text_and_returns_minus_one),
        cmocka_unit_test(test_set_cuts_a_text_that_does_not_fit),
        cmocka_unit_test(test_set_may_quote_the_text_it_replaces),
        cmocka_unit_test(test_errno_adds_the_system_text),
        cmocka_unit_test(test_errno_of_an_unknown_number_is_still_a_sentence),
        cmocka_unit_test(test_wrap_puts_its_context_in_front_and_keeps_the_code),
        cmocka_unit_test(test_wrap_of_a_full_text_keeps_the_context_and_cuts_the_end),
        cmocka_unit_test(test_nobody_asks_is_allowed),
        cmocka_unit_test(test_each_code_has_a_text_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
