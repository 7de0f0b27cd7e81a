// Devicetree specification 0.3, chapter 5: a header, a block of tokens, and a block of names. All
// numbers are big-endian.
#include "fdt.hpp"

#include <stddef.h>

namespace port {
namespace {

uint32_t number_at(const char* at) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(at);
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}
bool begins(const char* text, const char* with) {
  while (*with != 0 && *text == *with) {
    ++text;
    ++with;
  }
  return *with == 0;
}
size_t length_of(const char* text) {
  size_t length = 0;
  while (text[length] != 0) ++length;
  return length;
}

/// A property of the node that began last: a node's properties come before the nodes in it. Sizes
/// and addresses have two cells each on QEMU's machines.
void read_property(const char* node, const char* name, const char* value, Hardware& hardware) {
  if (begins(node, "memory@") && begins(name, "reg"))
    hardware.ram_size = uint64_t{number_at(value + 8)} << 32 | number_at(value + 12);
  if (begins(node, "chosen") && begins(name, "bootargs")) {
    for (size_t i = 0; i + 1 < sizeof hardware.arguments && value[i] != 0; ++i)
      hardware.arguments[i] = value[i];
  }
}

}  // namespace

void read_device_tree(const void* tree, Hardware& hardware) {
  enum Token : uint32_t { kBeginNode = 1, kEndNode, kProperty, kNothing };
  const auto* const header = static_cast<const char*>(tree);
  const char* at = header + number_at(header + 8);
  const char* const names = header + number_at(header + 12);
  const char* node = "";
  for (;;) {
    const uint32_t token = number_at(at);
    at += 4;
    size_t size = 0;
    if (token == kBeginNode) {
      node = at;
      size = length_of(node) + 1;
      if (begins(node, "cpu@")) ++hardware.cpus;
    } else if (token == kProperty) {
      size = 8 + number_at(at);
      read_property(node, names + number_at(at + 4), at + 8, hardware);
    } else if (token != kEndNode && token != kNothing) {
      return;
    }
    at += (size + 3) / 4 * 4;
  }
}

}  // namespace port
