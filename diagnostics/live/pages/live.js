// Asks for the state, draws it, and sends what the buttons say. Every string is set as text.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const byId = id => document.getElementById(id);
const number = new Intl.NumberFormat("en");
const counted = (count, noun) => `${number.format(count)} ${noun}${count === 1 ? "" : "s"}`;

let drawings = 0;

/** A new element: its attributes, then its children (elements, or strings as text). */
function make(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function draw(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.filter(child => child !== null));
  return element;
}

/** A sentence, its values in code type. */
function sentence(runs) {
  return runs.flatMap((run, place) => {
    const space = place ? [" "] : [];
    if (run.length === 1) return [...space, run[0]];
    return [...space, run[0], make("code", {}, run[1]), run[2]];
  });
}

// ---- the journey as a picture: the same shapes as in the report ----

const SIGNS = {
  ok: [["circle", { class: "stop ok", r: 12 }], ["path", { class: "sign ok", d: "M-5.5 .5-1.5 4.5 5.5-4" }]],
  broken: [["path", { class: "stop broken", d: "M0-19 19 0 0 19-19 0Z" }], ["path", { class: "sign broken", d: "M-5-5 5 5M5-5-5 5" }]],
  unknown: [["circle", { class: "stop unknown", r: 12 }], ["path", { class: "sign unknown", d: "M-3.4-3.6A3.5 3.5 0 1 1 1.6-.9Q0 0 0 2M0 5.4V5.6" }]],
  skipped: [["circle", { class: "stop skipped", r: 7 }]],
};

function picture(p, shape) {
  const id = `journey-${drawings += 1}`;
  const svg = draw("svg", {
    class: `journey ${shape}`, viewBox: `0 0 ${p.width} ${p.height}`, role: "img",
    "aria-labelledby": `${id}-title ${id}-desc`,
  },
  draw("title", { id: `${id}-title` }, p.title),
  draw("desc", { id: `${id}-desc` }, p.description));
  for (const s of p.segments) {
    svg.append(draw("path", { class: `line ${s.kind}`, d: `M${s.x1} ${s.y1}L${s.x2} ${s.y2}` }));
  }
  if (p.stem) svg.append(draw("path", { class: "stem", d: p.stem }));
  for (const stop of p.stops) {
    const across = shape === "across";
    const name = across ? { class: "name", y: -47, "text-anchor": "middle" } : { class: "name", x: 32, y: 5 };
    const word = across ? { class: "state", y: -29, "text-anchor": "middle" } : { class: "state", x: 310, y: 5, "text-anchor": "end" };
    svg.append(draw("g", { class: `station ${stop.state}`, transform: `translate(${stop.x} ${stop.y})` },
      draw("title", {}, `${stop.stage}: ${stop.state}. ${stop.says}`),
      ...SIGNS[stop.state].map(([kind, attributes]) => draw(kind, attributes)),
      draw("text", name, stop.stage), draw("text", word, stop.state)));
  }
  for (const tag of p.tags) {
    svg.append(draw("g", { class: `tag ${tag.kind}` },
      draw("rect", { x: tag.x, y: tag.y, width: tag.width, height: tag.height, rx: 8 }),
      draw("text", { class: "tag-title", x: tag.x + 14, y: tag.title_y }, tag.title),
      ...tag.lines.map(line => draw("text", { class: tag.code ? "tag-code" : "tag-text", x: line.x, y: line.y }, line.text))));
  }
  return svg;
}

// ---- causes ----

const badge = fix => make("span", { class: `badge ${fix.predicted}` }, `predicted: ${fix.predicted}`);

function tryButton(fix, entry) {
  if (!fix.change) return make("p", { class: "muted" }, fix.why_not);
  const button = make("button", { type: "button", class: fix.active ? "active" : "", "data-focus": `${entry.id} ${fix.fix}` },
    fix.active ? "Stop trying" : "Try it live");
  button.addEventListener("click", () => send("/try", fix.active ? { changes: [] } : { changes: [fix.change], hosts: entry.hosts }));
  return make("p", { class: "buttons" }, button,
    make("span", { class: "muted" }, fix.active ? "in force now; reload the page to see it" : fix.change));
}

function fixBody(fix, entry) {
  return [
    fix.snippet.trim() ? make("pre", { tabindex: 0 }, make("code", {}, fix.snippet)) : null,
    fix.cost ? make("p", { class: "cost" }, make("b", {}, "Cost."), " ", ...sentence(fix.cost)) : null,
    tryButton(fix, entry),
  ];
}

function details(key, className, summary, ...children) {
  return make("details", { class: className, "data-key": key }, make("summary", {}, ...summary), ...children);
}

function section(title, ...children) {
  return make("section", {}, make("h3", {}, title), ...children);
}

function story(entry) {
  const [best, ...others] = entry.fixes;
  const parts = [
    make("p", { class: "because" }, ...sentence(entry.because)),
    make("figure", {}, picture(entry.across, "across"), picture(entry.down, "down")),
    details(`${entry.id} stations`, "stations", ["What each station found"],
      make("ol", {}, ...entry.stations.map(s => make("li", {}, make("b", {}, s.stage), " ",
        make("span", { class: `word ${s.state}` }, s.state), " ", make("span", {}, ...sentence(s.says)))))),
  ];
  if (best) {
    parts.push(make("section", { class: `fix ${best.predicted}` },
      make("h3", {}, "Fix ", badge(best)), make("p", {}, ...sentence(best.says)), ...fixBody(best, entry)));
  }
  if (others.length) {
    parts.push(section("Other fixes", ...others.map(fix => details(`${entry.id} ${fix.fix} ${fix.says.flat().join("")}`, "other",
      [make("span", {}, ...sentence(fix.says)), " ", badge(fix)], ...fixBody(fix, entry)))));
  }
  if (entry.evidence.length) {
    parts.push(section("Evidence", make("ul", { class: "evidence" }, ...entry.evidence.map(item => make("li", {},
      ...sentence(item.says), " ", make("span", { class: "where" }, item.more ? `${item.where}, and ${item.more} more` : item.where))))));
  }
  if (entry.alternatives.length) {
    parts.push(section("It could also be", make("ul", {}, ...entry.alternatives.map(other => make("li", {},
      make("b", {}, other.title), " ", make("span", { class: "chip" }, other.confidence), make("br"),
      "To settle it: ", ...sentence(other.settle))))));
  }
  parts.push(requests(entry));
  return parts;
}

function requests(entry) {
  const fact = (name, ...value) => make("div", {}, make("dt", {}, name), make("dd", {}, ...value));
  const code = value => (value ? make("code", {}, value) : "none");
  const cell = (label, value) => make("td", { "data-label": label }, value);
  return section("Requests",
    make("dl", { class: "facts" },
      entry.page ? fact("Page", code(entry.page), entry.more_pages ? ` and ${entry.more_pages} more` : "") : null,
      fact("Referer", code(entry.referer)), fact("Example", code(entry.example))),
    details(`${entry.id} requests`, "requests", [`${counted(entry.count, "request")} with this verdict`],
      make("table", {}, make("thead", {}, make("tr", {}, ...["Times", "Request", "Status", "Referer"].map(
        name => make("th", { scope: "col" }, name)))),
      make("tbody", {}, ...entry.requests.map(r => make("tr", {}, cell("Times", number.format(r.count)),
        cell("Request", code(r.request)), cell("Status", String(r.status)), cell("Referer", code(r.referer))))))));
}

function causeCard(cause) {
  const [first, ...more] = cause.cases;
  return make("article", { class: "card", id: cause.code },
    make("header", {}, make("h2", {}, cause.title), make("p", { class: "chips" }, make("code", {}, cause.code), " ",
      make("span", { class: "chip" }, counted(cause.count, "request")), " ", make("span", { class: "chip" }, first.confidence))),
    more.length ? make("p", { class: "muted" }, `The newest case first: ${counted(first.count, "request")} of ${number.format(cause.count)}.`) : null,
    ...story(first),
    ...more.map(entry => details(`${entry.id} case`, "case",
      [make("b", {}, `Another case, ${counted(entry.count, "request")}: `), ...sentence(entry.because)], ...story(entry))),
    cause.hidden ? make("p", { class: "muted" }, `… and ${counted(cause.hidden, "more case")}; the report has all.`) : null,
    cause.links.length ? section("Read on", make("ul", {}, ...cause.links.map(([title, url]) =>
      make("li", {}, make("a", { href: url, rel: "noopener noreferrer", target: "_blank" }, title))))) : null);
}

function bar(cause, whole) {
  return make("li", {}, make("a", { href: `#${cause.code}` },
    make("span", { class: "bar-name" }, cause.title),
    make("span", { class: "bar-count" }, number.format(cause.count), " ", make("span", { class: "of" }, `of ${number.format(whole)}`)),
    draw("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
      draw("rect", { class: "track", width: 100, height: 10 }),
      draw("rect", { class: cause.code === "unexplained" ? "bar open" : "bar", width: Math.min(100 * cause.count / whole, 100), height: 10 }))));
}

// ---- the page ----

/** Replace what `draws` makes, but leave open what is open, and the focus where it is. */
function redraw(parent, draws) {
  const open = new Set([...parent.querySelectorAll("details[open]")].map(one => one.dataset.key));
  const focus = document.activeElement?.dataset?.focus;
  parent.replaceChildren(...draws());
  for (const one of parent.querySelectorAll("details")) one.open = open.has(one.dataset.key);
  if (focus) [...parent.querySelectorAll("[data-focus]")].find(one => one.dataset.focus === focus)?.focus();
}

function empty(state) {
  const made = byId("empty").content.cloneNode(true);
  made.querySelector("#fine").hidden = !state.provider_requests;
  return [made];
}

const shown = new Map();

/** Whether a part of the state is another than the one that is drawn. */
function news(name, value) {
  const text = JSON.stringify(value);
  if (shown.get(name) === text) return false;
  shown.set(name, text);
  return true;
}

function show(state) {
  byId("headline").textContent = state.headline;
  document.title = state.refused ? `(${state.refused}) why403 live` : "why403 live";
  trouble(state.diagnoses ? "" : "The diagnosis addon is not loaded: start the proxy with addons/why403.py.");
  const whole = Math.max(state.provider_requests, state.kept, 1);
  if (news("bars", [state.causes.map(cause => [cause.code, cause.count]), whole])) {
    byId("bars").replaceChildren(...state.causes.map(cause => bar(cause, whole)));
  }
  if (news("causes", [state.causes, state.causes.length ? 0 : state.provider_requests])) {
    redraw(byId("causes"), () => (state.causes.length ? state.causes.map(causeCard) : empty(state)));
  }
  showTrying(state.what_if);
  showAllow(state.allow);
  if (state.self_test) byId("self-test").textContent = `${state.self_test.says} (${state.self_test.browser})`;
  document.documentElement.dataset.version = state.version;
}

function showTrying(tried) {
  byId("trying").hidden = !tried?.changes;
  if (!tried?.changes) return;
  byId("trying-change").textContent = tried.changes;
  const { before, since } = tried;
  byId("before-refused").textContent = `${number.format(before.refused)} refused`;
  byId("before-answered").textContent = `${number.format(before.answered)} answered`;
  byId("since-refused").textContent = `${number.format(since.refused)} refused`;
  byId("since-answered").textContent = `${number.format(since.answered)} answered${since.emulated ? `, ${number.format(since.emulated)} answers by the emulated provider` : ""}`;
  byId("since-refused").className = `figure ${since.refused ? "bad" : since.answered ? "ok" : ""}`;
  byId("before-refused").className = `figure ${before.refused ? "bad" : "ok"}`;
  byId("trying-says").textContent = since.refused + since.answered ? "" :
    "Now reload the page with the map, best with Ctrl+Shift+R (Cmd+Shift+R), and watch the right side.";
  byId("caveats").replaceChildren(...tried.caveats.map(text => make("li", {}, text)));
  byId("notes").replaceChildren(...(tried.notes.length ? tried.notes.map(note =>
    make("li", {}, make("code", {}, note.where), ` ${note.says}`)) : [make("li", {}, "Nothing yet.")]));
}

function showAllow(allow) {
  const says = allow.unrestricted ? "The token is known to have no restriction." :
    allow.entries === null ? "Not known: verdicts rest on what was answered and what was not." :
    `In force: ${allow.entries.join(", ")}`;
  byId("allow-says").textContent = allow.lists ? `${says} Lists of ${allow.lists} tokens are known besides.` : says;
  const field = byId("entries");
  if (news("entries", allow.entries) && document.activeElement !== field && allow.entries) field.value = allow.entries.join("\n");
}

function trouble(text) {
  byId("trouble").textContent = text;
  byId("trouble").hidden = !text;
}

async function send(path, what) {
  try {
    const answer = await fetch(path, {
      method: "POST", headers: { "X-Why403": "1", "Content-Type": "application/json" }, body: JSON.stringify(what),
    });
    const says = answer.ok ? "" : await answer.text();
    if (path === "/allow") byId("allow-trouble").textContent = says;
    else trouble(says);
  } catch {
    trouble("The proxy does not answer.");
  }
}

byId("allow").addEventListener("submit", event => {
  event.preventDefault();
  send("/allow", { entries: byId("entries").value });
});
byId("forget").addEventListener("click", () => {
  byId("entries").value = "";
  send("/allow", { entries: "" });
});
byId("stop").addEventListener("click", () => send("/try", { changes: [] }));

const visible = () => new Promise(done => {
  if (!document.hidden) done();
  else document.addEventListener("visibilitychange", done, { once: true });
});

function pulse(alive) {
  byId("pulse").textContent = alive ? "live" : "the proxy does not answer";
  byId("pulse").className = `pulse ${alive ? "on" : "off"}`;
}

async function listen() {
  let version = "";
  for (;;) {
    await visible();
    try {
      const answer = await fetch(`/state.json?since=${version}`);
      if (!answer.ok) throw new Error(answer.status);
      const state = await answer.json();
      version = state.version;
      show(state);
      pulse(true);
    } catch {
      pulse(false);
      await new Promise(done => setTimeout(done, 2000));
    }
  }
}

listen();
