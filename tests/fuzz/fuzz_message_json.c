/* Any bytes as the text and the numbers of a message: its JSON is JSON, and all on one line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "message/json.h"
#include "message/type.h"

#define FUZZ_BODY(F)                                                                               \
    F(u64, a)                                                                                      \
    F(i64, b) F(f32, c) F(f64, d) F(time, e) F(duration, f) F(bool, g) F(str, h) F(bytes, i)
TROUPE_MESSAGE(fuzz_body, "fuzz.body/1", FUZZ_BODY);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int holds) {
    if (!holds) {
        abort();
    }
}

static void check(const struct msg_type *type, const struct fuzz_body *body) {
    struct troupe_any message = {&type->abi, body};
    size_t size = 0;
    char *text = msg_json(&message, &size);
    expect(text && !memchr(text, '\n', size) && !memchr(text, '\0', size));
    /* jansson has no integers beyond 2^63: read as reals */
    json_t *read = json_loadb(text, size, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    expect(read && json_object_size(json_object_get(read, "body")) == 9);
    json_decref(read);
    mem_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct type_table *table = type_table_create();
    const struct msg_type *type = NULL;
    expect(table && type_intern(table, "fuzz.body/1",
                                "u64 a; i64 b; f32 c; f64 d; time e; duration f; bool g; str h; "
                                "bytes i",
                                &type, NULL) == 0);
    struct fuzz_body body = {0};
    size_t numbers = offsetof(struct fuzz_body, g);
    size_t taken = size < numbers ? size : numbers;
    if (taken > 0) {
        memcpy(&body, data, taken);
    }
    body.h = troupe_str_n((const char *)data + taken, size - taken);
    body.i = body.h;
    check(type, &body);
    type_table_destroy(table);
    return 0;
}
