// Runs the extension itself with the real server. VS Code cannot be had from
// the npm registry, so that the parts of its API that the extension uses are
// played here; the client speaks through the same transport as
// vscode-languageclient.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import Module from 'node:module';
import * as path from 'node:path';
import { test } from 'node:test';
import { createMessageConnection, type MessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-languageserver-protocol/node';
import { refit, root, sample } from './refit';

type Run = (...args: unknown[]) => unknown;

const uri = { scheme: 'file', path: '/work/Dockerfile', toString: () => 'file:///work/Dockerfile' };
const registered = new Map<string, Run>();
const executed: unknown[][] = [];
const messages: string[] = [];
let answer: string | undefined; // the button that the user presses
let setting = '';
let provider: { provideTextDocumentContent(uri: unknown): string } | undefined;
let applied: unknown;
let waiting: (() => void) | undefined;

const message = (text: string) => {
  messages.push(text);
  return Promise.resolve(answer);
};

const vscode = {
  EventEmitter: class {
    event = () => ({ dispose() {} });
    fire() {}
  },
  Uri: { from: (p: { scheme: string; path: string; query?: string }) => ({ ...p, toString: () => `${p.scheme}:${p.path}?${p.query ?? ''}` }) },
  commands: {
    registerCommand: (name: string, run: Run) => {
      registered.set(name, run);
      return { dispose() {} };
    },
    executeCommand: (...args: unknown[]) => {
      executed.push(args);
      return Promise.resolve();
    },
  },
  languages: {
    getDiagnostics: () => [{ source: 'refit', code: { value: 'merge-run' }, range: { contains: () => true } }],
  },
  window: {
    activeTextEditor: { document: { languageId: 'dockerfile', uri }, selection: { active: {} } },
    showErrorMessage: message,
    showInformationMessage: message,
    showInputBox: (o: { value?: string }) => Promise.resolve(o.value),
  },
  workspace: {
    workspaceFolders: undefined,
    getConfiguration: () => ({ get: () => setting }),
    onDidChangeConfiguration: () => ({ dispose() {} }),
    registerTextDocumentContentProvider: (_: string, p: typeof provider) => {
      provider = p;
      return { dispose() {} };
    },
  },
};

class LanguageClient {
  private child!: ChildProcess;
  private conn!: MessageConnection;
  constructor(
    _id: string,
    _name: string,
    private readonly server: { command: string; args: string[] },
    readonly options: { documentSelector: unknown[] },
  ) {}

  async start(): Promise<void> {
    assert.ok(this.options.documentSelector.length > 0);
    this.child = spawn(this.server.command, this.server.args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.conn = createMessageConnection(new StreamMessageReader(this.child.stdout!), new StreamMessageWriter(this.child.stdin!));
    this.conn.onRequest('workspace/applyEdit', (p) => {
      applied = p;
      waiting?.();
      return { applied: true };
    });
    this.conn.listen();
    await this.conn.sendRequest('initialize', { capabilities: { workspace: { applyEdit: true, workspaceEdit: { documentChanges: true } } } });
    await this.conn.sendNotification('initialized', {});
    await this.conn.sendNotification('textDocument/didOpen', { textDocument: { uri: uri.toString(), languageId: 'dockerfile', version: 1, text: sample } });
  }

  sendRequest(method: string, params: unknown): Promise<unknown> {
    return this.conn.sendRequest(method, params);
  }

  async stop(): Promise<void> {
    await this.conn.sendRequest('shutdown');
    await this.conn.sendNotification('exit');
    await new Promise((resolve) => this.child.on('exit', resolve));
    this.conn.dispose();
  }
}

const modules: Record<string, unknown> = { vscode, 'vscode-languageclient/node': { LanguageClient, TransportKind: { stdio: 0 } } };
const loader = Module as unknown as { _load(request: string, ...rest: unknown[]): unknown };
const load = loader._load;
loader._load = function (request: string, ...rest: unknown[]) {
  return modules[request] ?? load.call(this, request, ...rest);
};

test('the extension', { timeout: 120_000 }, async (t) => {
  const extension = await import('../src/extension.js');
  const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));

  await t.test('says what to do without a binary', async () => {
    setting = '/nonexistent/refit';
    answer = 'Open Settings';
    await extension.activate({ subscriptions: [] } as never);
    assert.match(messages.pop() ?? '', /no program "\/nonexistent\/refit"/);
    assert.deepEqual(executed.pop(), ['workbench.action.openSettings', 'refit.path']);
    await registered.get('refit.fixAllHere')!();
    assert.equal(messages.pop(), 'refit: the server is not running');
  });

  setting = refit();
  answer = undefined;
  await registered.get('refit.restart')!();

  await t.test('registers the commands of its manifest', () => {
    assert.deepEqual([...registered.keys()].sort(), manifest.contributes.commands.map((c: { command: string }) => c.command).sort());
  });

  await t.test('previews a rewrite and applies it', async () => {
    answer = 'Apply';
    const done = new Promise<void>((resolve) => (waiting = resolve));
    await registered.get('refit.previewRewrite')!();
    await done;
    const [command, left, right, title] = executed.pop()!;
    assert.equal(command, 'vscode.diff');
    assert.equal(left, uri);
    assert.equal(title, 'Dockerfile (refit)');
    const text = provider!.provideTextDocumentContent(right);
    assert.match(text, /COPY a \/b\//);
    assert.equal(text.match(/RUN/g)?.length, 1);
    assert.match(messages.pop() ?? '', /^refit: 2 changes, 5 build steps become 4\.$/);
    assert.match(JSON.stringify(applied), /"version":1/);
  });

  await t.test('fixes all', async () => {
    applied = undefined;
    await registered.get('refit.fixAllHere')!();
    assert.match(JSON.stringify(applied), /COPY/);
  });

  await t.test('explains what is reported at the cursor', async () => {
    await registered.get('refit.explainTransform')!();
    const [command, shown] = executed.pop()!;
    assert.equal(command, 'markdown.showPreview');
    assert.match(provider!.provideTextDocumentContent(shown), /^# merge-run/);
  });

  await t.test('asks for a Dockerfile', async () => {
    vscode.window.activeTextEditor.document.languageId = 'plaintext';
    await registered.get('refit.fixAllHere')!();
    assert.equal(messages.pop(), 'refit: open a Dockerfile first');
  });

  await extension.deactivate();
  assert.deepEqual(messages, []);
});
