#include "core/data/isolated.hpp"

/// scriptorium-reader: started by the other programs to read HDF5 and RDS files where a crash does no harm.
int main(int argc, char** argv) {
  return scriptorium::data::reader_main(argc, argv);
}
