/* An actor as it was seen: text, JSON, the schema and the manual page. */
#include "lib/test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../record/snapshot_given.h"
#include "base/alloc.h"
#include "inspect/actor_view.h"

static struct snapshot *given_living(void) {
    struct snapshot_facts facts = given_failed();
    facts.failed = false;
    facts.reason = NULL;
    facts.status = "processing";
    facts.processing_wall_ns = WALL - 1000000;
    struct flight *flight = flight_create();
    flight_log(flight, facts.ended_ns - 2000000000, LOG_WARN, "hm\x1b[31m", 7);
    struct snapshot *snapshot = snapshot_create(&facts, flight);
    flight_destroy(flight);
    assert_non_null(snapshot);
    return snapshot;
}

static json_t *json_of(const struct snapshot *s, enum actor_view view) {
    struct str json;
    str_init(&json);
    actor_view_json(s, view, &json);
    json_t *root = json_loads(str_text(&json), 0, NULL);
    str_fini(&json);
    assert_non_null(root);
    return root;
}

static void test_s4_actor_view_has_counters_recorder_and_children(void **state) {
    (void)state;
    struct snapshot *s = given_living();

    json_t *root = json_of(s, ACTOR_VIEW);

    assert_string_equal(json_string_value(json_object_get(root, "kind")), "actor");
    assert_string_equal(json_string_value(json_object_get(root, "status")), "processing");
    assert_string_equal(json_string_value(json_object_get(root, "processing_since")),
                        "2026-11-23T12:04:05.122Z");
    assert_int_equal(json_integer_value(json_object_get(root, "messages_processed")), 10023);
    assert_int_equal(json_array_size(json_object_get(root, "children")), 2);
    assert_int_equal(json_array_size(json_object_get(root, "flight_recorder")), 1);
    assert_null(json_object_get(root, "ended_at"));
    assert_null(json_object_get(root, "failure_kind"));
    json_decref(root);
    snapshot_unref(s);
}

static void test_s4_entity_view_has_what_the_actor_published(void **state) {
    (void)state;
    struct snapshot *s = given_living();

    json_t *root = json_of(s, ENTITY_VIEW);

    assert_string_equal(json_string_value(json_object_get(root, "kind")), "entity");
    assert_string_equal(json_string_value(json_object_get(root, "id")), "main/parse[0]");
    json_t *published = json_object_get(root, "attributes");
    assert_int_equal(json_integer_value(json_object_get(published, "lines")), 12);
    assert_null(json_object_get(root, "messages_processed"));
    assert_null(json_object_get(root, "flight_recorder"));
    json_decref(root);
    snapshot_unref(s);
}

static void test_text_has_a_line_for_each_attribute(void **state) {
    (void)state;
    struct snapshot *s = given_living();
    struct str text;
    str_init(&text);

    actor_view_text(s, ACTOR_VIEW, false, &text);

    assert_int_equal(strncmp(text.data, "main/parse[0]\n  status                   processing\n",
                             strlen("main/parse[0]\n  status                   processing\n")),
                     0);
    assert_non_null(strstr(text.data, "\n  messages_processed       10023\n"));
    assert_non_null(strstr(text.data, "\n    main/parse/helper[1]\n"));
    assert_non_null(strstr(text.data, "incarnation 2 ended "));
    assert_non_null(strstr(text.data, "warn: hm\\x1b[31m"));
    assert_null(strchr(text.data, 0x1b));
    str_fini(&text);
    snapshot_unref(s);
}

/* --- made of the table (IK-1) --- */

static char *read_file(const char *path) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *data = calloc(1, 1 << 16);
    (void)fread(data, 1, (1 << 16) - 1, file);
    (void)fclose(file);
    return data;
}

/* TROUPE_RENEW=1 writes them anew. */
static void assert_file_is(const char *name, const struct str *made) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/host/%s", TROUPE_SOURCE_DIR, name);
    if (getenv("TROUPE_RENEW")) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        (void)fwrite(made->data, 1, made->size, file);
        (void)fclose(file);
    }
    char *is = read_file(path);
    assert_string_equal(is, made->data);
    free(is);
}

static void test_ik1_the_manual_page_is_made_of_the_table(void **state) {
    (void)state;
    struct str page;
    str_init(&page);

    actor_view_manual(&page);

    assert_file_is("cli/troupe-attributes.7", &page);
    str_fini(&page);
}

static void test_ik1_the_json_schema_is_made_of_the_table(void **state) {
    (void)state;
    struct str schema;
    str_init(&schema);

    actor_view_schema(&schema);

    assert_file_is("inspect/actor.schema.json", &schema);
    json_t *root = json_loads(schema.data, 0, NULL);
    json_t *properties = json_object_get(root, "properties");
    assert_int_equal(json_object_size(properties), ATTRIBUTE_COUNT + 2);
    json_decref(root);
    str_fini(&schema);
}

static bool is_type(const json_t *value, const json_t *type) {
    const char *text = json_string_value(type);
    return !text /* one of several */ || (strcmp(text, "string") == 0 && json_is_string(value)) ||
           (strcmp(text, "integer") == 0 && json_is_integer(value)) ||
           (strcmp(text, "boolean") == 0 && json_is_boolean(value)) ||
           (strcmp(text, "array") == 0 && json_is_array(value)) ||
           (strcmp(text, "object") == 0 && json_is_object(value));
}

static void assert_follows(const struct snapshot *s, enum actor_view view, const json_t *schema) {
    json_t *root = json_of(s, view);
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value) {
        json_t *property = json_object_get(json_object_get(schema, "properties"), key);
        json_t *type = json_object_get(property, "type");
        assert_non_null(property);
        assert_true(!type || is_type(value, type));
    }
    size_t i;
    json_array_foreach(json_object_get(schema, "required"), i, value) {
        assert_non_null(json_object_get(root, json_string_value(value)));
    }
    json_decref(root);
}

static void test_ik1_what_is_written_follows_the_schema(void **state) {
    (void)state;
    struct str text;
    str_init(&text);
    actor_view_schema(&text);
    json_t *schema = json_loads(str_text(&text), 0, NULL);
    struct snapshot_facts failed = given_failed();
    struct snapshot_facts brief = {.is_brief = true, .id = "p/a[0]", .name = "a", .proc = "p"};
    struct snapshot *all[] = {given_living(), snapshot_create(&failed, NULL),
                              snapshot_create(&brief, NULL)};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_follows(all[i], ACTOR_VIEW, schema);
        assert_follows(all[i], ENTITY_VIEW, schema);
        snapshot_unref(all[i]);
    }
    json_decref(schema);
    str_fini(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_s4_actor_view_has_counters_recorder_and_children),
        cmocka_unit_test(test_s4_entity_view_has_what_the_actor_published),
        cmocka_unit_test(test_text_has_a_line_for_each_attribute),
        cmocka_unit_test(test_ik1_the_manual_page_is_made_of_the_table),
        cmocka_unit_test(test_ik1_the_json_schema_is_made_of_the_table),
        cmocka_unit_test(test_ik1_what_is_written_follows_the_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
