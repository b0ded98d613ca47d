#include "core/inference/optimiser.hpp"

#include <algorithm>
#include <cmath>

namespace scriptorium::inference {

Optimiser::Optimiser(const SviOptions& options, std::size_t size)
    : first(size, 0.0), second(size, 0.0), options_(options) {
  const auto& name = options.optimizer;
  if (name == "adam")
    rule_ = Rule::Adam;
  else if (name == "clipped_adam")
    clipped_ = true;
  else if (name == "adagrad")
    rule_ = Rule::Adagrad;
  else if (name == "rmsprop")
    rule_ = Rule::RmsProp;
  else if (name == "sgd")
    rule_ = Rule::Sgd;
  else if (name == "momentum")
    rule_ = Rule::Momentum;
  else
    throw Error(ErrorCode::BadInput, "there is no optimizer " + name,
                "Choose adam, clipped_adam, adagrad, rmsprop, sgd or momentum.");
}

void Optimiser::update(std::vector<double>& x, const std::vector<double>& gradient, std::int64_t step, double rate) {
  const double b1 = options_.b1, b2 = options_.b2, c1 = 1 - std::pow(b1, static_cast<double>(step + 1)),
               c2 = 1 - std::pow(b2, static_cast<double>(step + 1));
  for (std::size_t i = 0; i < x.size(); ++i) {
    double g = gradient[i];
    if (clipped_) g = std::clamp(g, -options_.clip_norm, options_.clip_norm);
    switch (rule_) {
      case Rule::Adam:
        first[i] = b1 * first[i] + (1 - b1) * g;
        second[i] = b2 * second[i] + (1 - b2) * g * g;
        x[i] -= rate * (first[i] / c1) / (std::sqrt(second[i] / c2) + options_.epsilon);
        break;
      case Rule::Adagrad:
        second[i] += g * g;
        first[i] =
            options_.momentum * first[i] + (1 - options_.momentum) * (second[i] > 0 ? g / std::sqrt(second[i]) : 0);
        x[i] -= rate * first[i];
        break;
      case Rule::RmsProp:
        second[i] = 0.9 * second[i] + 0.1 * g * g;
        x[i] -= rate * g / std::sqrt(second[i] + options_.epsilon);
        break;
      case Rule::Sgd:
        x[i] -= rate * g;
        break;
      case Rule::Momentum:
        first[i] = options_.momentum * first[i] + g;
        x[i] -= rate * first[i];
        break;
    }
  }
}

}  // namespace scriptorium::inference
