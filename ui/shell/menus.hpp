#pragma once

namespace scriptorium::ui {

class MainWindow;

/// Fills the menu bar: every action has a name, a key where it has one, and a sentence.
class Menus {
 public:
  static void build(MainWindow& window);

 private:
  static void buildFile(MainWindow& window);
  static void buildEdit(MainWindow& window);
  static void buildView(MainWindow& window);
  static void buildWork(MainWindow& window);
  static void buildHelp(MainWindow& window);
};

/// "About" and "Keys": plain windows with text.
void showAbout(MainWindow& window);
void showKeys(MainWindow& window);

}  // namespace scriptorium::ui
