#include <flatbuffers/flexbuffers.h>

#include "schema/flex.h"
#include "schema/json.h"

namespace callisto::schema {

namespace {

void copy_member(flexbuffers::Builder& builder, std::string_view name, const FlexValue& value);

// Recursion below is bounded: checked bytes are at most kMaxJsonDepth deep.
void copy(flexbuffers::Builder& builder, const FlexValue& value) {
  switch (value.type()) {
    case FlexType::null:
    case FlexType::keys:
      builder.Null();
      return;
    case FlexType::boolean:
      builder.Bool(value.as_bool());
      return;
    case FlexType::int64:
      builder.Int(value.as_int64());
      return;
    case FlexType::uint64:
      builder.UInt(value.as_uint64());
      return;
    case FlexType::number:
      builder.Double(value.as_double());
      return;
    case FlexType::string: {
      const std::string_view text = value.as_string();
      builder.String(text.data(), text.size());
      return;
    }
    case FlexType::vector: {
      const std::size_t start = builder.StartVector();
      for (std::size_t i = 0, size = value.size(); i < size; ++i) copy(builder, value.element(i));
      builder.EndVector(start, false, false);
      return;
    }
    case FlexType::map: {
      const std::size_t start = builder.StartMap();
      for (std::size_t i = 0, size = value.size(); i < size; ++i) {
        copy_member(builder, value.name(i), value.element(i));
      }
      builder.EndMap(start);
      return;
    }
  }
}

void copy_member(flexbuffers::Builder& builder, std::string_view name, const FlexValue& value) {
  builder.Key(name.data(), name.size());
  copy(builder, value);
}

bool is_map(const FlexValue& value) { return value.type() == FlexType::map; }

// Members of both in the order of their names, so that the bytes are canonical.
void join(flexbuffers::Builder& builder, const FlexValue& winner, const FlexValue& loser) {
  const std::size_t start = builder.StartMap();
  std::size_t w = 0;
  std::size_t l = 0;
  while (w < winner.size() || l < loser.size()) {
    const int order = w == winner.size()  ? 1
                      : l == loser.size() ? -1
                                          : winner.name(w).compare(loser.name(l));
    const FlexValue& from = order > 0 ? loser : winner;
    const std::size_t i = order > 0 ? l : w;
    if (order == 0 && is_map(winner.element(w)) && is_map(loser.element(l))) {
      builder.Key(winner.name(w).data(), winner.name(w).size());
      join(builder, winner.element(w), loser.element(l));
    } else {
      copy_member(builder, from.name(i), from.element(i));
    }
    if (order <= 0) ++w;
    if (order >= 0) ++l;
  }
  builder.EndMap(start);
}

}  // namespace

Result<std::vector<std::uint8_t>> join_flex(const std::vector<std::uint8_t>& winner,
                                            const std::vector<std::uint8_t>& loser,
                                            const char* field) {
  if (loser.empty()) return winner;
  if (winner.empty()) return loser;
  const FlexValue winner_root = FlexValue::root(winner.data(), winner.size());
  const FlexValue loser_root = FlexValue::root(loser.data(), loser.size());
  if (!is_map(winner_root) || !is_map(loser_root)) return winner;
  flexbuffers::Builder builder(winner.size() + loser.size());
  join(builder, winner_root, loser_root);
  builder.Finish();
  std::vector<std::uint8_t> bytes = builder.GetBuffer();
  if (flex_to_json(bytes.data(), bytes.size()).size() > kMaxJsonBytes) {
    return Error(Code::too_large, field, "at most 1 MiB of JSON");
  }
  return bytes;
}

std::string_view flex_text_member(const std::vector<std::uint8_t>& bytes) {
  if (bytes.empty()) return {};
  const FlexValue root = FlexValue::root(bytes.data(), bytes.size());
  if (!is_map(root)) return {};
  const std::optional<FlexValue> text = root.member("text");
  if (!text || text->type() != FlexType::string) return {};
  return text->as_string();
}

}  // namespace callisto::schema
