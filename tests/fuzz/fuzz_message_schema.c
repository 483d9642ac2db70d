/* Any text as a schema: refused with a sentence, or interned so that its canonical form means the
 * same type and a zero body can be copied. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message/type.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int holds) {
    if (!holds) {
        abort();
    }
}

static void check_copy(const struct msg_type *type) {
    void *body = calloc(1, type->abi.body_size);
    uint64_t size = type_copy_size(type, body, 0);
    void *copy = malloc(size);
    expect(body && copy);
    type_copy(type, body, copy, 0);
    free(copy);
    free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct type_table *table = type_table_create();
    char *text = malloc(size + 1);
    expect(table && text);
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    const struct msg_type *type = NULL;
    struct err err = {0};
    if (type_intern(table, "fuzz.message/1", text, &type, &err) == 0) {
        const struct msg_type *again = NULL;
        expect(type_intern(table, "fuzz.message/1", type->abi.schema.data, &again, &err) == 0);
        expect(type == again && type->abi.field_count > 0);
        expect(type->end <= type->abi.body_size && type->abi.body_size > 0);
        check_copy(type);
    } else {
        expect(err.code == ERR_INVALID && err.text[0] != '\0');
    }
    free(text);
    type_table_destroy(table);
    return 0;
}
