#pragma once

// What extractors emit: entries whose bytes lie in one buffer, which the next row uses again.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace callisto::indexes {

/// One index entry, as it lies in Entries.
struct EntryView {
  std::string_view key;
  std::string_view value;
  friend auto operator<=>(const EntryView&, const EntryView&) = default;
};

/// The entries of one row in one index. Views of them hold until the next change.
class Entries {
 public:
  class Iterator {
   public:
    Iterator(const Entries& entries, std::size_t at) : entries_(&entries), at_(at) {}
    EntryView operator*() const noexcept { return (*entries_)[at_]; }
    Iterator& operator++() noexcept {
      ++at_;
      return *this;
    }
    bool operator==(const Iterator& other) const noexcept { return at_ == other.at_; }

   private:
    const Entries* entries_;
    std::size_t at_;
  };

  /// Copies both; neither may lie in these entries.
  void add(std::string_view key, std::string_view value) {
    places_.push_back({bytes_.size(), static_cast<std::uint32_t>(key.size()),
                       static_cast<std::uint32_t>(value.size())});
    bytes_.insert(bytes_.end(), key.begin(), key.end());
    bytes_.insert(bytes_.end(), value.begin(), value.end());
  }
  /// Keeps the memory.
  void clear() noexcept {
    places_.clear();
    bytes_.clear();
  }
  /// By key.
  void sort() { sort_from(0); }
  /// Of the entries from `first` on, keeps one of each key, in the order of the keys.
  void drop_repeats(std::size_t first);

  std::size_t size() const noexcept { return places_.size(); }
  bool empty() const noexcept { return places_.empty(); }
  std::size_t memory_bytes() const noexcept {
    return bytes_.capacity() + places_.capacity() * sizeof(Place);
  }
  EntryView operator[](std::size_t i) const noexcept {
    const Place& place = places_[i];
    const char* const key = bytes_.data() + place.start;
    return {{key, place.key_size}, {key + place.key_size, place.value_size}};
  }
  Iterator begin() const noexcept { return {*this, 0}; }
  Iterator end() const noexcept { return {*this, size()}; }

 private:
  struct Place {
    std::size_t start = 0;
    std::uint32_t key_size = 0;
    std::uint32_t value_size = 0;
  };

  std::string_view key_of(const Place& place) const noexcept {
    return {bytes_.data() + place.start, place.key_size};
  }
  void sort_from(std::size_t first);

  std::vector<char> bytes_;
  std::vector<Place> places_;
};

}  // namespace callisto::indexes
