/* The flight recorder of one actor: order, bound, counting, reading. */
#include "lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "lib/seed.h"
#include "record/flight.h"

#define SEEN_MAX FLIGHT_CELLS

struct seen {
    struct flight_entry entries[SEEN_MAX];
    unsigned count;
};

static void see(void *context, const struct flight_entry *entry) {
    struct seen *seen = context;
    assert_true(seen->count < SEEN_MAX);
    assert_true(seen->count == 0 || entry->place > seen->entries[seen->count - 1].place);
    seen->entries[seen->count++] = *entry;
}

static struct seen *read_all(struct flight *flight) {
    struct seen *seen = calloc(1, sizeof *seen);
    assert_non_null(seen);
    flight_read(flight, see, seen);
    return seen;
}

static void log_text(struct flight *flight, uint64_t now_ns, const char *text) {
    flight_log(flight, now_ns, LOG_INFO, text, strlen(text));
}

/* Compares the rendered entries, one a line. */
static void assert_reads(struct flight *flight, const char *expected) {
    struct seen *seen = read_all(flight);
    char all[8192] = "";
    size_t at = 0;
    for (unsigned i = 0; i < seen->count; i++) {
        char text[512];
        flight_text(&seen->entries[i], text, sizeof text);
        at += (size_t)snprintf(all + at, sizeof all - at, "%s\n", text);
        assert_true(at < sizeof all);
    }
    assert_string_equal(all, expected);
    free(seen);
}

static int setup(void **state) {
    struct flight *flight = flight_create();
    assert_non_null(flight);
    *state = flight;
    return 0;
}

static int teardown(void **state) {
    flight_destroy(*state);
    return test_seed_teardown(state);
}

static void test_fr1_logs_and_notes_stand_in_one_ring_in_order(void **state) {
    struct flight *flight = *state;

    flight_note(flight, 10, FLIGHT_STARTED, 0, NULL);
    flight_log(flight, 20, LOG_WARN, "no such user", 12);
    flight_ran(flight, 30, 3, "line");
    flight_note(flight, 40, FLIGHT_RESTARTED, 2, NULL);
    flight_note(flight, 50, FLIGHT_FAILED, 0, "SIGSEGV at address 0x0");
    flight_note(flight, 60, FLIGHT_PAUSED, 7, "full");

    assert_reads(flight, "started\nwarn: no such user\nran 'line'\nrestarted as incarnation 2\n"
                         "failed: SIGSEGV at address 0x0\npaused 7: full\n");
}

static void test_fr1_entries_carry_their_time(void **state) {
    struct flight *flight = *state;

    log_text(flight, 1234567890123, "x");
    flight_note(flight, 1234567890999, FLIGHT_RESUMED, 0, "tick");

    struct seen *seen = read_all(flight);
    assert_int_equal(seen->count, 2);
    assert_int_equal(seen->entries[0].at_ns, 1234567890123);
    assert_int_equal(seen->entries[0].last_ns, 1234567890123);
    assert_int_equal(seen->entries[1].at_ns, 1234567890999);
    free(seen);
}

static void test_fr3_a_handler_that_runs_again_is_counted(void **state) {
    struct flight *flight = *state;
    log_text(flight, 1, "before");

    for (uint64_t i = 0; i < 1000000; i++) {
        flight_ran(flight, 100 + i * 4096, 5, "line");
    }

    assert_reads(flight, "info: before\nran 'line' 1000000 times\n");
    struct seen *seen = read_all(flight);
    assert_int_equal(seen->entries[1].at_ns, 100);
    uint64_t last_ns = 100 + 999999ull * 4096;
    assert_true(seen->entries[1].last_ns <= last_ns);
    assert_true(seen->entries[1].last_ns > last_ns - 2 * NS_PER_MS);
    free(seen);
}

static void test_fr3_handlers_taking_turns_push_nothing_out(void **state) {
    struct flight *flight = *state;
    log_text(flight, 1, "before");

    for (uint32_t i = 0; i < 100000; i++) {
        flight_ran(flight, i, (uint16_t)(i % 3),
                   i % 3 == 0   ? "line"
                   : i % 3 == 1 ? "tick"
                                : "reply");
    }

    assert_reads(flight,
                 "info: before\nran 'line' 33334 times\nran 'tick' 33333 times\nran 'reply' 33333 "
                 "times\n");
}

static void test_fr3_more_handlers_than_are_told_apart_push_nothing_out(void **state) {
    struct flight *flight = *state;
    log_text(flight, 1, "before");

    for (uint32_t i = 0; i < 2000; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "h%u", i % 20);
        flight_ran(flight, i, (uint16_t)(i % 20), name);
    }

    assert_reads(flight,
                 "info: before\nran 'h0' 100 times\nran 'h1' 100 times\nran 'h2' 100 times\n"
                 "ran 'h3' 100 times\nran 'h4' 100 times\nran 'h5' 100 times\n"
                 "ran 'h6' 100 times\nran other handlers 1300 times\n");
}

static void test_fr3_another_entry_begins_a_new_count(void **state) {
    struct flight *flight = *state;

    flight_ran(flight, 1, 1, "line");
    flight_ran(flight, 2, 1, "line");
    log_text(flight, 3, "odd");
    flight_ran(flight, 4, 1, "line");

    assert_reads(flight, "ran 'line' 2 times\ninfo: odd\nran 'line'\n");
}

/* What ran before another entry is not counted on by what runs behind it, in the same place. */
static void test_fr3_counts_that_have_ended_stay(void **state) {
    struct flight *flight = *state;

    for (uint64_t i = 0; i < 30; i++) {
        flight_ran(flight, i, i % 3 ? 1 : 2, i % 3 ? "line" : "tick");
    }
    log_text(flight, 30, "odd");
    for (uint64_t i = 0; i < 40; i++) {
        flight_ran(flight, 40, i % 4 ? 3 : 1, i % 4 ? "reply" : "line");
    }
    log_text(flight, 50, "even");

    assert_reads(flight, "ran 'tick' 10 times\nran 'line' 20 times\ninfo: odd\n"
                         "ran 'line' 10 times\nran 'reply' 30 times\ninfo: even\n");
}

static void test_fr3_a_count_stays_at_its_maximum(void **state) {
    struct flight *flight = *state;
    flight_ran(flight, 1, 1, "line");
    atomic_store(&flight->counts[0], UINT32_MAX - 1);

    for (uint64_t i = 0; i < 3; i++) {
        flight_ran(flight, i == 2 ? UINT64_MAX : 2, 1, "line");
    }

    struct seen *seen = read_all(flight);
    assert_int_equal(seen->entries[0].count, UINT32_MAX);
    free(seen);
}

static void test_fr3_a_clock_that_lags_does_no_harm(void **state) {
    struct flight *flight = *state;

    flight_ran(flight, 5 * NS_PER_S, 1, "line");
    flight_ran(flight, 4 * NS_PER_S, 1, "line");

    struct seen *seen = read_all(flight);
    assert_int_equal(seen->entries[0].last_ns, 5 * NS_PER_S);
    free(seen);
}

static void test_fr3_the_oldest_are_given_up(void **state) {
    struct flight *flight = *state;

    for (unsigned i = 0; i < 1000; i++) {
        flight_note(flight, i, FLIGHT_PAUSED, i, NULL);
    }

    struct seen *seen = read_all(flight);
    assert_int_equal(seen->count, FLIGHT_CELLS);
    for (unsigned i = 0; i < seen->count; i++) {
        assert_int_equal(seen->entries[i].count, 1000 - FLIGHT_CELLS + i);
    }
    free(seen);
}

static void test_fr3_long_text_is_cut_and_marked(void **state) {
    struct flight *flight = *state;
    char text[1000];
    memset(text, 'x', sizeof text);

    flight_log(flight, 1, LOG_ERROR, text, FLIGHT_TEXT_MAX);
    flight_log(flight, 2, LOG_ERROR, text, sizeof text);

    struct seen *seen = read_all(flight);
    assert_int_equal(seen->count, 2);
    assert_int_equal(seen->entries[0].size, FLIGHT_TEXT_MAX);
    assert_false(seen->entries[0].cut);
    assert_int_equal(seen->entries[1].size, FLIGHT_TEXT_MAX);
    assert_true(seen->entries[1].cut);
    char line[300];
    flight_text(&seen->entries[1], line, sizeof line);
    assert_string_equal(line + strlen(line) - 4, "x...");
    free(seen);
}

static void test_fr3_text_is_cut_between_characters(void **state) {
    struct flight *flight = *state;
    char text[FLIGHT_TEXT_MAX + 8];
    memset(text, 'x', sizeof text);
    memcpy(text + FLIGHT_TEXT_MAX - 1, "\xe2\x82\xac", 3); /* the euro sign lies across the end */

    flight_log(flight, 1, LOG_INFO, text, sizeof text);

    struct seen *seen = read_all(flight);
    assert_int_equal(seen->entries[0].size, FLIGHT_TEXT_MAX - 1);
    assert_true(seen->entries[0].cut);
    free(seen);
}

static void test_fr3_what_is_no_text_is_cut_too(void **state) {
    struct flight *flight = *state;
    char text[FLIGHT_TEXT_MAX + 8];
    memset(text, 0x80, sizeof text);

    flight_log(flight, 1, LOG_INFO, text, sizeof text);

    struct seen *seen = read_all(flight);
    assert_int_equal(seen->entries[0].size, FLIGHT_TEXT_MAX);
    free(seen);
}

static void test_fr3_ring_is_no_larger_than_a_page_and_a_bit(void **state) {
    (void)state;
    assert_true(sizeof(struct flight) <= 4096 + 256);
}

static void test_tx1_logs_of_a_discarded_turn_are_marked(void **state) {
    struct flight *flight = *state;
    log_text(flight, 1, "turn before");
    uint64_t mark = flight_mark(flight);
    log_text(flight, 2, "a line that needs more than one cell of the ring, as many do");
    flight_note(flight, 3, FLIGHT_RESUMED, 0, NULL);

    flight_discard(flight, mark);
    log_text(flight, 4, "turn after");

    assert_reads(flight, "info: turn before\n"
                         "info: a line that needs more than one cell of the ring, as many do (in a "
                         "turn that was discarded)\n"
                         "resumed\ninfo: turn after\n");
}

static void test_tx1_a_discarded_turn_that_logged_more_than_the_ring_holds(void **state) {
    struct flight *flight = *state;
    uint64_t mark = flight_mark(flight);
    for (unsigned i = 0; i < 500; i++) {
        log_text(flight, i, "x");
    }

    flight_discard(flight, mark);

    struct seen *seen = read_all(flight);
    assert_int_equal(seen->count, FLIGHT_CELLS);
    for (unsigned i = 0; i < seen->count; i++) {
        assert_true(seen->entries[i].discarded);
    }
    free(seen);
}

static void test_fr2_nothing_of_the_owner_before_is_shown(void **state) {
    struct flight *flight = *state;
    log_text(flight, 1, "hers");
    flight_ran(flight, 2, 1, "line");

    flight_reset(flight);
    flight_ran(flight, 3, 1, "line");

    assert_reads(flight, "ran 'line'\n");
}

/* The writer may be stopped between any two stores; what it has not finished is left out. */
static void test_fr3_an_entry_half_written_is_left_out(void **state) {
    struct flight *flight = *state;
    log_text(flight, 1, "first");
    log_text(flight, 2,
             "the second of them has three cells: one hundred characters and a few more of "
             "them here at the end");
    log_text(flight, 3, "third");

    atomic_store(&flight->cells[2].words[0], 0);
    assert_reads(flight, "info: first\ninfo: third\n");

    atomic_store(&flight->cells[0].words[0], 0);
    assert_reads(flight, "info: third\n");
}

static void test_fr3_without_memory_there_is_no_ring(void **state) {
    (void)state;
    mem_fail_at(1);
    assert_null(flight_create());
    mem_fail_at(0);
    flight_destroy(NULL);
}

/* ------------------------------------------------------- against a plain list */

#define MODEL_MAX 4096u

struct model {
    struct {
        uint64_t cells, end; /* how many, and cells ever written behind it */
        struct flight_entry entry;
    } entries[MODEL_MAX];
    unsigned count, runs_from;
    uint64_t cells;
};

static void model_add(struct model *m, struct flight_entry entry) {
    size_t cells = entry.size <= 32 ? 1 : 1 + (entry.size - 32 + 55) / 56;
    m->cells += cells;
    m->entries[m->count].cells = cells;
    m->entries[m->count].end = m->cells;
    m->entries[m->count++].entry = entry;
}

static void model_ran(struct model *m, uint64_t row, const char *name) {
    for (unsigned i = m->runs_from; i < m->count; i++) {
        struct flight_entry *entry = &m->entries[i].entry;
        bool is_rest = i - m->runs_from == FLIGHT_ROWS;
        if (is_rest || strcmp(entry->text, name) == 0) {
            entry->count++;
            return;
        }
    }
    struct flight_entry entry = {.kind = FLIGHT_RAN, .count = 1};
    if (m->count - m->runs_from < FLIGHT_ROWS) {
        entry.size = (uint16_t)strlen(name);
        memcpy(entry.text, name, entry.size + 1u);
    }
    (void)row;
    model_add(m, entry);
}

static void compare(const struct model *m, struct flight *flight) {
    struct seen *seen = read_all(flight);
    unsigned at = 0;
    for (unsigned i = 0; i < m->count; i++) {
        if (m->entries[i].end - m->entries[i].cells + FLIGHT_CELLS < m->cells) {
            continue; /* its first cell is another's by now */
        }
        const struct flight_entry *expected = &m->entries[i].entry;
        assert_true(at < seen->count);
        const struct flight_entry *entry = &seen->entries[at++];
        assert_int_equal(entry->kind, expected->kind);
        assert_int_equal(entry->count, expected->count);
        assert_int_equal(entry->discarded, expected->discarded);
        assert_string_equal(entry->text, expected->text);
    }
    assert_int_equal(at, seen->count);
    free(seen);
}

static void play(struct flight *flight, struct model *m, struct test_random *random) {
    uint64_t choice = test_random_below(random, 10);
    struct flight_entry entry = {.kind = FLIGHT_LOG};
    if (choice < 5) {
        static const char *const names[] = {
            "a", "b", "c", "d", "e",
            "f", "g", "h", "i", "a name that does not fit into one cell of the ring"};
        uint64_t row = test_random_below(random, 10);
        flight_ran(flight, m->count, (uint16_t)row, names[row]);
        model_ran(m, row, names[row]);
        return;
    }
    entry.size = (uint16_t)test_random_below(random, choice < 8 ? 40 : FLIGHT_TEXT_MAX + 1);
    memset(entry.text, 'a' + (int)test_random_below(random, 26), entry.size);
    uint64_t mark = flight_mark(flight);
    flight_log(flight, m->count, LOG_INFO, entry.text, entry.size);
    if (choice == 9) {
        flight_discard(flight, mark);
        entry.discarded = true;
    }
    model_add(m, entry);
    m->runs_from = m->count;
}

static void test_fr1_reads_as_a_plain_list_would_for_any_seed(void **state) {
    struct flight *flight = *state;
    struct test_seeds seeds = test_seeds(100);
    struct model *m = malloc(sizeof *m);
    assert_non_null(m);
    for (uint64_t seed; test_seeds_next(&seeds, &seed);) {
        struct test_random random = {seed};
        memset(flight, 0, sizeof *flight);
        memset(m, 0, sizeof *m);

        for (unsigned i = 0; i < 300; i++) {
            play(flight, m, &random);
            compare(m, flight);
        }
    }
    free(m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_fr1_logs_and_notes_stand_in_one_ring_in_order),
        TEST(test_fr1_entries_carry_their_time),
        TEST(test_fr3_a_handler_that_runs_again_is_counted),
        TEST(test_fr3_handlers_taking_turns_push_nothing_out),
        TEST(test_fr3_more_handlers_than_are_told_apart_push_nothing_out),
        TEST(test_fr3_another_entry_begins_a_new_count),
        TEST(test_fr3_counts_that_have_ended_stay),
        TEST(test_fr3_a_count_stays_at_its_maximum),
        TEST(test_fr3_a_clock_that_lags_does_no_harm),
        TEST(test_fr3_the_oldest_are_given_up),
        TEST(test_fr3_long_text_is_cut_and_marked),
        TEST(test_fr3_text_is_cut_between_characters),
        TEST(test_fr3_what_is_no_text_is_cut_too),
        TEST(test_fr3_ring_is_no_larger_than_a_page_and_a_bit),
        TEST(test_tx1_logs_of_a_discarded_turn_are_marked),
        TEST(test_tx1_a_discarded_turn_that_logged_more_than_the_ring_holds),
        TEST(test_fr2_nothing_of_the_owner_before_is_shown),
        TEST(test_fr3_an_entry_half_written_is_left_out),
        TEST(test_fr3_without_memory_there_is_no_ring),
        TEST(test_fr1_reads_as_a_plain_list_would_for_any_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
