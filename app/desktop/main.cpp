#include <QApplication>
#include <QCommandLineParser>
#include <csignal>
#include <memory>

#include "ui/shell/main_window.hpp"
#include "ui/shell/resources.hpp"

namespace {

/// Whether only words are asked for: those need no display.
bool asksForWords(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    for (const char* word : {"-h", "--help", "--help-all", "-v", "--version"})
      if (qstrcmp(argv[i], word) == 0) return true;
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is an error of the write, not the end of the program
  const std::unique_ptr<QCoreApplication> app(asksForWords(argc, argv) ? new QCoreApplication(argc, argv)
                                                                       : new QApplication(argc, argv));
  QCoreApplication::setApplicationName("scriptorium");
  QCoreApplication::setApplicationVersion(SCRIPTORIUM_VERSION);
  scriptorium::ui::initResources();

  QCommandLineParser parser;
  parser.setApplicationDescription("Bayesian models of single-cell counts: fit, check, export.");
  parser.addHelpOption();
  parser.addVersionOption();
  parser.addPositionalArgument(
      "DATA", "A data set to open: h5ad, h5mu, loom, Zarr, 10x HDF5, a MatrixMarket folder, text or RDS.", "[DATA]");
  const QCommandLineOption example("example", "Open the example that comes with the program.");
  const QCommandLineOption dark("dark", "Dark windows.");
  parser.addOption(example);
  parser.addOption(dark);
  parser.process(*app);

  scriptorium::ui::MainWindow window(scriptorium::ui::Places::standard());
  if (parser.isSet(dark)) window.setDark(true);
  window.show();
  if (!parser.positionalArguments().isEmpty())
    window.openPath(parser.positionalArguments().first());
  else if (parser.isSet(example))
    window.openExample();
  return QApplication::exec();
}
