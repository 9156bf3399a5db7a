#include "engine/external_sort.h"

#include <algorithm>
#include <bit>
#include <boost/sort/pdqsort/pdqsort.hpp>
#include <cstring>
#include <iterator>
#include <system_error>
#include <thread>
#include <utility>

namespace callisto::kv {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
constexpr std::size_t kOrderBytes = sizeof(SortOrder);
constexpr std::size_t kWriteBytes = std::size_t{256} << 10;
constexpr std::size_t kRowsAhead = 8;
constexpr std::size_t kLeastReadBytes = std::size_t{4} << 10;
constexpr std::size_t kMostReadBytes = std::size_t{256} << 10;

/// A row as it lies in memory and in a run: sizes of key and value, key, value.
constexpr std::size_t kSizesBytes = sizeof(std::uint16_t) + sizeof(std::uint32_t);

struct Sizes {
  std::uint16_t key = 0;
  std::uint32_t value = 0;
  std::size_t row() const noexcept { return kSizesBytes + key + value; }
};

Sizes sizes_of(const char* row) noexcept {
  Sizes sizes;
  std::memcpy(&sizes.key, row, sizeof sizes.key);
  std::memcpy(&sizes.value, row + sizeof sizes.key, sizeof sizes.value);
  return sizes;
}

std::string_view key_of(const char* row) noexcept { return {row + kSizesBytes, sizes_of(row).key}; }

std::uint64_t number_of(std::string_view bytes) noexcept {
  if (bytes.size() >= sizeof(std::uint64_t)) {
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data(), sizeof number);
    return std::endian::native == std::endian::little ? __builtin_bswap64(number) : number;
  }
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) {
    number = number << 8 | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
  }
  return number;
}

/// Orders as the bytes do, where it orders at all.
SortOrder order_of(std::string_view key, std::size_t head_bytes) noexcept {
  const std::string_view rest = key.substr(std::min(head_bytes, key.size()));
  return {number_of(rest), number_of(rest.substr(std::min(sizeof(std::uint64_t), rest.size())))};
}

}  // namespace

// SortBuffer --------------------------------------------------------------------------------------

SortBuffer::SortBuffer(const std::vector<SortLane>& lanes, std::size_t limit_bytes)
    : lanes_(lanes), limit_bytes_(limit_bytes), items_(lanes.size()) {}

char* SortBuffer::take(std::size_t bytes) {
  if (bytes > kBlockBytes) {
    return large_.emplace_back(std::make_unique_for_overwrite<char[]>(bytes)).get();
  }
  if (block_ == 0 || block_used_ + bytes > kBlockBytes) {
    if (block_ == blocks_.size()) {
      blocks_.push_back(std::make_unique_for_overwrite<char[]>(kBlockBytes));
    }
    ++block_;
    block_used_ = 0;
  }
  char* const place = blocks_[block_ - 1].get() + block_used_;
  block_used_ += bytes;
  return place;
}

void SortBuffer::add(std::size_t lane, std::string_view key, std::string_view value,
                     std::string_view tail) {
  const Sizes sizes{static_cast<std::uint16_t>(key.size()),
                    static_cast<std::uint32_t>(value.size() + tail.size())};
  char* const row = take(sizes.row());
  char* at = row;
  const auto copy = [&at](const void* bytes, std::size_t count) {
    if (count > 0) std::memcpy(at, bytes, count);
    at += count;
  };
  copy(&sizes.key, sizeof sizes.key);
  copy(&sizes.value, sizeof sizes.value);
  copy(key.data(), key.size());
  copy(value.data(), value.size());
  copy(tail.data(), tail.size());
  items_[lane].push_back({order_of(key, lanes_[lane].head_bytes), row});
  bytes_ += sizes.row() + sizeof(Item);
  ++rows_;
}

/// [begin, end), of which all keys are equal before `offset`, where their orders were taken. What
/// is told apart by numbers needs no look at the rows, and no branch.
void SortBuffer::sort(Items begin, Items end, std::size_t offset) {
  const auto is_before = [](const Item& a, const Item& b) { return a.order < b.order; };
  if (!std::is_sorted(begin, end, is_before))
    boost::sort::pdqsort_branchless(begin, end, is_before);
  while (begin != end) {
    const auto next = std::find_if(begin + 1, end,
                                   [&](const Item& item) { return !(item.order == begin->order); });
    if (next - begin > 1) sort_equal(begin, next, offset + kOrderBytes);
    begin = next;
  }
}

/// As before, with orders that are equal up to `offset`.
void SortBuffer::sort_equal(Items begin, Items end, std::size_t offset) {
  const auto is_longer = [&](const Item& item) { return key_of(item.row).size() > offset; };
  if (!std::all_of(begin, end, is_longer)) {
    std::sort(begin, end,
              [](const Item& a, const Item& b) { return key_of(a.row) < key_of(b.row); });
    return;
  }
  for (auto item = begin; item != end; ++item) item->order = order_of(key_of(item->row), offset);
  sort(begin, end, offset);
}

void SortBuffer::sort(std::size_t lane) {
  sort(items_[lane].begin(), items_[lane].end(), lanes_[lane].head_bytes);
}

void SortBuffer::clear() {
  for (auto& items : items_) items.clear();
  large_.clear();
  block_ = 0;
  block_used_ = 0;
  bytes_ = 0;
  rows_ = 0;
}

// ExternalSort ------------------------------------------------------------------------------------

struct ExternalSort::Segment {
  StagedFile* file = nullptr;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint64_t rows = 0;
  std::string first{};
  std::string last{};
};

struct ExternalSort::Run {
  std::unique_ptr<StagedFile> file;
  std::vector<Segment> segments;  ///< By lane.
};

ExternalSort::ExternalSort(Staging& staging, const std::vector<SortLane>& lanes)
    : staging_(staging), lanes_(lanes) {}

/// A file is removed page by page as far as the system holds it in memory, which is work for two.
ExternalSort::~ExternalSort() {
  std::vector<std::unique_ptr<Run>> others;
  const std::size_t half = runs_.size() / 2;
  std::move(runs_.begin(), runs_.begin() + static_cast<std::ptrdiff_t>(half),
            std::back_inserter(others));
  std::thread helper;
  try {
    if (half > 0) helper = std::thread([&others] { others.clear(); });
  } catch (const std::system_error&) {
    // The system has no thread left.
  }
  runs_.clear();
  if (helper.joinable()) helper.join();
}

Result<void> ExternalSort::add_run(SortBuffer& buffer) {
  auto file = staging_.make_file();
  if (!file) return std::move(file).error();
  auto run = std::make_unique<Run>();
  run->file = std::move(*file);
  run->segments.resize(lanes_.size());
  std::string bytes;
  bytes.reserve(kWriteBytes + kBlockBytes);
  std::uint64_t offset = 0;
  const auto write = [&]() -> Result<void> {
    offset += bytes.size();
    auto done = run->file->append(bytes);
    bytes.clear();
    return done;
  };
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
    const auto& items = buffer.items_[lane];
    if (items.empty()) continue;
    buffer.sort(lane);
    Segment& segment = run->segments[lane];
    segment = {.file = run->file.get(),
               .offset = offset + bytes.size(),
               .rows = items.size(),
               .first = std::string(key_of(items.front().row)),
               .last = std::string(key_of(items.back().row))};
    for (std::size_t i = 0; i < items.size(); ++i) {
      // Sorted rows lie anywhere.
      if (i + kRowsAhead < items.size()) __builtin_prefetch(items[i + kRowsAhead].row);
      const std::size_t size = sizes_of(items[i].row).row();
      bytes.append(items[i].row, size);
      segment.bytes += size;
      if (bytes.size() < kWriteBytes) continue;
      if (auto done = write(); !done) return done;
    }
  }
  if (auto done = write(); !done) return done;
  if (auto done = run->file->finish(); !done) return done;
  buffer.clear();
  const std::lock_guard lock(mutex_);
  runs_.push_back(std::move(run));
  return {};
}

std::uint64_t ExternalSort::rows(std::size_t lane) const {
  std::uint64_t sum = 0;
  for (const auto& run : runs_) sum += run->segments[lane].rows;
  return sum;
}

std::uint64_t ExternalSort::bytes(std::size_t lane) const {
  std::uint64_t sum = 0;
  for (const auto& run : runs_) sum += run->segments[lane].bytes;
  return sum;
}

/// Segments of which each ends before the next begins, read as one.
class ExternalSort::Chain {
 public:
  explicit Chain(const Segment& first) : segments_{&first} {}

  bool takes(const Segment& segment) const { return segments_.back()->last <= segment.first; }
  void add(const Segment& segment) { segments_.push_back(&segment); }
  void set_buffer(std::size_t bytes) { buffer_bytes_ = bytes; }

  /// False at the end.
  Result<bool> next(SortedSource::Row& row) {
    while (read_ == segments_[segment_]->bytes && used_ == filled_) {
      if (++segment_ == segments_.size()) {
        --segment_;
        return false;
      }
      read_ = 0;
    }
    if (auto done = fill(kSizesBytes); !done) return std::move(done).error();
    const Sizes sizes = sizes_of(buffer_.data() + used_);
    if (auto done = fill(sizes.row()); !done) return std::move(done).error();
    const char* const at = buffer_.data() + used_ + kSizesBytes;
    row = {{at, sizes.key}, {at + sizes.key, sizes.value}};
    used_ += sizes.row();
    // Until it is asked for, rows of many other chains pass.
    __builtin_prefetch(buffer_.data() + used_);
    return true;
  }

 private:
  /// At least so many bytes in the buffer that were not used.
  Result<void> fill(std::size_t bytes) {
    if (filled_ - used_ >= bytes) return {};
    if (filled_ > used_) std::memmove(buffer_.data(), buffer_.data() + used_, filled_ - used_);
    filled_ -= used_;
    used_ = 0;
    const std::size_t wanted = std::max(bytes, buffer_bytes_);
    if (buffer_.size() < wanted) buffer_.resize(wanted);
    const Segment& segment = *segments_[segment_];
    const std::size_t more =
        static_cast<std::size_t>(std::min<std::uint64_t>(wanted - filled_, segment.bytes - read_));
    if (filled_ + more < bytes) return Error(Code::corruption, "a run of the bulk load is cut");
    auto done =
        segment.file->read(segment.offset + read_, std::span(buffer_.data() + filled_, more));
    filled_ += more;
    read_ += more;
    return done;
  }

  std::vector<const Segment*> segments_;
  std::size_t segment_ = 0;
  std::uint64_t read_ = 0;  ///< Of the segment.
  std::size_t buffer_bytes_ = kLeastReadBytes;
  std::vector<char> buffer_;
  std::size_t used_ = 0;
  std::size_t filled_ = 0;
};

// Merge -------------------------------------------------------------------------------------------

struct ExternalSort::Merge::Head {
  SortOrder order{};
  SortedSource::Row row{};
  std::unique_ptr<Chain> chain;
};

ExternalSort::Merge::Merge() = default;
ExternalSort::Merge::~Merge() = default;

std::unique_ptr<ExternalSort::Merge> ExternalSort::merge(std::size_t lane,
                                                         std::size_t memory_bytes) const {
  std::vector<const Segment*> segments;
  for (const auto& run : runs_) {
    if (run->segments[lane].rows > 0) segments.push_back(&run->segments[lane]);
  }
  std::sort(segments.begin(), segments.end(),
            [](const Segment* a, const Segment* b) { return a->first < b->first; });
  std::unique_ptr<Merge> merge(new Merge);
  merge->head_bytes_ = lanes_[lane].head_bytes;
  for (const Segment* segment : segments) {
    const auto open = std::find_if(merge->heap_.begin(), merge->heap_.end(),
                                   [&](const auto& head) { return head.chain->takes(*segment); });
    if (open != merge->heap_.end()) {
      open->chain->add(*segment);
    } else {
      merge->heap_.push_back({.chain = std::make_unique<Chain>(*segment)});
    }
  }
  const std::size_t chains = std::max<std::size_t>(merge->heap_.size(), 1);
  for (auto& head : merge->heap_) {
    head.chain->set_buffer(std::clamp(memory_bytes / chains, kLeastReadBytes, kMostReadBytes));
  }
  return merge;
}

bool ExternalSort::Merge::is_before(const Head& a, const Head& b) {
  if (a.order != b.order) return a.order < b.order;
  return a.row.key < b.row.key;
}

Result<bool> ExternalSort::Merge::advance(Head& head) {
  auto found = head.chain->next(head.row);
  if (found && *found) head.order = order_of(head.row.key, head_bytes_);
  return found;
}

void ExternalSort::Merge::sink(std::size_t place) {
  while (true) {
    std::size_t least = 2 * place + 1;
    if (least >= heap_.size()) return;
    if (least + 1 < heap_.size() && is_before(heap_[least + 1], heap_[least])) ++least;
    if (!is_before(heap_[least], heap_[place])) return;
    std::swap(heap_[least], heap_[place]);
    place = least;
  }
}

Result<bool> ExternalSort::Merge::next(SortedSource::Row& row) {
  if (!is_begun_) {
    is_begun_ = true;
    for (Head& head : heap_) {
      if (auto found = advance(head); !found) return found;
    }
    for (std::size_t place = heap_.size() / 2; place-- > 0;) sink(place);
  } else if (!heap_.empty()) {
    auto found = advance(heap_.front());
    if (!found) return found;
    if (!*found) {
      std::swap(heap_.front(), heap_.back());
      heap_.pop_back();
    }
    sink(0);
  }
  if (heap_.empty()) return false;
  row = heap_.front().row;
  return true;
}

}  // namespace callisto::kv
