#pragma once

// Rules of text: UTF-8, lengths in code points, comparison by NFC and case folding.

#include <cstddef>
#include <string>
#include <string_view>

#include "callisto/result.h"

namespace callisto::schema {

bool is_valid_utf8(std::string_view text) noexcept;
/// Requires valid UTF-8.
std::size_t count_code_points(std::string_view text) noexcept;
/// Normalisation form C (Unicode, through ICU). Requires valid UTF-8.
std::string nfc(std::string_view text);
/// NFC of the case-folded text: what names and tags are compared by.
std::string fold(std::string_view text);

/// nfc() to look at: without a copy where the text, which must outlive it, is its own NFC.
class Nfc {
 public:
  explicit Nfc(std::string_view text);
  Nfc(const Nfc&) = delete;
  Nfc& operator=(const Nfc&) = delete;
  operator std::string_view() const noexcept { return is_same_ ? text_ : made_; }

 private:
  std::string_view text_;
  bool is_same_;
  std::string made_;
};

/// The same of fold().
class Folded {
 public:
  explicit Folded(std::string_view text);
  Folded(const Folded&) = delete;
  Folded& operator=(const Folded&) = delete;
  operator std::string_view() const noexcept { return is_same_ ? text_ : made_; }

 private:
  std::string_view text_;
  bool is_same_;
  std::string made_;
};

/// invalid_argument naming `field` when the text is not UTF-8 or longer than `max_code_points`
/// (limit "at most 50 code points"), or shorter than `min_code_points`.
Result<void> check_text(std::string_view text, const char* field, std::size_t max_code_points,
                        std::size_t min_code_points = 0);
/// UTF-8 only; the record's own limit bounds the length.
Result<void> check_utf8(std::string_view text, const char* field);

}  // namespace callisto::schema
