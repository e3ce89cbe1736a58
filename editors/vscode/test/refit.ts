import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

/** The extension's folder; tests run from out/test. */
export const root = path.resolve(__dirname, '..', '..');

let built: string | undefined;

/** The refit binary: $REFIT, or one built from this repository. */
export function refit(): string {
  if (process.env.REFIT) {
    return process.env.REFIT;
  }
  if (!built) {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'refit-vscode-'));
    process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }));
    const exe = path.join(dir, process.platform === 'win32' ? 'refit.exe' : 'refit');
    execFileSync('go', ['build', '-o', exe, './cmd/refit'], { cwd: path.resolve(root, '..', '..'), stdio: 'inherit' });
    built = exe;
  }
  return built;
}

export const sample = `from debian:12-slim as base
# a whale: 🐳
RUN   echo one
RUN echo two  && echo 日本
ADD a /b/
CMD ["python3","/app.py"]
`;

export const formatted = `FROM debian:12-slim AS base
# a whale: 🐳
RUN echo one
RUN echo two \\
    && echo 日本
ADD a /b/
CMD ["python3", "/app.py"]
`;
