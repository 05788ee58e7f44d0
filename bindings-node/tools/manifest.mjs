// Prints what the built package offers, as JSON: each class with its operations, their parameters and what their docs say.
//
//   node tools/manifest.mjs FOLDER   the folder of the package, with dist/*.d.ts
//
// {"Tenders":{"withdraw":{"parameters":{"tenderId":null,"reason":null},"doc":"…"}}}; an optional parameter has "undefined" in
// place of null: the core's default. The compiler reads the declarations that users get. An options object counts as its
// members; `signal` is every call's.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { API } from 'typescript/unstable/sync';
import { SyntaxKind } from 'typescript/unstable/ast';

const FILES = {
  Client: 'client',
  Gateway: 'gateway',
  Capacity: 'capacity',
  Tenders: 'tenders',
  Inbox: 'events',
  Webhooks: 'events',
  Dispatches: 'dispatches',
  Documents: 'records',
  Telemetry: 'records',
  Reconcile: 'records',
  Identity: 'identity',
  Journal: 'records',
};

const dist = join(resolve(process.argv[2] ?? ''), 'dist');
const scratch = mkdtempSync(join(tmpdir(), 'gladhand-manifest-'));
const config = join(scratch, 'tsconfig.json');
const compilerOptions = { module: 'node20', moduleResolution: 'nodenext', strict: true, noEmit: true, types: [] };
writeFileSync(config, JSON.stringify({ compilerOptions, files: [join(dist, 'index.d.ts')] }));
const api = new API();

try {
  const project = api.updateSnapshot({ openProject: config }).getProject(config);
  const { program, checker } = project;
  const file = (name) => program.getSourceFile(join(dist, `${name}.d.ts`));

  const declared = (type) => type?.getSymbol()?.declarations?.map((handle) => handle.resolve(project)) ?? [];

  /** Members of an options object of this package; nothing for what is a value by itself. */
  const members = (node) => {
    const type = checker.getTypeFromTypeNode(node);
    const parts = type?.isIntersectionType?.() ? type.getTypes() : [type];
    const options = parts.some((part) =>
      declared(part).some(
        (of) => of?.kind === SyntaxKind.InterfaceDeclaration && of.getSourceFile().fileName.startsWith(dist),
      ),
    );
    return options ? checker.getPropertiesOfType(type) : undefined;
  };

  const operation = (node) => {
    const parameters = {};
    for (const parameter of node.parameters) {
      const name = parameter.name.text;
      const optional = parameter.questionToken !== undefined;
      const found = parameter.type && members(parameter.type);
      if (!found) parameters[name] = optional ? 'undefined' : null;
      for (const member of found ?? []) {
        const free = optional || (member.flags & 16777216) !== 0;
        if (member.name !== 'signal') parameters[member.name] = free ? 'undefined' : null;
      }
    }
    return { parameters, doc: doc(node) };
  };

  const doc = (node) => {
    const text = node.getSourceFile().text.slice(node.pos, node.end);
    const comment = /^\s*\/\*\*([^]*?)\*\//.exec(text)?.[1] ?? '';
    return comment.replace(/^\s*\* ?/gm, ' ').trim();
  };

  const merge = (into, name, found) => {
    const known = into[name];
    if (known === undefined) into[name] = found;
    else Object.assign(known.parameters, { ...found.parameters, ...known.parameters });
  };

  const manifest = {};
  for (const [name, at] of Object.entries(FILES)) {
    const own = (manifest[name] = {});
    file(at).forEachChild((node) => {
      if (node.kind !== SyntaxKind.ClassDeclaration || node.name?.text !== name) return;
      for (const member of node.members) {
        if (member.kind !== SyntaxKind.MethodDeclaration || member.name.kind !== SyntaxKind.Identifier) continue;
        merge(own, member.name.text, operation(member));
      }
    });
  }
  const functions = (manifest.Contract = {});
  file('contract').forEachChild((node) => {
    if (node.kind === SyntaxKind.FunctionDeclaration) merge(functions, node.name.text, operation(node));
  });
  process.stdout.write(JSON.stringify(manifest));
} finally {
  api.close();
  rmSync(scratch, { recursive: true });
}
