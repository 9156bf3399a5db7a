#include "engine/cache/list_cache.h"

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <new>
#include <utility>

#include "engine/cache/brief_lock.h"
#include "engine/cache/buckets.h"
#include "engine/slabs.h"
#include "engine/write_set.h"
#include "schema/keys.h"

namespace callisto::kv {

namespace {

constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kAllocationBytes = 16;
/// So that a list never has the hash of a row.
constexpr std::uint64_t kListSalt = 0x9e3779b97f4a7c15ULL;

std::size_t charge_of(const ListSegment& segment) noexcept {
  std::size_t bytes = sizeof(ListSegment) + segment.from.size() + segment.to.size();
  for (const Ref<ListEntry>& entry : segment.entries) bytes += entry->charge_bytes();
  return bytes;
}

/// A copy that may be changed, with room for more entries.
Ref<ListSegment> copy_of(const ListSegment& segment) {
  Ref<ListSegment> copy(new ListSegment);
  copy->from = segment.from;
  copy->to = segment.to;
  copy->is_to_end = segment.is_to_end;
  copy->version = segment.version;
  copy->entries.reserve(segment.entries.size() + segment.entries.size() / 2 + 1);
  copy->entries.append(segment.entries);
  return copy;
}

/// The part of `whole` in [from, to).
Ref<ListSegment> cut(const ListSegment& whole, std::string from, std::string to, bool is_to_end) {
  Ref<ListSegment> part(new ListSegment);
  const std::size_t first = is_to_end ? 0 : whole.entries.count_from(to);
  part->entries = whole.entries.part(first, whole.entries.count_from(from));
  part->from = std::move(from);
  part->to = std::move(to);
  part->is_to_end = is_to_end;
  part->version = whole.version;
  return part;
}

/// None where nothing is there.
Ref<ListEntry> entry_of(std::string_view position, FollowedValue& value, bool is_record) {
  if (!value.is_there()) return {};
  if (is_record) return ListEntry::make(position, value.hold(), false);
  return ListEntry::make(position, value.view());
}

std::uint64_t part_hash(std::uint64_t list, std::string_view position) noexcept {
  return list ^ std::hash<std::string_view>{}(position);
}

}  // namespace

// ListEntry -------------------------------------------------------------------------------------

Ref<ListEntry> ListEntry::make(std::string_view position, std::string_view value) {
  void* const place = slabs::take(sizeof(ListEntry) + position.size() + value.size());
  auto* const entry = new (place) ListEntry(position.size(), value.size(), Bytes(), false);
  char* const text = reinterpret_cast<char*>(entry + 1);
  position.copy(text, position.size());
  value.copy(text + position.size(), value.size());
  return Ref<ListEntry>(entry);
}

Ref<ListEntry> ListEntry::make(std::string_view position, Bytes record, bool is_checked) {
  void* const place = slabs::take(sizeof(ListEntry) + position.size());
  auto* const entry = new (place) ListEntry(position.size(), 0, std::move(record), is_checked);
  position.copy(reinterpret_cast<char*>(entry + 1), position.size());
  return Ref<ListEntry>(entry);
}

void ListEntry::destroy(ListEntry* entry) noexcept {
  for (std::atomic<CachedRow*>& row : entry->rows) {
    CachedRow* const held = row.load(std::memory_order_acquire);
    if (held != nullptr && held->holds.drop()) CachedRow::destroy(held);
  }
  const std::size_t bytes = sizeof(ListEntry) + entry->position_bytes + entry->value_bytes;
  entry->~ListEntry();
  slabs::give(entry, bytes);
}

std::size_t ListEntry::charge_bytes() const noexcept {
  return slabs::room_of(sizeof(ListEntry) + position_bytes + value_bytes) +
         ListEntries::kBytesEach + record.room_bytes();
}

HintRef::HintRef(ListEntry* entry) noexcept : entry_(entry) {
  if (entry_ != nullptr) entry_->holds.add();
}

HintRef::~HintRef() {
  if (entry_ != nullptr && entry_->holds.drop()) ListEntry::destroy(entry_);
}

// Shards ------------------------------------------------------------------------------------------

/// A part with its place among what may be evicted.
struct ListCache::Part final : Evictable {
  List* list = nullptr;
  Ref<ListSegment> segment;
};

/// In one piece of memory with its prefix: a reader looks at few places.
struct ListCache::List {
  struct Free {
    void operator()(List* list) const noexcept {
      list->~List();
      ::operator delete(list);
    }
  };
  static std::unique_ptr<List, Free> make(const Name& name) {
    void* const place = ::operator new(sizeof(List) + name.prefix.size());
    std::unique_ptr<List, Free> list(new (place) List(name));
    name.prefix.copy(reinterpret_cast<char*>(list.get() + 1), name.prefix.size());
    return list;
  }

  const std::uint64_t hash;
  List* chain = nullptr;  ///< The next one of its bucket.
  const Family family;
  const std::uint32_t prefix_bytes;
  /// By rising positions; none overlaps another. Most lists are one.
  boost::container::small_vector<std::unique_ptr<Part>, 1> parts;

  std::string_view prefix() const noexcept {
    return {reinterpret_cast<const char*>(this + 1), prefix_bytes};
  }
  /// The first part that does not end at or before `position`.
  auto at(std::string_view position) {
    return std::partition_point(parts.begin(), parts.end(), [&](const std::unique_ptr<Part>& part) {
      return !part->segment->ends_after(position);
    });
  }
  /// The part that has `position` in it, or null.
  Part* covering(std::string_view position) {
    const auto found = at(position);
    if (found == parts.end() || (*found)->segment->from > position) return nullptr;
    return found->get();
  }
  /// The part that holds the last position before `position`, or before the end; or null.
  Part* before(std::string_view position, bool is_end) {
    const auto is_short = [&](const std::unique_ptr<Part>& part) {
      return !part->segment->is_to_end && (is_end || part->segment->to < position);
    };
    const auto found = std::partition_point(parts.begin(), parts.end(), is_short);
    if (found == parts.end() || (!is_end && (*found)->segment->from >= position)) return nullptr;
    return found->get();
  }

 private:
  explicit List(const Name& name) noexcept
      : hash(name.hash),
        family(name.family),
        prefix_bytes(static_cast<std::uint32_t>(name.prefix.size())) {}
  ~List() = default;
};

/// Under the room's lock lists and parts come and go. Readers take a list's stripe alone: who
/// changes its parts, or a segment that it has, holds that too.
struct alignas(kCacheLine) ListCache::Shard final : Evictor {
  explicit Shard(CacheRoom& of) : room(of), mutex(of.mutex), queues(of.queues) {
    room.evictors[static_cast<std::size_t>(Evictable::Kind::list_part)] = this;
  }

  List* find(const Name& name) const noexcept {
    return lists.find(name.hash, [&](const List& list) {
      return list.family == name.family && list.prefix() == name.prefix;
    });
  }
  /// Of two lists with one hash the later one stays.
  List& make(const Name& name) {
    List* const other = lists.find(name.hash, [](const List&) { return true; });
    if (other != nullptr) drop(*other);
    auto fresh = List::make(name);
    lists.add(*fresh);
    return *fresh.release();
  }
  void drop(List& list) noexcept {
    for (const auto& part : list.parts) remove(*part);
    lists.remove(list);
    List::Free()(&list);
  }
  /// What a reader of a list finds, or none.
  template <class Choose>
  Ref<ListSegment> read(const Name& name, Version at, Choose&& choose) {
    auto& stripe = lists.stripe(name.hash);
    const BriefLock lock(stripe.busy);
    List* const list = find(name);
    Part* const part = list == nullptr ? nullptr : choose(*list);
    if (part == nullptr || part->segment->version > at) {
      ++stripe.misses;
      return {};
    }
    part->note_hit();
    ++stripe.hits;
    return part->segment;
  }
  void insert_all(List& list, ListSegment& read);
  std::size_t insert(List& list, std::size_t place, Ref<ListSegment> segment);
  void join(List& list, std::size_t left);
  void set_entry(Part& part, std::string_view position, Ref<ListEntry> entry,
                 std::uint64_t signature, Version version);
  /// Takes a part that is in no queue any more out of its list.
  std::unique_ptr<Part> take(List& list, std::size_t place) noexcept {
    const BriefLock readers(lists.stripe(list.hash).busy);
    std::unique_ptr<Part> part = std::move(list.parts[place]);
    list.parts.erase(list.parts.begin() + static_cast<std::ptrdiff_t>(place));
    return part;
  }
  void let_go(Evictable& item, Graves& graves) override {
    ++evictions;
    auto& part = static_cast<Part&>(item);
    bytes -= part.charge_bytes;
    --parts;
    List& list = *part.list;
    const auto is_it = [&](const std::unique_ptr<Part>& other) { return other.get() == &part; };
    const auto found = std::find_if(list.parts.begin(), list.parts.end(), is_it);
    const auto gone = take(list, static_cast<std::size_t>(found - list.parts.begin()));
    graves.take(std::move(gone->segment));
    if (list.parts.empty()) drop(list);
  }
  void remove(Part& part) noexcept {
    queues.remove(part);
    bytes -= part.charge_bytes;
    --parts;
  }
  /// Gives a part another segment: the one that it had.
  Ref<ListSegment> exchange(Part& part, Ref<ListSegment> segment) noexcept {
    const BriefLock readers(lists.stripe(part.list->hash).busy);
    return std::exchange(part.segment, std::move(segment));
  }
  /// Of a part, as those that are here.
  std::size_t usual_charge() const noexcept {
    constexpr std::size_t kUnknown = 4096;
    return parts == 0 ? kUnknown : bytes / parts;
  }
  void change_charge(Part& part, std::size_t charge) {
    bytes += charge - part.charge_bytes;
    queues.change_charge(part, charge);
  }

  CacheRoom& room;
  std::mutex& mutex;
  EvictionQueues& queues;
  std::size_t bytes = 0;
  std::size_t parts = 0;
  Buckets<List> lists;
  std::uint64_t fills = 0;
  std::uint64_t evictions = 0;
  std::uint64_t invalidations = 0;
};

std::size_t ListCache::Shard::insert(List& list, std::size_t place, Ref<ListSegment> segment) {
  auto part = std::make_unique<Part>();
  part->list = &list;
  part->hash = part_hash(list.hash, segment->from);
  part->charge_bytes = sizeof(Part) + kAllocationBytes + charge_of(*segment);
  part->segment = std::move(segment);
  part->kind = Evictable::Kind::list_part;
  Part& there = *part;
  {
    const BriefLock readers(lists.stripe(list.hash).busy);
    list.parts.insert(list.parts.begin() + static_cast<std::ptrdiff_t>(place), std::move(part));
  }
  // Last, as nothing fails here: a queue owns none of its members.
  queues.insert(there);
  bytes += there.charge_bytes;
  ++parts;
  return place;
}

/// Adds what no part covers yet of what was read.
void ListCache::Shard::insert_all(List& list, ListSegment& read) {
  std::string from = read.from;
  while (true) {
    const auto next = list.at(from);
    const ListSegment* const after = next == list.parts.end() ? nullptr : (*next)->segment.get();
    if (after != nullptr && after->from <= from) {
      if (after->is_to_end || !read.ends_after(after->to)) return;
      from = after->to;
      continue;
    }
    // A gap begins at `from`; it ends where the next part begins, or with what was read.
    const bool meets = after != nullptr && read.ends_after(after->from);
    const std::string to = meets ? after->from : read.to;
    const bool is_to_end = !meets && read.is_to_end;
    if (!is_to_end && to <= from) return;
    const std::size_t place = insert(list, static_cast<std::size_t>(next - list.parts.begin()),
                                     cut(read, from, to, is_to_end));
    join(list, place);
    if (place > 0) join(list, place - 1);
    if (!meets) return;
    from = to;
  }
}

/// Joins a part with the next one where they meet.
void ListCache::Shard::join(List& list, std::size_t left) {
  if (left + 1 >= list.parts.size()) return;
  Part& part = *list.parts[left];
  const ListSegment& low = *part.segment;
  const ListSegment& high = *list.parts[left + 1]->segment;
  if (low.is_to_end || low.to != high.from) return;
  if (low.entries.size() + high.entries.size() > kMaxJoinedEntries) return;
  Ref<ListSegment> both = copy_of(high);
  both->from = low.from;
  both->version = std::max(low.version, high.version);
  both->entries.append(low.entries);
  remove(*list.parts[left + 1]);
  const auto right = take(list, left + 1);
  change_charge(part, sizeof(Part) + kAllocationBytes + charge_of(*both));
  exchange(part, std::move(both));
}

/// Puts the entry at its position, or takes the one there away.
void ListCache::Shard::set_entry(Part& part, std::string_view position, Ref<ListEntry> entry,
                                 std::uint64_t signature, Version version) {
  std::size_t charge = part.charge_bytes;
  const std::size_t place = part.segment->entries.place_of(position);
  Ref<ListEntry> gone;
  {
    const ListEntries& there = part.segment->entries;
    if (place < there.size() && there[place]->position() == position) gone = there[place];
  }
  if (gone) charge -= gone->charge_bytes();
  if (entry) charge += entry->charge_bytes();
  const bool grows = entry && !gone;
  // A segment that readers hold does not change under them. They take holds under the stripe's
  // lock: while that is held here, a single hold is the part's own.
  Ref<ListSegment> copy;
  if (!part.segment->holds.is_single() || (grows && !part.segment->entries.has_room())) {
    copy = copy_of(*part.segment);
  }
  {
    const BriefLock readers(lists.stripe(part.list->hash).busy);
    if (!copy && !part.segment->holds.is_single()) copy = copy_of(*part.segment);
    if (copy) std::swap(part.segment, copy);
    ListEntries& entries = part.segment->entries;
    if (grows) {
      entries.insert(place, std::move(entry), signature);
    } else if (entry) {
      entries.replace(place, std::move(entry), signature);
    } else if (gone) {
      entries.erase(place);
    }
    part.segment->version = version;
  }
  change_charge(part, charge);
}

// ListCache ---------------------------------------------------------------------------------------

ListCache::Name ListCache::Name::of(Family family, std::string_view prefix) noexcept {
  return {family, prefix, hash_key(family, prefix) ^ kListSalt};
}

ListCache::ListCache(CacheRooms& rooms, const RecentChanges& recent) : recent_(recent) {
  for (std::size_t i = 0; i < CacheRooms::kRooms; ++i) {
    shards_.push_back(std::make_unique<Shard>(rooms[i]));
  }
}

ListCache::~ListCache() { clear(); }

ListCache::Shard& ListCache::shard_of(const Name& name) noexcept {
  return *shards_[name.hash % CacheRooms::kRooms];
}

Ref<ListSegment> ListCache::find(const Name& name, std::string_view position, Version at) {
  return shard_of(name).read(name, at, [&](List& list) { return list.covering(position); });
}

Ref<ListSegment> ListCache::find_before(const Name& name, std::string_view position, bool is_end,
                                        Version at) {
  return shard_of(name).read(name, at, [&](List& list) { return list.before(position, is_end); });
}

bool ListCache::wants(const Name& name, std::string_view position) {
  Shard& shard = shard_of(name);
  const std::lock_guard lock(shard.mutex);
  return shard.queues.admits(part_hash(name.hash, position), shard.usual_charge());
}

void ListCache::fill(const Name& name, Ref<ListSegment> read, Version at) {
  Shard& shard = shard_of(name);
  Graves graves;
  const std::lock_guard lock(shard.mutex);
  // Under the shard's lock: see RowCache::fill().
  if (!recent_.is_unchanged_since(name.hash, at)) return;
  read->version = at;
  List* const known = shard.find(name);
  List& list = known != nullptr ? *known : shard.make(name);
  shard.insert_all(list, *read);
  if (list.parts.empty()) shard.drop(list);
  ++shard.fills;
  shard.room.shrink(graves);
}

void ListCache::apply(const Name& name, std::string_view position, FollowedValue& value,
                      bool is_record, SignatureOf signature, Version version) {
  Shard& shard = shard_of(name);
  Graves graves;
  const std::lock_guard lock(shard.mutex);
  List* const list = shard.find(name);
  Part* const part = list == nullptr ? nullptr : list->covering(position);
  if (part == nullptr) return;
  Ref<ListEntry> entry = entry_of(position, value, is_record);
  const std::uint64_t signed_by = entry ? entry->signature(signature) : 0;
  shard.set_entry(*part, position, std::move(entry), signed_by, version);
  ++shard.invalidations;
  const ListSegment& segment = *part->segment;
  if (segment.entries.size() > 2 * kMaxSegmentEntries) {
    // What lies at its end is forgotten.
    const std::size_t last = segment.entries.size() - kMaxSegmentEntries - 1;
    auto less = cut(segment, segment.from, std::string(segment.entries[last]->position()), false);
    const std::size_t charge = sizeof(Part) + kAllocationBytes + charge_of(*less);
    graves.take(shard.exchange(*part, std::move(less)));
    shard.change_charge(*part, charge);
  }
  shard.room.shrink(graves);
}

void ListCache::erase_range(Family family, std::string_view lower, std::string_view upper) {
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex);
    shard->lists.for_each([&](List& list) {
      const bool meets = list.family == family && list.prefix() < upper &&
                         schema::prefix_end(list.prefix()) > lower;
      if (meets) shard->drop(list);
    });
  }
}

void ListCache::clear() {
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex);
    shard->lists.for_each([&](List& list) { shard->drop(list); });
  }
}

CacheStats ListCache::stats() const {
  CacheStats sum;
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard->mutex);
    std::uint64_t none = 0;
    shard->lists.add_counts(sum.hits, sum.misses, none);
    sum.fills += shard->fills;
    sum.evictions += shard->evictions;
    sum.invalidations += shard->invalidations;
    sum.bytes += shard->bytes;
    sum.entries += shard->lists.count();
  }
  return sum;
}

}  // namespace callisto::kv
