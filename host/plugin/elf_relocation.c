/* The relocations of a shared object: what the dynamic linker will write, and which code it calls.
 */
#include <string.h>

#include "plugin/elf.h"

#if defined(__x86_64__)
enum {
    RELATIVE = R_X86_64_RELATIVE,
    IRELATIVE = R_X86_64_IRELATIVE,
    COPY = R_X86_64_COPY,
    STATIC_TLS = R_X86_64_TPOFF64,
};
#elif defined(__aarch64__)
enum {
    RELATIVE = R_AARCH64_RELATIVE,
    IRELATIVE = R_AARCH64_IRELATIVE,
    COPY = R_AARCH64_COPY,
    STATIC_TLS = R_AARCH64_TLS_TPREL,
};
#endif

static int refuse(struct err *err) {
    return err_set(err, ERR_INVALID, "its relocations are malformed");
}

static bool is_writable(const struct elf *elf, uint64_t address) {
    const Elf64_Phdr *load = elf_find_load(elf, address, sizeof(uint64_t));
    return load && (load->p_flags & PF_W);
}

static bool is_code(const struct elf *elf, uint64_t address) {
    const Elf64_Phdr *load = elf_find_load(elf, address, 1);
    return load && (load->p_flags & PF_X);
}

static bool is_in_array(const struct elf *elf, uint64_t address, enum elf_tag tag,
                        enum elf_tag size_tag) {
    return elf->has_tag[tag] && address >= elf->tags[tag] &&
           address - elf->tags[tag] < elf->tags[size_tag];
}

/* Constructors and destructors are called from these arrays. */
static bool is_called(const struct elf *elf, uint64_t address) {
    return is_in_array(elf, address, ELF_TAG_INIT_ARRAY, ELF_TAG_INIT_ARRAYSZ) ||
           is_in_array(elf, address, ELF_TAG_FINI_ARRAY, ELF_TAG_FINI_ARRAYSZ);
}

static int check_one(const struct elf *elf, const Elf64_Rela *rela, struct err *err) {
    uint32_t type = (uint32_t)ELF64_R_TYPE(rela->r_info);
    if (type == 0) { /* none */
        return 0;
    }
    if (ELF64_R_SYM(rela->r_info) >= elf->symbol_count || !is_writable(elf, rela->r_offset)) {
        return refuse(err);
    }
    if (type == STATIC_TLS) {
        return err_set(err, ERR_INVALID,
                       "it uses static thread-local storage, of which a process has little; build "
                       "it with -ftls-model=global-dynamic");
    }
    bool is_call = type == IRELATIVE || (type == RELATIVE && is_called(elf, rela->r_offset));
    if (type == COPY || (is_call && !is_code(elf, (uint64_t)rela->r_addend))) {
        return refuse(err);
    }
    return 0;
}

static int check_table(const struct elf *elf, enum elf_tag tag, enum elf_tag size_tag,
                       struct err *err) {
    if (!elf->has_tag[tag]) {
        return 0;
    }
    uint64_t size = elf->tags[size_tag];
    const uint8_t *bytes = elf_at(elf, elf->tags[tag], size);
    if (!bytes || size % sizeof(Elf64_Rela) != 0) {
        return refuse(err);
    }
    for (uint64_t at = 0; at < size; at += sizeof(Elf64_Rela)) {
        Elf64_Rela rela;
        memcpy(&rela, bytes + at, sizeof rela);
        if (check_one(elf, &rela, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The dynamic linker asserts that so many relocations at the front are relative. */
static int check_count(const struct elf *elf, struct err *err) {
    uint64_t count = elf->tags[ELF_TAG_RELASZ] / sizeof(Elf64_Rela);
    count = count < elf->tags[ELF_TAG_RELACOUNT] ? count : elf->tags[ELF_TAG_RELACOUNT];
    for (uint64_t i = 0; i < count; i++) {
        Elf64_Rela rela;
        memcpy(&rela, elf_at(elf, elf->tags[ELF_TAG_RELA] + i * sizeof rela, sizeof rela),
               sizeof rela);
        if (ELF64_R_TYPE(rela.r_info) != RELATIVE) {
            return refuse(err);
        }
    }
    return 0;
}

/* Where packed relative relocations write: an even word is an address, an odd one a bitmap of the
 * 63 words that follow. */
static int check_packed(const struct elf *elf, struct err *err) {
    uint64_t size = elf->tags[ELF_TAG_RELRSZ];
    const uint8_t *bytes = elf_at(elf, elf->tags[ELF_TAG_RELR], size);
    uint64_t next = 0;
    if (!bytes || size % sizeof(Elf64_Relr) != 0) {
        return refuse(err);
    }
    for (uint64_t at = 0; at < size; at += sizeof(Elf64_Relr)) {
        Elf64_Relr word;
        memcpy(&word, bytes + at, sizeof word);
        if ((word & 1) == 0) {
            if (!is_writable(elf, word)) {
                return refuse(err);
            }
            next = word + sizeof word;
            continue;
        }
        for (unsigned bit = 1; bit < 64; bit++) {
            if ((word >> bit & 1) && !is_writable(elf, next + (bit - 1) * sizeof word)) {
                return refuse(err);
            }
        }
        next += 63 * sizeof word;
    }
    return 0;
}

int elf_check_relocations(const struct elf *elf, struct err *err) {
    if (check_table(elf, ELF_TAG_RELA, ELF_TAG_RELASZ, err) < 0 ||
        check_table(elf, ELF_TAG_JMPREL, ELF_TAG_PLTRELSZ, err) < 0 ||
        (elf->has_tag[ELF_TAG_RELA] && check_count(elf, err) < 0)) {
        return -1;
    }
    return elf->has_tag[ELF_TAG_RELR] ? check_packed(elf, err) : 0;
}
