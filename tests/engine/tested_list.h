#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rocksdb/skip_list.h"

namespace callisto::kv {

/// A key of RocksDB's, in the order that lists must have.
struct ModelKey {
  std::string bytes;
  std::uint64_t tag = 0;
  bool operator<(const ModelKey& other) const {
    return bytes != other.bytes ? bytes < other.bytes : tag > other.tag;
  }
  bool operator==(const ModelKey&) const = default;
};

inline std::string internal_key(const ModelKey& key) {
  std::string bytes = key.bytes;
  bytes.append(reinterpret_cast<const char*>(&key.tag), sizeof(key.tag));
  return bytes;
}

/// A skip list with memory, and entries as RocksDB writes them.
class TestedList {
 public:
  bool insert(const ModelKey& key, std::string_view value = "value") {
    std::string entry;
    append_sized(entry, internal_key(key));
    append_sized(entry, value);
    const int height = list_.draw_height();
    Node* const node = Node::make(room(Node::links_bytes(height) + entry.size()), height);
    std::memcpy(node->entry(), entry.data(), entry.size());
    return list_.insert(node);
  }
  const SkipList& list() const { return list_; }

 private:
  static void append_sized(std::string& entry, std::string_view bytes) {
    std::size_t size = bytes.size();
    for (; size >= 0x80; size >>= 7) entry += static_cast<char>(size | 0x80);
    entry += static_cast<char>(size);
    entry += bytes;
  }
  char* room(std::size_t bytes) {
    rooms_.push_back(std::make_unique<std::uint64_t[]>(bytes / 8 + 1));
    return reinterpret_cast<char*>(rooms_.back().get());
  }

  std::vector<std::unique_ptr<std::uint64_t[]>> rooms_;
  SkipList list_{room(SkipList::head_bytes())};
};

}  // namespace callisto::kv
