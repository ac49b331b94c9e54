// For Node.js tools that visit the local cloud's sites: `*.localhost` is loopback (RFC 6761), as browsers have it.
// Debian's resolver does not know; NODE_OPTIONS="--require <this file>" teaches it to Node.js.
const dns = require("node:dns");

const isLocal = (name) => typeof name === "string" && name.endsWith(".localhost");

const { lookup } = dns;
dns.lookup = (name, ...rest) => lookup(isLocal(name) ? "localhost" : name, ...rest);

const { lookup: promised } = dns.promises;
dns.promises.lookup = (name, ...rest) => promised(isLocal(name) ? "localhost" : name, ...rest);
