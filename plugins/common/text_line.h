/* text.line/1: one line of text and where it stood. */
#pragma once

#include <troupe/message.h>

/* `text` comes without its line end. `number` counts the lines of the sender from 1; `offset` is
 * the byte of the file or stream the line begins at; `cut`: the line was longer than the sender's
 * max_line, and `text` is its beginning. */
#define TEXT_LINE(F) F(str, text) F(u64, number) F(u64, offset) F(bool, cut)
TROUPE_MESSAGE(text_line, "text.line/1", TEXT_LINE);
