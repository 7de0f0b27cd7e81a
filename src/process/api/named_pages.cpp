// Named pages: a HighMemory over a file, and the file's directory of names.
#include "kmapper/process/named_pages.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <new>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "process/api/internals.hpp"
#include "process/api/page_directory.hpp"
#include "process/file/file.hpp"
#include "process/file/opening.hpp"
#include "system/descriptor.hpp"
#include "system/system_call.hpp"
#include "system/transfer.hpp"

namespace kmapper::process {
namespace {

constexpr std::size_t kLongestName = 255;

[[noreturn]] void refuse(int number, const std::string& path, const std::string& why) {
  throw std::system_error(number, std::system_category(), why.empty() ? path : path + ": " + why);
}

/// Opens the file, and keeps other processes from it.
system::Descriptor open_or_make(const std::string& path) {
  const int made = system::uninterrupted(
      [&] { return open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
  if (made < 0 && errno != EEXIST) refuse(errno, path, {});
  system::Descriptor file =
      made >= 0 ? system::Descriptor(made) : open_file(path, Access::read_write);
  if (system::uninterrupted([&] { return flock(file.number(), LOCK_EX | LOCK_NB); }) != 0)
    refuse(errno, path, errno == EWOULDBLOCK ? "is open in another process or object" : "");
  return file;
}

/// Throws std::bad_alloc.
std::unordered_set<std::uint64_t> pages_in(const PageNames& names) {
  std::unordered_set<std::uint64_t> pages;
  for (const auto& it : names) {
    for (const HighPage page : it.second) pages.insert(static_cast<std::uint64_t>(page));
  }
  return pages;
}

/// Makes the file's entry in its folder last.
void sync_folder_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const system::Descriptor opened(system::uninterrupted(
      [&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (opened.number() >= 0) (void)system::uninterrupted([&] { return fsync(opened.number()); });
}

std::error_code system_code(int number) { return {number, std::system_category()}; }

}  // namespace

struct NamedPages::Store {
  Store(const std::string& file_path, const Budget& budget)
      : path(file_path),
        descriptor(open_or_make(path)),
        page_size(budget.granule()),
        reserved(
            static_cast<std::uint64_t>((2 * PageHeader::kDistance + page_size - 1) / page_size)),
        memory(page_size,
               Internals::window_of(std::make_unique<File>(
                   duplicate_file(descriptor.number(), path, Access::read_write), path,
                   Access::read_write, Internals::arena_of(budget), File::Kind::high_memory))) {
    open();
  }

  void open();
  void read_header();
  void read_directory();
  void free_unnamed();
  [[nodiscard]] Error write(const PageNames& all);
  [[nodiscard]] Error change(std::string_view text, const std::span<const HighPage>* pages);
  [[nodiscard]] const File& file() const { return *Internals::file_of(memory.window_); }
  [[nodiscard]] std::int64_t offset_of(std::uint64_t page) const {
    return static_cast<std::int64_t>(page) * page_size;
  }
  /// How many pages so many bytes take up.
  [[nodiscard]] std::uint64_t pages_of(std::uint64_t bytes) const {
    const auto size = static_cast<std::uint64_t>(page_size);
    return bytes / size + (bytes % size != 0 ? 1 : 0);
  }
  [[nodiscard]] bool is_in_directory(std::uint64_t page, const PageHeader& of) const {
    return page >= of.first_page && page - of.first_page < pages_of(of.length);
  }
  [[nodiscard]] bool is_users(HighPage page) const {
    const auto number = static_cast<std::uint64_t>(page);
    return number >= reserved && !is_in_directory(number, header) &&
           !is_in_directory(number, before);
  }

  const std::string path;
  const system::Descriptor descriptor;
  const std::int64_t page_size;
  const std::uint64_t reserved;  // pages that the headers take up
  HighMemory memory;
  mutable std::mutex mutex;  // guards what follows
  PageHeader header;
  PageHeader before;  // whose directory is kept until the next change
  PageNames names;
  std::unordered_set<std::uint64_t> named;  // pages that names lead to
  Error in_doubt;  // of a write after which the disk may have either directory
};

void NamedPages::Store::open() {
  struct stat64 status {};
  if (fstat64(descriptor.number(), &status) != 0) refuse(errno, path, {});
  if (status.st_size == 0) {
    header.page_size = static_cast<std::uint64_t>(page_size);
    header.sequence = 1;
    header.seal();
    const int number =
        system::write_all(descriptor.number(), std::as_bytes(std::span(&header, 1)), 0);
    if (number != 0 || fdatasync(descriptor.number()) != 0)
      refuse(number != 0 ? number : errno, path, {});
    sync_folder_of(path);
  } else {
    read_header();
    read_directory();
  }
  free_unnamed();
}

void NamedPages::Store::read_header() {
  PageHeader both[2];
  bool is_ours = false;
  for (int i = 0; i < 2; ++i) {
    const auto bytes = std::as_writable_bytes(std::span(&both[i], 1));
    const int number = system::read_all(descriptor.number(), bytes, i * PageHeader::kDistance);
    if (number != 0 && number != ENODATA) refuse(number, path, {});
    if (number != 0) both[i] = {.magic = 0};
    is_ours = is_ours || both[i].magic == PageHeader::kMagic;
    if (both[i].is_whole() && both[i].sequence > header.sequence) header = both[i];
  }
  if (!is_ours) refuse(EINVAL, path, "is not a file of named pages");
  if (header.sequence == 0) refuse(EINVAL, path, "is damaged: neither of its headers is whole");
  if (header.version != PageHeader::kVersion) {
    refuse(EINVAL, path,
           "has version " + std::to_string(header.version) + "; this library knows " +
               std::to_string(PageHeader::kVersion));
  }
  if (header.page_size != static_cast<std::uint64_t>(page_size)) {
    refuse(EINVAL, path,
           "has pages of " + std::to_string(header.page_size) +
               " bytes, but the budget has granules of " + std::to_string(page_size));
  }
}

void NamedPages::Store::read_directory() {
  const std::int64_t size = file().size();
  const auto cut_short = [&](std::uint64_t page) {
    refuse(EINVAL, path,
           "is cut short: it has " + std::to_string(size) + " bytes, and needs its page " +
               std::to_string(page));
  };
  const std::uint64_t pages = static_cast<std::uint64_t>(size / page_size);
  const std::uint64_t needed = pages_of(header.length);
  if (needed > pages || header.first_page > pages - needed) cut_short(header.first_page);
  std::vector<std::byte> bytes(static_cast<std::size_t>(header.length));
  if (const int number = system::read_all(descriptor.number(), bytes, offset_of(header.first_page));
      number != 0) {
    refuse(number, path, {});
  }
  std::optional<PageNames> read;
  if (sum_of(bytes) == header.directory_sum || bytes.empty()) read = read_names(bytes);
  if (!read) refuse(EINVAL, path, "is damaged: its directory is not what was written");
  names = std::move(*read);
  for (const std::uint64_t page : pages_in(names)) {
    if (page >= pages) cut_short(page);
    if (!is_users(HighPage{page})) refuse(EINVAL, path, "is damaged: a name leads to no page");
  }
}

/// Makes pages that nothing leads to free, and zeros.
void NamedPages::Store::free_unnamed() {
  named = pages_in(names);
  std::vector<std::uint64_t> used(named.begin(), named.end());
  for (std::uint64_t i = 0; i < reserved; ++i) used.push_back(i);
  for (std::uint64_t i = 0; i < pages_of(header.length); ++i) used.push_back(header.first_page + i);
  std::sort(used.begin(), used.end());
  if (const Error error = memory.adopt(used)) throw std::system_error(error.code(), path);
}

/// Makes the disk have these names. Throws std::bad_alloc.
Error NamedPages::Store::write(const PageNames& all) {
  const std::vector<std::byte> bytes = written(all);
  PageHeader next = header;
  next.length = bytes.size();
  next.first_page = 0;
  next.directory_sum = sum_of(bytes);
  ++next.sequence;
  const std::uint64_t pages = pages_of(bytes.size());
  if (pages != 0) {
    const Expected<HighPage> run = memory.allocate_run(pages);
    if (!run) return run.error();
    next.first_page = static_cast<std::uint64_t>(*run);
  }
  next.seal();
  const auto free_run = [this](const PageHeader& of) {
    for (std::uint64_t i = 0; i < pages_of(of.length); ++i)
      (void)memory.free(HighPage{of.first_page + i});
  };
  Error wrong;
  if (const int number = system::write_all(descriptor.number(), bytes, offset_of(next.first_page));
      number != 0) {
    wrong = file().error(system_code(number));
  }
  if (!wrong) wrong = memory.window_.sync();
  if (wrong) {
    free_run(next);
    return wrong;
  }
  const std::int64_t at = next.sequence % 2 == 1 ? 0 : PageHeader::kDistance;
  int number = system::write_all(descriptor.number(), std::as_bytes(std::span(&next, 1)), at);
  if (number == 0 && system::uninterrupted([&] { return fdatasync(descriptor.number()); }) != 0)
    number = errno;
  if (number != 0) return in_doubt = file().error(system_code(number));
  in_doubt = {};
  free_run(std::exchange(before, std::exchange(header, next)));
  return {};
}

/// `pages` null: the name is to lead to nothing.
Error NamedPages::Store::change(std::string_view text, const std::span<const HighPage>* pages) {
  if (file().is_left()) return file().error(WindowErrc::forked);
  if (text.empty() || text.size() > kLongestName) {
    return Error({.code = WindowErrc::invalid_option,
                  .limit = kLongestName,
                  .why = "a name has 1 byte at least, and at most",
                  .name = std::make_shared<const std::string>(path)});
  }
  const std::lock_guard lock(mutex);
  PageNames changed = names;
  if (pages == nullptr) {
    if (changed.erase(std::string(text)) == 0)
      return file().error(std::make_error_code(std::errc::no_such_file_or_directory));
  } else {
    for (const HighPage page : *pages) {
      if (!is_users(page) || !memory.has(page)) {
        return file().page_error(WindowErrc::invalid_range, static_cast<std::uint64_t>(page),
                                 "not allocated");
      }
    }
    changed[std::string(text)].assign(pages->begin(), pages->end());
  }
  std::unordered_set<std::uint64_t> pages_named = pages_in(changed);
  if (Error wrong = write(changed)) return wrong;
  names = std::move(changed);
  named = std::move(pages_named);
  return {};
}

NamedPages::NamedPages(const std::string& path, const Budget& budget)
    : store_(std::make_unique<Store>(path, budget)) {}
NamedPages::NamedPages(NamedPages&&) noexcept = default;
NamedPages& NamedPages::operator=(NamedPages&&) noexcept = default;
NamedPages::~NamedPages() = default;

Expected<HighPage> NamedPages::allocate() noexcept { return store_->memory.allocate(); }

Error NamedPages::free(HighPage page) noexcept {
  const auto number = static_cast<std::uint64_t>(page);
  const File& file = store_->file();
  if (file.is_left()) return file.page_error(WindowErrc::forked, number, nullptr);
  const std::lock_guard lock(store_->mutex);
  if (store_->in_doubt) return store_->in_doubt;
  if (!store_->is_users(page))
    return file.page_error(WindowErrc::invalid_range, number, "not allocated");
  if (store_->named.count(number) != 0)
    return file.page_error(WindowErrc::invalid_range, number, "a name leads to it");
  return store_->memory.free(page);
}

Expected<Mapping> NamedPages::map(HighPage page, const Patience& patience) noexcept {
  const auto number = static_cast<std::uint64_t>(page);
  if (number < store_->reserved)
    return store_->file().page_error(WindowErrc::invalid_range, number, "not allocated");
  return store_->memory.map(page, patience);
}

Error NamedPages::name(std::string_view text, std::span<const HighPage> pages) noexcept {
  try {
    return store_->change(text, &pages);
  } catch (const std::bad_alloc&) {
    return store_->file().error(system_code(ENOMEM));
  }
}

Error NamedPages::unname(std::string_view text) noexcept {
  try {
    return store_->change(text, nullptr);
  } catch (const std::bad_alloc&) {
    return store_->file().error(system_code(ENOMEM));
  }
}

Expected<std::vector<HighPage>> NamedPages::find(std::string_view text) const noexcept {
  const File& file = store_->file();
  if (file.is_left()) return file.error(WindowErrc::forked);
  const std::lock_guard lock(store_->mutex);
  const auto found = store_->names.find(text);
  if (found == store_->names.end())
    return file.error(std::make_error_code(std::errc::no_such_file_or_directory));
  try {
    return found->second;
  } catch (const std::bad_alloc&) {
    return file.error(system_code(ENOMEM));
  }
}

std::vector<std::string> NamedPages::names() const {
  if (store_->file().is_left()) return {};
  const std::lock_guard lock(store_->mutex);
  std::vector<std::string> all;
  for (const auto& it : store_->names) all.push_back(it.first);
  return all;
}

std::int64_t NamedPages::page_size() const noexcept { return store_->page_size; }

}  // namespace kmapper::process
