/* The post-mortems of a folder. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "inspect/post_mortem_impl.h"

struct names {
    char **items;
    size_t count, room;
};

static void free_names(struct names *names) {
    for (size_t i = 0; i < names->count; i++) {
        mem_free(names->items[i]);
    }
    mem_free(names->items);
}

static int add_name(struct names *names, const char *folder, const char *name) {
    struct str path;
    if (names->count == names->room) {
        size_t room = names->room ? 2 * names->room : 64;
        char **items = mem_resize(names->items, room * sizeof *items);
        if (!items) {
            return -1;
        }
        names->items = items;
        names->room = room;
    }
    size_t size = strlen(folder);
    str_init(&path);
    str_addf(&path, "%s%s%s", folder, size && folder[size - 1] == '/' ? "" : "/", name);
    char *text = str_take(&path);
    str_fini(&path);
    if (!text) {
        return -1;
    }
    names->items[names->count++] = text;
    return 0;
}

static bool is_candidate(const char *name) {
    size_t size = strlen(name);
    return name[0] != '.' && size > 5 && strcmp(name + size - 5, ".json") == 0;
}

static int read_names(const char *folder, struct names *names, struct err *err) {
    DIR *stream = opendir(folder);
    if (!stream) {
        return err_errno(err, ERR_IO, errno, "cannot open the folder '%s'", folder);
    }
    int status = 0;
    for (struct dirent *entry; status == 0 && (entry = readdir(stream));) {
        if (is_candidate(entry->d_name) && add_name(names, folder, entry->d_name) < 0) {
            status = err_set(err, ERR_NOMEM, "no memory to read the folder '%s'", folder);
        }
    }
    (void)closedir(stream);
    return status;
}

static int compare_time(const void *a, const void *b) {
    const struct post_mortem_item *first = a, *second = b;
    if (first->when_ns != second->when_ns) {
        return first->when_ns > second->when_ns ? 1 : -1;
    }
    return first->is_message != second->is_message ? (first->is_message ? -1 : 1)
                                                   : strcmp(first->path, second->path);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void fini_item(struct post_mortem_item *item) {
    mem_free(item->path);
    mem_free(item->line);
    mem_free(item->json);
}

static int make_item(const struct post_mortem *pm, bool colour, struct post_mortem_item *ret) {
    struct str line, json;
    str_init(&line);
    str_init(&json);
    post_mortem_line(pm, colour, &line);
    post_mortem_line_json(pm, &json);
    struct post_mortem_item item = {mem_text(pm->path), post_mortem_when(pm),
                                    pm->kind == POST_MORTEM_MESSAGE, str_take(&line),
                                    str_take(&json)};
    str_fini(&line);
    str_fini(&json);
    if (!item.path || !item.line || !item.json) {
        fini_item(&item);
        return -1;
    }
    *ret = item;
    return 0;
}

/* One file at a time, so that a full folder needs no memory for all of it at once. */
static int read_item(const char *path, bool colour, struct post_mortem_item *ret, struct err *err) {
    struct post_mortem *pm = NULL;
    if (post_mortem_read(path, &pm, err) < 0) {
        return -1;
    }
    int status = make_item(pm, colour, ret);
    post_mortem_destroy(pm);
    return status < 0 ? err_set(err, ERR_NOMEM, "no memory to read '%s'", path) : 0;
}

int post_mortem_list(const char *folder, bool colour, struct post_mortem_list *ret,
                     struct err *err) {
    struct names names = {.count = 0};
    if (read_names(folder, &names, err) < 0) {
        free_names(&names);
        return -1;
    }
    struct post_mortem_list list = {
        .items = mem_array(names.count + 1, sizeof *list.items),
        .errors = mem_array(names.count + 1, sizeof *list.errors),
    };
    if (!list.items || !list.errors) {
        post_mortem_list_fini(&list);
        free_names(&names);
        return err_set(err, ERR_NOMEM, "no memory to read the folder '%s'", folder);
    }
    if (names.count > 0) {
        qsort(names.items, names.count, sizeof *names.items, compare_names);
    }
    for (size_t i = 0; i < names.count; i++) {
        bool failed = read_item(names.items[i], colour, &list.items[list.count],
                                &list.errors[list.error_count]) < 0;
        list.error_count += failed;
        list.count += !failed;
    }
    qsort(list.items, list.count, sizeof *list.items, compare_time);
    free_names(&names);
    *ret = list;
    return 0;
}

void post_mortem_list_fini(struct post_mortem_list *list) {
    for (size_t i = 0; list->items && i < list->count; i++) {
        fini_item(&list->items[i]);
    }
    mem_free(list->items);
    mem_free(list->errors);
    *list = (struct post_mortem_list){.count = 0};
}
