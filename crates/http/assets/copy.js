// Copies what a button holds, and says so in the page's status line. Buttons are hidden until this module runs, for
// without it they could do nothing.

/** Shows the copy buttons under `root`. */
export function showCopyButtons(root) {
  for (const button of root.querySelectorAll(".copy[hidden]")) button.hidden = false;
}

/** Says a sentence to people who listen to the page. */
export function say(sentence) {
  const line = document.getElementById("said");
  if (line) line.textContent = sentence;
}

async function put(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Where the page is not a secure context there is only the old way.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "vh";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("not copied");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.(".copy");
  if (!button) return;
  const before = button.dataset.label ?? button.textContent;
  button.dataset.label = before;
  try {
    await put(button.dataset.copy);
    button.textContent = button.dataset.copied;
  } catch {
    button.textContent = "Not copied";
  }
  say(button.textContent);
  setTimeout(() => { button.textContent = before; }, 1800);
});

showCopyButtons(document);
