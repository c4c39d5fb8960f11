// A crosshair and a tooltip on the chart, by mouse, by touch and by the arrow keys.
// Without this script the chart's columns have titles and its numbers are a table.
const hair = document.createElement("div");
const tip = document.createElement("div");
const said = document.createElement("p");
let at = -1;
hair.className = "hair";
tip.className = "tip";
said.className = "hidden";
said.setAttribute("aria-live", "polite");
document.body.append(said);
document.body.classList.add("hovers");

const plot = () => document.querySelector(".plot");
const columns = (p) => [...p.querySelectorAll("svg")].filter((s) => s.clientWidth > 0).flatMap((s) => [...s.querySelectorAll("rect.x")]);

function show(p, i, speak) {
  const all = columns(p);
  if (!all.length) return;
  at = Math.min(Math.max(i, 0), all.length - 1);
  const text = all[at].querySelector("title").textContent;
  const box = p.getBoundingClientRect();
  const column = all[at].getBoundingClientRect();
  const x = column.left + column.width / 2 - box.left;
  tip.textContent = text;
  p.append(hair, tip);
  hair.style.left = `${x}px`;
  hair.style.top = `${column.top - box.top}px`;
  hair.style.height = `${column.height}px`;
  const left = x + 12 + tip.offsetWidth > box.width ? x - 12 - tip.offsetWidth : x + 12;
  tip.style.left = `${Math.max(left, 0)}px`;
  tip.style.top = `${column.top - box.top}px`;
  if (speak) said.textContent = text.replaceAll("\n", ", ");
}

function hide() {
  hair.remove();
  tip.remove();
  at = -1;
}

function follow(e) {
  const p = plot();
  if (!p?.contains(e.target)) return hide();
  const i = columns(p).findIndex((c) => e.clientX < c.getBoundingClientRect().right);
  show(p, i < 0 ? Infinity : i, false);
}

document.addEventListener("pointermove", follow);
document.addEventListener("pointerdown", follow);
document.addEventListener("focusout", (e) => e.target === plot() && hide());
document.addEventListener("keydown", (e) => {
  const p = plot();
  if (!p || e.target !== p) return;
  const last = columns(p).length - 1;
  const to = { ArrowRight: at + 1, ArrowLeft: at < 0 ? last : at - 1, Home: 0, End: last }[e.key];
  if (e.key === "Escape") hide();
  if (to === undefined) return;
  e.preventDefault();
  show(p, to, true);
});
addEventListener("resize", hide);
