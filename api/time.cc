#include "callisto/time.h"

#include <array>
#include <cstdlib>

namespace callisto {

namespace {

// Wide enough for every sum below, whatever int64 microseconds or six digits of a year bring.
__extension__ typedef __int128 Wide;

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::int64_t kMicrosPerDay = kSecondsPerDay * kMicrosPerSecond;

struct Date {
  std::int64_t year = 0;  // astronomical: 0 is 1 BC
  std::int64_t month = 0;
  std::int64_t day = 0;
};

// Proleptic Gregorian, by eras of 400 years that start in March, so that the leap day is the last
// of its year. std::chrono's calendar ends at the years +-32767.
constexpr std::int64_t kDaysPerEra = 146'097;
constexpr std::int64_t kEpochFromEra = 719'468;  // days from 0000-03-01 to 1970-01-01

constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

std::int64_t days_of(const Date& date) noexcept {
  const std::int64_t year = date.year - (date.month <= 2 ? 1 : 0);
  const std::int64_t era = floor_div(year, 400);
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t month_from_march = (date.month + 9) % 12;
  const std::int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * kDaysPerEra + day_of_era - kEpochFromEra;
}

Date date_of(std::int64_t days) noexcept {
  days += kEpochFromEra;
  const std::int64_t era = floor_div(days, kDaysPerEra);
  const std::int64_t day_of_era = days - era * kDaysPerEra;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
  Date date;
  date.day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  date.month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
  return date;
}

std::int64_t days_in_month(std::int64_t year, std::int64_t month) noexcept {
  constexpr std::array<std::int8_t, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && is_leap ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

void append_part(std::string& text, std::string_view mark, std::int64_t value, std::size_t digits) {
  text += mark;
  const std::string number = std::to_string(value);
  if (number.size() < digits) text.append(digits - number.size(), '0');
  text += number;
}

// Reads text from left to right. After the first part that does not fit, ok is false.
struct Reader {
  std::string_view rest;
  bool ok = true;

  bool next_is(char c) const noexcept { return !rest.empty() && rest.front() == c; }
  bool take(char c) noexcept {
    if (!next_is(c)) return false;
    rest.remove_prefix(1);
    return true;
  }
  void expect(char c) noexcept { ok = take(c) && ok; }
  bool has_digit() const noexcept {
    return !rest.empty() && rest.front() >= '0' && rest.front() <= '9';
  }
  // Exactly `count` digits, at least `low`, at most `high`.
  std::int64_t number(int count, std::int64_t low, std::int64_t high) noexcept {
    std::int64_t value = 0;
    for (; count > 0; --count) {
      if (!has_digit()) return ok = false, low;
      value = value * 10 + (rest.front() - '0');
      rest.remove_prefix(1);
    }
    if (value < low || value > high) return ok = false, low;
    return value;
  }
};

Date read_date(Reader& in) noexcept {
  Date date;
  const bool is_negative = in.next_is('-');
  if (in.take('-') || in.take('+')) {
    date.year = in.number(6, is_negative ? 1 : 0, 999'999);  // there is no year -0
    if (is_negative) date.year = -date.year;
  } else {
    date.year = in.number(4, 0, 9999);
  }
  in.expect('-');
  date.month = in.number(2, 1, 12);
  in.expect('-');
  date.day = in.number(2, 1, days_in_month(date.year, date.month));
  return date;
}

std::int64_t read_fraction_micros(Reader& in) noexcept {
  if (!in.take('.')) return 0;
  std::int64_t micros = in.number(1, 0, 9);
  int digits = 1;
  for (; digits < 6 && in.has_digit(); ++digits) micros = micros * 10 + in.number(1, 0, 9);
  for (; digits < 6; ++digits) micros *= 10;
  return micros;  // a seventh digit is not an offset, so the caller refuses it
}

std::int64_t read_time_of_day_micros(Reader& in) noexcept {
  const std::int64_t hour = in.number(2, 0, 23);
  in.expect(':');
  const std::int64_t minute = in.number(2, 0, 59);
  in.expect(':');
  const std::int64_t second = in.number(2, 0, 59);
  return ((hour * 60 + minute) * 60 + second) * kMicrosPerSecond + read_fraction_micros(in);
}

std::int64_t read_offset_micros(Reader& in) noexcept {
  if (in.take('Z') || in.take('z')) return 0;
  const bool is_negative = in.next_is('-');
  if (!in.take('-')) in.expect('+');
  const std::int64_t hours = in.number(2, 0, 23);
  in.expect(':');
  const std::int64_t minutes = in.number(2, 0, 59);
  const std::int64_t micros = (hours * 60 + minutes) * 60 * kMicrosPerSecond;
  return is_negative ? -micros : micros;
}

}  // namespace

std::string Time::to_string() const {
  const std::int64_t days = floor_div(micros_, kMicrosPerDay);
  // Not micros_ - days * kMicrosPerDay: the product is out of range near the lowest time.
  const std::int64_t left = micros_ % kMicrosPerDay;
  const std::int64_t of_day = left < 0 ? left + kMicrosPerDay : left;
  const Date date = date_of(days);
  const std::int64_t seconds = of_day / kMicrosPerSecond;
  std::string text;
  text.reserve(32);
  const bool is_expanded = date.year < 0 || date.year > 9999;
  const char* sign = !is_expanded ? "" : date.year < 0 ? "-" : "+";
  append_part(text, sign, std::abs(date.year), is_expanded ? 6 : 4);
  append_part(text, "-", date.month, 2);
  append_part(text, "-", date.day, 2);
  append_part(text, "T", seconds / 3600, 2);
  append_part(text, ":", seconds / 60 % 60, 2);
  append_part(text, ":", seconds % 60, 2);
  append_part(text, ".", of_day % kMicrosPerSecond, 6);
  return text += 'Z';
}

std::optional<Time> Time::parse(std::string_view text) noexcept {
  Reader in{text};
  const Date date = read_date(in);
  if (!in.take('T') && !in.take('t')) in.expect(' ');
  const std::int64_t of_day = read_time_of_day_micros(in);
  const std::int64_t offset = read_offset_micros(in);
  if (!in.ok || !in.rest.empty()) return std::nullopt;
  const Wide micros = Wide{days_of(date)} * kMicrosPerDay + of_day - offset;
  if (micros < std::numeric_limits<std::int64_t>::min() ||
      micros > std::numeric_limits<std::int64_t>::max()) {
    return std::nullopt;
  }
  return Time(static_cast<std::int64_t>(micros));
}

}  // namespace callisto
