// The self-test's worker: makes the requests that it is told to, one after the other.
onmessage = async ({ data }) => {
  for (const { url, how, referrer } of data) {
    try {
      if (how === "xhr") {
        await new Promise(done => {
          const request = new XMLHttpRequest();
          request.open("GET", url);
          request.onloadend = done;
          request.send();
        });
      } else {
        await fetch(url, referrer ? { referrer } : {});
      }
    } catch {
      // What did not leave the browser is missing in the result, and said there.
    }
  }
  postMessage("done");
};
