#pragma once
#include <string>

#include "core/data/open.hpp"

/// Reading in a child process. The HDF5 library crashes on some damaged files, and an RDS file is read whole whatever
/// it claims to hold; here such a file ends a small child program (`scriptorium-reader`, which calls `reader_main`) and
/// becomes a message. The child has limits on memory and processor time that grow with the file, and is ended at once
/// when the caller cancels.
namespace scriptorium::data {

/// The program to start as the child. Empty (the default): `scriptorium-reader` beside the running program, in
/// ../libexec/scriptorium or, in a build tree, in app/.
void set_reader_program(const std::string& path);

/// Reads `path` in the child, which hands counts and tables over a pipe; the same result and the same errors as reading
/// here. `counts` may be null (peek).
/// @throws Error(BadInput) if the child dies or exceeds its limits, Error(Io) if it cannot be started.
Dataset read_isolated(const std::string& path, const OpenOptions& options, CountSink* counts,
                      const RunControl& control);

/// The whole of the child program: reads what its arguments say, writes progress and the data set to standard output.
int reader_main(int argc, char** argv);

}  // namespace scriptorium::data
