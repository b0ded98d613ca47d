#include "ui/workspaces/model/prior_predictive_view.hpp"

#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

namespace scriptorium::ui {
namespace {

using charts::MarkKind, charts::Tone;

charts::Panel panelOf(const analysis::PriorCheck& check, const QString& axis, const QString& share,
                      charts::Scale scale) {
  charts::Panel panel;
  panel.x = {axis, scale, check.edges.front(), check.edges.back()};
  panel.y = {share, charts::Scale::Linear, 0.0, {}};
  const QString names[] = {QObject::tr("priors 95 %"), QObject::tr("50 %")};
  for (std::size_t level = 0; level < 2; ++level)
    panel.marks.push_back({MarkKind::StepBand,
                           names[level],
                           Tone::Sky,
                           check.edges,
                           check.band[level][1],
                           check.band[level][0],
                           level == 0 ? 0.3 : 0.55,
                           1,
                           true,
                           {}});
  panel.marks.push_back(
      {MarkKind::Steps, QObject::tr("priors, median"), Tone::Blue, check.edges, check.median, {}, 1, 1.2, false, {}});
  panel.marks.push_back(
      {MarkKind::Steps, QObject::tr("data"), Tone::Ink, check.edges, check.observed, {}, 1, 1.6, true, {}});
  return panel;
}

QString range(double low, double high) {
  return QObject::tr("%1 to %2").arg(charts::shortNumber(low), charts::shortNumber(high));
}

}  // namespace

charts::Figure priorPredictiveFigure(const analysis::PriorPredictive& check) {
  charts::Figure figure{"prior_predictive", {}, 2, false, {}};
  figure.panels = {
      panelOf(check.gene_mean, QObject::tr("gene mean"), QObject::tr("share"), charts::Scale::Log),
      panelOf(check.zero_share, QObject::tr("share of zeros"), QObject::tr("share"), charts::Scale::Linear),
      panelOf(check.cell_total, QObject::tr("counts per cell"), QObject::tr("share"), charts::Scale::Log)};
  return figure;
}

QString priorPredictiveVerdict(const analysis::PriorPredictive& check) {
  constexpr double most = 0.9;
  QStringList off;
  for (const auto& [one, name] : {std::pair{&check.gene_mean, QObject::tr("gene means")},
                                  std::pair{&check.zero_share, QObject::tr("shares of zeros")},
                                  std::pair{&check.cell_total, QObject::tr("counts per cell")}})
    if (one->reached < most)
      off << QObject::tr("%1 (priors: 95 % from %2; data: %3)")
                 .arg(name, range(one->implied_low, one->implied_high), range(one->observed_low, one->observed_high));
  return off.isEmpty() ? QObject::tr("✓ The priors reach the data. Gene means: 95 % from %1; in the data %2.")
                             .arg(range(check.gene_mean.implied_low, check.gene_mean.implied_high),
                                  range(check.gene_mean.observed_low, check.gene_mean.observed_high))
                       : QObject::tr(
                             "△ The priors do not reach the data in their %1. With many cells the data win; with "
                             "few, move the priors.")
                             .arg(off.join("; "));
}

PriorPredictiveView::PriorPredictiveView(Session& session, charts::FigureView* figure, QWidget* parent)
    : QWidget(parent),
      session_(session),
      figure_(figure),
      says_(new QLabel),
      again_(new QPushButton(tr("Draw again"))) {
  says_->setObjectName("priorPredictiveSays");
  says_->setWordWrap(true);
  says_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  help::describe(again_, "drawAgainButton");
  auto* row = new QHBoxLayout;
  row->addWidget(new QLabel(tr("<b>Prior predictive against data</b>")));
  row->addStretch();
  row->addWidget(again_);
  auto* box = new QVBoxLayout(this);
  box->setContentsMargins(0, 0, 0, 0);
  box->addLayout(row);
  box->addWidget(figure_, 1);
  box->addWidget(says_);
  connect(again_, &QPushButton::clicked, this, [this] {
    ++seed_;
    draw();
  });
  connect(&session_.model, &ModelState::changed, this, &PriorPredictiveView::draw);
  connect(&session_.data, &DataState::preparedChanged, this, &PriorPredictiveView::draw);
  connect(&session_.data, &DataState::stageChanged, this, &PriorPredictiveView::draw);
  draw();
}

void PriorPredictiveView::draw() {
  const QString key = "prior predictive";
  const auto& prepared = session_.data.prepared();
  again_->setEnabled(prepared != nullptr);
  if (!prepared) {
    session_.pool.cancel(key);
    figure_->setMessage(tr("Data sets drawn from the priors are laid beside yours here, once data are open."));
    says_->clear();
    session_.exports.touch();
    return;
  }
  figure_->setStale(true);
  Answer<analysis::PriorPredictive> answer;
  answer.done = [this](const analysis::PriorPredictive& check) {
    figure_->setFigure(priorPredictiveFigure(check));
    says_->setText("<small>" + priorPredictiveVerdict(check).toHtmlEscaped() + "</small>");
    session_.exports.touch();
  };
  answer.failed = [this](const JobError& error) {
    figure_->setMessage(error.text());
    says_->clear();
  };
  session_.pool.request<analysis::PriorPredictive>(
      key, this,
      [prepared, model = session_.model.model(), seed = seed_](const RunControl& control) {
        analysis::PriorPredictiveOptions options;
        options.seed = seed;
        return analysis::prior_predictive(model, *prepared->summary, options, control);
      },
      std::move(answer));
}

}  // namespace scriptorium::ui
