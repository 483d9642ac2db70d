/* Debuggers and profilers find the code of each generation that is mapped: each has a file of its own, which stays as
 * long. */
#include "lib/app/kit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actor/proc_impl.h"
#include "lib/app/kit_case.h"
#include "lib/program.h"
#include "lib/temp.h"
#include "lib/wait.h"
#include "sched/fault.h"

#define ADDER                                                                                      \
    "actors:\n"                                                                                    \
    "  adder: { type: adder.Adder }\n"                                                             \
    "  ear: { type: kit.Player, config: { number: 'note $' } }\n"                                  \
    "wires:\n"                                                                                     \
    "  - adder.out -> ear.number\n"

static const struct reload_how never_unloaded = {
    .has_probation = true, .has_grace = true, .grace_ns = 3600 * NS_PER_S};

/* --- gdb --- */

/* What the actor runs for a number. */
static uintptr_t find_handler(struct kit *kit) {
    const struct inst_type *type = inst_type(kit_actor(kit, "adder"));
    uint16_t row = inst_type_handler(type, (uint16_t)kit_port(kit, "number"));
    assert_int_not_equal(row, INST_NO_ROW);
    return (uintptr_t)type->rows[row].run;
}

static void assert_found(const struct test_program *gdb, uint32_t generation) {
    char file[32];
    (void)snprintf(file, sizeof file, ".g%u.", generation);
    const char *line = gdb->out;
    while ((
        line = strstr(line, "adder_"))) { /* the function's name, then the section, then the file */
        size_t size = strcspn(line, "\n");
        const char *section = strstr(line, " in section .text of ");
        const char *found = strstr(line, file);
        if (section && found && section < line + size && found < line + size) {
            return;
        }
        line += size;
    }
    fail_msg("gdb does not know the code of generation %u:\n%s%s", generation, gdb->out, gdb->err);
}

static void test_gdb_knows_the_code_of_two_generations(void **state) {
    struct reload_report report;
    struct test_program gdb;
    char process[32];
    char look[2][64];
    if (!fault_is_contained() || access("/usr/bin/gdb", X_OK) < 0) {
        print_message("skipped: there is no gdb, or the build has a sanitizer's handlers\n");
        skip();
    }
    kit_plugin(*state, "adder_1", "adder.so");
    struct kit *kit = kit_start(*state, ADDER);
    (void)snprintf(look[0], sizeof look[0], "info symbol %#zx", (size_t)find_handler(kit));
    kit_plugin(*state, "adder_2", "adder.so");
    assert_int_equal(kit_reload(kit, never_unloaded, &report), 0);
    (void)snprintf(look[1], sizeof look[1], "info symbol %#zx", (size_t)find_handler(kit));
    (void)snprintf(process, sizeof process, "%d", (int)getpid());
    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);

    const char *const words[] = {"/usr/bin/gdb", "-nx",   "-batch", "-p",    process,
                                 "-ex",          look[0], "-ex",    look[1], NULL};
    test_program_run(&gdb, words, (const char *const[]){"DEBUGINFOD_URLS=", NULL});

    if (strstr(gdb.err, "Operation not permitted")) {
        print_message("skipped: processes may not be traced here\n");
        test_program_fini(&gdb);
        kit_stop(kit);
        skip();
    }
    assert_found(&gdb, report.from_generation);
    assert_found(&gdb, report.to_generation);
    test_program_fini(&gdb);
    kit_stop(kit);
}

/* --- perf --- */

#define WORK 4243u /* for this number it computes */

struct perf {
    char *ctl, *ack, *data;
    int ctl_fd, ack_fd;
    struct test_started started;
};

static bool has_ended(const struct perf *perf) {
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)perf->started.pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == perf->started.pid;
}

static bool has_answered(void *context) {
    const struct perf *perf = context;
    char byte;
    return read(perf->ack_fd, &byte, 1) > 0 || has_ended(perf);
}

static int make_fifo(const char *path) {
    assert_int_equal(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* Samples this process from when it returns true on. False: it can't. */
static bool perf_start(struct perf *perf, const char *folder) {
    static const char enable[] = "enable\n";
    char process[32];
    char control[1024];
    perf->ctl = test_path(folder, "perf.ctl");
    perf->ack = test_path(folder, "perf.ack");
    perf->data = test_path(folder, "perf.data");
    perf->ctl_fd = make_fifo(perf->ctl);
    perf->ack_fd = make_fifo(perf->ack);
    (void)snprintf(process, sizeof process, "%d", (int)getpid());
    (void)snprintf(control, sizeof control, "--control=fifo:%s,%s", perf->ctl, perf->ack);
    const char *const words[] = {"/usr/bin/perf", "record",       "-e", "cpu-clock:u", "-F",
                                 "1000",          "--no-buildid", "-D", "-1",          "-o",
                                 perf->data,      control,        "-p", process,       NULL};
    test_program_start(&perf->started, words, NULL);
    assert_int_equal(write(perf->ctl_fd, enable, sizeof enable - 1), sizeof enable - 1);
    test_wait_until(has_answered, perf);
    return !has_ended(perf);
}

/* What it has to say, or of what it has died; to be given to test_program_fini. */
static void perf_end(struct perf *perf, struct test_program *script) {
    struct test_program record;
    (void)kill(perf->started.pid, SIGINT);
    test_program_wait(&perf->started, &record);
    const char *const words[] = {"/usr/bin/perf", "script", "-i", perf->data, "-F",
                                 "ip,sym,dso",    NULL};
    test_program_run(script, words, NULL);
    test_program_fini(&record);
    (void)close(perf->ctl_fd);
    (void)close(perf->ack_fd);
    free(perf->ctl);
    free(perf->ack);
    free(perf->data);
}

/* "    7f1c2e4 adder_work (/tmp/x/.adder.p1.g2.a3f5.so)" */
static void assert_sampled(const struct test_program *script, uint32_t generation) {
    char file[32];
    (void)snprintf(file, sizeof file, ".g%u.", generation);
    for (const char *at = script->out; (at = strstr(at, " adder_work (")); at++) {
        const char *found = strstr(at, file);
        if (found && found < at + strcspn(at, "\n")) {
            return;
        }
    }
    fail_msg("perf does not know the code of generation %u:\n%s%s", generation, script->out,
             script->err);
}

static void test_perf_knows_the_code_of_two_generations(void **state) {
    struct reload_report report;
    struct test_program script;
    struct perf perf;
    char work[16];
    if (!fault_is_contained() || access("/usr/bin/perf", X_OK) < 0) {
        print_message("skipped: there is no perf, or the build has a sanitizer's handlers\n");
        skip();
    }
    (void)snprintf(work, sizeof work, "%u", WORK);
    assert_int_equal(setenv("ADDER_WORK", work, 1), 0);
    kit_plugin(*state, "adder_1", "adder.so");
    struct kit *kit = kit_start(*state, ADDER);
    bool samples = perf_start(&perf, ((const struct kit_case *)*state)->folder);

    assert_true(kit_number(kit, "adder", "number", WORK));
    kit_wait(kit, "ear: 4243");
    kit_plugin(*state, "adder_2", "adder.so");
    assert_int_equal(kit_reload(kit, never_unloaded, &report), 0);
    assert_true(kit_number(kit, "adder", "number", WORK));
    kit_wait(kit, "ear: 5243");

    perf_end(&perf, &script);
    (void)unsetenv("ADDER_WORK");
    kit_stop(kit);
    if (!samples) {
        print_message("skipped: perf may not sample a process here\n");
        test_program_fini(&script);
        skip();
    }
    assert_sampled(&script, report.from_generation);
    assert_sampled(&script, report.to_generation);
    test_program_fini(&script);
}

/* --- valgrind --- */

/* What the next test runs in valgrind. */
static void test_two_generations_do_their_work(void **state) {
    struct reload_report report;
    kit_plugin(*state, "adder_1", "adder.so");
    struct kit *kit = kit_start(*state, ADDER);
    assert_true(kit_number(kit, "adder", "number", 5));
    kit_wait(kit, "ear: 5");
    kit_plugin(*state, "adder_2", "adder.so");

    assert_int_equal(kit_reload(kit, never_unloaded, &report), 0);

    assert_true(kit_number(kit, "adder", "number", 5));
    kit_wait(kit, "ear: 1005");
    kit_stop(kit);
}

/* How many files named like a generation's have this function, in what callgrind wrote. */
static unsigned count_objects(const char *text, const char *function) {
    char last[512] = "";
    char object[512] = "";
    unsigned count = 0;
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
        if (strncmp(line, "ob=", 3) == 0) {
            (void)snprintf(object, sizeof object, "%.*s", (int)strcspn(line, "\n"), line);
        } else if (strncmp(line, function, strlen(function)) == 0 && strstr(object, "/.adder.p") &&
                   strcmp(object, last) != 0) {
            (void)snprintf(last, sizeof last, "%s", object);
            count++;
        }
    }
    return count;
}

static void test_valgrind_knows_the_code_of_two_generations(void **state) {
    struct test_program valgrind;
    char output[1024];
    char self[4096] = "";
    if (!fault_is_contained() || access("/usr/bin/valgrind", X_OK) < 0) {
        print_message("skipped: there is no valgrind, or the build has a sanitizer's handlers\n");
        skip();
    }
    char *path = test_path(((const struct kit_case *)*state)->folder, "callgrind");
    (void)snprintf(output, sizeof output, "--callgrind-out-file=%s", path);
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);

    const char *const words[] = {
        "/usr/bin/valgrind", "-q", "--tool=callgrind", "--compress-strings=no", output, self, NULL};
    test_program_run(
        &valgrind, words,
        (const char *const[]){"TROUPE_TEST=test_two_generations_do_their_work*", NULL});

    if (valgrind.status != 0) {
        fail_msg("%s%s", valgrind.out, valgrind.err);
    }
    char *text = test_read_file(path, NULL);
    assert_int_equal(count_objects(text, "fn=adder_on_number\n"), 2);
    free(text);
    free(path);
    test_program_fini(&valgrind);
}

static const struct kit_test tests[] = {
    KIT_TEST(KIT_THREADS, test_gdb_knows_the_code_of_two_generations),
    KIT_TEST(KIT_THREADS, test_perf_knows_the_code_of_two_generations),
    KIT_TEST(KIT_THREADS, test_two_generations_do_their_work),
    KIT_TEST(KIT_THREADS, test_valgrind_knows_the_code_of_two_generations),
};

int main(void) {
    return KIT_RUN(tests);
}
