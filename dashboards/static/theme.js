// Before anything is drawn: light or dark as chosen here, or else as the system has it.
(function () {
  "use strict";
  try {
    var chosen = window.localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") {
      document.documentElement.dataset.theme = chosen;
    }
  } catch (error) {
    // Without storage the system decides.
  }
})();
