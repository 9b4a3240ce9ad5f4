package mutants

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// modules are the folders of the repository's modules: the root, the daemons and the recorder.
var modules = []string{".", "server", "record"}

// moduleOf returns the module that a folder is in, and the folder in it.
func moduleOf(folder string) (module, rel string) {
	for _, module := range modules {
		if rel, ok := strings.CutPrefix(folder, module+"/"); ok {
			return module, rel
		}
	}
	return ".", folder
}

// A place is where the go command finds a mutant: in an overlay of the root, or in
// a copy of it.
type place struct {
	root    string // the folder of the root module
	overlay string // the JSON that the go command wants; "" in a copy, and where nothing is seeded
	long    bool   // the tests run without -short, which leaves out those that build C
}

// seed applies a mutant in a folder of its own. Changed Go files are in an overlay of the go command. For C and
// Python, which programs read without the go command, seed copies the tree.
func (r *Runner) seed(f Mutant, dir string) (place, error) {
	root, err := filepath.Abs(r.Root)
	if err != nil {
		return place{}, err
	}
	name, changed, err := f.Apply(root)
	if err != nil {
		return place{}, err
	}
	if filepath.Ext(name) != ".go" {
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return place{}, err
		}
		to := filepath.Join(dir, "copy")
		at := place{root: to, long: filepath.Ext(name) != ".py"}
		return at, errors.Join(copyTree(root, to), os.WriteFile(filepath.Join(to, rel), changed, 0o600))
	}
	replacement := filepath.Join(dir, "mutant.go")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {name: replacement}})
	if err != nil {
		return place{}, err
	}
	at := place{root: r.Root, overlay: filepath.Join(dir, "overlay.json")}
	return at, errors.Join(os.WriteFile(replacement, changed, 0o600), os.WriteFile(at.overlay, list, 0o600))
}

// copyTree copies the files and links of a tree, except its .git folder.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(name string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.Name() == ".git":
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil // of a work tree
		case d.IsDir():
			return os.MkdirAll(target, 0o700)
		case d.Type()&os.ModeSymlink != 0:
			link, err := os.Readlink(name)
			return errors.Join(err, os.Symlink(link, target))
		case !d.Type().IsRegular():
			return nil
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		info, err := d.Info()
		return errors.Join(err, os.WriteFile(target, b, info.Mode().Perm()))
	})
}
