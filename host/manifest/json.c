/* A text as a JSON string. */
#include "manifest/json.h"

#include <string.h>

#include "manifest/source.h"

static void add_escape(struct str *out, char c) {
    switch (c) {
    case '"':
        str_add(out, "\\\"");
        break;
    case '\\':
        str_add(out, "\\\\");
        break;
    case '\n':
        str_add(out, "\\n");
        break;
    case '\t':
        str_add(out, "\\t");
        break;
    default:
        str_addf(out, "\\u%04x", (unsigned char)c);
        break;
    }
}

void json_add_text(struct str *out, const char *text) {
    str_add_char(out, '"');
    for (size_t left = strlen(text); left;) {
        size_t step = utf8_step(text, left);
        unsigned char c = (unsigned char)*text;
        if (c < ' ' || c == '"' || c == '\\' || c == 0x7f) {
            add_escape(out, *text);
        } else if (step == 1 && c >= 0x80) {
            str_add(out, "\xef\xbf\xbd");
        } else {
            str_add_n(out, text, step);
        }
        text += step;
        left -= step;
    }
    str_add_char(out, '"');
}
