/* Generations: what is loaded, refused, put back, unmapped or pinned. */
#include "lib/test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lib/library_world.h"

static bool is_mapped(const char *path) {
    char line[4096];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps)) {
        found = found || strstr(line, path);
    }
    (void)fclose(maps);
    return found;
}

static uint64_t ask_version(const struct library *library) {
    const struct library_type *type = library_find_type(library, "teller.Teller");
    uint64_t state = 0;
    assert_non_null(type);
    assert_true(type->state_size == sizeof state);
    assert_int_equal(type->rows[0].run(NULL, &state, NULL), 0);
    return state;
}

static void test_types_and_rows_are_copied(void **state) {
    struct library *library = open_fixture(*state, "every_kind");

    assert_int_equal(library->type_count, 1);
    const struct library_type *type = library_find_type(library, "every.Kind");
    assert_ptr_equal(type, &library->types[0]);
    assert_ptr_equal(type->library, library);
    assert_int_equal(type->row_count, 19);
    assert_string_equal(type->rows[6].name, "request");
    assert_string_equal(type->rows[6].reply, "every_full");
    assert_ptr_equal(type->rows[6].name, type->note->rows[6].name); /* the host's text */
    assert_int_equal(type->config->value, sizeof(uint64_t));
    assert_int_equal(type->state_version, 3);
    assert_int_equal(type->state_min, 2);
    assert_non_null(type->init);
    assert_non_null(type->cleanup);
    assert_non_null(type->save);
    assert_non_null(type->load);
    assert_non_null(type->returned);
    assert_null(library_find_type(library, "every.Other"));
    assert_int_equal(library->warning_count, 0);
    library_unref(library);
}

static void test_cxx_plugin_loads(void **state) {
    struct library *library = open_fixture(*state, "in_cpp");

    assert_non_null(library_find_type(library, "cpp.Counter"));
    library_unref(library);
}

static void test_generation_runs_from_a_locked_private_copy(void **state) {
    const struct world *w = *state;
    struct library *library = open_fixture(w, "teller_one");
    char expected[4200];
    struct stat st;

    (void)snprintf(expected, sizeof expected, "%s/.plugin.p%d.g%u.%.8s.so", w->folder,
                   (int)getpid(), library->generation, library->image->build_id);

    assert_string_equal(library->private_path, expected);
    assert_int_equal(stat(expected, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0500);
    assert_null(library->image->bytes); /* released */
    library_unref(library);
    assert_int_equal(stat(expected, &st), -1);
    assert_int_equal(count_entries(w->folder), 1);
}

static void test_checksum_outlives_the_bytes(void **state) {
    const struct world *w = *state;
    struct library *library = open_fixture(w, "teller_one");
    struct image *same;
    struct err err;
    assert_int_equal(image_read(library->image->path, &same, &err), 0);
    assert_null(library->image->bytes);

    assert_string_equal(image_sha256(library->image), image_sha256(same));

    image_destroy(same);
    library_unref(library);
}

static void test_same_name_again_gives_a_new_generation_with_new_code(void **state) {
    const struct world *w = *state;
    struct library *one = open_fixture(w, "teller_one");

    struct library *two = open_fixture(w, "teller_two");

    assert_true(two->generation > one->generation);
    assert_int_equal(ask_version(one), 1);
    assert_int_equal(ask_version(two), 2);
    assert_string_equal(one->note->version, "1.0");
    library_unref(one);
    assert_int_equal(ask_version(two), 2);
    struct library *again = open_fixture(w, "teller_one");
    assert_int_equal(ask_version(again), 1);
    library_unref(two);
    library_unref(again);
}

static void test_overwriting_the_file_does_not_touch_what_runs(void **state) {
    const struct world *w = *state;
    struct library *library = open_fixture(w, "teller_one");
    char *path = test_path(w->folder, "plugin.so");

    assert_int_equal(truncate(path, 0), 0);

    assert_int_equal(ask_version(library), 1);
    free(path);
    library_unref(library);
}

static void test_one_image_can_be_loaded_twice(void **state) {
    const struct world *w = *state;
    struct library *one;
    struct library *two;
    struct err err;
    install_fixture(w, "teller_one");
    struct image *image = read_installed(w);

    assert_int_equal(library_open(image_ref(image), &w->host, &one, &err), 0);
    assert_int_equal(library_open(image_ref(image), &w->host, &two, &err), 0);

    assert_true(one->types[0].rows[0].run != two->types[0].rows[0].run);
    library_unref(one);
    library_unref(two);
    image_destroy(image);
}

static void test_last_unref_unmaps(void **state) {
    struct library *library = open_fixture(*state, "teller_one");
    char *path = mem_text(library->private_path);
    uint32_t generation = library->generation;
    char reason[64];
    assert_ptr_equal(library_ref(library), library);

    library_unref(library);
    assert_true(is_mapped(path));
    library_unref(library);

    assert_false(is_mapped(path));
    assert_false(library_find_pin(generation, reason, sizeof reason));
    mem_free(path);
}

static void test_init_and_fini_are_called_once_each(void **state) {
    struct world *w = *state;
    struct library *library = open_fixture(w, "hooks");
    assert_string_equal(w->told, "init ");

    library_unref(library_ref(library));
    assert_string_equal(w->told, "init ");
    library_unref(library);

    assert_string_equal(w->told, "init fini ");
}

static void test_negative_init_refuses_and_is_not_followed_by_fini(void **state) {
    struct world *w = *state;
    install_fixture(w, "hooks");
    (void)setenv("HOOKS_FIXTURE", "refuse", 1);

    assert_refused(w, ERR_REFUSED, "its init returned -16 (not supported by this host)");

    assert_string_equal(w->told, "init ");
}

static void own_handler(int number) {
    (void)number;
}

static void assert_handler(int number, void (*handler)(int)) {
    struct sigaction action;
    assert_int_equal(sigaction(number, NULL, &action), 0);
    assert_true(action.sa_handler == handler);
}

static void test_signal_handlers_taken_by_a_plugin_are_put_back(void **state) {
    const struct world *w = *state;
    char expected[4200];
    void (*before_segv)(int) = signal(SIGSEGV, own_handler);
    void (*before_term)(int) = signal(SIGTERM, own_handler);
    void (*before_pipe)(int) = signal(SIGPIPE, SIG_IGN);
    (void)setenv("HOOKS_FIXTURE", "take signals", 1);

    struct library *library = open_fixture(w, "hooks");

    assert_handler(SIGSEGV, own_handler);
    assert_handler(SIGTERM, own_handler);
    assert_handler(SIGPIPE, SIG_IGN);
    assert_int_equal(library->warning_count, 3);
    (void)snprintf(expected, sizeof expected,
                   "plugin file '%s/plugin.so': it replaced the host's handler of SIGSEGV, which "
                   "was put back",
                   w->folder);
    assert_string_equal(library->warnings[0], expected);
    library_unref(library);
    (void)signal(SIGSEGV, before_segv);
    (void)signal(SIGTERM, before_term);
    (void)signal(SIGPIPE, before_pipe);
}

static void test_plugin_that_imports_signal_stays_mapped(void **state) {
    const struct world *w = *state;
    struct library *library = open_fixture(w, "hooks");
    char *path = mem_text(library->private_path);
    uint32_t generation = library->generation;
    char reason[64];

    library_unref(library);

    assert_true(library_find_pin(generation, reason, sizeof reason));
    assert_string_equal(reason, "imports signal");
    assert_true(is_mapped(path));
    assert_int_equal(access(path, R_OK), 0); /* for debuggers */
    library_remove_copies();
    assert_int_equal(access(path, R_OK), -1);
    mem_free(path);
}

static void test_pin_flag_keeps_it_mapped(void **state) {
    char reason[64];
    (void)setenv("TABLES_FIXTURE", "pin", 1);
    struct library *library = open_fixture(*state, "tables");
    uint32_t generation = library->generation;

    library_unref(library);

    assert_true(library_find_pin(generation, reason, sizeof reason));
    assert_string_equal(reason, "asks to stay (TROUPE_PLUGIN_PIN)");
}

static void test_dlclose_that_does_not_unmap_is_noticed(void **state) {
    struct library *library = open_fixture(*state, "stays");
    uint32_t generation = library->generation;
    char reason[64];

    library_unref(library);

    assert_true(library_find_pin(generation, reason, sizeof reason));
    assert_string_equal(reason, "is still mapped after dlclose");
}

static void test_all_missing_symbols_are_named(void **state) {
    const struct world *w = *state;
    struct plugin_file file;
    plugin_file_init(&file, "wants_symbols");
    plugin_file_rename(&file, "memfrob", "memfrog");
    plugin_file_rename(&file, "strfry", "strcry");
    install(w, &file);
    plugin_file_fini(&file);

    assert_refused(w, ERR_ABI,
                   "it needs symbols that neither the host nor its libraries have: 'memfrog', "
                   "'strcry'");

    assert_int_equal(count_entries(w->folder), 1); /* no copy is left */
}

static void test_missing_library_is_named(void **state) {
    const struct world *w = *state;
    struct plugin_file file;
    plugin_file_init(&file, "wants_symbols");
    plugin_file_rename(&file, "libc.so.6", "libd.so.6");
    install(w, &file);
    plugin_file_fini(&file);

    assert_refused(w, ERR_ABI, "it needs libraries that were not found: 'libd.so.6'");
}

static void test_copies_left_by_ended_processes_are_removed(void **state) {
    const struct world *w = *state;
    char *left = test_path(w->folder, ".plugin.p99999999.g7.0123abcd.so");
    char *other = test_path(w->folder, ".plugins.p99999999.g7.0123abcd.so");
    char *similar = test_path(w->folder, ".plugin.p99999999.g7.note.so");
    test_write_file(left, "what a crash left behind");
    test_write_file(other, "a copy of another file");
    test_write_file(similar, "no copy at all");

    struct library *one = open_fixture(w, "teller_one");
    struct library *two = open_installed(w);

    assert_int_equal(access(left, F_OK), -1);
    assert_int_equal(access(other, F_OK), 0);
    assert_int_equal(access(similar, F_OK), 0);
    assert_int_equal(access(one->private_path, F_OK), 0); /* in use: its lock is held */
    library_unref(one);
    library_unref(two);
    free(left);
    free(other);
    free(similar);
}

/* /proc cannot be written to, not even by root. */
static void test_unwritable_folder_falls_back_to_a_run_directory(void **state) {
    const struct world *w = *state;
    struct plugin_file file;
    struct image *image;
    struct library *library;
    struct err err;
    char expected[4200];
    plugin_file_init(&file, "teller_one");
    (void)setenv("RUNTIME_DIRECTORY", w->folder, 1);
    assert_int_equal(image_parse("/proc/teller.so", file.bytes, file.size, &image, &err), 0);

    int status = library_open(image, &w->host, &library, &err);
    (void)unsetenv("RUNTIME_DIRECTORY");

    assert_int_equal(status, 0);
    (void)snprintf(expected, sizeof expected, "%s/.teller.p%d.g%u.%.8s.so", w->folder,
                   (int)getpid(), library->generation, library->image->build_id);
    assert_string_equal(library->private_path, expected);
    assert_int_equal(ask_version(library), 1);
    library_unref(library);
    assert_int_equal(count_entries(w->folder), 0);
    plugin_file_fini(&file);
}

static void test_temporary_folder_of_a_copy_is_removed_with_it(void **state) {
    const struct world *w = *state;
    struct plugin_file file;
    struct image *image;
    struct library *library;
    struct err err;
    char *kept_tmp = mem_text(getenv("TMPDIR"));
    char *kept_run = mem_text(getenv("XDG_RUNTIME_DIR"));
    plugin_file_init(&file, "teller_one");
    (void)setenv("TMPDIR", w->folder, 1);
    (void)unsetenv("XDG_RUNTIME_DIR");
    assert_int_equal(image_parse("/proc/teller.so", file.bytes, file.size, &image, &err), 0);

    assert_int_equal(library_open(image, &w->host, &library, &err), 0);

    assert_int_equal(strncmp(library->private_path, w->folder, strlen(w->folder)), 0);
    assert_int_equal(count_entries(w->folder), 1);
    library_unref(library);
    assert_int_equal(count_entries(w->folder), 0);
    kept_tmp ? setenv("TMPDIR", kept_tmp, 1) : unsetenv("TMPDIR");
    kept_run ? setenv("XDG_RUNTIME_DIR", kept_run, 1) : unsetenv("XDG_RUNTIME_DIR");
    mem_free(kept_tmp);
    mem_free(kept_run);
    plugin_file_fini(&file);
}

struct loader {
    const struct world *world;
    struct image *image;
    unsigned failed;
};

static void *load_often(void *context) {
    struct loader *loader = context;
    for (int i = 0; i < 50; i++) {
        struct library *library;
        struct err err;
        if (library_open(image_ref(loader->image), &loader->world->host, &library, &err) < 0) {
            loader->failed++;
            image_destroy(loader->image);
            continue;
        }
        loader->failed += ask_version(library) != 1;
        library_unref(library);
    }
    return NULL;
}

static void test_pr4_two_procs_load_at_the_same_time(void **state) {
    const struct world *w = *state;
    pthread_t threads[2];
    install_fixture(w, "teller_one");
    struct loader loader = {.world = w, .image = read_installed(w)};
    struct loader other = loader;

    assert_int_equal(pthread_create(&threads[0], NULL, load_often, &loader), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, load_often, &other), 0);
    assert_int_equal(pthread_join(threads[0], NULL), 0);
    assert_int_equal(pthread_join(threads[1], NULL), 0);

    assert_int_equal(loader.failed + other.failed, 0);
    assert_int_equal(count_entries(w->folder), 1);
    image_destroy(loader.image);
}

static void test_without_memory_the_image_stays_the_callers(void **state) {
    const struct world *w = *state;
    struct library *library = NULL;
    struct err err = {0};
    install_fixture(w, "teller_one");
    struct image *image = read_installed(w);

    int status = -1;
    TEST_EACH_FAILED_ALLOCATION(n, status = library_open(image, &w->host, &library, &err),
                                status == 0);

    assert_int_equal(ask_version(library), 1);
    library_unref(library);
    library_remove_copies();
    assert_int_equal(count_entries(w->folder), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_types_and_rows_are_copied),
        WITH_WORLD(test_cxx_plugin_loads),
        WITH_WORLD(test_generation_runs_from_a_locked_private_copy),
        WITH_WORLD(test_checksum_outlives_the_bytes),
        WITH_WORLD(test_same_name_again_gives_a_new_generation_with_new_code),
        WITH_WORLD(test_overwriting_the_file_does_not_touch_what_runs),
        WITH_WORLD(test_one_image_can_be_loaded_twice),
        WITH_WORLD(test_last_unref_unmaps),
        WITH_WORLD(test_init_and_fini_are_called_once_each),
        WITH_WORLD(test_negative_init_refuses_and_is_not_followed_by_fini),
        WITH_WORLD(test_signal_handlers_taken_by_a_plugin_are_put_back),
        WITH_WORLD(test_plugin_that_imports_signal_stays_mapped),
        WITH_WORLD(test_pin_flag_keeps_it_mapped),
        WITH_WORLD(test_dlclose_that_does_not_unmap_is_noticed),
        WITH_WORLD(test_all_missing_symbols_are_named),
        WITH_WORLD(test_missing_library_is_named),
        WITH_WORLD(test_copies_left_by_ended_processes_are_removed),
        WITH_WORLD(test_unwritable_folder_falls_back_to_a_run_directory),
        WITH_WORLD(test_temporary_folder_of_a_copy_is_removed_with_it),
        WITH_WORLD(test_pr4_two_procs_load_at_the_same_time),
        WITH_WORLD(test_without_memory_the_image_stays_the_callers),
    };
    return cmocka_run_group_tests_name("library", tests, NULL, NULL);
}
