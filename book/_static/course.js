// Three repairs for interactive figures in the published page.
(function () {
  // 1. The widgets speak to MathJax 2; answer for MathJax 3. Deferred scripts have run by then.
  function answerForMathJax2() {
    if (window.MathJax && !window.MathJax.Hub) {
      window.MathJax.Hub = {
        Queue: ([, , element]) => window.MathJax.typesetPromise && window.MathJax.typesetPromise([element]),
      };
    }
  }

  // 2. Sliders have no accessible name, nor do they tell the value that is shown.
  function nameSliders() {
    document.querySelectorAll(".widget-slider").forEach((widget) => {
      const text = widget.querySelector(".widget-label");
      const value = widget.querySelector(".widget-readout");
      widget.querySelectorAll("[role=slider]").forEach((handle) => {
        set(handle, "aria-label", text && text.textContent.trim());
        set(handle, "aria-valuetext", value && value.textContent.trim());
      });
      if (text && value) set(value, "aria-label", `${text.textContent.trim()}, value`);
    });
  }

  // 3. The buttons of a player are icons alone.
  function namePlayers() {
    const names = { play: "Play", pause: "Pause", stop: "Stop", retweet: "Repeat" };
    document.querySelectorAll(".widget-play button").forEach((button) => {
      const icon = button.querySelector("[data-icon], i");
      const kind = icon && (icon.dataset.icon || icon.className.replace(/.*fa-/, "").trim());
      set(button, "aria-label", names[kind]);
    });
  }

  function set(element, name, value) {
    // Only when it changes: the observer below would otherwise wake itself for ever.
    if (value && element.getAttribute(name) !== value) element.setAttribute(name, value);
  }

  function repair() {
    nameSliders();
    namePlayers();
  }

  document.addEventListener("DOMContentLoaded", () => {
    answerForMathJax2();
    repair();
    const observer = new MutationObserver(repair);
    observer.observe(document.body, { childList: true, subtree: true, characterData: true });
  });
})();
