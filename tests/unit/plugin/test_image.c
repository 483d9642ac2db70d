/* Images: what is read from a plugin file, and that no damaged one gets through to the dynamic
 * linker.
 */
#include "lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "lib/plugin_file.h"
#include "lib/temp.h"
#include "plugin/image.h"

static bool has_name(char *const *names, const char *name) {
    for (; *names; names++) {
        if (strcmp(*names, name) == 0) {
            return true;
        }
    }
    return false;
}

static struct image *parse(const struct plugin_file *file) {
    struct image *image;
    struct err err;
    if (image_parse("x.so", file->bytes, file->size, &image, &err) < 0) {
        fail_msg("refused: %s", err.text);
    }
    return image;
}

/* Parses a copy of exactly `size` bytes, so that a sanitizer sees a read beyond them. */
static int parse_cut(const struct plugin_file *file, size_t size, struct err *err) {
    struct image *image;
    int status = image_parse("x.so", file->bytes, size, &image, err);
    if (status == 0) {
        image_destroy(image);
    }
    return status;
}

static void assert_refused(const struct plugin_file *file, const char *expected) {
    struct err err = {0};
    char sentence[1024];
    (void)snprintf(sentence, sizeof sentence, "plugin file 'x.so': %s", expected);

    assert_int_equal(parse_cut(file, file->size, &err), -1);

    assert_string_equal(err.text, sentence);
    assert_int_equal(err.code, ERR_INVALID);
}

static int open_file(void **state) {
    struct plugin_file *file = test_malloc(sizeof *file);
    plugin_file_init(file, "every_kind");
    *state = file;
    return 0;
}

static int close_file(void **state) {
    plugin_file_fini(*state);
    test_free(*state);
    return 0;
}

static void test_good_file_is_described(void **state) {
    const struct plugin_file *file = *state;

    struct image *image = parse(file);

    assert_string_equal(image->path, "x.so");
    assert_string_equal(image->note->name, "every");
    assert_int_equal(image->note->actors[0].row_count, 19);
    assert_true(has_name(image->exports, "troupe_plugin_v1"));
    assert_true(has_name(image->needed, "libc.so.6"));
    assert_null(image->soname);
    assert_int_equal(strlen(image->build_id), 40);
    assert_false(image->is_nodelete);
    assert_false(image->is_stripped);
    assert_false(image->has_unique_symbols);
    image_destroy(image);
}

static void test_strong_imports_stand_before_weak_ones(void **state) {
    struct plugin_file file;
    (void)state;
    plugin_file_init(&file, "wants_symbols");

    struct image *image = parse(&file);

    bool seen_memfrob = false;
    for (size_t i = 0; i < image->strong_imports; i++) {
        seen_memfrob = seen_memfrob || strcmp(image->imports[i], "memfrob") == 0;
        assert_string_not_equal(image->imports[i], "__cxa_finalize");
    }
    assert_true(seen_memfrob);
    assert_true(has_name(image->imports + image->strong_imports, "__cxa_finalize"));
    image_destroy(image);
    plugin_file_fini(&file);
}

static void test_sha256_is_that_of_sha256sum(void **state) {
    const struct plugin_file *file = *state;
    char expected[65] = "";
    struct image *image = parse(file);

    FILE *sum = popen("sha256sum " TROUPE_BUILD_DIR "/test-plugins/every_kind.so", "r");
    assert_non_null(sum);
    assert_int_equal(fread(expected, 1, 64, sum), 64);
    assert_int_equal(pclose(sum), 0);

    assert_string_equal(image_sha256(image), expected);
    image_destroy(image);
}

static void test_cxx_plugin_is_described_alike(void **state) {
    struct plugin_file file;
    (void)state;
    plugin_file_init(&file, "in_cpp");

    struct image *image = parse(&file);

    assert_string_equal(image->note->actors[0].id, "cpp.Counter");
    assert_string_equal(image->note->actors[0].config->keys[1].value, "true");
    image_destroy(image);
    plugin_file_fini(&file);
}

static void test_every_truncation_is_refused(void **state) {
    const struct plugin_file *file = *state;

    for (size_t size = 0; size < file->size; size += 97) {
        struct err err = {0};
        if (parse_cut(file, size, &err) == 0) {
            fail_msg("%zu of %zu bytes were accepted", size, file->size);
        }
        assert_int_equal(err.code, ERR_INVALID);
    }
}

/* Any byte of the headers, the dynamic section and all the tables; whatever is accepted must be
 * parsed without a wrong read, which the sanitizers watch. */
static void test_damaged_headers_and_tables_are_read_safely(void **state) {
    struct plugin_file *file = *state;
    size_t step = file->size / 2000 + 1;
    unsigned refused = 0;

    for (size_t at = 0; at < file->size; at += at < 2048 ? 1 : step) {
        struct err err = {0};
        uint8_t kept = file->bytes[at];
        file->bytes[at] ^= (uint8_t)(1u << at % 8);
        refused += parse_cut(file, file->size, &err) < 0;
        file->bytes[at] = (uint8_t)~kept;
        refused += parse_cut(file, file->size, &err) < 0;
        file->bytes[at] = kept;
    }
    assert_true(refused > 500);
}

static void test_empty_and_text_files_are_refused(void **state) {
    struct plugin_file empty = {(uint8_t *)"", 0};
    struct plugin_file text = {(uint8_t *)"#!/bin/sh\necho hello\n", 21};
    struct plugin_file magic = {(uint8_t *)"\177ELF\2\1\1", 7};
    (void)state;
    assert_refused(&empty, "it is empty");
    assert_refused(&text, "it is not an ELF file");
    assert_refused(&magic, "it is truncated: its ELF header is incomplete");
}

static void test_other_machines_and_kinds_are_refused(void **state) {
    struct plugin_file *file = *state;
    Elf64_Ehdr *header = plugin_file_header(file);
    Elf64_Ehdr good = *header;

    header->e_machine = EM_RISCV;
    assert_refused(file, "it was built for RISC-V, not for x86-64");
    *header = good;
    header->e_ident[EI_CLASS] = ELFCLASS32;
    assert_refused(file, "it is not a 64-bit file");
    *header = good;
    header->e_ident[EI_DATA] = ELFDATA2MSB;
    assert_refused(file, "its byte order or its ELF version is not this machine's");
    *header = good;
    header->e_ident[EI_OSABI] = ELFOSABI_FREEBSD;
    assert_refused(file, "it was built for another operating system");
    *header = good;
    header->e_type = ET_REL;
    assert_refused(file, "it is an object file, not a shared object");
    *header = good;
    header->e_phnum = 0;
    assert_refused(file, "its program headers are malformed");
    *header = good;
    header->e_phoff = file->size - 8;
    assert_refused(file, "it is truncated: its program headers are incomplete");
    *header = good;
    header->e_shoff = file->size - 8;
    assert_refused(file, "it is truncated: its section headers are incomplete");
}

static void test_executables_are_refused(void **state) {
    struct image *image;
    struct err err;
    (void)state;

    assert_int_equal(image_read("/proc/self/exe", &image, &err), -1);

    assert_string_equal(err.text, "plugin file '/proc/self/exe': it is an executable, not a shared "
                                  "object");
}

static void test_ordinary_libraries_are_not_plugins(void **state) {
    struct plugin_file *file = *state;
    plugin_file_rename(file, ".note.troupe", ".note.opera_");
    for (size_t at = 0; at + 7 < file->size; at++) {
        if (memcmp(file->bytes + at, "troupe\0", 8) == 0) {
            memcpy(file->bytes + at, "opera_", 6); /* the owner of each entry */
        }
    }

    assert_refused(file, "it is not a Troupe plugin: it has no section .note.troupe");
}

static void test_note_is_found_without_section_headers(void **state) {
    struct plugin_file *file = *state;
    Elf64_Ehdr *header = plugin_file_header(file);
    header->e_shnum = 0;
    header->e_shoff = 0;
    header->e_shstrndx = 0;

    struct image *image = parse(file);

    assert_string_equal(image->note->name, "every");
    assert_true(image->is_stripped);
    image_destroy(image);
}

static void test_unsafe_memory_is_refused(void **state) {
    struct plugin_file *file = *state;
    Elf64_Phdr *code = plugin_file_segment(file, PT_LOAD, PF_X);
    Elf64_Phdr *stack = plugin_file_segment(file, PT_GNU_STACK, 0);

    code->p_flags |= PF_W;
    assert_refused(file, "it has memory that is both writable and executable");
    code->p_flags &= ~(uint32_t)PF_W;
    stack->p_flags |= PF_X;
    assert_refused(file, "it asks for an executable stack");
    stack->p_flags &= ~(uint32_t)PF_X;
    stack->p_type = PT_NULL;
    assert_refused(file, "it asks for an executable stack");
}

static void test_segments_must_lie_in_the_file_and_in_order(void **state) {
    struct plugin_file *file = *state;
    Elf64_Phdr *code = plugin_file_segment(file, PT_LOAD, PF_X);
    Elf64_Phdr good = *code;
    char expected[200];

    code->p_filesz = code->p_memsz = file->size;
    (void)snprintf(expected, sizeof expected,
                   "it is truncated: a segment needs bytes up to %zu of %zu",
                   (size_t)code->p_offset + file->size, file->size);
    assert_refused(file, expected);
    *code = good;
    code->p_vaddr = 0;
    code->p_offset = 0;
    assert_refused(file, "its load segments overlap or are out of order");
    *code = good;
    code->p_vaddr += 1;
    assert_refused(file, "one of its load segments is malformed");
    *code = good;
    code->p_align = 3 * 4096;
    assert_refused(file, "one of its load segments is malformed");
}

static void test_dynamic_flags_that_harm_are_refused(void **state) {
    struct plugin_file *file = *state;
    Elf64_Dyn *flags = plugin_file_dynamic(file, DT_FLAGS);
    Elf64_Dyn *flags_1 = plugin_file_dynamic(file, DT_FLAGS_1);
    assert_non_null(flags); /* -z now sets both */
    assert_non_null(flags_1);
    Elf64_Dyn good = *flags;
    Elf64_Dyn good_1 = *flags_1;

    flags->d_un.d_val |= DF_TEXTREL;
    assert_refused(file, "it has text relocations; build it with -fPIC");
    *flags = good;
    flags->d_un.d_val |= DF_STATIC_TLS;
    assert_refused(file,
                   "it uses static thread-local storage, of which a process has little; build "
                   "it with -ftls-model=global-dynamic");
    *flags = good;
    flags_1->d_un.d_val |= DF_1_PIE;
    assert_refused(file, "it is an executable, not a shared object");
    *flags_1 = good_1;
    flags_1->d_un.d_val |= DF_1_NOOPEN;
    assert_refused(file, "it was linked not to be opened (-z nodlopen)");
    *flags_1 = good_1;
    flags_1->d_un.d_val |= DF_1_NODELETE;
    struct image *image = parse(file);
    assert_true(image->is_nodelete);
    image_destroy(image);
}

static void test_static_tls_is_refused(void **state) {
    struct plugin_file file;
    (void)state;
    plugin_file_init(&file, "bad_static_tls");

    assert_refused(&file, "it uses static thread-local storage, of which a process has little; "
                          "build it with -ftls-model=global-dynamic");
    plugin_file_fini(&file);
}

static void test_dynamic_tables_must_lie_in_the_file(void **state) {
    static const struct {
        int64_t tag;
        const char *expected;
    } cases[] = {
        {DT_STRTAB, "its table of strings is malformed"},
        {DT_STRSZ, "its table of strings is malformed"},
        {DT_SYMTAB, "its table of symbols is malformed"},
        {DT_SYMENT, "its dynamic entry SYMENT is malformed"},
        {DT_GNU_HASH, "its hash table is malformed"},
        {DT_RELA, "its relocations are malformed"},
        {DT_RELASZ, "its relocations are malformed"},
        {DT_RELAENT, "its dynamic entry RELAENT is malformed"},
        {DT_INIT_ARRAY, "its dynamic entry INIT_ARRAY is malformed"},
        {DT_INIT_ARRAYSZ, "its dynamic entry INIT_ARRAY is malformed"},
        {DT_VERNEED, "its table of symbol versions is malformed"},
        {DT_VERSYM, "its table of symbol versions is malformed"},
        {DT_NEEDED, "its dynamic section names a string out of bounds"},
    };
    struct plugin_file *file = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Elf64_Dyn *entry = plugin_file_dynamic(file, cases[i].tag);
        assert_non_null(entry);
        Elf64_Dyn good = *entry;

        entry->d_un.d_val = UINT64_MAX - 8;
        assert_refused(file, cases[i].expected);
        *entry = good;
    }
}

static void test_what_the_dynamic_linker_asserts_is_refused(void **state) {
    struct plugin_file *file = *state;
    Elf64_Dyn *count = plugin_file_dynamic(file, DT_RELACOUNT);
    Elf64_Dyn *size = plugin_file_dynamic(file, DT_RELASZ);
    Elf64_Dyn *need = plugin_file_dynamic(file, DT_VERNEED);
    Elf64_Sym *symbol = plugin_file_symbol(file, "__cxa_finalize");
    assert_non_null(count);
    Elf64_Verneed *first = (Elf64_Verneed *)(void *)(file->bytes + need->d_un.d_ptr);
    uint32_t name = first->vn_file;
    uint64_t relative = count->d_un.d_val;

    count->d_un.d_val = UINT64_MAX;
    assert_refused(file, "its relocations are malformed");
    count->d_un.d_val = relative;
    first->vn_file = 0;
    assert_refused(file, "its table of symbol versions is malformed");
    first->vn_file = name;
    size->d_tag = DT_DEBUG;
    assert_refused(file, "its dynamic section has only one of RELA and RELASZ");
    size->d_tag = DT_RELASZ;
    symbol->st_other = STV_HIDDEN;
    assert_refused(file, "its symbol '__cxa_finalize' is neither defined nor imported");
}

static void test_entry_symbol_must_be_a_table(void **state) {
    struct plugin_file *file = *state;
    Elf64_Sym *symbol = plugin_file_symbol(file, "troupe_plugin_v1");
    Elf64_Sym good = *symbol;

    symbol->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
    assert_refused(file, "its symbol troupe_plugin_v1 is not a table");
    *symbol = good;
    symbol->st_size = UINT64_MAX;
    assert_refused(file, "its symbol troupe_plugin_v1 is not a table");
    *symbol = good;
    symbol->st_other = STV_HIDDEN;
    assert_refused(file, "it does not export troupe_plugin_v1");
    *symbol = good;
    symbol->st_value = UINT64_MAX - 64;
    assert_refused(file, "its symbol 'troupe_plugin_v1' lies outside of its memory");
    *symbol = good;
    symbol->st_info = ELF64_ST_INFO(STB_GNU_UNIQUE, STT_OBJECT);
    struct image *image = parse(file);
    assert_true(image->has_unique_symbols);
    image_destroy(image);
}

static void test_fifo_directory_and_device_are_never_read(void **state) {
    char *folder = test_temp_create();
    char *fifo = test_path(folder, "fifo.so");
    char expected[4200];
    struct image *image;
    struct err err;
    (void)state;
    assert_int_equal(mkfifo(fifo, 0600), 0);

    assert_int_equal(image_read(fifo, &image, &err), -1);
    (void)snprintf(expected, sizeof expected, "plugin file '%s': it is a FIFO, not a regular file",
                   fifo);
    assert_string_equal(err.text, expected);
    assert_int_equal(image_read(folder, &image, &err), -1);
    (void)snprintf(expected, sizeof expected,
                   "plugin file '%s': it is a directory, not a regular file", folder);
    assert_string_equal(err.text, expected);
    assert_int_equal(image_read("/dev/zero", &image, &err), -1);
    assert_string_equal(err.text, "plugin file '/dev/zero': it is a device, not a regular file");
    free(fifo);
    test_temp_remove(folder);
}

static void test_missing_file_is_named(void **state) {
    struct image *image;
    struct err err;
    (void)state;

    assert_int_equal(image_read("/nowhere/x.so", &image, &err), -1);

    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.text,
                        "plugin file '/nowhere/x.so': cannot open it: No such file or directory");
}

static void test_exports_of_a_library_are_read_without_running_it(void **state) {
    char **exports = image_read_exports(TROUPE_BUILD_DIR "/test-plugins/teller_one.so");
    (void)state;

    assert_non_null(exports);
    assert_true(has_name(exports, "troupe_plugin_v1"));
    assert_null(image_read_exports("/dev/null"));
    mem_free(exports);
}

static void test_without_memory_nothing_is_left(void **state) {
    const struct plugin_file *file = *state;
    struct image *image = NULL;
    struct err err = {0};

    int status = -1;
    TEST_EACH_FAILED_ALLOCATION(n,
                                status = image_parse("x.so", file->bytes, file->size, &image, &err),
                                status == 0 || err.code != ERR_NOMEM);

    assert_int_equal(status, 0);
    image_destroy(image);
}

#define WITH_FILE(name) cmocka_unit_test_setup_teardown(name, open_file, close_file)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_FILE(test_good_file_is_described),
        cmocka_unit_test(test_strong_imports_stand_before_weak_ones),
        WITH_FILE(test_sha256_is_that_of_sha256sum),
        cmocka_unit_test(test_cxx_plugin_is_described_alike),
        WITH_FILE(test_every_truncation_is_refused),
        WITH_FILE(test_damaged_headers_and_tables_are_read_safely),
        cmocka_unit_test(test_empty_and_text_files_are_refused),
        WITH_FILE(test_other_machines_and_kinds_are_refused),
        cmocka_unit_test(test_executables_are_refused),
        WITH_FILE(test_ordinary_libraries_are_not_plugins),
        WITH_FILE(test_note_is_found_without_section_headers),
        WITH_FILE(test_unsafe_memory_is_refused),
        WITH_FILE(test_segments_must_lie_in_the_file_and_in_order),
        WITH_FILE(test_dynamic_flags_that_harm_are_refused),
        cmocka_unit_test(test_static_tls_is_refused),
        WITH_FILE(test_dynamic_tables_must_lie_in_the_file),
        WITH_FILE(test_what_the_dynamic_linker_asserts_is_refused),
        WITH_FILE(test_entry_symbol_must_be_a_table),
        cmocka_unit_test(test_fifo_directory_and_device_are_never_read),
        cmocka_unit_test(test_missing_file_is_named),
        cmocka_unit_test(test_exports_of_a_library_are_read_without_running_it),
        WITH_FILE(test_without_memory_nothing_is_left),
    };
    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
