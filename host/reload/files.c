/* The plugin files of a deployment: which ones are loaded, for which plans, and which of them are needed still. */
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "reload/reload_impl.h"

struct reload_file *files_find(const struct reload *reload, const char *path) {
    for (size_t i = 0; i < reload->file_count; i++) {
        if (strcmp(reload->files[i].path, path) == 0) {
            return &reload->files[i];
        }
    }
    return NULL;
}

/* To who watches them. */
static void tell_news_locked(const struct reload *reload) {
    const uint64_t one = 1;
    if (reload->news >= 0) {
        (void)!write(reload->news, &one, sizeof one);
    }
}

static int add_file(struct reload *reload, struct image *image, struct err *err) {
    struct library *library;
    char *path = mem_text(image->path);
    if (!path) {
        return err_set(err, ERR_NOMEM, "plugin '%s'", image->path);
    }
    if (loaded_open(image, proc_host(reload->proc), reload->log, &library, err) < 0) {
        mem_free(path);
        return -1;
    }
    pthread_mutex_lock(&reload->lock);
    struct reload_file *files = mem_resize(reload->files, (reload->file_count + 1) * sizeof *files);
    if (files) {
        reload->files = files;
        files[reload->file_count++] = (struct reload_file){.path = path, .library = library};
        tell_news_locked(reload);
    }
    pthread_mutex_unlock(&reload->lock);
    if (!files) {
        loaded_close(library);
        mem_free(path);
        return err_set(err, ERR_NOMEM, "plugin '%s'", image->path);
    }
    return 0;
}

int files_add(struct reload *reload, const struct plan *plan, struct err *err) {
    for (size_t i = 0; i < plan->plugin_count; i++) {
        struct image *image = plan->plugins[i].file->image;
        if (!files_find(reload, image->path) && add_file(reload, image, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static bool has_file(const struct plan *plan, const struct reload_file *file) {
    for (size_t i = 0; i < plan->plugin_count; i++) {
        if (strcmp(plan->plugins[i].file->image->path, file->path) == 0) {
            return true;
        }
    }
    return false;
}

/* A generation of a file that stays loaded, though all its actors have left: the type may come from another file now. */
static bool is_left(const struct reload *reload, const struct plan *next,
                    const struct inst_type *type) {
    const struct reload_file *file = files_find(reload, type->library->image->path);
    return file && !file->is_of_root && !has_file(reload->plan, file) && !has_file(next, file);
}

int files_add_types(struct reload *reload, const struct plan *plan, struct err *err) {
    for (size_t i = 0; i < plan->type_count; i++) {
        const struct plan_type *type = &plan->types[i];
        const char *path = plan->plugins[type->plugin].file->image->path;
        const struct library *library = files_find(reload, path)->library;
        const struct library_type *source = library_find_type(library, type->note->id);
        const struct inst_type *there = proc_find_type(reload->proc, type->note->id);
        const struct inst_type *made;
        if (there && !is_left(reload, plan, there)) {
            continue;
        }
        if (!source) {
            return err_set(err, ERR_NOT_FOUND, "plugin '%s' has no actor type '%s'", path,
                           type->note->id);
        }
        if (proc_add_type(reload->proc, type, source, &made, err) < 0) {
            return -1;
        }
        type_make_current(made->line, made);
    }
    return proc_link_types(reload->proc, err);
}

int reload_add_plan(struct reload *reload, const struct plan *plan, struct err *err) {
    if (files_add(reload, plan, err) < 0 || files_add_types(reload, plan, err) < 0) {
        return -1;
    }
    for (size_t i = 0; plan != reload->plan && i < plan->plugin_count; i++) {
        files_find(reload, plan->plugins[i].file->image->path)->is_of_root = true;
    }
    return 0;
}

static bool has_type_of(const struct plan *plan, const struct reload_file *file) {
    for (size_t i = 0; i < plan->type_count; i++) {
        if (library_find_type(file->library, plan->types[i].note->id)) {
            return true;
        }
    }
    return false;
}

/* --- those that nobody needs any more --- */

/* A type that is not to be for a while. */
struct hidden {
    const struct reload_file *file;
    const struct inst_type *type;
};

static bool is_unused(const struct reload *reload, const struct reload_file *file) {
    return !file->is_of_root && !has_file(reload->plan, file);
}

static size_t count_unused(const struct reload *reload) {
    size_t count = 0;
    for (size_t i = 0; i < reload->file_count; i++) {
        const struct reload_file *file = &reload->files[i];
        count += is_unused(reload, file) ? file->library->image->note->actor_count : 0;
    }
    return count;
}

/* Nobody makes an instance of it any more. */
static size_t hide(const struct reload *reload, struct hidden *ret) {
    size_t count = 0;
    for (size_t i = 0; i < reload->file_count; i++) {
        const struct reload_file *file = &reload->files[i];
        const struct note_plugin *note = file->library->image->note;
        for (size_t a = 0; is_unused(reload, file) && a < note->actor_count; a++) {
            const struct inst_type *type = proc_find_type(reload->proc, note->actors[a].id);
            if (type && type->library == file->library) {
                type_make_current(type->line, NULL);
                ret[count++] = (struct hidden){file, type};
            }
        }
    }
    return count;
}

static void show(const struct hidden *hidden, size_t count, const struct reload_file *file) {
    for (size_t i = 0; i < count; i++) {
        if (hidden[i].file == file) {
            type_make_current(hidden[i].type->line, hidden[i].type);
        }
    }
}

/* The place of the last one is its place then. */
static void let_go(struct reload *reload, struct reload_file *file, uint64_t grace_ns) {
    struct reload_file gone = *file;
    pthread_mutex_lock(&reload->lock);
    *file = reload->files[--reload->file_count];
    tell_news_locked(reload);
    pthread_mutex_unlock(&reload->lock);
    mem_free(gone.path);
    retirer_take(reload->retirer, gone.library, grace_ns);
}

void files_retire_unused(struct reload *reload, uint64_t grace_ns) {
    size_t count = count_unused(reload);
    struct hidden *hidden = count > 0 ? mem_array(count, sizeof *hidden) : NULL;
    if (!hidden) {
        return; /* there are none, or they stay until next time */
    }
    count = hide(reload, hidden);
    bool is_over = reload_wait_activations(reload);
    for (size_t i = reload->file_count; i-- > 0;) { /* behind it stand only such that stay */
        struct reload_file *file = &reload->files[i];
        if (!is_unused(reload, file)) {
            continue;
        }
        if (is_over && types_retire_of(reload->proc, file->library)) {
            let_go(reload, file, grace_ns);
        } else {
            show(hidden, count, file);
        }
    }
    mem_free(hidden);
}

bool files_is_in_use(const struct transaction *t, const struct reload_file *file) {
    const struct plan *plan = transaction_plan(t);
    return file->is_of_root || has_file(plan, file) ||
           (has_file(t->reload->plan, file) && has_type_of(plan, file));
}
