// What the kernels ask of a device tree.
#pragma once

#include <stdint.h>

namespace port {

struct Hardware {
  uint64_t ram_size = 0;
  uint32_t cpus = 0;
  char arguments[128] = {};  // cut if longer
};

/// Works before there are page tables.
void read_device_tree(const void* tree, Hardware& hardware);

}  // namespace port
