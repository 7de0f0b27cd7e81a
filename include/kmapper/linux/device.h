/* Messages about devices, by the kernel's names. */
#ifndef KMAPPER_LINUX_DEVICE_H
#define KMAPPER_LINUX_DEVICE_H

#include "kmapper/linux/printk.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

struct device {
  const char* init_name;
  struct device* parent;
  void* driver_data;
  void* platform_data;
};
KMAPPER_INLINE const char* dev_name(const struct device* device) {
  return device && device->init_name ? device->init_name : "device";
}
KMAPPER_INLINE void dev_set_drvdata(struct device* device, void* data) {
  device->driver_data = data;
}
KMAPPER_INLINE void* dev_get_drvdata(const struct device* device) { return device->driver_data; }
#define dev_printk(level, device, ...) \
  ((void)(_printk(level "%s: ", dev_name(device)), _printk(__VA_ARGS__)))
#define dev_emerg(device, ...) dev_printk(KERN_EMERG, device, __VA_ARGS__)
#define dev_crit(device, ...) dev_printk(KERN_CRIT, device, __VA_ARGS__)
#define dev_err(device, ...) dev_printk(KERN_ERR, device, __VA_ARGS__)
#define dev_warn(device, ...) dev_printk(KERN_WARNING, device, __VA_ARGS__)
#define dev_notice(device, ...) dev_printk(KERN_NOTICE, device, __VA_ARGS__)
#define dev_info(device, ...) dev_printk(KERN_INFO, device, __VA_ARGS__)
#define dev_warn_once(device, ...) ((void)(KMAPPER_ONCE() && (dev_warn(device, __VA_ARGS__), 0)))
#define dev_err_ratelimited(device, ...) dev_err(device, __VA_ARGS__)
#define dev_warn_ratelimited(device, ...) dev_warn(device, __VA_ARGS__)
#ifdef DEBUG
#define dev_dbg(device, ...) dev_printk(KERN_DEBUG, device, __VA_ARGS__)
#else
#define dev_dbg(device, ...) ((void)(device), (void)no_printk(__VA_ARGS__))
#endif

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
