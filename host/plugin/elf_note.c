/* The notes and the section headers of a shared object. */
#include <string.h>

#include "plugin/elf.h"

static Elf64_Shdr section_at(const struct elf *elf, size_t at) {
    Elf64_Shdr section;
    memcpy(&section, elf->bytes + elf->header.e_shoff + at * sizeof section, sizeof section);
    return section;
}

/* The bytes of a section that has some in the file, else NULL. */
static const uint8_t *section_bytes(const struct elf *elf, const Elf64_Shdr *section) {
    if (section->sh_type == SHT_NOBITS || section->sh_offset > elf->size ||
        section->sh_size > elf->size - section->sh_offset) {
        return NULL;
    }
    return elf->bytes + section->sh_offset;
}

const uint8_t *elf_section(const struct elf *elf, const char *name, size_t *ret_size) {
    if (elf->header.e_shstrndx >= elf->header.e_shnum) {
        return NULL;
    }
    Elf64_Shdr names_section = section_at(elf, elf->header.e_shstrndx);
    const char *names = (const char *)section_bytes(elf, &names_section);
    size_t size = strlen(name) + 1;
    for (size_t i = 0; names && i < elf->header.e_shnum; i++) {
        Elf64_Shdr section = section_at(elf, i);
        const uint8_t *bytes = section_bytes(elf, &section);
        if (bytes && section.sh_name < names_section.sh_size &&
            size <= names_section.sh_size - section.sh_name &&
            memcmp(names + section.sh_name, name, size) == 0) {
            *ret_size = section.sh_size;
            return bytes;
        }
    }
    return NULL;
}

bool elf_has_section_type(const struct elf *elf, uint32_t type) {
    for (size_t i = 0; i < elf->header.e_shnum; i++) {
        if (section_at(elf, i).sh_type == type) {
            return true;
        }
    }
    return false;
}

struct note {
    Elf64_Nhdr header;
    const uint8_t *owner;
    const uint8_t *content;
};

/* Takes the note at *at and moves behind it; false at the end, or when it reaches beyond. */
static bool next_note(const struct elf *elf, const Elf64_Phdr *segment, uint64_t *at,
                      struct note *ret) {
    uint64_t align = segment->p_align == 8 ? 8 : 4;
    const uint8_t *bytes = elf->bytes + segment->p_offset;
    uint64_t size = segment->p_filesz;
    while (align == 4 && size - *at >= 4 && memcmp(bytes + *at, "\0\0\0", 4) == 0) {
        *at += 4; /* as in note_collect */
    }
    if (size - *at < sizeof ret->header) {
        return false;
    }
    memcpy(&ret->header, bytes + *at, sizeof ret->header);
    uint64_t content = sizeof ret->header + ret->header.n_namesz;
    content = (content + align - 1) / align * align;
    uint64_t end = content + ret->header.n_descsz;
    if (end > size - *at) {
        return false;
    }
    ret->owner = bytes + *at + sizeof ret->header;
    ret->content = bytes + *at + content;
    end = (end + align - 1) / align * align;
    *at = end > size - *at ? size : *at + end;
    return true;
}

static bool has_owner(const struct note *note, const char *owner) {
    size_t size = strlen(owner) + 1;
    return note->header.n_namesz == size && memcmp(note->owner, owner, size) == 0;
}

const uint8_t *elf_find_note(const struct elf *elf, const char *owner, uint32_t type,
                             size_t *ret_size) {
    for (size_t i = 0; i < elf->header.e_phnum; i++) {
        Elf64_Phdr segment = elf_segment(elf, i);
        struct note note;
        uint64_t at = 0;
        while (segment.p_type == PT_NOTE && next_note(elf, &segment, &at, &note)) {
            if (has_owner(&note, owner) && note.header.n_type == type) {
                *ret_size = note.header.n_descsz;
                return note.content;
            }
        }
    }
    return NULL;
}

const uint8_t *elf_find_note_segment(const struct elf *elf, const char *owner, size_t *ret_size) {
    for (size_t i = 0; i < elf->header.e_phnum; i++) {
        Elf64_Phdr segment = elf_segment(elf, i);
        struct note note;
        uint64_t at = 0;
        while (segment.p_type == PT_NOTE && next_note(elf, &segment, &at, &note)) {
            if (has_owner(&note, owner)) {
                *ret_size = segment.p_filesz;
                return elf->bytes + segment.p_offset;
            }
        }
    }
    return NULL;
}

int elf_check_notes(const struct elf *elf, struct err *err) {
    for (size_t i = 0; i < elf->header.e_phnum; i++) {
        Elf64_Phdr segment = elf_segment(elf, i);
        if (segment.p_type == PT_NOTE && !elf_segment_bytes(elf, &segment)) {
            return err_set(err, ERR_INVALID, "its notes are not where it says");
        }
    }
    return 0;
}
