/* What a module is made of, by the kernel's names. Nothing is called by itself: the program calls
 * the functions. A module's parameters are its variables. */
#ifndef KMAPPER_LINUX_INIT_H
#define KMAPPER_LINUX_INIT_H

#include "kmapper/linux/compiler.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

/* Swallows the semicolon behind it. */
#define KMAPPER_NOTHING struct kmapper_nothing

typedef int (*initcall_t)(void);
typedef void (*exitcall_t)(void);
#define module_init(function) \
  static const initcall_t kmapper_init_##function __attribute__((unused)) = function
#define module_exit(function) \
  static const exitcall_t kmapper_exit_##function __attribute__((unused)) = function
#define early_initcall(function) module_init(function)
#define core_initcall(function) module_init(function)
#define subsys_initcall(function) module_init(function)
#define fs_initcall(function) module_init(function)
#define device_initcall(function) module_init(function)
#define late_initcall(function) module_init(function)

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
