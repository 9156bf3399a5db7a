#include "engine/rocksdb/open_table.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/kept_by_thread.h"

namespace callisto::kv {
namespace {

std::atomic<std::uint64_t> next_serial{1};

using KeptScratch = KeptByThread<std::unique_ptr<BlockScratch>>;

}  // namespace

ScratchLease::ScratchLease() : scratch_(KeptScratch::take()) {
  if (scratch_ == nullptr) scratch_ = std::make_unique<BlockScratch>();
}

ScratchLease::~ScratchLease() {
  // What one large block took goes, and what is known of it.
  scratch_->table = 0;
  scratch_->kept.reset();
  scratch_->recent.trim();
  scratch_->packed.trim();
  scratch_->unpacked.trim();
  KeptScratch::give_back(std::move(scratch_));
}

TableRoom::TableRoom(std::uint64_t index_bytes, int files, std::uint64_t block_bytes)
    : most_bytes_(index_bytes), most_files_(files), blocks_(block_bytes) {}

bool TableRoom::take(std::uint64_t bytes, int files) noexcept {
  const std::lock_guard lock(mutex_);
  if (!has(bytes, files)) return false;
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  files_.fetch_add(files, std::memory_order_relaxed);
  return true;
}

void TableRoom::give(std::uint64_t bytes, int files) noexcept {
  const std::lock_guard lock(mutex_);
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  files_.fetch_sub(files, std::memory_order_relaxed);
}

OpenTable::OpenTable(TableFacts facts, std::shared_ptr<rocksdb::FileSystem> files,
                     std::shared_ptr<TableRoom> room)
    : facts_(std::move(facts)),
      serial_(next_serial.fetch_add(1, std::memory_order_relaxed)),
      files_(std::move(files)),
      room_(std::move(room)) {}

OpenTable::~OpenTable() {
  if (is_loaded()) {
    for (std::size_t i = 0; i < index().blocks(); ++i) room_->blocks().forget(index().mark(i));
  }
  room_->give(taken_bytes_, file_ == nullptr ? 0 : 1);
}

bool OpenTable::load() {
  if (is_loaded()) return true;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || is_given_up_) return false;
  if (is_loaded()) return true;
  // An index takes about 1 % of the file.
  if (!room_->has(std::max(facts_.bytes / 50, index_bytes_), 1)) return false;
  std::unique_ptr<rocksdb::FSRandomAccessFile> file;
  const rocksdb::IOStatus status =
      files_->NewRandomAccessFile(facts_.path, rocksdb::FileOptions(), &file, nullptr);
  if (!status.ok()) return false;
  auto index = TableIndex::read(*file, facts_.bytes);
  if (index == nullptr) {
    is_given_up_ = true;
    return false;
  }
  index_bytes_ = index->memory_bytes();
  if (!room_->take(index_bytes_, 1)) return false;
  taken_bytes_ += index_bytes_;
  file->Hint(rocksdb::FSRandomAccessFile::kRandom);
  file_ = std::move(file);
  own_index_ = std::move(index);
  index_.store(own_index_.get(), std::memory_order_release);
  return true;
}

void OpenTable::make_filter(std::size_t prefix_bytes) {
  if (!is_loaded()) return;
  const std::lock_guard lock(mutex_);
  if (is_filter_tried_) return;
  if (!room_->has(KeyFilter::bytes_for(facts_.entries), 0)) return;
  is_filter_tried_ = true;
  std::vector<std::uint64_t> hashes;
  hashes.reserve(facts_.entries);
  BlockScratch scratch;
  for (std::size_t i = 0; i < own_index_->blocks(); ++i) {
    const auto bytes = read_block(i, scratch);
    if (!bytes) return;
    BlockEntries entries(*bytes);
    while (entries.next()) {
      const auto entry = take_entry(entries);
      if (!entry) return;
      const std::uint64_t hash = KeyFilter::hash(entry->key, prefix_bytes);
      if (hashes.empty() || hashes.back() != hash) hashes.push_back(hash);
    }
    if (entries.is_damaged()) return;
  }
  const std::size_t bytes = KeyFilter::bytes_for(hashes.size());
  if (!room_->take(bytes, 0)) return;
  taken_bytes_ += bytes;
  own_filter_ = std::make_unique<KeyFilter>(hashes.size());
  for (const std::uint64_t hash : hashes) own_filter_->add(hash);
  filter_.store(own_filter_.get(), std::memory_order_release);
}

bool OpenTable::may_hold(std::uint64_t hash) const noexcept {
  const KeyFilter* const filter = filter_.load(std::memory_order_acquire);
  return filter == nullptr || filter->may_hold(hash);
}

std::optional<std::string_view> OpenTable::read_blocks(std::size_t first, std::size_t last,
                                                       BlockRoom& room) const {
  const BlockPlace begin = index().place(first);
  const BlockPlace end = index().place(last - 1);
  const std::size_t bytes = end.offset + end.bytes + kTrailerBytes - begin.offset;
  char* const into = room.take(bytes);
  rocksdb::Slice read;
  const auto status = file_->Read(begin.offset, bytes, rocksdb::IOOptions(), &read, into, nullptr);
  if (!status.ok() || read.size() != bytes) return std::nullopt;
  return std::string_view(read.data(), bytes);
}

std::optional<std::string_view> OpenTable::read_block(std::size_t i, BlockScratch& scratch) const {
  const auto packed = read_blocks(i, i + 1, scratch.packed);
  if (!packed || !is_intact_block(*packed)) return std::nullopt;
  return unpack_block(*packed, scratch.unpacked);
}

std::optional<std::string_view> OpenTable::block(std::size_t i, BlockScratch& scratch) const {
  if (scratch.table == serial_ && scratch.block == i) return scratch.bytes;
  scratch.table = 0;
  scratch.kept = kept_block(i);
  if (scratch.kept) {
    scratch.bytes = scratch.kept.bytes();
  } else {
    const auto bytes = read_block(i, scratch);
    if (!bytes) return std::nullopt;
    note_read(i, *bytes);
    scratch.bytes = *bytes;
  }
  scratch.table = serial_;
  scratch.block = i;
  return scratch.bytes;
}

OpenTable::Answer OpenTable::find(std::string_view key, std::uint64_t max_sequence,
                                  BlockScratch& scratch, TableEntry& entry) const {
  for (std::size_t i = index().block_of(key); i < index().blocks(); ++i) {
    const auto bytes = block(i, scratch);
    if (!bytes) return Answer::unknown;
    BlockEntries entries(*bytes);
    entries.seek(key);
    while (entries.next()) {
      const auto found = take_entry(entries);
      if (!found) return Answer::unknown;
      const int order = found->key.compare(key);
      if (order < 0) continue;
      if (order > 0) return Answer::absent;
      entry = *found;
      entry.sequence = std::max(entry.sequence, facts_.smallest_sequence);
      if (entry.sequence <= max_sequence) {
        entry.key = key;
        return Answer::found;
      }
    }
    if (entries.is_damaged()) return Answer::unknown;
    if (!index().goes_on_behind(i, key)) return Answer::absent;
  }
  return Answer::absent;
}

}  // namespace callisto::kv
