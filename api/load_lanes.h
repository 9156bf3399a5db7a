#pragma once

// Where the rows of a bulk load are sorted: lanes, and the transaction that writes into them.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/load_buffers.h"
#include "engine/external_sort.h"
#include "engine/kv.h"
#include "indexes/catalogue.h"
#include "schema/ids.h"
#include "schema/keys.h"

namespace callisto::detail {

/// Which record of a load, and which of its messages, a row comes from.
class LoadPosition {
 public:
  static constexpr std::size_t kBytes = sizeof(std::uint64_t);

  explicit LoadPosition(std::uint64_t record) : number_(record << kMessageBits) {}
  static LoadPosition decode(std::string_view bytes);
  LoadPosition message(std::size_t i) const;
  std::string encode() const;
  /// "records[12]." or "records[12].messages[3].".
  std::string text() const;
  bool operator<(const LoadPosition& other) const noexcept { return number_ < other.number_; }

 private:
  static constexpr unsigned kMessageBits = 24;
  std::uint64_t number_;  ///< Record, then place of the message + 1.
};

/// What stands in the place of a foreign key: that a record needs another one.
enum class LoadNote : std::uint8_t {
  definition = 0,  ///< The record itself, with last_seen; one for each user.
  datum = 1,
  identity = 2,
  reference = 3,
};

/// A lane holds all rows of one family whose keys begin with one S X.
struct LoadLane {
  kv::Family family = kv::Family::system;
  std::uint16_t number = 0;   ///< X; 0 for what only the load itself reads.
  bool has_position = false;  ///< Behind each value, until it is read back.
  /// Set where all rows are entries of one index.
  const indexes::IndexDefinition* index = nullptr;
};

/// All lanes of a catalogue, in a fixed order.
class LoadLanes {
 public:
  explicit LoadLanes(const indexes::Catalogue& catalogue);

  const std::vector<LoadLane>& all() const noexcept { return lanes_; }
  const std::vector<kv::SortLane>& sorts() const noexcept { return sorts_; }
  /// Of a key's X; nullopt where no lane has it.
  std::optional<std::size_t> find(std::string_view key) const noexcept;
  std::size_t find(schema::TableId table) const noexcept;

  // For the load itself; keys begin with an id.
  std::size_t user_notes() const noexcept { return lanes_.size() - 3; }
  std::size_t conversation_references() const noexcept { return lanes_.size() - 2; }
  std::size_t memory_references() const noexcept { return lanes_.size() - 1; }

 private:
  void add(const LoadLane& lane);

  std::vector<LoadLane> lanes_;
  std::vector<kv::SortLane> sorts_;
  std::vector<std::uint8_t> by_number_;  ///< Lane + 1.
};

/// What the maintainer and the rows' writers write to while a load runs: puts go to the lanes, at
/// the position of the record. Nothing can be read. For one record, in one thread.
class LoadTransaction final : public kv::Transaction {
 public:
  LoadTransaction(const LoadLanes& lanes, LoadBuffers& buffers, LoadPosition position);
  ~LoadTransaction() override;

  /// Of the rows from here on.
  void set_position(const LoadPosition& position) { position_ = position.encode(); }
  /// Notes, in the lane of users, of their conversations, of memories; `field` names what refers.
  void note_user(std::string_view id, LoadNote note, std::int64_t last_seen = 0,
                 std::string_view field = "user");
  void note_reference(std::size_t lane, std::string_view id);
  /// The first failure to write a run.
  const Result<void>& status() const noexcept { return status_; }
  /// Whether there is anything of the record in the lanes.
  bool has_written() const noexcept { return has_written_; }

  Result<void> put(kv::Family family, std::string_view key, std::string_view value) override;
  Result<void> add(const kv::CounterDelta&) override { return {}; }  // Counted when sorted.
  Result<void> erase(kv::Family, std::string_view) override { return impossible(); }
  Result<bool> get(kv::Family, std::string_view, kv::Value&) override { return impossible(); }
  Result<bool> get_for_update(kv::Family, std::string_view, kv::Value&) override {
    return impossible();
  }
  Result<void> multi_get(kv::Family, std::span<const std::string>,
                         const std::function<void(std::size_t, std::string_view)>&) override {
    return impossible();
  }
  std::unique_ptr<kv::Cursor> scan(kv::Family, const kv::Bounds&) override { return nullptr; }
  kv::Version version() const override { return 0; }
  void guard(kv::Family, std::string_view) override {}
  void touch(kv::Family, std::string_view) override {}
  std::size_t savepoint() const override { return 0; }
  void rollback_to(std::size_t) override {}
  std::size_t size_bytes() const override { return 0; }
  std::size_t key_count() const override { return 0; }
  bool has_writes() const override { return true; }

 private:
  static Error impossible() { return Error(Code::unsupported, "a bulk load reads nothing"); }
  Result<void> write(std::size_t lane, std::string_view key, std::string_view value,
                     std::string_view tail);

  const LoadLanes& lanes_;
  LoadBuffers& buffers_;
  std::unique_ptr<kv::SortBuffer> buffer_;
  std::string position_;
  Result<void> status_;
  bool has_written_ = false;
};

/// Counts of tables and indexes, by number, as rows are read in order.
class LoadRowCounts {
 public:
  explicit LoadRowCounts(const indexes::Catalogue& catalogue) : catalogue_(catalogue) {}
  /// A lane's rows; one thread at a time.
  struct Lane {
    std::vector<std::pair<std::uint16_t, std::int64_t>> counts{};
    void add(std::uint16_t number);
  };
  /// Which table or index a row counts for.
  std::uint16_t number_of(const LoadLane& lane, std::string_view key) const;
  void take(const Lane& lane);
  std::int64_t count(std::uint16_t number) const;
  /// Rising, without zeros.
  std::vector<std::pair<std::uint16_t, std::int64_t>> all() const;

 private:
  const indexes::Catalogue& catalogue_;
  std::vector<std::pair<std::uint16_t, std::int64_t>> sums_;
};

}  // namespace callisto::detail
