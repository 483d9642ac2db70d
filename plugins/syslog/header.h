/* The head of a system log line: RFC 5424, RFC 3164, and what log files make of them. */
#pragma once

#include "syslog/stamp.h"

#define HEADER_UNKNOWN 255 /* facility and severity that the line does not say */

struct header {
    uint8_t facility, severity;
    bool has_time; /* RFC 5424 allows for none */
    struct stamp time;
    struct troupe_str host, program, message; /* within the line; absent ones are empty */
    uint64_t pid;                             /* 0: none, or not a number */
};

/* Takes a line apart:
 *     <PRI>1 TIME HOST PROGRAM PID ID [DATA] MESSAGE            RFC 5424
 *     [<PRI>]TIME [HOST] PROGRAM[PID]: MESSAGE                  RFC 3164; TIME BSD or RFC 3339
 * False when it is neither. */
bool header_parse(struct troupe_str line, struct header *ret);
