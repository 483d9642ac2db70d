/* Debuggers find the code of each generation that is mapped: each has a file of its own, which stays as long. */
#include "lib/app/kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "actor/proc_impl.h"
#include "lib/program.h"
#include "sched/fault.h"

#define ADDER                                                                                      \
    "actors:\n"                                                                                    \
    "  adder: { type: adder.Adder }\n"                                                             \
    "  ear: { type: kit.Player, config: { number: 'note $' } }\n"                                  \
    "wires:\n"                                                                                     \
    "  - adder.out -> ear.number\n"

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
    static const struct reload_how never_unloaded = {
        .has_probation = true, .has_grace = true, .grace_ns = 3600 * NS_PER_S};
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

static const struct kit_test tests[] = {
    KIT_TEST(KIT_THREADS, test_gdb_knows_the_code_of_two_generations),
};

int main(void) {
    return KIT_RUN(tests);
}
