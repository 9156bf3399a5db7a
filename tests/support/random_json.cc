#include "tests/support/random_json.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string_view>
#include <vector>

namespace callisto::testing {

namespace {

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t end) { return random() % end; }

std::string space(Random& random) {
  constexpr std::array<const char*, 6> kSpaces = {"", "", "", " ", "\n", "\t\r "};
  return kSpaces[below(random, kSpaces.size())];
}

std::string unicode_escape(Random& random, unsigned unit) {
  char text[8];
  std::snprintf(text, sizeof text, random() % 2 ? "\\u%04x" : "\\u%04X", unit);
  return text;
}

// A character with its canonical form inside a JSON string and its UTF-16 code units.
struct Character {
  std::string utf8;
  const char* canonical;
  std::array<unsigned, 2> units;
};

const std::vector<Character>& characters() {
  static const std::vector<Character> all = {
      {"a", "a", {'a', 0}},
      {"Z", "Z", {'Z', 0}},
      {"/", "/", {'/', 0}},
      {"~", "~", {'~', 0}},
      {"", "\\\"", {'"', 0}},
      {"", "\\\\", {'\\', 0}},
      {"", "\\n", {'\n', 0}},
      {"", "\\b", {'\b', 0}},
      {"", "\\f", {'\f', 0}},
      {"", "\\r", {'\r', 0}},
      {"", "\\t", {'\t', 0}},
      {"", "\\u0001", {1, 0}},
      {"", "\\u001f", {0x1f, 0}},
      {"\x7f", "\x7f", {0x7f, 0}},
      {"\xc3\xa9", "\xc3\xa9", {0xe9, 0}},
      {"\xe2\x80\xa8", "\xe2\x80\xa8", {0x2028, 0}},
      {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", {0xd83d, 0xde00}},
      {"\xef\xbf\xbf", "\xef\xbf\xbf", {0xffff, 0}},
  };
  return all;
}

JsonSample random_string(Random& random, std::size_t max_size) {
  JsonSample sample{"\"", "\""};
  for (std::size_t size = below(random, max_size + 1); size > 0; --size) {
    const Character& c = characters()[below(random, characters().size())];
    sample.canonical += c.canonical;
    if (random() % 4 != 0) {
      sample.given += c.utf8.empty() ? c.canonical : c.utf8;
    } else {
      sample.given += unicode_escape(random, c.units[0]);
      if (c.units[1] != 0) sample.given += unicode_escape(random, c.units[1]);
    }
  }
  sample.given += '"';
  sample.canonical += '"';
  return sample;
}

// Shortest text that reads back equal, found by trying: %.17g always does.
std::string shortest(double value) {
  char text[400];
  std::string best;
  for (int precision = 0; precision <= 17; ++precision) {
    std::snprintf(text, sizeof text, "%.*e", precision, value);
    if (std::strtod(text, nullptr) == value) break;
  }
  // %e writes d.ddde+xx; std::to_chars drops what is not needed and may write without an exponent.
  std::string scientific = text;
  const std::size_t e = scientific.find('e');
  std::string mantissa = scientific.substr(0, e);
  if (mantissa.find('.') != std::string::npos) {
    mantissa.erase(mantissa.find_last_not_of('0') + 1);
    if (mantissa.back() == '.') mantissa.pop_back();
  }
  scientific = mantissa + scientific.substr(e);
  const int exponent = std::atoi(scientific.c_str() + mantissa.size() + 1);
  const int digits = static_cast<int>(
      std::count_if(mantissa.begin(), mantissa.end(), [](char c) { return c >= '0' && c <= '9'; }));
  std::snprintf(text, sizeof text, "%.*f", std::max(0, digits - 1 - exponent), value);
  best = text;
  return best.size() <= scientific.size() ? best : scientific;
}

JsonSample random_double(Random& random) {
  double value = 0;
  switch (below(random, 4)) {
    case 0:
      value = std::bit_cast<double>(random());
      break;
    case 1:
      value = static_cast<double>(static_cast<std::int64_t>(random()) >> below(random, 64)) / 100;
      break;
    case 2:
      value = std::ldexp(3.0, static_cast<int>(below(random, 2000)) - 1000);
      break;
    default:
      value = static_cast<float>(static_cast<double>(random() % 1000) / 7);
      break;
  }
  if (!std::isfinite(value)) value = 0.5;
  std::string canonical = shortest(value);
  if (canonical.find_first_of(".e") == std::string::npos) canonical += ".0";
  if (random() % 2 == 0) return {canonical, canonical};
  char text[64];
  std::snprintf(text, sizeof text, random() % 2 ? "%.16e" : "%.16E", value);
  return {text, canonical};
}

JsonSample random_scalar(Random& random) {
  switch (below(random, 7)) {
    case 0:
      return {"null", "null"};
    case 1:
      return random() % 2 ? JsonSample{"true", "true"} : JsonSample{"false", "false"};
    case 2: {
      const auto value = static_cast<std::int64_t>(random()) >> below(random, 64);
      return {std::to_string(value), std::to_string(value)};
    }
    case 3: {
      const std::string text = std::to_string(random() | std::uint64_t{1} << 63);
      return {text, text};
    }
    case 4:
      return random_double(random);
    default:
      return random_string(random, below(random, 20) == 0 ? 400 : 12);
  }
}

JsonSample random_array(Random& random, int depth) {
  JsonSample sample{"[", "["};
  sample.given += space(random);
  for (std::size_t i = 0, size = below(random, 6); i < size; ++i) {
    const JsonSample element = random_json(random, depth - 1);
    const char* const comma = i > 0 ? "," : "";
    sample.given.append(comma).append(space(random)).append(element.given).append(space(random));
    sample.canonical.append(comma).append(element.canonical);
  }
  sample.given += "]";
  sample.canonical += "]";
  return sample;
}

// What a canonical string stands for, as far as random_string() writes it: to order names by it.
std::string decoded(std::string_view canonical) {
  std::string text;
  canonical = canonical.substr(1, canonical.size() - 2);
  while (!canonical.empty()) {
    const auto c = std::find_if(characters().begin(), characters().end(), [&](const Character& of) {
      return canonical.starts_with(of.canonical);
    });
    text += c->utf8.empty() ? std::string(1, static_cast<char>(c->units[0])) : c->utf8;
    canonical.remove_prefix(std::string_view(c->canonical).size());
  }
  return text;
}

}  // namespace

JsonSample random_json_object(Random& random, int depth) {
  std::map<std::string, std::pair<JsonSample, JsonSample>> members;
  for (std::size_t size = below(random, 6); size > 0; --size) {
    const JsonSample name = random_string(random, 6);
    members[decoded(name.canonical)] = {name, random_json(random, depth - 1)};
  }
  JsonSample sample{"{", "{"};
  sample.given += space(random);
  std::vector<std::string> given;
  for (const auto& [decoded_name, member] : members) {
    const auto& [name, value] = member;
    if (sample.canonical.size() > 1) sample.canonical += ",";
    sample.canonical += name.canonical + ":" + value.canonical;
    given.push_back(space(random) + name.given + space(random) + ":" + space(random) + value.given +
                    space(random));
  }
  std::shuffle(given.begin(), given.end(), random);
  for (std::size_t i = 0; i < given.size(); ++i) {
    sample.given.append(i > 0 ? "," : "").append(given[i]);
  }
  sample.given += "}";
  sample.canonical += "}";
  return sample;
}

JsonSample random_json(Random& random, int depth) {
  if (depth > 0 && random() % 3 == 0) return random_json_object(random, depth);
  if (depth > 0 && random() % 3 == 0) return random_array(random, depth);
  return random_scalar(random);
}

}  // namespace callisto::testing
