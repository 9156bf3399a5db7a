#pragma once

// Drawing by hand, as little as the charts of the page need: shapes with classes, which the page's
// style gives colours, and scales.

#include <string>
#include <string_view>
#include <vector>

namespace callisto::bench {

/// Text with what HTML would take for markup escaped.
std::string escaped(std::string_view text);

class Svg {
 public:
  Svg(double width, double height) : width_(width), height_(height) {}

  /// `title` is shown by a mouse that rests on the shape.
  void rect(double x, double y, double width, double height, std::string_view style,
            std::string_view title = "");
  void circle(double x, double y, double radius, std::string_view style,
              std::string_view title = "");
  void line(double x1, double y1, double x2, double y2, std::string_view style);
  enum class Anchor { start, middle, end };
  void text(double x, double y, std::string_view text, std::string_view style = "label",
            Anchor anchor = Anchor::start);

  /// The whole element; `title` says what it shows to who cannot see it.
  std::string str(std::string_view title) const;

 private:
  void close(std::string_view tag, std::string_view title);

  const double width_;
  const double height_;
  std::string body_;
};

/// Values on an axis of logarithms, from `x0` to `x1`; the ends lie around all values.
class LogScale {
 public:
  LogScale(const std::vector<double>& values, double x0, double x1);

  double at(double value) const;
  /// 1, 2 and 5 times the powers of ten, or these alone where there are many.
  std::vector<double> ticks() const;

 private:
  double low_ = 1;
  double high_ = 10;
  const double x0_;
  const double x1_;
};

}  // namespace callisto::bench
