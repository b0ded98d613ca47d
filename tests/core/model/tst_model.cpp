#include <QtTest>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/model/model.hpp"

using namespace scriptorium;
using namespace scriptorium::model;

namespace {

QString message(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& error) {
    return QString(error.what()) + " | " + QString::fromStdString(error.remedy());
  }
  return {};
}
Model model_of(const char* likelihood, const char* parameterization = "canonical", bool unconstrained = false) {
  Model model;
  model.likelihood = likelihood;
  model.parameterization = parameterization;
  model.unconstrained = unconstrained;
  return model;
}
std::string names(const Model& model) {
  std::string text;
  for (const auto& site : layout(model)) text += site.name + " ";
  return text;
}

}  // namespace

class TestModel : public QObject {
  Q_OBJECT
 private slots:
  void sitesComeInOrder() {
    Model m;
    QCOMPARE(names(m), std::string("p r p_capture "));
    m.likelihood = "zinbvcp";
    m.parameterization = "odds_ratio";
    QCOMPARE(names(m), std::string("phi mu gate phi_capture "));
    m.capture_prior = organism_capture_prior("Mus_Musculus");
    QCOMPARE(names(m), std::string("phi mu gate eta_capture "));
    m = model_of("zinb", "mean_disp");
    QCOMPARE(names(m), std::string("mu r gate "));
    m = model_of("nbdm", "linked");
    QCOMPARE(names(m), std::string("p mu "));
  }

  void defaultsAreScribes() {
    Model m = model_of("zinbvcp", "mean_odds");
    auto sites = layout(m);
    QCOMPARE(to_string(sites[0].prior), std::string("BetaPrime(1, 1)"));
    QCOMPARE(to_string(sites[1].prior), std::string("LogNormal(0, 1)"));
    QCOMPARE(to_string(sites[2].prior), std::string("Beta(1, 9)"));
    QVERIFY(sites[3].prior == (Prior{Law::BetaPrime, 1, 1}));
    m.unconstrained = true;
    sites = layout(m);
    QVERIFY(sites[0].prior == (Prior{Law::TransformedNormal, 0, 1}) && sites[0].bijection == Transform::Softplus);
    QVERIFY(sites[2].prior == (Prior{Law::TransformedNormal, -2, 1}) && sites[2].bijection == Transform::Sigmoid);
    // The capture keeps its prior and bijection; its guide is the transformed normal.
    QVERIFY(sites[3].prior == (Prior{Law::BetaPrime, 1, 1}) && sites[3].bijection == Transform::Exp);
    QVERIFY(sites[3].guide == Law::TransformedNormal && sites[3].guide_transform == Transform::Softplus);
    m.positive_transform = Transform::Exp;
    m.positive_transforms["mu"] = Transform::Softplus;
    sites = layout(m);
    QVERIFY(sites[0].bijection == Transform::Exp && sites[1].bijection == Transform::Softplus);
    m = {};
    m.capture_prior = organism_capture_prior("human");
    const auto eta = layout(m).back();
    QVERIFY(eta.prior == (Prior{Law::TruncatedNormal, std::log(200'000.0), 0.3}));
    QVERIFY(eta.guide_transform == Transform::Softplus && eta.bijection == Transform::Exp);
    QVERIFY(std::fabs(std::log1p(std::exp(eta.guide_start.a)) - std::log(200'000.0)) < 1e-12);
  }

  void priorsAreReadAndChecked() {
    Model m;
    set_prior(m, "dispersion", "0.5, 0.8");
    QVERIFY(m.priors.at("r") == (Prior{Law::LogNormal, 0.5, 0.8}));
    set_prior(m, "r", "gamma:rate=2,shape=3");
    QVERIFY(m.priors.at("r") == (Prior{Law::Gamma, 3, 2}));
    set_prior(m, "capture_prob", "normal:loc=-1,scale=0.5");
    QVERIFY(layout(m).back().prior.law == Law::TransformedNormal);
    set_prior(m, "organism", "yeast");
    set_prior(m, "capture_efficiency", "9,0.4");
    QVERIFY(*m.capture_prior == (CapturePrior{9, 0.4, ""}));
    set_prior(m, "organism", "yeast");
    QCOMPARE(m.capture_prior->log_m0, 9.0);  // numbers win over an organism
    Model n;
    QVERIFY(message([&] { set_prior(n, "p", "-1,2"); }).contains("prior of p has alpha = -1"));
    QVERIFY(message([&] { set_prior(n, "p", "0,2"); }).contains("above 0"));
    QVERIFY(message([&] { set_prior(n, "r", "0,nan"); }).contains("scale"));
    QVERIFY(message([&] { set_prior(n, "p", "log_normal:loc=0,scale=1"); }).contains("p lies in (0, 1)"));
    QVERIFY(message([&] { set_prior(n, "mu", "1,2"); }).contains("no parameter \"mu\""));
    QVERIFY(message([&] { set_prior(n, "r", "1"); }).contains("not a pair"));
    QVERIFY(message([&] { set_prior(n, "r", "1,x"); }).contains("not a number"));
    QVERIFY(message([&] { set_prior(n, "r", "gamma:shape=1"); }).contains("not complete"));
    QVERIFY(message([&] { set_prior(n, "r", "gamma:shape=1,scale=2"); }).contains("does not fit"));
    QVERIFY(message([&] { set_prior(n, "r", "weibull:shape=1"); }).contains("no family"));
    QVERIFY(message([&] { set_prior(n, "organism", "martian"); }).contains("no organism"));
    n.priors["gate"] = {Law::Beta, 1, 1};
    QVERIFY(message([&] { validate(n); }).contains("nbvcp canonical does not sample it"));
    n = model_of("nbdm");
    n.capture_prior = organism_capture_prior("human");
    QVERIFY(message([&] { validate(n); }).contains("no capture"));
    n = model_of("nbvcpp");
    QVERIFY(message([&] { validate(n); }).contains("Choose one of: nbdm, zinb, nbvcp, zinbvcp"));
    n = model_of("nbdm", "polar");
    QVERIFY(message([&] { validate(n); }).contains("canonical, mean_prob, mean_odds, mean_disp"));
  }

  void jsonComesBack() {
    Model m = model_of("zinbvcp", "mean_odds", true);
    m.positive_transforms["mu"] = Transform::Exp;
    set_prior(m, "gate", "2,3");
    set_prior(m, "phi", "gamma:shape=2,rate=0.1");
    m.capture_prior = organism_capture_prior("ecoli");
    QVERIFY(nlohmann::json(m).get<Model>() == m);
    QVERIFY(nlohmann::json::parse(nlohmann::json(m).dump()).get<Model>() == m);
    const auto read = [](const char* text) { return nlohmann::json::parse(text).get<Model>(); };
    const auto p =
        read(R"({"model": "nbvcp", "parameterization": "standard", "priors": {"organism": "human", "prob": [2, 3]}})");
    QVERIFY(p.capture_prior && p.priors.at("p") == (Prior{Law::Beta, 2, 3}));
    QVERIFY(message([&] { read(R"({"modell": "nbvcp"})"); }).contains("no key \"modell\""));
    QVERIFY(message([&] { read(R"({"unconstrained": 3})"); }).contains("unconstrained"));
    QVERIFY(message([&] { read(R"({"priors": {"p": [1, 2], "prob": [1, 2]}})"); }).contains("twice"));
    QVERIFY(message([&] { read(R"({"priors": {"p": [1, "a"]}})"); }).contains("priors.p"));
    QVERIFY(message([&] { read("[1]"); }).contains("not a JSON object"));
  }

  void namesHaveTwoSpellingsAndSuffixes() {
    QCOMPARE(internal_name("expression"), std::string("mu"));
    QCOMPARE(internal_name("mean_expression"), std::string("mu"));
    QCOMPARE(internal_name("whatever"), std::string("whatever"));
    QCOMPARE(descriptive_name("r_loc"), std::string("dispersion_loc"));
    QCOMPARE(descriptive_name("p_capture_3"), std::string("capture_probability_3"));
    QCOMPARE(descriptive_name("p_hat"), std::string("probability_hat"));
    QCOMPARE(descriptive_name("rr"), std::string("rr"));
  }

  void catalogueSaysEverything() {
    const auto catalogue = catalogue_json();
    QCOMPARE(catalogue["models"].size(), std::size_t{4});
    for (const auto& entry : catalogue["models"])
      for (const auto& kind : entry["parameterizations"])
        for (const char* variant : {"constrained", "unconstrained"})
          for (const auto& site : kind[variant])
            for (const char* key : {"name", "descriptive", "symbol", "meaning", "shape", "support", "prior"})
              QVERIFY2(site.contains(key) && !site[key].empty(), key);
  }
};

QTEST_APPLESS_MAIN(TestModel)
#include "tst_model.moc"
