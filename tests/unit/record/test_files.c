/* The writer of post-mortem files: only failed lives, in the background, bounded, told when it cannot. */
#include "snapshot_given.h"

#include <dirent.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lib/temp.h"
#include "lib/wait.h"
#include "record/files.h"

struct world {
    char *folder;
    struct files_options options;
    struct files *files;
    struct test_counter complaints, go_on;
    char last[1200];
    bool blocks; /* the writer, in its complaint */
};

static void complain(void *context, const char *sentence) {
    struct world *w = context;
    (void)snprintf(w->last, sizeof w->last, "%s", sentence);
    bool blocks = w->blocks;
    test_counter_add(&w->complaints);
    if (blocks) {
        test_counter_wait(&w->go_on, 1);
    }
}

static int setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    w->folder = test_temp_create();
    test_counter_init(&w->complaints);
    test_counter_init(&w->go_on);
    w->options = (struct files_options){.directory = w->folder, .complain = complain, .context = w};
    *state = w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    test_counter_fini(&w->complaints);
    test_counter_fini(&w->go_on);
    test_temp_remove(w->folder);
    free(w);
    return 0;
}

static void given_files(struct world *w) {
    struct err err;
    assert_int_equal(files_open(&w->options, &w->files, &err), 0);
}

static struct snapshot *make(bool failed, uint32_t incarnation) {
    struct snapshot_facts facts = given_failed();
    facts.failed = failed;
    facts.incarnation = incarnation;
    struct snapshot *snapshot = snapshot_create(&facts, NULL);
    assert_non_null(snapshot);
    return snapshot;
}

static bool write_one(struct world *w, bool failed, uint32_t incarnation) {
    struct snapshot *snapshot = make(failed, incarnation);
    bool queued = files_write_snapshot(w->files, snapshot);
    snapshot_unref(snapshot);
    return queued;
}

/* Each file of the folder is JSON; returns how many there are. */
static unsigned check_files(const char *folder) {
    DIR *stream = opendir(folder);
    assert_non_null(stream);
    unsigned count = 0;
    for (struct dirent *entry; (entry = readdir(stream));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        char *path = test_path(folder, entry->d_name);
        json_t *json = json_load_file(path, 0, NULL);
        assert_true(json_is_object(json));
        json_decref(json);
        free(path);
        count++;
    }
    (void)closedir(stream);
    return count;
}

static void test_failed_lives_become_files_and_no_others(void **state) {
    struct world *w = *state;
    given_files(w);

    assert_true(write_one(w, true, 3));
    assert_true(write_one(w, false, 4));
    assert_int_equal(files_close(w->files, UINT32_MAX * 1000ull), 0);

    assert_int_equal(check_files(w->folder), 1);
    char *path = test_path(w->folder, "parse-0.3-20261123T120405.122Z.json");
    json_t *json = json_load_file(path, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "id")), "main/parse[0]");
    json_decref(json);
    free(path);
}

static void test_fc4_a_quarantined_message_becomes_a_file(void **state) {
    struct world *w = *state;
    given_files(w);

    assert_true(files_write_message(w->files, "parse", 2, 1, WALL, mem_text("{\"kind\":1}\n")));
    files_flush(w->files);

    char *path = test_path(w->folder, "quarantine-parse-2.1-20261123T120405.123Z.json");
    char *text = test_read_file(path, NULL);
    assert_string_equal(text, "{\"kind\":1}\n");
    assert_int_equal(files_counts(w->files).written, 1);
    assert_int_equal(files_close(w->files, 0), 0);
    free(text);
    free(path);
}

static void test_the_number_of_files_is_bounded(void **state) {
    struct world *w = *state;
    w->options.files_max = 5;
    given_files(w);

    for (uint32_t i = 1; i <= 20; i++) {
        assert_true(write_one(w, true, i));
    }
    files_flush(w->files);

    struct files_counts counts = files_counts(w->files);
    assert_int_equal(counts.written, 20);
    assert_int_equal(counts.removed, 15);
    assert_int_equal(check_files(w->folder), 5);
    assert_int_equal(files_close(w->files, 0), 0);
}

/* No file may grow beyond a few bytes, as on a full disk. */
static void test_a_full_disk_is_told_once_and_leaves_nothing_half_written(void **state) {
    struct world *w = *state;
    given_files(w);
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){.rlim_cur = 100, .rlim_max = before.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);

    for (uint32_t i = 1; i <= 3; i++) {
        assert_true(write_one(w, true, i));
    }
    files_flush(w->files);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);

    char expected[1200];
    (void)snprintf(expected, sizeof expected,
                   "a post-mortem is lost, and further ones until this is put right: cannot write "
                   "'%s/parse-0.1-20261123T120405.122Z.json': File too large",
                   w->folder);
    assert_string_equal(w->last, expected);
    assert_int_equal(test_counter_get(&w->complaints), 1);
    assert_int_equal(files_counts(w->files).failed, 3);
    assert_int_equal(check_files(w->folder), 0);

    assert_true(write_one(w, true, 4)); /* and goes on when there is room */
    files_flush(w->files);
    assert_int_equal(check_files(w->folder), 1);
    assert_int_equal(files_close(w->files, 0), 3);
}

static void test_a_vanished_folder_is_told_each_time_it_vanishes(void **state) {
    struct world *w = *state;
    char *folder = test_path(w->folder, "post-mortem");
    w->options.directory = folder;
    given_files(w);

    for (uint32_t i = 0; i < 2; i++) {
        assert_true(write_one(w, true, 1));
        files_flush(w->files);
        char *file = test_path(folder, "parse-0.1-20261123T120405.122Z.json");
        assert_int_equal(unlink(file), 0);
        assert_int_equal(rmdir(folder), 0);
        assert_true(write_one(w, true, 2));
        assert_true(write_one(w, true, 3));
        files_flush(w->files);
        assert_int_equal(test_counter_get(&w->complaints), i + 1);
        assert_int_equal(mkdir(folder, 0700), 0);
        free(file);
    }

    char expected[1200];
    (void)snprintf(expected, sizeof expected,
                   "a post-mortem is lost, and further ones until this is put right: cannot open "
                   "the folder '%s': No such file or directory",
                   folder);
    assert_string_equal(w->last, expected);
    assert_int_equal(files_close(w->files, 0), 4);
    free(folder);
}

/* The writer is busy with its complaint meanwhile. */
static void given_a_writer_that_hangs(struct world *w) {
    char *folder = test_path(w->folder, "post-mortem");
    w->options.directory = folder;
    given_files(w);
    assert_int_equal(rmdir(folder), 0);
    w->blocks = true;
    assert_true(write_one(w, true, 1));
    test_counter_wait(&w->complaints, 1);
    assert_int_equal(mkdir(folder, 0700), 0);
    free(folder);
}

static void test_what_does_not_fit_into_the_queue_is_counted_and_told(void **state) {
    struct world *w = *state;
    w->options.queue_max = 4;
    given_a_writer_that_hangs(w);

    unsigned queued = 0;
    for (uint32_t i = 2; i <= 11; i++) {
        queued += write_one(w, true, i);
    }
    w->blocks = false;
    test_counter_add(&w->go_on);
    files_flush(w->files);

    assert_int_equal(queued, 3); /* and the one in hand */
    assert_int_equal(files_counts(w->files).dropped, 7);
    char expected[1200];
    (void)snprintf(
        expected, sizeof expected,
        "7 post-mortems were not written to '%s/post-mortem': more actors failed than can "
        "be written",
        w->folder);
    assert_string_equal(w->last, expected);
    assert_int_equal(files_close(w->files, 0), 8);
}

static bool is_ours_alone(void *context) {
    struct snapshot *snapshot = context;
    return atomic_load(&snapshot->refs) == 1;
}

static void test_closing_does_not_wait_for_a_writer_that_hangs(void **state) {
    struct world *w = *state;
    given_a_writer_that_hangs(w);
    struct snapshot *snapshot = make(true, 2);
    assert_true(files_write_snapshot(w->files, snapshot));

    assert_int_equal(files_close(w->files, 1000), 2);

    test_counter_add(&w->go_on);
    test_wait_until(is_ours_alone, snapshot); /* the thread has let go of the queue */
    snapshot_unref(snapshot);
}

static void test_closing_writes_what_was_queued(void **state) {
    struct world *w = *state;
    given_files(w);

    for (uint32_t i = 1; i <= 50; i++) {
        assert_true(write_one(w, true, i));
    }

    assert_int_equal(files_close(w->files, UINT32_MAX * 1000ull), 0);
    assert_int_equal(check_files(w->folder), 50);
    assert_int_equal(files_close(NULL, 0), 0);
}

static void *write_some(void *argument) {
    struct world *w = argument;
    for (uint32_t i = 1; i <= 20; i++) {
        (void)write_one(w, true, i);
    }
    return NULL;
}

static void test_many_threads_write_at_once(void **state) {
    struct world *w = *state;
    pthread_t threads[4];
    given_files(w);

    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_some, w), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }

    assert_int_equal(files_close(w->files, UINT32_MAX * 1000ull), 0);
    assert_int_equal(check_files(w->folder), 80);
}

static void test_an_unusable_folder_is_an_error(void **state) {
    struct world *w = *state;
    struct err err;
    w->options.directory = "/proc/post-mortem";

    assert_int_equal(files_open(&w->options, &w->files, &err), -1);

    assert_string_equal(err.text,
                        "post-mortem files: cannot make the folder '/proc/post-mortem': No "
                        "such file or directory");
}

static void test_without_memory_it_is_dropped(void **state) {
    struct world *w = *state;
    given_files(w);
    struct snapshot *snapshot = make(true, 1);
    char *json = mem_text("{}");

    mem_fail_at(1);
    assert_false(files_write_snapshot(w->files, snapshot));
    mem_fail_at(1);
    assert_false(files_write_message(w->files, "x", 0, 1, WALL, json));
    mem_fail_at(0);

    snapshot_unref(snapshot);
    assert_int_equal(files_close(w->files, 0), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_failed_lives_become_files_and_no_others),
        TEST(test_fc4_a_quarantined_message_becomes_a_file),
        TEST(test_the_number_of_files_is_bounded),
        TEST(test_a_full_disk_is_told_once_and_leaves_nothing_half_written),
        TEST(test_a_vanished_folder_is_told_each_time_it_vanishes),
        TEST(test_what_does_not_fit_into_the_queue_is_counted_and_told),
        TEST(test_closing_does_not_wait_for_a_writer_that_hangs),
        TEST(test_closing_writes_what_was_queued),
        TEST(test_many_threads_write_at_once),
        TEST(test_an_unusable_folder_is_an_error),
        TEST(test_without_memory_it_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
