/* Does not compile: see tests/process/CMakeLists.txt. */
#include <linux/gfp.h>

unsigned long refused(void);

unsigned long refused(void) { return __get_free_page(GFP_HIGHUSER); }
