/* Private copies of plugin files; see copy.h. */
#include "plugin/copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"

#define ATTEMPTS 8

/* What is being tried, and what was said of each place. */
struct making {
    const struct image *image;
    uint32_t generation;
    struct copy *ret;
    struct str refusals;
};

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The length of a file name without its ".so". */
static int stem_length(const char *name) {
    size_t size = strlen(name);
    return (int)(size > 3 && strcmp(name + size - 3, ".so") == 0 ? size - 3 : size);
}

static char *make_path(const struct making *making, const char *folder) {
    const char *name = base_name(making->image->path);
    const char *id =
        making->image->build_id[0] ? making->image->build_id : image_sha256(making->image);
    struct str path;
    str_init(&path);
    str_addf(&path, "%s/.%.*s.p%d.g%u.%.8s.so", folder, stem_length(name), name, (int)getpid(),
             making->generation, id);
    return str_take(&path);
}

static const char *skip_number(const char *at, char prefix) {
    if (*at++ != prefix || *at < '0' || *at > '9') {
        return "";
    }
    return at + strspn(at, "0123456789");
}

/* Whether `name` is a copy of a file called `original`, of whatever process and generation. */
static bool is_copy_name(const char *name, const char *original) {
    size_t stem = (size_t)stem_length(original);
    if (name[0] != '.' || strncmp(name + 1, original, stem) != 0 || name[1 + stem] != '.') {
        return false;
    }
    const char *at = skip_number(name + 1 + stem + 1, 'p');
    if (*at++ != '.') {
        return false;
    }
    at = skip_number(at, 'g');
    if (*at++ != '.') {
        return false;
    }
    at += strspn(at, "0123456789abcdef");
    return strcmp(at, ".so") == 0;
}

/* The lock is what a living process holds; process numbers repeat, and differ between containers.
 */
static void remove_if_left(int folder_fd, const char *name) {
    int fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        (void)unlinkat(folder_fd, name, 0);
    }
    close(fd);
}

static void remove_left_copies(const char *folder, const char *original) {
    DIR *dir = opendir(folder);
    if (!dir) {
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        if (is_copy_name(entry->d_name, original)) {
            remove_if_left(dirfd(dir), entry->d_name);
        }
    }
    closedir(dir);
}

static int write_all(int fd, const uint8_t *bytes, size_t size) {
    while (size > 0) {
        ssize_t count = write(fd, bytes, size);
        if (count < 0 && errno != EINTR) {
            return -1;
        }
        bytes += count > 0 ? count : 0;
        size -= count > 0 ? (size_t)count : 0;
    }
    return 0;
}

/* Opens a new file and locks it. -1 with errno. */
static int create_locked(const char *path) {
    for (int i = 0; i < ATTEMPTS; i++) {
        struct stat st;
        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0500);
        if (fd < 0) {
            return -1;
        }
        /* Between both calls another process may take it for one left behind. */
        if (flock(fd, LOCK_EX) == 0 && fstat(fd, &st) == 0 && st.st_nlink == 1) {
            return fd;
        }
        close(fd);
        (void)unlink(path);
    }
    errno = EBUSY;
    return -1;
}

static bool is_noexec(const char *folder) {
    struct statvfs fs;
    return statvfs(folder, &fs) == 0 && (fs.f_flag & ST_NOEXEC);
}

/* Always English, as the sentence around it, and static. */
static const char *errno_text(int number) {
    const char *text = strerrordesc_np(number);
    return text ? text : "unknown error";
}

static void note_refusal(struct making *making, const char *folder, const char *why) {
    str_addf(&making->refusals, "%s'%s' (%s)", making->refusals.size ? ", " : "", folder, why);
}

/* Writes the copy into an existing folder; whether it could. */
static bool try_folder(struct making *making, const char *folder) {
    if (is_noexec(folder)) {
        note_refusal(making, folder, "mounted noexec");
        return false;
    }
    remove_left_copies(folder, base_name(making->image->path));
    char *path = make_path(making, folder);
    if (!path) {
        note_refusal(making, folder, "out of memory");
        return false;
    }
    int fd = create_locked(path);
    if (fd >= 0 && write_all(fd, making->image->bytes, making->image->size) == 0) {
        *making->ret = (struct copy){.path = path, .fd = fd};
        return true;
    }
    note_refusal(making, folder, errno_text(errno));
    if (fd >= 0) {
        (void)unlink(path);
        close(fd);
    }
    mem_free(path);
    return false;
}

/* The path must keep its meaning when the process changes its folder. */
static bool try_beside(struct making *making) {
    const char *path = making->image->path;
    size_t size = (size_t)(base_name(path) - path);
    char *folder = size ? mem_text_n(path, size) : mem_text(".");
    char *resolved = folder ? realpath(folder, NULL) : NULL;
    bool done = resolved && try_folder(making, resolved);
    if (!resolved) {
        note_refusal(making, folder ? folder : path, errno_text(errno));
    }
    making->ret->is_beside = done;
    free(resolved);
    mem_free(folder);
    return done;
}

static bool try_runtime_directory(struct making *making) {
    const char *folders = getenv("RUNTIME_DIRECTORY"); /* systemd's; several are separated by ':' */
    if (!folders || folders[0] != '/') {
        return false;
    }
    char *folder = mem_text_n(folders, strcspn(folders, ":"));
    bool done = folder && try_folder(making, folder);
    mem_free(folder);
    return done;
}

static bool try_user_directory(struct making *making) {
    const char *base = getenv("XDG_RUNTIME_DIR");
    struct str folder;
    str_init(&folder);
    str_addf(&folder, "%s/troupe", base ? base : "");
    bool done = base && base[0] == '/' && !folder.failed &&
                (mkdir(str_text(&folder), 0700) == 0 || errno == EEXIST) &&
                try_folder(making, str_text(&folder));
    str_fini(&folder);
    return done;
}

static bool try_temporary(struct making *making) {
    const char *base = getenv("TMPDIR");
    struct str folder;
    str_init(&folder);
    str_addf(&folder, "%s/troupe-XXXXXX", base && base[0] == '/' ? base : "/tmp");
    char *made = str_take(&folder);
    if (!made || !mkdtemp(made)) {
        note_refusal(making, made ? made : "/tmp", errno_text(errno));
        mem_free(made);
        return false;
    }
    if (try_folder(making, made)) {
        making->ret->folder = made;
        return true;
    }
    (void)rmdir(made);
    mem_free(made);
    return false;
}

int copy_make(const struct image *image, uint32_t generation, struct copy *ret, struct err *err) {
    struct copy copy = {.fd = -1};
    struct making making = {.image = image, .generation = generation, .ret = &copy};
    str_init(&making.refusals);
    bool done = try_beside(&making) || try_runtime_directory(&making) ||
                try_user_directory(&making) || try_temporary(&making);
    if (!done) {
        err_set(err, ERR_IO, "cannot write a private copy of it: %s", str_text(&making.refusals));
    }
    str_fini(&making.refusals);
    if (!done) {
        return -1;
    }
    *ret = copy;
    return 0;
}

void copy_remove(struct copy *copy) {
    if (copy->fd < 0) {
        return;
    }
    (void)unlink(copy->path);
    close(copy->fd); /* behind the unlink: the lock keeps others off until the name is gone */
    if (copy->folder) {
        (void)rmdir(copy->folder);
    }
    mem_free(copy->path);
    mem_free(copy->folder);
    *copy = (struct copy){.fd = -1};
}
