package facts

import (
	"io/fs"
	"os"
)

// DirFS is a directory as a file system for NewContext. Symbolic links are
// followed within the directory only. Nothing stays open between calls, so that
// there may be thousands of them.
func DirFS(dir string) fs.FS { return dirFS(dir) }

type dirFS string

// open runs f on the opened directory.
func (d dirFS) open(f func(fs.ReadLinkFS) error) error {
	root, err := os.OpenRoot(string(d))
	if err != nil {
		return err
	}
	defer root.Close()
	return f(root.FS().(fs.ReadLinkFS))
}

func (d dirFS) Open(name string) (file fs.File, err error) {
	err = d.open(func(fsys fs.ReadLinkFS) error { file, err = fsys.Open(name); return err })
	return file, err
}

func (d dirFS) Stat(name string) (info fs.FileInfo, err error) {
	err = d.open(func(fsys fs.ReadLinkFS) error { info, err = fs.Stat(fsys, name); return err })
	return info, err
}

func (d dirFS) Lstat(name string) (info fs.FileInfo, err error) {
	err = d.open(func(fsys fs.ReadLinkFS) error { info, err = fsys.Lstat(name); return err })
	return info, err
}

func (d dirFS) ReadLink(name string) (target string, err error) {
	err = d.open(func(fsys fs.ReadLinkFS) error { target, err = fsys.ReadLink(name); return err })
	return target, err
}
