/* The plugin files that a deployment has loaded: their code is known to the fault boundary as long as they are. */
#pragma once

#include "base/err.h"
#include "base/log.h"
#include "plugin/library.h"

/* Loads the image (a reference of its own is taken) and says what is odd about it in `log` (NULL: nowhere).
 * Errors: as library_open; IO. [control] */
int loaded_open(struct image *image, const struct troupe_host *host, struct log *log,
                struct library **ret, struct err *err);
/* Goes on with one that is staged; on failure it is to be let go. Errors: as library_map, library_init. */
int loaded_go_on(struct library *library, const struct troupe_host *host, struct log *log,
                 struct err *err);
/* Lets it go: unloads it when nobody else holds it. Takes NULL. [control] */
void loaded_close(struct library *library);
/* The fault boundary forgets, and learns again, which code it is; without memory for that, faults in it end the
 * process. */
void loaded_hide(const struct library *library);
void loaded_show(const struct library *library);
