/* The search for what a plugin file imports; see missing.h. */
#include "plugin/missing.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "plugin/dl.h"
#include "plugin/names.h"

/* A needed library that this process has not loaded: its exports are read from its file. */
struct unloaded {
    char **exports; /* NULL: found, but not understood */
};

struct search {
    const struct image *image;
    struct unloaded *unloaded;
    size_t unloaded_count;
    struct names absent;
    bool is_unsure; /* a library's exports could not be read */
};

/* What to look for while walking folders. */
struct lookup {
    const char *library;
    const char *origin; /* the plugin file's path */
    struct str path;    /* where it was found */
};

/* A run path may begin with $ORIGIN: the folder of the file itself. */
static void add_expanded(struct str *out, const char *folder, size_t size, const char *origin) {
    static const char *const words[] = {"$ORIGIN", "${ORIGIN}"};
    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(words[i]);
        if (size >= length && strncmp(folder, words[i], length) == 0) {
            const char *slash = strrchr(origin, '/');
            str_add_n(out, slash ? origin : ".", slash ? (size_t)(slash - origin) : 1);
            folder += length;
            size -= length;
            break;
        }
    }
    str_add_n(out, folder, size);
}

static bool is_in(struct lookup *lookup, const char *folder, size_t size) {
    str_clear(&lookup->path);
    add_expanded(&lookup->path, folder, size, lookup->origin);
    str_addf(&lookup->path, "/%s", lookup->library);
    return !lookup->path.failed && access(str_text(&lookup->path), R_OK) == 0;
}

static bool visit_folder(void *context, const char *folder) {
    return is_in(context, folder, strlen(folder));
}

static bool find_file(struct lookup *lookup, const char *run_path) {
    if (strchr(lookup->library, '/')) {
        str_add(&lookup->path, lookup->library);
        return access(lookup->library, R_OK) == 0;
    }
    for (const char *at = run_path; at && *at;) {
        size_t size = strcspn(at, ":");
        if (is_in(lookup, at, size)) {
            return true;
        }
        at += size + (at[size] == ':');
    }
    return dl_each_folder(visit_folder, lookup);
}

static void look_at_library(struct search *search, const char *library) {
    if (dl_is_loaded(library, NULL)) {
        return;
    }
    struct lookup lookup = {.library = library, .origin = search->image->path};
    str_init(&lookup.path);
    if (find_file(&lookup, search->image->run_path)) {
        char **exports = image_read_exports(str_text(&lookup.path));
        search->unloaded[search->unloaded_count++].exports = exports;
        search->is_unsure = search->is_unsure || !exports;
    } else {
        names_add(&search->absent, library);
    }
    str_fini(&lookup.path);
}

static bool is_exported(char **exports, const char *symbol) {
    for (; exports && *exports; exports++) {
        if (strcmp(*exports, symbol) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_found(const struct search *search, const char *symbol) {
    if (dl_is_global(symbol) || is_exported(search->image->exports, symbol)) {
        return true;
    }
    for (char **library = search->image->needed; *library; library++) {
        if (dl_is_loaded(*library, symbol)) {
            return true;
        }
    }
    for (size_t i = 0; i < search->unloaded_count; i++) {
        if (is_exported(search->unloaded[i].exports, symbol)) {
            return true;
        }
    }
    return false;
}

static char **pack_missing(const struct search *search) {
    struct names names;
    names_init(&names);
    bool can_tell = !search->is_unsure && search->absent.count == 0;
    for (size_t i = 0; can_tell && i < search->image->strong_imports; i++) {
        if (!is_found(search, search->image->imports[i])) {
            names_add(&names, search->image->imports[i]);
        }
    }
    char **packed = names_pack(&names);
    names_fini(&names);
    return packed;
}

int missing_find(const struct image *image, struct missing *ret, struct err *err) {
    struct search search = {.image = image};
    size_t count = 0;
    while (image->needed[count]) {
        count++;
    }
    search.unloaded = mem_array(count + 1, sizeof *search.unloaded);
    names_init(&search.absent);
    for (size_t i = 0; search.unloaded && i < count; i++) {
        look_at_library(&search, image->needed[i]);
    }
    struct missing missing = {
        .symbols = search.unloaded ? pack_missing(&search) : NULL,
        .libraries = names_pack(&search.absent),
    };
    for (size_t i = 0; i < search.unloaded_count; i++) {
        mem_free(search.unloaded[i].exports);
    }
    mem_free(search.unloaded);
    names_fini(&search.absent);
    if (!missing.symbols || !missing.libraries) {
        missing_fini(&missing);
        return err_set(err, ERR_NOMEM, "no memory for the imports of '%s'", image->path);
    }
    *ret = missing;
    return 0;
}

void missing_fini(struct missing *missing) {
    mem_free(missing->symbols);
    mem_free(missing->libraries);
    *missing = (struct missing){0};
}
