// Talks to the real server with the protocol library that VS Code's client is
// built on.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import {
  CodeActionRequest,
  CodeActionResolveRequest,
  ConfigurationRequest,
  createProtocolConnection,
  DidChangeTextDocumentNotification,
  DidOpenTextDocumentNotification,
  DocumentDiagnosticReportKind,
  DocumentDiagnosticRequest,
  DocumentFormattingRequest,
  ExitNotification,
  HoverRequest,
  InitializedNotification,
  InitializeRequest,
  LogMessageNotification,
  RegistrationRequest,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
  type TextDocumentEdit,
  type TextEdit,
} from 'vscode-languageserver-protocol/node';
import { formatted, refit, root, sample } from './refit';

/** Applies edits whose positions are counted in UTF-16, as strings are. */
function apply(text: string, edits: TextEdit[]): string {
  const starts = [0];
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) {
    starts.push(i + 1);
  }
  const offset = (p: { line: number; character: number }) => starts[p.line] + p.character;
  let out = text;
  for (const e of [...edits].sort((a, b) => offset(b.range.start) - offset(a.range.start))) {
    out = out.slice(0, offset(e.range.start)) + e.newText + out.slice(offset(e.range.end));
  }
  return out;
}

/** The settings' defaults, as VS Code sends them. */
function defaults(): Record<string, unknown> {
  const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries<{ default: unknown }>(manifest.contributes.configuration.properties)) {
    assert.notEqual(value.default, undefined, `${key}: VS Code would make up a default and send it as the user's wish`);
    out[key.replace(/^refit\./, '')] = value.default;
  }
  return out;
}

test('a session', { timeout: 120_000 }, async () => {
  const child = spawn(refit(), ['lsp', '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const conn = createProtocolConnection(new StreamMessageReader(child.stdout), new StreamMessageWriter(child.stdin));
  const logs: string[] = [];
  let asked: () => void = () => {};
  const configured = new Promise<void>((resolve) => (asked = resolve));
  conn.onNotification(LogMessageNotification.type, (p) => void logs.push(p.message));
  conn.onRequest(RegistrationRequest.type, () => {});
  conn.onRequest(ConfigurationRequest.type, (p) => {
    assert.deepEqual(p.items, [{ section: 'refit' }]);
    asked();
    return [defaults()];
  });
  conn.listen();

  const init = await conn.sendRequest(InitializeRequest.type, {
    processId: process.pid,
    rootUri: null,
    workspaceFolders: null,
    capabilities: {
      general: { positionEncodings: ['utf-16'] },
      workspace: {
        configuration: true,
        workspaceEdit: { documentChanges: true, resourceOperations: ['create'] },
        didChangeWatchedFiles: { dynamicRegistration: true },
        didChangeConfiguration: { dynamicRegistration: true },
      },
      textDocument: {
        codeAction: { dataSupport: true, resolveSupport: { properties: ['edit'] }, codeActionLiteralSupport: { codeActionKind: { valueSet: [] } } },
        diagnostic: {},
        hover: { contentFormat: ['markdown'] },
      },
    },
  });
  assert.equal(init.capabilities.positionEncoding, 'utf-16');
  await conn.sendNotification(InitializedNotification.type, {});
  await configured;

  const uri = 'untitled:Dockerfile';
  const textDocument = { uri };
  let version = 1;
  await conn.sendNotification(DidOpenTextDocumentNotification.type, { textDocument: { uri, languageId: 'dockerfile', version, text: sample } });
  const options = { tabSize: 2, insertSpaces: true };
  const edits = await conn.sendRequest(DocumentFormattingRequest.type, { textDocument, options });
  assert.equal(apply(sample, edits ?? []), formatted);

  const report = await conn.sendRequest(DocumentDiagnosticRequest.type, { textDocument });
  assert.equal(report.kind, DocumentDiagnosticReportKind.Full);
  assert.ok('items' in report && report.items.some((d) => d.code === 'merge-run' && d.codeDescription?.href));

  const range = { start: { line: 2, character: 0 }, end: { line: 2, character: 0 } };
  const actions = (await conn.sendRequest(CodeActionRequest.type, { textDocument, range, context: { diagnostics: [] } })) ?? [];
  const merge = actions.find((a) => a.title === 'Merge 2 RUN instructions');
  assert.ok(merge && 'data' in merge && !merge.edit);
  const resolved = await conn.sendRequest(CodeActionResolveRequest.type, merge);
  const change = resolved.edit?.documentChanges?.[0] as TextDocumentEdit;
  assert.equal(change.textDocument.version, version);
  assert.equal(apply(sample, change.edits).match(/RUN/g)?.length, 1);

  const hover = await conn.sendRequest(HoverRequest.type, { textDocument, position: range.start });
  assert.ok(hover && JSON.stringify(hover.contents).includes('**RUN**'));

  // A syntax error: no edits, and a diagnostic where it is.
  version++;
  await conn.sendNotification(DidChangeTextDocumentNotification.type, {
    textDocument: { uri, version },
    contentChanges: [{ range: { start: { line: 2, character: 0 }, end: { line: 2, character: 3 } }, text: 'RUNN' }],
  });
  assert.deepEqual(await conn.sendRequest(DocumentFormattingRequest.type, { textDocument, options }), []);
  const broken = await conn.sendRequest(DocumentDiagnosticRequest.type, { textDocument });
  assert.ok('items' in broken);
  assert.deepEqual(
    broken.items.map((d) => [d.severity, d.range.start.line, d.message]),
    [[1, 2, 'unknown instruction: RUNN (did you mean RUN?)']],
  );

  await conn.sendRequest(ShutdownRequest.type);
  await conn.sendNotification(ExitNotification.type);
  assert.equal(await exited, 0);
  assert.deepEqual(logs, []);
  conn.dispose();
});
