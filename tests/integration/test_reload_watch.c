/* Plugin files that change while they are watched, in all the ways in which tools change them: what is whole is
 * reloaded, what is not never hurts (RL-6). */
#include "lib/app/kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/app/kit_case.h"
#include "lib/plugin_file.h"
#include "lib/temp.h"
#include "lib/wait.h"
#include "reload/watch.h"

#define MANIFEST                                                                                   \
    "actors:\n"                                                                                    \
    "  adder: { type: adder.Adder }\n"                                                             \
    "  prober: { type: kit.Player, config: { number: 'ask 0 60000', reply: 'note version $' } }\n" \
    "wires:\n"                                                                                     \
    "  - prober.ask -> adder.version\n"                                                            \
    "reload: { probation: { time: 1ms }, probe: 60s }\n"

struct world {
    struct kit *kit;
    struct watch *watch;
    char *path;
    uint64_t reloads; /* seen so far */
};

static struct world world_create(void **state) {
    struct world w = {0};
    struct err err = {0};
    kit_plugin(*state, "adder_1", "adder.so");
    w.kit = kit_start(*state, MANIFEST);
    w.path = test_path(((const struct kit_case *)*state)->folder, "adder.so");
    assert_int_equal(watch_start(deploy_reload(kit_deploy(w.kit)), &w.watch, &err), 0);
    return w;
}

static void world_destroy(struct world *w) {
    watch_stop(w->watch);
    free(w->path);
    kit_stop(w->kit);
}

static bool has_reported(void *context) {
    const struct world *w = context;
    struct reload_report reports[RELOAD_KEEPS];
    size_t count = reload_history(deploy_reload(kit_deploy(w->kit)), reports, RELOAD_KEEPS);
    return count > 0 && reports[count - 1].number > w->reloads;
}

/* Waits for the next report, of something that was done or refused. */
static struct reload_report await(struct world *w) {
    struct reload_report reports[RELOAD_KEEPS];
    test_wait_until(has_reported, w);
    size_t count = reload_history(deploy_reload(kit_deploy(w->kit)), reports, RELOAD_KEEPS);
    w->reloads = reports[count - 1].number;
    return reports[count - 1];
}

static void assert_version(struct world *w, unsigned version, unsigned count) {
    char line[64];
    assert_true(kit_number(w->kit, "prober", "number", 0));
    (void)snprintf(line, sizeof line, "prober: version %u", version);
    kit_wait_lines(w->kit, line, count);
}

/* Until one of them is done: on its way the file may look whole, and be refused. */
static void await_done(struct world *w) {
    struct reload_report report = await(w);
    while (report.outcome != RELOAD_DONE) {
        report = await(w);
    }
}

static void test_rl6_a_file_that_is_renamed_there_is_reloaded(void **state) {
    struct world w = world_create(state);

    kit_plugin(*state, "adder_2", "adder.so");

    await_done(&w);
    assert_version(&w, 2, 1);
    world_destroy(&w);
}

/* `command` with %1$s: the new file; %2$s: the plugin's path. */
static void run_tool(struct world *w, const char *command) {
    char text[2048];
    (void)snprintf(text, sizeof text, command, TROUPE_BUILD_DIR "/test-plugins/adder_2.so",
                   w->path);
    assert_int_equal(system(text), 0); /* NOLINT(cert-env33-c): the tools are what is tested */
}

static void change_by(void **state, const char *command) {
    struct world w = world_create(state);

    run_tool(&w, command);

    await_done(&w);
    assert_version(&w, 2, 1);
    world_destroy(&w);
}

static void test_rl6_a_file_that_is_copied_over_is_reloaded(void **state) {
    change_by(state, "cp '%1$s' '%2$s'");
}

static void test_rl6_a_file_that_is_moved_there_is_reloaded(void **state) {
    change_by(state, "cp '%1$s' '%2$s.new' && mv '%2$s.new' '%2$s'");
}

static void test_rl6_a_file_that_is_installed_and_stripped_is_reloaded(void **state) {
    change_by(state, "install '%1$s' '%2$s' && strip --strip-debug '%2$s'");
}

/* Installs as generated files do: with an RPATH to take out afterwards, in place. */
static void test_rl6_a_file_that_cmake_installs_is_reloaded(void **state) {
    change_by(
        state,
        "mkdir -p '%2$s.src' && cd '%2$s.src' && cp '%1$s' adder.so && touch -d @1 adder.so && "
        "printf '%%s\\n' 'cmake_minimum_required(VERSION 3.25)' 'project(p NONE)' "
        "'get_filename_component(to \"%2$s\" DIRECTORY)' "
        "'install(PROGRAMS adder.so DESTINATION \"${to}\")' > CMakeLists.txt && "
        "cmake -G Ninja -S . -B b >log 2>&1 && cmake --install b >>log 2>&1");
}

#define LINK(linker)                                                                               \
    ": '%1$s'; cc -std=gnu11 -shared -fPIC -fvisibility=hidden -fno-gnu-unique -O1 -g "            \
    "-Wl,-z,now,-z,relro,-z,noexecstack,--build-id -fuse-ld=" linker " -I" TROUPE_SOURCE_DIR       \
    "/plugin-sdk/include -o '%2$s' " TROUPE_SOURCE_DIR "/tests/fixtures/plugins/adder_2/adder.c"

static void test_rl6_what_the_linkers_write_is_reloaded(void **state) {
    change_by(state, LINK("bfd"));
}

static void test_rl6_what_gold_writes_is_reloaded(void **state) {
    change_by(state, LINK("gold"));
}

static void test_rl6_what_lld_writes_is_reloaded(void **state) {
    if (system("command -v ld.lld >/dev/null") != 0) { /* NOLINT(cert-env33-c) */
        print_message("ld.lld is missing: left out\n");
        return;
    }
    change_by(state, LINK("lld"));
}

static void test_rl6_a_half_written_file_does_not_hurt(void **state) {
    struct world w = world_create(state);
    struct plugin_file file;
    plugin_file_init(&file, "adder_2");

    test_write_file_n(w.path, file.bytes, file.size / 2);
    struct reload_report report = await(&w);

    assert_int_equal(report.outcome, RELOAD_REFUSED);
    assert_non_null(strstr(report.reason, "truncated"));
    assert_version(&w, 1, 1);
    test_write_file_n(w.path, file.bytes, file.size);
    await_done(&w);
    assert_version(&w, 2, 1);
    plugin_file_fini(&file);
    world_destroy(&w);
}

/* As long as the writer has it open, nobody looks at it. */
static void test_rl6_a_file_open_for_writing_is_waited_for(void **state) {
    struct world w = world_create(state);
    struct plugin_file file;
    plugin_file_init(&file, "adder_2");
    int fd = open(w.path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);

    for (size_t done = 0; done < file.size; done += file.size / 7) {
        size_t left = file.size - done;
        size_t part = left < file.size / 7 ? left : file.size / 7;
        assert_int_equal(write(fd, file.bytes + done, part), (ssize_t)part);
        assert_int_equal(utimensat(AT_FDCWD, w.path, NULL, 0), 0);
    }
    assert_false(has_reported(&w));
    assert_int_equal(close(fd), 0);

    assert_int_equal(await(&w).outcome, RELOAD_DONE);
    assert_version(&w, 2, 1);
    plugin_file_fini(&file);
    world_destroy(&w);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_THREADS, test_rl6_a_file_that_is_renamed_there_is_reloaded),
    KIT_TEST(KIT_THREADS, test_rl6_a_file_that_is_copied_over_is_reloaded),
    KIT_TEST(KIT_THREADS, test_rl6_a_file_that_is_moved_there_is_reloaded),
    KIT_TEST(KIT_THREADS, test_rl6_a_file_that_is_installed_and_stripped_is_reloaded),
    KIT_TEST(KIT_THREADS, test_rl6_a_file_that_cmake_installs_is_reloaded),
    KIT_TEST(KIT_THREADS, test_rl6_what_the_linkers_write_is_reloaded),
    KIT_TEST(KIT_THREADS, test_rl6_what_gold_writes_is_reloaded),
    KIT_TEST(KIT_THREADS, test_rl6_what_lld_writes_is_reloaded),
    KIT_TEST(KIT_THREADS, test_rl6_a_half_written_file_does_not_hurt),
    KIT_TEST(KIT_THREADS, test_rl6_a_file_open_for_writing_is_waited_for),
};

int main(void) {
    return KIT_RUN(tests);
}
