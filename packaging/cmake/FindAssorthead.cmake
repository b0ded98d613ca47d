# Finds the header-only libscran/tatami family and Eigen 5, as unpacked by packaging/fetch-assorthead.
# Looks in ASSORTHEAD_ROOT, then in the cache folder that the script writes to.
if(DEFINED ENV{XDG_CACHE_HOME})
  set(_assorthead_cache $ENV{XDG_CACHE_HOME})
else()
  set(_assorthead_cache $ENV{HOME}/.cache)
endif()
find_path(Assorthead_INCLUDE_DIR NAMES Eigen/Dense
          HINTS ${ASSORTHEAD_ROOT} $ENV{ASSORTHEAD_ROOT}
                ${_assorthead_cache}/scriptorium/assorthead-${Assorthead_FIND_VERSION}
          PATH_SUFFIXES include NO_DEFAULT_PATH)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Assorthead REQUIRED_VARS Assorthead_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "run packaging/fetch-assorthead first (needs a package index once)")
if(Assorthead_FOUND AND NOT TARGET Assorthead::headers)
  add_library(Assorthead::headers INTERFACE IMPORTED)
  set_target_properties(Assorthead::headers PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${Assorthead_INCLUDE_DIR}"
                                                       INTERFACE_INCLUDE_DIRECTORIES "${Assorthead_INCLUDE_DIR}")
endif()
