/* What a shared library shows of itself: it is built with everything else hidden. For C and C++; it
   stands in front of a declaration, or behind a class's `class`. */
#ifndef KMAPPER_EXPORT_H
#define KMAPPER_EXPORT_H

#ifdef __cplusplus
#define KMAPPER_API [[gnu::visibility("default")]]
#else
#define KMAPPER_API __attribute__((visibility("default")))
#endif

#endif
