#include "simulated/machine.hpp"

#include <stdexcept>
#include <string>

namespace kmapper::simulated {
namespace {

void require(bool holds, const char* what, std::size_t value, std::size_t limit) {
  if (holds) return;
  throw std::invalid_argument(std::string("machine: ") + what + " is " + std::to_string(value) +
                              ", must be 1 to " + std::to_string(limit));
}

}  // namespace

Machine::Machine(const MachineShape& shape)
    : shape_(shape),
      frames_(shape.low_frames + shape.high_frames),
      window_("slot", shape.slots, shape.cpus, faults_, sabotage_),
      local_("local slot", shape.cpus * kLocalDepth, shape.cpus, faults_, sabotage_),
      vmap_("vmap page", shape.vmap_pages, shape.cpus, faults_, sabotage_) {
  require(shape.vmap_pages <= kMaxVmapPages, "vmap_pages", shape.vmap_pages, kMaxVmapPages);
  require(shape.cpus >= 1 && shape.cpus <= kMaxCpus, "cpus", shape.cpus, kMaxCpus);
  require(shape.slots >= 1 && shape.slots <= kMaxSlots, "slots", shape.slots, kMaxSlots);
  require(shape.low_frames <= kMaxLowFrames, "low_frames", shape.low_frames, kMaxLowFrames);
}

Machine::Word Machine::read(CpuIndex cpu, const void* address) {
  const std::atomic<Word>* const word = translate(cpu, address);
  // Relaxed: an access to memory orders nothing, so the tests rely on the core's ordering alone.
  return word != nullptr ? word->load(std::memory_order_relaxed) : 0;
}

void Machine::write(CpuIndex cpu, void* address, Word value) {
  std::atomic<Word>* const word = translate(cpu, address);
  if (word != nullptr) word->store(value, std::memory_order_relaxed);
}

std::atomic<Machine::Word>* Machine::translate(CpuIndex cpu, const void* address) {
  const auto number = reinterpret_cast<std::uintptr_t>(address);
  const std::size_t word = number % kPageSize / sizeof(Word);
  const std::optional<FrameIndex> frame = frame_at(cpu, number);
  if (!frame || word >= kFrameWords || number % sizeof(Word) != 0) {
    faults_.record(cpu_name(cpu) + " faulted at address " + std::to_string(number) + " (" +
                   std::to_string((number - kWindow) / kPageSize) + " pages into a window of " +
                   std::to_string(shape_.slots) + " slots)" + history_of(number));
    return nullptr;
  }
  return &frames_[to_number(*frame)][word];
}

std::string Machine::history_of(std::uintptr_t address) const {
  const std::uintptr_t page = (address - kWindow) / kPageSize;
  if (address < kWindow || page >= window_.size()) return "";
  return ": " + window_.history(SlotIndex{static_cast<std::uint32_t>(page)});
}

std::optional<FrameIndex> Machine::frame_at(CpuIndex cpu, std::uintptr_t address) {
  if (address >= kDirectMap && address < kWindow) {
    const auto low = static_cast<std::uint32_t>((address - kDirectMap) / kPageSize);
    if (low >= shape_.low_frames) return std::nullopt;
    return FrameIndex{low};
  }
  if (address < kWindow) return std::nullopt;
  if (address < kLocal) return frame_in(window_, cpu, (address - kWindow) / kPageSize);
  if (address >= kVmap) return frame_in(vmap_, cpu, (address - kVmap) / kPageSize);
  const std::uintptr_t page = (address - kLocal) / kPageSize;
  if (page % kLocalStride != 0) return std::nullopt;  // a guard
  return frame_in(local_, cpu, page / kLocalStride);
}

std::optional<FrameIndex> Machine::frame_in(Region& region, CpuIndex cpu, std::uintptr_t page) {
  if (page >= region.size()) return std::nullopt;
  return region.translate(cpu, SlotIndex{static_cast<std::uint32_t>(page)});
}

void Machine::write_pte(SlotIndex slot, FrameIndex frame) {
  if (sabotage_.pte_wrong.strikes()) {
    const std::uint32_t high = to_number(frame) - shape_.low_frames;
    frame = FrameIndex{shape_.low_frames + (high + 1) % shape_.high_frames};
  }
  window_.write_pte(slot, frame);
}

Machine::Word Machine::peek(FrameIndex frame, std::size_t word) const {
  return frames_[to_number(frame)][word].load(std::memory_order_relaxed);
}

void Machine::poke(FrameIndex frame, std::size_t word, Word value) {
  frames_[to_number(frame)][word].store(value, std::memory_order_relaxed);
}

void Machine::check_unmapped(FrameIndex frame) {
  window_.check_unmapped(frame);
  window_.check_flushed(frame);
  local_.check_unmapped(frame);
  vmap_.check_unmapped(
      frame);  // TLBs may still hold it, but no thread uses the address before the flush
}

}  // namespace kmapper::simulated
