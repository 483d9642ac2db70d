/* Loading a plugin file for a deployment, and letting it go. */
#include "reload/loaded.h"

#include <stdio.h>
#include <string.h>

#include "sched/fault.h"

#define CODE_MAX 8u /* segments of one module */

/* Faults are contained in code that is known as a plugin's. */
static int add_code(const struct library *library, struct err *err) {
    struct library_code code[CODE_MAX];
    size_t count = library_code(library, code, CODE_MAX);
    const char *slash = strrchr(library->image->path, '/');
    char name[128];
    (void)snprintf(name, sizeof name, "%.96s, generation %u",
                   slash ? slash + 1 : library->image->path, library->generation);
    for (size_t i = 0; i < count; i++) {
        struct fault_code range = {code[i].start, code[i].end, code[i].base, name,
                                   library->image->path};
        if (fault_add_code(&range, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int loaded_go_on(struct library *library, const struct troupe_host *host, struct log *log,
                 struct err *err) {
    if (library_map(library, err) < 0 || library_init(library, host, err) < 0) {
        return -1;
    }
    for (size_t i = 0; log && i < library->warning_count; i++) {
        log_write(log, LOG_WARN, NULL, "%s", library->warnings[i]);
    }
    return add_code(library, err);
}

int loaded_open(struct image *image, const struct troupe_host *host, struct log *log,
                struct library **ret, struct err *err) {
    struct library *library;
    if (library_stage(image_ref(image), &library, err) < 0) {
        image_destroy(image);
        return -1;
    }
    if (loaded_go_on(library, host, log, err) < 0) {
        loaded_close(library);
        return -1;
    }
    *ret = library;
    return 0;
}

void loaded_hide(const struct library *library) {
    struct library_code code[CODE_MAX];
    size_t count = library_code(library, code, CODE_MAX);
    for (size_t i = 0; i < count; i++) {
        fault_remove_code(code[i].start);
    }
}

void loaded_show(const struct library *library) {
    (void)add_code(library, NULL);
}

void loaded_close(struct library *library) {
    if (library) {
        loaded_hide(library);
    }
    library_unref(library);
}
