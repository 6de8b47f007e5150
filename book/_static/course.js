// What the published page does beyond the theme.
(function () {
  // On paper nothing can be unfolded: everything is, but hints and answers. Afterwards as before.
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll(".bd-article details:not([open])")].filter(
      (fold) => !/^(hint|answer|solution)/i.test(fold.querySelector("summary").textContent.trim()),
    );
    opened.forEach((fold) => { fold.open = true; });
  });
  window.addEventListener("afterprint", () => {
    opened.forEach((fold) => { fold.open = false; });
  });

  // Paragraphs with formulas are shown when these are set, or at once where they cannot be.
  document.addEventListener("DOMContentLoaded", () => {
    const show = () => {
      document.documentElement.classList.add("is-set");
      // Only a formula that is wider than the page is a stop of the Tab key: it can be scrolled.
      document.querySelectorAll("mjx-container[display]").forEach((formula) => {
        if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
      });
    };
    const started = window.MathJax && window.MathJax.startup && window.MathJax.startup.promise;
    if (started) started.then(show, show);
    else show();
  });

  // A link into a fold opens it.
  function unfold() {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let node = target; node; node = node.parentElement) {
      if (node.localName === "details") node.open = true;
    }
  }
  window.addEventListener("hashchange", unfold);
  document.addEventListener("DOMContentLoaded", unfold);

  // Found words lead to the sections that have them, with the words around, and formulas left out.
  const MOST_SECTIONS = 3;
  const AROUND = 120;  // characters before the word

  function sectionsWith(html, words) {
    const page = new DOMParser().parseFromString(html, "text/html");
    page.querySelectorAll(".math, script, style, .headerlink, summary, dt").forEach((node) => {
      if (node.localName === "dt") node.append(": ");
      else node.replaceWith(node.matches(".math") ? "…" : "");
    });
    const found = [];
    for (const section of page.querySelectorAll(".bd-article section")) {
      const title = section.querySelector(":scope > h1, :scope > h2, :scope > h3, :scope > h4");
      const own = [...section.childNodes].filter((node) => node !== title && node.localName !== "section");
      const text = own.map((node) => node.textContent).join(" ").replace(/\s+/g, " ").replace(/…([\s.]*…)+/g, "…").trim();
      const places = words.map((word) => text.toLowerCase().indexOf(word)).filter((place) => place >= 0);
      const named = words.filter((word) => title && title.textContent.toLowerCase().includes(word)).length;
      if (places.length || named) {
        found.push({ id: section.id, title: title ? title.textContent : "", text, score: places.length + 3 * named,
                     place: places.length ? Math.min(...places) : 0 });
      }
    }
    return found.sort((a, b) => b.score - a.score).slice(0, MOST_SECTIONS);
  }

  function summary(html, keywords, address) {
    const list = document.createElement("ul");
    list.className = "search-sections";
    for (const { id, title, text, place } of sectionsWith(html, [...keywords].map((word) => word.toLowerCase()))) {
      const start = Math.max(0, place - AROUND);
      const item = list.appendChild(document.createElement("li"));
      const link = item.appendChild(document.createElement("a"));
      link.href = `${address}#${id}`;
      link.textContent = title;
      const words = item.appendChild(document.createElement("p"));
      words.className = "context";
      words.textContent = `${start ? "…" : ""}${text.slice(start, start + 2 * AROUND)}…`;
    }
    return list;
  }

  document.addEventListener("DOMContentLoaded", () => {
    const results = document.getElementById("search-results");
    if (!results || typeof Search === "undefined") return;
    // Sphinx hands over the text of a page and not its address: it is that of the last answer.
    const ask = window.fetch;
    const addresses = new Map();
    window.fetch = async (address, ...rest) => {
      const answer = await ask(address, ...rest);
      const read = answer.text.bind(answer);
      answer.text = async () => {
        const text = await read();
        addresses.set(text, String(address).replace(/#.*/, ""));
        return text;
      };
      return answer;
    };
    Search.makeSearchSummary = (html, keywords) => summary(html, keywords, addresses.get(html));
  });
})();
