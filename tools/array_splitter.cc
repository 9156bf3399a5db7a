#include "tools/array_splitter.h"

namespace callisto::tools {

namespace {

constexpr int kEnd = std::char_traits<char>::eof();

bool is_space(int c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

Error no_array() { return Error(Code::invalid_argument, "file", "a JSON array of samples"); }

}  // namespace

int ArraySplitter::skip_space() {
  while (is_space(input_.peek())) input_.get();
  return input_.peek();
}

Result<bool> ArraySplitter::next(std::string& element) {
  element.clear();
  int c = skip_space();
  if (!is_started_) {
    if (c != '[') return no_array();
    input_.get();
    is_started_ = true;
    c = skip_space();
  } else if (c == ',') {
    input_.get();
    c = skip_space();
  } else if (c != ']') {
    return no_array();
  }
  if (c == ']') {
    input_.get();
    if (skip_space() != kEnd) return no_array();
    return false;
  }
  if (auto read = read_element(element); !read) return std::move(read).error();
  return true;
}

Result<void> ArraySplitter::read_element(std::string& element) {
  std::size_t depth = 0;
  bool in_string = false;
  while (true) {
    const int c = input_.peek();
    if (c == kEnd) return no_array();
    const bool ends = !in_string && depth == 0 && (c == ',' || c == ']');
    if (ends) return {};
    input_.get();
    if (element.size() >= max_element_bytes_) {
      return Error(Code::invalid_argument, "sample",
                   "at most " + std::to_string(max_element_bytes_) + " bytes");
    }
    element += static_cast<char>(c);
    if (in_string) {
      if (c == '\\' && input_.peek() != kEnd) element += static_cast<char>(input_.get());
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
}

}  // namespace callisto::tools
