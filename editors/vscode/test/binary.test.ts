import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { findBinary } from '../src/binary';

test('refit.path', () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'refit-path-'));
  try {
    const bin = path.join(dir, 'bin');
    fs.mkdirSync(path.join(dir, 'refit')); // a folder is no program
    fs.mkdirSync(bin);
    fs.writeFileSync(path.join(bin, 'refit'), '', { mode: 0o755 });
    fs.writeFileSync(path.join(bin, 'plain'), '', { mode: 0o644 });
    fs.writeFileSync(path.join(bin, 'win.exe'), '', { mode: 0o755 });
    const s = { workspaceFolder: dir, home: bin, searchPath: [dir, bin].join(path.delimiter), platform: 'linux' as const };
    const want = path.join(bin, 'refit');
    assert.equal(findBinary('refit', s), want);
    assert.equal(findBinary('', s), want);
    assert.equal(findBinary(want, s), want);
    assert.equal(findBinary('bin/refit', s), want);
    assert.equal(findBinary('./bin/refit', s), want);
    assert.equal(findBinary('${workspaceFolder}/bin/refit', s), want);
    assert.equal(findBinary('~/refit', s), want);
    assert.equal(findBinary('plain', s), undefined);
    assert.equal(findBinary('nonsense', s), undefined);
    assert.equal(findBinary('/nonexistent/refit', s), undefined);
    assert.equal(findBinary('win', { ...s, platform: 'win32' }), path.join(bin, 'win.exe'));
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
});
