/* Parcels: what is written is read again, and nothing else is (MB-7). */
#include "lib/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "message/parcel.h"

#define PART(F) F(str, name) F(u8, small) F(u64, large)
TROUPE_RECORD(part, PART);
/* clang-format off */
#define WHOLE(F)                                                                                   \
    F(bool, yes) F(i8, a) F(i16, b) F(i32, c) F(i64, d) F(u8, e) F(u16, f) F(u32, g) F(u64, h)     \
    F(f32, i) F(f64, j) F(time, k) F(duration, l) F(str, m) F(bytes, n) F(ref, o)                  \
    F(list, parts, part)
/* clang-format on */
TROUPE_MESSAGE(whole, "test.whole/1", WHOLE);
#define WHOLE_SCHEMA                                                                               \
    "bool yes; i8 a; i16 b; i32 c; i64 d; u8 e; u16 f; u32 g; u64 h; f32 i; f64 j; time k; "       \
    "duration l; str m; bytes n; ref o; list parts {str name; u8 small; u64 large}"

struct world {
    struct type_table *here, *there;
    const struct msg_type *type;
    struct str bytes;
};

static int setup(void **state) {
    struct world *w = test_calloc(1, sizeof *w);
    w->here = type_table_create();
    w->there = type_table_create();
    str_init(&w->bytes);
    *state = w;
    return w->here && w->there ? type_intern(w->here, "test.whole/1", WHOLE_SCHEMA, &w->type, NULL)
                               : -1;
}

static int teardown(void **state) {
    struct world *w = *state;
    type_table_destroy(w->here);
    type_table_destroy(w->there);
    str_fini(&w->bytes);
    test_free(w);
    return 0;
}

static const struct part parts[] = {{{"one", 3}, 1, UINT64_MAX}, {{NULL, 0}, 255, 0}};
static const struct whole body = {true,      INT8_MIN,   INT16_MIN,  INT32_MIN,     INT64_MIN,
                                  UINT8_MAX, UINT16_MAX, UINT32_MAX, UINT64_MAX,    -0.5f,
                                  1e300,     -1,         7,          {"te\0xt", 5}, {"\xff", 1},
                                  {12, 34},  {parts, 2}};

static struct parcel parcel_of(const struct world *w) {
    return (struct parcel){.kind = MSG_REQUEST,
                           .sender = 1,
                           .dest = UINT64_MAX,
                           .port = 65535,
                           .call = 4,
                           .trace = 5,
                           .sequence = 6,
                           .ttl = 7,
                           .type = w->type,
                           .body = &body};
}

static void test_mb7_every_kind_of_field_crosses_as_it_is(void **state) {
    struct world *w = *state;
    struct parcel parcel = parcel_of(w);
    struct parcel_in in;
    struct err err = {0};

    assert_int_equal(parcel_write(&parcel, NULL, NULL, &w->bytes), 0);
    assert_int_equal(parcel_read(w->bytes.data, w->bytes.size, w->there, &in, &err), 0);

    assert_int_equal(in.head.kind, MSG_REQUEST);
    assert_int_equal(in.head.sender, 1);
    assert_int_equal(in.head.dest, UINT64_MAX);
    assert_int_equal(in.head.port, 65535);
    assert_int_equal(in.head.call, 4);
    assert_int_equal(in.head.trace, 5);
    assert_int_equal(in.head.sequence, 6);
    assert_int_equal(in.head.ttl, 7);
    assert_ptr_equal(in.head.type, type_find(w->there, "test.whole/1"));
    assert_int_equal(in.room, type_copy_size(w->type, &body, 0));
    struct whole *copy = mem_alloc(in.room);
    parcel_body(&in, copy);
    assert_memory_equal(copy, &body, offsetof(struct whole, m));
    assert_memory_equal(copy->m.data, "te\0xt", 6);
    assert_memory_equal(copy->n.data, "\xff", 2);
    assert_int_equal(copy->o.uid, 12);
    assert_int_equal(copy->o.port, 34);
    assert_int_equal(copy->parts.count, 2);
    assert_string_equal(copy->parts.items[0].name.data, "one");
    assert_int_equal(copy->parts.items[0].large, UINT64_MAX);
    assert_int_equal(copy->parts.items[1].name.size, 0);
    assert_int_equal(copy->parts.items[1].small, 255);
    mem_free(copy);
}

static struct troupe_ref shifted(void *context, struct troupe_ref ref) {
    return (struct troupe_ref){ref.uid + 1, ref.port + *(const uint64_t *)context};
}

static void test_addresses_are_translated_on_the_way(void **state) {
    struct world *w = *state;
    struct parcel parcel = parcel_of(w);
    uint64_t by = 1ull << 40;
    struct parcel_in in;
    struct err err = {0};

    assert_int_equal(parcel_write(&parcel, shifted, &by, &w->bytes), 0);
    assert_int_equal(parcel_read(w->bytes.data, w->bytes.size, w->there, &in, &err), 0);

    struct whole *copy = mem_alloc(in.room);
    parcel_body(&in, copy);
    assert_int_equal(copy->o.uid, 13);
    assert_int_equal(copy->o.port, (1ull << 40) + 34);
    mem_free(copy);
}

static void test_refusal_crosses_with_its_text(void **state) {
    struct world *w = *state;
    const struct troupe_str text = {"not today", 9};
    const struct parcel parcel = {
        .kind = MSG_REPLY, .reason = TROUPE_REFUSED, .dest = 3, .call = 9, .body = &text};
    struct parcel_in in;
    struct err err = {0};

    assert_int_equal(parcel_write(&parcel, NULL, NULL, &w->bytes), 0);
    assert_int_equal(parcel_read(w->bytes.data, w->bytes.size, w->there, &in, &err), 0);

    assert_int_equal(in.head.reason, TROUPE_REFUSED);
    assert_null(in.head.type);
    struct troupe_str *copy = mem_alloc(in.room);
    parcel_body(&in, copy);
    assert_string_equal(copy->data, "not today");
    mem_free(copy);
}

static void test_parcel_cut_anywhere_is_refused(void **state) {
    struct world *w = *state;
    struct parcel parcel = parcel_of(w);
    assert_int_equal(parcel_write(&parcel, NULL, NULL, &w->bytes), 0);

    for (uint64_t size = 0; size < w->bytes.size; size++) {
        struct parcel_in in;
        struct err err = {0};
        char *exact = test_malloc(size + 1); /* so that a sanitizer sees a read beyond */
        memcpy(exact, w->bytes.data, size);
        assert_int_equal(parcel_read(exact, size, w->there, &in, &err), -1);
        assert_non_null(strstr(err.text, "a message from another proc is malformed at byte "));
        test_free(exact);
    }
}

static void test_something_behind_it_is_refused(void **state) {
    struct world *w = *state;
    struct parcel parcel = parcel_of(w);
    struct parcel_in in;
    struct err err = {0};
    assert_int_equal(parcel_write(&parcel, NULL, NULL, &w->bytes), 0);
    str_add(&w->bytes, "x");

    assert_int_equal(parcel_read(w->bytes.data, w->bytes.size, w->there, &in, &err), -1);

    assert_non_null(strstr(err.text, "something stands behind it"));
}

static void test_another_schema_of_a_known_id_is_refused(void **state) {
    struct world *w = *state;
    const struct msg_type *other;
    struct parcel parcel = parcel_of(w);
    struct parcel_in in;
    struct err err = {0};
    assert_int_equal(type_intern(w->there, "test.whole/1", "u8 x", &other, NULL), 0);
    assert_int_equal(parcel_write(&parcel, NULL, NULL, &w->bytes), 0);

    assert_int_equal(parcel_read(w->bytes.data, w->bytes.size, w->there, &in, &err), -1);

    assert_non_null(strstr(err.text, "message 'test.whole/1' has two schemas"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_mb7_every_kind_of_field_crosses_as_it_is),
        TEST(test_addresses_are_translated_on_the_way),
        TEST(test_refusal_crosses_with_its_text),
        TEST(test_parcel_cut_anywhere_is_refused),
        TEST(test_something_behind_it_is_refused),
        TEST(test_another_schema_of_a_known_id_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
