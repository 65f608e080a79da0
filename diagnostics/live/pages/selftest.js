// Makes every kind of request, asks the proxy what arrived and shows how it compares.
"use strict";

const PATIENCE = 8000;
const byId = id => document.getElementById(id);
const nonce = document.currentScript.nonce;
const plan = JSON.parse(byId("plan").textContent);
const targets = plan.targets;
const page = location.href;

const within = (promise, time = PATIENCE) =>
  Promise.race([promise, new Promise(done => setTimeout(done, time))]).catch(() => {});

const asked = (kind, options) => within(fetch(targets[kind], options));

const loaded = (element, url) => within(new Promise(done => {
  element.onload = element.onerror = done;
  element.src = url;
}));

const xhr = kind => within(new Promise(done => {
  const request = new XMLHttpRequest();
  request.open("GET", targets[kind]);
  request.onloadend = done;
  request.send();
}));

function worker(prefix, address, release) {
  const running = new Worker(address);
  running.postMessage([
    { url: targets[`${prefix}-fetch`] },
    { url: targets[`${prefix}-fetch-ref`], referrer: page },
    { url: targets[`${prefix}-xhr`], how: "xhr" },
  ]);
  return within(new Promise(done => {
    running.onmessage = running.onerror = done;
  })).then(() => {
    running.terminate();
    if (release) release();
  });
}

function frame(attributes) {
  const made = document.createElement("iframe");
  made.title = "part of the self-test";
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  const waited = within(new Promise(done => {
    made.onload = done;
  }));
  document.querySelector(".probes").append(made);
  return waited;
}

function srcdoc(kind) {
  const made = document.implementation.createHTMLDocument("frame");
  const image = made.createElement("img");
  image.setAttribute("src", targets[`${kind}-img`]);
  const script = made.createElement("script");
  script.setAttribute("nonce", nonce);
  script.textContent = `fetch(${JSON.stringify(targets[`${kind}-fetch`])}).catch(() => {});`;
  made.body.append(image, script);
  return made.documentElement.outerHTML;
}

async function serviceWorker() {
  if (!isSecureContext || !navigator.serviceWorker) return;
  const folder = plan.frame.replace(/frame$/, "");
  const registration = await navigator.serviceWorker.register(
    `${folder}service-worker.js`, { scope: folder });
  const starting = registration.installing || registration.waiting || registration.active;
  await within(new Promise(done => {
    const look = () => starting.state === "activated" && done();
    starting.onstatechange = look;
    look();
  }));
  const finished = new Promise(done => addEventListener("message", event => {
    if (event.origin === location.origin && event.data === "service worker done") done();
  }));
  await frame({ src: `${folder}worker-frame` });
  await within(finished);
  await registration.unregister();
}

async function ask() {
  const code = await (await fetch("/selftest/worker.js")).text();
  const blob = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  await Promise.all([
    asked("main-fetch"),
    asked("main-fetch-ref-href", { referrer: page }),
    asked("main-fetch-pol-none", { referrerPolicy: "no-referrer" }),
    asked("main-fetch-pol-origin", { referrerPolicy: "origin" }),
    asked("main-fetch-pol-sowco", { referrerPolicy: "strict-origin-when-cross-origin" }),
    asked("main-fetch-pol-unsafe", { referrerPolicy: "unsafe-url" }),
    asked("site-fetch"),
    asked("own-fetch"),
    within(fetch(plan.hop)),
    xhr("main-xhr"),
    ...["img", "img-attr-origin", "site-img", "own-img"].map(
      kind => loaded(byId(kind), targets[kind])),
    worker("blobw", blob, () => URL.revokeObjectURL(blob)),
    worker("netw", "/selftest/worker.js"),
    worker("dataw", `data:text/javascript,${encodeURIComponent(code)}`),
    frame({ srcdoc: srcdoc("srcdoc") }),
    frame({ srcdoc: srcdoc("srcdoc-sbx"), sandbox: "allow-scripts" }),
    frame({ src: plan.frame }),
    frame({ src: plan.frame.replace(/frame$/, "sandboxed"), sandbox: "allow-scripts" }),
    frame({ src: targets["iframe-nav"] }),
    frame({ src: targets["iframe-nav-norefattr"], referrerpolicy: "no-referrer" }),
    within(serviceWorker()),
  ]);
}

async function result() {
  // What frames and styles ask for is under way when their own load event has come.
  const end = Date.now() + PATIENCE / 2;
  for (;;) {
    const answer = await fetch(`/selftest/done/${plan.run}`, {
      method: "POST", headers: { "X-Why403": "1" },
    });
    if (!answer.ok) throw new Error(await answer.text());
    const found = await answer.json();
    if (!found.missing.length || Date.now() > end) return found.result;
    await new Promise(done => setTimeout(done, 200));
  }
}

const WORDS = {
  same: ["ok", "as it should be"],
  removed: ["broken", "removed"],
  target: ["broken", "replaced by the target's URL"],
  trimmed: ["broken", "cut to the origin"],
  other: ["broken", "replaced"],
  added: ["broken", "added"],
  missing: ["unknown", "did not arrive"],
  unjudged: ["unknown", "not judged"],
};

function put(parent, tag, text, className = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  parent.append(made);
  return made;
}

function cell(row, label, value, isCode) {
  const made = put(row, "td", "");
  made.dataset.label = label;
  if (value) put(made, isCode ? "code" : "span", value);
  return made;
}

function table(id, rows) {
  byId(id).replaceChildren();
  for (const row of rows) {
    const [look, word] = WORDS[row.state];
    const line = put(byId(id), "tr", "");
    cell(line, "What asks", row.says, false);
    cell(line, "To", row.to, false);
    const wanted = cell(line, "Expected", row.expected ?? "none", row.expected !== null);
    wanted.title = row.why;
    const came = row.state === "missing" ? "" : row.arrived ?? "none";
    cell(line, "Arrived", came, row.arrived !== null && came !== "");
    put(cell(line, "Result", "", false), "span", word, `word ${look}`);
  }
}

function show(found) {
  byId("says").textContent = found.says;
  byId("browser").textContent = `${found.browser}: ${navigator.userAgent}`;
  const differing = found.rows.filter(row => WORDS[row.state][0] === "broken");
  byId("counts").replaceChildren();
  const same = found.rows.filter(row => row.state === "same").length;
  put(byId("counts"), "span", `${same} of ${found.rows.length} as they should be`, "chip");
  if (differing.length) put(byId("counts"), "span", `${differing.length} differ`, "chip");
  const others = found.rows.filter(row => !differing.includes(row));
  table("differing-rows", differing);
  table("other-rows", others);
  byId("differing").hidden = !differing.length;
  byId("others-name").textContent = differing.length
    ? `The other ${others.length} requests` : `All ${others.length} requests`;
  byId("notes").replaceChildren();
  for (const note of found.notes) put(byId("notes"), "li", note);
  byId("result").hidden = false;
  document.documentElement.dataset.outcome = found.outcome;
}

byId("again").addEventListener("click", () => location.reload());
ask().then(result).then(show).catch(error => {
  byId("says").textContent = `The self-test did not finish: ${error.message}`;
  document.documentElement.dataset.outcome = "failed";
});
