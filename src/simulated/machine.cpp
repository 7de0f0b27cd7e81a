#include "simulated/machine.hpp"

#include <stdexcept>
#include <string>

namespace kmapper::simulated {
namespace {

std::string slot_name(SlotIndex slot) { return "slot " + std::to_string(to_number(slot)); }
std::string frame_name(FrameIndex frame) { return "frame " + std::to_string(to_number(frame)); }
std::string cpu_name(std::uint32_t cpu) { return "CPU " + std::to_string(cpu); }

void require(bool holds, const char* what, std::size_t value, std::size_t limit) {
  if (holds) return;
  throw std::invalid_argument(std::string("machine: ") + what + " is " + std::to_string(value) +
                              ", must be 1 to " + std::to_string(limit));
}

}  // namespace

Machine::Machine(const MachineShape& shape)
    : shape_(shape),
      frames_(shape.low_frames + shape.high_frames),
      page_table_(shape.slots),
      last_(shape.slots),
      holders_(shape.slots) {
  require(shape.cpus >= 1 && shape.cpus <= kMaxCpus, "cpus", shape.cpus, kMaxCpus);
  require(shape.slots >= 1 && shape.slots <= kMaxSlots, "slots", shape.slots, kMaxSlots);
  require(shape.low_frames <= kMaxLowFrames, "low_frames", shape.low_frames, kMaxLowFrames);
  for (std::uint32_t cpu = 0; cpu < shape.cpus; ++cpu) tlbs_.emplace_back(shape.slots);
}

Machine::Word Machine::read(CpuIndex cpu, const void* address) {
  const std::atomic<Word>* const word = translate(cpu, address);
  // Relaxed: an access to memory orders nothing, so what the tests see rests on the core's
  // ordering.
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
    faults_.record(cpu_name(to_number(cpu)) + " faulted at address " + std::to_string(number) +
                   " (" + std::to_string((number - kWindow) / kPageSize) +
                   " pages into a window of " + std::to_string(shape_.slots) + " slots)" +
                   history_of(number));
    return nullptr;
  }
  return &frames_[to_number(*frame)][word];
}

std::string Machine::history_of(std::uintptr_t address) const {
  if (address < kWindow || (address - kWindow) / kPageSize >= shape_.slots) return "";
  const SlotIndex slot{static_cast<std::uint32_t>((address - kWindow) / kPageSize)};
  const Pte last = last_[to_number(slot)].load(std::memory_order_relaxed);
  if (!last.is_present()) return ": " + slot_name(slot) + " has mapped nothing yet";
  return ": use after kunmap of " + frame_name(last.frame()) + " in " + slot_name(slot);
}

std::optional<FrameIndex> Machine::frame_at(CpuIndex cpu, std::uintptr_t address) {
  if (address >= kDirectMap && address < kWindow) {
    const auto low = static_cast<std::uint32_t>((address - kDirectMap) / kPageSize);
    if (low >= shape_.low_frames) return std::nullopt;
    return FrameIndex{low};
  }
  if (address < kWindow || (address - kWindow) / kPageSize >= shape_.slots) return std::nullopt;
  const SlotIndex slot{static_cast<std::uint32_t>((address - kWindow) / kPageSize)};
  const std::optional<FrameIndex> cached = tlbs_[to_number(cpu)].lookup(slot);
  return cached ? cached : tlbs_[to_number(cpu)].walk(slot, pte(slot));
}

void Machine::write_pte(SlotIndex slot, FrameIndex frame) {
  // No CPU can fill its TLB from an empty PTE, so what is found here has been there all along.
  for (std::uint32_t cpu = 0; cpu < shape_.cpus; ++cpu) {
    const std::optional<FrameIndex> stale = tlbs_[cpu].lookup(slot);
    if (stale) {
      faults_.record(slot_name(slot) + " gets " + frame_name(frame) + " while " + cpu_name(cpu) +
                     "'s TLB still maps it to " + frame_name(*stale));
    }
  }
  if (sabotage_.pte_wrong.strikes()) {
    const std::uint32_t high = to_number(frame) - shape_.low_frames;
    frame = FrameIndex{shape_.low_frames + (high + 1) % shape_.high_frames};
  }
  const Pte before = pte(slot).exchange(Pte(frame));
  if (before.is_present()) {
    faults_.record(slot_name(slot) + " gets " + frame_name(frame) + " while its PTE still maps " +
                   frame_name(before.frame()));
  }
}

bool Machine::take_pte(SlotIndex slot) {
  const Pte before = pte(slot).exchange(Pte());
  if (!before.is_present()) {
    faults_.record(slot_name(slot) + " is taken back, but its PTE maps nothing");
  } else if (holders(slot) != 0) {
    faults_.record(slot_name(slot) + " is taken from under a user of " +
                   frame_name(before.frame()));
  }
  last_[to_number(slot)].store(before, std::memory_order_relaxed);
  return before.is_accessed() && !sabotage_.accessed_hidden.strikes();
}

Machine::Word Machine::peek(FrameIndex frame, std::size_t word) const {
  return frames_[to_number(frame)][word].load(std::memory_order_relaxed);
}

void Machine::poke(FrameIndex frame, std::size_t word, Word value) {
  frames_[to_number(frame)][word].store(value, std::memory_order_relaxed);
}

std::optional<FrameIndex> Machine::mapped_frame(SlotIndex slot) const {
  const Pte pte = page_table_[to_number(slot)].load();
  if (!pte.is_present()) return std::nullopt;
  return pte.frame();
}

void Machine::check_unmapped(FrameIndex frame) {
  for (std::uint32_t number = 0; number < shape_.slots; ++number) {
    const SlotIndex slot{number};
    if (mapped_frame(slot) == frame) {
      faults_.record(frame_name(frame) + " is free, but " + slot_name(slot) + " maps it");
    }
    for (std::uint32_t cpu = 0; cpu < shape_.cpus; ++cpu) {
      if (tlbs_[cpu].lookup(slot) == frame) {
        faults_.record(frame_name(frame) + " is free, but " + cpu_name(cpu) + "'s TLB maps it at " +
                       slot_name(slot));
      }
    }
  }
}

}  // namespace kmapper::simulated
