/* Checks at compile time, by the kernel's names. */
#ifndef KMAPPER_LINUX_BUILD_BUG_H
#define KMAPPER_LINUX_BUILD_BUG_H

#define BUILD_BUG_ON_ZERO(condition) ((int)sizeof(char[1 - 2 * !!(condition)]) - 1)
#define BUILD_BUG_ON(condition) ((void)sizeof(char[1 - 2 * !!(condition)]))
#define BUILD_BUG_ON_MSG(condition, message) BUILD_BUG_ON(condition)
#define BUILD_BUG_ON_NOT_POWER_OF_2(number) \
  BUILD_BUG_ON((number) == 0 || (((number) & ((number)-1)) != 0))
#define BUILD_BUG_ON_INVALID(expression) ((void)sizeof((long)(expression)))
#ifndef __cplusplus
#ifndef static_assert
#define static_assert _Static_assert
#endif
#endif

#endif
