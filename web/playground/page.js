"use strict";
// The page of the playground: it hands what was typed to refmonAnswer (Go,
// package playground) and shows the reply. No text of a reply becomes markup.

const fields = ["sd", "token", "rights", "type", "self", "object"];
const byId = id => document.getElementById(id);

const alice = `{
  "user": "S-1-5-21-1-2-3-1107",
  "groups": ["DU", "WD", "AU", "S-1-5-21-1-2-3-2001"],
  "type": "Impersonation"
}`;
const examples = [
  ["A deny entry before the allow", {sd: "O:BAG:SYD:(D;;FW;;;S-1-5-21-1-2-3-2001)(A;;FA;;;DU)(A;;FR;;;WD)", token: alice, rights: "FILE_READ_DATA|FILE_WRITE_DATA"}],
  ["The owner's own rights", {sd: "O:S-1-5-21-1-2-3-1107G:DUD:(D;;WD;;;WD)", token: alice, rights: "READ_CONTROL|WRITE_DAC"}],
  ["MAXIMUM_ALLOWED", {sd: "O:BAG:SYD:AI(D;;FX;;;AU)(A;OICIID;FR;;;WD)(A;ID;FW;;;DU)(A;OICIIOID;GA;;;CO)", token: alice, rights: "MAXIMUM_ALLOWED"}],
  ["A low process and no label", {sd: "O:BAG:SYD:(A;;FA;;;WD)", token: `{\n  "user": "S-1-5-21-1-2-3-1107",\n  "groups": ["WD"],\n  "integrityLevel": "Low"\n}`, rights: "FILE_READ_DATA|FILE_WRITE_DATA"}],
  ["A condition on a claim", {sd: 'O:BAG:SYD:(XA;;FR;;;WD;(@User.Department == "Engineering" && @User.Clearance >= @Resource.Level))S:(RA;;;;;WD;("Level",TI,0x0,2))', token: `{\n  "user": "S-1-5-21-1-2-3-1107",\n  "groups": ["WD"],\n  "userClaims": [\n    {"name": "Department", "type": "string", "values": ["Engineering"]},\n    {"name": "Clearance", "type": "int64", "values": [3]}\n  ]\n}`, rights: "FR"}],
  ["Taking ownership by privilege", {sd: "O:SYG:SYD:(A;;FA;;;SY)", token: `{\n  "user": "S-1-5-21-1-2-3-1107",\n  "groups": ["BA"],\n  "privileges": ["SeTakeOwnershipPrivilege"]\n}`, rights: "WRITE_OWNER"}],
  ["An app container", {sd: "O:BAG:SYD:(A;;FA;;;S-1-5-21-1-2-3-1107)(A;;FR;;;AC)", token: `{\n  "user": "S-1-5-21-1-2-3-1107",\n  "integrityLevel": "Low",\n  "appContainer": {"packageSid": "S-1-15-2-1-2-3", "capabilities": [], "lowPrivilege": false}\n}`, rights: "FILE_READ_DATA|FILE_WRITE_DATA"}],
  ["A restricted token", {sd: "O:BAG:SYD:(A;;FA;;;S-1-5-21-1-2-3-1107)(A;;FR;;;RC)", token: `{\n  "user": "S-1-5-21-1-2-3-1107",\n  "groups": ["WD"],\n  "restrictedSids": ["RC"]\n}`, rights: "FILE_READ_DATA|FILE_WRITE_DATA"}],
  ["Members of a group", {sd: "O:DAG:DAD:(OA;;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;S-1-5-21-1-2-3-2001)(A;;RP;;;AU)", token: alice, rights: "AddMember", type: "directoryService"}],
  ["A registry key", {sd: "O:BAG:SYD:(A;CI;KR;;;BU)(A;CI;KA;;;BA)", token: `{\n  "user": "S-1-5-21-1-2-3-1107",\n  "groups": ["BU"]\n}`, rights: "GR|GW", type: "key"}],
  ["Two mistakes", {sd: "O:BAG:SYD:(A;;FR;;;ZZ)", token: `{\n  "user": "S-1-5-21-1-2-3-1107",\n  "gruops": ["WD"]\n}`, rights: "FR|QQ"}],
];

// make builds an element: its class, its text or children.
function make(tag, cls, ...content) {
  const e = document.createElement(tag);
  if (cls) e.className = cls;
  e.append(...content);
  return e;
}

function fit(area) {
  area.style.height = "auto";
  area.style.height = area.scrollHeight + 2 + "px";
}

const question = () => Object.fromEntries(fields.map(f => [f, byId(f).value]));

function fill(q) {
  const type = q.type || "file", types = byId("type");
  // An unknown type in a link stays in the question, so that the reply says what is wrong.
  if (![...types.options].some(o => o.value === type)) types.add(new Option(type));
  for (const f of fields) byId(f).value = f === "type" ? type : q[f] ?? "";
  for (const f of ["self", "object"]) document.querySelector(`details[data-field=${f}]`).open = Boolean(q[f]);
  ask();
}

let reply = {}, later;
function ask() {
  document.querySelectorAll("textarea").forEach(fit);
  if (!window.refmonAnswer) return;
  reply = JSON.parse(refmonAnswer(JSON.stringify(question())));
  showMistakes(reply.mistakes ?? []);
  byId("answer").hidden = Boolean(reply.mistakes);
  showVerdict();
  if (!reply.mistakes) {
    showSteps();
    showBits();
    byId("canonical").textContent = reply.canonical;
    byId("use-canonical").hidden = reply.canonical === byId("sd").value;
  }
  // What would grant it takes many checks: they wait until the typing pauses.
  byId("changes").hidden = true;
  clearTimeout(later);
  if (!reply.mistakes && !reply.allowed) later = setTimeout(showChanges, 200);
  sideways();
  document.documentElement.dataset.answered = String(Number(document.documentElement.dataset.answered ?? 0) + 1);
}

function showChanges() {
  const more = JSON.parse(refmonAnswer(JSON.stringify({...question(), changes: true}))).changes ?? [];
  byId("changes").hidden = more.length === 0;
  byId("changes").querySelector("ul").replaceChildren(...more.map(text => make("li", "", text)));
}

// sideways says which tables go on beyond an edge.
function sideways() {
  document.querySelectorAll(".scroll").forEach(s => {
    const more = s.scrollWidth - s.clientWidth;
    s.classList.toggle("left", s.scrollLeft > 1);
    s.classList.toggle("right", s.scrollLeft < more - 1);
    s.previousElementSibling.hidden = more <= 1;
  });
}

function showMistakes(list) {
  for (const f of fields) {
    const m = list.find(m => m.field === f), box = document.querySelector(`[data-field=${f}]`), input = byId(f);
    box.classList.toggle("wrong", Boolean(m));
    input.setAttribute("aria-invalid", String(Boolean(m)));
    const out = byId(f + "-mistake"), behind = box.querySelector(".behind");
    out.replaceChildren();
    behind?.replaceChildren();
    if (!m) continue;
    if (box.tagName === "DETAILS") box.open = true;
    if (m.from >= 0 && behind) {
      const text = input.value, mark = make("mark", m.to > m.from ? "" : "end", text.slice(m.from, m.to));
      behind.append(text.slice(0, m.from), mark, text.slice(m.to));
      const where = make("button", "", position(text, m.from));
      where.type = "button";
      where.onclick = () => { input.focus(); input.setSelectionRange(m.from, Math.max(m.to, m.from)); };
      out.append(where);
    }
    const clipped = m.message.length > 150 ? m.message.slice(0, m.message.lastIndexOf(",", 150)) + ", …" : m.message;
    out.append(make("span", "", clipped));
    out.lastChild.title = m.message;
  }
}

// position counts in one line as refmon does: UTF-8 bytes from 0.
function position(text, at) {
  const before = text.slice(0, at).split("\n");
  return text.includes("\n") ? `line ${before.length}, column ${before.at(-1).length + 1}` : `byte ${new TextEncoder().encode(before[0]).length}`;
}

function showVerdict() {
  const v = byId("verdict"), n = reply.mistakes?.length;
  if (n) {
    v.className = "verdict waiting";
    const other = reply.mistakes.filter(m => !fields.includes(m.field)).map(m => make("p", "", m.message));
    v.replaceChildren(make("strong", "", n === 1 ? "One mistake to mend" : n + " mistakes to mend"), make("p", "", "The places are marked in the question."), ...other);
    return;
  }
  v.className = "verdict " + (reply.allowed ? "granted" : "denied");
  const list = [make("strong", "", reply.allowed ? "Granted" : "Denied"), make("code", "", reply.status)];
  if (reply.allowed) list.push(make("p", "", make("code", "mask", reply.granted), " " + reply.names.replaceAll("|", " | ")));
  else {
    const by = reply.verdict.indexOf(": ");
    list.push(make("p", "", by < 0 ? "No right was granted." : reply.verdict.slice(by + 2)));
  }
  if (reply.privileges) list.push(make("p", "", "Used: " + reply.privileges.join(", ")));
  v.replaceChildren(...list);
}

const signs = {"+": ["plus", "+", "granted"], "-": ["minus", "−", "refused"], ".": ["dot", "·", "left alone"],
  granted: ["plus", "✓", "granted"], denied: ["minus", "✗", "denied"],
  skipped: ["skipped", "?", "not decided: the check ended before it"]};

function cell(sign, name) {
  const [cls, text, word] = signs[sign], i = make("i", "cell " + cls, text);
  i.style.fontStyle = "normal";
  const td = make("td", "bit", i);
  td.title = name + ": " + word;
  return td;
}

function showSteps() {
  const bits = reply.bits ?? [], table = byId("steps"), head = make("tr", "");
  head.append(make("th", "", "Step"), make("th", "", "Entry"));
  for (const b of bits) {
    const th = make("th", "bit", make("span", "", b.name || b.mask));
    th.title = b.mask;
    head.append(th);
  }
  head.append(make("th", "", "Rule"), make("th", "", "Because"));
  table.tHead.replaceChildren(head);
  table.tBodies[0].replaceChildren(...(reply.steps ?? []).map(s => {
    const tr = make("tr", /[+-]/.test(s.cells) ? "" : "idle");
    tr.append(make("td", "where", s.where), make("td", "entry", s.entry));
    bits.forEach((b, i) => tr.append(cell(s.cells[i], b.name || b.mask)));
    tr.append(make("td", "rule", rule(s.rule)), make("td", "because", s.because));
    return tr;
  }));
  const foot = make("tr", ""), word = make("td", "", "Outcome");
  word.colSpan = 2;
  foot.append(word, ...bits.map(b => cell(b.word, b.name || b.mask)));
  const rest = make("td", "", reply.status);
  rest.colSpan = 2;
  foot.append(rest);
  table.tFoot.replaceChildren(foot);
}

function rule(id) {
  const b = make("button", "", id), known = packed.rules[id];
  b.type = "button";
  if (!known) return b;
  const tip = byId("tip");
  const hide = () => { tip.hidden = true; tip.rule = null; };
  const show = () => {
    tip.rule = b;
    tip.replaceChildren(known.text, make("i", "", known.source));
    tip.hidden = false;
    const r = b.getBoundingClientRect(), w = Math.min(380, innerWidth - 20);
    tip.style.left = Math.max(10, Math.min(r.left + scrollX, innerWidth - w - 10)) + "px";
    tip.style.top = r.bottom + scrollY + 8 + "px";
  };
  // A finger has no place to point from: its tap shows the rule until the next one.
  b.onpointerenter = e => { if (e.pointerType === "mouse") show(); };
  b.onpointerleave = e => { if (e.pointerType === "mouse") hide(); };
  b.onfocus = b.onclick = show;
  b.onblur = hide;
  b.setAttribute("aria-label", id + ": " + known.text);
  return b;
}

function showBits() {
  byId("bits").tBodies[0].replaceChildren(...(reply.bits ?? []).map(b => make("tr", "",
    make("td", "mask", b.mask), make("td", "name", b.name),
    make("td", "word " + b.word, b.word),
    make("td", "", b.reason))));
}

async function copy(button, text) {
  const was = button.textContent;
  try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; }
  catch { prompt("Copy this:", text); }
  setTimeout(() => { button.textContent = was; }, 1200);
}

// The question travels in the part of the address that is never sent.
const toHash = q => "#" + encodeURIComponent(JSON.stringify(q));
function fromHash() {
  try { return JSON.parse(decodeURIComponent(location.hash.slice(1))); } catch { return null; }
}

function theme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  byId("theme").textContent = dark ? "Light" : "Dark";
}

function start() {
  byId("type").append(...packed.types.map(t => new Option(t, t)));
  byId("example").append(new Option("your own", "own"), ...examples.map(([name], i) => new Option(name, i)));
  let dark = matchMedia("(prefers-color-scheme: dark)").matches;
  try { dark = (localStorage.refmonTheme ?? (dark ? "dark" : "light")) === "dark"; } catch { /* no storage on this page */ }
  theme(dark);
  byId("theme").onclick = () => {
    dark = !dark;
    theme(dark);
    try { localStorage.refmonTheme = dark ? "dark" : "light"; } catch { /* it holds until the page is left */ }
  };
  byId("example").onchange = e => { if (e.target.value !== "own") fill(examples[e.target.value][1]); };
  byId("question").oninput = () => { byId("example").value = "own"; ask(); };
  byId("question").onsubmit = e => e.preventDefault();
  document.querySelectorAll(".one").forEach(a => { a.onkeydown = e => { if (e.key === "Enter") e.preventDefault(); }; });
  document.querySelectorAll("[data-rights]").forEach(b => { b.onclick = () => { byId("rights").value = b.dataset.rights; ask(); }; });
  byId("share").onclick = e => { history.replaceState(null, "", toHash(question())); copy(e.target, location.href); };
  addEventListener("resize", sideways);
  document.querySelectorAll(".scroll").forEach(s => { s.onscroll = sideways; });
  document.addEventListener("pointerdown", e => { if (!byId("tip").rule?.contains(e.target)) byId("tip").hidden = true; });
  addEventListener("keydown", e => { if (e.key === "Escape") byId("tip").hidden = true; });
  byId("copy-line").onclick = e => copy(e.target, reply.line);
  byId("copy-text").onclick = e => copy(e.target, reply.text);
  byId("use-canonical").onclick = () => { byId("sd").value = reply.canonical; ask(); };
  const follow = () => {
    const q = fromHash();
    if (q) fill(q);
    byId("example").value = q ? "own" : byId("example").value;
    return q;
  };
  addEventListener("hashchange", follow);
  addEventListener("resize", () => document.querySelectorAll("textarea").forEach(fit));
  if (!follow()) {
    byId("example").value = "0";
    fill(examples[0][1]);
  }
}

// fail says why there will be no answer.
function fail(err) {
  byId("verdict").replaceChildren(make("strong", "", "This browser cannot run it"), make("p", "", String(err)));
  document.documentElement.dataset.failed = "true";
}

async function boot() {
  start();
  if (!packed.wasm) throw new Error("this is the page's source: make playground writes bin/playground/index.html");
  const bytes = Uint8Array.from(atob(packed.wasm), c => c.charCodeAt(0));
  const plain = new Response(new Response(bytes).body.pipeThrough(new DecompressionStream("gzip")));
  const go = new Go();
  window.refmonReady = ask;
  const {instance} = await WebAssembly.instantiate(await plain.arrayBuffer(), go.importObject);
  go.run(instance);
}

boot().catch(fail);
