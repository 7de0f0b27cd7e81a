// What compilers call for because an i686 has no instruction for it, and libgcc, where they would
// find it, is not linked.

extern "C" {

/// std::popcount(): adds neighbouring bits, then pairs, then fours, then bytes.
int __popcountsi2(unsigned value) {  // NOLINT: the name is the compiler's
  value = value - (value >> 1 & 0x55555555);
  value = (value & 0x33333333) + (value >> 2 & 0x33333333);
  value = (value + (value >> 4)) & 0x0F0F0F0F;
  return static_cast<int>(value * 0x01010101 >> 24);
}
}
