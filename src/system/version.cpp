// Which version the library is: compiled in here, so that the answer is the library's and not that
// of the headers a program was compiled with. Each shared library exports it.
#include "kmapper/version.h"

const char* kmapper_version() { return KMAPPER_VERSION; }

int kmapper_version_number() { return KMAPPER_VERSION_NUMBER; }
