/* Snapshots for tests. */
#pragma once

#include "lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "record/snapshot.h"

#define WALL 1795435445123000000 /* 2026-11-23T12:04:05.123Z */

static const char *const given_frames[] = {
    "#0 on_line at plugins/demo/crash.c:42 (demo.so, generation 2)",
    "#1 dispatch at plugins/demo/crash.c:77 (demo.so, generation 2)"};
static const char *const given_children[] = {"main/parse/helper[1]", "main/parse[2]"};
static const struct snapshot_attribute given_attributes[] = {{"lines", "12"},
                                                             {"path", "\"/var/log/x\""}};
static const struct snapshot_restart given_restarts[] = {
    {1, WALL - 60000000000, "panic: SIGSEGV at address 0x0"}, {2, WALL - 30000000000, "error"}};

/* One that failed, with everything there is. */
static inline struct snapshot_facts given_failed(void) {
    return (struct snapshot_facts){
        .proc = "main",
        .id = "main/parse[0]",
        .name = "parse",
        .uid = 7,
        .incarnation = 3,
        .actor_type = "demo.Crash",
        .plugin = "demo 1.2.0",
        .parent = "main/judge[0]",
        .generation = 2,
        .failed = true,
        .reason = "panic: SIGSEGV at address 0x10",
        .created_wall_ns = WALL - 12000000000,
        .ended_wall_ns = WALL,
        .ended_ns = 100000000000,
        .messages_processed = 10023,
        .total_processing_time_us = 456,
        .queue_depth = 5,
        .queue_high_water = 64,
        .last_handler = "line",
        .children = given_children,
        .child_count = 2,
        .attributes = given_attributes,
        .attribute_count = 2,
        .restarts = given_restarts,
        .restart_count = 2,
        .failure = {.kind = FAILURE_PANIC,
                    .code = "error",
                    .message = "SIGSEGV at address 0x10",
                    .sentence = "line: panic: SIGSEGV at address 0x10",
                    .wall_ns = WALL - 1000000,
                    .lost_with_state = 21,
                    .frames = given_frames,
                    .frame_count = 2,
                    .in_hand = {.type = "text.line/1",
                                .port = "line",
                                .sender = "main/tail[0]",
                                .json = "{\"line\":{\"text\":\"boom\",\"number\":42}}",
                                .deaths = 1,
                                .quarantine = 9}},
    };
}

static inline struct snapshot_facts given_stopped(void) {
    return (struct snapshot_facts){.proc = "main",
                                   .id = "main/tail[0]",
                                   .name = "tail",
                                   .uid = 3,
                                   .incarnation = 1,
                                   .actor_type = "file.Tail",
                                   .reason = "inputs ended",
                                   .created_wall_ns = WALL - 5000000000,
                                   .ended_wall_ns = WALL,
                                   .ended_ns = 100000000000};
}
