#include "bench/svg.h"

#include <algorithm>
#include <cmath>

#include "bench/format.h"

namespace callisto::bench {

namespace {

std::string attribute(const char* name, double value) {
  return std::string(" ") + name + "=\"" + number(value, 1) + '"';
}

std::string attribute(const char* name, std::string_view value) {
  return std::string(" ") + name + "=\"" + escaped(value) + '"';
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

void Svg::close(std::string_view tag, std::string_view title) {
  if (title.empty()) {
    body_ += "/>\n";
    return;
  }
  body_ += "><title>" + escaped(title) + "</title></" + std::string(tag) + ">\n";
}

void Svg::rect(double x, double y, double width, double height, std::string_view style,
               std::string_view title) {
  body_ += "<rect" + attribute("x", x) + attribute("y", y) + attribute("width", width) +
           attribute("height", height) + attribute("class", style);
  close("rect", title);
}

void Svg::circle(double x, double y, double radius, std::string_view style,
                 std::string_view title) {
  body_ += "<circle" + attribute("cx", x) + attribute("cy", y) + attribute("r", radius) +
           attribute("class", style);
  close("circle", title);
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view style) {
  body_ += "<line" + attribute("x1", x1) + attribute("y1", y1) + attribute("x2", x2) +
           attribute("y2", y2) + attribute("class", style);
  close("line", "");
}

void Svg::text(double x, double y, std::string_view text, std::string_view style, Anchor anchor) {
  constexpr const char* kAnchors[] = {"start", "middle", "end"};
  body_ += "<text" + attribute("x", x) + attribute("y", y) + attribute("class", style) +
           attribute("text-anchor", kAnchors[static_cast<int>(anchor)]) + ">" + escaped(text) +
           "</text>\n";
}

std::string Svg::str(std::string_view title) const {
  return "<svg viewBox=\"0 0 " + number(width_, 0) + ' ' + number(height_, 0) +
         "\" role=\"img\" style=\"max-width:" + number(width_, 0) + "px\"" +
         attribute("aria-label", title) + ">\n" + body_ + "</svg>\n";
}

LogScale::LogScale(const std::vector<double>& values, double x0, double x1) : x0_(x0), x1_(x1) {
  if (values.empty()) return;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  low_ = std::max(*low, 1e-9) / 1.15;
  high_ = std::max(*high * 1.15, low_ * 2);
}

double LogScale::at(double value) const {
  const double part = std::log(std::max(value, 1e-9) / low_) / std::log(high_ / low_);
  return x0_ + (x1_ - x0_) * std::clamp(part, 0.0, 1.0);
}

std::vector<double> LogScale::ticks() const {
  const bool dense = std::log10(high_ / low_) < 2.5;
  std::vector<double> ticks;
  for (double decade = std::pow(10, std::floor(std::log10(low_))); decade <= high_; decade *= 10) {
    for (const double step : {1.0, 2.0, 5.0}) {
      const double tick = decade * step;
      if (step > 1 && !dense) break;
      if (tick >= low_ && tick <= high_) ticks.push_back(tick);
    }
  }
  return ticks;
}

}  // namespace callisto::bench
