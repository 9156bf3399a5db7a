#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>

namespace callisto::kv {

/// A key as RocksDB orders them: by rising bytes of the caller's key, then by falling tag, which is
/// the sequence number with the kind of the entry.
struct OrderedKey {
  std::string_view bytes;
  std::uint64_t tag;

  /// RocksDB's internal key: the caller's, with the tag behind it.
  static OrderedKey of(const char* key, std::size_t size) noexcept {
    static_assert(std::endian::native == std::endian::little, "as RocksDB stores the tag");
    OrderedKey ordered{{key, size - sizeof(tag)}, 0};
    std::memcpy(&ordered.tag, key + ordered.bytes.size(), sizeof(tag));
    return ordered;
  }
  /// An entry of a memtable: the internal key with its size in front, then the value so.
  static OrderedKey of_entry(const char* entry) noexcept {
    const std::uint32_t size = take_size(entry);
    return of(entry, size);
  }
  static std::string_view value_of_entry(const char* entry) noexcept {
    const std::uint32_t key_size = take_size(entry);
    entry += key_size;
    const std::uint32_t size = take_size(entry);
    return {entry, size};
  }

  std::strong_ordering operator<=>(const OrderedKey& other) const noexcept {
    const auto order = bytes <=> other.bytes;
    return order != 0 ? order : other.tag <=> tag;
  }
  bool operator==(const OrderedKey& other) const noexcept = default;

  std::uint64_t sequence() const noexcept { return tag >> 8; }

 private:
  /// A varint of 32 bits, which it moves `at` behind.
  static std::uint32_t take_size(const char*& at) noexcept {
    auto byte = static_cast<unsigned char>(*at++);
    std::uint32_t size = byte & 0x7fU;
    for (unsigned shift = 7; (byte & 0x80U) != 0; shift += 7) {
      byte = static_cast<unsigned char>(*at++);
      size |= (byte & 0x7fU) << shift;
    }
    return size;
  }
};

/// An entry with its links: those of the higher levels lie in front of it, the entry behind it.
class Node {
 public:
  /// `memory` has room for links_bytes(height) and the entry.
  static Node* make(char* memory, int height) noexcept {
    for (int level = height - 1; level > 0; --level, memory += sizeof(Link)) new (memory) Link();
    return new (memory) Node(height);
  }
  static constexpr std::size_t links_bytes(int height) noexcept {
    return static_cast<std::size_t>(height) * sizeof(Link);
  }

  char* entry() noexcept { return reinterpret_cast<char*>(this + 1); }
  OrderedKey key() noexcept { return OrderedKey::of_entry(entry()); }
  /// What RocksDB wrote behind the key.
  std::string_view value() noexcept { return OrderedKey::value_of_entry(entry()); }

  /// Any thread may ask while the writer links.
  Node* next(int level) noexcept { return link(level).load(std::memory_order_acquire); }
  void set_next(int level, Node* next) noexcept {
    link(level).store(next, std::memory_order_release);
  }
  /// Of a node that is not linked: what make() was told, kept where the first link will be.
  int height() noexcept {
    return static_cast<int>(std::bit_cast<std::uintptr_t>(link(0).load(std::memory_order_relaxed)));
  }

 private:
  using Link = std::atomic<Node*>;
  explicit Node(int height) noexcept
      : first_(std::bit_cast<Node*>(static_cast<std::uintptr_t>(height))) {}
  Link& link(int level) noexcept {
    return *(reinterpret_cast<Link*>(this) - static_cast<std::ptrdiff_t>(level));
  }

  Link first_;
};

/// Entries in the order of their keys, for one writer at a time and any number of readers, who need
/// no lock: a node that is linked never changes but for its links, and none goes before the list
/// does. Memory is the caller's.
class SkipList {
 public:
  static constexpr int kMaxHeight = 12;

  /// `head` has room for head_bytes().
  explicit SkipList(char* head) noexcept : head_(Node::make(head, kMaxHeight)) {
    for (int level = 0; level < kMaxHeight; ++level) head_->set_next(level, nullptr);
    for (Finger& finger : fingers_) finger.fill(head_);
  }
  static constexpr std::size_t head_bytes() noexcept { return Node::links_bytes(kMaxHeight); }

  // Of the writer.

  /// A height for a new node.
  int draw_height() noexcept {
    int height = 1;
    for (; height < kMaxHeight && draw() % kBranching == 0; ++height) {
    }
    return height;
  }
  /// A node with its key behind it. False when the key is there.
  bool insert(Node* node) noexcept;

  // Of any thread.

  Node* first() const noexcept { return head_->next(0); }
  Node* last() const noexcept;
  /// The first node at or behind `key`; null at the end.
  Node* at_or_after(const OrderedKey& key) const noexcept { return place_of(key).behind; }
  /// The last node before `key`, or null.
  Node* before(const OrderedKey& key) const noexcept;
  /// About how many nodes lie before `key`.
  std::uint64_t estimate_before(const OrderedKey& key) const noexcept;

 private:
  /// One node in so many reaches one level higher.
  static constexpr std::uint32_t kBranching = 4;
  /// The last node before the place of the latest insertion, for every level: what is inserted next
  /// is often its neighbour. A place may have got new neighbours since, but none of its nodes goes,
  /// and none of a lower level lies before one of a higher level.
  using Finger = std::array<Node*, kMaxHeight>;
  /// Keys of one table or index come near each other, and between those of others: each has a
  /// finger of its own, by the last byte of what its keys begin with.
  static constexpr std::size_t kFingers = 32;
  static constexpr std::size_t kNumberByte = 5;

  Finger& finger_of(std::string_view key) noexcept {
    const std::size_t number =
        key.size() > kNumberByte ? static_cast<unsigned char>(key[kNumberByte]) : 0;
    return fingers_[number % kFingers];
  }
  bool is_before(Node* node, const OrderedKey& key) const noexcept {
    return node == head_ || node->key() < key;
  }
  /// The last node of a level that lies before `key`, from one that does.
  static Node* walk(Node* from, int level, const OrderedKey& key) noexcept {
    Node* next = from->next(level);
    while (next != nullptr && next->key() < key) {
      from = next;
      next = from->next(level);
    }
    return from;
  }
  void point(Finger& finger, const OrderedKey& key) const noexcept;
  struct Place {
    Node* before;
    Node* behind;
  };
  Place place_of(const OrderedKey& key) const noexcept;
  std::uint32_t draw() noexcept {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 17;
    random_ ^= random_ << 5;
    return random_ >> 8;
  }

  Node* const head_;
  std::atomic<int> height_{1};
  // The writer's.
  std::array<Finger, kFingers> fingers_{};
  std::uint32_t random_ = 0x9e3779b9;
};

}  // namespace callisto::kv
