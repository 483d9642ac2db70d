/* A shared object as bytes, checked for whatever would make the dynamic linker crash, hang or
 * abort.
 *
 * dlopen trusts its input: a truncated or damaged file ends the process. Everything that the
 * dynamic linker follows while it loads (headers, tables, hashes, versions, relocations) is
 * followed here first. Damage of code and data is not seen. Tables are read by copying: offsets
 * need not be aligned.
 */
#pragma once

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define ELF_LOADS_MAX 32

/* The dynamic section, by tag: the last entry of a tag counts, as for the dynamic linker. */
/* clang-format off */
#define ELF_TAGS(X)                                                                                \
    X(HASH) X(GNU_HASH) X(STRTAB) X(STRSZ) X(SYMTAB) X(SYMENT) X(RELA) X(RELASZ) X(RELAENT)        \
    X(REL) X(JMPREL) X(PLTRELSZ) X(PLTREL) X(RELR) X(RELRSZ) X(RELRENT) X(INIT) X(FINI)            \
    X(INIT_ARRAY) X(INIT_ARRAYSZ) X(FINI_ARRAY) X(FINI_ARRAYSZ) X(PREINIT_ARRAY) X(TEXTREL)        \
    X(FLAGS) X(FLAGS_1) X(SONAME) X(RPATH) X(RUNPATH) X(VERSYM) X(VERNEED) X(VERDEF) X(RELACOUNT)
/* clang-format on */
#define ELF_TAG_CONSTANT(name) ELF_TAG_##name,
enum elf_tag { ELF_TAGS(ELF_TAG_CONSTANT) ELF_TAG_COUNT };
#undef ELF_TAG_CONSTANT

struct elf {
    const uint8_t *bytes; /* lent */
    size_t size;
    Elf64_Ehdr header;
    Elf64_Phdr loads[ELF_LOADS_MAX]; /* in the order of their addresses */
    size_t load_count;
    Elf64_Phdr dynamic;   /* the segment */
    size_t dynamic_count; /* entries before DT_NULL */
    bool has_tag[ELF_TAG_COUNT];
    uint64_t tags[ELF_TAG_COUNT];
    const char *strings; /* in bytes; ends with a NUL */
    uint64_t strings_size;
    const uint8_t *symbols; /* in bytes */
    uint32_t symbol_count;
};

/* Checks `bytes`, which must stay as long as the elf. Errors: INVALID, each a whole sentence part
 * ("it is truncated: ..."). [any] */
int elf_open(const void *bytes, size_t size, struct elf *ret, struct err *err);

Elf64_Phdr elf_segment(const struct elf *elf, size_t at); /* at < header.e_phnum */
/* Its bytes in the file, where offset and address agree on them; else NULL. */
const uint8_t *elf_segment_bytes(const struct elf *elf, const Elf64_Phdr *segment);
Elf64_Sym elf_symbol(const struct elf *elf, uint32_t at); /* at < symbol_count */
const char *elf_symbol_name(const struct elf *elf, uint32_t at);
/* The text of entry `at` < dynamic_count when it is a DT_NEEDED, else NULL. */
const char *elf_needed(const struct elf *elf, size_t at);
/* The text a tag stands for; NULL without the tag. */
const char *elf_tag_text(const struct elf *elf, enum elf_tag tag);
/* The bytes of the file that are loaded at `address`, at least `size` of them; else NULL. */
const uint8_t *elf_at(const struct elf *elf, uint64_t address, uint64_t size);
/* The load segment that holds all of [address, address + size), zero-filled memory included. */
const Elf64_Phdr *elf_find_load(const struct elf *elf, uint64_t address, uint64_t size);

/* The section of that name, found by section header, else NULL. */
const uint8_t *elf_section(const struct elf *elf, const char *name, size_t *ret_size);
/* Whether the file has a section header of that type (SHT_SYMTAB: it is not stripped). */
bool elf_has_section_type(const struct elf *elf, uint32_t type);
/* The first note of this owner and type in the note segments, else NULL. */
const uint8_t *elf_find_note(const struct elf *elf, const char *owner, uint32_t type,
                             size_t *ret_size);
/* The note segment that holds a note of this owner, else NULL. */
const uint8_t *elf_find_note_segment(const struct elf *elf, const char *owner, size_t *ret_size);

/* The steps of elf_open, each in its file. */
int elf_check_segments(struct elf *elf, struct err *err);
int elf_check_dynamic(struct elf *elf, struct err *err);
int elf_check_symbols(struct elf *elf, struct err *err);
int elf_check_versions(const struct elf *elf, struct err *err);
int elf_check_relocations(const struct elf *elf, struct err *err);
int elf_check_notes(const struct elf *elf, struct err *err);
