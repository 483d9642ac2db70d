/* The dynamic section of a shared object, and what it points to: strings, symbols, hashes. */
#include <string.h>

#include "plugin/elf.h"

static const int64_t tag_values[ELF_TAG_COUNT] = {
#define TAG_VALUE(name) [ELF_TAG_##name] = DT_##name,
    ELF_TAGS(TAG_VALUE)
#undef TAG_VALUE
};
static const char *const tag_names[ELF_TAG_COUNT] = {
#define TAG_NAME(name) [ELF_TAG_##name] = #name,
    ELF_TAGS(TAG_NAME)
#undef TAG_NAME
};

static Elf64_Dyn entry_at(const struct elf *elf, size_t at) {
    Elf64_Dyn entry;
    memcpy(&entry, elf->bytes + elf->dynamic.p_offset + at * sizeof entry, sizeof entry);
    return entry;
}

static void take_entry(struct elf *elf, const Elf64_Dyn *entry) {
    for (size_t tag = 0; tag < ELF_TAG_COUNT; tag++) {
        if (tag_values[tag] == entry->d_tag) {
            elf->has_tag[tag] = true;
            elf->tags[tag] = entry->d_un.d_val;
        }
    }
}

static int take_entries(struct elf *elf, struct err *err) {
    size_t room = elf->dynamic.p_filesz / sizeof(Elf64_Dyn);
    /* The dynamic linker reads it at its address, this check at its offset. */
    if (!elf_segment_bytes(elf, &elf->dynamic)) {
        return err_set(err, ERR_INVALID, "its dynamic section is not where it says");
    }
    for (size_t i = 0; i < room; i++) {
        Elf64_Dyn entry = entry_at(elf, i);
        if (entry.d_tag == DT_NULL) {
            elf->dynamic_count = i;
            return 0;
        }
        take_entry(elf, &entry);
    }
    return err_set(err, ERR_INVALID, "its dynamic section has no end");
}

static int check_flags(const struct elf *elf, struct err *err) {
    uint64_t flags = elf->tags[ELF_TAG_FLAGS];
    uint64_t flags_1 = elf->tags[ELF_TAG_FLAGS_1];
    if (flags_1 & DF_1_PIE) {
        return err_set(err, ERR_INVALID, "it is an executable, not a shared object");
    }
    if (flags_1 & DF_1_NOOPEN) {
        return err_set(err, ERR_INVALID, "it was linked not to be opened (-z nodlopen)");
    }
    if (elf->has_tag[ELF_TAG_TEXTREL] || (flags & DF_TEXTREL)) {
        return err_set(err, ERR_INVALID, "it has text relocations; build it with -fPIC");
    }
    if (flags & DF_STATIC_TLS) {
        return err_set(err, ERR_INVALID,
                       "it uses static thread-local storage, of which a process has little; build "
                       "it with -ftls-model=global-dynamic");
    }
    return 0;
}

static const struct {
    enum elf_tag tag, size_tag;
    uint64_t size;
} entry_sizes[] = {
    {ELF_TAG_SYMTAB, ELF_TAG_SYMENT, sizeof(Elf64_Sym)},
    {ELF_TAG_RELA, ELF_TAG_RELAENT, sizeof(Elf64_Rela)},
    {ELF_TAG_RELR, ELF_TAG_RELRENT, sizeof(Elf64_Relr)},
    {ELF_TAG_JMPREL, ELF_TAG_PLTREL, DT_RELA},
};
static const enum elf_tag needed_tags[] = {ELF_TAG_STRTAB, ELF_TAG_STRSZ, ELF_TAG_SYMTAB,
                                           ELF_TAG_SYMENT};
static const struct {
    enum elf_tag tag, other;
} tag_pairs[] = {
    {ELF_TAG_RELA, ELF_TAG_RELASZ},
    {ELF_TAG_JMPREL, ELF_TAG_PLTRELSZ},
    {ELF_TAG_RELR, ELF_TAG_RELRSZ},
    {ELF_TAG_INIT_ARRAY, ELF_TAG_INIT_ARRAYSZ},
    {ELF_TAG_FINI_ARRAY, ELF_TAG_FINI_ARRAYSZ},
};

/* The dynamic linker asserts these, and an assertion of it ends the process. */
static int check_sizes(const struct elf *elf, struct err *err) {
    for (size_t i = 0; i < sizeof needed_tags / sizeof *needed_tags; i++) {
        if (!elf->has_tag[needed_tags[i]]) {
            return err_set(err, ERR_INVALID, "its dynamic section has no entry %s",
                           tag_names[needed_tags[i]]);
        }
    }
    for (size_t i = 0; i < sizeof entry_sizes / sizeof *entry_sizes; i++) {
        if (elf->has_tag[entry_sizes[i].tag] &&
            elf->tags[entry_sizes[i].size_tag] != entry_sizes[i].size) {
            return err_set(err, ERR_INVALID, "its dynamic entry %s is malformed",
                           tag_names[entry_sizes[i].size_tag]);
        }
    }
    for (size_t i = 0; i < sizeof tag_pairs / sizeof *tag_pairs; i++) {
        if (elf->has_tag[tag_pairs[i].tag] != elf->has_tag[tag_pairs[i].other]) {
            return err_set(err, ERR_INVALID, "its dynamic section has only one of %s and %s",
                           tag_names[tag_pairs[i].tag], tag_names[tag_pairs[i].other]);
        }
    }
    if (elf->has_tag[ELF_TAG_REL] || elf->has_tag[ELF_TAG_PREINIT_ARRAY]) {
        return err_set(err, ERR_INVALID, "its dynamic section has an entry %s",
                       elf->has_tag[ELF_TAG_REL] ? "REL" : "PREINIT_ARRAY");
    }
    return 0;
}

static int check_code(const struct elf *elf, enum elf_tag tag, struct err *err) {
    const Elf64_Phdr *load = elf_find_load(elf, elf->tags[tag], 1);
    if (elf->has_tag[tag] && !(load && (load->p_flags & PF_X))) {
        return err_set(err, ERR_INVALID, "its dynamic entry %s does not point to code",
                       tag_names[tag]);
    }
    return 0;
}

static int check_array(const struct elf *elf, enum elf_tag tag, enum elf_tag size_tag,
                       struct err *err) {
    uint64_t size = elf->tags[size_tag];
    if (elf->has_tag[tag] && (size % sizeof(uint64_t) != 0 || elf->tags[tag] % sizeof(uint64_t) ||
                              !elf_at(elf, elf->tags[tag], size))) {
        return err_set(err, ERR_INVALID, "its dynamic entry %s is malformed", tag_names[tag]);
    }
    return 0;
}

static int check_strings(struct elf *elf, struct err *err) {
    elf->strings_size = elf->tags[ELF_TAG_STRSZ];
    elf->strings = (const char *)elf_at(elf, elf->tags[ELF_TAG_STRTAB], elf->strings_size);
    if (!elf->strings || elf->strings_size == 0 || elf->strings[elf->strings_size - 1] != '\0') {
        return err_set(err, ERR_INVALID, "its table of strings is malformed");
    }
    static const enum elf_tag texts[] = {ELF_TAG_SONAME, ELF_TAG_RPATH, ELF_TAG_RUNPATH};
    bool ok = true;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ok = ok && (!elf->has_tag[texts[i]] || elf->tags[texts[i]] < elf->strings_size);
    }
    for (size_t i = 0; i < elf->dynamic_count; i++) {
        Elf64_Dyn entry = entry_at(elf, i);
        ok = ok && (entry.d_tag != DT_NEEDED || entry.d_un.d_val < elf->strings_size);
    }
    return ok ? 0 : err_set(err, ERR_INVALID, "its dynamic section names a string out of bounds");
}

int elf_check_dynamic(struct elf *elf, struct err *err) {
    if (take_entries(elf, err) < 0 || check_flags(elf, err) < 0 || check_sizes(elf, err) < 0 ||
        check_code(elf, ELF_TAG_INIT, err) < 0 || check_code(elf, ELF_TAG_FINI, err) < 0 ||
        check_array(elf, ELF_TAG_INIT_ARRAY, ELF_TAG_INIT_ARRAYSZ, err) < 0 ||
        check_array(elf, ELF_TAG_FINI_ARRAY, ELF_TAG_FINI_ARRAYSZ, err) < 0) {
        return -1;
    }
    return check_strings(elf, err);
}

const char *elf_needed(const struct elf *elf, size_t at) {
    Elf64_Dyn entry = entry_at(elf, at);
    return entry.d_tag == DT_NEEDED ? elf->strings + entry.d_un.d_val : NULL;
}

const char *elf_tag_text(const struct elf *elf, enum elf_tag tag) {
    return elf->has_tag[tag] ? elf->strings + elf->tags[tag] : NULL;
}

Elf64_Sym elf_symbol(const struct elf *elf, uint32_t at) {
    Elf64_Sym symbol;
    memcpy(&symbol, elf->symbols + at * sizeof symbol, sizeof symbol);
    return symbol;
}

const char *elf_symbol_name(const struct elf *elf, uint32_t at) {
    return elf->strings + elf_symbol(elf, at).st_name;
}

static uint32_t word_at(const uint8_t *bytes, uint64_t index) {
    uint32_t word;
    memcpy(&word, bytes + index * sizeof word, sizeof word);
    return word;
}

/* The chain of a bucket ends with an odd hash. Moves *count behind its last symbol. */
static int follow_chain(const struct elf *elf, uint64_t chains, uint32_t first, uint32_t at,
                        uint32_t *count, struct err *err) {
    if (at < *count) {
        return 0; /* walked already, as the end of another */
    }
    for (;; at++) {
        const uint8_t *word = elf_at(elf, chains + (uint64_t)(at - first) * 4, 4);
        if (!word || at == UINT32_MAX) {
            return err_set(err, ERR_INVALID, "a chain of its hash table has no end");
        }
        *count = at + 1;
        if (word_at(word, 0) & 1) {
            return 0;
        }
    }
}

/* GNU hash table: buckets, first hashed symbol, bloom words, shift; bloom; buckets; chains. */
static int count_by_gnu_hash(struct elf *elf, struct err *err) {
    uint64_t address = elf->tags[ELF_TAG_GNU_HASH];
    const uint8_t *head = elf_at(elf, address, 16);
    uint32_t buckets = head ? word_at(head, 0) : 0;
    uint32_t first = head ? word_at(head, 1) : 0;
    uint32_t bloom = head ? word_at(head, 2) : 0;
    uint64_t buckets_at = address + 16 + (uint64_t)bloom * 8;
    const uint8_t *bucket = elf_at(elf, buckets_at, (uint64_t)buckets * 4);
    if (!bucket || buckets == 0 || bloom == 0 || (bloom & (bloom - 1)) != 0 || first == 0 ||
        word_at(head, 3) >= 64) {
        return err_set(err, ERR_INVALID, "its hash table is malformed");
    }
    uint32_t count = first;
    for (uint32_t i = 0; i < buckets; i++) {
        uint32_t at = word_at(bucket, i);
        if (at != 0 && at < first) {
            return err_set(err, ERR_INVALID, "its hash table is malformed");
        }
        if (at != 0 &&
            follow_chain(elf, buckets_at + (uint64_t)buckets * 4, first, at, &count, err) < 0) {
            return -1;
        }
    }
    elf->symbol_count = count;
    return 0;
}

/* The old hash table: buckets, symbols; buckets; chains. */
static int count_by_hash(struct elf *elf, struct err *err) {
    const uint8_t *head = elf_at(elf, elf->tags[ELF_TAG_HASH], 8);
    uint64_t buckets = head ? word_at(head, 0) : 0;
    uint64_t count = head ? word_at(head, 1) : 0;
    const uint8_t *words = elf_at(elf, elf->tags[ELF_TAG_HASH], 8 + (buckets + count) * 4);
    if (!words || buckets == 0) {
        return err_set(err, ERR_INVALID, "its hash table is malformed");
    }
    for (uint64_t i = 0; i < buckets + count; i++) {
        if (word_at(words, 2 + i) >= count) {
            return err_set(err, ERR_INVALID, "its hash table is malformed");
        }
    }
    elf->symbol_count = (uint32_t)count;
    return 0;
}

static int count_symbols(struct elf *elf, struct err *err) {
    if (elf->has_tag[ELF_TAG_GNU_HASH]) {
        return count_by_gnu_hash(elf, err);
    }
    if (elf->has_tag[ELF_TAG_HASH]) {
        return count_by_hash(elf, err);
    }
    return err_set(err, ERR_INVALID, "it has no hash table of symbols");
}

static int check_symbol(const struct elf *elf, uint32_t at, struct err *err) {
    Elf64_Sym symbol = elf_symbol(elf, at);
    if (symbol.st_name >= elf->strings_size) {
        return err_set(err, ERR_INVALID, "the name of its symbol %u is out of bounds", at);
    }
    /* The dynamic linker would take a hidden one for its own, at address 0. */
    if (at > 0 && symbol.st_shndx == SHN_UNDEF &&
        (ELF64_ST_BIND(symbol.st_info) == STB_LOCAL ||
         ELF64_ST_VISIBILITY(symbol.st_other) != STV_DEFAULT)) {
        return err_set(err, ERR_INVALID, "its symbol '%s' is neither defined nor imported",
                       elf->strings + symbol.st_name);
    }
    bool has_address = symbol.st_shndx != SHN_UNDEF && symbol.st_shndx != SHN_ABS &&
                       ELF64_ST_TYPE(symbol.st_info) != STT_TLS;
    /* A symbol of a segment's end lies just behind it; the dynamic linker calls an ifunc. */
    const Elf64_Phdr *load = elf_find_load(elf, symbol.st_value, 0);
    bool is_called = ELF64_ST_TYPE(symbol.st_info) == STT_GNU_IFUNC;
    if (has_address && (!load || (is_called && !(load->p_flags & PF_X)))) {
        return err_set(err, ERR_INVALID, "its symbol '%s' lies outside of its memory",
                       elf->strings + symbol.st_name);
    }
    return 0;
}

int elf_check_symbols(struct elf *elf, struct err *err) {
    if (count_symbols(elf, err) < 0) {
        return -1;
    }
    uint64_t size = (uint64_t)elf->symbol_count * sizeof(Elf64_Sym);
    elf->symbols = elf_at(elf, elf->tags[ELF_TAG_SYMTAB], size);
    if (!elf->symbols) {
        return err_set(err, ERR_INVALID, "its table of symbols is malformed");
    }
    for (uint32_t i = 0; i < elf->symbol_count; i++) {
        if (check_symbol(elf, i, err) < 0) {
            return -1;
        }
    }
    return 0;
}
