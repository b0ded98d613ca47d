#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/perturbation/screen.hpp"
#include "core/progress.hpp"

namespace scriptorium::perturbation {

/// A target in a group of cells.
struct Job {
  std::int32_t target = -1, split = -1;
};
/// Every target in every group, controls left out: by target, then group.
std::vector<Job> jobs_of(const Screen& screen);

/// Runs body(i) for all jobs on up to `threads` threads and tells how many are done as "<what> <target>".
void run_jobs(const std::vector<Job>& jobs, const Screen& screen, const std::string& what, int threads,
              const RunControl& control, const std::function<void(std::size_t i)>& body);

/// Progress of one piece of work as its part of the whole, from and to in 0…1. `whole` must outlive it.
RunControl part(const RunControl& whole, double from, double to);

/// "STAT1", or "STAT1 in rep1" where the screen has groups.
std::string name_of(const Screen& screen, const Job& job);

}  // namespace scriptorium::perturbation
