// Keeps the parts of a page that change up to date: those marked data-live, which
// have ids, every so many seconds as the page's data-every says. Without this
// script a reload does the same.
const content = document.getElementById("content");
// sent is what the server sent last of each part; what is there may have been
// changed by whoever uses the page, and by other scripts.
const sent = new Map([...document.querySelectorAll("[data-live]")].map((part) => [part.id, part.innerHTML]));
let timer;

// load asks for a page and puts in place what differs of the parts named.
async function load(url, wanted, signal) {
  const answer = await fetch(url, { headers: { Accept: "text/html" }, cache: "no-cache", signal });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(old.id);
    if (!next) return location.reload(); // it is another page now
    if (wanted(old)) put(old, next);
  }
  content.dataset.every = fresh.getElementById("content")?.dataset.every ?? content.dataset.every;
}

// put replaces a part, and keeps what is open in it and where the focus is.
function put(old, next) {
  if (sent.get(old.id) === next.innerHTML) return;
  sent.set(old.id, next.innerHTML);
  const opened = [...old.querySelectorAll("details")].map((d) => d.open);
  const focus = old.contains(document.activeElement) ? document.activeElement : null;
  const place = focus ? [...old.querySelectorAll("a,button,summary")].indexOf(focus) : -1;
  const same = old.querySelectorAll("details").length === next.querySelectorAll("details").length;
  old.replaceChildren(...next.childNodes);
  if (same) old.querySelectorAll("details").forEach((d, i) => (d.open = opened[i]));
  if (focus) (document.getElementById(focus.id) ?? old.querySelectorAll("a,button,summary")[place])?.focus();
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(look, 1000 * content.dataset.every);
}

async function look() {
  if (!document.hidden) {
    try {
      await load(location.href.split("#")[0], (part) => !part.dataset.typed);
    } catch {
      // the server is away for a moment
    }
  }
  later();
}

document.addEventListener("visibilitychange", () => document.hidden || look());
later();
