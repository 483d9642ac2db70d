/* The flight recorder under fire: one writer, several readers. What readers see is whole and in order. */
#include "lib/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/seed.h"
#include "record/flight.h"

#define READERS 3u
#define ENTRIES 60000u

struct fire {
    struct flight *flight;
    uint64_t seed;
    _Atomic bool over;
    _Atomic bool torn, out_of_order, backwards;
    _Atomic uint64_t seen;
};

/* The text of entry `number`: one letter, as often as the number says. */
static size_t make_text(uint64_t number, char *ret) {
    struct test_random random = {number};
    size_t size = test_random_below(&random, FLIGHT_TEXT_MAX + 1);
    memset(ret, 'a' + (int)(number % 26), size);
    ret[size] = '\0';
    return size;
}

struct reader {
    struct fire *fire;
    uint64_t place, at_ns, runs_ns;
    uint32_t runs;
    bool any;
};

static void check_log(struct reader *reader, const struct flight_entry *entry) {
    char text[FLIGHT_TEXT_MAX + 1];
    size_t size = make_text(entry->at_ns, text);
    bool is_whole = entry->size == size && memcmp(entry->text, text, size) == 0 &&
                    entry->level == entry->at_ns % 4;
    if (!is_whole) {
        atomic_store(&reader->fire->torn, true);
    }
}

/* How often the handler of entry `number` runs. */
static uint32_t times_of(uint64_t number) {
    return (uint32_t)(number * 7 % 20) + 1;
}

/* A count grows from look to look, and is never that of what ran later. */
static void check_run(struct reader *reader, const struct flight_entry *entry) {
    char name[16];
    (void)snprintf(name, sizeof name, "h%u", (unsigned)(entry->at_ns % 3));
    if (strcmp(entry->text, name) != 0 || entry->count == 0 ||
        entry->count > times_of(entry->at_ns)) {
        atomic_store(&reader->fire->torn, true);
    }
    if (entry->at_ns == reader->runs_ns && entry->count < reader->runs) {
        atomic_store(&reader->fire->backwards, true);
    }
    reader->runs_ns = entry->at_ns;
    reader->runs = entry->count;
}

static void check(void *context, const struct flight_entry *entry) {
    struct reader *reader = context;
    if (reader->any && (entry->place <= reader->place || entry->at_ns < reader->at_ns)) {
        atomic_store(&reader->fire->out_of_order, true);
    }
    reader->any = true;
    reader->place = entry->place;
    reader->at_ns = entry->at_ns;
    if (entry->kind == FLIGHT_LOG) {
        check_log(reader, entry);
    } else if (entry->kind == FLIGHT_RAN) {
        check_run(reader, entry);
    } else {
        atomic_store(&reader->fire->torn, true);
    }
    atomic_fetch_add_explicit(&reader->fire->seen, 1, memory_order_relaxed);
}

static void *read_on(void *argument) {
    struct fire *fire = argument;
    struct reader reader = {.fire = fire};
    while (!atomic_load(&fire->over)) {
        reader.any = false;
        flight_read(fire->flight, check, &reader);
    }
    return NULL;
}

/* Numbers from `first` on. */
static void write_all(struct fire *fire, uint64_t first) {
    struct test_random random = {fire->seed};
    char text[FLIGHT_TEXT_MAX + 1];
    for (uint64_t i = first; i < first + ENTRIES; i++) {
        uint64_t mark = flight_mark(fire->flight);
        if (i % 2 == 0 && test_random_below(&random, 2) == 0) {
            char name[16];
            (void)snprintf(name, sizeof name, "h%u", (unsigned)(i % 3));
            for (uint32_t n = times_of(i); n > 0; n--) {
                flight_ran(fire->flight, i, (uint16_t)(i % 3), name);
            }
            continue;
        }
        size_t size = make_text(i, text);
        flight_log(fire->flight, i, (enum log_level)(i % 4), text, size);
        if (i % 7 == 0) {
            flight_discard(fire->flight, mark);
        }
    }
}

static void test_fr3_readers_see_whole_entries_in_order_while_it_is_written(void **state) {
    (void)state;
    struct test_seeds seeds = test_seeds(3);
    for (uint64_t seed; test_seeds_next(&seeds, &seed);) {
        struct fire fire = {.flight = flight_create(), .seed = seed};
        pthread_t readers[READERS];
        assert_non_null(fire.flight);
        for (unsigned i = 0; i < READERS; i++) {
            assert_int_equal(pthread_create(&readers[i], NULL, read_on, &fire), 0);
        }

        uint64_t number = 1;
        do {
            write_all(&fire, number);
            number += ENTRIES;
        } while (atomic_load(&fire.seen) == 0);

        atomic_store(&fire.over, true);
        for (unsigned i = 0; i < READERS; i++) {
            assert_int_equal(pthread_join(readers[i], NULL), 0);
        }
        assert_false(fire.torn);
        assert_false(fire.out_of_order);
        assert_false(fire.backwards);
        flight_destroy(fire.flight);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_fr3_readers_see_whole_entries_in_order_while_it_is_written,
                                  test_seed_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
