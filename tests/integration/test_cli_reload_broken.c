/* `troupe run` while broken files are thrown at it in a running plugin's place: each is refused for a reason that is
 * printed once, the old code goes on with every message, once and in order, and a good file is taken afterwards. */
#include "lib/troupe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/plugin_file.h"
#include "lib/seed.h"
#include "lib/temp.h"
#include "lib/wait.h"

/* The source counts: 1, 2, 3 ... */
#define MANIFEST                                                                                   \
    "troupe: 1\n"                                                                                  \
    "proc: r\n"                                                                                    \
    "plugins: { path: [.] }\n"                                                                     \
    "actors:\n"                                                                                    \
    "  source: { type: kit.Player, config: { init: 'tick 5 5', tick: 'self 1', number: 'out #' } " \
    "}\n"                                                                                          \
    "  adder: { type: adder.Adder }\n"                                                             \
    "  sink: { type: file.Sink }\n"                                                                \
    "wires:\n"                                                                                     \
    "  - source.out -> adder.number\n"                                                             \
    "  - adder.out -> sink.record\n"                                                               \
    "reload: { probation: { time: 1ms }, probe: 5s }\n"
#define NUMBER "{\"number\":{\"number\":"

/* What is wrong with code, and only shows when it runs; each has a variable of its own. */
static const char *const wrongs[] = {"RAS1=crash",       "RAS2=exit",        "RAS3=spin",
                                     "RAS4=init",        "RAS5=refuse",      "RAS6=late",
                                     "ADDER_LOA1=fault", "ADDER_LOA2=error", "ADDER_LOA3=hang"};

enum look { BY_SIGHUP, BY_WATCHING };

struct place {
    char *folder, *manifest, *plugin, *new;
    struct plugin_file good; /* what it began with */
    enum look look;
    struct test_started started;
    unsigned reports; /* of reloads that were told of so far */
};

/* --- looking --- */

static unsigned count_texts(const char *in, const char *text) {
    unsigned count = 0;
    while ((in = strstr(in, text))) {
        count++;
        in += strlen(text);
    }
    return count;
}

static unsigned count_reports(const char *err) {
    return count_texts(err, "  reload of '") + count_texts(err, "  reloaded '");
}

static bool has_reported(void *context) {
    const struct place *place = context;
    char *err = test_program_peek_errors(&place->started);
    bool has = count_reports(err) > place->reports;
    free(err);
    return has;
}

/* The line that tells of the last reload; freed by the caller. */
static char *await_report(struct place *place) {
    if (place->look == BY_SIGHUP) {
        assert_int_equal(kill(place->started.pid, SIGHUP), 0);
    }
    test_wait_until(has_reported, place);
    char *err = test_program_peek_errors(&place->started);
    place->reports++;
    assert_int_equal(count_reports(err), place->reports);
    const char *last = err;
    for (const char *at = err; (at = strstr(at, "  reload")); at++) {
        last = at + 1;
    }
    char *line = strndup(last, strcspn(last, "\n"));
    free(err);
    return line;
}

static void await_refused(struct place *place, const char *what, const char *reason) {
    char *line = await_report(place);
    if (strncmp(line, " reload of '", 12) != 0 || !strstr(line, "' refused at step '") ||
        !strstr(line, reason)) {
        fail_msg("%s: not refused with '%s', but:%s", what, reason, line);
    }
    free(line);
}

struct awaited {
    const struct place *place;
    unsigned long size;
};

static bool has_grown(void *context) {
    const struct awaited *awaited = context;
    char *out = test_program_peek(&awaited->place->started);
    bool has = strlen(out) > awaited->size;
    free(out);
    return has;
}

/* Until the old code has answered once more. */
static void await_answer(const struct place *place) {
    char *out = test_program_peek(&place->started);
    struct awaited awaited = {place, strlen(out)};
    free(out);
    test_wait_until(has_grown, &awaited);
}

/* --- the place --- */

static void throw_renamed(const struct place *place, const void *bytes, size_t size) {
    test_write_file_n(place->new, bytes, size);
    assert_int_equal(rename(place->new, place->plugin), 0);
}

static void throw_over(const struct place *place, const void *bytes, size_t size) {
    test_write_file_n(place->plugin, bytes, size); /* truncates, and writes anew */
}

static void start(struct place *place, enum look look, const char *as_nobody) {
    const char *words[16] = {0};
    const char *variables[32] = {0};
    size_t at = 0;
    *place = (struct place){.folder = test_temp_create(), .look = look};
    place->manifest = test_path(place->folder, "m.yaml");
    place->plugin = test_path(place->folder, "adder.so");
    place->new = test_path(place->folder, "new");
    plugin_file_init(&place->good, "adder_1");
    test_write_file(place->manifest, MANIFEST);
    throw_renamed(place, place->good.bytes, place->good.size);
    for (size_t i = 0; troupe_environment[i]; i++) {
        variables[at++] = troupe_environment[i];
    }
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        variables[at++] = wrongs[i];
    }
    at = 0;
    if (as_nobody) {
        assert_int_equal(chmod(place->folder, 0755), 0);
        const char *const setpriv[] = {as_nobody, "--reuid=65534", "--regid=65534",
                                       "--clear-groups", "--inh-caps=-all"};
        for (; at < sizeof setpriv / sizeof *setpriv; at++) {
            words[at] = setpriv[at];
        }
    }
    words[at++] = TROUPE_PROGRAM;
    words[at++] = "run";
    words[at++] = look == BY_WATCHING ? "--watch" : "--color=never";
    words[at++] = place->manifest;
    test_program_start(&place->started, words, variables);
    await_answer(place);
}

/* Whether each number came once, and in order. */
static void assert_in_order(const char *out) {
    unsigned long expected = 1;
    for (const char *at = out; (at = strstr(at, NUMBER)); expected++) {
        at += strlen(NUMBER);
        unsigned long number = strtoul(at, NULL, 10);
        if (number != expected) {
            fail_msg("%lu came where %lu was expected", number, expected);
        }
    }
    assert_true(expected > 10);
}

static void end(struct place *place) {
    struct test_program program;
    uint8_t *good = realloc(place->good.bytes, place->good.size + 1);
    assert_non_null(good);
    place->good.bytes = good;
    good[place->good.size++] = '\n'; /* the same code in other bytes */
    throw_renamed(place, good, place->good.size);
    char *line = await_report(place);
    assert_memory_equal(line, " reloaded '", 11);
    free(line);
    await_answer(place);
    assert_int_equal(kill(place->started.pid, SIGTERM), 0);
    test_program_wait(&place->started, &program);
    if (program.status != 0 || strstr(program.err, "actor 'r/") ||
        strstr(program.err, "lost with")) {
        fail_msg("it ended with %d: %s", program.status, program.err);
    }
    assert_in_order(program.out);
    test_program_fini(&program);
    plugin_file_fini(&place->good);
    free(place->manifest);
    free(place->plugin);
    free(place->new);
    test_temp_remove(place->folder);
}

/* --- what is broken --- */

/* A plugin of the fixtures in which a text stands in place of another, and why that is refused. */
struct broken {
    const char *fixture, *from, *to, *reason;
};

static const struct broken broken[] = {
    {"adder_2", "plugin \"adder\", \"2\", 1 0", "plugin \"adder\", \"2\", 9 0",
     "it was built for plugin ABI 9.0; this host knows 1."},
    {"adder_2", "adder.Adder", "adder.Bdder", "adder.Adder"},
    {"adder_2", "troupe_plugin_v1", "troupe_plugin_v0", "it does not export troupe_plugin_v1"},
    {"adder_2", "libc.so.6", "libx.so.9", "libx.so.9"},
    {"adder_2", "GLIBC_2.2.5", "GLIBC_9.9.9", "GLIBC_9.9.9"},
    {"adder_2", "getenv", "getenw", "getenw"},
    {"wants_symbols", "memfrob", "memfrog", "memfrog"},
    {"bad_static_tls", NULL, NULL, "it uses static thread-local storage"},
    {"rash", "RASH", "RAS1", "died of SIGSEGV while it was loaded"},
    {"rash", "RASH", "RAS2", "ended the process, with status 9, while it was loaded"},
    {"rash", "RASH", "RAS3", "did not come back within 5 s while it was loaded"},
    {"rash", "RASH", "RAS4", "died of SIGSEGV in its 'init'"},
    {"rash", "RASH", "RAS5", "its init returned -1 (error)"},
    {"rash", "RASH", "RAS6", "died of SIGSEGV in its 'fini' or a destructor"},
    {"adder_2", "ADDER_LOAD", "ADDER_LOA1", "died of SIGSEGV in 'load'"},
    {"adder_2", "ADDER_LOAD", "ADDER_LOA2", "failed in 'load'"},
    {"adder_2", "ADDER_LOAD", "ADDER_LOA3", "did not come back within 5 s in 'load'"},
};

static void replace(struct plugin_file *file, const char *from, const char *to) {
    size_t size = strlen(from);
    unsigned count = 0;
    assert_int_equal(strlen(to), size);
    for (uint8_t *at = file->bytes;
         (at = memmem(at, file->size - (size_t)(at - file->bytes), from, size)); count++) {
        memcpy(at, to, size);
    }
    assert_true(count > 0);
}

static void throw_broken(struct place *place, bool over) {
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        const struct broken *b = &broken[i];
        struct plugin_file file;
        plugin_file_init(&file, b->fixture);
        if (b->from) {
            replace(&file, b->from, b->to);
        }
        (over ? throw_over : throw_renamed)(place, file.bytes, file.size);
        await_refused(place, b->to ? b->to : b->fixture, b->reason);
        await_answer(place);
        plugin_file_fini(&file);
    }
}

static void test_rl6_broken_plugins_that_are_renamed_there_are_refused(void **state) {
    struct place place;
    (void)state;
    start(&place, BY_WATCHING, NULL);

    throw_broken(&place, false);

    end(&place);
}

static void test_rl6_broken_plugins_that_are_written_over_are_refused(void **state) {
    struct place place;
    (void)state;
    start(&place, BY_SIGHUP, NULL);

    throw_broken(&place, true);

    end(&place);
}

static void throw_file(struct place *place, const char *path, const char *reason) {
    size_t size;
    char *bytes = test_read_file(path, &size);
    throw_renamed(place, bytes, size);
    await_refused(place, path, reason);
    throw_over(place, "", 0);
    await_refused(place, "nothing", "it is empty");
    throw_over(place, bytes, size);
    await_refused(place, path, reason);
    free(bytes);
}

/* An ordinary library. */
static void throw_noteless(struct place *place) {
    struct plugin_file file;
    plugin_file_init(&file, "adder_2");
    for (size_t at = 0; at + 8 < file.size; at++) {
        if (memcmp(file.bytes + at, "troupe\0", 8) == 0) { /* the owner of a note */
            memcpy(file.bytes + at, "opera_", 6);
        }
    }
    replace(&file, ".note.troupe", ".note.opera_");
    throw_renamed(place, file.bytes, file.size);
    await_refused(place, "a library", "it is not a Troupe plugin: it has no section .note.troupe");
    plugin_file_fini(&file);
}

static void test_rl6_what_is_no_plugin_is_refused(void **state) {
    struct place place;
    (void)state;
    start(&place, BY_SIGHUP, NULL);

    throw_file(&place, place.manifest, "it is not an ELF file");
    throw_file(&place, TROUPE_PROGRAM, "it is an executable, not a shared object");
    throw_noteless(&place);

    end(&place);
}

struct change {
    const char *reason;
    size_t at; /* in the ELF header */
    uint8_t bytes[2];
};

static void test_rl6_other_machines_and_kinds_are_refused(void **state) {
    static const struct change changes[] = {
        {"it was built for ", offsetof(Elf64_Ehdr, e_machine), {EM_RISCV, 0}},
        {"it was built for ", offsetof(Elf64_Ehdr, e_machine), {EM_386, 0}},
        {"it is not a 64-bit file", EI_CLASS, {ELFCLASS32, ELFDATA2LSB}},
        {"its byte order ", EI_DATA, {ELFDATA2MSB, EV_CURRENT}},
        {"it was built for another operating system", EI_OSABI, {ELFOSABI_FREEBSD, 0}},
        {"it is an object file", offsetof(Elf64_Ehdr, e_type), {ET_REL, 0}},
        {"it is ", offsetof(Elf64_Ehdr, e_type), {ET_CORE, 0}},
        {"its program headers are malformed", offsetof(Elf64_Ehdr, e_phnum), {0, 0}},
        {"its section headers are incomplete", offsetof(Elf64_Ehdr, e_shnum), {0xff, 0xff}},
    };
    struct place place;
    (void)state;
    start(&place, BY_SIGHUP, NULL);

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct plugin_file file;
        plugin_file_init(&file, "adder_1");
        memcpy(file.bytes + changes[i].at, changes[i].bytes, sizeof changes[i].bytes);
        (i % 2 ? throw_over : throw_renamed)(&place, file.bytes, file.size);
        await_refused(&place, "a header", changes[i].reason);
        plugin_file_fini(&file);
    }

    end(&place);
}

/* --- what is cut off --- */

/* The file that the old code came from loses its end. */
static void cut(const struct place *place, size_t size) {
    int fd = open(place->plugin, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    assert_int_equal(close(fd), 0);
}

static void throw_cut(struct place *place, unsigned parts) {
    for (unsigned i = 1; i <= parts; i++) {
        size_t size = place->good.size - place->good.size * i / parts;
        cut(place, size);
        await_refused(place, "a cut file", size ? "it is truncated: " : "it is empty");
        await_answer(place);
    }
}

static void test_rl6_a_file_that_is_cut_off_under_the_old_code_is_refused(void **state) {
    struct place place;
    (void)state;
    start(&place, BY_SIGHUP, NULL);

    throw_cut(&place, 60);

    end(&place);
}

static void test_rl6_a_watched_file_that_is_cut_off_is_refused(void **state) {
    struct place place;
    (void)state;
    start(&place, BY_WATCHING, NULL);

    throw_cut(&place, 7);

    end(&place);
}

static void test_rl6_a_half_written_file_is_refused_wherever_it_ends(void **state) {
    struct place place;
    struct plugin_file file;
    (void)state;
    start(&place, BY_SIGHUP, NULL);
    plugin_file_init(&file, "adder_2");

    for (unsigned i = 1; i < 40; i++) {
        (i % 2 ? throw_over : throw_renamed)(&place, file.bytes, file.size * i / 40);
        await_refused(&place, "a half-written file", "it is truncated: ");
    }

    plugin_file_fini(&file);
    end(&place);
}

/* --- flipped bits --- */

/* Where the host and the dynamic linker look: headers of the file, of segments and of sections, and notes. */
static size_t pick(struct plugin_file *file, struct test_random *random) {
    const Elf64_Ehdr *header = plugin_file_header(file);
    const Elf64_Phdr *note = plugin_file_segment(file, PT_NOTE, PF_R);
    const struct {
        size_t at, size;
    } parts[] = {
        {0, sizeof *header},
        {header->e_phoff, (size_t)header->e_phnum * sizeof(Elf64_Phdr)},
        {header->e_shoff, (size_t)header->e_shnum * sizeof(Elf64_Shdr)},
        {note->p_offset, note->p_filesz},
    };
    size_t part = test_random_below(random, sizeof parts / sizeof *parts);
    return parts[part].at + test_random_below(random, parts[part].size);
}

static void flip(struct place *place, struct test_random *random) {
    struct plugin_file file;
    plugin_file_init(&file, "adder_1");
    for (uint64_t flips = 1 + test_random_below(random, 3); flips > 0; flips--) {
        size_t at = pick(&place->good, random);
        file.bytes[at] ^= (uint8_t)(1u << test_random_below(random, 8));
    }
    (test_random_below(random, 2) ? throw_over : throw_renamed)(place, file.bytes, file.size);
    plugin_file_fini(&file);
}

/* Some are as good as before, as nobody needs what has changed: these are taken. */
static void test_rl6_flipped_bits_are_refused_or_do_no_harm(void **state) {
    struct test_seeds seeds = test_seeds(2);
    (void)state;
    for (uint64_t seed; test_seeds_next(&seeds, &seed);) {
        struct test_random random = {seed};
        struct place place;
        unsigned taken = 0;
        start(&place, BY_SIGHUP, NULL);

        for (unsigned i = 0; i < 40; i++) {
            flip(&place, &random);
            char *line = await_report(&place);
            taken += strncmp(line, " reloaded ", 10) == 0;
            free(line);
            await_answer(&place);
        }

        assert_true(taken < 40);
        end(&place);
    }
}

/* --- what is no regular file --- */

static void put(const struct place *place) {
    assert_true(unlink(place->plugin) == 0 || rmdir(place->plugin) == 0);
    assert_int_equal(rename(place->new, place->plugin), 0);
}

static void put_link(const struct place *place, const char *to) {
    assert_int_equal(symlink(to, place->new), 0);
    put(place);
}

static void put_huge(const struct place *place) {
    int fd = open(place->new, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0); /* no byte of it takes any room */
    assert_int_equal(close(fd), 0);
    put(place);
}

static void throw_others(void **state, enum look look) {
    struct place place;
    (void)state;
    start(&place, look, NULL);

    assert_int_equal(mkdir(place.new, 0700), 0);
    put(&place);
    await_refused(&place, "a directory", "it is a directory, not a regular file");
    assert_int_equal(mkfifo(place.new, 0600), 0);
    put(&place);
    await_refused(&place, "a fifo", "it is a FIFO, not a regular file");
    put_link(&place, "/dev/zero");
    await_refused(&place, "a device", "it is a device, not a regular file");
    put_link(&place, "nowhere");
    await_refused(&place, "a dangling link", "cannot open it: No such file or directory");
    put_link(&place, "adder.so");
    await_refused(&place, "a link to itself", "cannot open it: Too many levels");
    put_huge(&place);
    await_refused(&place, "a huge file", "it has 1099511627776 bytes, more than a plugin may have");
    await_answer(&place);

    end(&place);
}

static void test_rl6_what_is_no_regular_file_is_refused(void **state) {
    throw_others(state, BY_SIGHUP);
}

static void test_rl6_what_is_no_regular_file_is_refused_when_watching(void **state) {
    throw_others(state, BY_WATCHING);
}

/* Root reads all: then another user is to run it. */
static void test_rl6_a_file_that_may_not_be_read_is_refused(void **state) {
    static const char setpriv[] = "/usr/bin/setpriv";
    struct place place;
    bool is_root = geteuid() == 0;
    (void)state;
    if (is_root && access(setpriv, X_OK) < 0) {
        print_message("skipped: there is no setpriv, and root may read all\n");
        skip();
    }
    start(&place, BY_WATCHING, is_root ? setpriv : NULL);

    test_write_file_n(place.new, place.good.bytes, place.good.size);
    assert_int_equal(chmod(place.new, 0), 0);
    put(&place);

    await_refused(&place, "an unreadable file", "cannot open it: Permission denied");
    end(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rl6_broken_plugins_that_are_renamed_there_are_refused),
        cmocka_unit_test(test_rl6_broken_plugins_that_are_written_over_are_refused),
        cmocka_unit_test(test_rl6_what_is_no_plugin_is_refused),
        cmocka_unit_test(test_rl6_other_machines_and_kinds_are_refused),
        cmocka_unit_test(test_rl6_a_file_that_is_cut_off_under_the_old_code_is_refused),
        cmocka_unit_test(test_rl6_a_watched_file_that_is_cut_off_is_refused),
        cmocka_unit_test(test_rl6_a_half_written_file_is_refused_wherever_it_ends),
        cmocka_unit_test_teardown(test_rl6_flipped_bits_are_refused_or_do_no_harm,
                                  test_seed_teardown),
        cmocka_unit_test(test_rl6_what_is_no_regular_file_is_refused),
        cmocka_unit_test(test_rl6_what_is_no_regular_file_is_refused_when_watching),
        cmocka_unit_test(test_rl6_a_file_that_may_not_be_read_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
