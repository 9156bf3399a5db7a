#include "engine/rocksdb/log_format.h"

#include <algorithm>
#include <array>
#include <bit>
#include <boost/crc.hpp>
#include <boost/endian/conversion.hpp>
#include <istream>
#include <utility>

namespace callisto::kv {
namespace {

constexpr std::size_t kBlockBytes = 32u << 10;
constexpr std::size_t kHeadBytes = 7;

using Crc32c = boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true>;

/// Of the piece's kind and body; RocksDB stores sums turned and shifted.
std::uint32_t stored_sum(char kind, std::string_view body) {
  Crc32c sum;
  sum.process_byte(static_cast<unsigned char>(kind));
  sum.process_bytes(body.data(), body.size());
  return std::rotr(static_cast<std::uint32_t>(sum.checksum()), 15) + 0xa282ead8U;
}

template <class Number>
Number little_number(std::string_view bytes) {
  std::array<unsigned char, sizeof(Number)> digits{};
  std::copy_n(bytes.begin(), sizeof(Number), digits.begin());
  return boost::endian::endian_load<Number, sizeof(Number), boost::endian::order::little>(
      digits.data());
}

template <class Number>
void put_little(std::string& bytes, Number number) {
  std::array<unsigned char, sizeof(Number)> digits{};
  boost::endian::endian_store<Number, sizeof(Number), boost::endian::order::little>(digits.data(),
                                                                                    number);
  bytes.append(digits.begin(), digits.end());
}

}  // namespace

std::string encode_log_record(std::uint64_t size, std::string_view record) {
  std::string bytes;
  bool is_first = true;
  do {
    std::size_t room = kBlockBytes - (size + bytes.size()) % kBlockBytes;
    if (room < kHeadBytes) {
      bytes.append(room, '\0');
      room = kBlockBytes;
    }
    const std::string_view body = record.substr(0, room - kHeadBytes);
    record.remove_prefix(body.size());
    const bool is_last = record.empty();
    const char kind = static_cast<char>(is_first ? (is_last ? 1 : 2) : (is_last ? 4 : 3));
    put_little(bytes, stored_sum(kind, body));
    put_little(bytes, static_cast<std::uint16_t>(body.size()));
    bytes += kind;
    bytes += body;
    is_first = false;
  } while (!record.empty());
  return bytes;
}

bool LogRecords::next_block() {
  block_.resize(kBlockBytes);
  std::size_t size = 0;
  while (size < kBlockBytes) {
    const std::size_t length = read_(block_.data() + size, kBlockBytes - size);
    if (length == 0) break;
    size += length;
  }
  block_.resize(size);
  left_ = block_;
  return size > 0;
}

LogRecords::Piece LogRecords::next_piece(std::string_view& body) {
  const bool is_last_block = block_.size() < kBlockBytes;
  const auto give_up = [&](bool is_damage) {
    left_ = {};
    return is_damage ? Piece::damaged : Piece::none;
  };
  if (left_.size() < kHeadBytes) {
    is_cut_ = is_last_block;
    return give_up(false);
  }
  const auto length = little_number<std::uint16_t>(left_.substr(4));
  const char kind = left_[6];
  if (left_.size() - kHeadBytes < length) {
    is_cut_ = is_last_block;
    return give_up(!is_last_block);
  }
  body = left_.substr(kHeadBytes, length);
  const bool is_known =
      kind >= static_cast<char>(Piece::full) && kind < static_cast<char>(Piece::none);
  if (!is_known || little_number<std::uint32_t>(left_) != stored_sum(kind, body)) {
    return give_up(true);
  }
  left_.remove_prefix(kHeadBytes + length);
  return static_cast<Piece>(kind);
}

bool LogRecords::next(std::string& record) {
  bool is_inside = false;
  for (;;) {
    if (left_.empty() && !next_block()) {
      is_cut_ = is_cut_ || is_inside;
      return false;
    }
    std::string_view body;
    const Piece piece = next_piece(body);
    if (piece == Piece::none) continue;
    const bool begins = piece == Piece::full || piece == Piece::first;
    // A piece before this one is missing where a record begins inside another, or inside none.
    if (piece == Piece::damaged || begins == is_inside) has_damage_ = true;
    if (piece == Piece::damaged || (!begins && !is_inside)) {
      is_inside = false;
      continue;
    }
    if (begins) record.clear();
    record += body;
    is_inside = piece != Piece::full && piece != Piece::last;
    if (!is_inside) return true;
  }
}

LogRecords records_of(std::istream& file) {
  return LogRecords([&file](char* to, std::size_t size) {
    file.read(to, static_cast<std::streamsize>(size));
    return static_cast<std::size_t>(file.gcount());
  });
}

}  // namespace callisto::kv
