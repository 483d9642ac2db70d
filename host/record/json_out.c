/* Writing JSON; see json_out.h. */
#include "record/json_out.h"

#include <inttypes.h>
#include <string.h>

#include "message/json.h"
#include "message/json_scalar.h"

struct json_out json_open(struct str *out, char open, const char *separator) {
    str_add_char(out, open);
    return (struct json_out){.out = out, .separator = separator};
}

void json_close(struct json_out *json, char close) {
    if (json->any && json->separator[0] == '\n') { /* one level less */
        size_t indent = strlen(json->separator);
        str_add_n(json->out, json->separator, indent - 2);
    }
    str_add_char(json->out, close);
}

void json_key(struct json_out *json, const char *key) {
    str_add(json->out, json->any ? "," : "");
    if (json->any || json->separator[0] == '\n') {
        str_add(json->out, json->separator);
    }
    json->any = true;
    if (key) {
        msg_json_add_text(json->out, key, strlen(key));
        str_add(json->out, ": ");
    }
}

void json_text_n(struct json_out *json, const char *key, const char *text, size_t size) {
    json_key(json, key);
    msg_json_add_text(json->out, text, size);
}

void json_text(struct json_out *json, const char *key, const char *text) {
    json_text_n(json, key, text ? text : "", text ? strlen(text) : 0);
}

void json_text_some(struct json_out *json, const char *key, const char *text) {
    if (text && *text) {
        json_text(json, key, text);
    }
}

void json_number(struct json_out *json, const char *key, uint64_t number) {
    json_key(json, key);
    str_addf(json->out, "%" PRIu64, number);
}

void json_bool(struct json_out *json, const char *key, bool value) {
    json_key(json, key);
    str_add(json->out, value ? "true" : "false");
}

void json_time(struct json_out *json, const char *key, int64_t wall_ns) {
    json_key(json, key);
    json_add_time(json->out, wall_ns);
}
