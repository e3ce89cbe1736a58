import * as fs from 'node:fs';
import * as path from 'node:path';

/** Where a binary is looked up. */
export interface Surroundings {
  workspaceFolder?: string;
  home: string;
  searchPath: string; // the variable PATH
  platform: NodeJS.Platform;
}

/**
 * Returns the file that the setting refit.path names: an absolute path, a path
 * relative to the workspace folder, or a name that is looked up in PATH.
 * Undefined if there is no such file.
 */
export function findBinary(setting: string, s: Surroundings): string | undefined {
  let name = setting.trim() || 'refit';
  if (s.workspaceFolder) {
    name = name.replaceAll('${workspaceFolder}', s.workspaceFolder);
  }
  if (name === '~' || name.startsWith('~/') || name.startsWith('~\\')) {
    name = path.join(s.home, name.slice(1));
  }
  const dirs = /[\\/]/.test(name)
    ? [path.isAbsolute(name) ? '' : s.workspaceFolder ?? '.']
    : s.searchPath.split(path.delimiter).filter((d) => d !== '');
  const endings = s.platform === 'win32' && path.extname(name) === '' ? ['.exe', '.cmd', '.bat'] : [''];
  for (const dir of dirs) {
    for (const ending of endings) {
      const file = path.join(dir, name + ending);
      if (isExecutable(file, s.platform)) {
        return file;
      }
    }
  }
  return undefined;
}

function isExecutable(file: string, platform: NodeJS.Platform): boolean {
  try {
    if (!fs.statSync(file).isFile()) {
      return false;
    }
    fs.accessSync(file, platform === 'win32' ? fs.constants.F_OK : fs.constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
