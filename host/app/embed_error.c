/* Errors of the embedding API, and from where it may be called. */
#include <stdio.h>

#include "app/embed_impl.h"
#include "sched/sched.h"

static const int32_t statuses[ERR_CODE_COUNT] = {
    [ERR_NONE] = TROUPE_OK,
    [ERR_NOMEM] = TROUPE_NO_MEMORY,
    [ERR_IO] = TROUPE_ERROR,
    [ERR_INVALID] = TROUPE_INVALID,
    [ERR_NOT_FOUND] = TROUPE_NOT_FOUND,
    [ERR_EXISTS] = TROUPE_REFUSED,
    [ERR_REFUSED] = TROUPE_REFUSED,
    [ERR_ABI] = TROUPE_REFUSED,
    [ERR_USAGE] = TROUPE_INVALID,
    [ERR_STOPPED] = TROUPE_STOPPING,
    [ERR_FAILED] = TROUPE_ERROR,
};

int32_t embed_fail(struct troupe_error *error, int32_t status, const char *format, ...) {
    if (error) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(error->text, sizeof error->text, format, args);
        va_end(args);
        error->status = status;
    }
    return status;
}

int32_t embed_fail_as(struct troupe_error *error, const struct err *err) {
    return embed_fail(error, statuses[err->code], "%s", err->text);
}

/* Callbacks come from threads of the host that are no workers, too. */
static _Thread_local unsigned callbacks;

void embed_callback_begin(void) {
    callbacks++;
}

void embed_callback_end(void) {
    callbacks--;
}

int32_t embed_check_outside(struct troupe_error *error, const char *what) {
    if (!sched_current() && callbacks == 0) {
        return TROUPE_OK;
    }
    return embed_fail(
        error, TROUPE_WRONG_THREAD,
        "%s from inside %s would wait for itself: call it from a thread of the program", what,
        sched_current() ? "a turn" : "a callback");
}
