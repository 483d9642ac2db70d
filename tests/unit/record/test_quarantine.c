/* The quarantine: messages that killed, whole, bounded, as JSON. */
#include "lib/test.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "lib/seed.h"
#include "message/pool.h"
#include "record/quarantine.h"

struct world {
    struct pools *pools;
    struct pool *pool, *shared;
    struct type_table *types;
    const struct msg_type *type;
    struct quarantine quarantine;
};

struct text_line {
    struct troupe_str text;
    uint64_t number;
};

static int setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    w->pools = pools_create();
    w->pool = pools_take(w->pools);
    w->shared = pools_shared(w->pools);
    w->types = type_table_create();
    assert_int_equal(type_intern(w->types, "text.line/1", "str text; u64 number", &w->type, NULL),
                     0);
    *state = w;
    return 0;
}

/* Each test leaves no message behind. */
static int teardown(void **state) {
    struct world *w = *state;
    assert_int_equal(pools_live(w->pools), 0);
    type_table_destroy(w->types);
    pools_destroy(w->pools);
    free(w);
    return test_seed_teardown(state);
}

static struct msg *given_message(struct world *w, const char *text, uint64_t number) {
    struct text_line line = {{text, strlen(text)}, number};
    struct msg *m = msg_alloc(w->pool, MSG_DATA, 0, type_copy_size(w->type, &line, 0));
    assert_non_null(m);
    type_copy(w->type, &line, msg_body(m), 0);
    m->type = w->type->index;
    return m;
}

static struct quarantine_facts given_facts(void) {
    return (struct quarantine_facts){.uid = 7,
                                     .incarnation = 3,
                                     .deaths = 2,
                                     .at_ns = 5,
                                     .wall_ns = 1795435445123000000,
                                     .actor = "main/parse[0]",
                                     .port = "line",
                                     .sender = "main/tail[0]",
                                     .reason = "panic: SIGSEGV at address 0x10"};
}

static uint64_t add(struct world *w, struct msg *m) {
    struct quarantine_facts facts = given_facts();
    return quarantine_add(&w->quarantine, w->pool, &facts, m);
}

static json_t *list(struct world *w) {
    struct str out;
    str_init(&out);
    quarantine_list_json(&w->quarantine, w->shared, w->types, &out);
    json_t *json = json_loads(str_text(&out), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    str_fini(&out);
    return json;
}

static uint64_t number_at(const json_t *array, size_t at) {
    return (uint64_t)json_integer_value(json_object_get(json_array_get(array, at), "number"));
}

static void test_fc4_a_message_is_kept_whole_with_who_why_and_when(void **state) {
    struct world *w = *state;
    struct str out;
    quarantine_init(&w->quarantine, 10, 1 << 20);

    uint64_t number = add(w, given_message(w, "boom", 42));

    str_init(&out);
    assert_int_equal(quarantine_json(&w->quarantine, w->shared, w->types, number, &out), 0);
    assert_string_equal(str_text(&out),
                        "{\n"
                        "  \"format\": 1,\n"
                        "  \"kind\": \"message\",\n"
                        "  \"number\": 1,\n"
                        "  \"actor\": \"main/parse[0]\",\n"
                        "  \"uid\": 7,\n"
                        "  \"incarnation\": 3,\n"
                        "  \"deaths\": 2,\n"
                        "  \"at\": \"2026-11-23T12:04:05.123Z\",\n"
                        "  \"port\": \"line\",\n"
                        "  \"sender\": \"main/tail[0]\",\n"
                        "  \"why\": \"panic: SIGSEGV at address 0x10\",\n"
                        "  \"type\": \"text.line/1\",\n"
                        "  \"value\": {\"line\":{\"text\":\"boom\",\"number\":42}}\n"
                        "}\n");
    str_fini(&out);
    quarantine_fini(&w->quarantine, w->shared);
}

static void test_fc4_the_oldest_fall_out_beyond_the_number(void **state) {
    struct world *w = *state;
    quarantine_init(&w->quarantine, 3, 1 << 20);

    for (uint64_t i = 1; i <= 8; i++) {
        assert_int_equal(add(w, given_message(w, "x", i)), i);
    }

    json_t *json = list(w);
    assert_int_equal(json_array_size(json), 3);
    assert_int_equal(number_at(json, 0), 6);
    assert_int_equal(number_at(json, 2), 8);
    struct quarantine_counts counts = quarantine_counts(&w->quarantine);
    assert_int_equal(counts.kept, 3);
    assert_int_equal(counts.total, 8);
    assert_int_equal(counts.fallen, 5);
    assert_int_equal(pools_live(w->pools), 3);
    json_decref(json);
    quarantine_fini(&w->quarantine, w->shared);
}

static void test_fc4_the_oldest_fall_out_beyond_the_bytes(void **state) {
    struct world *w = *state;
    char text[1001];
    memset(text, 'x', 1000);
    text[1000] = '\0';
    quarantine_init(&w->quarantine, 100, 5000);
    for (uint64_t i = 1; i <= 3; i++) {
        (void)add(w, given_message(w, "small", i));
    }

    for (uint64_t i = 4; i <= 10; i++) {
        (void)add(w, given_message(w, text, i));
    }

    struct quarantine_counts counts = quarantine_counts(&w->quarantine);
    assert_true(counts.bytes <= 5000);
    assert_in_range(counts.kept, 2, 4);
    assert_int_equal(counts.fallen, 10 - counts.kept);
    json_t *json = list(w);
    assert_int_equal(number_at(json, counts.kept - 1), 10);
    json_decref(json);
    quarantine_fini(&w->quarantine, w->shared);
}

static void test_fc4_one_larger_than_all_the_room_pushes_nothing_out(void **state) {
    struct world *w = *state;
    struct str out;
    char text[5001];
    memset(text, 'x', 5000);
    text[5000] = '\0';
    quarantine_init(&w->quarantine, 100, 4000);
    (void)add(w, given_message(w, "small", 1));

    uint64_t number = add(w, given_message(w, text, 2));

    str_init(&out);
    assert_int_equal(number, 2);
    assert_int_equal(quarantine_json(&w->quarantine, w->shared, w->types, 2, &out), -1);
    assert_int_equal(quarantine_json(&w->quarantine, w->shared, w->types, 1, &out), 0);
    assert_int_equal(quarantine_counts(&w->quarantine).fallen, 1);
    str_fini(&out);
    quarantine_fini(&w->quarantine, w->shared);
}

static void test_fc4_none_are_kept_but_all_counted_when_told_so(void **state) {
    struct world *w = *state;
    quarantine_init(&w->quarantine, 0, 1 << 20);

    (void)add(w, given_message(w, "x", 1));
    (void)add(w, given_message(w, "x", 2));

    assert_int_equal(quarantine_counts(&w->quarantine).fallen, 2);
    json_t *json = list(w);
    assert_int_equal(json_array_size(json), 0);
    json_decref(json);
    quarantine_fini(&w->quarantine, w->shared);
}

static void test_mb5_a_body_shared_with_others_is_kept(void **state) {
    struct world *w = *state;
    quarantine_init(&w->quarantine, 10, 1 << 20);
    struct msg *m = given_message(w, "shared", 1);
    struct msg *envelope = msg_share(w->pool, m, 0);
    msg_free(w->pool, m);

    (void)add(w, envelope);

    json_t *json = list(w);
    const json_t *value = json_object_get(json_array_get(json, 0), "value");
    const json_t *line = json_object_get(value, "line");
    assert_string_equal(json_string_value(json_object_get(line, "text")), "shared");
    json_decref(json);
    quarantine_fini(&w->quarantine, w->shared);
}

static void test_fc4_a_message_without_a_type_is_kept_too(void **state) {
    struct world *w = *state;
    quarantine_init(&w->quarantine, 10, 1 << 20);

    (void)add(w, msg_alloc(w->pool, MSG_REQUEST, 0, 8));

    json_t *json = list(w);
    assert_int_equal(json_array_size(json), 1);
    assert_null(json_object_get(json_array_get(json, 0), "type"));
    json_decref(json);
    quarantine_fini(&w->quarantine, w->shared);
}

static void test_fc4_without_memory_it_falls_out_at_once(void **state) {
    struct world *w = *state;
    quarantine_init(&w->quarantine, 10, 1 << 20);
    struct msg *m = given_message(w, "x", 1);
    mem_fail_at(1);

    (void)add(w, m);

    mem_fail_at(0);
    assert_int_equal(quarantine_counts(&w->quarantine).fallen, 1);
    quarantine_fini(&w->quarantine, w->shared);
}

/* ------------------------------------------------------- bounds, for any order of sizes */

static void test_fc4_bounds_hold_for_any_seed(void **state) {
    struct world *w = *state;
    struct test_seeds seeds = test_seeds(50);
    for (uint64_t seed; test_seeds_next(&seeds, &seed);) {
        struct test_random random = {seed};
        uint32_t keep = (uint32_t)test_random_below(&random, 8);
        uint64_t room = test_random_below(&random, 20000);
        quarantine_init(&w->quarantine, keep, room);

        for (uint64_t i = 1; i <= 60; i++) {
            char text[8001];
            size_t size = test_random_below(&random, 4) ? test_random_below(&random, 100)
                                                        : test_random_below(&random, 8000);
            memset(text, 'x', size);
            text[size] = '\0';
            (void)add(w, given_message(w, text, i));
            struct quarantine_counts counts = quarantine_counts(&w->quarantine);
            assert_true(counts.kept <= keep && counts.bytes <= room);
            assert_int_equal(pools_live(w->pools), counts.kept);
        }

        quarantine_fini(&w->quarantine, w->shared);
        assert_int_equal(pools_live(w->pools), 0);
    }
}

/* ------------------------------------------------------- readers while it changes */

struct fire {
    struct world *w;
    _Atomic bool over, wrong;
    _Atomic uint64_t looks;
};

static void *look(void *argument) {
    struct fire *fire = argument;
    while (!atomic_load(&fire->over)) {
        struct str out;
        str_init(&out);
        quarantine_list_json(&fire->w->quarantine, fire->w->shared, fire->w->types, &out);
        json_t *json = json_loads(str_text(&out), JSON_REJECT_DUPLICATES, NULL);
        for (size_t i = 0; i < json_array_size(json); i++) {
            const json_t *value = json_object_get(json_array_get(json, i), "value");
            const json_t *line = json_object_get(value, "line");
            uint64_t number = (uint64_t)json_integer_value(json_object_get(line, "number"));
            if (number != number_at(json, i)) {
                atomic_store(&fire->wrong, true);
            }
        }
        json_decref(json);
        str_fini(&out);
        atomic_fetch_add(&fire->looks, 1);
    }
    return NULL;
}

static void test_fc4_it_is_read_while_messages_come_and_fall_out(void **state) {
    struct fire fire = {.w = *state};
    pthread_t reader;
    quarantine_init(&fire.w->quarantine, 5, 1 << 20);
    assert_int_equal(pthread_create(&reader, NULL, look, &fire), 0);

    for (uint64_t i = 1; i <= 5000 || atomic_load(&fire.looks) < 20; i++) {
        (void)add(fire.w, given_message(fire.w, "some text", i));
    }

    atomic_store(&fire.over, true);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_false(fire.wrong);
    quarantine_fini(&fire.w->quarantine, fire.w->shared);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_fc4_a_message_is_kept_whole_with_who_why_and_when),
        TEST(test_fc4_the_oldest_fall_out_beyond_the_number),
        TEST(test_fc4_the_oldest_fall_out_beyond_the_bytes),
        TEST(test_fc4_one_larger_than_all_the_room_pushes_nothing_out),
        TEST(test_fc4_none_are_kept_but_all_counted_when_told_so),
        TEST(test_mb5_a_body_shared_with_others_is_kept),
        TEST(test_fc4_a_message_without_a_type_is_kept_too),
        TEST(test_fc4_without_memory_it_falls_out_at_once),
        TEST(test_fc4_bounds_hold_for_any_seed),
        TEST(test_fc4_it_is_read_while_messages_come_and_fall_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
