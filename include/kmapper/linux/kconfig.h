/* What a kernel with high memory is configured with: see kmapper/linux/highmem.h. */
#ifndef KMAPPER_LINUX_KCONFIG_H
#define KMAPPER_LINUX_KCONFIG_H

#ifndef CONFIG_HIGHMEM
#define CONFIG_HIGHMEM 1
#endif
#ifndef CONFIG_MMU
#define CONFIG_MMU 1
#endif

/* NOLINTBEGIN(bugprone-macro-parentheses) */

/* 1 if the option is defined as 1, else 0: also where it is not defined at all. */
#define KMAPPER_SECOND(first, second, ...) second
#define KMAPPER_SHIFT_1 0,
#define KMAPPER_IS_ONE_SHIFTED(shift) KMAPPER_SECOND(shift 1, 0, 0)
#define KMAPPER_IS_ONE_VALUE(value) KMAPPER_IS_ONE_SHIFTED(KMAPPER_SHIFT_##value)
#define KMAPPER_IS_ONE(option) KMAPPER_IS_ONE_VALUE(option)

#ifndef IS_ENABLED
#define IS_BUILTIN(option) KMAPPER_IS_ONE(option)
#define IS_MODULE(option) KMAPPER_IS_ONE(option##_MODULE)
#define IS_REACHABLE(option) IS_BUILTIN(option)
#define IS_ENABLED(option) (IS_BUILTIN(option) || IS_MODULE(option))
#endif

/* NOLINTEND(bugprone-macro-parentheses) */

#endif
