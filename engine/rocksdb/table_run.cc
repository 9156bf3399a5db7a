#include "engine/rocksdb/table_run.h"

#include <algorithm>
#include <utility>

namespace callisto::kv {

TableRun::TableRun(std::vector<OpenTable*> tables, std::string_view upper,
                   std::size_t blocks_at_once)
    : tables_(std::move(tables)), upper_(upper), blocks_at_once_(blocks_at_once) {}

bool TableRun::open_block(std::size_t block) {
  OpenTable& table = *tables_[table_];
  is_open_ = false;
  scratch_.kept = table.kept_block(block);
  if (scratch_.kept) {
    entries_.emplace(scratch_.kept.bytes());
    block_ = block;
    is_open_ = true;
    return true;
  }
  if (block < first_read_ || block >= end_read_) {
    first_read_ = end_read_ = block;
    std::size_t end = std::min(block + blocks_at_once_, last_block_ + 1);
    const std::uint64_t from = table.index().place(block).offset;
    while (end > block + 1 && table.index().place(end - 1).offset - from > kMostBytes) --end;
    const auto read = table.read_blocks(block, end, scratch_.packed);
    if (!read) return false;
    read_ = *read;
    end_read_ = end;
    blocks_at_once_ = std::min(blocks_at_once_ * 2, kMostBlocks);
  }
  const BlockPlace place = table.index().place(block);
  const std::string_view packed = read_.substr(
      place.offset - table.index().place(first_read_).offset, place.bytes + kTrailerBytes);
  if (!is_intact_block(packed)) return false;
  const auto bytes = unpack_block(packed, scratch_.unpacked);
  if (!bytes) return false;
  table.note_read(block, *bytes);
  entries_.emplace(*bytes);
  block_ = block;
  is_open_ = true;
  return true;
}

bool TableRun::seek(std::string_view key) {
  is_valid_ = false;
  const auto ends_before = [&](const OpenTable* table) { return table->facts().largest_key < key; };
  const std::size_t table = table_;
  while (table_ < tables_.size() && ends_before(tables_[table_])) ++table_;
  if (table_ == tables_.size()) return true;
  OpenTable& at = *tables_[table_];
  if (!at.load()) return false;
  if (table != table_ || !is_open_) {
    is_open_ = false;
    first_read_ = end_read_ = 0;
    last_block_ = at.index().block_of(upper_);
  }
  const std::size_t block = at.index().block_of(key);
  if (!is_open_ || block != block_) {
    if (!open_block(block)) return false;
  }
  entries_->seek(key);
  while (next()) {
    if (!is_valid_ || entry_.key >= key) return true;
  }
  return false;
}

bool TableRun::next() {
  while (true) {
    if (entries_->next()) return take();
    if (entries_->is_damaged()) return false;
    if (!next_block()) return false;
    if (table_ == tables_.size()) return true;
  }
}

bool TableRun::take() {
  const auto entry = take_entry(*entries_);
  is_valid_ = false;
  if (!entry) return false;
  entry_ = *entry;
  entry_.sequence = std::max(entry_.sequence, tables_[table_]->facts().smallest_sequence);
  is_valid_ = entry_.key < upper_;
  return true;
}

/// Behind the last one no entry is below upper_.
bool TableRun::next_block() {
  is_valid_ = false;
  if (block_ < last_block_) return open_block(block_ + 1);
  is_open_ = false;
  if (++table_ == tables_.size()) return true;
  OpenTable& at = *tables_[table_];
  if (!at.load()) return false;
  first_read_ = end_read_ = 0;
  last_block_ = at.index().block_of(upper_);
  return open_block(0);
}

}  // namespace callisto::kv
