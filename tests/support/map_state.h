#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "engine/kv.h"

namespace callisto::testing {

using MapKey = std::pair<kv::Family, std::string>;

/// What the map engine holds: every version of every key that an open view may ask for.
class MapState {
 public:
  using Overlay = std::map<MapKey, std::optional<std::string>>;  ///< nullopt: erased.

  /// Keeps what a version shows while it lives.
  class Pin {
   public:
    /// At the latest version.
    explicit Pin(MapState& state);
    Pin(MapState& state, kv::Version version);
    ~Pin();
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;
    MapState& state() const { return state_; }
    kv::Version version() const { return version_; }

   private:
    MapState& state_;
    kv::Version version_;
  };

  std::optional<std::string> get(const MapKey& key, kv::Version version);
  /// The first row in scan order within the bounds and, if `after` is given, after it.
  std::optional<std::pair<std::string, std::string>> next(kv::Family family,
                                                          const kv::Bounds& bounds,
                                                          const std::optional<std::string>& after,
                                                          kv::Version version);

  /// What a commit brings.
  struct Commit {
    std::optional<kv::Version> snapshot;  ///< nullopt: blind.
    std::set<MapKey> guards;
    std::set<MapKey> touches;
    Overlay writes;
    std::map<std::string, std::map<std::uint16_t, std::int64_t>> deltas;  ///< By group and counter.
  };
  /// nullopt: a conflict.
  std::optional<Result<kv::Version>> commit(const Commit& commit);
  /// Writes, if nothing was committed since `before`, as a change that every other commit conflicts
  /// with.
  std::optional<Result<kv::Version>> load(kv::Version before, const Overlay& rows);
  kv::Version committed_version(const MapKey& key);
  void erase_range(kv::Family family, std::string_view lower, std::string_view upper);

  bool closed();
  void close();
  std::size_t bytes(kv::Family family, std::string_view lower, std::string_view upper);
  kv::EngineStats stats();

 private:
  using History = std::map<kv::Version, std::optional<std::string>>;

  static const std::string* seen_at(const History& history, kv::Version version);
  bool conflicts(const Commit& commit) const;
  void write(const MapKey& key, std::optional<std::string> value);
  Result<void> add(const std::string& group, const std::map<std::uint16_t, std::int64_t>& deltas,
                   Overlay& rows) const;

  std::mutex mutex_;
  std::map<MapKey, History> rows_;
  std::map<MapKey, kv::Version> committed_;
  kv::Version all_committed_ = 0;  ///< At least so high is every key's.
  std::multiset<kv::Version> pinned_;
  kv::Version version_ = 1;
  std::uint64_t commits_ = 0;
  std::uint64_t conflicts_ = 0;
  bool closed_ = false;
};

}  // namespace callisto::testing
