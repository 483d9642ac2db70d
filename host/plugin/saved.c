/* The host functions for saving and loading; see saved.h. */
#include "plugin/saved.h"

#include <string.h>

static int32_t save_write(struct troupe_saver *saver, const void *data, uint64_t size) {
    str_add_n(&saver->bytes, data, size);
    return saver->bytes.failed ? TROUPE_NO_MEMORY : TROUPE_OK;
}

static uint32_t save_version(struct troupe_saver *saver) {
    return saver->version;
}

static int32_t load_read(struct troupe_loader *loader, void *data, uint64_t size) {
    if (size > loader->size - loader->at) {
        return TROUPE_INVALID;
    }
    if (size > 0) {
        memcpy(data, (const char *)loader->data + loader->at, size);
    }
    loader->at += size;
    return TROUPE_OK;
}

static uint64_t load_left(struct troupe_loader *loader) {
    return loader->size - loader->at;
}

static uint32_t load_version(struct troupe_loader *loader) {
    return loader->version;
}

static uint32_t load_goes_on(struct troupe_loader *loader) {
    return loader->goes_on;
}

void saved_fill(struct troupe_host *host) {
    host->save_write = save_write;
    host->save_version = save_version;
    host->load_read = load_read;
    host->load_left = load_left;
    host->load_version = load_version;
    host->load_goes_on = load_goes_on;
}
