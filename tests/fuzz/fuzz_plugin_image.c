/* Any bytes as a plugin file: refused with a sentence, or described as a whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "plugin/image.h"
#include "plugin/unload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int holds) {
    if (!holds) {
        abort();
    }
}

static size_t count(char *const *names) {
    size_t count = 0;
    while (names[count]) {
        expect(strlen(names[count]) < SIZE_MAX); /* each is a text */
        count++;
    }
    return count;
}

static void check(const struct image *image) {
    expect(image->note && image->note->actor_count > 0);
    expect(count(image->exports) > 0);
    expect(count(image->imports) >= image->strong_imports);
    expect(strlen(image_sha256(image)) == 64);
    (void)count(image->needed);
    char **reasons = unload_reasons(image);
    expect(reasons != NULL);
    mem_free(reasons);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct image *image;
    struct err err = {0};
    if (image_parse("fuzz.so", data, size, &image, &err) == 0) {
        check(image);
        image_destroy(image);
    } else {
        expect((err.code == ERR_INVALID || err.code == ERR_ABI) && err.text[0] != '\0');
    }
    return 0;
}
