/* A small world for tests of generations: a folder with one plugin file in it, a host to load it. */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/plugin_file.h"
#include "lib/temp.h"
#include "lib/test.h"
#include "plugin/library.h"

/* A host that remembers what plugins tell it through an extension. */
struct world {
    struct troupe_host host;
    char *folder;
    char told[256];
};

static inline const void *hear(const struct troupe_host *host, struct troupe_str id) {
    struct world *w = (struct world *)(uintptr_t)host; /* its first member */
    (void)snprintf(w->told + strlen(w->told), sizeof w->told - strlen(w->told), "%.*s ",
                   TROUPE_STR_ARG(id));
    return NULL;
}

static inline int library_setup(void **state) {
    struct world *w = test_calloc(1, sizeof *w);
    w->host = (struct troupe_host){.size = sizeof w->host, .abi_major = 1, .extension = hear};
    w->folder = test_temp_create();
    *state = w;
    return 0;
}

static inline int library_teardown(void **state) {
    struct world *w = *state;
    (void)unsetenv("HOOKS_FIXTURE");
    (void)unsetenv("TABLES_FIXTURE");
    library_remove_copies();
    test_temp_remove(w->folder);
    test_free(w);
    return 0;
}

/* Writes a plugin of the build to folder/plugin.so, over what is there. */
static inline void install(const struct world *w, const struct plugin_file *file) {
    char *path = test_path(w->folder, "plugin.so");
    test_write_file_n(path, file->bytes, file->size);
    free(path);
}

static inline void install_fixture(const struct world *w, const char *name) {
    struct plugin_file file;
    plugin_file_init(&file, name);
    install(w, &file);
    plugin_file_fini(&file);
}

static inline struct image *read_installed(const struct world *w) {
    char *path = test_path(w->folder, "plugin.so");
    struct image *image;
    struct err err;
    if (image_read(path, &image, &err) < 0) {
        fail_msg("%s", err.text);
    }
    free(path);
    return image;
}

static inline struct library *open_installed(const struct world *w) {
    struct library *library;
    struct err err;
    if (library_open(read_installed(w), &w->host, &library, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return library;
}

static inline struct library *open_fixture(const struct world *w, const char *name) {
    install_fixture(w, name);
    return open_installed(w);
}

static inline void assert_refused(const struct world *w, enum err_code code, const char *expected) {
    struct image *image = read_installed(w);
    struct library *library;
    struct err err = {0};
    char sentence[2048];
    (void)snprintf(sentence, sizeof sentence, "plugin file '%s': %s", image->path, expected);

    assert_int_equal(library_open(image, &w->host, &library, &err), -1);

    assert_string_equal(err.text, sentence);
    assert_int_equal(err.code, code);
    image_destroy(image);
}

static inline int count_entries(const char *folder) {
    DIR *dir = opendir(folder);
    int count = 0;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    closedir(dir);
    return count;
}

#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, library_setup, library_teardown)
