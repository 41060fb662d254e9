// What every page does beside its forms and links, all of which work without it.
(function () {
  "use strict";

  function isDark() {
    var chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
  }

  document.addEventListener("click", function (event) {
    var target = event.target instanceof Element ? event.target : null;
    if (!target) return;

    if (target.closest("[data-theme-toggle]")) {
      var theme = isDark() ? "light" : "dark";
      document.documentElement.dataset.theme = theme;
      try {
        window.localStorage.setItem("theme", theme);
      } catch (error) {
        // Then it holds for this page.
      }
      document.dispatchEvent(new CustomEvent("themechange"));
    }

    var menuButton = target.closest(".menu-button");
    if (menuButton) {
      var open = menuButton.getAttribute("aria-expanded") === "true";
      menuButton.setAttribute("aria-expanded", String(!open));
    }

    var copy = target.closest("[data-copy]");
    if (copy) {
      var source = document.getElementById(copy.dataset.copy);
      if (source && navigator.clipboard) {
        navigator.clipboard.writeText(source.textContent.trim()).then(function () {
          var before = copy.textContent;
          copy.textContent = "Copied";
          window.setTimeout(function () { copy.textContent = before; }, 2000);
        });
      }
    }
  });

  document.addEventListener("submit", function (event) {
    var form = event.target;
    var question = form.dataset.confirm;
    if (question && !window.confirm(question)) {
      event.preventDefault();
      return;
    }
    // A second click must not do it twice.
    window.setTimeout(function () {
      form.querySelectorAll("button").forEach(function (button) { button.disabled = true; });
    });
  });
  // A file goes into the field that it is for, where it can be looked at.
  document.addEventListener("change", function (event) {
    var target = event.target instanceof HTMLInputElement ? event.target : null;
    var field = target && target.dataset.into ? document.getElementById(target.dataset.into) : null;
    if (field && target.files.length) target.files[0].text().then(function (text) { field.value = text; });
  });
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) window.location.reload();
  });

  // Live parts rest while nobody looks, and say so when the server does not answer.
  function stale(is) {
    document.querySelectorAll(".stale").forEach(function (notice) { notice.hidden = !is; });
  }
  document.addEventListener("htmx:beforeRequest", function (event) {
    var live = event.target.closest("[data-live]");
    if (live && (document.hidden || live.querySelector("details[open], :focus-within"))) event.preventDefault();
  });
  ["htmx:sendError", "htmx:responseError", "htmx:timeout"].forEach(function (name) {
    document.addEventListener(name, function () { stale(true); });
  });
  document.addEventListener("htmx:afterSwap", function () { stale(false); });
})();
