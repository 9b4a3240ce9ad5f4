package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/beneath"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// fileFlags describe the tree that a file is in: where its descriptors are, and its policies. Their words are those
// of refmond mount.
type fileFlags struct {
	As          string `help:"${whyAs}" placeholder:"USER"`
	Tree        string `help:"${whyTree}" placeholder:"DIR"`
	Attribute   string `default:"security.NTACL" help:"${whyAttribute}" placeholder:"NAME"`
	Missing     string `default:"refuse" help:"${whyMissing}" enum:"refuse,synthesise" placeholder:"POLICY"`
	Traverse    string `default:"" help:"${whyTraverse}" enum:",privilege,always,never" placeholder:"POLICY"`
	IgnorePosix bool   `help:"With --as: the server ignores the system's permissions."`
}

// traverses are the policies of refmond's key traverse.
var traverses = map[string]fileaccess.Traverse{"": fileaccess.TraversePrivilege,
	"privilege": fileaccess.TraversePrivilege,
	"always":    fileaccess.TraverseAlways, "never": fileaccess.TraverseNever}

// stored is one file or directory of a tree with its descriptor.
type stored struct {
	path       string
	directory  bool
	attributes fileaccess.Attributes
	descriptor *sd.Descriptor // nil grants nothing
	cause      error          // why the stored descriptor is invalid; nil: it is valid or missing
	unread     error          // why the descriptor of this directory is not known; nil: it is
}

// chain returns a file and the directories above it, from the root of its tree down. It reads them through a mount if
// the file is in one. A link in the folders is followed. A link at the end is an error.
func (f *fileFlags) chain(path string) ([]stored, error) {
	whole, at, err := mounted(path)
	if err != nil {
		return nil, err
	}
	switch info, err := os.Lstat(whole); {
	case err == nil && info.Mode()&fs.ModeSymlink != 0:
		// A mount that follows links shows the descriptor of the target, which the folder of the link does not hold
		// (B-24).
		return nil, fmt.Errorf("%s: it is a symbolic link: give the path of its target", inLine(whole))
	case at != "":
		return f.mountedChain(at, whole)
	case f.Missing == "synthesise" && f.Tree == "" && f.policy() == fileaccess.TraverseAlways:
		return nil, errors.New("--missing synthesise: give --tree DIR, the directory that refmond serves, because every " +
			"directory has a descriptor then, and those above DIR do not decide")
	}
	return f.storedChain(whole, f.Tree)
}

// policy returns the policy of --traverse, or its default.
func (f *fileFlags) policy() fileaccess.Traverse {
	if f.Traverse == "" && f.Missing == "synthesise" {
		return fileaccess.TraverseAlways // as refmond does (F-115)
	}
	return traverses[f.Traverse]
}

// mounted returns the path of a file, as [beneath.Resolve] does, and the directory of the mount of refmond that shows
// it, "" if none does.
func mounted(path string) (whole, at string, err error) {
	if whole, err = beneath.Resolve(path); err != nil {
		return "", "", err
	}
	return whole, mountAbove(whole), nil
}

// underMount returns the error of a command that reads or writes the attributes below the mount of refmond on at.
func underMount(at string) error {
	return fmt.Errorf("the mount of refmond on %s covers it: give the path of its tree, or unmount it", inLine(at))
}

// storedChain reads the stored descriptors from the topmost directory down to the file whole. root is the tree's
// directory. With root "", the list begins below the first parent that is unreadable or has no descriptor. A whole
// outside root, a missing file and an unreadable directory below root are errors.
func (f *fileFlags) storedChain(whole, root string) (list []stored, err error) {
	if root != "" {
		if root, err = beneath.Resolve(root + "/."); err != nil {
			return nil, err
		}
		if _, below := below(root, whole); !below {
			return nil, fmt.Errorf("--tree %s: %s is not below it", inLine(root), inLine(whole))
		}
	}
	for at := whole; ; at = filepath.Dir(at) {
		s, err := f.read(at)
		switch {
		case errors.Is(err, fs.ErrNotExist) && at == whole:
			return nil, fmt.Errorf("%w: ask whether a user may create it with refmon why %s --as %s --want "+
				"FILE_ADD_FILE", err, inLine(filepath.Dir(at)), inLine(f.As))
		case err != nil && (root != "" || at == whole):
			return nil, err
		case err != nil || root == "" && at != whole && s.descriptor == nil && s.cause == nil:
			return list, nil
		}
		list = append([]stored{s}, list...)
		if at == root || at == filepath.Dir(at) {
			return list, nil
		}
	}
}

// read reads the descriptor and attributes that one file has stored. cause says why a stored descriptor is invalid.
// A file that cannot be opened is an error.
func (f *fileFlags) read(path string) (stored, error) {
	c := hostfs.Config{Attribute: f.Attribute, IgnorePosix: f.IgnorePosix}
	if f.Missing == "synthesise" {
		c.Missing = hostfs.SynthesiseMissing
	}
	o, err := hostfs.OpenOffline(path, c)
	if err != nil {
		return stored{}, err
	}
	defer o.Close()
	return stored{path: path, directory: o.Directory(), attributes: o.Attributes(), descriptor: o.Descriptor(),
		cause: o.Cause()}, nil
}

// mountedChain reads the descriptors of a file and its directories on a mount. With CAP_SYS_ADMIN it reads the tree
// below the mount. If that fails, it asks the mount, which requires READ_CONTROL. A refused directory is marked
// unread, because the decision may not need it. A refused or missing file is an error.
func (f *fileFlags) mountedChain(at, whole string) (list []stored, err error) {
	failed := uncovered(at, func() error {
		list, err = f.storedChain(whole, at)
		return err
	})
	if failed == nil {
		return list, nil // the mount is over the tree itself
	}
	names, _ := below(at, whole)
	for i := range len(names) + 1 {
		path := filepath.Join(at, filepath.Join(names[:i]...))
		d, err := readMounted(path)
		if errors.Is(err, fs.ErrPermission) {
			err = fmt.Errorf("%w: you may not read this descriptor (READ_CONTROL): ask as its owner, or as root "+
				"with the path of the file in the tree itself", err)
			if i < len(names) {
				list = append(list, stored{path: path, directory: true, unread: err})
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return nil, err
		}
		list = append(list, stored{path: path, directory: info.IsDir(), descriptor: d})
	}
	return list, nil
}

// complete checks whether unread descriptors of directories could change the decision. If r needs traverse rights, an
// unread directory below the root is an error. An unread parent of the file sets facts.Parent to nil, and is an error
// if it could change the decision (B-24).
func complete(list []stored, r *fileaccess.Request, facts *fileaccess.Facts) error {
	walks := facts.Policy.Traverse == fileaccess.TraverseAlways ||
		facts.Policy.Traverse == fileaccess.TraversePrivilege &&
			!r.Subject.Effective().Has(winnt.SeChangeNotifyPrivilege)
	for i := range list {
		if list[i].unread != nil && i > 0 && walks {
			return list[i].unread // the root of the tree is not traversed
		}
	}
	if len(list) < 2 || list[len(list)-2].unread == nil {
		return nil
	}
	unlimited := *facts
	unlimited.Parent = &fileaccess.Directory{Name: facts.Parent.Name, Descriptor: sd.NoSecurity}
	facts.Parent = nil
	without, with := accessquery.ExplainOpen(r, facts), accessquery.ExplainOpen(r, &unlimited)
	if without.Status() != with.Status() || without.Granted != with.Granted {
		return list[len(list)-2].unread
	}
	return nil
}

// below returns the names of a path below a directory; none for the directory itself. ok is false for a path elsewhere.
func below(dir, path string) (names []string, ok bool) {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(dir, "/")+"/")
	if !ok {
		return nil, path == dir
	}
	return strings.FieldsFunc(rest, func(r rune) bool { return r == '/' }), true
}

// opening converts a file and its directories into an open for the decision: the request, and the facts that decide
// it. list goes from the root of the tree to the file. A list of one file has no parent; an empty one panics.
func (f *fileFlags) opening(list []stored, subject access.Subject, want winnt.AccessMask) (r fileaccess.Request,
	facts fileaccess.Facts) {
	last := list[len(list)-1]
	facts.Policy.Traverse = f.policy()
	facts.Object = fileaccess.Object{Exists: true, IsDirectory: last.directory, Attributes: last.attributes,
		Descriptor: last.descriptor}
	var names []string
	for i, s := range list {
		if i > 0 {
			names = append(names, filepath.Base(s.path))
		}
		if i > 0 && i < len(list)-1 {
			facts.Path = append(facts.Path, fileaccess.Component{Name: s.path, Descriptor: s.descriptor, Exists: true,
				IsDirectory: true})
		}
	}
	if n := len(list); n > 1 {
		facts.Parent = &fileaccess.Directory{Name: list[n-2].path, Descriptor: list[n-2].descriptor}
	}
	return fileaccess.Request{Subject: subject, Desired: want, Disposition: fileaccess.FileOpen,
		Options: fileaccess.OpenReparsePoint, Name: strings.Join(names, `\`)}, facts
}
