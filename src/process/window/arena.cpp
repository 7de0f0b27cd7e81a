#include "process/window/arena.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "process/fault/arenas.hpp"
#include "process/file/file.hpp"
#include "process/wait/asleep.hpp"
#include "system/page_size.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kLargestGranule = std::int64_t{2} << 20;
constexpr std::int64_t kUsualGranule = std::int64_t{64} << 10;
constexpr std::int64_t kFewestGranules = 8;

std::system_error invalid_option(const std::string& what) {
  return {WindowErrc::invalid_option, what};
}

/// The granule that the options name, or else one that suits the budget.
std::int64_t choose_granule(const Options& options) {
  const auto smallest = static_cast<std::int64_t>(system::page_size());
  std::int64_t granule = options.granule;
  if (granule == 0) {
    constexpr std::int64_t kEnough = 64;
    granule = std::max(kUsualGranule, smallest);
    while (granule > smallest && options.bytes / granule < kEnough) granule /= 2;
  }
  if (granule < smallest || granule > kLargestGranule ||
      !std::has_single_bit(static_cast<std::uint64_t>(granule))) {
    throw invalid_option("a granule of " + std::to_string(granule) +
                         " bytes is not a power of two from this machine's page size, " +
                         std::to_string(smallest) + ", to " + std::to_string(kLargestGranule));
  }
  if (options.strict && options.placement == Placement::home)
    throw invalid_option("a strict budget has slots or copies, and no home placement");
  if (options.direct && options.placement != Placement::copies)
    throw invalid_option("only a budget of copies reads without the page cache (Options::direct)");
  if (options.bytes / granule < kFewestGranules) {
    throw invalid_option("a budget of " + std::to_string(options.bytes) + " bytes has fewer than " +
                         std::to_string(kFewestGranules) + " granules of " +
                         std::to_string(granule));
  }
  return granule;
}

/// How many granules are reserved for spans. Slots do not get them.
std::uint64_t choose_span_units(const Options& options, std::uint64_t granule, std::uint64_t most) {
  const std::uint64_t units = static_cast<std::uint64_t>(options.bytes) / granule;
  constexpr std::uint64_t kMostByDefault = std::uint64_t{1} << 30;  // bytes
  if (options.span_bytes == 0)
    return std::clamp<std::uint64_t>(units / 16, 2, kMostByDefault / granule);
  // One more: a mapping may begin on the last byte of a granule.
  const auto wanted = static_cast<std::uint64_t>(options.span_bytes);
  if (options.span_bytes > 0 && wanted <= (most - 1) * granule)
    return (wanted + granule - 1) / granule + 1;
  throw invalid_option("span_bytes of " + std::to_string(options.span_bytes) + ": in a budget of " +
                       std::to_string(options.bytes) + " bytes with granules of " +
                       std::to_string(granule) + " bytes, at most " +
                       std::to_string((most - 1) * granule) + " may be for spans");
}

/// How many mappings a budget may make: the kernel limits those of a process, and a quarter of them
/// is left to the rest of the program.
std::uint64_t usable_mappings() {
  long limit = 65'530;  // the kernel's own default
  if (std::FILE* const file = std::fopen("/proc/sys/vm/max_map_count", "re"); file != nullptr) {
    if (std::fscanf(file, "%ld", &limit) != 1) limit = 65'530;
    std::fclose(file);
  }
  return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::max(limit, 0L)) / 4 * 3, 64,
                                   Platform::kMaxSlots);
}

/// Where each slot needs a mapping of its own, there are no more slots than that. Granules at home
/// need none, and copies only where a strict budget protects each. A budget of files with different
/// placements counts its mappings instead.
std::uint64_t most_slots(const Options& options, std::uint64_t mappings) {
  const bool is_limited = options.strict || options.placement == Placement::slots ||
                          (options.placement == Placement::automatic && sizeof(void*) == 4);
  return is_limited ? mappings : Platform::kMaxSlots;
}

/// The error of a budget whose addresses could not be reserved.
std::system_error no_range(int number, std::uint64_t bytes) {
  std::string what = "a budget of " + std::to_string(bytes) + " bytes: ";
  if (number != EAGAIN) return {number, std::system_category(), what + "no addresses"};
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  what += "the process locks what it maps (mlockall), and may lock " +
          std::to_string(limit.rlim_cur) + " bytes (RLIMIT_MEMLOCK)";
  return {number, std::system_category(), what};
}

}  // namespace

Arena::Shape::Shape(const Options& options) {
  const auto granule = static_cast<std::uint64_t>(choose_granule(options));
  granule_shift = static_cast<unsigned>(std::countr_zero(granule));
  // Address ranges larger than the address space are refused when they are reserved.
  const std::uint64_t units = static_cast<std::uint64_t>(options.bytes) >> granule_shift;
  const std::uint64_t mappings = usable_mappings();
  const std::uint64_t most = most_slots(options, mappings);
  const std::uint64_t spans = choose_span_units(options, granule, std::min(units - 1, most));
  bytes = options.bytes;
  span_units = static_cast<std::uint32_t>(std::min(spans, most));
  slots = static_cast<std::uint32_t>(std::min(units - spans, most));
  // Each may split the memory of copies, which takes a mapping more.
  most_mappings = static_cast<int>(slots > mappings ? mappings / 2 : slots);
}

Arena::Arena(const Options& options)
    : shape_(options),
      strict_(options.strict),
      direct_(options.direct),
      placement_(options.placement),
      core_dump_(options.core_dump),
      on_long_wait_(options.on_long_wait),
      range_(reserve_range()),
      begin_(range_.begin()),
      starts_as_memory_(make_memory_of_range()),
      dirty_copies_(shape_.slots),
      spans_(shape_.span_units),
      span_units_(shape_.span_units),
      window_memory_(system::allocate_zeros(Window::bytes_for(shape_.slots))),
      window_(&Window::in_zeros(window_memory_.begin(), Platform(*this), shape_.slots)),
      records_(reinterpret_cast<std::byte*>(&window_->beside(SlotIndex{0}))),
      directory_(*window_, shape_.slots) {
  system::use_large_pages(records_, shape_.slots * Platform::kPageSize);
  window_->open(shape_.slots);
  clock_.move(Platform::now());
  spare_.make();
  enlist(*this);
}

Arena::~Arena() {
  if (is_left()) prefetcher_.leave();
  delist(*this);
}

void Arena::leave_to_parent() noexcept {
  if (is_left()) return;
  is_left_.store(true, std::memory_order_relaxed);
  Asleep::forget_others();
  directory_.forget_all();
}

/// Reserves addresses: for copies alone memory, else inaccessible. They begin at a granule border,
/// so that the kernel can use its larger pages, and can map the rest of a granule around a fault.
system::AddressRange Arena::reserve_range() const {
  const std::uint64_t units = std::uint64_t{shape_.slots} + shape_.span_units;
  const std::uint64_t wanted = (units + 1) << shape_.granule_shift;
  if (wanted > SIZE_MAX / 2) throw no_range(ENOMEM, wanted);
  const int protection = is_all_memory() && !strict_ ? PROT_READ | PROT_WRITE : PROT_NONE;
  system::AddressRange range = system::reserve_at(
      static_cast<std::size_t>(units << shape_.granule_shift), granule(), 0, protection);
  if (range.size() == 0) throw no_range(errno, wanted);
  if (core_dump_ == CoreDump::nothing)
    madvise(range.begin(), range.size(), MADV_DONTDUMP);  // of copies
  return range;
}

/// Lets the range be memory from the start, in the kernel's large pages, if copies may come to lie
/// there. Not where that would take memory at once, because the process locks what it maps.
bool Arena::make_memory_of_range() const {
  const bool may_have_copies = !strict_ && (is_all_memory() || placement_ == Placement::automatic);
  if (!may_have_copies) return false;
  if (!is_all_memory() && (system::is_locked(begin_, system::page_size()) ||
                           mprotect(begin_, range_.size(), PROT_READ | PROT_WRITE) != 0))
    return false;
  madvise(begin_, range_.size(), MADV_HUGEPAGE);
  return true;
}

void Arena::unpin_strictly(Record& record) {
  const Page page = page_of(record);
  window_->kunmap_address(&record);
  (void)window_->evict(page);
}

Record* Arena::pin_if_mapped(Page page) {
  auto* const record = static_cast<Record*>(window_->kmap_if_mapped(page));
  if (record != nullptr) counters_.add(Work::unused_hit);
  return record;
}

void Arena::unpin_unused(Record& record) {
  counters_.add(Work::unused_hit);
  unpin(record);
}

int Arena::map(std::byte* address, std::size_t size, int protection, int descriptor,
               std::int64_t offset, int sharing) {
  counters_.add(Work::map_call);
  const int error = system::map_over(address, size, protection, sharing, descriptor, offset);
  if (error == 0) {
    if (core_dump_ == CoreDump::nothing) madvise(address, size, MADV_DONTDUMP);
    return 0;
  }
  // The old mapping may be gone, and another thread may get its addresses. If they are still free,
  // take them.
  (void)mmap(address, size, PROT_NONE, system::kReserved | MAP_FIXED_NOREPLACE, -1, 0);
  return error;
}

int Arena::map_memory(std::byte* address, std::size_t size) {
  if (is_all_memory()) return 0;
  constexpr int kNoFile = -1;
  return with_room_for_mappings([&] {
    return map(address, size, PROT_READ | PROT_WRITE, kNoFile, 0,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
  });
}

int Arena::protect(std::byte* address, std::size_t size, int protection) {
  return with_room_for_mappings(
      [&] { return mprotect(address, size, protection) == 0 ? 0 : errno; });
}

void Arena::plug(std::byte* address, std::size_t size) {
  counters_.add(Work::unmap_call);
  if (is_all_memory() && strict_) mprotect(address, size, PROT_NONE);
  if (is_all_memory() ||
      system::map_over(address, size, PROT_NONE, system::kReserved, -1, 0) != 0) {
    madvise(address, size, MADV_DONTNEED);  // at least its memory
  }
}

bool Arena::drop(std::span<const iovec> granules) {
  counters_.add(Work::unmap_call);
  if (own_memory_.drop(granules)) return true;
  bool were_locked = false;
  for (const iovec& it : granules) {
    counters_.add(Work::unmap_call);
    if (madvise(it.iov_base, it.iov_len, MADV_DONTNEED) == 0) continue;
    were_locked = true;
    munlock(it.iov_base, it.iov_len);
    madvise(it.iov_base, it.iov_len, MADV_DONTNEED);
  }
  return !were_locked;
}

bool Arena::take_page_tables(std::int64_t bytes) {
  constexpr std::int64_t kAFew = std::int64_t{64} << 10;  // with pages of 64 KiB, one table
  const std::int64_t most = std::max(shape_.bytes / 20, kAFew);
  if (page_tables_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= most) return true;
  give_page_tables_back(bytes);
  return false;
}

void Arena::plug_leftovers(const File* file) {
  for (std::uint32_t i = 0; i < window_->slots_in_use(); ++i) {
    Record& record = this->record(SlotIndex{i});
    std::uint32_t unused = Record::unused;
    // Acquire and release: pairs with take_pte() and write_pte(). The thread that changes this
    // state owns the slot's addresses.
    if (!record.state.compare_exchange_strong(unused, Record::emptying, std::memory_order_acquire,
                                              std::memory_order_relaxed)) {
      continue;
    }
    if (record.is_occupied() && (file == nullptr || owner_of(record) == file)) plug(record);
    record.state.store(Record::unused, std::memory_order_release);
  }
  spans_.for_each_free_run([this](std::uint32_t first, std::uint32_t units) {
    plug(span_address(first), std::size_t{units} << shape_.granule_shift);
    for (std::uint32_t i = first; i < first + units; ++i) span_unit(i).is_memory = false;
  });
}

/// Gives up all unused mappings, and those that are kept for this.
void Arena::make_room_for_mappings() {
  const std::lock_guard lock(spare_mutex_);
  spare_.give_up();
  trim();
  spare_.make();
}

std::uint32_t Arena::trim() {
  if (is_left()) return 0;
  const std::uint32_t taken = window_->flush_all_zero_pkmaps();
  plug_leftovers(nullptr);
  return taken;
}

}  // namespace kmapper::process
