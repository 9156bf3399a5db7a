#pragma once

// The stores that a history runs on, behind one face.

#include <functional>
#include <memory>
#include <string>

#include "callisto/store.h"

namespace callisto::detail {
class StoreCore;
}
namespace callisto::kv {
class Store;
}

namespace callisto::testing {

/// A snapshot of one space.
class Held {
 public:
  virtual ~Held() = default;
  virtual const Repositories& repositories() const = 0;
};

class Subject {
 public:
  virtual ~Subject() = default;
  /// Space 0 is the default one, space 1 another.
  virtual const Repositories& space(int number) const = 0;
  virtual Result<void> transact(int number, const std::function<Result<void>(Transaction&)>& function) = 0;
  virtual std::unique_ptr<Held> snapshot(int number) = 0;
  /// Drops space 1 and makes it anew, empty.
  virtual void renew_space() = 0;
  virtual Result<VerifyReport> verify(bool repair) = 0;
  Result<void> finish() { return finish_within({}); }
  virtual Result<void> finish_within(const CallLimits& limits) = 0;
  /// Starts rebuilds of all indexes; false where they are to stay as they were built.
  virtual Result<bool> reindex() { return false; }
  /// Closes and opens again; false where nothing outlives the closing. Snapshots must be gone.
  virtual bool reopen() { return false; }
  /// For damage that is planted below.
  virtual detail::StoreCore* core() = 0;
};

enum class Indexes : bool { stay, are_rebuilt };
/// `directory` "" for a store in memory.
std::unique_ptr<Subject> store_subject(const std::string& directory, const Options& options,
                                       Indexes indexes = Indexes::stay);
/// Over the std::map engine.
std::unique_ptr<Subject> map_subject(const Options& options);
/// Over an engine that `make` opens, and opens again where that shows the same rows.
std::unique_ptr<Subject> engine_subject(std::function<std::unique_ptr<kv::Store>()> make,
                                        bool can_reopen, const Options& options,
                                        Indexes indexes = Indexes::stay);

}  // namespace callisto::testing
