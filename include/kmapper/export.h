/* What the shared library exports: everything else in it is hidden. For C and C++. KMAPPER_API
   stands in front of a declaration, or after a class's `class`. */
#ifndef KMAPPER_EXPORT_H
#define KMAPPER_EXPORT_H

#ifdef __cplusplus
#define KMAPPER_API [[gnu::visibility("default")]]
#else
#define KMAPPER_API __attribute__((visibility("default")))
#endif

#endif
