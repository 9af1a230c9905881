// The script that websites load, in the place of Tracardi's.
window.tracker = { track: (type, properties) => fetch("/track", { method: "POST", body: JSON.stringify({ type, properties }) }) };
