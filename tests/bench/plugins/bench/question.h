/* What is asked of bench.Clerk. */
#pragma once

#include <troupe/message.h>

#define BENCH_QUESTION(F) F(u64, number)
TROUPE_MESSAGE(bench_question, "bench.question/1", BENCH_QUESTION);
#define BENCH_ANSWER(F) F(u64, number)
TROUPE_MESSAGE(bench_answer, "bench.answer/1", BENCH_ANSWER);
