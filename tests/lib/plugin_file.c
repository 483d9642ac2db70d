/* Changing plugin files; see plugin_file.h. They are the build's own, so that nothing is checked. */
#include "lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/plugin_file.h"
#include "lib/temp.h"

void plugin_file_init(struct plugin_file *file, const char *name) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/test-plugins/%s.so", TROUPE_BUILD_DIR, name);
    file->bytes = (uint8_t *)test_read_file(path, &file->size);
}

void plugin_file_fini(struct plugin_file *file) {
    free(file->bytes);
}

Elf64_Ehdr *plugin_file_header(struct plugin_file *file) {
    return (Elf64_Ehdr *)(void *)file->bytes;
}

Elf64_Phdr *plugin_file_segment(struct plugin_file *file, uint32_t type, uint32_t flags) {
    const Elf64_Ehdr *header = plugin_file_header(file);
    Elf64_Phdr *segments = (Elf64_Phdr *)(void *)(file->bytes + header->e_phoff);
    for (size_t i = 0; i < header->e_phnum; i++) {
        if (segments[i].p_type == type && (segments[i].p_flags & flags) == flags) {
            return &segments[i];
        }
    }
    fail_msg("no segment of type %u", type);
    return NULL;
}

Elf64_Dyn *plugin_file_dynamic(struct plugin_file *file, int64_t tag) {
    const Elf64_Phdr *dynamic = plugin_file_segment(file, PT_DYNAMIC, 0);
    Elf64_Dyn *entry = (Elf64_Dyn *)(void *)(file->bytes + dynamic->p_offset);
    while (entry->d_tag != DT_NULL && entry->d_tag != tag) {
        entry++;
    }
    return entry->d_tag == tag ? entry : NULL;
}

/* The tables lie in the first load segment, where addresses are offsets. */
Elf64_Sym *plugin_file_symbol(struct plugin_file *file, const char *name) {
    uint64_t symbols_at = plugin_file_dynamic(file, DT_SYMTAB)->d_un.d_ptr;
    uint64_t strings_at = plugin_file_dynamic(file, DT_STRTAB)->d_un.d_ptr;
    Elf64_Sym *symbol = (Elf64_Sym *)(void *)(file->bytes + symbols_at);
    assert_true(symbols_at < strings_at); /* the one ends where the other begins */
    while ((uint8_t *)symbol < file->bytes + strings_at) {
        if (strcmp((char *)file->bytes + strings_at + symbol->st_name, name) == 0) {
            return symbol;
        }
        symbol++;
    }
    fail_msg("no symbol %s", name);
    return NULL;
}

void plugin_file_rename(struct plugin_file *file, const char *from, const char *to) {
    size_t length = strlen(from);
    unsigned count = 0;
    assert_int_equal(strlen(to), length);
    for (size_t at = 1; at + length < file->size; at++) {
        if (file->bytes[at - 1] == '\0' && memcmp(file->bytes + at, from, length + 1) == 0) {
            memcpy(file->bytes + at, to, length);
            count++;
        }
    }
    assert_true(count > 0);
}
