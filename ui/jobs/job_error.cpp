#include "ui/jobs/job_error.hpp"

#include <exception>
#include <new>

#include "core/error.hpp"

namespace scriptorium::ui {

JobError describeCurrentException() {
  try {
    throw;
  } catch (const Error& error) {
    return {QString::fromUtf8(error.what()), QString::fromStdString(error.remedy())};
  } catch (const std::bad_alloc&) {
    return {"There is not enough memory for this step.", "Close other programs, or keep fewer genes and cells."};
  } catch (const std::exception& error) {
    return {QString("Something unexpected went wrong: %1").arg(QString::fromUtf8(error.what())),
            "Please report this with the log of the run."};
  } catch (...) {
    return {"Something unexpected went wrong.", "Please report this with the log of the run."};
  }
}

}  // namespace scriptorium::ui
