/* Copies of what is known of a proc. */
#include "record/proc_view.h"

#include "base/alloc.h"

void proc_view_destroy(struct proc_view *view) {
    if (view) {
        mem_free(view->name);
        mem_free(view->dead);
        str_fini(&view->quarantine);
        mem_free(view->terminated);
    }
    mem_free(view);
}
