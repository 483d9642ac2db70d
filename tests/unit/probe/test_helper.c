/* Where the program is that tries plugin files. */
#include "lib/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "probe/probe.h"

static void test_the_environment_says_where_it_is(void **state) {
    (void)state;
    assert_int_equal(setenv("TROUPE_PROBE", "/some/where", 1), 0);

    char *path = probe_helper();

    assert_string_equal(path, "/some/where");
    mem_free(path);
    assert_int_equal(unsetenv("TROUPE_PROBE"), 0);
}

/* Beside this program there is none. */
static void test_else_it_is_where_it_was_built_to_be_installed(void **state) {
    (void)state;
    assert_int_equal(unsetenv("TROUPE_PROBE"), 0);

    char *path = probe_helper();

    const char *name = "/libexec/troupe/troupe-probe";
    assert_true(strlen(path) > strlen(name));
    assert_string_equal(path + strlen(path) - strlen(name), name);
    mem_free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_environment_says_where_it_is),
        cmocka_unit_test(test_else_it_is_where_it_was_built_to_be_installed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
