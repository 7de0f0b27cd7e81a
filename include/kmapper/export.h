/* What a shared library shows of itself: it is built with everything else hidden. For C and C++. */
#ifndef KMAPPER_EXPORT_H
#define KMAPPER_EXPORT_H

#define KMAPPER_API __attribute__((visibility("default")))

#endif
