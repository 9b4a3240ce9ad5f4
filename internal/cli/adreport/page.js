"use strict";
// Searching and the dark page of a directory's report. Without it the page is complete.
const root = document.documentElement;
const search = document.getElementById("search"), found = document.getElementById("found");
search.oninput = () => {
  const text = search.value.trim().toLowerCase(), has = e => e.textContent.toLowerCase().includes(text);
  let n = 0;
  for (const e of document.querySelectorAll("tbody tr, details.target")) n += (e.hidden = !has(e)) ? 0 : 1;
  for (const e of document.querySelectorAll("details.target:not([hidden]) tr")) e.hidden = false;
  found.textContent = text ? n + (n === 1 ? " row" : " rows") : "";
};
const theme = document.getElementById("theme");
let dark = matchMedia("(prefers-color-scheme: dark)").matches;
const show = () => {
  root.dataset.theme = dark ? "dark" : "light";
  theme.textContent = dark ? "Light" : "Dark";
};
theme.onclick = () => { dark = !dark; show(); };
show();
document.getElementById("tools").hidden = false;
