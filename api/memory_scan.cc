#include <algorithm>
#include <string>
#include <utility>

#include "api/conversation_rows.h"
#include "api/memory_drive.h"
#include "api/memory_filter.h"
#include "api/memory_rows.h"
#include "indexes/catalogue.h"

namespace callisto::detail {

namespace {

/// The place of a memory in an order. It rises as the keys of that order's index do, so that a
/// sorted list and a scanned one agree, also where times are equal.
struct Place {
  std::int64_t first = 0;
  std::int64_t second = 0;
  UuidBytes id{};
  friend auto operator<=>(const Place&, const Place&) = default;
};

Place place_of(const schema::fb::Memory& memory, MemoryOrder order) {
  const schema::fb::Stamp& stamp = *memory.stamp();
  const UuidBytes id = schema::from_fb<MemoryId>(&stamp.id()).bytes();
  switch (order) {
    case MemoryOrder::updated:
      return {-stamp.updated_at(), 0, id};
    case MemoryOrder::priority:
      return {-std::int64_t{memory.priority()}, -stamp.created_at(), id};
    case MemoryOrder::expiry:
      return {memory.expires_at().value_or(0), 0, id};
    case MemoryOrder::created:
      break;
  }
  return {-stamp.created_at(), 0, id};
}

/// The first `limit` rows of an order, out of rows that come in any.
class BestRows {
 public:
  BestRows(MemoryOrder order, bool reverse, std::size_t limit)
      : order_(order), limit_(limit), before_{reverse} {}

  void add(Bytes row) {
    Ranked ranked{place_of(*schema::root<schema::fb::Memory>(row), order_), std::move(row)};
    if (rows_.size() == limit_ && !before_(ranked, rows_.front())) return;
    rows_.push_back(std::move(ranked));
    std::push_heap(rows_.begin(), rows_.end(), before_);
    if (rows_.size() <= limit_) return;
    std::pop_heap(rows_.begin(), rows_.end(), before_);
    rows_.pop_back();
  }

  std::vector<Bytes> take() && {
    std::sort_heap(rows_.begin(), rows_.end(), before_);
    std::vector<Bytes> sorted;
    sorted.reserve(rows_.size());
    for (Ranked& row : rows_) sorted.push_back(std::move(row.bytes));
    return sorted;
  }

 private:
  struct Ranked {
    Place place;
    Bytes bytes;
  };
  struct Before {
    bool reverse;
    bool operator()(const Ranked& a, const Ranked& b) const {
      return reverse ? b.place < a.place : a.place < b.place;
    }
  };

  const MemoryOrder order_;
  const std::size_t limit_;
  const Before before_;
  std::vector<Ranked> rows_;  // a heap with the last one on top
};

std::string_view name_of(schema::IndexId id) {
  const auto& table = indexes::standard_catalogue().table(TableId::memories);
  for (const indexes::IndexDefinition& index : table.indexes) {
    if (index.id == id) return index.name;
  }
  return "memories";
}

/// Runs a query over its driving index: filters on the entry, fetches in chunks, filters on the
/// row.
class MemoryScan {
 public:
  MemoryScan(ReadContext& context, const MemoryQuery& query, std::size_t limit,
             std::uint64_t max_scanned)
      : context_(context),
        limit_(limit),
        max_scanned_(max_scanned),
        filter_(query, context.state(), context.now()),
        drive_(choose_drive(query, context.state(), context.now())),
        reverse_(is_reverse(query.order, query.oldest_first)),
        is_ordered_(drive_.order == query.order),
        best_(query.order, reverse_, limit) {}

  Result<std::vector<Bytes>> run() {
    CALLISTO_TRY(require_index(context_.state(), drive_.index));
    CALLISTO_TRY(for_each_merged(context_.reader(), kv::Family::indexes, drive_.ranges, drive_.skip,
                                 is_ordered_ && reverse_,
                                 [this](const RangeEntry& entry) { return visit(entry); }));
    CALLISTO_TRY(fetch_pending());
    return is_ordered_ ? std::move(rows_) : std::move(best_).take();
  }

 private:
  /// False when there is enough.
  Result<bool> visit(const RangeEntry& entry) {
    if (++scanned_ > max_scanned_) {
      return Error(Code::limit_exceeded, "query",
                   "at most " + std::to_string(max_scanned_) + " index entries read");
    }
    if (is_double(entry)) return true;
    const auto cover = schema::decode_memory_cover(entry.value);
    const auto tail = drive_.order == MemoryOrder::expiry ? indexes::parse_time_tail(entry.key)
                                                          : indexes::parse_created_tail(entry.key);
    if (!cover || !tail) return damaged(name_of(drive_.index), entry.key);
    if (!filter_.admits(*cover)) return true;
    pending_.push_back(schema::memory_key(context_.space(), tail->as<MemoryId>()));
    if (pending_.size() < chunk()) return true;
    CALLISTO_TRY(fetch_pending());
    return !is_ordered_ || rows_.size() < limit_;
  }

  /// A memory with several of the tags lies in several ranges, at the same place.
  bool is_double(const RangeEntry& entry) {
    if (drive_.ranges.size() == 1) return false;
    const std::string_view place = entry.key.substr(drive_.skip[entry.range]);
    if (place == last_place_) return true;
    last_place_ = place;
    return false;
  }

  std::size_t chunk() const {
    return is_ordered_ ? std::min(limit_ - rows_.size(), kFetchChunk) : kFetchChunk;
  }

  Result<void> fetch_pending() {
    auto fetched = fetch_many<schema::fb::Memory>(context_.reader(), pending_);
    if (!fetched) return std::move(fetched).error();
    for (std::size_t i = 0; i < pending_.size(); ++i) {
      std::optional<Bytes>& row = (*fetched)[i];
      if (!row) return damaged("memories", pending_[i]);
      if (!filter_.matches(*schema::root<schema::fb::Memory>(*row))) continue;
      if (is_ordered_) {
        rows_.push_back(std::move(*row));
      } else {
        best_.add(std::move(*row));
      }
    }
    pending_.clear();
    return {};
  }

  ReadContext& context_;
  const std::size_t limit_;
  const std::uint64_t max_scanned_;
  const MemoryFilter filter_;
  const MemoryDrive drive_;
  const bool reverse_;
  const bool is_ordered_;
  BestRows best_;
  std::vector<Bytes> rows_;
  std::vector<std::string> pending_;
  std::string last_place_;
  std::uint64_t scanned_ = 0;
};

/// Whether the query names a user whose memories can be found: not one that was merged away.
bool has_present_user(const MemoryQuery& query, const SpaceState& state) {
  return !query.user || state.resolve(*query.user) == *query.user;
}

}  // namespace

Result<std::vector<Bytes>> find_rows(ReadContext& context, const MemoryQuery& query,
                                     std::uint32_t limit, std::uint64_t max_scanned) {
  if (!has_present_user(query, context.state())) return std::vector<Bytes>();
  return MemoryScan(context, query, limit, max_scanned).run();
}

}  // namespace callisto::detail
