// Draws the charts of a page: specifications as JSON in their place, expressions by Vega's interpreter, colours of the theme.
(function () {
  "use strict";

  function palettes() {
    return JSON.parse(document.getElementById("palettes").textContent);
  }

  function isDark() {
    var chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
  }

  // Specifications have the colours of the light palette; the dark one has another for each.
  function themed(text) {
    if (!isDark()) return text;
    var both = palettes();
    var other = {};
    Object.keys(both[0]).forEach(function (name) { other[both[0][name]] = both[1][name]; });
    return text.replace(/#[0-9a-f]{6}/gi, function (colour) { return other[colour.toLowerCase()] || colour; });
  }

  function forPages(spec) {
    var axis = Object.assign({}, spec.config.axis, { labelFontSize: 12, titleFontSize: 12, labelPadding: 6 });
    var legend = Object.assign({}, spec.config.legend, { labelFontSize: 12, symbolStrokeWidth: 2, symbolSize: 240 });
    var font = window.getComputedStyle(document.body).fontFamily;
    spec.config = Object.assign({}, spec.config, { axis: axis, legend: legend, font: font });
    spec.width = "container";
    spec.autosize = { type: "fit-x", contains: "padding" };
    return spec;
  }

  function draw(place) {
    var source = place.parentElement.querySelector("[data-spec]");
    if (!source) return;
    place.dataset.chart = "drawn";
    window.vegaEmbed(place, forPages(JSON.parse(themed(source.textContent))), {
      mode: "vega-lite",
      renderer: "svg",
      ast: true,
      actions: false,
      defaultStyle: false,
      tooltip: { disableDefaultStyle: true },
    }).then(function () {
      // The words beside it say what it shows; its parts would be read one by one.
      place.querySelectorAll("svg").forEach(function (svg) { svg.setAttribute("aria-hidden", "true"); });
    }, function () {
      place.classList.add("failed");
      place.textContent = "The chart cannot be drawn. Its data are in the table below.";
    });
  }

  function drawAll(again) {
    document.querySelectorAll(again ? "[data-chart]" : "[data-chart='']").forEach(draw);
  }

  document.addEventListener("DOMContentLoaded", function () { drawAll(false); });
  document.addEventListener("htmx:afterSwap", function () { drawAll(false); });
  document.addEventListener("themechange", function () { drawAll(true); });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () { drawAll(true); });
})();
