/* The number of elements of an array. */
#ifndef KMAPPER_LINUX_ARRAY_SIZE_H
#define KMAPPER_LINUX_ARRAY_SIZE_H

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
