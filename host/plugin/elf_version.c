/* The symbol versions of a shared object; the dynamic linker indexes arrays by them unchecked. */
#include <string.h>

#include "plugin/elf.h"

#define VERSION_MASK 0x7fffu

static bool is_needed(const struct elf *elf, const char *name) {
    for (size_t i = 0; i < elf->dynamic_count; i++) {
        const char *needed = elf_needed(elf, i);
        if (needed && strcmp(needed, name) == 0) {
            return true;
        }
    }
    return false;
}

static int refuse(struct err *err) {
    return err_set(err, ERR_INVALID, "its table of symbol versions is malformed");
}

/* The versions wanted of one library; raises *most to the highest index. */
static int check_wanted(const struct elf *elf, uint64_t at, unsigned count, unsigned *most,
                        struct err *err) {
    for (unsigned i = 0; i < count; i++) {
        Elf64_Vernaux aux;
        const uint8_t *bytes = elf_at(elf, at, sizeof aux);
        if (!bytes) {
            return refuse(err);
        }
        memcpy(&aux, bytes, sizeof aux);
        if (aux.vna_name >= elf->strings_size || (aux.vna_next < sizeof aux && i + 1 < count)) {
            return refuse(err);
        }
        unsigned index = aux.vna_other & VERSION_MASK;
        *most = index > *most ? index : *most;
        at += aux.vna_next;
    }
    return 0;
}

static int check_needs(const struct elf *elf, unsigned *most, struct err *err) {
    uint64_t at = elf->tags[ELF_TAG_VERNEED];
    for (uint64_t i = 0; i < elf->tags[ELF_TAG_VERNEEDNUM]; i++) {
        Elf64_Verneed need;
        const uint8_t *bytes = elf_at(elf, at, sizeof need);
        if (!bytes) {
            return refuse(err);
        }
        memcpy(&need, bytes, sizeof need);
        /* The dynamic linker aborts over a version of a library that is not a dependency. */
        if (need.vn_file >= elf->strings_size || !is_needed(elf, elf->strings + need.vn_file) ||
            check_wanted(elf, at + need.vn_aux, need.vn_cnt, most, err) < 0) {
            return refuse(err);
        }
        if (need.vn_next < sizeof need) {
            bool is_last = i + 1 == elf->tags[ELF_TAG_VERNEEDNUM];
            return is_last && need.vn_next == 0 ? 0 : refuse(err);
        }
        at += need.vn_next;
    }
    return 0;
}

static int check_definitions(const struct elf *elf, unsigned *most, struct err *err) {
    uint64_t at = elf->tags[ELF_TAG_VERDEF];
    for (uint64_t i = 0; i < elf->tags[ELF_TAG_VERDEFNUM]; i++) {
        Elf64_Verdef def;
        Elf64_Verdaux aux;
        const uint8_t *bytes = elf_at(elf, at, sizeof def);
        if (!bytes) {
            return refuse(err);
        }
        memcpy(&def, bytes, sizeof def);
        bytes = elf_at(elf, at + def.vd_aux, sizeof aux);
        if (!bytes) {
            return refuse(err);
        }
        memcpy(&aux, bytes, sizeof aux);
        if (aux.vda_name >= elf->strings_size) {
            return refuse(err);
        }
        unsigned index = def.vd_ndx & VERSION_MASK;
        *most = index > *most ? index : *most;
        if (def.vd_next < sizeof def) {
            bool is_last = i + 1 == elf->tags[ELF_TAG_VERDEFNUM];
            return is_last && def.vd_next == 0 ? 0 : refuse(err);
        }
        at += def.vd_next;
    }
    return 0;
}

int elf_check_versions(const struct elf *elf, struct err *err) {
    unsigned most = 1; /* 0 and 1 are "local" and "global" */
    if (elf->has_tag[ELF_TAG_VERNEED] && check_needs(elf, &most, err) < 0) {
        return -1;
    }
    if (elf->has_tag[ELF_TAG_VERDEF] && check_definitions(elf, &most, err) < 0) {
        return -1;
    }
    if (!elf->has_tag[ELF_TAG_VERSYM]) {
        return 0;
    }
    const uint8_t *indexes = elf_at(elf, elf->tags[ELF_TAG_VERSYM], elf->symbol_count * 2ull);
    for (uint32_t i = 0; indexes && i < elf->symbol_count; i++) {
        uint16_t index;
        memcpy(&index, indexes + 2ull * i, sizeof index);
        if ((index & VERSION_MASK) > most) {
            return refuse(err);
        }
    }
    return indexes ? 0 : refuse(err);
}
