#pragma once
#include <QObject>
#include <memory>

#include "core/result/fit_file.hpp"
#include "ui/jobs/interactive_pool.hpp"

namespace scriptorium::ui {

/// The fits of the session: made by the queue or read from files. One of them is current: the one the pages show.
class FitStore : public QObject {
  Q_OBJECT
 public:
  struct Entry {
    int id = 0;
    QString name, path;
    std::shared_ptr<const result::Fit> fit;
  };
  explicit FitStore(InteractivePool& pool, QObject* parent = nullptr);

  int add(std::shared_ptr<const result::Fit> fit, const QString& name, const QString& path);
  void load(const QString& path, bool make_current = true);
  void save(int id, const QString& path);
  void remove(int id);
  void rename(int id, const QString& name);
  /// The same fit with something else said of it (names of components); a current one is current anew.
  void replace(int id, std::shared_ptr<const result::Fit> fit);
  void setCurrent(int id);

  const std::vector<Entry>& entries() const { return entries_; }
  const Entry* find(int id) const;
  const Entry* current() const { return find(current_); }

 signals:
  void changed();  ///< entries came, went or have another name
  void currentChanged();
  void failed(const JobError& error);

 private:
  InteractivePool& pool_;
  std::vector<Entry> entries_;
  int last_ = 0, current_ = 0;
};

}  // namespace scriptorium::ui
