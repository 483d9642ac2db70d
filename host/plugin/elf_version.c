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

/* Each of the three lists below ends with a step of 0; the dynamic linker does not look at counts. */
static bool is_step(uint64_t step, size_t size) {
    return step == 0 || step >= size;
}

/* The versions wanted of one library; raises *most to the highest index. */
static int check_wanted(const struct elf *elf, uint64_t at, unsigned *most, struct err *err) {
    for (;;) {
        Elf64_Vernaux aux;
        const uint8_t *bytes = elf_at(elf, at, sizeof aux);
        if (!bytes) {
            return refuse(err);
        }
        memcpy(&aux, bytes, sizeof aux);
        if (aux.vna_name >= elf->strings_size || !is_step(aux.vna_next, sizeof aux)) {
            return refuse(err);
        }
        unsigned index = aux.vna_other & VERSION_MASK;
        *most = index > *most ? index : *most;
        if (aux.vna_next == 0) {
            return 0;
        }
        at += aux.vna_next;
    }
}

static int check_needs(const struct elf *elf, unsigned *most, struct err *err) {
    uint64_t at = elf->tags[ELF_TAG_VERNEED];
    for (;;) {
        Elf64_Verneed need;
        const uint8_t *bytes = elf_at(elf, at, sizeof need);
        if (!bytes) {
            return refuse(err);
        }
        memcpy(&need, bytes, sizeof need);
        /* The dynamic linker aborts over a version of a library that is not a dependency. */
        if (need.vn_version != VER_NEED_CURRENT || need.vn_file >= elf->strings_size ||
            !is_needed(elf, elf->strings + need.vn_file) || !is_step(need.vn_next, sizeof need) ||
            check_wanted(elf, at + need.vn_aux, most, err) < 0) {
            return refuse(err);
        }
        if (need.vn_next == 0) {
            return 0;
        }
        at += need.vn_next;
    }
}

static int check_definitions(const struct elf *elf, unsigned *most, struct err *err) {
    uint64_t at = elf->tags[ELF_TAG_VERDEF];
    for (;;) {
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
        if (def.vd_version != VER_DEF_CURRENT || aux.vda_name >= elf->strings_size ||
            !is_step(def.vd_next, sizeof def)) {
            return refuse(err);
        }
        unsigned index = def.vd_ndx & VERSION_MASK;
        *most = index > *most ? index : *most;
        if (def.vd_next == 0) {
            return 0;
        }
        at += def.vd_next;
    }
}

int elf_check_versions(const struct elf *elf, struct err *err) {
    unsigned most = 1; /* 0 and 1 are "local" and "global" */
    if (elf->has_tag[ELF_TAG_VERNEED] && check_needs(elf, &most, err) < 0) {
        return -1;
    }
    if (elf->has_tag[ELF_TAG_VERDEF] && check_definitions(elf, &most, err) < 0) {
        return -1;
    }
    bool has_versions = elf->has_tag[ELF_TAG_VERNEED] || elf->has_tag[ELF_TAG_VERDEF];
    if (!elf->has_tag[ELF_TAG_VERSYM] || !has_versions) {
        return elf->has_tag[ELF_TAG_VERSYM] == has_versions ? 0 : refuse(err);
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
