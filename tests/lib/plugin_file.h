/* Plugin files for tests: real ones, read into memory, changed there, written elsewhere. */
#pragma once

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

struct plugin_file {
    uint8_t *bytes;
    size_t size;
};

/* Reads test-plugins/<name>.so of the build folder; to be given to plugin_file_fini. */
void plugin_file_init(struct plugin_file *file, const char *name);
void plugin_file_fini(struct plugin_file *file);

Elf64_Ehdr *plugin_file_header(struct plugin_file *file);
/* The first segment of that type with all of these flags. Fails the test when there is none. */
Elf64_Phdr *plugin_file_segment(struct plugin_file *file, uint32_t type, uint32_t flags);
/* The first dynamic entry with that tag; NULL when there is none. */
Elf64_Dyn *plugin_file_dynamic(struct plugin_file *file, int64_t tag);
/* The dynamic symbol of that name. Fails the test when there is none. */
Elf64_Sym *plugin_file_symbol(struct plugin_file *file, const char *name);
/* Gives every text `from` in the file, of which there must be one at least, the name `to`, which is
 * as long. */
void plugin_file_rename(struct plugin_file *file, const char *from, const char *to);
