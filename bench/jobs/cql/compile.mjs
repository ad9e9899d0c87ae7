// From CQL to ELM, by @cqframework/cql: node compile.mjs <folder of the packages> <Astct.cql> <out.json>
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [packages, source, target] = process.argv.slice(2);
const home = `${packages}/node_modules`;
const { CqlTranslator, LibraryManager, ModelManager, createModelInfoProvider, stringAsSource } = await import(
  pathToFileURL(`${home}/@cqframework/cql/cql-to-elm.mjs`)
);

const held = {
  System: readFileSync(new URL("system.xml", import.meta.url), "utf8"),
  FHIR: readFileSync(`${home}/cql-exec-fhir/lib/modelInfos/fhir-modelinfo-4.0.1.xml`, "utf8"),
};
const models = new ModelManager();
models.modelInfoLoader.registerModelInfoProvider(
  createModelInfoProvider((name) => (name in held ? stringAsSource(held[name]) : null)),
);
const made = CqlTranslator.fromText(readFileSync(source, "utf8"), new LibraryManager(models));
const elm = JSON.parse(made.toJson());
const faults = (elm.library.annotation ?? []).filter((one) => one.errorSeverity === "error");
if (faults.length) throw new Error(faults.map((one) => `${one.startLine}: ${one.message}`).join("\n"));
writeFileSync(target, JSON.stringify(elm));
