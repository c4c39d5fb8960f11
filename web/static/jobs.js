// Shows what a trigger means while it is typed, with the means of live.js. Without
// this script a button does the same.
const field = document.getElementById("trigger-text");
const preview = document.getElementById("preview");
let typing, asking;

// What was done is told once.
const here = new URL(location.href);
if (here.searchParams.has("did")) {
  here.searchParams.delete("did");
  history.replaceState(null, "", here);
}

field?.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    const url = new URL(location.href);
    url.hash = "";
    url.searchParams.set("trigger", field.value);
    asking?.abort();
    asking = new AbortController();
    load(url, (part) => part === preview, asking.signal).catch(() => {});
  }, 250);
});
