/* Notes: what is read from one, and the sentence that each kind of damage or contradiction gets. */
#include "lib/test.h"

#include <stdio.h>

#include <troupe/message.h>
#include <troupe/plugin.h>

#include "base/alloc.h"
#include "lib/note_section.h"
#include "plugin/note.h"

#define PLUGIN "plugin \"p\", \"1.0\", 1 0\n\n"
#define LINE "message line \"p.line/1\"\nfield str text\n\n"
#define ACTOR "actor a \"p.A\"\n"

static struct note_plugin *parse(const char *texts) {
    struct str section;
    struct note_plugin *note;
    struct err err;
    str_init(&section);
    note_section_add_all(&section, texts);
    if (note_parse(section.data, section.size, &note, &err) < 0) {
        fail_msg("refused: %s", err.text);
    }
    str_fini(&section);
    return note;
}

static void assert_bytes_refused(const struct str *section, enum err_code code,
                                 const char *expected) {
    struct note_plugin *note;
    struct err err = {0};

    int status = note_parse(section->data, section->size, &note, &err);

    assert_int_equal(status, -1);
    assert_string_equal(err.text, expected);
    assert_int_equal(err.code, code);
}

static void assert_refused(const char *texts, const char *expected) {
    struct str section;
    str_init(&section);
    note_section_add_all(&section, texts);
    assert_bytes_refused(&section, ERR_INVALID, expected);
    str_fini(&section);
}

static void test_plugin_entry_gives_name_version_and_abi(void **state) {
    (void)state;

    struct note_plugin *note = parse(PLUGIN ACTOR);

    assert_string_equal(note->name, "p");
    assert_string_equal(note->version, "1.0");
    assert_int_equal(note->abi_major, 1);
    assert_int_equal(note->abi_minor, 0);
    note_destroy(note);
}

static void test_message_gives_fields_and_canonical_schema(void **state) {
    (void)state;

    struct note_plugin *note = parse(PLUGIN "record source\nfield str name\nfield u64 failed\n\n"
                                            "message all \"p.all/12\"\nfield bool a\nfield time b\n"
                                            "field list sources source\n\n" ACTOR);

    const struct note_message *message = note_find_message(note, "all");
    assert_string_equal(message->id, "p.all/12");
    assert_string_equal(message->schema, "bool a; time b; list sources {str name; u64 failed}");
    assert_int_equal(message->field_count, 3);
    assert_int_equal(message->fields[1].kind, TROUPE_KIND_time);
    assert_string_equal(message->fields[2].record, "source");
    assert_null(note_find_message(note, "source")->id);
    note_destroy(note);
}

static void test_config_gives_defaults_unquoted(void **state) {
    (void)state;

    struct note_plugin *note =
        parse(PLUGIN "config c\nkey str a \"x \\\"y\\\"\\t\\x41\\101\\u00e4\", \"help\", \"\"\n"
                     "key path b required, \"one \" \"and\" \" two\", \"\"\n"
                     "key str c \"required\", \"h\", \"\"\nkey int d -1, \"h\", \"-5..5\"\n\n" ACTOR
                     "config c\n");

    const struct note_config *config = note->actors[0].config;
    assert_string_equal(config->keys[0].value, "x \"y\"\tAA\xc3\xa4");
    assert_true(config->keys[1].required);
    assert_null(config->keys[1].value);
    assert_string_equal(config->keys[1].help, "one and two");
    assert_false(config->keys[2].required);
    assert_string_equal(config->keys[2].value, "required");
    assert_string_equal(config->keys[3].extra, "-5..5");
    note_destroy(note);
}

static void test_bool_defaults_are_words_as_in_a_manifest(void **state) {
    (void)state;

    struct note_plugin *note =
        parse(PLUGIN "config c\nkey bool a 0, \"\", \"\"\nkey bool b 1, \"\", \"\"\n"
                     "key bool d true, \"\", \"\"\nkey int e 1, \"\", \"\"\n\n" ACTOR "config c\n");

    const struct note_config *config = note->actors[0].config;
    assert_string_equal(config->keys[0].value, "false");
    assert_string_equal(config->keys[1].value, "true");
    assert_string_equal(config->keys[2].value, "true");
    assert_string_equal(config->keys[3].value, "1");
    note_destroy(note);
}

static void test_rows_keep_the_plugins_order_and_arguments(void **state) {
    (void)state;

    struct note_plugin *note =
        parse(PLUGIN LINE ACTOR
              "option own_thread\noption writes_older\ncall ask_me line line\nas copy ask_me\n"
              "child sub \"v.p.Sub\"\ninit\nsave 3 2\nload\n");

    const struct note_actor *actor = note_find_actor(note, "p.A");
    assert_int_equal(actor->row_count, 8);
    assert_int_equal(actor->rows[2].kind, TROUPE_ROW_call);
    assert_string_equal(actor->rows[2].type, "line");
    assert_string_equal(actor->rows[2].reply, "line");
    assert_string_equal(actor->rows[4].type, "v.p.Sub");
    assert_string_equal(actor->rows[5].name, "init");
    assert_string_equal(actor->rows[5].type, "");
    assert_int_equal(actor->state_version, 3);
    assert_int_equal(actor->state_min, 2);
    assert_true(actor->own_thread);
    assert_false(actor->plain_state);
    assert_true(actor->writes_older);
    assert_null(actor->config);
    note_destroy(note);
}

static void test_handlers_and_outputs_are_told_apart(void **state) {
    (void)state;

    struct note_plugin *note =
        parse(PLUGIN LINE ACTOR "in i line\nany n\nout o line\nto t line\ntimer m\n");

    const struct note_actor *actor = &note->actors[0];
    assert_true(note_row_is_handler(note_find_row(actor, "i")));
    assert_true(note_row_is_handler(note_find_row(actor, "n")));
    assert_true(note_row_is_output(note_find_row(actor, "o")));
    assert_false(note_row_is_output(note_find_row(actor, "t")));
    assert_false(note_row_is_handler(note_find_row(actor, "m")));
    assert_null(note_find_row(actor, "x"));
    note_destroy(note);
}

static void test_equal_entries_count_once(void **state) {
    (void)state;

    struct note_plugin *note = parse(PLUGIN LINE LINE PLUGIN ACTOR "in i line\n\n" LINE);

    assert_int_equal(note->message_count, 1);
    note_destroy(note);
}

static void test_zero_words_and_foreign_notes_are_skipped(void **state) {
    (void)state;
    struct str section;
    struct note_plugin *note;
    struct err err;
    str_init(&section);
    uint32_t foreign[] = {4, 4, TROUPE_NOTE_ACTOR, 0x00554e47, 0x12345678}; /* "GNU" */

    str_add_n(&section, "\0\0\0\0\0\0\0\0", 8);
    note_section_add_all(&section, PLUGIN);
    str_add_n(&section, (const char *)foreign, sizeof foreign);
    str_add_n(&section, "\0\0\0\0", 4);
    note_section_add(&section, 99, "what a later SDK adds");
    note_section_add_all(&section, ACTOR);

    assert_int_equal(note_parse(section.data, section.size, &note, &err), 0);
    assert_int_equal(note->actor_count, 1);
    note_destroy(note);
    str_fini(&section);
}

static void test_entries_must_lie_within_the_section(void **state) {
    (void)state;
    struct str section;
    struct note_plugin *note;
    str_init(&section);
    note_section_add_all(&section, PLUGIN LINE ACTOR "in i line\n");
    size_t plugin_end = 12 + 8 + 24;

    for (size_t size = 0; size < section.size - 3; size++) { /* 3: padding behind the last */
        struct err err = {0};
        /* an exact copy, so that a sanitizer sees a read beyond it */
        char *cut = mem_text_n(section.data, size);
        assert_int_equal(note_parse(cut, size, &note, &err), -1);
        assert_int_equal(err.code, ERR_INVALID);
        mem_free(cut);
    }
    section.size = plugin_end + 14;
    assert_bytes_refused(&section, ERR_INVALID,
                         "the note entry at byte 44 reaches beyond the note");
    section.size = plugin_end + 7;
    assert_bytes_refused(&section, ERR_INVALID, "the note ends within the entry at byte 44");
    str_fini(&section);
}

static void test_text_must_end_within_its_entry(void **state) {
    (void)state;
    struct str section;
    str_init(&section);
    note_section_add(&section, TROUPE_NOTE_RECORD, "record abc\nfield u8 ab");
    memcpy(section.data + section.size - 4, "cdef", 4);

    assert_bytes_refused(&section, ERR_INVALID, "the text of the note entry at byte 0 has no end");
    str_fini(&section);
}

static void test_another_abi_major_is_refused_before_the_rest_is_read(void **state) {
    (void)state;
    struct str section;
    str_init(&section);
    note_section_add_all(&section, "actor of the future\n\nplugin \"p\", \"1\", 2 3\n");

    assert_bytes_refused(&section, ERR_ABI,
                         "note entry 'plugin \"p\", \"1\", 2 3': it was built for plugin ABI 2.3; "
                         "this host knows 1.0");
    str_fini(&section);
}

static void test_control_characters_and_bad_utf8_are_refused(void **state) {
    (void)state;
    assert_refused(PLUGIN "record \033[2J\nfield u8 a\n",
                   "the note entry at byte 44: a text holds a control character");
    assert_refused(PLUGIN "config c\nkey str a \"\xff\", \"\", \"\"\n",
                   "the note entry at byte 44: a text is not UTF-8");
    assert_refused(PLUGIN "config c\nkey str a \"\xc2\x9b\", \"\", \"\"\n",
                   "the note entry at byte 44: a text holds a control character");
    assert_refused(PLUGIN "config c\nkey str a \"\\033\", \"\", \"\"\n",
                   "note entry 'config c': a text holds a control character");
    assert_refused(PLUGIN "config c\nkey str a \"\\xff\", \"\", \"\"\n",
                   "note entry 'config c': a text is not UTF-8");
    assert_refused(PLUGIN "config c\nkey str a \"\\0\", \"\", \"\"\n",
                   "note entry 'config c': a text holds an escape that is not a character");
    assert_refused(PLUGIN "config c\nkey str a \"\\q\", \"\", \"\"\n",
                   "note entry 'config c': a text holds an escape that is not a character");
}

static void test_words_must_be_bare_or_quoted(void **state) {
    (void)state;
    assert_refused(PLUGIN "config c\nkey str a \"b\" \"\", \"\"\n",
                   "note entry 'config c': a line 'key' has 5 words where 6 are expected");
    assert_refused(PLUGIN "config c\nkey str a \"b\n",
                   "note entry 'config c': a quoted text has no end");
    assert_refused(PLUGIN "config c\nkey str a \"b\"c, \"\", \"\"\n",
                   "note entry 'config c': a quoted text is followed by 'c'");
    assert_refused(PLUGIN "config c\nkey str a u8\"b\", \"\", \"\"\n",
                   "note entry 'config c': a word holds a character that must be quoted");
    assert_refused(PLUGIN "config c\nkey str a , \"\", \"\"\n",
                   "note entry 'config c': a line 'key' has 5 words where 6 are expected");
    assert_refused(PLUGIN "config c\nkey str a b,, \"\", \"\"\n",
                   "note entry 'config c': a comma stands where a word should");
    assert_refused(PLUGIN "config c\nkey 1 2 3 4 5 6 7 8\n",
                   "note entry 'config c': a line has more than 8 words");
}

static void test_plugin_entry_is_needed_once(void **state) {
    (void)state;
    assert_refused(LINE ACTOR, "the note has no plugin entry; is TROUPE_PLUGIN missing?");
    assert_refused(PLUGIN ACTOR "\nplugin \"q\", \"1.0\", 1 0\n",
                   "the note declares plugin twice and differently: once with 'plugin \"p\", "
                   "\"1.0\", 1 0', once with 'plugin \"q\", \"1.0\", 1 0'");
    assert_refused("plugin p, \"1.0\", 1 0\n",
                   "note entry 'plugin p, \"1.0\", 1 0': its name and its version must be quoted, "
                   "and not empty");
    assert_refused(
        "plugin \"p\", \"1.0\", one 0\n",
        "note entry 'plugin \"p\", \"1.0\", one 0': 'one' and '0' are not an ABI's major "
        "and minor");
    assert_refused(PLUGIN LINE, "the note declares no actor");
}

static void test_contradicting_entries_are_refused_with_both(void **state) {
    (void)state;
    assert_refused(PLUGIN LINE "message line \"p.line/1\"\nfield bytes text\n",
                   "the note declares message 'line' twice and differently: once with 'field str "
                   "text', once with 'field bytes text'");
    assert_refused(
        PLUGIN LINE "record line\nfield str text\n",
        "the note declares message 'line' twice and differently: once with 'message line "
        "\"p.line/1\"', once with 'record line'");
    assert_refused(PLUGIN LINE "message line2 \"p.line/1\"\nfield u8 text\n",
                   "messages 'line' and 'line2' are both \"p.line/1\", but one is {str text}, the "
                   "other {u8 text}");
    assert_refused(PLUGIN ACTOR "\nactor b \"p.A\"\n",
                   "actors 'a' and 'b' have the same id \"p.A\"");
    assert_refused(PLUGIN ACTOR "\n" ACTOR "init\n",
                   "the note declares actor 'a' twice and differently: once with '', once with "
                   "'init'");
}

static void test_mistakes_in_messages_are_named(void **state) {
    (void)state;
    assert_refused(PLUGIN "message m \"p.m/1\"\n",
                   "note entry 'message m \"p.m/1\"': it has no fields");
    assert_refused(PLUGIN "message m \"p.m/1\"\nfield u128 a\n",
                   "note entry 'message m \"p.m/1\"': field 'a': unknown kind 'u128'");
    assert_refused(PLUGIN "message m \"p.m/1\"\nfield u8 a\nfield u8 a\n",
                   "message 'm': there are two fields 'a'");
    assert_refused(PLUGIN "message m \"p.m/1\"\nfield u8 a b\n",
                   "note entry 'message m \"p.m/1\"': field 'a': a list, and nothing else, names a "
                   "record");
    assert_refused(PLUGIN "message m \"p.m/1\"\nfield list a\n",
                   "note entry 'message m \"p.m/1\"': field 'a': a list, and nothing else, names a "
                   "record");
    assert_refused(PLUGIN "record sauce\nfield u8 a\n\nmessage m \"p.m/1\"\nfield list a source\n",
                   "message 'm': field 'a': there is no record 'source'; did you mean 'sauce'?");
    assert_refused(PLUGIN LINE "message m \"p.m/1\"\nfield list a line\n",
                   "message 'm': field 'a': there is no record 'line'");
    assert_refused(PLUGIN "record r\nfield list a r\n",
                   "record 'r': field 'a' is a list, and a record must be flat");
    assert_refused(PLUGIN "message m \"p.m/1\"\nkey u8 a\n",
                   "note entry 'message m \"p.m/1\"': a line begins with 'key' where 'field' is "
                   "expected");
    assert_refused(PLUGIN "message m \"p.m/1\"\nfield u8 9a\n",
                   "note entry 'message m \"p.m/1\"': '9a' is not a name: letters, digits and '_', "
                   "at most 127");
}

static void test_message_ids_are_name_and_revision(void **state) {
    static const char *const ids[] = {"p.m",    "p.m/", "p.m/0", "p.m/01", "p.m/1x", "/1",
                                      "p..m/1", ".m/1", "p./1",  "p m/1",  "p.m/1u", "p.m/-1"};
    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char text[200];
        char expected[300];
        (void)snprintf(text, sizeof text, PLUGIN "message m \"%s\"\nfield u8 a\n", ids[i]);
        (void)snprintf(expected, sizeof expected,
                       "note entry 'message m \"%s\"': its id \"%s\" is not of the form "
                       "\"plugin.name/1\"",
                       ids[i], ids[i]);
        assert_refused(text, expected);
    }
}

static void test_mistakes_in_configs_are_named(void **state) {
    (void)state;
    assert_refused(PLUGIN "config c\n", "note entry 'config c': it has no keys");
    assert_refused(PLUGIN "config c\nkey colour a b, \"\", \"\"\n",
                   "note entry 'config c': key 'a': unknown kind 'colour'");
    assert_refused(PLUGIN "config c\nkey str a b, c, \"\"\n",
                   "note entry 'config c': key 'a': its help and what follows must be quoted");
    assert_refused(PLUGIN "config c\nkey str a b, \"\", \"\"\nkey str a b, \"\", \"\"\n",
                   "config 'c': there are two keys 'a'");
    assert_refused(PLUGIN "config c\nkey enum a b, \"\", \"c|bb\"\n",
                   "config 'c': key 'a': its default 'b' is not one of \"c|bb\"");
    assert_refused(PLUGIN "config c\nkey enum a b, \"\", \"b||c\"\n",
                   "config 'c': key 'a': \"b||c\" is not a list of choices like \"a|b\"");
    assert_refused(PLUGIN LINE "config c\nkey field a \"\", \"\", \"lime\"\n\n" ACTOR
                               "in line line\nconfig c\n",
                   "actor \"p.A\": row 'config': key 'a': there is no handler port 'lime'; did you "
                   "mean 'line'?");
}

static void test_mistakes_in_actors_are_named(void **state) {
    (void)state;
    assert_refused(PLUGIN "actor a \"A\"\n",
                   "note entry 'actor a \"A\"': its id \"A\" is not of the form \"plugin.Type\" or "
                   "\"vendor.plugin.Type\"");
    assert_refused(PLUGIN "actor a \"a.b.c.D\"\n",
                   "note entry 'actor a \"a.b.c.D\"': its id \"a.b.c.D\" is not of the form "
                   "\"plugin.Type\" or \"vendor.plugin.Type\"");
    assert_refused(PLUGIN "actor a \"troupe.Group\"\n",
                   "note entry 'actor a \"troupe.Group\"': its id \"troupe.Group\" begins with "
                   "\"troupe.\", which is the host's");
    assert_refused(PLUGIN ACTOR "inn x\n",
                   "note entry 'actor a \"p.A\"': unknown kind of row 'inn'");
    assert_refused(PLUGIN ACTOR "option fast\n",
                   "note entry 'actor a \"p.A\"': unknown option 'fast'");
    assert_refused(PLUGIN ACTOR "in x\n",
                   "note entry 'actor a \"p.A\"': a line 'in' has 2 words where 3 are expected");
    assert_refused(PLUGIN LINE ACTOR "in x limes\n",
                   "actor \"p.A\": row 'x': there is no message 'limes'; did you mean 'line'?");
    assert_refused(PLUGIN LINE ACTOR "call x line other\n",
                   "actor \"p.A\": row 'x': there is no message 'other'");
    assert_refused(PLUGIN LINE ACTOR "in x line\ntimer x\n",
                   "actor \"p.A\": row 'x': there are two rows of this name");
    assert_refused(PLUGIN ACTOR "init\ninit\n",
                   "actor \"p.A\": row 'init': there are two rows of this name");
    assert_refused(PLUGIN LINE ACTOR "out x line\nas y x\n",
                   "actor \"p.A\": row 'y': there is no handler port 'x'");
    assert_refused(PLUGIN ACTOR "config c\n",
                   "actor \"p.A\": row 'config': there is no config 'c'");
    assert_refused(PLUGIN ACTOR "child x \"Sub\"\n",
                   "note entry 'actor a \"p.A\"': child 'x': \"Sub\" is not a type of the form "
                   "\"plugin.Type\"");
}

static void test_state_versions_are_checked(void **state) {
    (void)state;
    assert_refused(
        PLUGIN ACTOR "save 0 0\nload\n",
        "note entry 'actor a \"p.A\"': it writes state version 0 and reads from 0, which "
        "must be 1 to 0");
    assert_refused(
        PLUGIN ACTOR "save 1 2\nload\n",
        "note entry 'actor a \"p.A\"': it writes state version 1 and reads from 2, which "
        "must be 1 to 1");
    assert_refused(
        PLUGIN ACTOR "save X 1\nload\n",
        "note entry 'actor a \"p.A\"': state versions 'X' and '1' must be plain numbers");
    assert_refused(
        PLUGIN ACTOR "save 4294967296 1\nload\n",
        "note entry 'actor a \"p.A\"': state versions '4294967296' and '1' must be plain "
        "numbers");
    assert_refused(PLUGIN ACTOR "save 1 1\n", "actor \"p.A\": it has a row 'save' but none 'load'");
    assert_refused(PLUGIN ACTOR "load\n", "actor \"p.A\": it has a row 'load' but none 'save'");
}

static void test_reconfigure_takes_the_config_of_its_actor(void **state) {
    static const char both[] = PLUGIN "config c\nkey int depth 3, \"how deep\", \"\"\n\n" ACTOR
                                      "config c\nreconfigure c\n";
    (void)state;
    struct note_plugin *note = parse(both);
    const struct note_row *row = note_find_row(note_find_actor(note, "p.A"), "reconfigure");

    assert_int_equal(row->kind, TROUPE_ROW_reconfigure);
    assert_string_equal(row->type, "c");
    assert_true(note_row_is_hook(row));
    assert_true(note_has_row(note_find_actor(note, "p.A"), TROUPE_ROW_reconfigure));
    note_destroy(note);
    assert_refused(PLUGIN ACTOR "reconfigure c\n",
                   "actor \"p.A\": row 'reconfigure': its config is 'none', not 'c'");
    assert_refused(PLUGIN "config c\nkey int depth 3, \"how deep\", \"\"\n\n" ACTOR
                          "config c\nreconfigure d\n",
                   "actor \"p.A\": row 'reconfigure': its config is 'c', not 'd'");
}

static void test_config_layout_is_that_of_the_struct(void **state) {
    struct expected {
        bool a;
        int64_t b;
        bool c;
        uint32_t d;
        struct troupe_str e;
        bool f;
    };
    uint64_t offsets[6];
    uint64_t size;
    uint64_t align;
    (void)state;
    struct note_plugin *note =
        parse(PLUGIN "config c\nkey bool a true, \"\", \"\"\nkey int b 1, \"\", \"\"\n"
                     "key bool c true, \"\", \"\"\nkey enum d x, \"\", \"x\"\n"
                     "key str e x, \"\", \"\"\nkey bool f true, \"\", \"\"\n\n" ACTOR "config c\n");

    note_config_layout(note->actors[0].config, offsets, &size, &align);

    assert_int_equal(size, sizeof(struct expected));
    assert_int_equal(align, _Alignof(struct expected));
    assert_int_equal(offsets[1], offsetof(struct expected, b));
    assert_int_equal(offsets[3], offsetof(struct expected, d));
    assert_int_equal(offsets[4], offsetof(struct expected, e));
    assert_int_equal(offsets[5], offsetof(struct expected, f));
    note_destroy(note);
}

static void test_without_memory_nothing_is_left(void **state) {
    struct note_plugin *note = NULL;
    struct err err = {0};
    struct str section;
    (void)state;
    str_init(&section);
    note_section_add_all(&section, PLUGIN LINE "record r\nfield u8 a\n\nconfig c\n"
                                               "key str a b, \"\", \"\"\n\n" ACTOR
                                               "in x line\nconfig c\nsave 2 1\nload\n");

    int status = -1;
    TEST_EACH_FAILED_ALLOCATION(n, status = note_parse(section.data, section.size, &note, &err),
                                status == 0 || err.code != ERR_NOMEM);

    assert_int_equal(status, 0);
    note_destroy(note);
    str_fini(&section);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plugin_entry_gives_name_version_and_abi),
        cmocka_unit_test(test_message_gives_fields_and_canonical_schema),
        cmocka_unit_test(test_config_gives_defaults_unquoted),
        cmocka_unit_test(test_bool_defaults_are_words_as_in_a_manifest),
        cmocka_unit_test(test_rows_keep_the_plugins_order_and_arguments),
        cmocka_unit_test(test_handlers_and_outputs_are_told_apart),
        cmocka_unit_test(test_equal_entries_count_once),
        cmocka_unit_test(test_zero_words_and_foreign_notes_are_skipped),
        cmocka_unit_test(test_entries_must_lie_within_the_section),
        cmocka_unit_test(test_text_must_end_within_its_entry),
        cmocka_unit_test(test_another_abi_major_is_refused_before_the_rest_is_read),
        cmocka_unit_test(test_control_characters_and_bad_utf8_are_refused),
        cmocka_unit_test(test_words_must_be_bare_or_quoted),
        cmocka_unit_test(test_plugin_entry_is_needed_once),
        cmocka_unit_test(test_contradicting_entries_are_refused_with_both),
        cmocka_unit_test(test_mistakes_in_messages_are_named),
        cmocka_unit_test(test_message_ids_are_name_and_revision),
        cmocka_unit_test(test_mistakes_in_configs_are_named),
        cmocka_unit_test(test_mistakes_in_actors_are_named),
        cmocka_unit_test(test_reconfigure_takes_the_config_of_its_actor),
        cmocka_unit_test(test_state_versions_are_checked),
        cmocka_unit_test(test_config_layout_is_that_of_the_struct),
        cmocka_unit_test(test_without_memory_nothing_is_left),
    };
    return cmocka_run_group_tests_name("note", tests, NULL, NULL);
}
