/* Looking at the stack of a call in progress: it goes on as if nothing had been. */
#include "lib/test.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "fixtures/plugins/bad_lost/bad_lost.h"
#include "lib/wait.h"
#include "sched/fault.h"

#define PLUGIN TROUPE_BUILD_DIR "/test-plugins/bad_lost.so"

typedef int32_t run_function(struct troupe_turn *turn, void *state, const void *arg);

struct world {
    void *plugin;
    struct fault_thread thread;
    struct fault_code code;
    run_function *run;
    struct lost lost;
    pthread_t pthread;
    int32_t status;
};

static int find_code(struct dl_phdr_info *info, size_t size, void *context) {
    struct fault_code *code = context;
    (void)size;
    if (!strstr(info->dlpi_name, "/bad_lost.so")) {
        return 0;
    }
    code->base = info->dlpi_addr;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X) {
            code->start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            code->end = code->start + info->dlpi_phdr[i].p_memsz;
        }
    }
    return 1;
}

static void *call(void *argument) {
    struct world *world = argument;
    fault_thread_enter(&world->thread);
    world->status = fault_call(NULL, &world->lost, NULL, world->run, &world->thread);
    fault_thread_leave(&world->thread);
    return NULL;
}

static bool is_there(void *context) {
    return atomic_load(&((struct world *)context)->lost.there);
}

/* A thread inside of the function. */
static void given_call(struct world *world, const char *function) {
    struct err err;
    memset(world, 0, sizeof *world);
    world->code.name = "bad_lost.so";
    world->plugin = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(world->plugin);
    void *symbol = dlsym(world->plugin, function);
    assert_non_null(symbol);
    memcpy(&world->run, &symbol, sizeof world->run);
    assert_int_equal(dl_iterate_phdr(find_code, &world->code), 1);
    fault_open();
    assert_int_equal(fault_add_code(&world->code, &err), 0);
    assert_int_equal(fault_thread_init(&world->thread, &err), 0);
    assert_int_equal(pthread_create(&world->pthread, NULL, call, world), 0);
    test_wait_until(is_there, world);
}

static bool was_looked_at(void *context) {
    struct world *world = context;
    return atomic_load(&world->thread.looks) > 0;
}

static void end_call(struct world *world) {
    atomic_store(&world->lost.leave, 1);
    pthread_join(world->pthread, NULL);
    assert_int_equal(world->status, 7);
    fault_thread_fini(&world->thread);
    fault_close();
    (void)dlclose(world->plugin);
}

static void test_frames_reach_from_the_innermost_to_the_boundary(void **state) {
    struct world world;
    (void)state;
    if (!fault_is_contained()) {
        print_message("skipped: a sanitizer handles faults in this build\n");
        return;
    }
    given_call(&world, "lost_loop");

    fault_look(world.pthread);
    test_wait_until(was_looked_at, &world);

    const struct fault_report *look = &world.thread.look;
    assert_int_equal(look->count, 1);
    assert_true(look->frames[0] >= world.code.start && look->frames[0] < world.code.end);
    end_call(&world);
}

static void test_stack_that_cannot_be_read_is_no_end(void **state) {
    struct world world;
    (void)state;
    if (!fault_is_contained()) {
        print_message("skipped: a sanitizer handles faults in this build\n");
        return;
    }
    given_call(&world, "lost_stack");

    fault_look(world.pthread);
    test_wait_until(was_looked_at, &world);
    uint32_t before = atomic_load(&world.thread.looks);
    fault_break(world.pthread); /* refused, or done: in no case the end */
    fault_look(world.pthread);

    atomic_store(&world.lost.leave, 1);
    pthread_join(world.pthread, NULL);
    assert_true(before >= 1);
    assert_true(world.status == 7 || world.status == FAULT_STATUS);
    fault_thread_fini(&world.thread);
    fault_close();
    (void)dlclose(world.plugin);
}

static void test_thread_without_a_call_has_nothing_to_show(void **state) {
    struct fault_thread thread = {0};
    struct err err;
    (void)state;
    fault_open();
    assert_int_equal(fault_thread_init(&thread, &err), 0);
    fault_thread_enter(&thread);

    fault_look(pthread_self());

    assert_true(fault_thread_is_current(&thread));
    assert_int_equal(atomic_load(&thread.looks), 0);
    fault_thread_leave(&thread);
    assert_false(fault_thread_is_current(&thread));
    fault_thread_fini(&thread);
    fault_close();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_reach_from_the_innermost_to_the_boundary),
        cmocka_unit_test(test_stack_that_cannot_be_read_is_no_end),
        cmocka_unit_test(test_thread_without_a_call_has_nothing_to_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
