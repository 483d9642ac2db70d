/* Feeds a soak: writes an sshd's log into a FIFO at full speed and into a file that grows steadily, for so
 * many seconds, with a line that kills somebody in each of them about once a second.
 *
 * usage: feed SECONDS FIFO FILE FOREVER
 *
 * With FOREVER 1 some of the early deaths are hangs that never end; each costs a thread for good.
 * Says "second N" on stdout as time passes; at the end "fed STREAM-LINES FILE-LINES DEADLY". The file's
 * last line is one with "the.end" in it. Who is killed how: tests/fixtures/plugins/mortal/mortal.h. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SOURCES 60u
#define FILE_EVERY_NS 10000000ull /* a few lines each time */
#define FILE_LINES 10u
#define BLOCK 65536u

static const char *const kinds[] = {"error",  "segv", "overflow", "loop",   "abort",
                                    "memcpy", "bus",  "slow",     "fpe",    "malloc_loop",
                                    "ill",    "jump", "strlen",   "assert", "wild"};
#define KINDS (sizeof kinds / sizeof kinds[0])
static const char *const readers[] = {"parse", "window", "count"};

struct feed {
    int fd;
    uint64_t lines, deadly;
    uint64_t end_ns, next_ns; /* of the next deadly line */
    bool forever;
    char block[BLOCK + 256];
    size_t size;
};

static uint64_t now_ns(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int write_all(struct feed *feed) {
    for (size_t done = 0; done < feed->size;) {
        ssize_t n = write(feed->fd, feed->block + done, feed->size - done);
        if (n < 0 && errno != EINTR) {
            perror("feed: write");
            return -1;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    feed->size = 0;
    return 0;
}

static void add(struct feed *feed, const char *what) {
    uint64_t second = feed->lines / 1000;
    feed->size += (size_t)snprintf(feed->block + feed->size, sizeof feed->block - feed->size,
                                   "Jan  1 %02u:%02u:%02u host sshd[%u]: %s\n",
                                   (unsigned)(second / 3600 % 24), (unsigned)(second / 60 % 60),
                                   (unsigned)(second % 60), (unsigned)(feed->lines % 30000), what);
    feed->lines++;
}

static void add_usual(struct feed *feed) {
    static const char *const forms[] = {"Failed password for root from 10.0.0.%u port 22 ssh2",
                                        "Accepted password for ann from 10.0.0.%u port 22 ssh2",
                                        "Connection closed by 10.0.0.%u port 22"};
    char what[128];
    const char *form = forms[feed->lines % 3];
    (void)snprintf(what, sizeof what, form, (unsigned)(feed->lines / 3 % SOURCES));
    add(feed, what);
}

static void add_deadly(struct feed *feed, const char *who) {
    char what[128];
    const char *kind = kinds[feed->deadly % KINDS];
    if (feed->forever && (feed->deadly == 2 || feed->deadly == 4)) {
        kind = feed->deadly == 2 ? "lock" : "read";
    }
    feed->deadly++;
    (void)snprintf(what, sizeof what, "Failed password for root from die.%s.%s port 22 ssh2", who,
                   kind);
    add(feed, what);
}

static bool is_deadly_time(struct feed *feed, uint64_t now) {
    if (now < feed->next_ns) {
        return false;
    }
    feed->next_ns = now + 1000000000;
    return true;
}

/* --- the file: a thread of its own, so that it grows while the other waits for room --- */

static int make_timer(uint64_t every_ns) {
    struct itimerspec when = {.it_interval.tv_nsec = (long)every_ns,
                              .it_value.tv_nsec = (long)every_ns};
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    return timer < 0 || timerfd_settime(timer, 0, &when, NULL) < 0 ? -1 : timer;
}

static void *feed_file(void *context) {
    struct feed *feed = context;
    int timer = make_timer(FILE_EVERY_NS);
    uint64_t times;
    for (uint64_t now = now_ns(); now < feed->end_ns; now = now_ns()) {
        for (unsigned i = 0; i < FILE_LINES; i++) {
            add_usual(feed);
        }
        if (is_deadly_time(feed, now)) {
            add_deadly(feed, "tail");
        }
        if (write_all(feed) < 0 || read(timer, &times, sizeof times) < 0) {
            perror("feed: file");
            exit(1);
        }
    }
    add(feed, "Connection closed by the.end port 22");
    return write_all(feed) < 0 ? context : NULL;
}

/* --- the stream --- */

static void tell_time(uint64_t begin_ns, uint64_t now, uint64_t *told) {
    while (*told < (now - begin_ns) / 1000000000) {
        (void)printf("second %llu\n", (unsigned long long)++*told);
    }
    (void)fflush(stdout);
}

static int feed_stream(struct feed *feed, uint64_t begin_ns) {
    uint64_t told = 0;
    for (uint64_t now = begin_ns; now < feed->end_ns; now = now_ns()) {
        tell_time(begin_ns, now, &told);
        if (is_deadly_time(feed, now)) {
            add_deadly(feed, readers[(feed->deadly / KINDS + feed->deadly) % 3]);
        }
        while (feed->size < BLOCK) {
            add_usual(feed);
        }
        if (write_all(feed) < 0) {
            return -1;
        }
    }
    return close(feed->fd);
}

int main(int argc, char **argv) {
    static struct feed stream, file;
    if (argc != 5) {
        (void)fprintf(stderr, "usage: feed SECONDS FIFO FILE FOREVER\n");
        return 2;
    }
    uint64_t begin_ns = now_ns();
    stream.end_ns = file.end_ns = begin_ns + strtoull(argv[1], NULL, 10) * 1000000000;
    stream.next_ns = begin_ns + 1000000000;
    file.next_ns = begin_ns + 1500000000;
    stream.forever = strcmp(argv[4], "1") == 0;
    stream.fd = open(argv[2], O_WRONLY | O_CLOEXEC);
    file.fd = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    pthread_t thread;
    void *failed = NULL;
    if (stream.fd < 0 || file.fd < 0 || pthread_create(&thread, NULL, feed_file, &file) != 0) {
        perror("feed: open");
        return 1;
    }
    int status = feed_stream(&stream, begin_ns);
    (void)pthread_join(thread, &failed);
    (void)printf("fed %llu %llu %llu\n", (unsigned long long)stream.lines,
                 (unsigned long long)file.lines, (unsigned long long)(stream.deadly + file.deadly));
    return status < 0 || failed;
}
