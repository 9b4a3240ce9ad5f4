"use strict";
// Sorting, searching and the dark page of a report. Without it the page is complete.
const root = document.documentElement;
const rows = table => [...table.rows].filter(r => !r.querySelector("th"));

function sorted(head, column) {
  const table = head.closest("table"), down = head.getAttribute("aria-sort") === "ascending";
  for (const h of table.querySelectorAll("th")) h.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const key = r => r.cells[column].textContent.trim();
  const numbers = head.classList.contains("n");
  const order = rows(table).sort((a, b) => {
    const n = numbers ? Number(key(a)) - Number(key(b)) : key(a).localeCompare(key(b), undefined, {numeric: true});
    return down ? -n : n;
  });
  table.tBodies[0].append(...order);
}

for (const head of document.querySelectorAll("th")) {
  if (!head.textContent) continue;
  const b = document.createElement("button"), column = head.cellIndex;
  b.textContent = head.textContent;
  b.title = "Sort by this column";
  b.onclick = () => sorted(head, column);
  head.replaceChildren(b);
}

const search = document.getElementById("search"), found = document.getElementById("found");
search.oninput = () => {
  const text = search.value.trim().toLowerCase(), has = e => e.textContent.toLowerCase().includes(text);
  let n = 0;
  for (const table of document.querySelectorAll("table")) {
    if (table.closest("details")) continue;
    for (const r of rows(table)) n += (r.hidden = !has(r)) ? 0 : 1;
  }
  for (const d of document.querySelectorAll("details")) n += (d.hidden = !has(d)) ? 0 : 1;
  found.textContent = text ? n + (n === 1 ? " row or descriptor" : " rows and descriptors") : "";
};

const theme = document.getElementById("theme");
let dark = matchMedia("(prefers-color-scheme: dark)").matches;
const show = () => {
  root.dataset.theme = dark ? "dark" : "light";
  theme.textContent = dark ? "Light" : "Dark";
};
theme.onclick = () => { dark = !dark; show(); };
show();
for (const a of document.querySelectorAll("a[href^='#d']")) {
  a.onclick = () => { document.getElementById(a.hash.slice(1)).closest("details").open = true; };
}
document.getElementById("tools").hidden = false;
