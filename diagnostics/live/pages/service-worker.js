// The self-test's service worker: a request of its own when told to, and every other passed on.
addEventListener("install", () => skipWaiting());
addEventListener("message", event => {
  event.waitUntil(fetch(event.data).catch(() => {}).then(() => event.source.postMessage("done")));
});
addEventListener("fetch", event => event.respondWith(fetch(event.request)));
