#include "core/perturbation/jobs.hpp"

#include <mutex>

#include "core/compute/parallel.hpp"

namespace scriptorium::perturbation {

std::vector<Job> jobs_of(const Screen& screen) {
  std::vector<Job> jobs;
  for (std::int32_t t = 0; t < screen.n_targets(); ++t)
    for (std::int32_t s = 0; s < screen.n_splits() && t != screen.control; ++s) jobs.push_back({t, s});
  return jobs;
}

std::string name_of(const Screen& screen, const Job& job) {
  return screen.target.names[job.target] + (screen.has_split ? " in " + screen.split.names[job.split] : "");
}

void run_jobs(const std::vector<Job>& jobs, const Screen& screen, const std::string& what, int threads,
              const RunControl& control, const std::function<void(std::size_t)>& body) {
  std::mutex telling;
  std::size_t done = 0;
  compute::for_each_in_order(static_cast<std::int64_t>(jobs.size()), threads, [&](std::int64_t i) {
    control.check();
    body(static_cast<std::size_t>(i));
    const std::lock_guard lock(telling);
    ++done;
    control.tell(static_cast<double>(done) / static_cast<double>(jobs.size()),
                 what + " " + name_of(screen, jobs[static_cast<std::size_t>(i)]));
  });
}

RunControl part(const RunControl& whole, double from, double to) {
  return {whole.stop, [&whole, from, to](const Progress& progress) {
            whole.tell(progress.fraction < 0 ? from : from + progress.fraction * (to - from), progress.message);
          }};
}

}  // namespace scriptorium::perturbation
