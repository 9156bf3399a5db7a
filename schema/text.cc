#include "schema/text.h"

#include <algorithm>
#include <boost/locale/conversion.hpp>
#include <boost/locale/generator.hpp>
#include <boost/locale/localization_backend.hpp>
#include <boost/locale/utf.hpp>
#include <cstdint>
#include <cstring>
#include <locale>

namespace callisto::schema {

namespace {

namespace locale = boost::locale;

constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;

/// The first byte at or after `at` that is not ASCII, or the size.
std::size_t skip_ascii(std::string_view text, std::size_t at) noexcept {
  std::uint64_t word = 0;
  for (; text.size() - at >= sizeof(word); at += sizeof(word)) {
    std::memcpy(&word, text.data() + at, sizeof(word));
    if ((word & kHighBits) != 0) break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at;
}

bool is_ascii(std::string_view text) noexcept { return skip_ascii(text, 0) == text.size(); }

/// Whether every code point is below U+0300, where nothing composes, decomposes or reorders:
/// U+0300 is CC 80, and no byte of a smaller code point is above CB.
bool is_surely_nfc(std::string_view text) noexcept {
  const std::string_view rest = text.substr(skip_ascii(text, 0));
  return std::all_of(rest.begin(), rest.end(),
                     [](char byte) { return static_cast<unsigned char>(byte) < 0xCC; });
}

/// Made once; using it is thread-safe. Neither normalisation nor folding depends on its language.
const std::locale& unicode_locale() {
  static const std::locale instance = [] {
    locale::localization_backend_manager backends = locale::localization_backend_manager::global();
    backends.select("icu");
    locale::generator generator(backends);
    generator.categories(locale::category_t::convert);
    generator.characters(locale::char_facet_t::char_f);
    return generator("en_US.UTF-8");
  }();
  return instance;
}

std::string to_form(std::string_view text, locale::norm_type form) {
  return locale::normalize(text.data(), text.data() + text.size(), form, unicode_locale());
}

bool is_capital(char letter) noexcept { return letter >= 'A' && letter <= 'Z'; }

std::string fold_ascii(std::string_view text) {
  std::string folded(text);
  for (char& letter : folded) {
    if (is_capital(letter)) letter = static_cast<char>(letter - 'A' + 'a');
  }
  return folded;
}

/// Whether it is ASCII without capitals.
bool is_surely_folded(std::string_view text) noexcept {
  return is_ascii(text) && std::none_of(text.begin(), text.end(), is_capital);
}

std::string code_points(const char* bound, std::size_t count) {
  return bound + std::to_string(count) + (count == 1 ? " code point" : " code points");
}

}  // namespace

bool is_valid_utf8(std::string_view text) noexcept {
  const char* const end = text.data() + text.size();
  std::size_t at = skip_ascii(text, 0);
  while (at < text.size()) {
    const char* next = text.data() + at;
    if (locale::utf::utf_traits<char>::decode(next, end) >= locale::utf::incomplete) return false;
    at = skip_ascii(text, static_cast<std::size_t>(next - text.data()));
  }
  return true;
}

std::size_t count_code_points(std::string_view text) noexcept {
  // Every byte but a continuation (10xxxxxx) starts one.
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
  }));
}

std::string nfc(std::string_view text) {
  if (is_surely_nfc(text)) return std::string(text);
  return to_form(text, locale::norm_nfc);
}

std::string fold(std::string_view text) {
  if (is_ascii(text)) return fold_ascii(text);
  // Decomposed first, as Unicode's canonical caseless matching has it (D145): what is equal under
  // NFC folds to the same text whatever its spelling.
  const std::string apart = to_form(text, locale::norm_nfd);
  const std::string folded =
      locale::fold_case(apart.data(), apart.data() + apart.size(), unicode_locale());
  return to_form(folded, locale::norm_nfc);
}

Nfc::Nfc(std::string_view text) : text_(text), is_same_(is_surely_nfc(text)) {
  if (!is_same_) made_ = nfc(text);
}

Folded::Folded(std::string_view text) : text_(text), is_same_(is_surely_folded(text)) {
  if (!is_same_) made_ = fold(text);
}

Result<void> check_text(std::string_view text, const char* field, std::size_t max_code_points,
                        std::size_t min_code_points) {
  const bool fits = text.size() >= min_code_points && text.size() <= max_code_points;
  if (fits && is_ascii(text)) return {};
  if (Result<void> utf8 = check_utf8(text, field); !utf8) return utf8;
  const std::size_t count = count_code_points(text);
  if (count > max_code_points) {
    return Error(Code::invalid_argument, field, code_points("at most ", max_code_points));
  }
  if (count < min_code_points) {
    return Error(Code::invalid_argument, field, code_points("at least ", min_code_points));
  }
  return {};
}

Result<void> check_utf8(std::string_view text, const char* field) {
  if (is_valid_utf8(text)) return {};
  return Error(Code::invalid_argument, field, "valid UTF-8");
}

}  // namespace callisto::schema
