/* The plugin files on the search path, and which types they offer; see catalog.h. */
#include "plugin/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/str.h"
#include "plugin/install.h"

static int no_memory(struct err *err) {
    return err_set(err, ERR_NOMEM, "no memory for the catalog of plugins");
}

static bool is_same_folder(const char *a, const char *b) {
    struct stat a_stat;
    struct stat b_stat;
    if (strcmp(a, b) == 0) {
        return true;
    }
    return stat(a, &a_stat) == 0 && stat(b, &b_stat) == 0 && a_stat.st_dev == b_stat.st_dev &&
           a_stat.st_ino == b_stat.st_ino;
}

/* A folder that is named twice counts once. */
static int add_directory(struct catalog *catalog, const char *folder, size_t size,
                         struct err *err) {
    char *name = mem_text_n(folder, size);
    if (!name) {
        return no_memory(err);
    }
    bool is_known = size == 0;
    for (size_t i = 0; i < catalog->directory_count; i++) {
        is_known = is_known || is_same_folder(catalog->directories[i], name);
    }
    if (is_known) {
        mem_free(name);
        return 0;
    }
    char **directories = mem_resize((void *)catalog->directories,
                                    (catalog->directory_count + 1) * sizeof *directories);
    if (!directories) {
        mem_free(name);
        return no_memory(err);
    }
    catalog->directories = directories;
    directories[catalog->directory_count++] = name;
    return 0;
}

static int add_directories(struct catalog *catalog, const char *const *directories, size_t count,
                           struct err *err) {
    for (size_t i = 0; i < count; i++) {
        if (add_directory(catalog, directories[i], strlen(directories[i]), err) < 0) {
            return -1;
        }
    }
    for (const char *at = getenv("TROUPE_PLUGIN_PATH"); at && *at;) {
        size_t size = strcspn(at, ":");
        if (add_directory(catalog, at, size, err) < 0) {
            return -1;
        }
        at += size + (at[size] == ':');
    }
    char *installed = install_plugin_folder();
    int status =
        installed ? add_directory(catalog, installed, strlen(installed), err) : no_memory(err);
    mem_free(installed);
    return status;
}

static int is_plugin_name(const struct dirent *entry) {
    size_t size = strlen(entry->d_name);
    return entry->d_name[0] != '.' && size > 3 && strcmp(entry->d_name + size - 3, ".so") == 0;
}

static struct catalog_file *add_file(struct catalog *catalog, const char *folder,
                                     const char *name) {
    struct str path;
    struct catalog_file *files =
        mem_resize(catalog->files, (catalog->file_count + 1) * sizeof *files);
    if (!files) {
        return NULL;
    }
    catalog->files = files;
    str_init(&path);
    str_add(&path, folder);
    if (name) {
        str_addf(&path, "/%s", name);
    }
    struct catalog_file *file = &files[catalog->file_count];
    *file = (struct catalog_file){.path = str_take(&path)};
    catalog->file_count += file->path != NULL;
    return file->path ? file : NULL;
}

static int scan_file(struct catalog *catalog, const char *folder, const char *name,
                     struct err *err) {
    struct catalog_file *file = add_file(catalog, folder, name);
    if (!file) {
        return no_memory(err);
    }
    if (image_read(file->path, &file->image, &file->refused) < 0 &&
        file->refused.code == ERR_NOMEM) {
        return no_memory(err);
    }
    return 0;
}

static bool is_file(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* A folder that is there and cannot be read is kept as a refused file: its plugins are missing. */
static int refuse_folder(struct catalog *catalog, const char *folder, int number, struct err *err) {
    if (number == ENOENT || number == ENOTDIR) {
        return 0;
    }
    if (number == ENOMEM) {
        return no_memory(err);
    }
    struct catalog_file *file = add_file(catalog, folder, NULL);
    if (!file) {
        return no_memory(err);
    }
    err_errno(&file->refused, ERR_IO, number, "plugin folder '%s': cannot read it", folder);
    return 0;
}

static int compare_names(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name,
                  (*b)->d_name); /* not alphasort: the order must not hang on locale */
}

static int scan_directory(struct catalog *catalog, const char *folder, struct err *err) {
    struct dirent **entries;
    if (is_file(folder)) {
        return scan_file(catalog, folder, NULL, err);
    }
    int count = scandir(folder, &entries, is_plugin_name, compare_names);
    if (count < 0) {
        return refuse_folder(catalog, folder, errno, err);
    }
    int status = 0;
    for (int i = 0; i < count; i++) {
        if (status == 0) {
            status = scan_file(catalog, folder, entries[i]->d_name, err);
        }
        free(entries[i]);
    }
    free(entries);
    return status;
}

int catalog_scan(const char *const *directories, size_t count, struct catalog **ret,
                 struct err *err) {
    struct catalog *catalog = mem_alloc(sizeof *catalog);
    if (!catalog) {
        return no_memory(err);
    }
    catalog->refs = 1;
    int status = add_directories(catalog, directories, count, err);
    for (size_t i = 0; status == 0 && i < catalog->directory_count; i++) {
        status = scan_directory(catalog, catalog->directories[i], err);
    }
    if (status < 0) {
        catalog_destroy(catalog);
        return -1;
    }
    *ret = catalog;
    return 0;
}

struct catalog *catalog_ref(struct catalog *catalog) {
    atomic_fetch_add_explicit(&catalog->refs, 1, memory_order_relaxed);
    return catalog;
}

void catalog_destroy(struct catalog *catalog) {
    /* acq_rel: the last one sees what the others did */
    if (!catalog || atomic_fetch_sub_explicit(&catalog->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    for (size_t i = 0; i < catalog->file_count; i++) {
        image_destroy(catalog->files[i].image);
        mem_free(catalog->files[i].path);
    }
    for (size_t i = 0; i < catalog->directory_count; i++) {
        mem_free(catalog->directories[i]);
    }
    mem_free(catalog->files);
    mem_free((void *)catalog->directories);
    mem_free(catalog);
}

const struct note_actor *catalog_find_type(const struct catalog *catalog, const char *id,
                                           size_t *ret_file) {
    for (size_t i = 0; i < catalog->file_count; i++) {
        const struct image *image = catalog->files[i].image;
        const struct note_actor *actor = image ? note_find_actor(image->note, id) : NULL;
        if (actor) {
            *ret_file = i;
            return actor;
        }
    }
    return NULL;
}

const struct catalog_file *catalog_find_file(const struct catalog *catalog, const char *name) {
    for (size_t i = 0; i < catalog->file_count; i++) {
        const struct catalog_file *file = &catalog->files[i];
        const char *slash = strrchr(file->path, '/');
        if (file->image && strcmp(slash ? slash + 1 : file->path, name) == 0) {
            return file;
        }
    }
    return NULL;
}

const char **catalog_type_names(const struct catalog *catalog) {
    size_t count = 0;
    for (size_t i = 0; i < catalog->file_count; i++) {
        const struct image *image = catalog->files[i].image;
        count += image ? image->note->actor_count : 0;
    }
    const char **names = mem_array(count + 1, sizeof *names);
    size_t at = 0;
    for (size_t i = 0; names && i < catalog->file_count; i++) {
        const struct image *image = catalog->files[i].image;
        for (size_t j = 0; image && j < image->note->actor_count; j++) {
            names[at++] = image->note->actors[j].id;
        }
    }
    return names;
}
