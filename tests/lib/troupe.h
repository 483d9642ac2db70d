/* Running the command `troupe` of this build, from the source tree, with the plugins of this build. */
#pragma once

#include "lib/test.h"

#include "lib/program.h"

#define TROUPE_PROGRAM TROUPE_BUILD_DIR "/troupe"
#define TROUPE_PLUGINS TROUPE_BUILD_DIR "/plugins"
#define TROUPE_TEST_PLUGINS TROUPE_BUILD_DIR "/test-plugins"

static const char *const troupe_environment[] = {"TROUPE_PLUGIN_PATH=" TROUPE_PLUGINS
                                                 ":" TROUPE_TEST_PLUGINS,
                                                 "TROUPE_TEST_UNSET",
                                                 "AUTH_LOG",
                                                 "NO_COLOR",
                                                 "STATE_DIRECTORY",
                                                 "RUNTIME_DIRECTORY",
                                                 NULL};

/* troupe_run(&program, "check", "x.yaml"); the test's folder is the source tree: see group setup */
#define troupe_run(program, ...)                                                                   \
    test_program_run(program, (const char *const[]){TROUPE_PROGRAM, __VA_ARGS__, NULL},            \
                     troupe_environment)
#define troupe_start(started, ...)                                                                 \
    test_program_start(started, (const char *const[]){TROUPE_PROGRAM, __VA_ARGS__, NULL},          \
                       troupe_environment)
