/* Which files have stood at a path, one after the other, since it was last looked.
 *
 * Looking at the path alone shows the newest file only; when a log is rotated twice between two looks,
 * one was there and is gone. The kernel's account of the folder names it, and where it is now. Files are
 * opened as they are found, so that further renaming or removing does not matter.
 * Where there is no such account (no inotify, a remote disk, what a link points to) nothing is found.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TRAIL_MOST 16

struct trail_file {
    int fd; /* -1: not open, or not to be had any more */
    dev_t device;
    ino_t inode;
    bool sure;       /* opened, and nothing was renamed meanwhile */
    bool touched;    /* what is at `name` may be another file now */
    bool gone;       /* removed, or moved away with `cookie` */
    uint32_t cookie; /* 0: not moving */
    char name[NAME_MAX + 1];
};

struct troupe_turn;

struct trail {
    struct troupe_turn *turn; /* in hand, set before each use; NULL: without a host */
    int fd;                   /* -1: closed */
    char folder[PATH_MAX];
    char base[NAME_MAX + 1];
    uint32_t count;
    uint32_t missed; /* files found that could not be opened any more; the caller resets it */
    struct trail_file files[TRAIL_MOST];
};

void trail_init(struct trail *t);
/* Begins to watch the folder of `path`. -1 with errno. */
int trail_open(struct trail *t, const char *path);
void trail_close(struct trail *t); /* takes a closed one */

/* Adds what has come to the path since; the file with this device and inode is known already. */
void trail_look(struct trail *t, dev_t device, ino_t inode);
/* Whether a file is to be read next. An empty newcomer is not, while it is the last: its writer may still
 * append to the one before. */
bool trail_has_next(const struct trail *t);
/* The descriptor of the oldest file found, now the caller's; -1: none. */
int trail_take(struct trail *t);
