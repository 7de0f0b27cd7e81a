/* The version of these headers, and the version of the library that a program runs with. For C and
 * C++. Versions are semantic; docs/ABI.md says what a program may expect of a newer library.
 *
 *     #if KMAPPER_VERSION_NUMBER < 200                                   the headers, when compiled
 *     if (kmapper_version_number() < KMAPPER_VERSION_NUMBER) ...         the library, when run
 *
 * The three numbers below are the only place that states the version: the build reads them.
 */
#ifndef KMAPPER_VERSION_H
#define KMAPPER_VERSION_H

#include "kmapper/export.h"

#define KMAPPER_VERSION_MAJOR 0
#define KMAPPER_VERSION_MINOR 1
#define KMAPPER_VERSION_PATCH 0

/* The three as one number, to compare: 10203 is version 1.2.3. */
#define KMAPPER_VERSION_NUMBER \
  (KMAPPER_VERSION_MAJOR * 10000 + KMAPPER_VERSION_MINOR * 100 + KMAPPER_VERSION_PATCH)

/* The three as text, "1.2.3". */
#define KMAPPER_VERSION                        \
  KMAPPER_VERSION_TEXT_(KMAPPER_VERSION_MAJOR) \
  "." KMAPPER_VERSION_TEXT_(KMAPPER_VERSION_MINOR) "." KMAPPER_VERSION_TEXT_(KMAPPER_VERSION_PATCH)
#define KMAPPER_VERSION_TEXT_(number) KMAPPER_VERSION_DIGITS_(number)
#define KMAPPER_VERSION_DIGITS_(digits) #digits

#ifdef __cplusplus
extern "C" {
#endif

/* KMAPPER_VERSION as it was when the loaded library was built: libkmapper, or libkmapper_linux. Of
 * a program that has both, the first in its link command answers. */
KMAPPER_API const char* kmapper_version(void);
/* KMAPPER_VERSION_NUMBER as it was when the loaded library was built. */
KMAPPER_API int kmapper_version_number(void);

#ifdef __cplusplus
}
#endif

#endif
