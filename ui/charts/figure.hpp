#pragma once
#include <QRectF>
#include <QString>
#include <QStringList>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

/// Figures as values: what is drawn, apart from how. Screen, clipboard and files all draw the same value
/// (chart_scene.hpp).
namespace scriptorium::charts {

/// Log1p is log10(1 + x): like Log for large values, and zeros have a place of their own.
enum class Scale { Linear, Log, Log1p };

struct Axis {
  QString title;  ///< with its unit, e.g. "counts per cell"; readout and numbers name it so
  Scale scale = Scale::Linear;
  std::optional<double> low = {}, high = {};  ///< in data units; unset: from the marks
  bool whole = false;                         ///< counts of something: no ticks between whole numbers
  bool show_title = true;                     ///< false where a neighbour shows the same
  bool show_labels = true;                    ///< of the ticks; false where the panel below shows the same
  QStringList categories = {};                ///< Linear: labels at 0, 1, … instead of numbers
  std::optional<double> zero_below = {};      ///< Log: what is drawn below this is zero, a bin of its own
};

/// Colours by role; the theme says which colour that is (all from a palette safe for colour-blind readers).
enum class Tone { Ink, Faint, Blue, Orange, Green, Vermillion, Purple, Sky, Yellow };

enum class MarkKind {
  Line,      ///< x, y of equal length
  Steps,     ///< x: n + 1 edges, y: n heights, drawn as an outline
  Bars,      ///< as Steps, filled down to zero
  Band,      ///< x, y (upper), low (lower) of equal length
  StepBand,  ///< x: n + 1 edges, y and low: n heights
  Points,    ///< x, y of equal length; labels, if any, one per point
  GuideX,    ///< a vertical line at x[0]
  GuideY,    ///< a horizontal line at y[0]
  Spans,     ///< bars across, one above the other: from x to x_end around y; values: what each stands for
  Image,     ///< x, y: two ends each; values: rows of `image_columns` from the bottom up, coloured by the panel's bar
};

struct Mark {
  MarkKind kind = MarkKind::Line;
  QString name;  ///< in legend, readout and exported numbers
  Tone tone = Tone::Blue;
  std::vector<double> x, y, low;
  double opacity = 1;
  double width = 1.5;  ///< of a line, in 1/96 inch; radius of points; height of spans, in units of y
  bool in_legend = true;
  QStringList labels;  ///< of points and spans
  /// What points and images are coloured by, NaN where there is none: on the panel's bar of colours, or, with a
  /// palette, the number of a group. Empty: the tone.
  std::vector<double> values = {};
  std::vector<unsigned> palette = {};  ///< 0xAARRGGBB of each group
  QStringList groups = {};             ///< their names, for legend and readout
  /// One byte a point, 0: drawn faint, under the others. Empty: all the same.
  std::shared_ptr<const std::vector<std::uint8_t>> emphasis = {};
  int image_columns = 0;
  std::optional<unsigned> color = {};  ///< 0xAARRGGBB instead of the tone
  std::vector<double> x_end = {};      ///< of spans
};

/// Colours of numbers: viridis, or for what lies on both sides of the middle blue over near white to brown.
enum class Ramp { Viridis, TwoSided };

/// The scale of colours beside a panel, from `low` to `high`.
struct ColorBar {
  QString title;
  double low = 0, high = 1;
  Ramp ramp = Ramp::Viridis;
  double place(double value) const { return high > low ? (value - low) / (high - low) : 0.5; }
};

struct Panel {
  QString title;
  QString name = {};  ///< in exported numbers and for screen readers; empty: the title
  Axis x, y;
  std::vector<Mark> marks;
  QString note;  ///< one short line in the upper right corner of the panel
  std::optional<ColorBar> bar = {};
  double height = 1;  ///< relative to other rows of panels
  const QString& shownName() const { return name.isEmpty() ? title : name; }
};

struct Figure {
  QString name;   ///< for file names: "loss", "ppc"
  QString title;  ///< may be empty
  int columns = 1;
  bool link_axes = false;  ///< zooming one panel zooms them all
  std::vector<Panel> panels;
  bool link_x = false;  ///< only across: their x axes are the same and stand under each other
  bool empty() const { return panels.empty(); }
  /// The figure in words, for screen readers: panels, axes, ranges and marks.
  QString summary() const;
  /// Everything that is drawn, as numbers with 17 significant digits. Columns: panel, mark, kind, x, x_end, y, low,
  /// label, and value where a mark is coloured by one.
  QString toTable(QChar separator = '\t') const;
};

/// The same figure on other axes; unset: as they are. A log axis has no place for zeros: they get a bin of their own at
/// its low end, labelled 0.
Figure rescaled(Figure figure, std::optional<Scale> x, std::optional<Scale> y);

/// A value on the axis as drawn: v, log10 v or log10(1 + v); NaN where the axis has no place for it.
double toAxis(Scale scale, double value);
/// And back.
double fromAxis(Scale scale, double position);

struct Tick {
  double position = 0;  ///< as drawn
  QString label;
};
/// Ticks of an axis between two positions (as drawn): ticks() of its scale, and 0 where zeros have a bin of their own.
std::vector<Tick> axisTicks(const Axis& axis, double low, double high, int most);
/// At most `most` ticks between two positions (as drawn), at round values of the data at least `least_step` apart.
std::vector<Tick> ticks(Scale scale, double low, double high, int most, double least_step = 0);

/// The range a panel needs as drawn (left < right, top < bottom; y grows upwards): from its axes where set, else its
/// marks.
QRectF naturalRange(const Panel& panel);

/// A number for people: up to four digits, thousands separated; the same in every language.
QString shortNumber(double value);

}  // namespace scriptorium::charts
