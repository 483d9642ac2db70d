/* The second version. */
#define CELL_VERSION 2
#include "../cell_1/cell.h"

TROUPE_PLUGIN("cell", "2", &cell_actor);
