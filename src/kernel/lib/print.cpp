#include "kernel/lib/print.hpp"

#include <algorithm>

#include "kernel/lib/console.hpp"

namespace kmapper::kernel {
namespace {

constinit PrintCapture* capture = nullptr;  // guarded by the console

// Collects pieces, and writes them when it is full.
class Line {
 public:
  ~Line() { flush(); }

  void add(std::string_view piece) {
    while (!piece.empty()) {
      if (used_ == sizeof text_) flush();
      const std::size_t fits = std::min(piece.size(), sizeof text_ - used_);
      std::copy_n(piece.begin(), fits, text_ + used_);
      used_ += fits;
      piece.remove_prefix(fits);
    }
  }

 private:
  void flush() {
    const ConsoleHeld in_one_piece;
    console_write(text_, used_);
    if (capture != nullptr) capture->add({text_, used_});
    used_ = 0;
  }

  char text_[256];
  std::size_t used_ = 0;
};

}  // namespace

PrintCapture::PrintCapture(std::span<char> buffer) : buffer_(buffer) {
  const ConsoleHeld alone;
  capture = this;
}

PrintCapture::~PrintCapture() {
  const ConsoleHeld alone;
  capture = nullptr;
}

void PrintCapture::add(std::string_view text) {
  const std::size_t size = std::min(text.size(), buffer_.size() - used_);
  std::copy_n(text.begin(), size, buffer_.begin() + used_);
  used_ += size;
}

void print_arguments(std::string_view format, std::span<const Argument> arguments) {
  Line line;
  const Write write = [](void* context, std::string_view piece) {
    static_cast<Line*>(context)->add(piece);
  };
  format_pieces(write, &line, format, arguments);
}

}  // namespace kmapper::kernel
