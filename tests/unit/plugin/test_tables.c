/* Tables of plugins: of any size that makes sense, and never different from the note. */
#include "lib/test.h"

#include "lib/library_world.h"

static const struct {
    const char *twist, *expected;
} cases[] = {
    {"row kind", "actor \"tables.Actor\": row 'copy': its kind is 'to' in the table, 'out' in "
                 "the note"},
    {"row name", "actor \"tables.Actor\": row 'word': its name is 'wort' in the table, 'word' "
                 "in the note"},
    {"row type", "actor \"tables.Actor\": row 'word': its type is 'tables_config' in the table, "
                 "'tables_word' in the note"},
    {"row reply", "actor \"tables.Actor\": row 'word': its reply is 'tables_word' in the table, "
                  "'' in the note"},
    {"row text", "actor \"tables.Actor\": row 'word': its name is not a text of the plugin"},
    {"row run", "actor \"tables.Actor\": row 'word': it has no function of the plugin to run"},
    {"foreign run", "actor \"tables.Actor\": row 'word': it has no function of the plugin to run"},
    {"config place",
     "actor \"tables.Actor\": row 'config': its 8 bytes at 12 do not fit into a state of 16"},
    {"config end",
     "actor \"tables.Actor\": row 'config': its 8 bytes at 16 do not fit into a state of 16"},
    {"row size", "actor \"tables.Actor\": row 'word': its table of a row says that it has 4 "
                 "bytes; 40 are the least"},
    {"row stride", "actor \"tables.Actor\": row 'config': it has 72 bytes, but rows are 48 "
                   "bytes apart"},
    {"row count", "actor \"tables.Actor\": its number of rows is 2 in the table, 3 in the note"},
    {"rows place", "actor \"tables.Actor\": its rows, 72 bytes apart, lie outside of the file"},
    {"state size", "actor \"tables.Actor\": its state has 0 bytes; 1 to 1073741824 are possible"},
    {"state version", "actor \"tables.Actor\": its state version is 1 in the table, 0 in the note"},
    {"state min",
     "actor \"tables.Actor\": its oldest state version is 1 in the table, 0 in the note"},
    {"actor id", "the tables list an actor \"tables.Akteur\" that the note does not declare"},
    {"actor size", "its table of an actor says that it has 16 bytes; 48 are the least"},
    {"actor place", "its table of an actor lies outside of the file"},
    {"actor twice", "the tables list the actor \"tables.Other\" twice"},
    {"actor missing", "the note declares an actor \"tables.Actor\" that the tables do not "
                      "list; is it missing from TROUPE_PLUGIN?"},
    {"actor count", "its list of actors lies outside of the file"},
    {"plugin name", "its name is 'tafeln' in the table, 'tables' in the note"},
    {"plugin version", "its version is '1.1' in the table, '1.0' in the note"},
    {"plugin minor", "its ABI minor is 1 in the table, 0 in the note"},
    {"plugin size", "its table of the plugin says that it has 8 bytes; 40 are the least"},
    {"plugin init", "its init or its fini is not a function of the plugin"},
};

static void test_tables_of_another_size_are_read(void **state) {
    struct library *library = open_fixture(*state, "tables");

    const struct library_type *actor = library_find_type(library, "tables.Actor");
    const struct library_type *other = library_find_type(library, "tables.Other");
    uint64_t seen[2] = {0, 0};

    /* larger: what this host does not know is left out */
    assert_int_equal(actor->row_count, 3);
    assert_int_equal(actor->rows[1].size, sizeof(struct troupe_row));
    assert_int_equal(actor->rows[1].run(NULL, seen, NULL), 0);
    assert_int_equal(seen[0], 1);
    assert_string_equal(actor->rows[2].name, "copy");
    assert_int_equal(actor->config->value, 8);
    /* smaller: what the plugin does not know is zero */
    assert_int_equal(other->row_count, 1);
    assert_int_equal(other->rows[0].kind, TROUPE_ROW_out);
    assert_null(other->rows[0].run);
    library_unref(library);
}

static void test_tables_that_differ_from_the_note_are_refused(void **state) {
    const struct world *w = *state;
    install_fixture(w, "tables");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)setenv("TABLES_FIXTURE", cases[i].twist, 1);

        assert_refused(w, ERR_ABI, cases[i].expected);
    }
    assert_int_equal(count_entries(w->folder), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_tables_of_another_size_are_read),
        WITH_WORLD(test_tables_that_differ_from_the_note_are_refused),
    };
    return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
