// The public classes: handles on Arena and File.
#include "kmapper/process/process.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "kmapper/process/cursor.hpp"
#include "process/file/file.hpp"
#include "process/file/opening.hpp"
#include "process/wait/deadline.hpp"

namespace kmapper::process {
namespace {

// Not a local static: a hit would test each time whether it has been made.
constinit const Patience endless;

std::string name_of(int descriptor) { return "descriptor " + std::to_string(descriptor); }

}  // namespace

Budget::Budget(const Options& options) : arena_(std::make_shared<Arena>(options)) {}

Stats Budget::stats() const { return arena_->stats(); }

std::int64_t Budget::granule() const { return static_cast<std::int64_t>(arena_->granule()); }

std::int64_t Budget::trim() const { return arena_->trim(); }

std::int64_t Budget::report_holders(std::chrono::nanoseconds longer_than) const {
  return arena_->report_holders(static_cast<std::uint64_t>(std::max(longer_than, {}).count()));
}

bool Mapping::bad() const noexcept { return file_ != nullptr && file_->fault_of(*this) != 0; }

std::error_code Mapping::fault() const noexcept {
  const int fault = file_ != nullptr ? file_->fault_of(*this) : 0;
  if (fault == kCutShort) return WindowErrc::cut_short;
  return {fault, std::system_category()};
}

void Mapping::release() noexcept { file_->release(*this); }

void Mapping::mark_written() const noexcept { file_->mark_written(*this); }

std::byte* Cursor::move_to(std::int64_t offset, std::size_t length) noexcept {
  release();
  error_ = {};
  const auto wanted = static_cast<std::int64_t>(std::min<std::uint64_t>(length, INT64_MAX));
  File::Around around = file_->map_around(offset, wanted, &endless);
  if (!around.mapping) {
    error_ = around.mapping.error();
    return nullptr;
  }
  held_ = std::move(*around.mapping);
  begin_ = around.offset;
  return held_.data() + (offset - begin_);  // marks what it holds, if that may be written to
}

FileWindow::FileWindow(const std::string& path, Access access, const Budget& budget)
    : file_(std::make_unique<File>(open_file(path, access), path, access, budget.arena_)) {}

FileWindow::FileWindow(int descriptor, Access access, const Budget& budget)
    : file_(std::make_unique<File>(duplicate_file(descriptor, name_of(descriptor), access),
                                   name_of(descriptor), access, budget.arena_)) {}

FileWindow::FileWindow(std::unique_ptr<File> file) noexcept : file_(std::move(file)) {}

FileWindow::FileWindow(FileWindow&&) noexcept = default;

FileWindow& FileWindow::operator=(FileWindow&& other) noexcept {
  FileWindow taken(std::move(other));
  file_.swap(taken.file_);  // `taken` closes the old file at the end
  return *this;
}

FileWindow::~FileWindow() {
  if (file_ == nullptr || file_->is_left()) return;
  if (file_->evict_from(0)) {
    if (const Error lost = file_->say_lost_writes())
      std::fprintf(stderr, "kmapper: writes are lost, and the file is closed without sync(): %s\n",
                   lost.message().c_str());
    return;
  }
  std::fprintf(stderr, "kmapper: %s is closed while a mapping of it is held\n",
               file_->name().c_str());
  (void)file_.release();  // the mappings point to it
}

Expected<Mapping> FileWindow::map(std::int64_t offset, std::int64_t length) noexcept {
  return file_->map(offset, length, &endless);
}

Expected<Mapping> FileWindow::map(std::int64_t offset, std::int64_t length,
                                  const Patience& patience) noexcept {
  return file_->map(offset, length, &patience);
}

Expected<Mapping> FileWindow::map_for(std::int64_t offset, std::int64_t length,
                                      std::chrono::nanoseconds time) noexcept {
  const Patience patience{.deadline = deadline_after(time)};
  return file_->map(offset, length, &patience);
}

Expected<Mapping> FileWindow::try_map(std::int64_t offset, std::int64_t length) noexcept {
  return file_->map(offset, length, nullptr);
}

Expected<Mapping> FileWindow::map_private(std::int64_t offset, std::int64_t length,
                                          const Patience& patience) noexcept {
  return file_->map_private(offset, length, patience);
}

void FileWindow::advise(Advice advice) noexcept { file_->advise(advice); }

Error FileWindow::sync() noexcept { return file_->sync(); }

Error FileWindow::sync(std::int64_t offset, std::int64_t length) noexcept {
  return file_->sync(offset, length);
}

Error FileWindow::prefetch(std::int64_t offset, std::int64_t length) noexcept {
  return file_->prefetch(offset, length);
}

Error FileWindow::start_sync(std::int64_t offset, std::int64_t length) noexcept {
  return file_->start_sync(offset, length);
}

Error FileWindow::discard(std::int64_t offset, std::int64_t length) noexcept {
  return file_->discard(offset, length);
}

Error FileWindow::resize(std::int64_t size) noexcept { return file_->resize(size); }

Expected<std::int64_t> FileWindow::append(std::span<const std::byte> bytes) noexcept {
  return file_->append(bytes);
}

std::int64_t FileWindow::trim() noexcept { return file_->trim(); }

Error FileWindow::refresh() noexcept { return file_->refresh(); }

std::int64_t FileWindow::size() const noexcept { return file_->size(); }

std::int64_t FileWindow::longest() const noexcept { return file_->longest(); }

Placement FileWindow::placement() const noexcept { return file_->placement(); }

std::string FileWindow::why_placed() const { return file_->why_placed(); }

}  // namespace kmapper::process
