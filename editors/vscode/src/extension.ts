import * as os from 'node:os';
import * as vscode from 'vscode';
import { LanguageClient, type LanguageClientOptions, type ServerOptions, TransportKind } from 'vscode-languageclient/node';
import { findBinary } from './binary';

/** What the server's command refit.preview returns. */
interface Preview {
  version: number;
  text: string;
  changes: string[];
  grade: string;
  stepsBefore: number;
  stepsAfter: number;
}

const scheme = 'refit';
let client: LanguageClient | undefined;

/** Texts that are shown and are on no disk: previews and explanations. */
class Texts implements vscode.TextDocumentContentProvider {
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;

  set(uri: vscode.Uri, text: string): void {
    this.texts.set(uri.toString(), text);
    this.changed.fire(uri);
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? '';
  }
}

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const texts = new Texts();
  const command = (name: string, run: () => Promise<void>) =>
    context.subscriptions.push(vscode.commands.registerCommand(name, () => run().catch(report)));
  context.subscriptions.push(vscode.workspace.registerTextDocumentContentProvider(scheme, texts));
  command('refit.fixAllHere', () => fixAll(false));
  command('refit.previewRewrite', () => preview(texts, false));
  command('refit.previewRewriteUnsafe', () => preview(texts, true));
  command('refit.explainTransform', () => explain(texts));
  command('refit.restart', restart);
  context.subscriptions.push(
    vscode.workspace.onDidChangeConfiguration((e) => {
      if (e.affectsConfiguration('refit.path')) {
        restart().catch(report);
      }
    }),
  );
  await start();
}

export async function deactivate(): Promise<void> {
  await stop();
}

async function start(): Promise<void> {
  const setting = vscode.workspace.getConfiguration('refit').get<string>('path') ?? 'refit';
  const binary = findBinary(setting, {
    workspaceFolder: vscode.workspace.workspaceFolders?.[0]?.uri.fsPath,
    home: os.homedir(),
    searchPath: process.env.PATH ?? '',
    platform: process.platform,
  });
  if (!binary) {
    const choice = await vscode.window.showErrorMessage(
      `refit: there is no program ${JSON.stringify(setting)}. Install refit, or set refit.path to where it is.`,
      'Open Settings',
    );
    if (choice) {
      await vscode.commands.executeCommand('workbench.action.openSettings', 'refit.path');
    }
    return;
  }
  const server: ServerOptions = { command: binary, args: ['lsp'], transport: TransportKind.stdio };
  const options: LanguageClientOptions = {
    documentSelector: [
      { language: 'dockerfile', scheme: 'file' },
      { language: 'dockerfile', scheme: 'untitled' },
    ],
  };
  client = new LanguageClient('refit', 'refit', server, options);
  await client.start();
}

async function stop(): Promise<void> {
  const old = client;
  client = undefined;
  await old?.stop();
}

async function restart(): Promise<void> {
  await stop();
  await start();
}

function report(err: unknown): void {
  void vscode.window.showErrorMessage(`refit: ${err instanceof Error ? err.message : String(err)}`);
}

/** Runs a command of the server. */
function ask<T>(command: string, argument: object): Promise<T> {
  if (!client) {
    throw new Error('the server is not running');
  }
  return client.sendRequest<T>('workspace/executeCommand', { command, arguments: [argument] });
}

/** The Dockerfile in front of the user. */
function current(): vscode.TextDocument {
  const doc = vscode.window.activeTextEditor?.document;
  if (doc?.languageId !== 'dockerfile') {
    throw new Error('open a Dockerfile first');
  }
  return doc;
}

async function fixAll(unsafe: boolean): Promise<void> {
  await ask('refit.fixAll', { uri: current().uri.toString(), unsafe });
}

/** Shows what a rewrite would change as a diff, and offers to make it. */
async function preview(texts: Texts, unsafe: boolean): Promise<void> {
  const doc = current();
  const uri = doc.uri.toString();
  const result = await ask<Preview>('refit.preview', { uri, unsafe });
  if (result.changes.length === 0) {
    void vscode.window.showInformationMessage('refit: nothing to change.');
    return;
  }
  const shown = vscode.Uri.from({ scheme, path: doc.uri.path, query: unsafe ? 'unsafe' : 'safe' });
  texts.set(shown, result.text);
  const name = doc.uri.path.slice(doc.uri.path.lastIndexOf('/') + 1);
  await vscode.commands.executeCommand('vscode.diff', doc.uri, shown, `${name} (refit)`);
  const n = result.changes.length;
  const choice = await vscode.window.showInformationMessage(
    `refit: ${n} ${n === 1 ? 'change' : 'changes'}, ${result.stepsBefore} build steps become ${result.stepsAfter}.`,
    'Apply',
  );
  if (choice === 'Apply') {
    await ask('refit.fixAll', { uri, unsafe });
  }
}

async function explain(texts: Texts): Promise<void> {
  const name = await vscode.window.showInputBox({
    prompt: 'The name of a transform, or a code such as DL3059',
    value: codeAtCursor(),
  });
  if (!name) {
    return;
  }
  const text = await ask<string>('refit.explain', { name });
  const uri = vscode.Uri.from({ scheme, path: `/${name}.md` });
  texts.set(uri, text);
  await vscode.commands.executeCommand('markdown.showPreview', uri);
}

/** The transform that reports something at the cursor. */
function codeAtCursor(): string | undefined {
  const editor = vscode.window.activeTextEditor;
  if (!editor) {
    return undefined;
  }
  for (const d of vscode.languages.getDiagnostics(editor.document.uri)) {
    if (d.source === 'refit' && d.range.contains(editor.selection.active)) {
      const code = typeof d.code === 'object' ? d.code.value : d.code;
      return code === undefined ? undefined : String(code);
    }
  }
  return undefined;
}
