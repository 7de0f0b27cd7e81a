/* What a module says about itself, and gives to others: see kmapper/linux/init.h. */
#ifndef KMAPPER_LINUX_MODULEPARAM_H
#define KMAPPER_LINUX_MODULEPARAM_H

#include "kmapper/linux/init.h"

#define MODULE_PARM_DESC(name, text) KMAPPER_NOTHING
#define module_param(name, type, mode) KMAPPER_NOTHING
#define module_param_named(name, variable, type, mode) KMAPPER_NOTHING
#define module_param_array(name, type, count, mode) KMAPPER_NOTHING
#define module_param_string(name, text, length, mode) KMAPPER_NOTHING
#define EXPORT_SYMBOL(name) KMAPPER_NOTHING
#define EXPORT_SYMBOL_GPL(name) KMAPPER_NOTHING
#define EXPORT_SYMBOL_NS(name, space) KMAPPER_NOTHING
#define EXPORT_SYMBOL_NS_GPL(name, space) KMAPPER_NOTHING
#define MODULE_LICENSE(text) KMAPPER_NOTHING
#define MODULE_AUTHOR(text) KMAPPER_NOTHING
#define MODULE_DESCRIPTION(text) KMAPPER_NOTHING
#define MODULE_VERSION(text) KMAPPER_NOTHING
#define MODULE_ALIAS(text) KMAPPER_NOTHING
#define MODULE_ALIAS_BLOCKDEV_MAJOR(major) KMAPPER_NOTHING
#define MODULE_ALIAS_CRYPTO(name) KMAPPER_NOTHING
#define MODULE_ALIAS_FS(name) KMAPPER_NOTHING
#define MODULE_INFO(tag, text) KMAPPER_NOTHING
#define MODULE_SOFTDEP(text) KMAPPER_NOTHING
#define MODULE_FIRMWARE(text) KMAPPER_NOTHING
#define MODULE_IMPORT_NS(space) KMAPPER_NOTHING
#define MODULE_DEVICE_TABLE(type, name) KMAPPER_NOTHING
struct module;
#define THIS_MODULE ((struct module*)0)
#define try_module_get(module) ((void)(module), true)
#define module_put(module) ((void)(module))
#define __module_get(module) ((void)(module))
#ifndef KBUILD_MODNAME
#define KBUILD_MODNAME "module"
#endif

#endif
