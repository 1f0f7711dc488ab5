/** What is around a gateway, as a process that commands stop and start: an upstream, or an identity provider. */
import { appendFileSync, readFileSync } from "node:fs";
import { createServer } from "node:http";

const [, , kind, port, file] = process.argv;

/** Answers with what it received, and writes a line of each request. */
function upstream({ method, url, headers }, response) {
  appendFileSync(file, `${JSON.stringify({ method, path: url, headers })}\n`);
  response.writeHead(200, { "content-type": "application/json" });
  response.end(`${JSON.stringify({ method, path: url, headers })}\n`);
}

function identityProvider(_, response) {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(readFileSync(file));
}

const server = createServer(kind === "upstream" ? upstream : identityProvider);
server.keepAliveTimeout = 0;
server.listen(Number(port), "127.0.0.1");
