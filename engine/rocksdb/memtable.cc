#include "engine/rocksdb/memtable.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "engine/rocksdb/direct_reads.h"
#include "engine/rocksdb/skip_list.h"

namespace callisto::kv {
namespace {

using rocksdb::MemTableRep;
using rocksdb::Slice;

OrderedKey key_of(const Slice& internal_key) noexcept {
  return OrderedKey::of(internal_key.data(), internal_key.size());
}

class ListIterator final : public MemTableRep::Iterator {
 public:
  ListIterator() noexcept = default;
  explicit ListIterator(const SkipList& list) noexcept : list_(&list) {}

  bool Valid() const override { return node_ != nullptr; }
  const char* key() const override { return node_->entry(); }
  void Next() override { node_ = node_->next(0); }
  void Prev() override { node_ = list_->before(node_->key()); }
  void Seek(const Slice& internal_key, const char* /*entry*/) override {
    node_ = list_->at_or_after(key_of(internal_key));
  }
  void SeekForPrev(const Slice& internal_key, const char* /*entry*/) override {
    const OrderedKey key = key_of(internal_key);
    node_ = list_->at_or_after(key);
    if (node_ == nullptr || node_->key() != key) node_ = list_->before(key);
  }
  void SeekToFirst() override { node_ = list_->first(); }
  void SeekToLast() override { node_ = list_->last(); }

 private:
  const SkipList* list_ = nullptr;
  Node* node_ = nullptr;
};

/// Memory of an allocator, which MemTableRep alone can ask for some.
class Memory : public MemTableRep {
 public:
  explicit Memory(rocksdb::Allocator* allocator) : MemTableRep(allocator) {}
  /// An arena is an allocator before all else; RocksDB keeps both classes to itself.
  explicit Memory(rocksdb::Arena* arena)
      : MemTableRep(reinterpret_cast<rocksdb::Allocator*>(arena)) {}

  char* take(std::size_t bytes) {
    constexpr std::uintptr_t kMask = alignof(Node) - 1;
    char* memory = nullptr;
    MemTableRep::Allocate(bytes + kMask, &memory);
    return memory + (-reinterpret_cast<std::uintptr_t>(memory) & kMask);
  }

  // Nothing is kept here.
  void Insert(rocksdb::KeyHandle /*handle*/) override {}
  bool Contains(const char* /*entry*/) const override { return false; }
  std::size_t ApproximateMemoryUsage() override { return 0; }
  MemTableRep::Iterator* GetIterator(rocksdb::Arena* /*arena*/) override { return nullptr; }
};

class Memtable final : public Memory {
 public:
  Memtable(rocksdb::Allocator* allocator, std::shared_ptr<DirectReads> direct,
           std::uint32_t family_id)
      : Memory(allocator),
        list_(take(SkipList::head_bytes())),
        direct_(std::move(direct)),
        family_id_(family_id) {
    if (direct_ != nullptr) direct_->add_memtable(family_id_, list_, newest_);
  }
  ~Memtable() override {
    if (direct_ != nullptr) direct_->remove_memtable(family_id_, list_);
  }

  rocksdb::KeyHandle Allocate(const std::size_t bytes, char** entry) override {
    const int height = list_.draw_height();
    Node* const node = Node::make(take(Node::links_bytes(height) + bytes), height);
    *entry = node->entry();
    return node;
  }
  void Insert(rocksdb::KeyHandle handle) override { InsertKey(handle); }
  bool InsertKey(rocksdb::KeyHandle handle) override {
    Node* const node = static_cast<Node*>(handle);
    const std::uint64_t sequence = node->key().sequence();
    // One thread inserts at a time.
    if (sequence > newest_.load(std::memory_order_relaxed)) {
      newest_.store(sequence, std::memory_order_relaxed);
    }
    return list_.insert(node);
  }
  bool InsertKeyWithHint(rocksdb::KeyHandle handle, void** /*hint*/) override {
    return InsertKey(handle);
  }
  bool Contains(const char* entry) const override {
    const OrderedKey key = OrderedKey::of_entry(entry);
    Node* const node = list_.at_or_after(key);
    return node != nullptr && node->key() == key;
  }
  std::uint64_t ApproximateNumEntries(const Slice& from, const Slice& to) override {
    const std::uint64_t before = list_.estimate_before(key_of(from));
    return std::max(list_.estimate_before(key_of(to)), before) - before;
  }
  MemTableRep::Iterator* GetIterator(rocksdb::Arena* arena) override {
    if (arena == nullptr) return new ListIterator(list_);
    return new (Memory(arena).take(sizeof(ListIterator))) ListIterator(list_);
  }
  /// Without an arena only for a Get of RocksDB's, which never frees what it gets.
  MemTableRep::Iterator* GetDynamicPrefixIterator(rocksdb::Arena* arena) override {
    if (arena != nullptr) return GetIterator(arena);
    thread_local ListIterator of_thread;
    of_thread = ListIterator(list_);
    return &of_thread;
  }

 private:
  SkipList list_;
  const std::shared_ptr<DirectReads> direct_;
  const std::uint32_t family_id_;
  std::atomic<std::uint64_t> newest_{0};
};

/// Written to RocksDB's file of options as its own skip list, which reads the same logs.
class MemtableFactory final : public rocksdb::SkipListFactory {
 public:
  using SkipListFactory::CreateMemTableRep;
  explicit MemtableFactory(std::shared_ptr<DirectReads> direct) : direct_(std::move(direct)) {}

  MemTableRep* CreateMemTableRep(const MemTableRep::KeyComparator& /*comparator*/,
                                 rocksdb::Allocator* allocator,
                                 const rocksdb::SliceTransform* /*prefixes*/,
                                 rocksdb::Logger* /*log*/, std::uint32_t family_id) override {
    return new Memtable(allocator, direct_, family_id);
  }
  bool IsInsertConcurrentlySupported() const override { return false; }

 private:
  const std::shared_ptr<DirectReads> direct_;
};

}  // namespace

std::shared_ptr<rocksdb::MemTableRepFactory> make_memtable_factory(
    std::shared_ptr<DirectReads> direct) {
  return std::make_shared<MemtableFactory>(std::move(direct));
}

}  // namespace callisto::kv
