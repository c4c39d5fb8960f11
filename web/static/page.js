// Tells the reader of a comparison how long this page took to arrive. The
// sentence stays empty where the browser does not measure it.
addEventListener("load", () => {
  const felt = document.querySelector("[data-felt]");
  const page = performance.getEntriesByType("navigation")[0];
  if (!felt || !page || !page.responseEnd) return;
  const ms = page.responseEnd - page.startTime;
  const time = ms < 1000 ? Math.max(1, Math.round(ms)) + " ms" : (ms / 1000).toFixed(1) + " s";
  felt.textContent = felt.dataset.felt.replace("{}", time);
});
