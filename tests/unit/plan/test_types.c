/* Actor types and pins: what is said when a file, a type or a message is not what was asked for. */
#include "lib/plan_world.h"

static void test_unknown_type_is_told_with_the_nearest(void **state) {
    struct world *w = *state;
    world_file(w, "lib/t.so", WORLD_PLUGIN);
    world_directory(w, "lib");

    world_build(w, "actors: { a: { type: t.Sorce } }\n");

    world_assert_errors(
        w, "3:22: no plugin file offers actor type 't.Sorce'; did you mean 't.Source'?\n");
}

static void test_unknown_type_far_from_all_is_told_with_the_folders_searched(void **state) {
    struct world *w = *state;
    world_directory(w, "lib");
    world_directory(w, "/usr/lib/troupe");

    world_build(w, "actors: { a: { type: text.Lines } }\n");

    world_assert_errors(w, "3:22: no plugin file offers actor type 'text.Lines'; searched in "
                           "'lib', '/usr/lib/troupe'\n");
}

static void test_unknown_type_without_any_folder_is_told_so(void **state) {
    struct world *w = *state;

    world_build(w, "actors: { a: { type: text.Lines } }\n");

    world_assert_errors(w, "3:22: no plugin file offers actor type 'text.Lines'; no plugin folder "
                           "was found\n");
}

static void test_unknown_type_names_the_refused_file_that_may_hold_it(void **state) {
    struct world *w = *state;
    world_directory(w, "lib");
    world_refused_file(w, "lib/other.so", "'lib/other.so' is not an ELF file");
    world_refused_file(w, "lib/text.so", "'lib/text.so' is built for another machine");

    world_build(w, "actors: { a: { type: acme.text.Lines } }\n");

    world_assert_errors(w,
                        "3:22: no plugin file offers actor type 'acme.text.Lines'; searched in "
                        "'lib'; it may be in what was refused: 'lib/text.so' is built for another "
                        "machine\n");
}

static void test_actor_of_an_unknown_type_gives_one_error_only(void **state) {
    struct world *w = *state;
    world_file(w, "lib/t.so", WORLD_PLUGIN);

    world_build(w, "actors:\n"
                   "  a: { type: t.Sorce, config: { x: 1 }, mailbox: { ports: { y: fail } } }\n"
                   "  s: { type: t.Sink }\n"
                   "  c: { type: t.Copy, config: { by: zzz } }\n"
                   "  d: { type: t.Sink }\n"
                   "wires:\n  - a.line -> s.line\n  - a.line -> c.item\n  - c.copy -> d.line\n");

    world_assert_errors(
        w, "4:14: no plugin file offers actor type 't.Sorce'; did you mean 't.Source'?\n");
    world_assert_findings(w, DIAG_WARNING, "");
}

static void test_each_actor_of_an_unknown_type_is_told(void **state) {
    struct world *w = *state;
    world_file(w, "lib/t.so", WORLD_PLUGIN);

    world_build(w, "actors:\n  a: { type: t.Sorce }\n  b: { type: t.Sorce }\n");

    world_assert_errors(
        w, "4:14: no plugin file offers actor type 't.Sorce'; did you mean 't.Source'?\n"
           "5:14: no plugin file offers actor type 't.Sorce'; did you mean 't.Source'?\n");
}

static void test_unknown_type_of_a_child_is_told_at_the_actor_that_spawns_it(void **state) {
    struct world *w = *state;
    world_file(
        w, "a.so",
        "plugin \"a\", \"1\", 1 0\n\nactor parent \"a.Parent\"\nchild worker \"b.Worker\"\n");

    world_build(w, "actors: { a: { type: a.Parent } }\n");

    world_assert_errors(w, "3:22: 'a.Parent' spawns actors of type 'b.Worker', which no plugin "
                           "file offers; no plugin folder was found\n");
}

static void test_files_that_disagree_about_a_message_are_both_named(void **state) {
    struct world *w = *state;
    world_file(w, "a.so",
               "plugin \"a\", \"1\", 1 0\n\nmessage line \"t.line/1\"\nfield str text\n\n"
               "actor source \"a.Source\"\nout line line\n");
    world_file(w, "b.so",
               "plugin \"b\", \"1\", 1 0\n\nmessage line \"t.line/1\"\nfield bytes text\n\n"
               "actor sink \"b.Sink\"\nin line line\nin more line\n");

    world_build(w, "actors:\n  a: { type: a.Source }\n  b: { type: b.Sink }\n"
                   "wires: [ a.line -> b.line ]\n");

    world_assert_errors(w, "5:14: plugin files 'a.so' and 'b.so' disagree about message "
                           "'t.line/1': 'str text' here, 'bytes text' there\n");
}

static void test_files_that_agree_about_a_message_share_its_type(void **state) {
    struct world *w = *state;
    world_file(w, "a.so",
               "plugin \"a\", \"1\", 1 0\n\nmessage line \"t.line/1\"\nfield str text\n\n"
               "actor source \"a.Source\"\nout line line\n");
    world_file(w, "b.so",
               "plugin \"b\", \"1\", 1 0\n\nmessage theirs \"t.line/1\"\nfield str text\n\n"
               "actor sink \"b.Sink\"\nin line theirs\n");

    world_build(w, "actors:\n  a: { type: a.Source }\n  b: { type: b.Sink }\n"
                   "wires: [ a.line -> b.line ]\n");

    world_assert_plan(w);
    assert_ptr_equal(world_actor(w, "a")->row_types[0], world_actor(w, "b")->row_types[0]);
}

#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void build_pinned(struct world *w, const char *sha256) {
    struct str text;
    str_init(&text);
    str_addf(&text, "plugins: { pin: { t.so: 'sha256:%s' } }\nactors: { a: { type: t.Source } }\n",
             sha256);
    world_build(w, str_text(&text));
    str_fini(&text);
}

static void test_pinned_file_with_the_same_bytes_is_taken(void **state) {
    struct world *w = *state;
    world_file(w, "lib/t.so", WORLD_PLUGIN);

    build_pinned(w, SHA_A);

    world_assert_plan(w);
}

static void test_pinned_file_with_other_bytes_is_refused_with_both_hashes(void **state) {
    struct world *w = *state;
    world_file(w, "lib/t.so", WORLD_PLUGIN);

    build_pinned(w, SHA_B);

    world_assert_errors(w, "3:19: plugin file 'lib/t.so' is not the pinned one: it has "
                           "sha256:" SHA_A ", pinned is sha256:" SHA_B "\n");
}

static void test_pinned_file_that_is_not_there_is_told(void **state) {
    struct world *w = *state;
    world_file(w, "lib/u.so", WORLD_PLUGIN);

    build_pinned(w, SHA_A);

    world_assert_errors(w, "3:19: pinned plugin file 't.so' is in none of the plugin folders\n");
}

static void test_pinned_file_that_was_refused_is_told_with_the_reason(void **state) {
    struct world *w = *state;
    world_file(w, "lib/u.so", WORLD_PLUGIN);
    world_refused_file(w, "lib/t.so", "'lib/t.so' is not an ELF file");

    build_pinned(w, SHA_A);

    world_assert_errors(
        w, "3:19: pinned plugin file 't.so' was refused: 'lib/t.so' is not an ELF file\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_unknown_type_is_told_with_the_nearest),
        TEST(test_unknown_type_far_from_all_is_told_with_the_folders_searched),
        TEST(test_unknown_type_without_any_folder_is_told_so),
        TEST(test_unknown_type_names_the_refused_file_that_may_hold_it),
        TEST(test_actor_of_an_unknown_type_gives_one_error_only),
        TEST(test_each_actor_of_an_unknown_type_is_told),
        TEST(test_unknown_type_of_a_child_is_told_at_the_actor_that_spawns_it),
        TEST(test_files_that_disagree_about_a_message_are_both_named),
        TEST(test_files_that_agree_about_a_message_share_its_type),
        TEST(test_pinned_file_with_the_same_bytes_is_taken),
        TEST(test_pinned_file_with_other_bytes_is_refused_with_both_hashes),
        TEST(test_pinned_file_that_is_not_there_is_told),
        TEST(test_pinned_file_that_was_refused_is_told_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
