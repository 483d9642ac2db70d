/* Text without the C library's help: the last words of a process, from a signal handler. */
#include <string.h>
#include <unistd.h>

#include "sched/fault_impl.h"

struct text {
    char bytes[512];
    size_t length;
};

static void add(struct text *text, const char *more) {
    while (*more && text->length < sizeof text->bytes) {
        text->bytes[text->length++] = *more++;
    }
}

void write_hex(char *ret, size_t size, uintptr_t number) {
    char digits[2 * sizeof number];
    size_t count = 0;
    do {
        digits[count++] = "0123456789abcdef"[number % 16];
        number /= 16;
    } while (number);
    if (size < count + 3) {
        ret[0] = '\0';
        return;
    }
    *ret++ = '0';
    *ret++ = 'x';
    while (count) {
        *ret++ = digits[--count];
    }
    *ret = '\0';
}

static void add_hex(struct text *text, uintptr_t number) {
    char hex[2 * sizeof number + 3];
    write_hex(hex, sizeof hex, number);
    add(text, hex);
}

static void add_number(struct text *text, unsigned number) {
    char digits[12];
    size_t at = sizeof digits;
    digits[--at] = '\0';
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    add(text, digits + at);
}

static void send_line(int fd, struct text *text) {
    if (text->length == sizeof text->bytes) {
        text->length--;
    }
    text->bytes[text->length++] = '\n';
    size_t done = 0;
    while (done < text->length) {
        ssize_t written = write(fd, text->bytes + done, text->length - done);
        if (written <= 0) {
            break; /* nobody is left to tell */
        }
        done += (size_t)written;
    }
    text->length = 0;
}

const char *fault_signal_name(int signal) {
    switch (signal) {
    case SIGSEGV:
        return "SIGSEGV";
    case SIGBUS:
        return "SIGBUS";
    case SIGFPE:
        return "SIGFPE";
    case SIGILL:
        return "SIGILL";
    case SIGABRT:
        return "SIGABRT";
    default:
        return "signal";
    }
}

void fault_text(const struct fault_report *report, char *ret, size_t size) {
    struct text text = {.length = 0};
    if (report->broken) {
        add(&text, "broken off");
    } else {
        add(&text, fault_signal_name(report->signal));
        if (report->overflow) {
            add(&text, ", stack overflow");
        } else if (report->wild) {
            add(&text, " at an address that cannot be");
        } else if (report->signal != SIGABRT) {
            add(&text, " at address ");
            add_hex(&text, report->address);
        }
    }
    size_t length = text.length < size ? text.length : size - 1;
    memcpy(ret, text.bytes, length);
    ret[length] = '\0';
}

const char *fault_reason(enum fault_verdict verdict) {
    switch (verdict) {
    case FAULT_LIBRARY:
        return "it happened in code of a library or the host, which may hold locks";
    case FAULT_BETWEEN:
        return "other code stands between the plugin and the host";
    case FAULT_UNREADABLE:
        return "the stack cannot be read";
    case FAULT_AGAIN:
        return "the stack is damaged";
    case FAULT_UNWANTED:
        return "the deployment wants no recovery ('on_fault: exit')";
    case FAULT_SAFE:
    case FAULT_OUTSIDE:
        break;
    }
    return "it happened in the host";
}

void write_words(int fd, const char *a, const char *b, const char *c, const char *d) {
    struct text text = {.length = 0};
    add(&text, a);
    add(&text, b);
    add(&text, c);
    add(&text, d);
    send_line(fd, &text);
}

static void write_frame(int fd, unsigned number, uintptr_t address) {
    struct text text = {.length = 0};
    char name[128];
    uintptr_t base;
    add(&text, "  #");
    add_number(&text, number);
    add(&text, " ");
    if (fault_find_code(address, &base, name, sizeof name)) {
        add(&text, name);
        add(&text, " + ");
        add_hex(&text, address - base);
    } else {
        add_hex(&text, address);
    }
    send_line(fd, &text);
}

void write_last_words(int fd, const struct fault_report *report, const struct fault_whose *whose,
                      enum fault_verdict verdict) {
    struct text text = {.length = 0};
    char what[64] = "";
    fault_text(report, what, sizeof what);
    add(&text, "troupe: ");
    add(&text, what);
    if (whose->actor[0]) {
        add(&text, " in ");
        add(&text, whose->actor);
        add(&text, ", '");
        add(&text, whose->handler);
        add(&text, "'");
    }
    send_line(fd, &text);
    write_words(fd, "troupe: the process ends, because ", fault_reason(verdict), "", "");
    for (unsigned i = 0; i < report->count; i++) {
        write_frame(fd, i, report->frames[i]);
    }
}
