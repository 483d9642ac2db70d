/* The one user of dlopen; see dl.h. */
#include "plugin/dl.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include "base/alloc.h"

/* How often objects were mapped and unmapped in this process so far. */
struct changes {
    unsigned long long adds, subs;
};

static int read_changes(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    struct changes *changes = context;
    changes->adds = info->dlpi_adds;
    changes->subs = info->dlpi_subs;
    return 1;
}

static struct changes count_changes(void) {
    struct changes changes = {0, 0};
    dl_iterate_phdr(read_changes, &changes);
    return changes;
}

static void add_segment(struct dl *dl, const struct dl_phdr_info *info, const ElfW(Phdr) * load) {
    if (load->p_type != PT_LOAD || dl->segment_count == ELF_LOADS_MAX) {
        return;
    }
    struct dl_segment *segment = &dl->segments[dl->segment_count++];
    segment->start = info->dlpi_addr + load->p_vaddr;
    segment->end = segment->start + load->p_memsz;
    segment->is_code = (load->p_flags & PF_X) != 0;
    segment->is_writable = (load->p_flags & PF_W) != 0;
}

static int read_segments(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    struct dl *dl = context;
    if (!info->dlpi_name || strcmp(info->dlpi_name, dl->name) != 0) {
        return 0;
    }
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        add_segment(dl, info, &info->dlpi_phdr[i]);
    }
    return 1;
}

static int refuse(const char *path, struct err *err) {
    const char *text = dlerror();
    size_t size = strlen(path);
    if (text && strncmp(text, path, size) == 0 && strncmp(text + size, ": ", 2) == 0) {
        text += size + 2;
    }
    return err_set(err, ERR_FAILED, "the dynamic linker says: %s", text ? text : "nothing");
}

int dl_open(const char *path, struct dl *ret, struct err *err) {
    struct dl dl = {0};
    struct link_map *map;
    struct changes before = count_changes();
    dl.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!dl.handle) {
        return refuse(path, err);
    }
    if (dlinfo(dl.handle, RTLD_DI_LINKMAP, &map) < 0) {
        refuse(path, err);
        dlclose(dl.handle);
        return -1;
    }
    dl.map = map;
    dl.name = map->l_name;
    if (count_changes().adds == before.adds || strcmp(map->l_name, path) != 0 ||
        dl_iterate_phdr(read_segments, &dl) == 0) {
        err_set(err, ERR_EXISTS, "the dynamic linker gave back '%s', which was loaded before",
                map->l_name);
        dlclose(dl.handle);
        return -1;
    }
    *ret = dl;
    return 0;
}

bool dl_close(struct dl *dl, const char *path) {
    unsigned long long subs = count_changes().subs;
    dlclose(dl->handle);
    return count_changes().subs > subs && !dl_is_loaded(path, NULL);
}

const void *dl_symbol(const struct dl *dl, const char *name) {
    return dlsym(dl->handle, name);
}

bool dl_holds(const struct dl *dl, const void *memory, uint64_t size) {
    uintptr_t start = (uintptr_t)memory;
    for (size_t i = 0; i < dl->segment_count; i++) {
        const struct dl_segment *segment = &dl->segments[i];
        if (start >= segment->start && start < segment->end && size <= segment->end - start) {
            return true;
        }
    }
    return false;
}

bool dl_holds_code(const struct dl *dl, uintptr_t address) {
    for (size_t i = 0; i < dl->segment_count; i++) {
        const struct dl_segment *segment = &dl->segments[i];
        if (segment->is_code && address >= segment->start && address < segment->end) {
            return true;
        }
    }
    return false;
}

const char *dl_text(const struct dl *dl, const char *text) {
    uintptr_t start = (uintptr_t)text;
    for (size_t i = 0; i < dl->segment_count; i++) {
        const struct dl_segment *segment = &dl->segments[i];
        if (start >= segment->start && start < segment->end) {
            return memchr(text, '\0', segment->end - start) ? text : NULL;
        }
    }
    return NULL;
}

bool dl_is_global(const char *symbol) {
    return dlsym(RTLD_DEFAULT, symbol) != NULL;
}

bool dl_is_loaded(const char *name, const char *symbol) {
    void *handle = dlopen(name, RTLD_NOLOAD | RTLD_LAZY | RTLD_LOCAL);
    if (!handle) {
        return false;
    }
    bool has_it = !symbol || dlsym(handle, symbol);
    dlclose(handle);
    return has_it;
}

/* NULL when there is none. */
static Dl_serinfo *read_folders(void *program) {
    Dl_serinfo head;
    if (dlinfo(program, RTLD_DI_SERINFOSIZE, &head) < 0) {
        return NULL;
    }
    Dl_serinfo *folders = mem_alloc(head.dls_size);
    if (!folders) {
        return NULL;
    }
    folders->dls_size = head.dls_size;
    folders->dls_cnt = head.dls_cnt;
    if (dlinfo(program, RTLD_DI_SERINFO, folders) < 0) {
        mem_free(folders);
        return NULL;
    }
    return folders;
}

bool dl_each_folder(bool (*visit)(void *context, const char *folder), void *context) {
    void *program = dlopen(NULL, RTLD_LAZY);
    Dl_serinfo *folders = program ? read_folders(program) : NULL;
    bool found = false;
    for (unsigned i = 0; folders && !found && i < folders->dls_cnt; i++) {
        found = visit(context, folders->dls_serpath[i].dls_name);
    }
    mem_free(folders);
    if (program) {
        dlclose(program);
    }
    return found;
}
