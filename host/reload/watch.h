/* Watching the plugin files of a deployment, and reloading those that change.
 *
 * What a linker or an installer does to a file looks complete several times on its way, so an event is only a
 * reason to look: when the folder has been quiet for WATCH_QUIET_NS, and nobody has the file open for writing (a
 * lease tells, where the file system has such), the reload reads the file, once, and checks what it has read
 * (RL-6). One that is still wrong then is refused with its reason, and tried again when something changes.
 * Files that come with another manifest, or with roots that are added, are watched from then on. */
#pragma once

#include "base/clock.h"
#include "base/err.h"

struct reload;
struct watch;

#define WATCH_QUIET_NS (100 * NS_PER_MS)

/* On a thread of its own. Errors: IO (a folder that can't be watched), NOMEM. [control] */
int watch_start(struct reload *reload, struct watch **ret, struct err *err);
/* Waits for a reload in progress. Takes NULL. [control] */
void watch_stop(struct watch *watch);
