/* What turns ask of the host, written down and compared. */
#include "actor/tape.h"

#include <inttypes.h>
#include <string.h>

#include "actor/inst_impl.h"
#include "message/json.h"

struct tape_time {
    struct tape_time *next;
    int64_t ns;
};

static const struct {
    const char *json, *text;
    const char *numbers[2];
} kinds[] = {
#define TAPE_KIND_ROW(name, json, text, first, second)                                             \
    [TAPE_##name] = {json, text, {first, second}},
    TAPE_KINDS(TAPE_KIND_ROW)
#undef TAPE_KIND_ROW
};

void tape_init(struct tape *tape) {
    *tape = (struct tape){.plays = false};
    str_init(&tape->what);
    str_init(&tape->expected);
    str_init(&tape->got);
}

void tape_fini(struct tape *tape) {
    str_fini(&tape->what);
    str_fini(&tape->expected);
    str_fini(&tape->got);
}

void tape_begin(struct tape *tape) {
    tape_fini(tape);
    tape_init(tape);
    tape->end = &tape->first;
    for (unsigned i = 0; i < 2; i++) {
        tape->times[i].end = &tape->times[i].first;
    }
}

void tape_rewind(struct tape *tape) {
    tape->plays = true;
    tape->at = tape->first;
    for (unsigned i = 0; i < 2; i++) {
        tape->times[i].at = tape->times[i].first;
    }
}

/* --- shown --- */

static void add_name(struct str *out, const struct inst_type *type, const struct tape_item *item) {
    str_add(out, kinds[item->kind].text);
    if (item->kind == TAPE_PUBLISH) {
        str_addf(out, " '%.*s'", TROUPE_STR_ARG(item->text));
    } else if (item->row != TAPE_NO_ROW) {
        str_addf(out, " '%s'", type->rows[item->row].name);
    }
}

static void add_key(struct str *out, const char *key) {
    str_addf(out, ", \"%s\": ", key);
}

static void add_text(struct str *out, const char *key, struct troupe_str text) {
    add_key(out, key);
    msg_json_add_text(out, text.data, text.data ? text.size : 0);
}

static void add_parts(struct str *out, const struct tape_item *item) {
    if (item->to[0]) {
        str_addf(out, ", \"to\": \"uid:%" PRIu64 "\"", item->to[0]);
    }
    if (item->type) {
        add_key(out, "message");
        msg_json_add(out, &(struct troupe_any){&item->type->abi, item->body});
    }
    if (item->kind == TAPE_PUBLISH) {
        add_key(out, "value");
        msg_json_add_value(out, &item->value);
    } else if (item->kind == TAPE_SPAWN) {
        add_key(out, "how");
        str_add_n(out, item->text.data, item->text.size);
    } else if (item->kind == TAPE_ANSWER && item->status < 0) {
        str_addf(out, ", \"status\": %d", item->status);
        add_text(out, "text", item->text);
    }
    for (unsigned i = 0; i < 2 && kinds[item->kind].numbers[i]; i++) {
        add_key(out, kinds[item->kind].numbers[i]);
        str_addf(out, "%" PRIu64, item->numbers[i]);
    }
}

void tape_add_shown(struct str *out, const struct str *json) {
    if (json->size <= TAPE_SHOWN) {
        str_add(out, str_text(json));
    } else {
        msg_json_add_text(out, json->data, TAPE_SHOWN);
    }
}

/* {"send": "out", "message": {...}}; NULL: null. */
static void add_item(struct str *out, const struct inst_type *type, const struct tape_item *item) {
    struct str json;
    if (!item) {
        str_add(out, "null");
        return;
    }
    str_init(&json);
    str_addf(&json, "{\"%s\": ", kinds[item->kind].json);
    const char *name = item->row == TAPE_NO_ROW ? "" : type->rows[item->row].name;
    struct troupe_str shown = item->kind == TAPE_PUBLISH ? item->text : troupe_str(name);
    msg_json_add_text(&json, shown.data, shown.size);
    add_parts(&json, item);
    str_add(&json, "}");
    tape_add_shown(out, &json);
    out->failed |= json.failed;
    str_fini(&json);
}

void tape_differ(struct tape *tape, const char *what, const char *expected, const char *got) {
    if (tape->differs) {
        return;
    }
    tape->differs = true;
    str_add(&tape->what, what);
    msg_json_add_text(&tape->expected, expected, strlen(expected));
    msg_json_add_text(&tape->got, got, strlen(got));
}

/* `field` NULL: they are different things, or one is missing. */
static void differ(struct tape *tape, const struct inst_type *type,
                   const struct tape_item *expected, const struct tape_item *got,
                   struct troupe_str field) {
    tape->differs = true;
    add_name(&tape->what, type, got ? got : expected);
    if (field.size) {
        str_addf(&tape->what, ": '%.*s' differs", TROUPE_STR_ARG(field));
    } else if (!got) {
        str_add(&tape->what, " is missing");
    } else if (!expected) {
        str_add(&tape->what, " is additional");
    } else {
        str_add(&tape->what, " instead of ");
        add_name(&tape->what, type, expected);
    }
    add_item(&tape->expected, type, expected);
    add_item(&tape->got, type, got);
}

/* --- written --- */

static void *copy(struct runner *r, const void *data, uint64_t size) {
    void *made = scratch_alloc(&r->scratch, size);
    if (made && size) {
        memcpy(made, data, size);
    }
    return made;
}

static bool copy_text(struct runner *r, struct troupe_str *text) {
    text->data = copy(r, text->data, text->data ? text->size : 0);
    return text->data != NULL;
}

/* The texts and bodies of *item become its own. */
static bool own_parts(struct runner *r, struct tape_item *item, uint64_t *ret_size) {
    uint64_t size = item->text.size + sizeof *item;
    if (item->type) {
        uint64_t body_size = type_copy_size(item->type, item->body, 0);
        void *body = body_size > TAPE_BYTES_MOST ? NULL : scratch_alloc(&r->scratch, body_size);
        if (!body) {
            return false;
        }
        type_copy(item->type, item->body, body, 0);
        item->body = body;
        size += body_size;
    }
    if (item->value.kind == TROUPE_KIND_str || item->value.kind == TROUPE_KIND_bytes) {
        size += item->value.s.size;
        if (!copy_text(r, &item->value.s)) {
            return false;
        }
    }
    *ret_size = size;
    return copy_text(r, &item->text);
}

void tape_write(struct runner *r, struct tape *tape, const struct tape_item *item) {
    uint64_t size;
    if (tape->left_out) {
        return;
    }
    struct tape_item *own = copy(r, item, sizeof *item);
    if (!own || !own_parts(r, own, &size)) {
        tape->left_out = "there is no memory for what its turn sends";
        return;
    }
    own->next = NULL;
    *tape->end = own;
    tape->end = &own->next;
    tape->bytes += size;
    if (++tape->count > TAPE_ITEMS_MOST || tape->bytes > TAPE_BYTES_MOST) {
        tape->left_out = "its turn sends too much";
    }
}

void tape_leave_out(struct tape *tape, const char *why) {
    tape->left_out = tape->left_out ? tape->left_out : why;
}

/* --- played --- */

/* What differs in two items of the same kind and row, by name; none: nothing. */
static struct troupe_str find_difference(const struct tape_item *a, const struct tape_item *b) {
    static const struct troupe_str none;
    if (memcmp(a->to, b->to, sizeof a->to) != 0) {
        return troupe_str("to");
    }
    for (unsigned i = 0; i < 2; i++) {
        if (a->numbers[i] != b->numbers[i]) {
            return troupe_str(kinds[a->kind].numbers[i]);
        }
    }
    if (a->status != b->status || !a->type != !b->type) {
        return troupe_str("status");
    }
    if (!troupe_str_eq(a->text, b->text)) {
        return troupe_str(a->kind == TAPE_SPAWN ? "how" : "text");
    }
    if (!type_is_same_value(&a->value, &b->value)) {
        return troupe_str("value");
    }
    if (a->type && a->type != b->type && type_check_compatible(a->type, b->type, NULL) < 0) {
        return troupe_str("type"); /* passed on */
    }
    const struct troupe_field *field =
        a->type ? type_difference(a->type, a->body, b->type, b->body) : NULL;
    return field ? field->name : none;
}

bool tape_play(struct tape *tape, const struct inst_type *type, struct tape_item *item) {
    struct tape_item *expected = tape->at;
    if (tape->differs) {
        return false; /* K-2 */
    }
    bool is_such = expected && expected->kind == item->kind && expected->row == item->row;
    struct troupe_str field = is_such ? find_difference(expected, item) : troupe_str("");
    if (!is_such || field.size) {
        differ(tape, type, expected, item, field);
    }
    if (is_such) {
        item->child = expected->child;
        item->call = expected->call;
        tape->at = expected->next;
    }
    return is_such;
}

bool tape_expects(const struct tape *tape, enum tape_kind kind, uint64_t to, uint64_t more) {
    const struct tape_item *at = tape->differs ? NULL : tape->at;
    return at && at->kind == kind && at->to[0] == to && at->to[1] == more;
}

void tape_end(struct tape *tape, const struct inst_type *type) {
    if (!tape->differs && tape->at) {
        differ(tape, type, tape->at, NULL, troupe_str(""));
    }
}

int64_t tape_time(struct runner *r, struct tape *tape, bool of_day, int64_t now_ns) {
    struct tape_times *times = &tape->times[of_day];
    if (tape->plays) {
        struct tape_time *at = times->at;
        times->at = at ? at->next : NULL;
        return at ? at->ns : now_ns;
    }
    struct tape_time *time = tape->left_out ? NULL : scratch_alloc(&r->scratch, sizeof *time);
    if (time) {
        *time = (struct tape_time){NULL, now_ns};
        *times->end = time;
        times->end = &time->next;
        tape->bytes += sizeof *time;
    }
    if (!time || tape->bytes > TAPE_BYTES_MOST) {
        tape_leave_out(tape, "its turn asks for the time too often");
    }
    return now_ns;
}
