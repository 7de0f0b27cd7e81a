/* The text of tokens. */
#ifndef KMAPPER_LINUX_STRINGIFY_H
#define KMAPPER_LINUX_STRINGIFY_H

#define KMAPPER_STRINGIFY(...) #__VA_ARGS__
#define __stringify(...) KMAPPER_STRINGIFY(__VA_ARGS__)

#endif
