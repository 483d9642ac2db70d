/* `troupe run`: plugin files that are replaced while it runs, on SIGHUP and by itself. */
#include "lib/troupe.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/plugin_file.h"
#include "lib/temp.h"
#include "lib/wait.h"

#define MANIFEST                                                                                   \
    "troupe: 1\n"                                                                                  \
    "proc: r\n"                                                                                    \
    "plugins: { path: [.] }\n"                                                                     \
    "actors:\n"                                                                                    \
    "  adder: { type: adder.Adder }\n"                                                             \
    "  starter: { type: kit.Player, config: { init: 'out 2' } }\n"                                 \
    "  sink: { type: file.Sink }\n"                                                                \
    "wires:\n"                                                                                     \
    "  - starter.out -> adder.start\n"                                                             \
    "  - adder.out -> sink.record\n"                                                               \
    "reload: { probation: { time: 1ms } }\n"

struct place {
    char *folder, *manifest, *plugin;
    struct test_started started;
};

static void install_as(const struct place *place, const char *fixture, const char *path) {
    struct plugin_file file;
    char *new = test_path(place->folder, "new");
    plugin_file_init(&file, fixture);
    test_write_file_n(new, file.bytes, file.size);
    assert_int_equal(rename(new, path), 0);
    plugin_file_fini(&file);
    free(new);
}

static void install(const struct place *place, const char *fixture) {
    install_as(place, fixture, place->plugin);
}

static struct place place_create(void) {
    struct place place = {.folder = test_temp_create()};
    place.manifest = test_path(place.folder, "m.yaml");
    place.plugin = test_path(place.folder, "adder.so");
    test_write_file(place.manifest, MANIFEST);
    install(&place, "adder_1");
    return place;
}

static void place_destroy(struct place *place) {
    free(place->manifest);
    free(place->plugin);
    test_temp_remove(place->folder);
}

struct awaited {
    const struct place *place;
    const char *text;
    char *(*peek)(const struct test_started *started);
};

static bool has_come(void *context) {
    const struct awaited *awaited = context;
    char *text = awaited->peek(&awaited->place->started);
    bool found = strstr(text, awaited->text) != NULL;
    free(text);
    return found;
}

static void await(const struct place *place, const char *text) {
    struct awaited awaited = {place, text, test_program_peek};
    test_wait_until(has_come, &awaited);
}

static void await_logged(const struct place *place, const char *text) {
    struct awaited awaited = {place, text, test_program_peek_errors};
    test_wait_until(has_come, &awaited);
}

/* The ticks of the first version count from 10001, those of the second from 20001: they go on counting. */
static void end(struct place *place, bool reloaded, const char *reason) {
    struct test_program program;
    assert_int_equal(kill(place->started.pid, SIGTERM), 0);
    test_program_wait(&place->started, &program);
    assert_int_equal(program.status, 0);
    assert_int_equal(strstr(program.err, "info  reloaded '") != NULL, reloaded);
    assert_null(strstr(program.out, ":20001}"));
    if (!strstr(program.err, reason)) {
        fail_msg("'%s' is missing in: %s", reason, program.err);
    }
    test_program_fini(&program);
    place_destroy(place);
}

static void test_sighup_reloads_what_has_changed(void **state) {
    (void)state;
    struct place place = place_create();
    troupe_start(&place.started, "run", place.manifest);
    await(&place, ":10001}");
    install(&place, "adder_2");

    assert_int_equal(kill(place.started.pid, SIGHUP), 0);

    await(&place, ":2");
    await_logged(&place, "1 actors went over");
    end(&place, true, "1 actors went over");
}

static void test_watch_reloads_by_itself(void **state) {
    (void)state;
    struct place place = place_create();
    troupe_start(&place.started, "run", "--watch", place.manifest);
    await(&place, ":10001}");

    install(&place, "adder_2");

    await(&place, ":2");
    await_logged(&place, "1 actors went over");
    end(&place, true, "1 actors went over");
}

/* The second version's ticks say something else. */
static void test_shadow_refuses_what_does_something_else(void **state) {
    (void)state;
    struct place place = place_create();
    troupe_start(&place.started, "run", "--shadow", "3", place.manifest);
    await(&place, ":10001}");
    install(&place, "adder_2");

    assert_int_equal(kill(place.started.pid, SIGHUP), 0);

    await_logged(&place, "refused at step 'shadow': 3 of 3 turns that were compared differ; first "
                         "'r/adder[0]': message on 'out': 'number' differs");
    await_logged(&place, "shadow: {\"actor\": \"r/adder[0]\", \"turn\": ");
    end(&place, false, "refused at step 'shadow'");
}

static void test_shadow_wants_a_number(void **state) {
    (void)state;
    struct test_program program;
    troupe_run(&program, "run", "--shadow", "many", "m.yaml");
    assert_int_equal(program.status, 2);
    assert_non_null(strstr(program.err, "'many' is no number of messages; write 1 to 1000000000"));
    test_program_fini(&program);
}

static void test_sighup_with_a_broken_file_changes_nothing(void **state) {
    (void)state;
    struct place place = place_create();
    troupe_start(&place.started, "run", place.manifest);
    await(&place, ":10001}");
    test_write_file(place.plugin, "no plugin");

    assert_int_equal(kill(place.started.pid, SIGHUP), 0);

    await_logged(&place, "refused at step 'read'");
    await(&place, ":10100}");
    end(&place, false, "adder.so' refused at step 'read': plugin file '");
}

static void test_sighup_with_a_broken_manifest_changes_nothing(void **state) {
    (void)state;
    struct place place = place_create();
    troupe_start(&place.started, "run", place.manifest);
    await(&place, ":10001}");
    install(&place, "adder_2");
    test_write_file(place.manifest, "troupe: 1\nproc: r\nactors: { adder: { type: no.Such } }\n");

    assert_int_equal(kill(place.started.pid, SIGHUP), 0);

    await_logged(&place, "no plugin file offers actor type");
    await(&place, ":10100}");
    end(&place, false, "m.yaml:3:26: error: no plugin file offers actor type 'no.Such'");
}

/* --- another manifest, under load --- */

#define STREAM(actors, wires)                                                                      \
    "troupe: 1\n"                                                                                  \
    "proc: r\n"                                                                                    \
    "actors:\n"                                                                                    \
    "  source:\n"                                                                                  \
    "    type: kit.Player\n"                                                                       \
    "    config: { init: 'tick 1 1', tick: 'self 1; self 1; self 1', number: 'out #',\n"           \
    "              cleanup: 'other #' }\n" actors                                                  \
    "  sink: { type: file.Sink, mailbox: { capacity: 4 } }\n"                                      \
    "wires:\n"                                                                                     \
    "  - source.other -> sink.record\n" wires "reload: { probation: { time: 1ms } }\n"
/* Tells that it is there, passes on what it gets, and can be behind. */
#define RELAY(name, number)                                                                        \
    "  " name ":\n"                                                                                \
    "    type: kit.Player\n"                                                                       \
    "    mailbox: { capacity: 2 }\n"                                                               \
    "    config: { init: 'other " number "', number: 'out $', cleanup: 'other 9" number "' }\n"
#define THROUGH(name)                                                                              \
    "  - source.out -> " name ".number\n"                                                          \
    "  - " name ".out -> sink.record\n"                                                            \
    "  - " name ".other -> sink.record\n"

static void change(const struct place *place, const char *manifest, const char *heard) {
    char *new = test_path(place->folder, "new.yaml");
    test_write_file(new, manifest);
    assert_int_equal(rename(new, place->manifest), 0);
    free(new);
    assert_int_equal(kill(place->started.pid, SIGHUP), 0);
    await(place, heard);
}

#define NUMBERS_MAX 1000000u

/* Numbers from 1 on, each once, the last one repeated; those of the relays in between. What goes directly may come
 * before what a relay has still. */
static void assert_complete(const char *out) {
    bool *seen = calloc(NUMBERS_MAX, sizeof *seen);
    uint64_t last = 0;
    uint64_t count = 0;
    unsigned relays = 0;
    for (const char *at = out; (at = strstr(at, "\"number\":")); at++) {
        const char *value = at + strlen("\"number\":");
        if (*value == '{') { /* the message, not its field */
            continue;
        }
        uint64_t number = strtoull(value, NULL, 10);
        if (number >= NUMBERS_MAX) {
            relays++;
            continue;
        }
        seen[number] = true;
        last = number > last ? number : last;
        count++;
    }
    assert_int_equal(count, last + 1);
    for (uint64_t number = 1; number <= last; number++) {
        assert_true(seen[number]);
    }
    free(seen);
    assert_int_equal(relays, 4);
    assert_true(last >= 10);
}

static void test_sighup_changes_wires_and_actors_and_loses_nothing(void **state) {
    (void)state;
    struct test_program program;
    struct place place = place_create();
    test_write_file(place.manifest, STREAM("", "  - source.out -> sink.record\n"));
    troupe_start(&place.started, "run", place.manifest);
    await(&place, ":5}");

    change(&place, STREAM(RELAY("one", "1000001"), THROUGH("one")), ":1000001}");
    change(&place, STREAM(RELAY("two", "1000002"), THROUGH("two")), ":91000001}");
    change(&place, STREAM("", "  - source.out -> sink.record\n"), ":91000002}");

    assert_int_equal(kill(place.started.pid, SIGTERM), 0);
    test_program_wait(&place.started, &program);
    assert_int_equal(program.status, 0);
    assert_complete(program.out);
    assert_non_null(strstr(program.err,
                           "the manifests were read again: add 'one', of type kit.Player; "
                           "wire the output 'out' of 'source' anew"));
    assert_null(strstr(program.err, "lost"));
    test_program_fini(&program);
    place_destroy(&place);
}

/* --- another manifest, and other plugin files with it --- */

#define TICKING(actors, wires)                                                                     \
    "troupe: 1\n"                                                                                  \
    "proc: r\n"                                                                                    \
    "plugins: { path: [.] }\n"                                                                     \
    "actors:\n"                                                                                    \
    "  starter: { type: kit.Player, config: { init: 'tick 1000 1000; out 2', tick: 'out 2' } }\n"  \
    "  sink: { type: file.Sink }\n" actors "wires:\n" wires                                        \
    "reload: { probation: { time: 1ms } }\n"
#define WITHOUT_ADDER TICKING("", "  - starter.out -> sink.record\n")
#define WITH_ADDER                                                                                 \
    TICKING("  adder: { type: adder.Adder }\n", "  - starter.out -> adder.start\n"                 \
                                                "  - adder.out -> sink.record\n")
/* What the adder says goes through an actor of another file, which multiplies it. */
#define WITH_KNOB                                                                                  \
    TICKING("  adder: { type: adder.Adder }\n"                                                     \
            "  knob: { type: knob.Hook, config: { factor: 3 } }\n",                                \
            "  - starter.out -> adder.start\n"                                                     \
            "  - adder.out -> knob.number\n"                                                       \
            "  - knob.out -> sink.record\n")

static void test_watch_watches_files_that_come_with_another_manifest(void **state) {
    (void)state;
    struct place place = place_create();
    test_write_file(place.manifest, WITHOUT_ADDER);
    troupe_start(&place.started, "run", "--watch", place.manifest);
    await(&place, ":2}");
    change(&place, WITH_ADDER, ":10001}");

    install(&place, "adder_2");

    await_logged(&place, "1 actors went over");
    end(&place, true, "1 actors went over");
}

/* The ticks of both versions, each once and in order. */
static void assert_ticks(const char *out) {
    uint64_t expected = 1;
    for (const char *at = out; (at = strstr(at, "\"number\":")); at++) {
        const char *value = at + strlen("\"number\":");
        if (*value != '{') { /* the message, not its field */
            uint64_t number = strtoull(value, NULL, 10);
            assert_int_equal(number / (number < 30000 ? 1 : 3) % 10000, expected);
            expected++;
        }
    }
}

static void test_sighup_changes_a_file_and_brings_another_and_loses_nothing(void **state) {
    (void)state;
    struct test_program program;
    struct place place = place_create();
    char *other = test_path(place.folder, "knob.so");
    test_write_file(place.manifest, WITH_ADDER);
    troupe_start(&place.started, "run", place.manifest);
    await(&place, ":10001}");
    install(&place, "adder_2");
    install_as(&place, "knob_1", other);

    change(&place, WITH_KNOB, ":6");

    await_logged(&place, "1 actors went over");
    await_logged(&place, "add 'knob', of type knob.Hook");
    assert_int_equal(kill(place.started.pid, SIGTERM), 0);
    test_program_wait(&place.started, &program);
    assert_int_equal(program.status, 0);
    assert_ticks(program.out);
    assert_null(strstr(program.err, "lost"));
    test_program_fini(&program);
    free(other);
    place_destroy(&place);
}

static void test_sighup_with_what_takes_a_restart_changes_nothing(void **state) {
    (void)state;
    struct test_program program;
    struct place place = place_create();
    test_write_file(place.manifest, STREAM("", "  - source.out -> sink.record\n"));
    troupe_start(&place.started, "run", place.manifest);
    await(&place, ":5}");
    test_write_file(place.manifest, "workers: 3\n" STREAM(RELAY("one", "1000001"), THROUGH("one")));

    assert_int_equal(kill(place.started.pid, SIGHUP), 0);

    await_logged(&place, "refused at step 'check'");
    await(&place, ":500}");
    assert_int_equal(kill(place.started.pid, SIGTERM), 0);
    test_program_wait(&place.started, &program);
    assert_int_equal(program.status, 0);
    assert_non_null(strstr(program.err,
                           "refused at step 'check': this takes a restart: restart the proc: "
                           "workers\n"));
    assert_null(strstr(program.out, ":1000001}"));
    test_program_fini(&program);
    place_destroy(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sighup_reloads_what_has_changed),
        cmocka_unit_test(test_watch_reloads_by_itself),
        cmocka_unit_test(test_sighup_with_a_broken_file_changes_nothing),
        cmocka_unit_test(test_shadow_refuses_what_does_something_else),
        cmocka_unit_test(test_shadow_wants_a_number),
        cmocka_unit_test(test_sighup_with_a_broken_manifest_changes_nothing),
        cmocka_unit_test(test_sighup_changes_wires_and_actors_and_loses_nothing),
        cmocka_unit_test(test_watch_watches_files_that_come_with_another_manifest),
        cmocka_unit_test(test_sighup_changes_a_file_and_brings_another_and_loses_nothing),
        cmocka_unit_test(test_sighup_with_what_takes_a_restart_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
