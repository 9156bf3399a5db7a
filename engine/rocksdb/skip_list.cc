#include "engine/rocksdb/skip_list.h"

namespace callisto::kv {

/// Moves a finger to the place of `key`, on the levels in use: up as far as the place is another
/// one, and down again.
void SkipList::point(Finger& finger, const OrderedKey& key) const noexcept {
  const int height = height_.load(std::memory_order_relaxed);
  const auto meets = [&](int level) {
    Node* const node = finger[static_cast<std::size_t>(level)];
    if (!is_before(node, key)) return false;
    Node* const next = node->next(level);
    return next == nullptr || !(next->key() < key);
  };
  int level = 0;
  while (level < height && !meets(level)) ++level;
  Node* from = level == height ? head_ : finger[static_cast<std::size_t>(level)];
  for (--level; level >= 0; --level) {
    from = walk(from, level, key);
    finger[static_cast<std::size_t>(level)] = from;
  }
}

bool SkipList::insert(Node* node) noexcept {
  const int height = node->height();
  const OrderedKey key = node->key();
  Finger& finger = finger_of(key.bytes);
  point(finger, key);
  Node* const next = finger[0]->next(0);
  if (next != nullptr && next->key() == key) return false;
  if (height > height_.load(std::memory_order_relaxed)) {
    height_.store(height, std::memory_order_relaxed);
  }
  for (int level = 0; level < height; ++level) {
    Node*& place = finger[static_cast<std::size_t>(level)];
    place = walk(place, level, key);
    node->set_next(level, place->next(level));
    place->set_next(level, node);
    place = node;
  }
  return true;
}

/// The neighbours of the place of `key`: the last node before it, or the head, and what is behind.
SkipList::Place SkipList::place_of(const OrderedKey& key) const noexcept {
  Place place{head_, nullptr};
  for (int level = height_.load(std::memory_order_relaxed) - 1; level >= 0;) {
    Node* const next = place.before->next(level);
    if (next != nullptr && next != place.behind && next->key() < key) {
      place.before = next;
    } else {
      place.behind = next;
      --level;
    }
  }
  return place;
}

Node* SkipList::before(const OrderedKey& key) const noexcept {
  Node* const node = place_of(key).before;
  return node == head_ ? nullptr : node;
}

Node* SkipList::last() const noexcept {
  Node* node = head_;
  for (int level = height_.load(std::memory_order_relaxed) - 1; level >= 0;) {
    Node* const next = node->next(level);
    if (next != nullptr) {
      node = next;
    } else {
      --level;
    }
  }
  return node == head_ ? nullptr : node;
}

std::uint64_t SkipList::estimate_before(const OrderedKey& key) const noexcept {
  std::uint64_t count = 0;
  Node* node = head_;
  for (int level = height_.load(std::memory_order_relaxed) - 1; level >= 0; --level) {
    count *= kBranching;
    for (Node* next = node->next(level); next != nullptr && next->key() < key;
         next = node->next(level)) {
      node = next;
      ++count;
    }
  }
  return count;
}

}  // namespace callisto::kv
