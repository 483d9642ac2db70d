/* Where the plugins that come with the program are installed. */
#pragma once

/* The folder beside this program as installed, wherever the tree was moved to; where there is none,
 * the folder it was built to be installed with. Owned by the caller, mem_free; NULL: out of memory.
 * [any] */
char *install_plugin_folder(void);
