// A cell is a character and its colours, 16 bits, row by row (IBM VGA technical reference, text
// modes). Reading video memory is slow on a PC, so scrolling reads a copy.
#include "kernel/drivers/screen.hpp"

#include <algorithm>
#include <cstdint>

#include "arch/io.hpp"
#include "arch/paging.hpp"
#include "kernel/mm/page.hpp"

namespace kmapper::kernel {
namespace {

using Cell = std::uint16_t;
constexpr Cell kBlank = 0x0720;  // grey on black
constexpr std::size_t kStandardWidth = 80;
constexpr std::size_t kStandardHeight = 25;
constexpr std::size_t kMostCells = kPageSize / sizeof(Cell);

constinit volatile Cell* video = nullptr;
constinit Cell copy[kMostCells]{};
constinit std::size_t width = 0;
constinit std::size_t cells = 0;
constinit std::size_t next = 0;  // the cell where the next text goes

void show(std::size_t from, std::size_t end) {
  for (std::size_t i = from; i < end; ++i) video[i] = copy[i];
}

void scroll() {
  std::copy(copy + width, copy + cells, copy);
  std::fill_n(copy + cells - width, width, kBlank);
  next -= width;
  show(0, cells);
}

void put(char character) {
  if (next == cells) scroll();
  if (character == '\n') {
    next += width - next % width;
    return;
  }
  copy[next] = static_cast<Cell>((kBlank & 0xFF00) | static_cast<unsigned char>(character));
  show(next, next + 1);
  ++next;
}

// Otherwise the cursor would stay where the loader left it. (CRT controller, register 10)
void hide_cursor() {
  constexpr Port kIndex{0x3D4};
  constexpr Port kData{0x3D5};
  out8(kIndex, 10);
  out8(kData, 0x20);
}

void open(volatile Cell* there, std::size_t columns, std::size_t size) {
  width = columns;
  cells = size;
  next = 0;
  std::fill_n(copy, cells, kBlank);
  hide_cursor();
  video = there;
  show(0, cells);
}

}  // namespace

// BIOS data area (IBM PS/2 and PC BIOS interface technical reference, "video display data").
void screen_find() {
  constexpr PhysAddr kMode{0x449};
  constexpr PhysAddr kColumns{0x44A};
  constexpr unsigned char kText80Grey = 2;
  constexpr unsigned char kText80 = 3;
  const auto* const mode = static_cast<const volatile unsigned char*>(phys_to_direct(kMode));
  const auto* const columns = static_cast<const volatile std::uint16_t*>(phys_to_direct(kColumns));
  if ((*mode != kText80 && *mode != kText80Grey) || *columns != kStandardWidth) return;
  open(static_cast<Cell*>(phys_to_direct(kTextScreen)), kStandardWidth,
       kStandardWidth * kStandardHeight);
}

void screen_init(const TextScreen& screen) {
  if (!screen.is_known) return;
  const std::size_t wanted = std::size_t{screen.width} * screen.height;
  const bool is_ours = screen.cells == kTextScreen && screen.width == width && wanted == cells;
  if (is_ours && video != nullptr) return;
  video = nullptr;
  if (wanted == 0 || wanted > kMostCells || to_number(screen.cells) % kPageSize != 0) return;
  open(static_cast<Cell*>(map_device(to_pfn(screen.cells))), screen.width, wanted);
}

void screen_give_up() { video = nullptr; }

void screen_write(const char* text, std::size_t size) {
  if (video != nullptr) std::for_each(text, text + size, put);
}

}  // namespace kmapper::kernel
