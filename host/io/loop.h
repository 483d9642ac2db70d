/* The host I/O thread: drives timers, reports signals, runs posted tasks; watches see watch.h.
 *
 * I-1  all callbacks run on the I/O thread, one at a time. They must not block: timers, watches and
 *      signals of the whole host wait meanwhile.
 * I-2  no callback runs before io_start() or after io_stop() has returned.
 *
 * Timers get a timerfd: nanoseconds instead of libuv's milliseconds, and starting a timer re-arms it
 * from the starting thread without waking this one. */
#pragma once

#include "base/clock.h"
#include "base/err.h"
#include "sched/timer.h"

struct io;

/* `clock` and `timers` are lent until io_destroy(); `timers` may be NULL, else nobody else may run
 * them while the thread does. Errors: NOMEM, IO. [control] */
int io_create(struct clock *clock, struct timers *timers, struct io **ret, struct err *err);
/* `got` is called for each `signo` that the process receives. Only before io_start(). Other threads
 * should block the signal, or their blocking calls are interrupted. Errors: NOMEM, INVALID. [control] */
int io_signal_start(struct io *io, int signo, void (*got)(void *context, int signo), void *context,
                    struct err *err);
/* Starts the thread, with all signals blocked except faults and those of io_signal_start().
 * Errors: IO. [control] */
int io_start(struct io *io, struct err *err);
/* Runs what was posted, closes what was stopped, then ends and joins the thread. Harmless when it
 * was never started or has stopped. Not from the I/O thread. [control] */
void io_stop(struct io *io);
/* Stops first. All watches must have been stopped. Takes NULL. [control] */
void io_destroy(struct io *io);

/* Runs `run` on the I/O thread soon; posts run in order. Errors: NOMEM, STOPPED (the thread has
 * ended; `run` will not be called). [any] */
int io_post(struct io *io, void (*run)(void *context), void *context, struct err *err);
