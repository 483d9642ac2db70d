/* Any bytes as a parcel: refused with one sentence, or read; and what was read writes the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "message/parcel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int holds) {
    if (!holds) {
        abort();
    }
}

/* The canonical form of its schema is what is written: so the second writing is compared. */
static void write_again(struct parcel_in *in, struct type_table *types) {
    struct str first, second;
    struct parcel_in again;
    struct err err;
    void *body = mem_alloc(in->room);
    expect(body != NULL);
    parcel_body(in, body);
    in->head.body = body;
    str_init(&first);
    str_init(&second);
    expect(parcel_write(&in->head, NULL, NULL, &first) == 0);
    expect(parcel_read(first.data, first.size, types, &again, &err) == 0);
    expect(again.room == in->room && again.head.type == in->head.type);
    void *copy = mem_alloc(again.room);
    expect(copy != NULL);
    parcel_body(&again, copy);
    again.head.body = copy;
    expect(parcel_write(&again.head, NULL, NULL, &second) == 0);
    expect(second.size == first.size && memcmp(first.data, second.data, first.size) == 0);
    str_fini(&first);
    str_fini(&second);
    mem_free(body);
    mem_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct type_table *types = type_table_create();
    struct parcel_in in;
    struct err err = {0};
    expect(types != NULL);
    if (parcel_read(data, size, types, &in, &err) == 0) {
        expect(in.room <= 64 + 64 * size);
        write_again(&in, types);
    } else {
        expect(err.text[0] != '\0' && strchr(err.text, '\n') == NULL);
    }
    type_table_destroy(types);
    return 0;
}
