// Puts a button beside each snippet that copies it. Without this script it is
// marked and copied by hand.
const { copy, copied } = document.getElementById("content").dataset;
for (const code of document.querySelectorAll("article pre code")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = copy;
  button.setAttribute("aria-describedby", code.closest("article").getAttribute("aria-labelledby"));
  button.addEventListener("click", async () => {
    if (!(await write(code))) return;
    button.textContent = copied;
    setTimeout(() => (button.textContent = copy), 2000);
  });
  code.before(button);
}

// write copies, and tells whether that went well. Where the clipboard is out of
// reach, as on a page without https, the text is marked and the browser asked.
async function write(code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    return true;
  } catch {
    const range = document.createRange();
    range.selectNodeContents(code);
    const marked = getSelection();
    marked.removeAllRanges();
    marked.addRange(range);
    return document.execCommand("copy");
  }
}
