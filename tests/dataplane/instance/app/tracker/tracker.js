// Stands in for Tracardi's tracker, which sends its events just so: JSON, a header of its own, and no cookies.
// A page sets window.tracker = {url, source} before it loads this; the outcome is shown in the page's title and in
// the attributes data-track (status, or what failed), data-instance and data-events of its html element.
(async () => {
  // Not a UUID: browsers make those for pages that came over TLS only.
  const session = `${Date.now()}-${Math.random()}`;
  const {url, source, event = `event-${session}`, credentials = "omit"} = window.tracker;
  const show = (outcome, answer) => {
    Object.assign(document.documentElement.dataset, {track: outcome, ...answer});
    document.title = `track: ${outcome}`;
    console.log(`track: ${outcome}`);
  };
  try {
    const response = await fetch(`${url}/track`, {
      method: "POST",
      // Both ask for a preflight where the page has another origin.
      headers: {"Content-Type": "application/json", "x-timestamp": String(Date.now())},
      credentials,
      body: JSON.stringify({source: {id: source}, session: {id: session}, events: [{id: event, type: "page-view"}]}),
    });
    const answer = response.ok ? await response.json() : {};
    show(String(response.status), {events: answer.events?.join(" "), instance: answer.seen?.instance});
  } catch (error) {
    show(`failed: ${error.message}`);
  }
})();
