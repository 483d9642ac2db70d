/* What every test includes: cmocka and the headers that it wants before itself. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Runs `statement` with the 1st, 2nd, 3rd ... allocation failing, until `done` is true after it.
 * `n` names the counter; the hook is off while `done` is evaluated. Needs base/alloc.h. */
#define TEST_EACH_FAILED_ALLOCATION(n, statement, done)                                            \
    for (uint64_t n = 1;; n++) {                                                                   \
        mem_fail_at(n);                                                                            \
        statement;                                                                                 \
        mem_fail_at(0);                                                                            \
        if (done) {                                                                                \
            break;                                                                                 \
        }                                                                                          \
        assert_true(n < 100000);                                                                   \
    }
