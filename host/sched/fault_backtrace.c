/* The frames of a fault as text, with function and line where debug information is at hand. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sched/fault_impl.h"

#ifdef TROUPE_WITH_LIBDW
#include <elfutils/libdwfl.h>

/* Looks in files of this machine only: the standard way may ask servers. */
static int find_debug_information(Dwfl_Module *module, void **data, const char *name,
                                  Dwarf_Addr base, const char *file, const char *link,
                                  GElf_Word crc, char **ret_file) {
    return dwfl_build_id_find_debuginfo(module, data, name, base, file, link, crc, ret_file);
}

/* Read, and not mapped: in memory that is free again, pointers remain to where a file was mapped. That is where the next
 * generation of a plugin is loaded, to which they would be taken to point (RL-5). */
static int find_file(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
                     char **ret_file, Elf **ret_elf) {
    int fd = dwfl_linux_proc_find_elf(module, data, name, base, ret_file, ret_elf);
    if (fd >= 0 && !*ret_elf) {
        *ret_elf = elf_begin(fd, ELF_C_READ, NULL); /* NULL: it is tried in the usual way */
    }
    return fd;
}

static const Dwfl_Callbacks callbacks = {.find_elf = find_file,
                                         .find_debuginfo = find_debug_information};

static Dwfl *open_modules(void) {
    Dwfl *dwfl = dwfl_begin(&callbacks);
    if (dwfl &&
        (dwfl_linux_proc_report(dwfl, getpid()) != 0 || dwfl_report_end(dwfl, NULL, NULL) != 0)) {
        dwfl_end(dwfl);
        dwfl = NULL;
    }
    return dwfl;
}

static void close_modules(Dwfl *dwfl) {
    if (dwfl) {
        dwfl_end(dwfl);
    }
}

/* The end of a path that tells: its last three parts. */
static const char *shorten(const char *path) {
    const char *at = path + strlen(path);
    for (unsigned slashes = 0; at > path; at--) {
        if (at[-1] == '/' && ++slashes == 3) {
            break;
        }
    }
    return at;
}

/* By the unit that has the address, where no table says which that is: clang writes none. */
static const char *find_line_in_units(Dwfl_Module *module, uintptr_t address, int *ret_number) {
    Dwarf_Addr bias = 0;
    Dwarf_Die *unit = NULL;
    while ((unit = dwfl_module_nextcu(module, unit, &bias))) {
        if (dwarf_haspc(unit, address - bias) > 0) {
            Dwarf_Line *line = dwarf_getsrc_die(unit, address - bias);
            return line && dwarf_lineno(line, ret_number) == 0 ? dwarf_linesrc(line, NULL, NULL)
                                                               : NULL;
        }
    }
    return NULL;
}

static const char *find_line(Dwfl_Module *module, uintptr_t address, int *ret_number) {
    Dwfl_Line *line = dwfl_module_getsrc(module, address);
    return line ? dwfl_lineinfo(line, NULL, ret_number, NULL, NULL, NULL)
                : find_line_in_units(module, address, ret_number);
}

/* Where debug information of the C library is installed, to read it takes a tenth of a second and ten
 * megabytes, to say in which of its lines nobody's fault is. */
static bool is_c_library(Dwfl *dwfl, const Dwfl_Module *module) {
    return module == dwfl_addrmodule(dwfl, (Dwarf_Addr)(uintptr_t)&abort);
}

/* " on_line at demo/crash.c:42"; what is not known is left out. */
static void add_place(Dwfl *dwfl, uintptr_t address, char *ret, size_t size) {
    ret[0] = '\0';
    Dwfl_Module *module = dwfl ? dwfl_addrmodule(dwfl, address) : NULL;
    const char *function = module ? dwfl_module_addrname(module, address) : NULL;
    if (!function) {
        return;
    }
    int number = 0;
    const char *file = is_c_library(dwfl, module) ? NULL : find_line(module, address, &number);
    if (file) {
        (void)snprintf(ret, size, " %s at %s:%d", function, shorten(file), number);
    } else {
        (void)snprintf(ret, size, " %s", function);
    }
}

static void add_file(Dwfl *dwfl, uintptr_t address, char *ret, size_t size) {
    Dwfl_Module *module = dwfl ? dwfl_addrmodule(dwfl, address) : NULL;
    Dwarf_Addr start = 0;
    const char *path =
        module ? dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, NULL, NULL) : NULL;
    if (path) {
        const char *slash = strrchr(path, '/');
        (void)snprintf(ret, size, "%s + 0x%llx", slash ? slash + 1 : path,
                       (unsigned long long)(address - start));
    } else {
        (void)snprintf(ret, size, "0x%llx, no code", (unsigned long long)address);
    }
}
#else
typedef void Dwfl;

static Dwfl *open_modules(void) {
    return NULL;
}

static void close_modules(Dwfl *dwfl) {
    (void)dwfl;
}

static void add_place(Dwfl *dwfl, uintptr_t address, char *ret, size_t size) {
    (void)dwfl, (void)address, (void)size;
    ret[0] = '\0';
}

static void add_file(Dwfl *dwfl, uintptr_t address, char *ret, size_t size) {
    (void)dwfl;
    (void)snprintf(ret, size, "0x%llx", (unsigned long long)address);
}
#endif

static void describe(Dwfl *dwfl, unsigned number, uintptr_t address, char *ret, size_t size) {
    char place[320];
    char name[128];
    char file[192];
    uintptr_t base = 0;
    bool is_plugin = fault_find_code(address, &base, name, sizeof name);
    add_place(dwfl, address, place, sizeof place);
    if (!is_plugin) {
        add_file(dwfl, address, file, sizeof file);
        (void)snprintf(ret, size, "#%u%s%s%s%s", number, place, place[0] ? " (" : " ", file,
                       place[0] ? ")" : "");
    } else if (place[0]) {
        (void)snprintf(ret, size, "#%u%s (%s)", number, place, name);
    } else {
        (void)snprintf(ret, size, "#%u %s + 0x%llx", number, name,
                       (unsigned long long)(address - base));
    }
}

/* libdw looks into files by ways that two threads at once get in each other's. */
static pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER;

void fault_backtrace(const struct fault_report *report,
                     void (*line)(void *context, const char *text), void *context) {
    char text[640];
    pthread_mutex_lock(&reading);
    Dwfl *dwfl = open_modules();
    for (unsigned i = 0; i < report->count; i++) {
        describe(dwfl, i, report->frames[i], text, sizeof text);
        line(context, text);
    }
    close_modules(dwfl);
    pthread_mutex_unlock(&reading);
    if (report->depth > report->count) {
        (void)snprintf(text, sizeof text, "... and %u more frames", report->depth - report->count);
        line(context, text);
    }
}
