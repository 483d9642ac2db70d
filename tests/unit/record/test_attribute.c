/* The one table of attributes. */
#include "lib/test.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "record/attribute.h"

static void test_ik1_names_are_unique_and_short(void **state) {
    (void)state;
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        const char *name = attribute_get(i)->name;

        for (const char *at = name; *at; at++) {
            assert_true(islower((unsigned char)*at) || *at == '_');
        }
        assert_true(strlen(name) > 0 && strlen(name) <= 24);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(attribute_get(k)->name, name);
        }
    }
}

static void test_ik1_each_has_a_kind_and_a_description_of_its_own(void **state) {
    (void)state;
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        const struct attribute *attribute = attribute_get(i);

        assert_string_not_equal(attribute_kind_text(attribute->kind), "unknown");
        assert_true(strlen(attribute->description) > 10);
        assert_true(attribute->description[strlen(attribute->description) - 1] != '.');
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(attribute_get(k)->description, attribute->description);
        }
    }
}

static void test_ik1_an_attribute_is_found_by_its_name(void **state) {
    (void)state;
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        assert_ptr_equal(attribute_find(attribute_get(i)->name), attribute_get(i));
    }
    assert_null(attribute_find("colour"));
    assert_null(attribute_find(""));
}

/* What semantics.md promises by name. */
static void test_ik1_the_table_has_what_was_promised(void **state) {
    (void)state;
    static const char *const promised[] = {"status",
                                           "status_reason",
                                           "actor_type",
                                           "plugin",
                                           "generation",
                                           "incarnation",
                                           "uid",
                                           "messages_processed",
                                           "queue_depth",
                                           "queue_high_water",
                                           "created_at",
                                           "last_handler",
                                           "total_processing_time_us",
                                           "flight_recorder",
                                           "is_system",
                                           "children",
                                           "parent",
                                           "error_code",
                                           "error_message",
                                           "failure_error_message",
                                           "failure_root_cause_actor",
                                           "failure_root_cause_name",
                                           "failure_occurred_at",
                                           "failure_is_propagated",
                                           "failure_backtrace",
                                           "failure_message"};

    for (size_t i = 0; i < sizeof promised / sizeof *promised; i++) {
        assert_non_null(attribute_find(promised[i]));
    }
}

/* FI-3 is kept by the one who writes: it asks the table. */
static void test_fi3_failure_attributes_are_marked_as_such(void **state) {
    (void)state;
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        const struct attribute *attribute = attribute_get(i);
        bool of_failure = strncmp(attribute->name, "failure_", 8) == 0 ||
                          strncmp(attribute->name, "error_", 6) == 0;

        assert_true(of_failure == (attribute->when == ATTRIBUTE_FAILED));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ik1_names_are_unique_and_short),
        cmocka_unit_test(test_ik1_each_has_a_kind_and_a_description_of_its_own),
        cmocka_unit_test(test_ik1_an_attribute_is_found_by_its_name),
        cmocka_unit_test(test_ik1_the_table_has_what_was_promised),
        cmocka_unit_test(test_fi3_failure_attributes_are_marked_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
