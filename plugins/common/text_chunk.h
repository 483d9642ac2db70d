/* text.chunk/1: a piece of a byte stream. */
#pragma once

#include <troupe/message.h>

/* Pieces follow one another without a gap; `last` says that the stream ends behind this one. */
#define TEXT_CHUNK(F) F(bytes, data) F(bool, last)
TROUPE_MESSAGE(text_chunk, "text.chunk/1", TEXT_CHUNK);
