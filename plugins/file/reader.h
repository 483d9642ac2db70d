/* Reads a file forward, and notices when it is no longer the same.
 *
 * A reader remembers the last bytes it has read, and reads them again with the next ones. A file
 * that was truncated (also one that has since grown past the old place) no longer has them there.
 * No thread, and of the host only what owns the descriptor: the actor around it decides when to look.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define READER_MARK 64

enum reader_kind {
    READER_CLOSED,
    READER_FILE,   /* regular: read by position, can be followed */
    READER_STREAM, /* pipe, socket, terminal: read when ready */
    READER_DEVICE, /* anything else: read on and on until its end */
};

enum reader_step {
    READER_DATA,
    READER_AT_END,  /* for now */
    READER_NOT_YET, /* a stream without data just now */
    READER_CHANGED, /* truncated or rewritten: begin again at 0 */
    READER_FAILED,  /* errno says why */
};

struct troupe_turn;

struct reader {
    struct troupe_turn *turn; /* in hand, set before each use; NULL: without a host */
    int fd;                   /* -1 while closed */
    enum reader_kind kind;
    dev_t device;
    ino_t inode;
    uint64_t offset; /* of the next byte */
    uint32_t mark_size;
    char mark[READER_MARK]; /* the bytes right before `offset` */
};

void reader_init(struct reader *r);
/* Opens `path`, "-" being the standard input, at its beginning (a redirected standard input: where
 * it stands). With `follow` a FIFO stays open when its last writer leaves. -1 with errno. */
int reader_open(struct reader *r, const char *path, bool follow);
void reader_close(struct reader *r); /* takes a closed one */
/* Goes on with `fd`, of a regular file, at its beginning; it is the reader's. -1 with errno. */
int reader_take(struct reader *r, int fd);

/* Goes to `offset` of a regular file, at most its end. -1 with errno. */
int reader_seek(struct reader *r, uint64_t offset);
/* Goes to the end of a regular file: behind its last LF, at most `max_back` bytes before the end,
 * so that a line begun but not ended is read whole. -1 with errno. */
int reader_seek_end(struct reader *r, uint64_t max_back);

/* Reads at most `room` bytes; *ret_size is set with READER_DATA. */
enum reader_step reader_read(struct reader *r, char *into, uint64_t room, uint64_t *ret_size);

/* Whether `path` is now another file, and that one has been written to. An empty newcomer does not
 * count: until its writer uses it, he may still append to the old one. */
bool reader_is_replaced(const struct reader *r, const char *path);
