/* Looks for whoever may still use old code; see audit.h. */
#include "reload/audit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "sched/fault.h"

#define ANSWER_NS (2 * NS_PER_S)
#define AGAIN_NS 300000
#define SPANS_MOST LIBRARY_PARTS_MAX
#define KNOWING_MOST 64u
#define CHUNK 65536u
/* Before each chunk, for who makes way: who wakes where it runs waits for one chunk at most. */
#define PAUSE_NS 20000
#define WINDOW 512u /* pages */
#define LEAD 3u     /* words before one that tell what it is part of */
#define CHUNK_SIZE (CHUNK + LEAD * sizeof(uintptr_t))
#define LINK_MAP_SIZE 1536u /* the dynamic linker's record, generously */

/* A mapping that can be written. */
struct region {
    struct fault_span span;
    bool is_guarded; /* like a stack: memory that nobody may touch lies before it */
    char name[64];   /* the end of its path, or "" */
};

struct audit {
    const struct library *library;
    struct fault_span code[SPANS_MOST]; /* what is looked for */
    size_t code_count;
    struct fault_span skipped[KNOWING_MOST + 3]; /* where such words are known to stand */
    size_t skipped_count;
    struct library_memory parts[LIBRARY_PARTS_MAX];
    size_t part_count;
    const void *map; /* the dynamic linker's record */
    struct region *regions;
    struct fault_span *spans; /* the regions' */
    size_t region_count;
    bool makes_way, has_pipe;
    int through[2];
    int pages;               /* /proc/self/pagemap */
    uint64_t window[WINDOW]; /* what it says of the pages from window_start to window_end */
    uintptr_t window_start, window_end;
    uintptr_t *chunk;    /* LEAD words, then what is read */
    uintptr_t chunk_end; /* the address behind the last word read */
    char *reason;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static bool found(struct audit *a, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(a->reason, a->size, format, args);
    va_end(args);
    return true;
}

static bool is_in(const struct fault_span *spans, size_t count, uintptr_t word) {
    for (size_t i = 0; i < count; i++) {
        if (word >= spans[i].start && word < spans[i].end) {
            return true;
        }
    }
    return false;
}

static uintptr_t offset_of(const struct audit *a, uintptr_t address) {
    return address - a->parts[0].start;
}

/* --- what there is --- */

/* What is constant, but for the headers in front, which the dynamic linker and debuggers look at. */
static void list_code(struct audit *a) {
    struct library_knowing knowing[KNOWING_MOST];
    a->part_count = library_memory(a->library, a->parts, LIBRARY_PARTS_MAX);
    for (size_t i = 0; i < a->part_count; i++) {
        const struct library_memory *part = &a->parts[i];
        if (part->is_code || (!part->is_writable && i > 0)) {
            a->code[a->code_count++] = (struct fault_span){part->start, part->end};
        }
    }
    size_t count = library_knowing(a->library, knowing, KNOWING_MOST, &a->map);
    for (size_t i = 0; i < count; i++) {
        uintptr_t at = (uintptr_t)knowing[i].at;
        a->skipped[a->skipped_count++] = (struct fault_span){at, at + knowing[i].size};
    }
    uintptr_t map = (uintptr_t)a->map;
    a->skipped[a->skipped_count++] = (struct fault_span){map, map + LINK_MAP_SIZE};
}

/* Its own, and devices', are of no interest. */
static bool is_wanted(const struct audit *a, uintptr_t start, const char *rights,
                      const char *path) {
    bool is_own = start >= a->parts[0].start && start < a->parts[a->part_count - 1].end;
    return rights[0] == 'r' && rights[1] == 'w' && !is_own && strncmp(path, "/dev/", 5) != 0;
}

static bool add_region(struct audit *a, const struct region *region) {
    struct region *regions = mem_resize(a->regions, (a->region_count + 1) * sizeof *regions);
    a->regions = regions ? regions : a->regions;
    struct fault_span *spans = mem_resize(a->spans, (a->region_count + 1) * sizeof *spans);
    a->spans = spans ? spans : a->spans;
    if (!regions || !spans) {
        return false;
    }
    regions[a->region_count] = *region;
    spans[a->region_count++] = region->span;
    return true;
}

/* Each heap of the C library's begins at such an address, and may stand behind the rest of another. */
#define HEAP_ALIGN ((uintptr_t)64 << 20)

static bool list_regions(struct audit *a) {
    char line[1024];
    uintptr_t guard_end = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    bool done = maps != NULL;
    while (done && fgets(line, sizeof line, maps)) {
        struct region region = {0};
        char rights[8];
        int at = 0;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s %*s %*s %*s %n", &region.span.start,
                   &region.span.end, rights, &at) != 3) {
            continue;
        }
        const char *path = at > 0 ? line + at : "";
        const char *slash = strrchr(path, '/');
        (void)snprintf(region.name, sizeof region.name, "%.*s",
                       (int)strcspn(slash ? slash + 1 : path, "\n"), slash ? slash + 1 : path);
        region.is_guarded = region.span.start == guard_end && region.span.start % HEAP_ALIGN != 0;
        guard_end = strncmp(rights, "---", 3) == 0 ? region.span.end : 0;
        if (is_wanted(a, region.span.start, rights, path)) {
            done = add_region(a, &region);
        }
    }
    if (maps) {
        (void)fclose(maps);
    }
    return done;
}

/* --- signals --- */

static bool finds_handler(struct audit *a) {
    for (int signal = 1; signal < NSIG; signal++) {
        struct sigaction action;
        if (sigaction(signal, NULL, &action) == 0 &&
            is_in(a->code, a->code_count, (uintptr_t)action.sa_handler)) {
            const char *name = sigabbrev_np(signal);
            return found(a, "it handles the signal %s%s", name ? "SIG" : "", name ? name : "?");
        }
    }
    return false;
}

/* --- threads --- */

/* Where the stack of a thread ends that waits in the kernel; 0: it runs, or nobody knows. */
static uintptr_t waiting_sp(pid_t thread) {
    char path[64];
    char line[256] = "";
    uintptr_t sp = 0;
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)thread);
    FILE *file = fopen(path, "re");
    if (!file) {
        return 0;
    }
    /* "NUMBER 6 ARGUMENTS SP PC", "-1 SP PC", or "running" */
    char *got = fgets(line, sizeof line, file);
    (void)fclose(file);
    const char *pc = got ? strrchr(line, ' ') : NULL;
    while (pc && pc > line && pc[-1] != ' ') {
        pc--;
    }
    return pc && sscanf(pc, "%" SCNxPTR, &sp) == 1 ? sp : 0;
}

/* The dynamic linker notes where the parts of a file begin, and keeps a list of "start, end, record, what unwinds
 * it". They, and what remains of older ones at the same place, are no use of it. */
static bool is_linkers(const struct audit *a, const uintptr_t *word) {
    for (size_t i = 0; i < a->part_count; i++) {
        if (*word == a->parts[i].start) {
            return true;
        }
    }
    return word[-3] == a->parts[0].start;
}

/* Of `words` words read at `at`: the first that points into the code and is not known. */
static uintptr_t look(const struct audit *a, uintptr_t at, size_t words, uintptr_t *ret_at) {
    const uintptr_t *read = a->chunk + LEAD;
    for (size_t i = 0; i < words; i++) {
        if (is_in(a->code, a->code_count, read[i]) &&
            !is_in(a->skipped, a->skipped_count, at + i * sizeof *read) &&
            !is_linkers(a, &read[i])) {
            *ret_at = at + i * sizeof *read;
            return read[i];
        }
    }
    return 0;
}

/* Into the chunk, as far as it can be read: memory may go meanwhile. Through a pipe, as to write takes no lock of the
 * memory's map, other than to read /proc/self/mem: who allocates would wait for it. */
static size_t copy(struct audit *a, uintptr_t from, size_t size) {
    char *to = (char *)(a->chunk + LEAD);
    size_t copied = 0;
    if (a->makes_way) {
        (void)nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
    }
    while (copied < size) {
        /* not write(): sanitizers would judge what is read */
        ssize_t put = syscall(SYS_write, a->through[1], from + copied, size - copied);
        ssize_t got = put > 0 ? read(a->through[0], to + copied, (size_t)put) : 0;
        if (got <= 0) {
            break;
        }
        copied += (size_t)got;
    }
    return copied;
}

/* At most CHUNK. */
static uintptr_t look_through(struct audit *a, uintptr_t from, uintptr_t to, uintptr_t *ret_at) {
    if (from != a->chunk_end) {
        memset(a->chunk, 0, LEAD * sizeof *a->chunk);
    }
    size_t words = copy(a, from, to - from) / sizeof *a->chunk;
    uintptr_t word = look(a, from, words, ret_at);
    memmove(a->chunk, a->chunk + words, LEAD * sizeof *a->chunk);
    a->chunk_end = from + words * sizeof *a->chunk;
    return word;
}

static size_t region_of(const struct audit *a, uintptr_t address) {
    size_t at = 0;
    while (at < a->region_count && (address < a->spans[at].start || address >= a->spans[at].end)) {
        at++;
    }
    return at;
}

static void name_thread(pid_t thread, char *ret, size_t size) {
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/comm", (int)thread);
    FILE *file = fopen(path, "re");
    if (!file || !fgets(ret, (int)size, file)) {
        (void)snprintf(ret, size, "?");
    }
    if (file) {
        (void)fclose(file);
    }
    ret[strcspn(ret, "\n")] = '\0';
}

/* One that waits in the kernel is looked at from here: it need not wake up. */
static bool look_at_waiting(struct audit *a, pid_t thread, struct fault_scan *scan) {
    uintptr_t sp = waiting_sp(thread);
    size_t region = sp ? region_of(a, sp) : a->region_count;
    uintptr_t at;
    if (region == a->region_count) {
        return false;
    }
    scan->sp = sp;
    scan->found = 0;
    uintptr_t end = a->spans[region].end;
    for (uintptr_t from = sp & ~(uintptr_t)(sizeof sp - 1); !scan->found && from < end;) {
        uintptr_t to = end - from < CHUNK ? end : from + CHUNK;
        scan->found = look_through(a, from, to, &at);
        from = to;
    }
    return waiting_sp(thread) == sp;
}

static bool has_ended(pid_t thread) {
    return syscall(SYS_tgkill, getpid(), thread, 0) < 0 && errno == ESRCH;
}

/* One that takes no signals is caught while it waits, be it for a moment. False: it has ended, or never waits. */
static bool look_at_thread(struct audit *a, pid_t thread, struct fault_scan *scan) {
    struct clock *clock = clock_system();
    uint64_t until_ns = clock->now(clock) + ANSWER_NS;
    while (!look_at_waiting(a, thread, scan) && !fault_scan_thread(thread, scan, ANSWER_NS)) {
        if (has_ended(thread) || clock->now(clock) >= until_ns) {
            return false;
        }
        (void)nanosleep(&(struct timespec){0, AGAIN_NS}, NULL);
    }
    return true;
}

static bool finds_thread(struct audit *a, pid_t thread, uintptr_t *ret_sp) {
    char name[32];
    struct fault_scan scan = {.code = a->code,
                              .code_count = a->code_count,
                              .memory = a->spans,
                              .memory_count = a->region_count};
    name_thread(thread, name, sizeof name);
    if (!look_at_thread(a, thread, &scan)) {
        return !has_ended(thread) &&
               found(a, "the thread '%s' (%d) can't be looked at", name, (int)thread);
    }
    *ret_sp = scan.sp;
    return scan.found && found(a, "the thread '%s' (%d) is in it, or comes back to it, at 0x%zx",
                               name, (int)thread, (size_t)offset_of(a, scan.found));
}

/* A stack is done by that; what lies beyond its end is rubbish. */
static void forget_stack(struct audit *a, uintptr_t sp) {
    size_t region = region_of(a, sp);
    if (region < a->region_count) {
        a->regions[region].span.end = a->regions[region].span.start;
    }
}

static bool finds_threads(struct audit *a) {
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks) {
        return found(a, "the threads can't be listed");
    }
    bool does = false;
    struct dirent *entry;
    while (!does && (entry = readdir(tasks))) {
        pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);
        uintptr_t sp = 0;
        if (thread == (pid_t)syscall(SYS_gettid)) {
            sp = (uintptr_t)__builtin_frame_address(0);
        } else if (thread > 0) {
            does = finds_thread(a, thread, &sp);
        }
        forget_stack(a, sp);
    }
    closedir(tasks);
    return does;
}

/* --- memory --- */

#define PAGE_IN_USE ((uint64_t)3 << 62) /* in memory, or swapped */

/* What is known of the pages from `from` on; returns how many. Many at once: each question locks the memory's map. */
static size_t ask_pages(struct audit *a, uintptr_t from, uintptr_t to, uintptr_t page,
                        const uint64_t **ret) {
    if (from < a->window_start || from >= a->window_end) {
        size_t pages = (to - from) / page < WINDOW ? (to - from) / page : WINDOW;
        ssize_t count = pread(a->pages, a->window, pages * sizeof *a->window,
                              (off_t)(from / page * sizeof *a->window));
        a->window_start = from;
        a->window_end = from + (count > 0 ? (size_t)count / sizeof *a->window : 0) * page;
    }
    *ret = a->window + (from - a->window_start) / page;
    return (a->window_end - from) / page;
}

/* The pages from `from` on that are in use, up to CHUNK: *ret_used says whether these are, or none of them. */
static uintptr_t next_pages(struct audit *a, uintptr_t from, uintptr_t to, bool *ret_used) {
    const uint64_t *entries;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    size_t known = ask_pages(a, from, to, page, &entries);
    *ret_used = known == 0 || (entries[0] & PAGE_IN_USE);
    if (known == 0) { /* nobody says: then all of it */
        return to - from < CHUNK ? to : from + CHUNK;
    }
    size_t most = *ret_used && known > CHUNK / page ? CHUNK / page : known;
    size_t run = 1;
    while (run < most && !(entries[run] & PAGE_IN_USE) == !*ret_used) {
        run++;
    }
    return from + run * page;
}

static bool finds_word(struct audit *a, const struct region *region) {
    uintptr_t at = 0;
    for (uintptr_t from = region->span.start; from < region->span.end;) {
        bool used;
        uintptr_t to = next_pages(a, from, region->span.end, &used);
        uintptr_t word = used ? look_through(a, from, to, &at) : 0;
        if (word) {
            return found(a, "a word at 0x%zx (%s) points to it, to 0x%zx", (size_t)at,
                         region->name[0] ? region->name : "memory of the process",
                         (size_t)offset_of(a, word));
        }
        from = to;
    }
    return false;
}

static bool finds_words(struct audit *a) {
    for (size_t i = 0; i < a->region_count; i++) {
        /* a stack on which no thread is: of one that has ended, or for signals */
        if (!a->regions[i].is_guarded && finds_word(a, &a->regions[i])) {
            return true;
        }
    }
    return false;
}

/* --- the whole --- */

static bool prepare(struct audit *a) {
    a->has_pipe = pipe2(a->through, O_CLOEXEC | O_NONBLOCK) == 0;
    a->pages = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    a->chunk = mem_alloc(CHUNK_SIZE);
    uintptr_t chunk = (uintptr_t)a->chunk;
    a->skipped[a->skipped_count++] = (struct fault_span){chunk, chunk + CHUNK_SIZE};
    return a->has_pipe && a->chunk && list_regions(a);
}

static void fini(struct audit *a) {
    if (a->has_pipe) {
        close(a->through[0]);
        close(a->through[1]);
    }
    if (a->pages >= 0) {
        close(a->pages);
    }
    if (a->chunk) {
        explicit_bzero(a->chunk, CHUNK_SIZE);
    }
    mem_free(a->chunk);
    mem_free(a->regions);
    mem_free(a->spans);
}

static bool finds(struct audit *a) {
    list_code(a);
    if (a->code_count == 0) {
        return false;
    }
    if (finds_handler(a)) {
        return true;
    }
    if (!fault_is_contained()) {
        return false;
    }
    return prepare(a) ? finds_threads(a) || finds_words(a)
                      : found(a, "the memory of the process can't be looked through");
}

bool audit_finds(const struct library *library, bool makes_way, char *reason, size_t size) {
    struct audit *a = mem_alloc(sizeof *a);
    if (!a) {
        (void)snprintf(reason, size, "there is no memory to look for who uses it");
        return true;
    }
    *a = (struct audit){
        .library = library, .makes_way = makes_way, .pages = -1, .reason = reason, .size = size};
    a->skipped[a->skipped_count++] = (struct fault_span){(uintptr_t)a, (uintptr_t)a + sizeof *a};
    bool does = finds(a);
    fini(a);
    explicit_bzero(a, sizeof *a); /* the next one would find it */
    mem_free(a);
    return does;
}
