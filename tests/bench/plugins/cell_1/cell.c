/* The first version. */
#define CELL_VERSION 1
#include "cell.h"

TROUPE_PLUGIN("cell", "1", &cell_actor);
