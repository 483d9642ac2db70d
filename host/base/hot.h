/* Where code lies: nothing but time depends on it. */
#pragma once

/* For the functions that a message passes on its way from a sender to a worker that slept: they stand side by side.
 * After some milliseconds none of it is in a cache, and each page that one of them has for itself costs as much as
 * all its instructions. */
#define HOT __attribute__((hot))
