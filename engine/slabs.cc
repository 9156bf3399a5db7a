#include "engine/slabs.h"

#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <mutex>
#include <new>
#include <vector>

// Where every block is watched by a sanitizer, it comes from the general allocator.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CALLISTO_NO_SLABS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define CALLISTO_NO_SLABS 1
#endif
#endif

namespace callisto::kv::slabs {

namespace {

constexpr std::size_t kSlabBytes = 32u << 10;
/// In front of a slab's blocks.
constexpr std::size_t kHeadBytes = 64;
constexpr std::size_t kGrain = 16;

/// Sizes of blocks, rising: a grain apart, then an eighth, then such that so many fill a slab.
struct Classes {
  static constexpr std::size_t kMost = 64;
  std::array<std::uint16_t, kMost> bytes{};
  std::size_t count = 0;
  /// The class for so many grains, rounded up.
  std::array<std::uint8_t, kMaxBytes / kGrain + 1> of_grains{};

  constexpr Classes() {
    constexpr std::size_t kFine = 256;
    constexpr std::size_t kFew = 1024;
    for (std::size_t size = kGrain; size <= kFine; size += kGrain) add(size);
    for (std::size_t base = kFine; base < kFew; base *= 2) {
      for (std::size_t i = 1; i <= 8; ++i) add(base + i * base / 8);
    }
    for (std::size_t blocks = (kSlabBytes - kHeadBytes) / kFew; blocks >= 4; --blocks) {
      const std::size_t size = (kSlabBytes - kHeadBytes) / blocks / kGrain * kGrain;
      if (size > bytes[count - 1]) add(size);
    }
    std::size_t at = 0;
    for (std::size_t grains = 0; grains < of_grains.size(); ++grains) {
      while (bytes[at] < grains * kGrain) ++at;
      of_grains[grains] = static_cast<std::uint8_t>(at);
    }
  }
  constexpr void add(std::size_t size) { bytes[count++] = static_cast<std::uint16_t>(size); }
};
constexpr Classes kClasses;
static_assert(kClasses.bytes[kClasses.count - 1] == kMaxBytes);

constexpr std::size_t class_of(std::size_t bytes) noexcept {
  return kClasses.of_grains[(bytes + kGrain - 1) / kGrain];
}
constexpr std::size_t bytes_of(std::size_t size_class) noexcept {
  return kClasses.bytes[size_class];
}

[[maybe_unused]] void* general_take(std::size_t bytes) { return ::operator new(bytes); }
[[maybe_unused]] void general_give(void* block) noexcept { ::operator delete(block); }

#ifndef CALLISTO_NO_SLABS

constexpr std::size_t kCacheLine = 64;
/// Slabs are mapped so many at once.
constexpr std::size_t kRegionSlabs = 128;
constexpr std::size_t kPageBytes = 2u << 20;
static_assert(kRegionSlabs * kSlabBytes % kPageBytes == 0 && kPageBytes % kSlabBytes == 0);
/// Free slabs that keep their memory, to be used again at once: so many, or a part of all. Giving
/// some KiB of a large page back and asking for them again costs the system up to 0.3 ms, under a
/// lock that all threads of the process share.
constexpr std::size_t kReadySlabs = 64;
constexpr std::size_t kReadyPart = 8;
constexpr std::size_t kShards = 4;

struct Free {
  Free* next;
};

struct Bin;

/// Lies at the beginning of its slab.
struct alignas(kCacheLine) Slab {
  /// Changes under the locks of both bins: who has locked the one that it read looks again.
  std::atomic<Bin*> bin{nullptr};
  Free* free = nullptr;     ///< Blocks that were given back.
  std::uint32_t fresh = 0;  ///< Where the blocks begin that were never taken.
  std::uint32_t used = 0;   ///< Blocks.
  Slab* next = nullptr;
  Slab* previous = nullptr;
  bool is_listed = false;  ///< Among those of its bin with a free block.
};

Slab& slab_of(void* block) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(block);
  return *reinterpret_cast<Slab*>(address & ~(std::uintptr_t{kSlabBytes} - 1));
}

/// Slabs that no class has.
class Stock {
 public:
  void* take() {
    const std::lock_guard lock(mutex_);
    const bool is_ready = !ready_.empty();
    if (!is_ready && empty_.empty()) map();
    std::vector<void*>& from = is_ready ? ready_ : empty_;
    void* const slab = from.back();
    from.pop_back();
    if (!is_ready) held_.fetch_add(kSlabBytes, std::memory_order_relaxed);
    return slab;
  }
  void give(void* slab) noexcept {
    const std::lock_guard lock(mutex_);
    ready_.push_back(slab);
    while (ready_.size() > std::max(kReadySlabs, held_bytes() / kSlabBytes / kReadyPart)) {
      ::madvise(ready_.back(), kSlabBytes, MADV_DONTNEED);
      empty_.push_back(ready_.back());
      ready_.pop_back();
      held_.fetch_sub(kSlabBytes, std::memory_order_relaxed);
    }
  }
  std::size_t held_bytes() const noexcept { return held_.load(std::memory_order_relaxed); }

 private:
  void map() {
    // All slabs that there are have their place in the lists: giving one back takes no memory.
    ready_.reserve(slabs_ + kRegionSlabs);
    empty_.reserve(slabs_ + kRegionSlabs);
    constexpr std::size_t kBytes = kRegionSlabs * kSlabBytes + kPageBytes;
    void* const region =
        ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region == MAP_FAILED) throw std::bad_alloc();
    const auto address = reinterpret_cast<std::uintptr_t>(region);
    char* const first = static_cast<char*>(region) + (kPageBytes - address % kPageBytes);
    // Reads go from block to block all over the cache: 7 % faster with few pages.
    ::madvise(first, kRegionSlabs * kSlabBytes, MADV_HUGEPAGE);
    for (std::size_t i = kRegionSlabs; i-- > 0;) empty_.push_back(first + i * kSlabBytes);
    slabs_ += kRegionSlabs;
  }

  std::mutex mutex_;
  std::vector<void*> ready_;
  std::vector<void*> empty_;  ///< Without memory of their own.
  std::size_t slabs_ = 0;     ///< Mapped so far.
  std::atomic<std::size_t> held_{0};
};

/// The slabs of one class that one part of the processors takes from.
struct alignas(kCacheLine) Bin {
  std::mutex mutex;
  std::uint32_t bytes = 0;

  std::uint32_t capacity() const noexcept {
    return static_cast<std::uint32_t>((kSlabBytes - kHeadBytes) / bytes);
  }
  /// Free blocks in its slabs. Without the lock about so many.
  std::uint32_t spare() const noexcept { return spare_.load(std::memory_order_relaxed); }

  /// None when no slab has a free block.
  void* try_take() {
    const std::lock_guard lock(mutex);
    return open_ != nullptr ? take_from(*open_) : nullptr;
  }
  void* take(Stock& stock) {
    const std::lock_guard lock(mutex);
    if (open_ == nullptr) {
      list(*begin(stock.take()));
      add_spare(capacity());
    }
    return take_from(*open_);
  }
  /// From a slab of `other`, which is its own then, with all of its free blocks.
  void* take_over(Bin& other) {
    const std::scoped_lock lock(mutex, other.mutex);
    if (open_ == nullptr && other.open_ != nullptr) {
      Slab& slab = *other.open_;
      const std::uint32_t free = capacity() - slab.used;
      other.unlist(slab);
      other.add_spare(0 - free);
      slab.bin.store(this, std::memory_order_release);
      list(slab);
      add_spare(free);
    }
    return open_ != nullptr ? take_from(*open_) : nullptr;
  }
  /// False when the slab is another bin's by now.
  bool give(Slab& slab, void* block, Stock& stock) noexcept {
    const std::lock_guard lock(mutex);
    if (slab.bin.load(std::memory_order_relaxed) != this) return false;
    slab.free = new (block) Free{slab.free};
    add_spare(1);
    if (!slab.is_listed) list(slab);
    if (--slab.used > 0 || (open_ == &slab && slab.next == nullptr)) return true;
    unlist(slab);
    add_spare(0 - capacity());
    stock.give(&slab);
    return true;
  }

 private:
  std::atomic<std::uint32_t> spare_{0};
  Slab* open_ = nullptr;  ///< With free blocks.

  /// Under the lock.
  void add_spare(std::uint32_t blocks) noexcept {
    spare_.store(spare() + blocks, std::memory_order_relaxed);
  }
  void* take_from(Slab& slab) noexcept {
    ++slab.used;
    add_spare(0 - std::uint32_t{1});
    void* block = slab.free;
    if (block != nullptr) {
      slab.free = slab.free->next;
    } else {
      block = reinterpret_cast<char*>(&slab) + slab.fresh;
      slab.fresh += bytes;
    }
    if (slab.free == nullptr && slab.fresh + bytes > kSlabBytes) unlist(slab);
    return block;
  }
  Slab* begin(void* place) noexcept {
    auto* const slab = new (place) Slab;
    slab->bin.store(this, std::memory_order_relaxed);
    slab->fresh = kHeadBytes;
    static_assert(sizeof(Slab) <= kHeadBytes);
    return slab;
  }
  void list(Slab& slab) noexcept {
    slab.previous = nullptr;
    slab.next = open_;
    if (open_ != nullptr) open_->previous = &slab;
    open_ = &slab;
    slab.is_listed = true;
  }
  void unlist(Slab& slab) noexcept {
    (slab.previous != nullptr ? slab.previous->next : open_) = slab.next;
    if (slab.next != nullptr) slab.next->previous = slab.previous;
    slab.is_listed = false;
  }
};

struct Slabs {
  Stock stock;
  std::array<std::array<Bin, kClasses.count>, kShards> bins;

  Slabs() {
    for (auto& shard : bins) {
      for (std::size_t i = 0; i < kClasses.count; ++i) {
        shard[i].bytes = static_cast<std::uint32_t>(bytes_of(i));
      }
    }
  }
  void* take(std::size_t shard, std::size_t size_class) {
    Bin& own = bins[shard][size_class];
    if (void* const block = own.try_take()) return block;
    // What other processors gave back is taken over a slab at a time, and only where it comes to
    // one: each of two threads that take block for block what the other gave lost a third.
    for (std::size_t i = 1; i < kShards; ++i) {
      Bin& other = bins[(shard + i) % kShards][size_class];
      if (other.spare() < own.capacity()) continue;
      if (void* const block = own.take_over(other)) return block;
    }
    return own.take(stock);
  }
  void give(void* block) noexcept {
    Slab& slab = slab_of(block);
    while (!slab.bin.load(std::memory_order_acquire)->give(slab, block, stock)) {
    }
  }
  /// Never destroyed: what it gave may be held to the end of the process.
  static Slabs& get() {
    alignas(Slabs) static std::array<char, sizeof(Slabs)> place;
    static Slabs* const slabs = new (place.data()) Slabs;
    return *slabs;
  }
};

#endif

}  // namespace

std::size_t room_of(std::size_t bytes) noexcept {
  return bytes > kMaxBytes ? bytes + kGrain : bytes_of(class_of(bytes));
}

#ifdef CALLISTO_NO_SLABS

void* take(std::size_t bytes) { return general_take(bytes); }
void give(void* block, std::size_t) noexcept { general_give(block); }
std::size_t held_bytes() noexcept { return 0; }

#else

void* take(std::size_t bytes) {
  if (bytes > kMaxBytes) return general_take(bytes);
  Slabs& slabs = Slabs::get();
  // By the processor, not the thread: a new thread finds what others of its kind left.
  const auto processor = static_cast<unsigned>(::sched_getcpu());
  return slabs.take(processor % kShards, class_of(bytes));
}

void give(void* block, std::size_t bytes) noexcept {
  if (bytes > kMaxBytes) return general_give(block);
  Slabs::get().give(block);
}

std::size_t held_bytes() noexcept { return Slabs::get().stock.held_bytes(); }

#endif

}  // namespace callisto::kv::slabs
