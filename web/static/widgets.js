// Two elements for any page: <beforehand-list> is a hot list, <beforehand-count>
// a number of pageviews or visitors. Each asks its src once and draws in a shadow
// root with a sheet of its own: it keeps to a strict Content-Security-Policy of
// the page, and stores nothing. An empty <svg> within holds the room for it.
(() => {
  const sheet = (css) => {
    const made = new CSSStyleSheet();
    made.replaceSync(":host([hidden]){display:none}::slotted(svg),ol,span{grid-area:1/1}" + css);
    return made;
  };
  const colours = (theme, ground, text, link) => `:host([theme=${theme}]){color-scheme:${theme};background:${ground};color:${text};padding:0 .75em;border-radius:.4em}:host([theme=${theme}]) a{color:${link}}`;
  const words = { en: ["Hot articles", "pageviews", "No article is hot yet."], zh: ["热门文章", "次浏览", "还没有热门文章。"] };
  const asked = {};
  const ask = (url) => asked[url] ??= fetch(url, { credentials: "omit", priority: "low" }).then((answer) => answer.ok ? answer.json() : Promise.reject());
  const add = (to, name, text, part) => {
    const made = document.createElement(name);
    made.textContent = text;
    if (part) made.part = part;
    to.append(made);
    return made;
  };

  class Widget extends HTMLElement {
    connectedCallback() {
      if (this.shadowRoot) return;
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [this.sheet];
      root.append(document.createElement("slot"));
      const language = /^zh/i.test(this.closest("[lang]")?.lang) ? "zh" : "en";
      ask(this.url()).then((told) => this.draw(root, told, words[language], (n) => n.toLocaleString(language)), () => {});
    }
    get(name, otherwise) { return this.getAttribute(name) || otherwise; }
  }

  const lists = sheet(":host{display:grid;grid-template-columns:minmax(0,1fr)}ol{margin:0;padding:0;list-style:none}li{display:flex;gap:1em;align-items:baseline;line-height:2em}li>:first-child{flex:1;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;unicode-bidi:isolate}a{color:inherit;text-decoration:none}a:hover,a:focus{text-decoration:underline}small{line-height:1;font-variant-numeric:tabular-nums}i{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden;white-space:nowrap}" +
    colours("light", "#fbfaf7", "#1b2026", "#005f8f") + colours("dark", "#15181c", "#e6e9ec", "#8ab9ff"));
  class List extends Widget {
    sheet = lists;
    url() { return this.get("src"); }
    draw(root, { items }, [name, unit, none], write) {
      const list = add(root, "ol", "", "list");
      list.ariaLabel = this.get("label", name);
      if (!items.length) add(list, "li", none);
      for (const item of items.slice(0, this.get("limit") | 0 || undefined)) {
        const row = add(list, "li", "", "item");
        const web = /^https?:\/\//i.test(item.url);
        const link = add(row, web ? "a" : "span", item.title, "link");
        link.title = item.title;
        if (web) link.href = item.url;
        add(add(row, "small", write(item.pageviews), "count"), "i", " " + unit);
      }
    }
  }

  const counts = sheet(":host{display:inline-grid;font-variant-numeric:tabular-nums}");
  class Count extends Widget {
    sheet = counts;
    url() { return this.get("src") + "?page=" + encodeURIComponent(this.get("page", location.pathname + location.search)); }
    draw(root, told, _, write) { add(root, "span", write(told[this.get("of", "page")][this.get("metric", "pageviews")]), "count"); }
  }

  if (!customElements.get("beforehand-list")) {
    customElements.define("beforehand-list", List);
    customElements.define("beforehand-count", Count);
  }
})();
