#include "engine/kv.h"

#include <string>

#include "schema/keys.h"

namespace callisto::kv {

namespace {

bool is_intact(RowCheck check, const Bytes& bytes) { return check == nullptr || check(bytes); }

}  // namespace

Error damaged_row(Family family, std::string_view key) {
  std::string message = "damaged record in ";
  message.append(to_string(family)).append(" at ").append(schema::to_hex(key));
  return Error(Code::corruption, std::move(message));
}

Result<Bytes> Cursor::row(RowCheck check) const {
  Bytes bytes = Bytes::copy_of(value());
  return is_intact(check, bytes) ? bytes : Bytes();
}

Result<Bytes> Reader::get_row(Family family, std::string_view key, RowCheck check) {
  Value value;
  auto found = get(family, key, value);
  if (!found) return std::move(found).error();
  if (!*found) return Bytes();
  Bytes bytes = Bytes::copy_of(value.view());
  if (!is_intact(check, bytes)) return damaged_row(family, key);
  return bytes;
}

Result<void> Reader::get_rows(Family family, std::span<const std::string> keys, RowCheck check,
                              std::span<Bytes> rows, std::span<const HintRef>, std::size_t) {
  const std::string* damaged = nullptr;
  auto done = multi_get(family, keys, [&](std::size_t i, std::string_view value) {
    rows[i] = Bytes::copy_of(value);
    if (!is_intact(check, rows[i]) && damaged == nullptr) damaged = &keys[i];
  });
  if (!done) return done;
  if (damaged != nullptr) return damaged_row(family, *damaged);
  return {};
}

}  // namespace callisto::kv
