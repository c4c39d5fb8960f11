// Tells the reader of a comparison how long this page took to arrive. The
// sentence stays empty where the browser does not measure it.
addEventListener("load", () => {
  const felt = document.querySelector("[data-felt]");
  const page = performance.getEntriesByType("navigation")[0];
  if (!felt || !page || !page.responseEnd) return;
  const ms = page.responseEnd - page.startTime;
  const said = felt.dataset;
  const time = ms < 1000 ? said.ms.replace("{}", Math.max(1, Math.round(ms))) : said.s.replace("{}", (ms / 1000).toFixed(1));
  felt.textContent = said.felt.replace("{}", time);
});
