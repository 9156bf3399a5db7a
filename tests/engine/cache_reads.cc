#include "tests/engine/cache_reads.h"

#include <algorithm>
#include <map>
#include <vector>

#include "schema/keys.h"

namespace callisto::kv {
namespace {

constexpr const char* kMoved = "moved";

bool is_moved(const Error& error) { return error.code() == Code::conflict; }

std::string show(std::string_view bytes) { return schema::to_hex(bytes); }

std::string show(const Result<Bytes>& row) {
  if (!row) return row.error().to_string();
  return *row ? "\"" + std::string(row->view().substr(0, 12)) + "\"" : "absent";
}

std::string differ(const std::string& what, const KeyOf& of, const std::string& cached,
                   const std::string& plain) {
  if (cached == plain) return {};
  return what + " " + std::string(to_string(of.family)) + " " + show(of.key) + ": " + cached +
         " instead of " + plain;
}

}  // namespace

std::string CacheReads::compare(Reader& cached, Reader& plain) {
  switch (dice_.below(8)) {
    case 0:
      return compare_get(cached, plain);
    case 1:
      return compare_row(cached, plain);
    case 2:
      return compare_rows(cached, plain);
    case 3:
      return compare_many(cached, plain);
    case 4:
    case 5:
      return compare_targets(cached, plain);
    default:
      return compare_scan(cached, plain);
  }
}

std::string CacheReads::compare_get(Reader& cached, Reader& plain) {
  const KeyOf of = dice_.key();
  Value mine;
  Value theirs;
  const auto found = cached.get(of.family, of.key, mine);
  if (!found) return is_moved(found.error()) ? kMoved : found.error().to_string();
  const bool is_there = plain.get(of.family, of.key, theirs).value();
  return differ("get", of, *found ? show(mine.view()) : "absent",
                is_there ? show(theirs.view()) : "absent");
}

std::string CacheReads::compare_row(Reader& cached, Reader& plain) {
  const KeyOf of = dice_.key();
  const RowCheck check = dice_.one_in(3) ? nullptr : &intact;
  const auto mine = cached.get_row(of.family, of.key, check);
  if (!mine && is_moved(mine.error())) return kMoved;
  return differ("get_row", of, show(mine), show(plain.get_row(of.family, of.key, check)));
}

std::string CacheReads::compare_rows(Reader& cached, Reader& plain) {
  const KeyOf first = dice_.key();
  std::vector<std::string> keys{first.key};
  while (keys.size() < 6) {
    if (KeyOf next = dice_.key(); next.family == first.family) keys.push_back(std::move(next.key));
  }
  const RowCheck check = dice_.one_in(3) ? nullptr : &intact;
  std::vector<Bytes> mine(keys.size());
  std::vector<Bytes> theirs(keys.size());
  const auto done = cached.get_rows(first.family, keys, check, mine, {}, 0);
  if (!done && is_moved(done.error())) return kMoved;
  const auto expected = plain.get_rows(first.family, keys, check, theirs, {}, 0);
  if (done.has_value() != expected.has_value()) {
    return "get_rows: " + (done ? "no error" : done.error().to_string());
  }
  if (!done) return done.error().code() == Code::corruption ? "" : done.error().to_string();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto wrong = differ("get_rows", {first.family, keys[i]}, show(Result<Bytes>(mine[i])),
                        show(Result<Bytes>(theirs[i])));
    if (!wrong.empty()) return wrong;
  }
  return {};
}

std::string CacheReads::compare_many(Reader& cached, Reader& plain) {
  const KeyOf first = dice_.key();
  std::vector<std::string> keys{first.key, first.key + 'x'};
  if (KeyOf next = dice_.key(); next.family == first.family) keys.push_back(std::move(next.key));
  std::map<std::size_t, std::string> mine;
  std::map<std::size_t, std::string> theirs;
  const auto done = cached.multi_get(
      first.family, keys,
      [&](std::size_t i, std::string_view value) { mine[i] = std::string(value); });
  if (!done) return is_moved(done.error()) ? kMoved : done.error().to_string();
  plain
      .multi_get(first.family, keys,
                 [&](std::size_t i, std::string_view value) { theirs[i] = std::string(value); })
      .value();
  return mine == theirs ? "" : "multi_get from " + show(first.key);
}

// As queries do it: over a list, and to the rows that its entries lead to.
std::string CacheReads::compare_targets(Reader& cached, Reader& plain) {
  const std::string prefix = list_prefix(dice_.pick("ab"));
  const std::string end = schema::prefix_end(prefix);
  std::vector<std::string> keys;
  std::vector<HintRef> hints;
  const auto cursor = cached.scan(
      Family::indexes,
      {.lower = prefix, .upper = end, .reverse = dice_.one_in(2), .prefix_bytes = prefix.size()});
  const std::size_t limit = dice_.below(12);
  for (; cursor->valid() && keys.size() < limit; cursor->next()) {
    const std::string target = target_of(cursor->position(prefix.size()));
    Bytes row;
    if (!dice_.one_in(4) && cached.peek(cursor->remembered(), 0, row)) {
      const auto expected = plain.get_row(Family::users, target, &intact);
      auto wrong =
          differ("peek", {Family::users, target}, show(Result<Bytes>(row)), show(expected));
      if (!wrong.empty()) return wrong;
      continue;
    }
    keys.push_back(target);
    hints.emplace_back(cursor->remembered());
  }
  if (const auto status = cursor->status(); !status) {
    return is_moved(status.error()) ? kMoved : status.error().to_string();
  }
  std::vector<Bytes> mine(keys.size());
  const auto done = cached.get_rows(Family::users, keys, &intact, mine, hints, 0);
  if (!done && is_moved(done.error())) return kMoved;
  if (!done) return done.error().code() == Code::corruption ? "" : done.error().to_string();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto wrong = differ("target", {Family::users, keys[i]}, show(Result<Bytes>(mine[i])),
                        show(plain.get_row(Family::users, keys[i], &intact)));
    if (!wrong.empty()) return wrong;
  }
  return {};
}

std::string CacheReads::compare_scan(Reader& cached, Reader& plain) {
  const KeyOf list = dice_.list();
  std::string lower = list.key;
  std::string upper = schema::prefix_end(list.key);
  if (dice_.one_in(2)) lower += dice_.position(list.family);
  if (dice_.one_in(2)) upper = list.key + dice_.position(list.family);
  const Bounds bounds{
      .lower = lower,
      .upper = upper,
      .reverse = dice_.one_in(2),
      .fill_cache = !dice_.one_in(4),
      .prefix_bytes = dice_.one_in(10) ? 0 : list.key.size(),
      .signature = dice_.one_in(2) ? 0 : letters_of(std::to_string(dice_.below(30)))};
  if (lower >= upper) return {};
  const auto mine = cached.scan(list.family, bounds);
  const auto theirs = plain.scan(list.family, bounds);
  auto wrong = walk(*mine, *theirs, list, dice_.below(40), true, bounds.signature);
  if (wrong.empty() || wrong == kMoved) return wrong;
  return wrong + " (scan from " + show(lower) + " to " + show(upper) +
         (bounds.reverse ? " in reverse)" : ")");
}

std::string CacheReads::compare_all(Reader& cached, Reader& plain) {
  for (const bool reverse : {false, true}) {
    for (const char name : {'a', 'b'}) {
      for (const KeyOf& list : {KeyOf{Family::indexes, list_prefix(name)},
                                KeyOf{Family::messages, talk_prefix(name)}}) {
        const std::string upper = schema::prefix_end(list.key);
        const Bounds bounds{
            .lower = list.key, .upper = upper, .reverse = reverse, .prefix_bytes = list.key.size()};
        const auto mine = cached.scan(list.family, bounds);
        const auto theirs = plain.scan(list.family, bounds);
        auto wrong = walk(*mine, *theirs, list, 1000, false);
        if (!wrong.empty()) return wrong;
      }
    }
  }
  return {};
}

std::string CacheReads::walk(Cursor& cached, Cursor& plain, const KeyOf& list, std::size_t steps,
                             bool seeks, std::uint64_t signature) {
  for (std::size_t step = 0;; ++step) {
    if (const auto status = cached.status(); !status) {
      return is_moved(status.error()) ? kMoved : status.error().to_string();
    }
    if (cached.valid() != plain.valid()) {
      return cached.valid() ? "scan shows " + show(cached.key()) + " behind the end"
                            : "scan misses " + show(plain.key());
    }
    if (!cached.valid()) return {};
    if (auto wrong = compare_place(cached, plain, list); !wrong.empty()) return wrong;
    if (step == steps) return {};
    if (seeks && dice_.one_in(4)) {
      const std::string target = list.key + dice_.position(list.family);
      cached.seek(target);
      plain.seek(target);
    } else if (seeks && dice_.one_in(2)) {
      if (auto wrong = pass_over(cached, plain, signature); !wrong.empty()) return wrong;
    } else {
      cached.next();
      plain.next();
    }
  }
}

std::string CacheReads::pass_over(Cursor& cached, Cursor& plain, std::uint64_t signature) {
  const std::size_t most = dice_.below(6);
  const std::size_t passed = cached.next_signed(most);
  if (passed > most) return "passes over more than it may";
  for (std::size_t i = 0; i < passed; ++i) {
    plain.next();
    if (!plain.valid()) return "passes over what is not there";
    if ((letters_of(plain.value()) & signature) == signature) {
      return "passes over " + show(plain.key());
    }
  }
  plain.next();
  return {};
}

std::string CacheReads::compare_place(Cursor& cached, Cursor& plain, const KeyOf& list) {
  const KeyOf of{list.family, std::string(plain.key())};
  auto wrong = differ("key", of, show(cached.key()), show(plain.key()));
  if (wrong.empty()) wrong = differ("value", of, show(cached.value()), show(plain.value()));
  if (wrong.empty() && cached.position(list.key.size()) != plain.key().substr(list.key.size())) {
    wrong = "position";
  }
  if (wrong.empty() && dice_.one_in(2)) {
    wrong = differ("row", of, show(cached.row(&intact)), show(plain.row(&intact)));
  }
  return wrong;
}

}  // namespace callisto::kv
