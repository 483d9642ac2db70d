/* The headers and segments of a shared object. */
#include "plugin/elf.h"

#include <inttypes.h>
#include <string.h>

#define PAGE 4096u /* the least there is; segments that share one would overwrite each other */

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#define MACHINE_NAME "x86-64"
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#define MACHINE_NAME "AArch64"
#else
#error "the ELF check does not know this machine"
#endif

Elf64_Phdr elf_segment(const struct elf *elf, size_t at) {
    Elf64_Phdr segment;
    memcpy(&segment, elf->bytes + elf->header.e_phoff + at * sizeof segment, sizeof segment);
    return segment;
}

const Elf64_Phdr *elf_find_load(const struct elf *elf, uint64_t address, uint64_t size) {
    for (size_t i = 0; i < elf->load_count; i++) {
        const Elf64_Phdr *load = &elf->loads[i];
        if (address >= load->p_vaddr && address - load->p_vaddr <= load->p_memsz &&
            size <= load->p_memsz - (address - load->p_vaddr)) {
            return load;
        }
    }
    return NULL;
}

const uint8_t *elf_at(const struct elf *elf, uint64_t address, uint64_t size) {
    const Elf64_Phdr *load = elf_find_load(elf, address, size);
    if (!load || !(load->p_flags & PF_R)) {
        return NULL;
    }
    uint64_t inside = address - load->p_vaddr;
    if (inside > load->p_filesz || size > load->p_filesz - inside) {
        return NULL;
    }
    return elf->bytes + load->p_offset + inside;
}

const uint8_t *elf_segment_bytes(const struct elf *elf, const Elf64_Phdr *segment) {
    const uint8_t *bytes = elf_at(elf, segment->p_vaddr, segment->p_filesz);
    return bytes && (uint64_t)(bytes - elf->bytes) == segment->p_offset ? bytes : NULL;
}

static const char *machine_name(uint16_t machine) {
    switch (machine) {
    case EM_X86_64:
        return "x86-64";
    case EM_AARCH64:
        return "AArch64";
    case EM_386:
        return "i386";
    case EM_ARM:
        return "ARM";
    case EM_RISCV:
        return "RISC-V";
    case EM_PPC64:
        return "POWER";
    case EM_S390:
        return "S/390";
    default:
        return "another machine";
    }
}

static int check_kind(const struct elf *elf, struct err *err) {
    const Elf64_Ehdr *h = &elf->header;
    if (h->e_ident[EI_CLASS] != ELFCLASS64) {
        return err_set(err, ERR_INVALID, "it is not a 64-bit file");
    }
    if (h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_ident[EI_VERSION] != EV_CURRENT ||
        h->e_version != EV_CURRENT) {
        return err_set(err, ERR_INVALID, "its byte order or its ELF version is not this machine's");
    }
    if (h->e_machine != MACHINE) {
        return err_set(err, ERR_INVALID, "it was built for %s, not for %s",
                       machine_name(h->e_machine), MACHINE_NAME);
    }
    if (h->e_ident[EI_OSABI] != ELFOSABI_NONE && h->e_ident[EI_OSABI] != ELFOSABI_GNU) {
        return err_set(err, ERR_INVALID, "it was built for another operating system");
    }
    if (h->e_type != ET_DYN) {
        return err_set(err, ERR_INVALID, "it is %s, not a shared object",
                       h->e_type == ET_EXEC   ? "an executable"
                       : h->e_type == ET_REL  ? "an object file"
                       : h->e_type == ET_CORE ? "a core dump"
                                              : "of an unknown type");
    }
    return 0;
}

static int check_header(struct elf *elf, struct err *err) {
    if (elf->size == 0) {
        return err_set(err, ERR_INVALID, "it is empty");
    }
    if (elf->size < SELFMAG || memcmp(elf->bytes, ELFMAG, SELFMAG) != 0) {
        return err_set(err, ERR_INVALID, "it is not an ELF file");
    }
    if (elf->size < sizeof elf->header) {
        return err_set(err, ERR_INVALID, "it is truncated: its ELF header is incomplete");
    }
    memcpy(&elf->header, elf->bytes, sizeof elf->header);
    if (check_kind(elf, err) < 0) {
        return -1;
    }
    const Elf64_Ehdr *h = &elf->header;
    if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum == 0 || h->e_phnum > 2 * ELF_LOADS_MAX) {
        return err_set(err, ERR_INVALID, "its program headers are malformed");
    }
    if (h->e_phoff > elf->size || h->e_phnum * sizeof(Elf64_Phdr) > elf->size - h->e_phoff) {
        return err_set(err, ERR_INVALID, "it is truncated: its program headers are incomplete");
    }
    if (h->e_shnum && (h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shoff > elf->size ||
                       h->e_shnum * sizeof(Elf64_Shdr) > elf->size - h->e_shoff)) {
        return err_set(err, ERR_INVALID, "it is truncated: its section headers are incomplete");
    }
    return 0;
}

static int check_load(const struct elf *elf, const Elf64_Phdr *load, struct err *err) {
    if (load->p_offset > elf->size || load->p_filesz > elf->size - load->p_offset) {
        return err_set(err, ERR_INVALID,
                       "it is truncated: a segment needs bytes up to %" PRIu64 " of %zu",
                       load->p_offset + load->p_filesz, elf->size);
    }
    uint64_t align = load->p_align;
    if (load->p_memsz < load->p_filesz || load->p_vaddr > UINT64_MAX / 2 ||
        load->p_memsz > UINT64_MAX / 2 || align < PAGE || (align & (align - 1)) != 0 ||
        (load->p_vaddr - load->p_offset) % align != 0) {
        return err_set(err, ERR_INVALID, "one of its load segments is malformed");
    }
    if ((load->p_flags & PF_W) && (load->p_flags & PF_X)) {
        return err_set(err, ERR_INVALID, "it has memory that is both writable and executable");
    }
    return 0;
}

static int take_load(struct elf *elf, const Elf64_Phdr *load, struct err *err) {
    if (check_load(elf, load, err) < 0) {
        return -1;
    }
    if (elf->load_count == ELF_LOADS_MAX) {
        return err_set(err, ERR_INVALID, "it has more than %d load segments", ELF_LOADS_MAX);
    }
    if (elf->load_count > 0) {
        const Elf64_Phdr *last = &elf->loads[elf->load_count - 1];
        if (load->p_vaddr / PAGE * PAGE < last->p_vaddr + last->p_memsz) {
            return err_set(err, ERR_INVALID, "its load segments overlap or are out of order");
        }
    }
    elf->loads[elf->load_count++] = *load;
    return 0;
}

static int take_loads(struct elf *elf, struct err *err) {
    for (size_t i = 0; i < elf->header.e_phnum; i++) {
        Elf64_Phdr segment = elf_segment(elf, i);
        if (segment.p_type == PT_LOAD && take_load(elf, &segment, err) < 0) {
            return -1;
        }
    }
    if (elf->load_count == 0) {
        return err_set(err, ERR_INVALID, "it has no load segments");
    }
    return 0;
}

/* Linkers round its end up to a page. Made read-only, so that it must not hold code. */
static bool is_relro_in_load(const struct elf *elf, const Elf64_Phdr *relro) {
    const Elf64_Phdr *load = elf_find_load(elf, relro->p_vaddr, 0);
    uint64_t room = load ? load->p_vaddr + load->p_memsz - relro->p_vaddr + PAGE : 0;
    return load && (load->p_flags & PF_W) && relro->p_memsz < room;
}

/* Segments other than loads lie inside one: the dynamic linker looks at their addresses. */
static int check_inner(const struct elf *elf, const Elf64_Phdr *segment, struct err *err) {
    const Elf64_Phdr *load = elf_find_load(elf, segment->p_vaddr, segment->p_memsz);
    bool is_in_file = elf_at(elf, segment->p_vaddr, segment->p_filesz) != NULL;
    bool is_malformed = !load || !is_in_file || segment->p_filesz > segment->p_memsz;
    switch (segment->p_type) {
    case PT_INTERP:
        return err_set(err, ERR_INVALID, "it is an executable, not a shared object");
    case PT_GNU_STACK:
        if (segment->p_flags & PF_X) {
            return err_set(err, ERR_INVALID, "it asks for an executable stack");
        }
        return 0;
    case PT_TLS: /* its zero-filled part lies nowhere */
        is_malformed = (segment->p_filesz > 0 && !is_in_file) ||
                       segment->p_filesz > segment->p_memsz || segment->p_memsz > UINT32_MAX ||
                       (segment->p_align & (segment->p_align - 1)) != 0;
        break;
    case PT_DYNAMIC:
        is_malformed = is_malformed || segment->p_offset % sizeof(uint64_t) != 0 ||
                       ((segment->p_flags & PF_W) && !(load->p_flags & PF_W));
        break;
    case PT_PHDR: /* the dynamic linker reads the program headers there once more */
        is_malformed = segment->p_offset != elf->header.e_phoff ||
                       segment->p_filesz < elf->header.e_phnum * sizeof(Elf64_Phdr) ||
                       !elf_segment_bytes(elf, segment);
        break;
    case PT_GNU_RELRO:
        is_malformed = !is_relro_in_load(elf, segment);
        break;
    case PT_NOTE:
    case PT_GNU_PROPERTY:
    case PT_GNU_EH_FRAME:
        break;
    default:
        return 0; /* the dynamic linker does not look at it */
    }
    if (is_malformed) {
        return err_set(err, ERR_INVALID, "its segment of type %#x does not lie in a load segment",
                       segment->p_type);
    }
    return 0;
}

int elf_check_segments(struct elf *elf, struct err *err) {
    bool has_stack = false;
    if (take_loads(elf, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < elf->header.e_phnum; i++) {
        Elf64_Phdr segment = elf_segment(elf, i);
        if (check_inner(elf, &segment, err) < 0) {
            return -1;
        }
        has_stack = has_stack || segment.p_type == PT_GNU_STACK;
        if (segment.p_type == PT_DYNAMIC) {
            if (elf->dynamic.p_type == PT_DYNAMIC) {
                return err_set(err, ERR_INVALID, "it has two dynamic sections");
            }
            elf->dynamic = segment;
        }
    }
    if (!has_stack) { /* no word about the stack means an executable one */
        return err_set(err, ERR_INVALID, "it asks for an executable stack");
    }
    if (elf->dynamic.p_type != PT_DYNAMIC) {
        return err_set(err, ERR_INVALID, "it has no dynamic section");
    }
    return 0;
}

int elf_open(const void *bytes, size_t size, struct elf *ret, struct err *err) {
    struct elf elf = {.bytes = bytes, .size = size};
    if (check_header(&elf, err) < 0 || elf_check_segments(&elf, err) < 0 ||
        elf_check_dynamic(&elf, err) < 0 || elf_check_symbols(&elf, err) < 0 ||
        elf_check_versions(&elf, err) < 0 || elf_check_relocations(&elf, err) < 0 ||
        elf_check_notes(&elf, err) < 0) {
        return -1;
    }
    *ret = elf;
    return 0;
}
