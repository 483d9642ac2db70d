/* The post-mortem of a process as JSON, written without the C library's help. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sched/fault_end.h"

struct out {
    int fd;
    bool failed;
    off_t at;
    size_t length;
    char bytes[1024];
};

static void out_flush(struct out *out) {
    size_t done = 0;
    while (!out->failed && done < out->length) {
        ssize_t written =
            pwrite(out->fd, out->bytes + done, out->length - done, out->at + (off_t)done);
        out->failed = written == 0 || (written < 0 && errno != EINTR);
        done += written > 0 ? (size_t)written : 0;
    }
    out->at += (off_t)out->length;
    out->length = 0;
}

static void out_byte(struct out *out, char byte) {
    if (out->length == sizeof out->bytes) {
        out_flush(out);
    }
    out->bytes[out->length++] = byte;
}

static void out_add(struct out *out, const char *text) {
    while (*text) {
        out_byte(out, *text++);
    }
}

static void out_number(struct out *out, int64_t number) {
    char digits[24];
    size_t at = sizeof digits;
    digits[--at] = '\0';
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (number < 0) {
        out_byte(out, '-');
    }
    out_add(out, digits + at);
}

/* How many bytes of well-formed UTF-8 begin here; 0: none. */
static unsigned utf8_length(const unsigned char *at) {
    static const unsigned lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned length = at[0] < 0x80             ? 1
                      : (at[0] & 0xe0) == 0xc0 ? 2
                      : (at[0] & 0xf0) == 0xe0 ? 3
                      : (at[0] & 0xf8) == 0xf0 ? 4
                                               : 0;
    if (length < 2) {
        return length;
    }
    unsigned code = at[0] & (0x7fu >> length);
    for (unsigned i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (at[i] & 0x3f);
    }
    bool is_surrogate = code >= 0xd800 && code < 0xe000;
    return code < lowest[length] || code > 0x10ffff || is_surrogate ? 0 : length;
}

static void out_escaped(struct out *out, unsigned char byte) {
    out_add(out, "\\u00");
    out_byte(out, "0123456789abcdef"[byte / 16]);
    out_byte(out, "0123456789abcdef"[byte % 16]);
}

/* A file name may hold any bytes. */
static void out_text(struct out *out, const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    out_byte(out, '"');
    while (*at) {
        unsigned length = utf8_length(at);
        if (length == 0) {
            out_add(out, "\\ufffd");
            at++;
        } else if (*at < 0x20) {
            out_escaped(out, *at++);
        } else {
            if (*at == '"' || *at == '\\') {
                out_byte(out, '\\');
            }
            while (length--) {
                out_byte(out, (char)*at++);
            }
        }
    }
    out_byte(out, '"');
}

static void out_text_or_null(struct out *out, const char *text) {
    if (*text) {
        out_text(out, text);
    } else {
        out_add(out, "null");
    }
}

static void out_hex(struct out *out, uintptr_t number) {
    char hex[2 * sizeof number + 3];
    write_hex(hex, sizeof hex, number);
    out_text(out, hex);
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void out_frame(struct out *out, uintptr_t address, const struct fault_module *module) {
    char name[128] = "";
    char file[FAULT_FILE_SIZE] = "";
    uintptr_t base = module ? module->base : 0;
    if (fault_find_code(address, &base, name, sizeof name)) {
        fault_find_file(address, file, sizeof file);
    }
    out_add(out, "{\"address\": ");
    out_hex(out, address);
    out_add(out, ", \"module\": ");
    out_text_or_null(out, name[0] ? name : module ? base_name(module->file) : "");
    out_add(out, ", \"file\": ");
    out_text_or_null(out, file[0] ? file : module ? module->file : "");
    out_add(out, ", \"offset\": ");
    if (name[0] || module) {
        out_hex(out, address - base);
    } else {
        out_add(out, "null");
    }
    out_add(out, "}");
}

static void out_frames(struct out *out, const struct fault_report *report,
                       const struct fault_modules *modules) {
    out_add(out, ",\n  \"frames\": [");
    for (unsigned i = 0; i < report->count; i++) {
        bool has_module = modules && modules->of[i] < modules->count;
        out_add(out, i ? ",\n    " : "\n    ");
        out_frame(out, report->frames[i], has_module ? &modules->modules[modules->of[i]] : NULL);
    }
    out_add(out, "\n  ]");
}

static void out_key(struct out *out, const char *key) {
    out_add(out, ",\n  \"");
    out_add(out, key);
    out_add(out, "\": ");
}

bool json_write(int fd, const struct fault_death *death, const struct fault_modules *modules,
                const char *proc, const char *version) {
    struct out out = {.fd = fd};
    const struct fault_report *report = death->report;
    char what[64];
    fault_text(report, what, sizeof what);
    out_add(&out, "{\n  \"format\": 1,\n  \"kind\": \"process\"");
    out_key(&out, "occurred_at");
    out_number(&out, death->occurred_at_ns);
    out_key(&out, "pid");
    out_number(&out, death->pid);
    out_key(&out, "version");
    out_text(&out, version);
    out_key(&out, "proc");
    out_text(&out, proc);
    out_key(&out, "signal");
    out_text(&out, fault_signal_name(report->signal));
    out_key(&out, "address");
    out_hex(&out, report->address);
    out_key(&out, "why");
    out_text(&out, fault_reason(death->verdict));
    out_key(&out, "actor");
    out_text_or_null(&out, death->whose.actor);
    out_key(&out, "handler");
    out_text_or_null(&out, death->whose.handler);
    out_frames(&out, report, modules);
    out_key(&out, "text");
    out_text(&out, what);
    out_add(&out, "\n}\n");
    out_flush(&out);
    return !out.failed;
}

static char *two_digits(char *at, int64_t number) {
    *at++ = (char)('0' + number / 10 % 10);
    *at++ = (char)('0' + number % 10);
    return at;
}

/* Howard Hinnant's civil_from_days: years begin with March, so that the day to leap comes last. */
void utc_text(int64_t seconds, char ret[UTC_SIZE]) {
    int64_t days = seconds / 86400 + 719468;
    int64_t rest = seconds % 86400;
    int64_t era = days / 146097;
    int64_t day = days % 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    int64_t month = (5 * day + 2) / 153;
    day -= (153 * month + 2) / 5;
    month = month < 10 ? month + 3 : month - 9;
    year += era * 400 + (month <= 2);
    char *at = two_digits(two_digits(ret, year / 100), year % 100);
    at = two_digits(two_digits(at, month), day + 1);
    *at++ = 'T';
    at = two_digits(two_digits(two_digits(at, rest / 3600), rest / 60 % 60), rest % 60);
    *at++ = 'Z';
    *at = '\0';
}
