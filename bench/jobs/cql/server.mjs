// A CDS Hooks service by cql-execution: node server.mjs <folder of the packages> <elm.json>. It answers one card.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const [packages, compiled] = process.argv.slice(2);
const require = createRequire(`${packages}/package.json`);
const cql = require("cql-execution");
const fhir = require("cql-exec-fhir");
const executor = new cql.Executor(new cql.Library(JSON.parse(readFileSync(compiled, "utf8"))));

async function grade({ context, prefetch }) {
  const parts = Object.values(prefetch).filter((part) => part !== null);
  const entry = parts.flatMap((part) => (part.resourceType === "Bundle" ? part.entry ?? [] : [{ resource: part }]));
  const source = fhir.PatientSource.FHIRv401();
  source.loadBundles([{ resourceType: "Bundle", type: "collection", entry }]);
  const told = await executor.exec(source);
  return told.patientResults[context.patientId].Grade;
}

const server = createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", async () => {
    const found = await grade(JSON.parse(Buffer.concat(pieces)));
    const card = { summary: `CRS grade ${found}`, indicator: "info", source: { label: "ASTCT 2019" } };
    const body = JSON.stringify({ cards: found ? [card] : [] });
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
    response.end(body);
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
