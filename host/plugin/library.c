/* Generations: loading a plugin file, holding it, letting it go; see library.h. */
#include "plugin/library.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "plugin/copy.h"
#include "plugin/dl.h"
#include "plugin/missing.h"
#include "plugin/registry.h"
#include "plugin/signals.h"
#include "plugin/tables.h"
#include "plugin/unload.h"

#define ENTRY_SYMBOL "troupe_plugin_v1"

struct library_impl {
    _Atomic unsigned refs; /* holders: who opened it, live incarnations */
    struct dl dl;
    bool is_open;
    bool is_registered;
    bool is_initialized;
    struct copy copy;
    struct troupe_plugin table;       /* the host's copy */
    char in_use[LIBRARY_REASON_SIZE]; /* library_pin's; "" */
};

/* A warning is not worth a failure: without memory there is none. */
__attribute__((format(printf, 2, 3))) static void warn(struct library *library, const char *format,
                                                       ...) {
    va_list args;
    struct str text;
    str_init(&text);
    str_addf(&text, "plugin file '%s': ", library->image->path);
    va_start(args, format);
    str_addv(&text, format, args);
    va_end(args);
    char *sentence = str_take(&text);
    char **warnings =
        mem_resize((void *)library->warnings, (library->warning_count + 1) * sizeof *warnings);
    if (warnings) {
        library->warnings = warnings;
    }
    if (sentence && warnings) {
        warnings[library->warning_count++] = sentence;
    } else {
        mem_free(sentence);
    }
}

static void warn_of_signal(void *context, const char *name) {
    warn(context, "it replaced the host's handler of %s, which was put back", name);
}

/* Takes the reference to the image along, if there is one. */
static void destroy(struct library *library) {
    tables_free_types(library);
    for (size_t i = 0; i < library->warning_count; i++) {
        mem_free(library->warnings[i]);
    }
    mem_free((void *)library->warnings);
    image_destroy(library->image);
    explicit_bzero(library->impl, sizeof *library->impl); /* an audit would find where it was */
    mem_free(library->impl);
    mem_free(library);
}

static struct library *create(struct image *image) {
    struct library *library = mem_alloc(sizeof *library);
    struct library_impl *impl = mem_alloc(sizeof *impl);
    if (!library || !impl) {
        mem_free(library);
        mem_free(impl);
        return NULL;
    }
    atomic_init(&impl->refs, 1);
    impl->copy.fd = -1;
    library->impl = impl;
    library->image = image;
    library->note = image->note;
    library->generation = registry_next();
    return library;
}

static void list_names(struct str *out, char **names) {
    for (size_t i = 0; names[i]; i++) {
        str_addf(out, "%s'%s'", i ? ", " : "", names[i]);
    }
}

/* In place of the dynamic linker's word about the first missing symbol, all of them. */
static int explain_failure(const struct image *image, struct err *err) {
    struct missing missing;
    if (missing_find(image, &missing, NULL) < 0) {
        return -1;
    }
    struct str names;
    str_init(&names);
    if (missing.libraries[0]) {
        list_names(&names, missing.libraries);
        err_set(err, ERR_ABI, "it needs libraries that were not found: %s", str_text(&names));
    } else if (missing.symbols[0]) {
        list_names(&names, missing.symbols);
        err_set(err, ERR_ABI, "it needs symbols that neither the host nor its libraries have: %s",
                str_text(&names));
    }
    str_fini(&names);
    missing_fini(&missing);
    return -1;
}

static int open_module(struct library *library, struct err *err) {
    struct library_impl *impl = library->impl;
    struct signals signals;
    signals_save(&signals);
    int status = dl_open(library->private_path, &impl->dl, err);
    signals_restore(&signals, warn_of_signal, library);
    if (status < 0) {
        return explain_failure(library->image, err);
    }
    impl->is_open = true;
    impl->is_registered = registry_add(impl->dl.map);
    if (!impl->is_registered) {
        return err_set(err, ERR_FAILED, "its image cannot be told from one that is loaded already");
    }
    return 0;
}

static int read_tables(struct library *library, struct err *err) {
    struct library_impl *impl = library->impl;
    const void *symbol = dl_symbol(&impl->dl, ENTRY_SYMBOL);
    if (!symbol || !dl_holds(&impl->dl, symbol, sizeof(uint32_t))) {
        return err_set(err, ERR_ABI, "its symbol %s cannot be found", ENTRY_SYMBOL);
    }
    if (tables_read_plugin(&impl->dl, symbol, &impl->table, err) < 0) {
        return -1;
    }
    return tables_read_types(&impl->dl, &impl->table, library, err);
}

static int initialize(struct library *library, const struct troupe_host *host, struct err *err) {
    struct library_impl *impl = library->impl;
    struct signals signals;
    signals_save(&signals);
    int32_t status = impl->table.init ? impl->table.init(host) : 0;
    signals_restore(&signals, warn_of_signal, library);
    if (status < 0) {
        return err_set(err, ERR_REFUSED, "its init returned %d (%s)", (int)status,
                       troupe_status_text(status));
    }
    impl->is_initialized = true;
    return 0;
}

static void warn_of_origin(struct library *library) {
    const char *run_path = library->image->run_path;
    const struct copy *copy = &library->impl->copy;
    if (copy->fd >= 0 && !copy->is_beside && run_path && strstr(run_path, "ORIGIN")) {
        warn(library,
             "its folder is not writable, so that it runs from '%s', and $ORIGIN in its "
             "run path means that folder",
             copy->path);
    }
}

/* Why the module must not be unmapped, or an empty text. */
static void add_pin_reasons(const struct library *library, struct str *out) {
    if (library->impl->in_use[0]) {
        str_add(out, library->impl->in_use);
        return;
    }
    if (library->impl->table.flags & TROUPE_PLUGIN_PIN) {
        str_add(out, "asks to stay (TROUPE_PLUGIN_PIN)");
    }
    char **reasons = unload_reasons(library->image);
    for (size_t i = 0; reasons && reasons[i]; i++) {
        str_addf(out, "%s%s", out->size ? ", " : "", reasons[i]);
    }
    if (!reasons) {
        str_add(out, "cannot be judged without memory");
    }
    mem_free(reasons);
}

/* Unmaps the module, or pins it where that would be unsafe or does not happen. */
static void close_module(struct library *library) {
    struct library_impl *impl = library->impl;
    const void *map = impl->dl.map;
    struct str reasons;
    str_init(&reasons);
    add_pin_reasons(library, &reasons);
    if (reasons.size == 0 && !reasons.failed && !dl_close(&impl->dl, library->private_path)) {
        str_add(&reasons, "is still mapped after dlclose");
    }
    if (reasons.size > 0 || reasons.failed) {
        registry_pin(library->generation, &impl->copy, str_text(&reasons));
    } else if (impl->is_registered) {
        registry_remove(map);
    }
    str_fini(&reasons);
}

/* Undoes library_open as far as it came. */
static void retire(struct library *library) {
    struct library_impl *impl = library->impl;
    struct signals signals;
    signals_save(&signals);
    if (impl->is_initialized && impl->table.fini && !impl->in_use[0]) {
        impl->table.fini();
    }
    if (impl->is_open) {
        close_module(library);
    }
    signals_restore(&signals, NULL, NULL);
    copy_remove(&impl->copy);
}

/* The bytes have been checked and loaded; what a catalog still holds may be loaded once more. */
static void release_bytes(struct image *image) {
    if (atomic_load_explicit(&image->refs, memory_order_acquire) == 1) {
        (void)image_sha256(image); /* as long as they are there */
        mem_free(image->bytes);
        image->bytes = NULL;
    }
}

static int refuse_stage(struct library *library, struct err *err) {
    const struct image *image = library->image;
    library->image = NULL; /* stays the caller's */
    destroy(library);
    return err_wrap(err, "plugin file '%s'", image->path);
}

int library_stage(struct image *image, struct library **ret, struct err *err) {
    struct library *library = create(image);
    if (!library) {
        return err_set(err, ERR_NOMEM, "plugin file '%s': no memory", image->path);
    }
    if (copy_make(image, library->generation, &library->impl->copy, err) < 0) {
        return refuse_stage(library, err);
    }
    library->private_path = library->impl->copy.path;
    *ret = library;
    return 0;
}

int library_stage_there(struct image *image, const char *private_path, struct library **ret,
                        struct err *err) {
    struct library *library = create(image);
    if (!library) {
        return err_set(err, ERR_NOMEM, "plugin file '%s': no memory", image->path);
    }
    library->private_path = private_path;
    *ret = library;
    return 0;
}

int library_map(struct library *library, struct err *err) {
    if (open_module(library, err) < 0 || read_tables(library, err) < 0) {
        return err_wrap(err, "plugin file '%s'", library->image->path);
    }
    return 0;
}

int library_init(struct library *library, const struct troupe_host *host, struct err *err) {
    if (initialize(library, host, err) < 0) {
        return err_wrap(err, "plugin file '%s'", library->image->path);
    }
    warn_of_origin(library);
    release_bytes(library->image);
    return 0;
}

int library_open(struct image *image, const struct troupe_host *host, struct library **ret,
                 struct err *err) {
    struct library *library;
    if (library_stage(image, &library, err) < 0) {
        return -1;
    }
    if (library_map(library, err) < 0 || library_init(library, host, err) < 0) {
        (void)image_ref(image); /* stays the caller's */
        library_unref(library);
        return -1;
    }
    *ret = library;
    return 0;
}

struct library *library_ref(struct library *library) {
    atomic_fetch_add_explicit(&library->impl->refs, 1, memory_order_relaxed);
    return library;
}

void library_unref(struct library *library) {
    /* acquire and release: fini runs after everything that the other holders did */
    if (!library || atomic_fetch_sub_explicit(&library->impl->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    retire(library);
    destroy(library);
}

const struct library_type *library_find_type(const struct library *library, const char *id) {
    for (size_t i = 0; i < library->type_count; i++) {
        if (strcmp(library->types[i].note->id, id) == 0) {
            return &library->types[i];
        }
    }
    return NULL;
}

size_t library_code(const struct library *library, struct library_code *ret, size_t room) {
    const struct dl *dl = &library->impl->dl;
    uintptr_t base = UINTPTR_MAX;
    size_t count = 0;
    for (size_t i = 0; i < dl->segment_count; i++) {
        base = dl->segments[i].start < base ? dl->segments[i].start : base;
    }
    for (size_t i = 0; i < dl->segment_count && count < room; i++) {
        const struct dl_segment *segment = &dl->segments[i];
        if (segment->is_code) {
            ret[count++] = (struct library_code){segment->start, segment->end, base};
        }
    }
    return count;
}

size_t library_memory(const struct library *library, struct library_memory *ret, size_t room) {
    const struct dl *dl = &library->impl->dl;
    size_t count = dl->segment_count < room ? dl->segment_count : room;
    for (size_t i = 0; i < count; i++) {
        const struct dl_segment *segment = &dl->segments[i];
        ret[i] = (struct library_memory){segment->start, segment->end, segment->is_code,
                                         segment->is_writable};
    }
    return count;
}

size_t library_knowing(const struct library *library, struct library_knowing *ret, size_t room,
                       const void **ret_map) {
    const struct library_impl *impl = library->impl;
    size_t count = 0;
    *ret_map = impl->dl.map;
    if (room > 0) {
        ret[count++] = (struct library_knowing){impl, sizeof *impl};
    }
    for (size_t i = 0; i < library->type_count && count < room; i++) {
        const struct library_type *type = &library->types[i];
        ret[count++] =
            (struct library_knowing){type->rows, (type->row_count + 1u) * sizeof *type->rows};
    }
    return count;
}

bool library_stays(const struct library *library) {
    struct str reasons;
    str_init(&reasons);
    add_pin_reasons(library, &reasons);
    bool stays = reasons.size > 0 || reasons.failed;
    str_fini(&reasons);
    return stays;
}

void library_pin(struct library *library, const char *reason) {
    (void)snprintf(library->impl->in_use, sizeof library->impl->in_use, "%s", reason);
}

bool library_find_pin(uint32_t generation, char *ret_reason, size_t size) {
    return registry_find_pin(generation, ret_reason, size);
}

void library_remove_copies(void) {
    registry_remove_copies();
}
