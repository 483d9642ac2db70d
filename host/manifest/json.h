/* A text as a JSON string. */
#pragma once

#include "base/str.h"

/* With quotes. What is not UTF-8 becomes U+FFFD. */
void json_add_text(struct str *out, const char *text);
