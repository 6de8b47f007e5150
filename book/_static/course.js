// Widgets come without accessible names and without alt text for moving pictures; see to both.
(function () {
  function label(widget) {
    const text = widget.querySelector(".widget-label");
    return text ? text.textContent.trim() : "";
  }
  function name() {
    document.querySelectorAll(".widget-inline-hbox").forEach((widget) => {
      const text = label(widget);
      if (!text) return;
      widget.querySelectorAll("[role=slider], .noUi-handle, select, input").forEach((control) => {
        if (control.getAttribute("aria-label") !== text) control.setAttribute("aria-label", text);
      });
      const value = widget.querySelector(".widget-readout");
      const handle = widget.querySelector(".noUi-handle");
      if (value && handle && handle.getAttribute("aria-valuetext") !== value.textContent) {
        handle.setAttribute("aria-valuetext", value.textContent);
      }
    });
    document.querySelectorAll(".widget-play button").forEach((button) => {
      const names = ["Play", "Pause", "Stop", "Repeat", "Previous", "Next"];
      const icon = button.querySelector("[class*=fa-], [data-icon]");
      const key = icon ? icon.getAttribute("data-icon") || icon.className : "";
      const text =
        button.title ||
        names[["play", "pause", "stop", "retweet", "step-backward", "step-forward"].findIndex((n) => String(key).includes(n))] ||
        "Play";
      if (button.getAttribute("aria-label") !== text) button.setAttribute("aria-label", text);
    });
  }
  document.addEventListener("DOMContentLoaded", () => {
    name();
    new MutationObserver(name).observe(document.body, { childList: true, subtree: true, characterData: true });
  });
})();
