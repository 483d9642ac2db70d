/* A plugin file as bytes: checked, described, hashed; see image.h. */
#include "plugin/image.h"

#include <sha256.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <troupe/note.h>
#include <troupe/plugin.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "plugin/elf.h"
#include "plugin/image_file.h"
#include "plugin/names.h"
#include "plugin/note_text.h"

#define ENTRY_SYMBOL "troupe_plugin_v1"
_Static_assert(TROUPE_ABI_MAJOR == 1, "the entry symbol has the ABI's major in its name");

static int no_memory(struct err *err) {
    return err_set(err, ERR_NOMEM, "no memory for its description");
}

static bool is_import(const Elf64_Sym *symbol) {
    unsigned bind = ELF64_ST_BIND(symbol->st_info);
    return symbol->st_shndx == SHN_UNDEF && (bind == STB_GLOBAL || bind == STB_WEAK);
}

static bool is_export(const Elf64_Sym *symbol) {
    unsigned visibility = ELF64_ST_VISIBILITY(symbol->st_other);
    return symbol->st_shndx != SHN_UNDEF && ELF64_ST_BIND(symbol->st_info) != STB_LOCAL &&
           (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

static char **pack_exports(const struct elf *elf) {
    struct names names;
    names_init(&names);
    for (uint32_t i = 1; i < elf->symbol_count; i++) {
        Elf64_Sym symbol = elf_symbol(elf, i);
        if (is_export(&symbol)) {
            names_add(&names, elf_symbol_name(elf, i));
        }
    }
    char **exports = names_pack(&names);
    names_fini(&names);
    return exports;
}

static void add_imports(const struct elf *elf, unsigned bind, struct names *names) {
    for (uint32_t i = 1; i < elf->symbol_count; i++) {
        Elf64_Sym symbol = elf_symbol(elf, i);
        if (is_import(&symbol) && ELF64_ST_BIND(symbol.st_info) == bind) {
            names_add(names, elf_symbol_name(elf, i));
        }
    }
}

static char **pack_imports(const struct elf *elf, size_t *ret_strong) {
    struct names names;
    names_init(&names);
    add_imports(elf, STB_GLOBAL, &names);
    *ret_strong = names.count;
    add_imports(elf, STB_WEAK, &names);
    char **imports = names_pack(&names);
    names_fini(&names);
    return imports;
}

static char **pack_needed(const struct elf *elf) {
    struct names names;
    names_init(&names);
    for (size_t i = 0; i < elf->dynamic_count; i++) {
        const char *name = elf_needed(elf, i);
        if (name) {
            names_add(&names, name);
        }
    }
    char **needed = names_pack(&names);
    names_fini(&names);
    return needed;
}

static bool has_unique_symbols(const struct elf *elf) {
    for (uint32_t i = 1; i < elf->symbol_count; i++) {
        if (ELF64_ST_BIND(elf_symbol(elf, i).st_info) == STB_GNU_UNIQUE) {
            return true;
        }
    }
    return false;
}

static bool has_segment(const struct elf *elf, uint32_t type) {
    for (size_t i = 0; i < elf->header.e_phnum; i++) {
        if (elf_segment(elf, i).p_type == type) {
            return true;
        }
    }
    return false;
}

static int describe(struct image *image, const struct elf *elf, struct err *err) {
    const char *soname = elf_tag_text(elf, ELF_TAG_SONAME);
    const char *run_path = elf_tag_text(elf, ELF_TAG_RUNPATH);
    run_path = run_path ? run_path : elf_tag_text(elf, ELF_TAG_RPATH);
    image->imports = pack_imports(elf, &image->strong_imports);
    image->exports = pack_exports(elf);
    image->needed = pack_needed(elf);
    image->soname = mem_text(soname);
    image->run_path = mem_text(run_path);
    image->has_unique_symbols = has_unique_symbols(elf);
    image->is_stripped = !elf_has_section_type(elf, SHT_SYMTAB);
    image->is_nodelete = (elf->tags[ELF_TAG_FLAGS_1] & DF_1_NODELETE) != 0;
    image->has_thread_locals = has_segment(elf, PT_TLS);
    image->has_relro = has_segment(elf, PT_GNU_RELRO);
    image->binds_now = (elf->tags[ELF_TAG_FLAGS] & DF_BIND_NOW) != 0 ||
                       (elf->tags[ELF_TAG_FLAGS_1] & DF_1_NOW) != 0;
    bool ok = image->imports && image->exports && image->needed && (image->soname || !soname) &&
              (image->run_path || !run_path);
    return ok ? 0 : no_memory(err);
}

static int check_names(char *const *names, const char *what, struct err *err) {
    for (; *names; names++) {
        if (note_check_text(*names, err) < 0) {
            return err_wrap(err, "the name of %s", what);
        }
    }
    return 0;
}

/* They end up on terminals and in JSON. */
static int check_all_names(const struct image *image, struct err *err) {
    char *const single[] = {image->soname, NULL};
    if (check_names(image->imports, "an import", err) < 0 ||
        check_names(image->exports, "an export", err) < 0 ||
        check_names(image->needed, "a needed library", err) < 0) {
        return -1;
    }
    return check_names(single, "the library", err);
}

static void take_build_id(struct image *image, const struct elf *elf) {
    size_t size;
    const uint8_t *id = elf_find_note(elf, "GNU", NT_GNU_BUILD_ID, &size);
    for (size_t i = 0; id && i < size && i < sizeof image->build_id / 2; i++) {
        snprintf(image->build_id + 2 * i, 3, "%02x", id[i]);
    }
}

static int take_note(struct image *image, const struct elf *elf, struct err *err) {
    size_t size;
    const uint8_t *note = elf_section(elf, TROUPE_NOTE_SECTION, &size);
    if (!note) { /* the section headers may have been stripped */
        note = elf_find_note_segment(elf, TROUPE_NOTE_OWNER, &size);
    }
    if (!note) {
        return err_set(err, ERR_INVALID, "it is not a Troupe plugin: it has no section %s",
                       TROUPE_NOTE_SECTION);
    }
    return note_parse(note, size, &image->note, err);
}

static int check_entry(const struct elf *elf, struct err *err) {
    for (uint32_t i = 1; i < elf->symbol_count; i++) {
        Elf64_Sym symbol = elf_symbol(elf, i);
        if (!is_export(&symbol) || strcmp(elf_symbol_name(elf, i), ENTRY_SYMBOL) != 0) {
            continue;
        }
        if (ELF64_ST_TYPE(symbol.st_info) != STT_OBJECT ||
            symbol.st_value % _Alignof(struct troupe_plugin) != 0 ||
            symbol.st_size < sizeof(uint32_t) ||
            !elf_find_load(elf, symbol.st_value, symbol.st_size)) {
            return err_set(err, ERR_INVALID, "its symbol %s is not a table", ENTRY_SYMBOL);
        }
        return 0;
    }
    return err_set(err, ERR_INVALID, "it does not export %s", ENTRY_SYMBOL);
}

static int examine(struct image *image, struct err *err) {
    struct elf elf;
    if (elf_open(image->bytes, image->size, &elf, err) < 0 || take_note(image, &elf, err) < 0 ||
        check_entry(&elf, err) < 0 || describe(image, &elf, err) < 0) {
        return -1;
    }
    if (check_all_names(image, err) < 0) {
        return -1;
    }
    take_build_id(image, &elf);
    return 0;
}

/* Takes `bytes` in every case. */
static int create(const char *path, uint8_t *bytes, size_t size, struct image **ret,
                  struct err *err) {
    struct image *image = mem_alloc(sizeof *image);
    if (!image) {
        mem_free(bytes);
        return err_set(err, ERR_NOMEM, "plugin file '%s': no memory", path);
    }
    atomic_init(&image->refs, 1);
    pthread_mutex_init(&image->lock, NULL);
    image->bytes = bytes;
    image->size = size;
    image->path = mem_text(path);
    int status = image->path ? examine(image, err) : no_memory(err);
    if (status < 0) {
        image_destroy(image);
        return err_wrap(err, "plugin file '%s'", path);
    }
    *ret = image;
    return 0;
}

int image_parse(const char *path, const void *bytes, size_t size, struct image **ret,
                struct err *err) {
    uint8_t *copy = mem_alloc(size + 1);
    if (!copy) {
        return err_set(err, ERR_NOMEM, "plugin file '%s': no memory for its %zu bytes", path, size);
    }
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    return create(path, copy, size, ret, err);
}

int image_read(const char *path, struct image **ret, struct err *err) {
    uint8_t *bytes;
    size_t size;
    if (image_file_read(path, &bytes, &size, err) < 0) {
        return err_wrap(err, "plugin file '%s'", path);
    }
    return create(path, bytes, size, ret, err);
}

/* What takes less than a millisecond. */
#define HASHED_AT_ONCE (16u << 10)

static void hash(const uint8_t *bytes, size_t size, char *ret) {
    SHA256_CTX context;
    SHA256Init(&context);
    for (size_t at = 0; at < size; at += HASHED_AT_ONCE) {
        SHA256Update(&context, bytes + at, size - at < HASHED_AT_ONCE ? size - at : HASHED_AT_ONCE);
        slice_end();
    }
    (void)SHA256End(&context, ret);
}

const char *image_sha256(const struct image *asked) {
    struct image *image =
        (struct image *)(uintptr_t)asked; /* what is kept changes nothing to see */
    pthread_mutex_lock(&image->lock);
    if (!image->sha256[0]) {
        hash(image->bytes, image->size, image->sha256);
    }
    pthread_mutex_unlock(&image->lock);
    return image->sha256;
}

struct image *image_ref(struct image *image) {
    atomic_fetch_add_explicit(&image->refs, 1, memory_order_relaxed);
    return image;
}

void image_destroy(struct image *image) {
    /* acquire and release: the last holder sees what the others did before they let go */
    if (!image || atomic_fetch_sub_explicit(&image->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    note_destroy(image->note);
    mem_free(image->imports);
    mem_free(image->exports);
    mem_free(image->needed);
    mem_free(image->soname);
    mem_free(image->run_path);
    mem_free(image->bytes);
    mem_free(image->path);
    pthread_mutex_destroy(&image->lock);
    mem_free(image);
}

char **image_read_exports(const char *path) {
    uint8_t *bytes;
    size_t size;
    struct elf elf;
    if (image_file_read(path, &bytes, &size, NULL) < 0) {
        return NULL;
    }
    char **exports = elf_open(bytes, size, &elf, NULL) == 0 ? pack_exports(&elf) : NULL;
    mem_free(bytes);
    return exports;
}
