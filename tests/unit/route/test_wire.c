/* Wires: who gets a message of a pool, and who when a replica has closed (PT-3). */
#include "lib/test.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "message/pool.h"
#include "route/wire.h"
#include "sched/sched_impl.h"

#define REPLICAS 5u
#define KEYS 20000u

struct keyed {
    struct troupe_str name;
    uint64_t number;
    int32_t small;
    bool flag;
    double real;
    struct troupe_ref who;
};

struct fixture {
    struct sched_worker nowhere; /* a home that no thread runs: every offer is from elsewhere */
    struct pools *pools;
    struct type_table *types;
    const struct msg_type *type;
    struct mbox mboxes[REPLICAS];
    struct port port;
    struct wire *wire;
};

static const struct task_ops no_ops;

static int setup(void **state) {
    struct fixture *f = mem_aligned(64, sizeof *f);
    f->pools = pools_create();
    f->types = type_table_create();
    struct err err;
    assert_int_equal(type_intern(f->types, "test.keyed/1",
                                 "str name; u64 number; i32 small; bool flag; f64 real; ref who",
                                 &f->type, &err),
                     0);
    assert_int_equal(f->type->abi.body_size, sizeof(struct keyed));
    assert_int_equal(port_init(&f->port, 1), 0);
    f->wire = &f->port.wires[0];
    f->wire->targets = mem_array(REPLICAS, sizeof *f->wire->targets);
    f->wire->count = REPLICAS;
    for (unsigned i = 0; i < REPLICAS; i++) {
        mbox_init(&f->mboxes[i], &no_ops, &f->nowhere, 2);
        f->wire->targets[i] = (struct wire_target){.mbox = &f->mboxes[i], .uid = 10 + i};
    }
    *state = f;
    return 0;
}

static void close_replica(struct fixture *f, unsigned i) {
    worker_enter(&f->nowhere);
    msg_free_chain(pools_shared(f->pools), mbox_close(&f->mboxes[i]));
    worker_enter(NULL);
}

static int teardown(void **state) {
    struct fixture *f = *state;
    for (unsigned i = 0; i < REPLICAS; i++) {
        close_replica(f, i);
    }
    assert_int_equal(pools_live(f->pools), 0);
    port_fini(&f->port);
    type_table_destroy(f->types);
    pools_destroy(f->pools);
    mem_free(f);
    return 0;
}

static void offer(struct fixture *f, unsigned i) {
    struct msg *m = msg_alloc(pools_shared(f->pools), MSG_DATA, 0, 8);
    assert_int_equal(mbox_offer(&f->mboxes[i], m, m, 1, 2), OFFER_TAKEN);
}

/* The replica that gets this body; REPLICAS: none is open. */
static unsigned pick(struct fixture *f, const struct keyed *body) {
    struct wire_target *target = NULL;
    uint32_t count = wire_pick(f->wire, f->type, body, &target);
    assert_non_null(target);
    assert_true(count <= 1);
    return count == 0 ? REPLICAS : (unsigned)(target - f->wire->targets);
}

static void use_hash(struct fixture *f, const char *key) {
    f->wire->mode = WIRE_HASH;
    f->wire->key = key;
    f->wire->key_type = NULL; /* as if it had never been looked up */
}

static struct keyed named(char *text, size_t room, unsigned i) {
    (void)snprintf(text, room, "192.168.%u.%u", i / 256, i % 256);
    return (struct keyed){.name = {text, strlen(text)}};
}

static void test_direct_wire_has_its_one_target(void **state) {
    struct fixture *f = *state;
    f->wire->mode = WIRE_DIRECT;
    f->wire->count = 1;
    struct keyed body = {.number = 1};

    assert_int_equal(pick(f, &body), 0);
    close_replica(f, 0);
    assert_int_equal(pick(f, &body), 0); /* it refuses by itself */
}

static void test_pt3_hash_gives_a_key_to_one_replica_always(void **state) {
    struct fixture *f = *state;
    use_hash(f, "name");
    char text[32];

    for (unsigned i = 0; i < 200; i++) {
        struct keyed body = named(text, sizeof text, i);
        unsigned first = pick(f, &body);
        body.number = i; /* other fields do not matter */
        char copy[32];
        memcpy(copy, text, sizeof copy);
        body.name.data = copy;
        assert_int_equal(pick(f, &body), first);
    }
}

static void expect_even(const unsigned *counts, unsigned replicas, unsigned keys) {
    for (unsigned i = 0; i < replicas; i++) {
        assert_in_range(counts[i], keys / replicas * 9 / 10, keys / replicas * 11 / 10);
    }
}

static void test_pt3_hash_spreads_texts_and_numbers_evenly(void **state) {
    struct fixture *f = *state;
    unsigned by_name[REPLICAS + 1] = {0};
    unsigned by_number[REPLICAS + 1] = {0};
    unsigned by_small[REPLICAS + 1] = {0};
    unsigned by_ref[REPLICAS + 1] = {0};
    char text[32];

    for (unsigned i = 0; i < KEYS; i++) {
        struct keyed body = named(text, sizeof text, i);
        body.number = i;
        body.small = -(int32_t)i;
        body.who.uid = i;
        use_hash(f, "name");
        by_name[pick(f, &body)]++;
        use_hash(f, "number");
        by_number[pick(f, &body)]++;
        use_hash(f, "small");
        by_small[pick(f, &body)]++;
        use_hash(f, "who");
        by_ref[pick(f, &body)]++;
    }

    expect_even(by_name, REPLICAS, KEYS);
    expect_even(by_number, REPLICAS, KEYS);
    expect_even(by_small, REPLICAS, KEYS);
    expect_even(by_ref, REPLICAS, KEYS);
}

static void test_pt3_hash_spreads_evenly_over_two(void **state) {
    struct fixture *f = *state;
    unsigned counts[REPLICAS + 1] = {0};
    f->wire->count = 2;
    use_hash(f, "number");

    for (unsigned i = 0; i < KEYS; i++) {
        struct keyed body = {.number = i};
        counts[pick(f, &body)]++;
    }

    expect_even(counts, 2, KEYS);
}

static void test_every_kind_of_key_tells_values_apart(void **state) {
    struct fixture *f = *state;
    static const char *const keys[] = {"number", "small", "real", "who", "name"};
    char text[32];

    for (unsigned k = 0; k < 5; k++) {
        use_hash(f, keys[k]);
        unsigned counts[REPLICAS + 1] = {0};
        for (unsigned i = 0; i < 1000; i++) {
            struct keyed body = named(text, sizeof text, i);
            body.number = i;
            body.small = (int32_t)i;
            body.real = i / 10.0;
            body.who.uid = i;
            counts[pick(f, &body)]++;
        }
        for (unsigned i = 0; i < REPLICAS; i++) {
            assert_true(counts[i] > 100);
        }
    }
    use_hash(f, "flag");
    f->wire->count = 1;
    struct keyed body = {.flag = true};
    assert_int_equal(pick(f, &body), 0);
}

/* Who gets each key before and after a replica closes; `number` or `name` is the key. */
static void expect_only_its_keys_to_move(struct fixture *f, const char *key, unsigned closing) {
    use_hash(f, key);
    char text[32];
    static unsigned before[KEYS];
    for (unsigned i = 0; i < KEYS; i++) {
        struct keyed body = named(text, sizeof text, i);
        body.number = i;
        before[i] = pick(f, &body);
    }

    close_replica(f, closing);

    unsigned moved[REPLICAS + 1] = {0};
    unsigned all = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        struct keyed body = named(text, sizeof text, i);
        body.number = i;
        unsigned now = pick(f, &body);
        if (before[i] == closing) {
            moved[now]++;
            all++;
        } else {
            assert_int_equal(now, before[i]);
        }
    }
    assert_int_equal(moved[closing], 0);
    for (unsigned i = 0; i < REPLICAS; i++) {
        unsigned fair = all / (REPLICAS - 1);
        assert_true(i == closing || (moved[i] > fair * 9 / 10 && moved[i] < fair * 11 / 10));
    }
}

static void test_pt3_closing_a_replica_moves_only_its_keys(void **state) {
    expect_only_its_keys_to_move(*state, "name", 2);
}

static void test_pt3_closing_a_replica_spreads_its_numbers_over_the_others(void **state) {
    expect_only_its_keys_to_move(*state, "number", 4);
}

static void expect_all_reached(const bool *reached) {
    for (unsigned i = 0; i < REPLICAS; i++) {
        assert_true(reached[i]);
    }
}

static void test_pt3_hash_of_a_text_depends_on_each_byte_and_the_size(void **state) {
    struct fixture *f = *state;
    use_hash(f, "name");
    char text[40] = {0};

    for (unsigned at = 0; at < 29; at++) {
        bool reached[REPLICAS + 1] = {false};
        for (unsigned byte = 0; byte < 100; byte++) {
            text[at] = (char)byte;
            struct keyed body = {.name = {text, 29}};
            reached[pick(f, &body)] = true;
        }
        text[at] = 0;
        expect_all_reached(reached);
    }
    bool reached[REPLICAS + 1] = {false};
    for (unsigned size = 0; size <= sizeof text; size++) {
        struct keyed body = {.name = {text, size}};
        reached[pick(f, &body)] = true;
    }
    expect_all_reached(reached);
}

static void test_pt3_hash_key_is_found_in_whatever_type_is_sent(void **state) {
    struct fixture *f = *state;
    struct err err;
    const struct msg_type *other;
    assert_int_equal(type_intern(f->types, "test.other/1", "u32 first; u64 number", &other, &err),
                     0);
    use_hash(f, "number");

    for (uint64_t i = 0; i < 100; i++) {
        struct keyed body = {.number = i};
        struct {
            uint32_t first;
            uint64_t number;
        } same = {7, i};
        struct wire_target *target = NULL;
        unsigned picked = pick(f, &body);
        assert_int_equal(wire_pick(f->wire, other, &same, &target), 1);
        assert_ptr_equal(target, &f->wire->targets[picked]);
    }
}

static void test_pt3_hash_waits_for_a_full_replica(void **state) {
    struct fixture *f = *state;
    use_hash(f, "number");
    struct keyed body = {.number = 77};
    unsigned picked = pick(f, &body);

    offer(f, picked);
    offer(f, picked);

    assert_int_equal(pick(f, &body), picked);
}

static void test_field_that_is_not_there_is_one_key(void **state) {
    struct fixture *f = *state;
    use_hash(f, "absent");

    struct keyed a = {.number = 1};
    struct keyed b = {.number = 2};

    assert_int_equal(pick(f, &a), pick(f, &b));
}

static void test_pt3_round_robin_takes_turns(void **state) {
    struct fixture *f = *state;
    f->wire->mode = WIRE_ROUND_ROBIN;
    struct keyed body = {.number = 1};

    for (unsigned i = 0; i < 3 * REPLICAS; i++) {
        assert_int_equal(pick(f, &body), i % REPLICAS);
    }
}

static void test_pt3_round_robin_prefers_one_with_room(void **state) {
    struct fixture *f = *state;
    f->wire->mode = WIRE_ROUND_ROBIN;
    struct keyed body = {.number = 1};
    for (unsigned i = 0; i < REPLICAS; i++) {
        if (i != 3) {
            offer(f, i);
            offer(f, i);
        }
    }

    for (unsigned i = 0; i < 2 * REPLICAS; i++) {
        assert_int_equal(pick(f, &body), 3);
    }
}

static void test_pt3_round_robin_goes_on_in_turn_when_all_are_full(void **state) {
    struct fixture *f = *state;
    f->wire->mode = WIRE_ROUND_ROBIN;
    struct keyed body = {.number = 1};
    for (unsigned i = 0; i < REPLICAS; i++) {
        offer(f, i);
        offer(f, i);
    }

    for (unsigned i = 0; i < 2 * REPLICAS; i++) {
        assert_int_equal(pick(f, &body), i % REPLICAS);
    }
}

static void test_pt3_round_robin_passes_over_closed_ones(void **state) {
    struct fixture *f = *state;
    f->wire->mode = WIRE_ROUND_ROBIN;
    struct keyed body = {.number = 1};
    close_replica(f, 0);
    close_replica(f, 3);
    unsigned counts[REPLICAS + 1] = {0};

    for (unsigned i = 0; i < 10 * REPLICAS; i++) {
        counts[pick(f, &body)]++;
    }

    assert_int_equal(counts[0] + counts[3] + counts[REPLICAS], 0);
    assert_true(counts[1] > 0 && counts[2] > 0 && counts[4] > 0);
}

static void test_pt3_broadcast_has_all_targets_while_one_is_open(void **state) {
    struct fixture *f = *state;
    f->wire->mode = WIRE_BROADCAST;
    struct keyed body = {.number = 1};
    struct wire_target *target = NULL;

    assert_int_equal(wire_pick(f->wire, f->type, &body, &target), REPLICAS);
    assert_ptr_equal(target, f->wire->targets);
    for (unsigned i = 0; i + 1 < REPLICAS; i++) {
        close_replica(f, i);
    }

    assert_int_equal(wire_pick(f->wire, f->type, &body, &target), REPLICAS);
    assert_ptr_equal(target, f->wire->targets);
}

static void test_pt3_closed_ones_are_to_blame_when_none_is_open(void **state) {
    struct fixture *f = *state;
    struct keyed body = {.number = 1};
    for (unsigned i = 0; i < REPLICAS; i++) {
        close_replica(f, i);
    }

    for (uint8_t mode = WIRE_ROUND_ROBIN; mode <= WIRE_BROADCAST; mode++) {
        f->wire->mode = mode;
        f->wire->key = "number";
        struct wire_target *target = NULL;
        assert_int_equal(wire_pick(f->wire, f->type, &body, &target), 0);
        assert_ptr_equal(target, f->wire->targets);
    }
}

static void test_port_has_room_for_its_wires(void **state) {
    (void)state;
    struct port port;
    assert_int_equal(port_init(&port, 3), 0);
    assert_int_equal(port.count, 3);
    assert_null(port.wires[2].targets);
    port_fini(&port);
    assert_int_equal(port.count, 0);
    assert_int_equal(port_init(&port, 0), 0);
    assert_null(port.wires);
    port_fini(&port);

    mem_fail_at(1);
    assert_int_equal(port_init(&port, 3), -1);
    mem_fail_at(0);
    port_fini(&port);
}

int main(void) {
#define IN_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        IN_FIXTURE(test_direct_wire_has_its_one_target),
        IN_FIXTURE(test_pt3_hash_gives_a_key_to_one_replica_always),
        IN_FIXTURE(test_pt3_hash_spreads_texts_and_numbers_evenly),
        IN_FIXTURE(test_pt3_hash_spreads_evenly_over_two),
        IN_FIXTURE(test_every_kind_of_key_tells_values_apart),
        IN_FIXTURE(test_pt3_closing_a_replica_moves_only_its_keys),
        IN_FIXTURE(test_pt3_closing_a_replica_spreads_its_numbers_over_the_others),
        IN_FIXTURE(test_pt3_hash_of_a_text_depends_on_each_byte_and_the_size),
        IN_FIXTURE(test_pt3_hash_key_is_found_in_whatever_type_is_sent),
        IN_FIXTURE(test_pt3_hash_waits_for_a_full_replica),
        IN_FIXTURE(test_field_that_is_not_there_is_one_key),
        IN_FIXTURE(test_pt3_round_robin_takes_turns),
        IN_FIXTURE(test_pt3_round_robin_prefers_one_with_room),
        IN_FIXTURE(test_pt3_round_robin_goes_on_in_turn_when_all_are_full),
        IN_FIXTURE(test_pt3_round_robin_passes_over_closed_ones),
        IN_FIXTURE(test_pt3_broadcast_has_all_targets_while_one_is_open),
        IN_FIXTURE(test_pt3_closed_ones_are_to_blame_when_none_is_open),
        cmocka_unit_test(test_port_has_room_for_its_wires),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
