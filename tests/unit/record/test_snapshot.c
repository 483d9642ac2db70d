/* Snapshots: copies only, bounded, failure attributes where they belong, valid JSON. */
#include "snapshot_given.h"

#include <jansson.h>
#include <stdio.h>

#include "base/alloc.h"
#include "record/attribute.h"

static char *json_text_of(const struct snapshot *snapshot) {
    struct str out;
    str_init(&out);
    snapshot_json(snapshot, &out);
    assert_false(out.failed);
    return str_take(&out);
}

static json_t *parse(const char *text) {
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!json) {
        fail_msg("%s at line %d of:\n%s", error.text, error.line, text);
    }
    return json;
}

static json_t *json_of(const struct snapshot *snapshot) {
    char *text = json_text_of(snapshot);
    json_t *json = parse(text);
    mem_free(text);
    return json;
}

static struct snapshot *make(const struct snapshot_facts *facts, struct flight *flight) {
    struct snapshot *snapshot = snapshot_create(facts, flight);
    assert_non_null(snapshot);
    return snapshot;
}

static const char *text_at(const json_t *json, const char *key) {
    const char *text = json_string_value(json_object_get(json, key));
    assert_non_null(text);
    return text;
}

static struct flight *given_flight(void) {
    struct flight *flight = flight_create();
    assert_non_null(flight);
    flight_note(flight, 99000000000, FLIGHT_RESTARTED, 2, NULL);
    flight_log(flight, 99500000000, LOG_WARN, "odd line", 8);
    flight_discard(flight, 0);
    flight_ran(flight, 99600000000, 1, "line");
    flight_ran(flight, 99600000000 + (300u << 20), 1, "line");
    return flight;
}

static void test_json_is_stable_and_readable(void **state) {
    (void)state;
    struct flight *flight = given_flight();
    struct snapshot_facts facts = given_failed();
    struct snapshot *snapshot = make(&facts, flight);

    char *text = json_text_of(snapshot);

    assert_string_equal(
        text,
        "{\n"
        "  \"format\": 1,\n"
        "  \"kind\": \"actor\",\n"
        "  \"status\": \"failed\",\n"
        "  \"status_reason\": \"panic: SIGSEGV at address 0x10\",\n"
        "  \"id\": \"main/parse[0]\",\n"
        "  \"proc\": \"main\",\n"
        "  \"name\": \"parse\",\n"
        "  \"uid\": 7,\n"
        "  \"incarnation\": 3,\n"
        "  \"actor_type\": \"demo.Crash\",\n"
        "  \"plugin\": \"demo 1.2.0\",\n"
        "  \"generation\": 2,\n"
        "  \"is_system\": false,\n"
        "  \"parent\": \"main/judge[0]\",\n"
        "  \"children\": [\n"
        "    \"main/parse/helper[1]\",\n"
        "    \"main/parse[2]\"\n"
        "  ],\n"
        "  \"child_count\": 2,\n"
        "  \"created_at\": \"2026-11-23T12:03:53.123Z\",\n"
        "  \"ended_at\": \"2026-11-23T12:04:05.123Z\",\n"
        "  \"messages_processed\": 10023,\n"
        "  \"queue_depth\": 5,\n"
        "  \"queue_high_water\": 64,\n"
        "  \"total_processing_time_us\": 456,\n"
        "  \"last_handler\": \"line\",\n"
        "  \"error_code\": \"error\",\n"
        "  \"error_message\": \"SIGSEGV at address 0x10\",\n"
        "  \"failure_kind\": \"panic\",\n"
        "  \"failure_error_message\": \"line: panic: SIGSEGV at address 0x10\",\n"
        "  \"failure_root_cause_actor\": \"main/parse[0]\",\n"
        "  \"failure_root_cause_name\": \"parse\",\n"
        "  \"failure_occurred_at\": \"2026-11-23T12:04:05.122Z\",\n"
        "  \"failure_is_propagated\": false,\n"
        "  \"failure_backtrace\": [\n"
        "    \"#0 on_line at plugins/demo/crash.c:42 (demo.so, generation 2)\",\n"
        "    \"#1 dispatch at plugins/demo/crash.c:77 (demo.so, generation 2)\"\n"
        "  ],\n"
        "  \"failure_message\": {\n"
        "    \"type\": \"text.line/1\",\n"
        "    \"port\": \"line\",\n"
        "    \"sender\": \"main/tail[0]\",\n"
        "    \"deaths\": 1,\n"
        "    \"quarantine\": 9,\n"
        "    \"value\": {\"line\":{\"text\":\"boom\",\"number\":42}}\n"
        "  },\n"
        "  \"failure_lost_with_state\": 21,\n"
        "  \"restarts\": [\n"
        "    {\"incarnation\": 1, \"at\": \"2026-11-23T12:03:05.123Z\", \"why\": \"panic: SIGSEGV "
        "at "
        "address 0x0\"},\n"
        "    {\"incarnation\": 2, \"at\": \"2026-11-23T12:03:35.123Z\", \"why\": \"error\"}\n"
        "  ],\n"
        "  \"attributes\": {\n"
        "    \"lines\": 12,\n"
        "    \"path\": \"/var/log/x\"\n"
        "  },\n"
        "  \"flight_recorder\": [\n"
        "    {\"at\": \"2026-11-23T12:04:04.123Z\", \"kind\": \"restarted\", \"number\": 2},\n"
        "    {\"at\": \"2026-11-23T12:04:04.623Z\", \"kind\": \"log\", \"level\": \"warn\", "
        "\"text\": "
        "\"odd line\", \"discarded\": true},\n"
        "    {\"at\": \"2026-11-23T12:04:04.723Z\", \"kind\": \"ran\", \"times\": 2, \"last_at\": "
        "\"2026-11-23T12:04:05.0375728Z\", \"handler\": \"line\"}\n"
        "  ]\n"
        "}\n");
    json_decref(parse(text));
    mem_free(text);
    snapshot_unref(snapshot);
    flight_destroy(flight);
}

static void test_ik1_every_key_is_in_the_table_of_attributes(void **state) {
    (void)state;
    struct snapshot_facts facts = given_failed();
    struct snapshot *snapshot = make(&facts, NULL);

    json_t *json = json_of(snapshot);

    const char *key;
    json_t *value;
    size_t known = 0;
    json_object_foreach(json, key, value) {
        bool frame = strcmp(key, "format") == 0 || strcmp(key, "kind") == 0;
        assert_true(frame || attribute_find(key));
        known += frame ? 0 : 1;
    }
    assert_int_equal(known, ATTRIBUTE_COUNT - 1); /* processing_since: of one that goes on */
    json_decref(json);
    snapshot_unref(snapshot);
}

static void test_fi3_failure_attributes_are_there_exactly_when_it_failed(void **state) {
    (void)state;
    for (int failed = 0; failed < 2; failed++) {
        struct snapshot_facts facts = given_failed();
        facts.failed = failed;
        struct snapshot *snapshot = make(&facts, NULL);

        json_t *json = json_of(snapshot);

        for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
            const struct attribute *attribute = attribute_get(i);
            if (attribute->when == ATTRIBUTE_FAILED) {
                assert_true((json_object_get(json, attribute->name) != NULL) == failed);
            }
        }
        json_decref(json);
        snapshot_unref(snapshot);
    }
}

static void test_fi3_failure_without_any_text_still_has_all_of_them(void **state) {
    (void)state;
    struct snapshot_facts facts = {.failed = true};
    struct snapshot *snapshot = make(&facts, NULL);

    json_t *json = json_of(snapshot);

    assert_string_equal(text_at(json, "error_message"), "");
    assert_string_equal(text_at(json, "failure_kind"), "error");
    assert_string_equal(text_at(json, "actor_type"), "()");
    assert_int_equal(json_array_size(json_object_get(json, "failure_backtrace")), 0);
    assert_true(json_is_null(json_object_get(json, "failure_message")));
    json_decref(json);
    snapshot_unref(snapshot);
}

static void test_fi5_a_clean_stop_has_a_reason_and_no_failure(void **state) {
    (void)state;
    struct snapshot_facts facts = given_stopped();
    facts.failure.message = "left over";
    struct snapshot *snapshot = make(&facts, NULL);

    json_t *json = json_of(snapshot);

    assert_string_equal(text_at(json, "status"), "stopped");
    assert_string_equal(text_at(json, "status_reason"), "inputs ended");
    assert_null(json_object_get(json, "error_message"));
    assert_null(json_object_get(json, "parent"));
    assert_null(json_object_get(json, "generation"));
    json_decref(json);
    snapshot_unref(snapshot);
}

static bool propagated(const char *root_id, uint64_t root_uid) {
    struct snapshot_facts facts = given_failed();
    facts.failure.root_id = root_id;
    facts.failure.root_uid = root_uid;
    struct snapshot *snapshot = make(&facts, NULL);
    json_t *json = json_of(snapshot);
    bool is_propagated = json_is_true(json_object_get(json, "failure_is_propagated"));
    assert_string_equal(text_at(json, "failure_root_cause_actor"),
                        root_id ? root_id : "main/parse[0]");
    json_decref(json);
    snapshot_unref(snapshot);
    return is_propagated;
}

static void test_fi4_propagated_exactly_when_another_actor_is_the_cause(void **state) {
    (void)state;
    assert_false(propagated(NULL, 0));
    assert_false(propagated("main/parse[0]", 0));
    assert_false(propagated("main/parse[0]", 7));
    assert_true(propagated("main/tail[0]", 0));
    assert_true(propagated("main/tail[0]", 3));
    assert_true(propagated("main/parse[0]", 3)); /* of the same address, earlier */
}

/* All that the facts pointed to is overwritten; the snapshot does not care. */
static void test_s5_snapshot_holds_copies_only(void **state) {
    (void)state;
    struct flight *flight = given_flight();
    struct snapshot_facts facts = given_failed();
    char id[] = "main/parse[0]", frame[] = "#0 somewhere", json[] = "{\"x\":1}", why[] = "because";
    const char *frames[] = {frame};
    struct snapshot_restart restarts[] = {{1, WALL, why}};
    facts.id = id;
    facts.failure.frames = frames;
    facts.failure.frame_count = 1;
    facts.failure.in_hand.json = json;
    facts.restarts = restarts;
    facts.restart_count = 1;
    struct snapshot *snapshot = make(&facts, flight);
    char *before = json_text_of(snapshot);

    memset(id, 'z', sizeof id);
    memset(frame, 'z', sizeof frame);
    memset(json, 'z', sizeof json);
    memset(why, 'z', sizeof why);
    memset(frames, 0, sizeof frames);
    memset(restarts, 0, sizeof restarts);
    memset(&facts, 0, sizeof facts);
    memset(flight, 0, sizeof *flight);

    char *after = json_text_of(snapshot);
    assert_string_equal(after, before);
    mem_free(before);
    mem_free(after);
    snapshot_unref(snapshot);
    flight_destroy(flight);
}

static void test_s5_snapshot_goes_with_its_last_reference(void **state) {
    (void)state;
    struct snapshot_facts facts = given_stopped();
    struct snapshot *snapshot = make(&facts, NULL);

    assert_ptr_equal(snapshot_ref(snapshot), snapshot);
    snapshot_unref(snapshot);

    assert_string_equal(snapshot->facts.name, "tail");
    snapshot_unref(snapshot);
    snapshot_unref(NULL);
}

static void test_s6_what_one_snapshot_keeps_is_bounded(void **state) {
    (void)state;
    enum { MANY = 5000 };
    char *huge = malloc(1000001);
    const char **texts = calloc(MANY, sizeof *texts);
    struct snapshot_attribute *attributes = calloc(MANY, sizeof *attributes);
    struct snapshot_restart *restarts = calloc(MANY, sizeof *restarts);
    memset(huge, '7', 1000000);
    huge[1000000] = '\0';
    for (unsigned i = 0; i < MANY; i++) {
        texts[i] = huge;
        attributes[i] = (struct snapshot_attribute){huge + 1000000 - i % 1000, huge};
        restarts[i] = (struct snapshot_restart){i + 1, WALL, huge};
    }
    struct snapshot_facts facts = given_failed();
    facts.id = facts.name = facts.reason = facts.parent = facts.last_handler = huge;
    facts.children = facts.failure.frames = texts;
    facts.child_count = facts.failure.frame_count = MANY;
    facts.attributes = attributes;
    facts.restarts = restarts;
    facts.attribute_count = facts.restart_count = MANY;
    facts.failure.message = facts.failure.in_hand.json = huge;
    struct snapshot *snapshot = make(&facts, NULL);

    json_t *json = json_of(snapshot);

    assert_true(snapshot->size < 320 * 1024);
    assert_int_equal(json_integer_value(json_object_get(json, "child_count")),
                     SNAPSHOT_CHILDREN_MAX);
    const json_t *latest = json_array_get(json_object_get(json, "restarts"), 15);
    assert_int_equal(json_integer_value(json_object_get(latest, "incarnation")), MANY);
    const json_t *message = json_object_get(json, "failure_message");
    assert_null(json_object_get(message, "value"));
    assert_int_equal(json_integer_value(json_object_get(message, "value_size")), 1000000);
    assert_int_equal(json_string_length(json_object_get(message, "value_begins")),
                     SNAPSHOT_MESSAGE_MAX);
    json_decref(json);
    snapshot_unref(snapshot);
    free(huge);
    free(texts);
    free(attributes);
    free(restarts);
}

static void test_s6_more_children_than_are_named_are_counted(void **state) {
    (void)state;
    struct snapshot_facts facts = given_failed();
    facts.child_total = 100000;
    struct snapshot *snapshot = make(&facts, NULL);

    json_t *json = json_of(snapshot);

    assert_int_equal(json_integer_value(json_object_get(json, "child_count")), 100000);
    json_decref(json);
    snapshot_unref(snapshot);
}

static void test_fr1_any_bytes_logged_give_valid_json(void **state) {
    (void)state;
    struct flight *flight = flight_create();
    char bytes[256];
    for (unsigned i = 0; i < 256; i++) {
        bytes[i] = (char)i;
    }
    flight_log(flight, 1, LOG_INFO, bytes, 128);
    flight_log(flight, 2, LOG_INFO, bytes + 128, 128);
    flight_log(flight, 3, LOG_INFO, "\xe2\x82", 2);
    struct snapshot_facts facts = given_failed();
    facts.name = "\xff\"\\\n";
    struct snapshot *snapshot = make(&facts, flight);

    json_t *json = json_of(snapshot);

    assert_string_equal(text_at(json, "name"), "\xef\xbf\xbd\"\\\n");
    const json_t *third = json_array_get(json_object_get(json, "flight_recorder"), 2);
    assert_string_equal(text_at(third, "text"), "\xef\xbf\xbd");
    json_decref(json);
    snapshot_unref(snapshot);
    flight_destroy(flight);
}

static void test_without_memory_there_is_no_snapshot(void **state) {
    (void)state;
    struct snapshot_facts facts = given_failed();
    struct snapshot *snapshot = NULL;

    TEST_EACH_FAILED_ALLOCATION(n, snapshot = snapshot_create(&facts, NULL), snapshot)

    snapshot_unref(snapshot);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_is_stable_and_readable),
        cmocka_unit_test(test_ik1_every_key_is_in_the_table_of_attributes),
        cmocka_unit_test(test_fi3_failure_attributes_are_there_exactly_when_it_failed),
        cmocka_unit_test(test_fi3_failure_without_any_text_still_has_all_of_them),
        cmocka_unit_test(test_fi5_a_clean_stop_has_a_reason_and_no_failure),
        cmocka_unit_test(test_fi4_propagated_exactly_when_another_actor_is_the_cause),
        cmocka_unit_test(test_s5_snapshot_holds_copies_only),
        cmocka_unit_test(test_s5_snapshot_goes_with_its_last_reference),
        cmocka_unit_test(test_s6_what_one_snapshot_keeps_is_bounded),
        cmocka_unit_test(test_s6_more_children_than_are_named_are_counted),
        cmocka_unit_test(test_fr1_any_bytes_logged_give_valid_json),
        cmocka_unit_test(test_without_memory_there_is_no_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
