// Damaged or foreign FlexBuffers bytes end here: what passes can be read without a further check.

#include <cmath>

#include "schema/flex.h"
#include "schema/json.h"

namespace callisto::schema {

namespace {

// Positions are offsets into the bytes. Every range is compared with the size before it is read.
class FlexChecker {
 public:
  FlexChecker(const std::uint8_t* data, std::size_t size)
      : data_(data), size_(size), values_left_(size), text_left_(size) {}

  bool check_root() {
    if (size_ < 3) return false;
    const std::size_t slot_width = data_[size_ - 1];
    if (!is_width(slot_width) || slot_width > size_ - 2) return false;
    return check_value(size_ - 2 - slot_width, slot_width, data_[size_ - 2], 0);
  }

 private:
  static bool is_width(std::uint64_t width) {
    return width == 1 || width == 2 || width == 4 || width == 8;
  }
  std::uint64_t read(std::size_t at, std::size_t width) const {
    return read_flex_uint(data_ + at, width);
  }
  // The place that an offset leads to, aligned and with `before` bytes in front of it.
  bool follow(std::size_t slot, std::size_t slot_width, std::size_t width, std::size_t before,
              std::size_t& target) const {
    const std::uint64_t offset = read(slot, slot_width);
    if (offset > slot) return false;
    target = slot - offset;
    return target % width == 0 && target >= before;
  }

  bool check_value(std::size_t slot, std::size_t slot_width, std::uint8_t packed_type,
                   std::size_t depth) {
    // Shared parts would let few bytes stand for very many values.
    if (values_left_-- == 0) return false;
    const std::size_t width = std::size_t{1} << (packed_type & 3);
    switch (static_cast<FlexType>(packed_type >> 2)) {
      case FlexType::null:
      case FlexType::int64:
      case FlexType::uint64:
        return true;
      case FlexType::boolean:
        return read(slot, slot_width) <= 1;
      case FlexType::number:
        return slot_width >= 4 && std::isfinite(read_flex_double(data_ + slot, slot_width));
      case FlexType::string:
        return check_string(slot, slot_width, width);
      case FlexType::vector:
        return check_vector(slot, slot_width, width, depth);
      case FlexType::map:
        return check_vector(slot, slot_width, width, depth) && check_names(slot, slot_width, width);
      default:
        return false;
    }
  }

  bool check_string(std::size_t slot, std::size_t slot_width, std::size_t width) {
    std::size_t text = 0;
    if (!follow(slot, slot_width, width, width, text)) return false;
    const std::uint64_t length = read(text - width, width);
    if (length >= size_ - text || data_[text + length] != 0 || length > text_left_) return false;
    text_left_ -= length;
    return true;
  }

  bool check_vector(std::size_t slot, std::size_t slot_width, std::size_t width,
                    std::size_t depth) {
    std::size_t elements = 0;
    if (depth == kMaxJsonDepth || !follow(slot, slot_width, width, width, elements)) return false;
    const std::uint64_t count = read(elements - width, width);
    if (count > (size_ - elements) / (width + 1)) return false;
    const std::size_t types = elements + count * width;
    for (std::size_t i = 0; i < count; ++i) {
      if (!check_value(elements + i * width, width, data_[types + i], depth + 1)) return false;
    }
    return true;
  }

  // Names of a map whose values were checked: as many, each ended, ascending.
  bool check_names(std::size_t slot, std::size_t slot_width, std::size_t width) {
    std::size_t elements = 0;
    if (!follow(slot, slot_width, width, 3 * width, elements)) return false;
    const std::uint64_t keys_width = read(elements - 2 * width, width);
    if (!is_width(keys_width)) return false;
    std::size_t keys = 0;
    if (!follow(elements - 3 * width, width, keys_width, keys_width, keys)) return false;
    const std::uint64_t count = read(keys - keys_width, keys_width);
    if (count != read(elements - width, width) || count > (size_ - keys) / keys_width) return false;
    std::string_view previous;
    for (std::size_t i = 0; i < count; ++i) {
      std::string_view name;
      if (!check_name(keys + i * keys_width, keys_width, name)) return false;
      if (i > 0 && name <= previous) return false;
      previous = name;
    }
    return true;
  }

  bool check_name(std::size_t slot, std::size_t slot_width, std::string_view& name) {
    std::size_t text = 0;
    if (!follow(slot, slot_width, 1, 0, text)) return false;
    const void* const end = std::memchr(data_ + text, 0, size_ - text);
    if (end == nullptr) return false;
    const auto length =
        static_cast<std::size_t>(static_cast<const std::uint8_t*>(end) - (data_ + text));
    name = {reinterpret_cast<const char*>(data_ + text), length};
    // Equal names are stored once, so their sum is bounded by the text alone.
    if (length > names_left_) return false;
    names_left_ -= length;
    return true;
  }

  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t values_left_;
  std::size_t text_left_;
  std::size_t names_left_ = kMaxJsonBytes;
};

}  // namespace

bool is_intact_flex(const std::uint8_t* data, std::size_t size) {
  return data != nullptr && FlexChecker(data, size).check_root();
}

}  // namespace callisto::schema
