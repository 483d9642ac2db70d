/* Where the plugins that come with the program are installed. */
#include "plugin/install.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lib/test.h"

/* The folder of this test program, with a '/' behind it. */
static void own_folder(char *ret, size_t room) {
    ssize_t size = readlink("/proc/self/exe", ret, room - 1);
    assert_true(size > 0);
    ret[size] = '\0';
    strrchr(ret, '/')[1] = '\0';
}

static void test_without_a_folder_beside_the_program_it_is_the_one_built_in(void **state) {
    (void)state;

    char *folder = install_plugin_folder();

    assert_string_equal(folder + strlen(folder) - strlen("/troupe/plugins"), "/troupe/plugins");
    assert_int_equal(folder[0], '/');
    assert_null(strstr(folder, TROUPE_BUILD_DIR));
    mem_free(folder);
}

static void test_the_folder_beside_the_program_comes_first(void **state) {
    (void)state;
    /* the layout bin/ and lib/troupe/plugins, with the folder of this test as bin/ */
    static const char *const below[] = {"../lib", "../lib/troupe", "../lib/troupe/plugins"};
    char path[3][4096];
    for (int i = 0; i < 3; i++) {
        own_folder(path[i], sizeof path[i] - 64);
        strncat(path[i], below[i], 63);
        assert_true(mkdir(path[i], 0700) == 0 || errno == EEXIST);
    }

    char *folder = install_plugin_folder();

    struct stat found;
    struct stat made;
    assert_int_equal(stat(folder, &found), 0);
    assert_int_equal(stat(path[2], &made), 0);
    for (int i = 2; i >= 0; i--) {
        (void)rmdir(path[i]);
    }
    assert_int_equal(found.st_ino, made.st_ino);
    mem_free(folder);
}

static void test_no_memory_is_null_and_nothing_worse(void **state) {
    (void)state;
    int refused = 0;

    for (uint64_t n = 1; n <= 8; n++) {
        mem_fail_at(n);
        char *folder = install_plugin_folder();
        mem_fail_at(0);
        refused += folder == NULL;
        mem_free(folder);
    }

    assert_true(refused > 0);
    assert_true(refused < 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_folder_beside_the_program_it_is_the_one_built_in),
        cmocka_unit_test(test_the_folder_beside_the_program_comes_first),
        cmocka_unit_test(test_no_memory_is_null_and_nothing_worse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
