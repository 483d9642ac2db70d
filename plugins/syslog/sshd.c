/* What an sshd says about logins. */
#include "syslog/sshd.h"

#include "syslog/text.h"

#define REPEATED_DIGITS 9

bool sshd_is_program(struct troupe_str program) {
    return text_skip(&program, "sshd") && (program.size == 0 || program.data[0] == '-');
}

struct troupe_str sshd_kind_name(enum sshd_kind kind) {
    static const char *const names[] = {"other", "failed_password", "failed_other", "accepted",
                                        "invalid_user"};
    return troupe_str(names[kind]);
}

static void trim(struct troupe_str *s) {
    while (text_skip(s, " ")) {
    }
    while (s->size > 0 && s->data[s->size - 1] == ' ') {
        s->size--;
    }
}

uint64_t sshd_unfold(struct troupe_str *message) {
    struct troupe_str s = *message;
    uint64_t times;
    trim(&s);
    if (!text_skip(&s, "message repeated ") || !text_number(&s, REPEATED_DIGITS, &times) ||
        !text_skip(&s, " times: [")) {
        return 1;
    }
    if (s.size > 0 && s.data[s.size - 1] == ']') {
        s.size--;
    }
    trim(&s);
    *message = s;
    return times;
}

static bool is_number(struct troupe_str s) {
    uint64_t ignored;
    return text_number(&s, 18, &ignored) && s.size == 0;
}

static void cut_end(struct troupe_str *s, const char *end) {
    uint64_t size = strlen(end);
    if (s->size >= size && memcmp(s->data + s->size - size, end, size) == 0) {
        s->size -= size;
    }
}

/* Cuts what follows the last "ssh2: ", which is a key's fingerprint. */
static void cut_key(struct troupe_str *s) {
    static const char mark[] = " ssh2: ";
    const uint64_t size = sizeof mark - 1;
    for (uint64_t at = s->size; at >= size; at--) {
        if (memcmp(s->data + at - size, mark, size) == 0) {
            s->size = at - 2;
            return;
        }
    }
}

/* "USER from SOURCE [port N [ssh2]]", read from its end. */
static void read_backward(struct troupe_str s, struct sshd_fact *fact) {
    struct troupe_str word = text_last_word(&s);
    if (!is_number(word) && text_starts(word, "ssh")) {
        word = text_last_word(&s);
    }
    if (is_number(word)) {
        struct troupe_str before = s;
        if (!troupe_str_eq(text_last_word(&before), troupe_str("port"))) {
            return;
        }
        s = before;
        word = text_last_word(&s);
    }
    struct troupe_str source = word;
    const char *begin = s.data;
    bool is_all = troupe_str_eq(s, troupe_str("from"));
    if (!troupe_str_eq(text_last_word(&s), troupe_str("from")) || source.size == 0) {
        return;
    }
    fact->source = source;
    fact->user = is_all ? troupe_str_n(begin, 0) : s;
}

/* "USER from SOURCE port N ...", read from its beginning: who is let in has a name without blanks,
 * and what follows may be text out of a certificate. */
static void read_forward(struct troupe_str s, struct sshd_fact *fact) {
    struct troupe_str user = text_word(&s);
    if (text_skip(&s, "from ")) {
        fact->user = user;
        fact->source = text_word(&s);
    }
}

/* Refused passwords are counted even where the line is cut off right behind these words. */
static void read_failed(struct troupe_str s, struct sshd_fact *fact) {
    struct troupe_str method = text_word(&s);
    bool is_password = troupe_str_eq(method, troupe_str("password"));
    if (!text_skip(&s, "for ") && !is_password) {
        return;
    }
    fact->kind = is_password ? SSHD_FAILED_PASSWORD : SSHD_FAILED_OTHER;
    if (!text_skip(&s, "invalid user ")) {
        (void)text_skip(&s, "illegal user ");
    }
    cut_end(&s, " [preauth]");
    if (!is_password) {
        cut_key(&s);
    }
    read_backward(s, fact);
}

static void read_accepted(struct troupe_str s, struct sshd_fact *fact) {
    struct troupe_str method = text_word(&s);
    if (method.size > 0 && text_skip(&s, "for ")) {
        fact->kind = SSHD_ACCEPTED;
        read_forward(s, fact);
    }
}

struct sshd_fact sshd_read(struct troupe_str message) {
    struct sshd_fact fact = {.kind = SSHD_OTHER};
    trim(&message);
    if (text_skip(&message, "Failed ")) {
        read_failed(message, &fact);
    } else if (text_skip(&message, "Accepted ")) {
        read_accepted(message, &fact);
    } else if (text_skip(&message, "Invalid user ")) {
        fact.kind = SSHD_INVALID_USER;
        read_backward(message, &fact);
    }
    return fact;
}
