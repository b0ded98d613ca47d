#pragma once
#include <QDir>
#include <QFile>
#include <QProcess>
#include <QTemporaryDir>

#include "core/math/random.hpp"

/// scriptorium-cli in a folder of its own: runs it and reads what it wrote.
class CliProgram {
 protected:
  QTemporaryDir dir_;
  QString out_, error_;

  QString at(const QString& name) const { return dir_.filePath(name); }
  int run(const QStringList& words) {
    QProcess process;
    process.start(SCRIPTORIUM_CLI, words);
    if (!process.waitForFinished(300'000) || process.exitStatus() != QProcess::NormalExit) return -1;
    out_ = QString::fromUtf8(process.readAllStandardOutput());
    error_ = QString::fromUtf8(process.readAllStandardError());
    return process.exitCode();
  }
  void put(const QString& name, const QByteArray& text) const {
    QFile file(at(name));
    if (file.open(QIODevice::WriteOnly)) file.write(text);
  }
  QStringList lines(const QString& name) const {
    QFile file(at(name));
    if (!file.open(QIODevice::ReadOnly)) return {};
    return QString::fromUtf8(file.readAll()).split('\n', Qt::SkipEmptyParts);
  }
  /// A MatrixMarket folder "data" of 120 cells × 15 genes.
  bool putCells() const {
    using scriptorium::math::Random;
    Random random(3, scriptorium::math::Purpose::Test);
    const int cells = 120, genes = 15;
    QByteArray entries, barcodes, features;
    int count = 0;
    for (int c = 0; c < cells; ++c) {
      barcodes += "cell" + QByteArray::number(c) + "-1\n";
      const double capture = 0.3 + 0.5 * random.uniform();
      for (int g = 0; g < genes; ++g) {
        const auto u = random.negative_binomial(0.5 + 0.3 * g, 2 * capture);
        if (u == 0) continue;
        entries += QByteArray::number(g + 1) + " " + QByteArray::number(c + 1) + " " +
                   QByteArray::number(static_cast<qulonglong>(u)) + "\n";
        ++count;
      }
    }
    for (int g = 0; g < genes; ++g)
      features += "GENE" + QByteArray::number(g) + "\tGENE" + QByteArray::number(g) + "\tGene Expression\n";
    if (!QDir(dir_.path()).mkdir("data")) return false;
    put("data/matrix.mtx", "%%MatrixMarket matrix coordinate integer general\n" + QByteArray::number(genes) + " " +
                               QByteArray::number(cells) + " " + QByteArray::number(count) + "\n" + entries);
    put("data/barcodes.tsv", barcodes);
    put("data/features.tsv", features);
    return true;
  }
};
