/* The program troupe-probe: PRIVATE-COPY ORIGINAL, and the sheet at descriptor 3. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prober/prober.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SHADOW true
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SHADOW true
#endif

#ifdef HAS_SHADOW
/* Memory by the terabyte can't be bounded, leaks are of no interest, and faults are to end it as they do else. */
#define OPTIONS "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0"
#define FOUND_BY_SANITIZER __attribute__((visibility("default")))
FOUND_BY_SANITIZER const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return OPTIONS ":detect_leaks=0";
}
FOUND_BY_SANITIZER const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
    return OPTIONS;
}
#else
#define HAS_SHADOW false
#endif

#define NICE 10
#define FILE_MOST ((rlim_t)1 << 20) /* bytes that it may write into one */

static void limit(int what, rlim_t soft, rlim_t hard) {
    struct rlimit limit = {soft, hard};
    (void)setrlimit(what, &limit);
}

/* What it has mapped by now, in bytes. */
static uint64_t mapped(void) {
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (statm) {
        (void)fscanf(statm, "%lu", &pages);
        (void)fclose(statm);
    }
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* P-2 */
static void bound(const struct sheet *sheet) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setpriority(PRIO_PROCESS, 0,
                      NICE); /* the deployment goes on meanwhile, and comes first */
    limit(RLIMIT_CORE, 0, 0);
    limit(RLIMIT_FSIZE, FILE_MOST, FILE_MOST);
    limit(RLIMIT_CPU, sheet->seconds, sheet->seconds + 1);
    if (!HAS_SHADOW) {
        uint64_t most = mapped() + sheet->memory;
        limit(RLIMIT_AS, most, most);
    }
}

int main(int argc, char **argv) {
    struct stat info;
    if (argc != 3 || fstat(SHEET_FD, &info) < 0 || (size_t)info.st_size < sizeof(struct sheet)) {
        (void)fputs("troupe-probe: the host runs it, to try a plugin file before a reload\n",
                    stderr);
        return 2;
    }
    size_t size = (size_t)info.st_size;
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, SHEET_FD, 0);
    struct sheet *sheet = map;
    if (map == MAP_FAILED || sheet->format != SHEET_FORMAT || sheet->size != size - sizeof *sheet) {
        return 2;
    }
    (void)close(SHEET_FD); /* a plugin has nothing to do with it */
    bound(sheet);
    prober_run(sheet, (const uint8_t *)(sheet + 1), argv[1], argv[2]);
    return 0;
}
