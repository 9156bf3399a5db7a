#pragma once

// Runs a plan: candidates from lists, decided on entries and lists, in the order asked for.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "indexes/query/list.h"
#include "indexes/query/plan.h"
#include "indexes/query/probe.h"

namespace callisto::indexes::query {

/// A row that entries and lists admit.
struct Found {
  /// Its place in the order asked for: bytes that rise as the keys of that order's index do.
  std::string place;
  std::string key;  ///< Of its record; "" where `rows` has it.
  /// Where its record and what lies beside it are remembered, and what was found there.
  kv::HintRef hints{};
  std::array<Bytes, kv::HintRef::kPlaces> rows{};
};

/// What the core asks of a record kind. It looks at one entry at a time.
class Judge {
 public:
  virtual ~Judge() = default;
  /// Looks at an entry of the driver; an error means damage.
  virtual Result<void> look(const ListCursor& entry) = 0;
  /// What the entry tells: false when the row is out.
  virtual bool admits() const = 0;
  /// Entries of the driver that admits() may be true of have these bits (kv::Bounds::signature).
  virtual std::uint64_t signature() const { return 0; }
  /// Its position in the lists of the conditions.
  virtual std::string_view position() const = 0;
  /// Its place in the order asked for, appended to `place`.
  virtual void append_place(std::string& place) const = 0;
  virtual std::string record_key() const = 0;
  /// Whether a cache remembers all that take() would fetch; then `rows` is it.
  virtual bool peek(const kv::ListEntry* /*entry*/,
                    std::array<Bytes, kv::HintRef::kPlaces>& /*rows*/) {
    return false;
  }
  /// Whether Request::none[i] must be asked; false when the entry tells that the row is not in it.
  virtual bool may_be_in(std::size_t /*i*/) const { return true; }

  /// Fetches records, and sets what matches; leaves their rows in `found`, so that take() need not
  /// fetch them again.
  virtual Result<void> check(std::span<Found> found, std::vector<char>& matches) = 0;
  /// Fetches records and keeps those that match, in order, as rows to be returned; how many. Their
  /// places may be empty, and the rows in `found` are taken out.
  virtual Result<std::size_t> take(std::span<Found> found) = 0;
};

/// Where a page begins and ends.
struct PageLimits {
  std::size_t limit = 100;  ///< 0: nothing is missing of the page but whether there is more.
  /// The place after which it begins; "": at the start.
  std::string after{};
  /// Whether to find out if there is more.
  bool wants_more = false;
  bool reverse = false;  ///< The order runs down.
};
struct PageEnd {
  bool has_more = false;
  std::string last;  ///< The place of the last candidate; set when has_more.
  /// The walk was given up (Plan::sure_keys). What the judge has taken is all that there is up to
  /// `last` ("": nothing was found); another plan goes on behind it.
  bool gave_up = false;
};

class Run {
 public:
  Run(kv::Reader& reader, const Plan& plan, Judge& judge, Meter& meter)
      : reader_(reader), plan_(plan), judge_(judge), meter_(meter) {}

  /// Rows in order, at most `limit`; the judge has taken them.
  Result<PageEnd> find(const PageLimits& limits);
  /// All that match.
  Result<std::uint64_t> count();

 private:
  /// Calls each() at every candidate until it answers false.
  Result<void> for_each(bool reverse, const std::string& after,
                        const std::function<Result<bool>(const ListCursor& entry)>& each);
  void open_probes(bool reverse);
  Result<bool> passes_lists();
  Found found(const ListCursor& entry) const;
  Result<PageEnd> find_ordered(const PageLimits& limits);
  Result<PageEnd> find_best(const PageLimits& limits);

  kv::Reader& reader_;
  const Plan& plan_;
  Judge& judge_;
  Meter& meter_;
  std::vector<ListProbe> probes_;      ///< Of Plan::probed.
  std::vector<ListProbe> exclusions_;  ///< Of Plan::none.
};

}  // namespace callisto::indexes::query
