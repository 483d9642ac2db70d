/* The head of a system log line: RFC 5424, RFC 3164, and what log files make of them. */
#include "syslog/header.h"

#include "syslog/text.h"

#define PRI_MAX 191

static bool take_priority(struct troupe_str *s, struct header *h) {
    struct troupe_str rest = *s;
    uint64_t priority;
    if (!text_skip(&rest, "<") || !text_number(&rest, 3, &priority) || !text_skip(&rest, ">") ||
        priority > PRI_MAX) {
        return false;
    }
    h->facility = (uint8_t)(priority / 8);
    h->severity = (uint8_t)(priority % 8);
    *s = rest;
    return true;
}

/* The number between brackets; 0 when it is none. */
static uint64_t pid_of(struct troupe_str text) {
    uint64_t pid;
    return text_number(&text, 18, &pid) && text.size == 0 ? pid : 0;
}

/* Takes "program[pid]: ", "program: " or "program[pid] ". A message may well have none. */
static void take_tag(struct troupe_str *s, struct header *h) {
    uint64_t at = 0;
    while (at < s->size && s->data[at] != ' ' && s->data[at] != ':' && s->data[at] != '[') {
        at++;
    }
    struct troupe_str program = troupe_str_n(s->data, at);
    struct troupe_str rest = text_from(*s, at);
    struct troupe_str pid = troupe_str_n(NULL, 0);
    if (text_skip(&rest, "[")) {
        const char *close = rest.size ? memchr(rest.data, ']', rest.size) : NULL;
        if (!close) {
            return;
        }
        pid = troupe_str_n(rest.data, (uint64_t)(close - rest.data));
        rest = text_from(rest, pid.size + 1);
    }
    bool is_at_blank = rest.size == 0 || rest.data[0] == ' ';
    bool is_tag = text_skip(&rest, ":") || (pid.size > 0 && is_at_blank);
    if (program.size == 0 || !is_tag) {
        return;
    }
    (void)text_skip(&rest, " ");
    h->program = program;
    h->pid = pid_of(pid);
    *s = rest;
}

/* A line written by the local machine may leave the host out: then the next word is the tag. */
static void take_host(struct troupe_str *s, struct header *h) {
    struct troupe_str rest = *s;
    struct troupe_str word = text_word(&rest);
    if (word.size > 0 && word.data[word.size - 1] != ':') {
        h->host = word;
        *s = rest;
    }
}

static bool parse_plain(struct troupe_str s, struct header *h) {
    if (!stamp_take_bsd(&s, &h->time) && !stamp_take_iso(&s, &h->time)) {
        return false;
    }
    h->has_time = true;
    if (s.size > 0 && !text_skip(&s, " ")) {
        return false;
    }
    take_host(&s, h);
    take_tag(&s, h);
    h->message = s;
    return true;
}

static struct troupe_str take_field(struct troupe_str *s) {
    struct troupe_str word = text_word(s);
    return word.size == 1 && word.data[0] == '-' ? text_from(word, 1) : word;
}

/* Passes over one "[id name="value" ...]"; a backslash covers the byte after it. */
static bool skip_element(struct troupe_str *s) {
    bool in_value = false;
    for (uint64_t i = 1; i < s->size; i++) {
        char c = s->data[i];
        if (c == '\\' && in_value) {
            i++;
        } else if (c == '"') {
            in_value = !in_value;
        } else if (c == ']' && !in_value) {
            *s = text_from(*s, i + 1);
            return true;
        }
    }
    return false;
}

static bool skip_data(struct troupe_str *s) {
    if (text_skip(s, "-")) {
        return s->size == 0 || text_skip(s, " ");
    }
    if (!text_starts(*s, "[")) {
        return false;
    }
    while (text_starts(*s, "[")) {
        if (!skip_element(s)) {
            return false;
        }
    }
    return s->size == 0 || text_skip(s, " ");
}

static bool parse_5424(struct troupe_str s, struct header *h) {
    struct troupe_str time = take_field(&s);
    h->has_time = time.size > 0;
    if (h->has_time && (!stamp_take_iso(&time, &h->time) || time.size > 0)) {
        return false;
    }
    h->host = take_field(&s);
    h->program = take_field(&s);
    h->pid = pid_of(take_field(&s));
    (void)take_field(&s); /* the message's id */
    if (!skip_data(&s)) {
        return false;
    }
    (void)text_skip(&s, "\xEF\xBB\xBF");
    h->message = s;
    return true;
}

bool header_parse(struct troupe_str line, struct header *ret) {
    *ret = (struct header){.facility = HEADER_UNKNOWN, .severity = HEADER_UNKNOWN};
    if (line.size == 0) {
        return false;
    }
    bool has_priority = take_priority(&line, ret);
    if (has_priority && text_skip(&line, "1 ")) {
        return parse_5424(line, ret);
    }
    return parse_plain(line, ret);
}
