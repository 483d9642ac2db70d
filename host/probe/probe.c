/* The parent's side of a probe: writes the sheet, runs the child, judges; see probe.h. */
#include "probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "probe/sheet.h"

/* One probe. */
struct probe {
    const struct probe_how *how;
    int fd;              /* of the memfd; -1 */
    struct sheet *sheet; /* mapped; NULL */
    pid_t pid;
};

/* --- the sheet --- */

static void add_type(struct str *out, const struct probe_type *type,
                     const struct note_actor *note) {
    sheet_add_bytes(out, type->id, strlen(type->id));
    sheet_add_number(out, type->version_back);
    sheet_add_number(out, type->state_size);
    sheet_add_number(out, type->config_offset);
    sheet_add_number(out, type->count);
    for (size_t i = 0; i < type->count; i++) {
        const struct probe_state *state = &type->states[i];
        sheet_add_bytes(out, state->actor, strlen(state->actor));
        sheet_add_number(out, state->uid);
        sheet_add_number(out, state->version);
        sheet_add_bytes(out, state->data, state->size);
        sheet_add_number(out, state->config != NULL);
        if (state->config) {
            sheet_add_config(out, note->config, state->config);
        }
    }
}

static int write_all(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t count = write(fd, data, size);
        if (count < 0 && errno != EINTR) {
            return -1;
        }
        data += count > 0 ? count : 0;
        size -= count > 0 ? (size_t)count : 0;
    }
    return 0;
}

static void fill_sheet(struct str *out, const struct probe_how *how) {
    struct sheet sheet = {.format = SHEET_FORMAT,
                          .seconds = (uint32_t)(how->time_ns / NS_PER_S + 1),
                          .memory = PROBE_MEMORY};
    str_add_n(out, (const char *)&sheet, sizeof sheet);
    sheet_add_number(out, how->type_count);
    for (size_t i = 0; i < how->type_count; i++) {
        add_type(out, &how->types[i], note_find_actor(how->image->note, how->types[i].id));
    }
}

static int make_sheet(struct probe *p, struct err *err) {
    struct str bytes;
    str_init(&bytes);
    fill_sheet(&bytes, p->how);
    if (bytes.failed) {
        str_fini(&bytes);
        return err_set(err, ERR_NOMEM, "the probe: no memory for copies of states");
    }
    ((struct sheet *)(void *)bytes.data)->size = bytes.size - sizeof(struct sheet);
    p->fd = memfd_create("troupe-probe", MFD_CLOEXEC);
    int status = p->fd < 0 ? -1 : write_all(p->fd, bytes.data, bytes.size);
    void *map = status < 0
                    ? MAP_FAILED
                    : mmap(NULL, sizeof *p->sheet, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);
    str_fini(&bytes);
    if (map == MAP_FAILED) {
        return err_errno(err, ERR_IO, errno, "the probe can't be run: no memory to share with it");
    }
    p->sheet = map;
    return 0;
}

/* --- the child --- */

static int set_up(posix_spawn_file_actions_t *files, posix_spawnattr_t *attributes, int fd) {
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    int code = posix_spawn_file_actions_adddup2(files, fd, SHEET_FD);
    for (int at = 0; code == 0 && at < SHEET_FD; at++) {
        code = posix_spawn_file_actions_addopen(files, at, "/dev/null", O_RDWR, 0);
    }
    code = code ? code : posix_spawn_file_actions_addclosefrom_np(files, SHEET_FD + 1);
    code = code ? code
                : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
                                                           POSIX_SPAWN_SETSIGMASK);
    code = code ? code : posix_spawnattr_setsigdefault(attributes, &all);
    return code ? code : posix_spawnattr_setsigmask(attributes, &none);
}

static int spawn_helper(struct probe *p, const char *helper) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    char *const words[] = {(char *)(uintptr_t)helper, (char *)(uintptr_t)p->how->path,
                           (char *)(uintptr_t)p->how->image->path, NULL};
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawnattr_init(&attributes);
    /* descriptors above 3 are closed: it must not be 3 itself, which dup2 would leave to be closed on exec */
    int fd = fcntl(p->fd, F_DUPFD_CLOEXEC, SHEET_FD + 1);
    int code = fd < 0 ? errno : set_up(&files, &attributes, fd);
    code = code ? code : posix_spawn(&p->pid, helper, &files, &attributes, words, environ);
    if (fd >= 0) {
        close(fd);
    }
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&files);
    return code;
}

static int spawn(struct probe *p, struct err *err) {
    char *helper = probe_helper();
    int code = helper ? spawn_helper(p, helper) : ENOMEM;
    if (code) {
        (void)err_errno(err, ERR_IO, code,
                        "the probe can't be run: '%s', which tries plugin files in a process of "
                        "its own; $TROUPE_PROBE says where it is",
                        helper ? helper : "troupe-probe");
    }
    mem_free(helper);
    return code ? -1 : 0;
}

static uint64_t now_ns(void) {
    struct clock *clock = clock_system();
    return clock->now(clock);
}

/* Also if it can't be waited for: somebody in this process waits for all children there are. */
static bool has_ended(pid_t pid) {
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == pid;
}

#define LOOK_AGAIN_NS NS_PER_MS

/* Whether it has ended by then. Without a pidfd (valgrind knows none, filters may forbid them) it is looked at again and
 * again. */
static bool wait_for_end(pid_t pid, int pidfd, uint64_t until_ns) {
    for (uint64_t now = now_ns(); now < until_ns; now = now_ns()) {
        struct pollfd end = {.fd = pidfd, .events = POLLIN};
        uint64_t most_ns = pidfd < 0 ? LOOK_AGAIN_NS : until_ns - now;
        int ready = poll(&end, 1, (int)((most_ns + NS_PER_MS - 1) / NS_PER_MS));
        if (ready > 0 || (pidfd < 0 && has_ended(pid))) {
            return true;
        }
    }
    return false;
}

enum end { END_ITSELF, END_SIGNAL, END_TIME, END_UNKNOWN };

/* Its process group goes with it, before its number may be another's. */
static enum end reap(struct probe *p, bool in_time, int *ret_status) {
    siginfo_t info = {.si_pid = 0};
    (void)kill(-p->pid, SIGKILL);
    (void)kill(p->pid, SIGKILL); /* before it had a group */
    int status;
    do {
        status = waitid(P_PID, (id_t)p->pid, &info, WEXITED);
    } while (status < 0 && errno == EINTR);
    *ret_status = info.si_status;
    if (!in_time) {
        return END_TIME;
    }
    if (status < 0) {
        return END_UNKNOWN; /* somebody in this process waits for all children there are */
    }
    return info.si_code == CLD_EXITED ? END_ITSELF : END_SIGNAL;
}

static enum end run_child(struct probe *p, int *ret_status) {
    uint64_t until_ns = now_ns() + p->how->time_ns;
    int pidfd = pidfd_open(p->pid, 0);
    bool in_time = wait_for_end(p->pid, pidfd, until_ns);
    if (pidfd >= 0) {
        close(pidfd);
    }
    return reap(p, in_time, ret_status);
}

/* --- the verdict --- */

static const struct probe_state *find_state(const struct probe_how *how, uint32_t number,
                                            const struct probe_type **ret_type) {
    for (size_t i = 0; i < how->type_count; i++) {
        if (number < how->types[i].count) {
            *ret_type = &how->types[i];
            return &how->types[i].states[number];
        }
        number -= (uint32_t)how->types[i].count;
    }
    return NULL;
}

/* "in 'load' with ...": what it was at. */
static void say_where(const struct probe *p, uint32_t step, struct probe_result *ret, char *text,
                      size_t size) {
    static const char *const steps[SHEET_STEP_COUNT] = {
        [SHEET_BEGIN] = "before it came to the file",
        [SHEET_MAP] = "while it was loaded, when constructors run",
        [SHEET_INIT] = "in its 'init'",
        [SHEET_FINI] = "in its 'fini' or a destructor",
        [SHEET_PASSED] = "at its end",
    };
    const struct probe_type *type = NULL;
    const struct probe_state *state = step == SHEET_LOAD || step == SHEET_SAVE
                                          ? find_state(p->how, atomic_load(&p->sheet->state), &type)
                                          : NULL;
    if (!state) {
        bool is_known = step < SHEET_STEP_COUNT && steps[step];
        (void)snprintf(text, size, "%s", is_known ? steps[step] : "at an unknown place");
        return;
    }
    (void)snprintf(ret->actor, sizeof ret->actor, "%s", state->actor);
    if (step == SHEET_LOAD) {
        (void)snprintf(text, size,
                       "in 'load' of '%s' with a copy of the state of '%s' (version %u)", type->id,
                       state->actor, state->version);
    } else {
        (void)snprintf(text, size,
                       "in 'save' of '%s' with a copy of the state of '%s', as version %u for the "
                       "way back",
                       type->id, state->actor, type->version_back);
    }
}

static void say_seconds(uint64_t ns, char *ret, size_t size) {
    (void)snprintf(ret, size, "%g s", (double)ns / (double)NS_PER_S);
}

static int refuse(const struct probe *p, enum end end, int status, struct probe_result *ret,
                  struct err *err) {
    char where[512];
    char time[32];
    uint32_t step = atomic_load(&p->sheet->step);
    say_where(p, step == SHEET_REFUSED ? atomic_load(&p->sheet->failed_at) : step, ret, where,
              sizeof where);
    say_seconds(p->how->time_ns, time, sizeof time);
    if (step == SHEET_REFUSED) {
        char text[sizeof p->sheet->text];
        memcpy(text, p->sheet->text, sizeof text);
        text[sizeof text - 1] = '\0';
        return ret->actor[0] ? err_set(err, ERR_REFUSED, "failed %s: %s", where, text)
                             : err_set(err, ERR_REFUSED, "%s", text);
    }
    switch (end) {
    case END_TIME:
        return err_set(err, ERR_REFUSED, "did not come back within %s %s", time, where);
    case END_SIGNAL:
        if (status == SIGXCPU || status == SIGKILL) {
            return err_set(err, ERR_REFUSED, "took too much of the processor or of memory %s",
                           where);
        }
        return err_set(err, ERR_REFUSED, "died of SIG%s %s",
                       sigabbrev_np(status) ? sigabbrev_np(status) : "?", where);
    case END_ITSELF:
        return err_set(err, ERR_REFUSED, "ended the process, with status %d, %s", status, where);
    default:
        return err_set(err, ERR_REFUSED, "ended %s", where);
    }
}

static int judge(const struct probe *p, enum end end, int status, struct probe_result *ret,
                 struct err *err) {
    size_t states = 0;
    for (size_t i = 0; i < p->how->type_count; i++) {
        states += p->how->types[i].count;
    }
    if (atomic_load(&p->sheet->step) == SHEET_PASSED && end != END_TIME) {
        ret->states = states;
        return 0;
    }
    if (atomic_load(&p->sheet->step) == SHEET_BEGIN && end == END_ITSELF) {
        return err_set(err, ERR_IO,
                       "the probe can't be run: troupe-probe is of another version, or "
                       "got no memory");
    }
    (void)refuse(p, end, status, ret, err);
    return err_wrap(err, "probe of '%s'", p->how->image->path);
}

int probe_run(const struct probe_how *how, struct probe_result *ret, struct err *err) {
    struct probe p = {.how = how, .fd = -1};
    *ret = (struct probe_result){0};
    int status = -1;
    if (make_sheet(&p, err) == 0 && spawn(&p, err) == 0) {
        int code;
        enum end end = run_child(&p, &code);
        status = judge(&p, end, code, ret, err);
    }
    if (p.sheet) {
        (void)munmap(p.sheet, sizeof *p.sheet);
    }
    if (p.fd >= 0) {
        close(p.fd);
    }
    return status;
}
