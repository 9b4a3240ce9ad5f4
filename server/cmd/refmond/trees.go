package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/objects/shares"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/mount"
	"github.com/refmon/refmon/sid"
)

// treeSettings has the configuration keys of one tree.
type treeSettings struct {
	Path            string `json:"path"`
	Attribute       string `json:"attribute"`
	Share           string `json:"share"`
	Traverse        string `json:"traverse"`
	Missing         string `json:"missing"`
	IgnorePosix     bool   `json:"ignorePosix"`
	CaseInsensitive bool   `json:"caseInsensitive"`
	AccessBased     bool   `json:"accessBased"`
	FileMode        string `json:"fileMode"`
	DirectoryMode   string `json:"directoryMode"`
	Group           string `json:"group"`
	Descriptors     string `json:"descriptors"`
	Exposed         bool   `json:"exposed"`
	Mount           string `json:"mount"`
	HideUnreadable  bool   `json:"hideUnreadable"`
	FollowLinks     bool   `json:"followLinks"`
	Mode            string `json:"mode"`
	ListDescriptors bool   `json:"listDescriptors"`
	Backup          string `json:"backup"`
}

// treeConfig is the validated configuration of a tree.
type treeConfig struct {
	hostfs.Config
	name    string
	groups  []uint32 // groups that may search the path
	exposed bool
	mount   string // mount point; "": not mounted
	hide    bool   // the mount does not list files that the caller may not read
	follow  bool   // the host's kernel follows symbolic links in the mount
	modes   mount.ModePolicy
	listed  bool   // the mount lists descriptors as user attributes
	backup  string // mount point for backup; "": not mounted for backup
}

var (
	traverses = map[string]fileaccess.Traverse{"privilege": fileaccess.TraversePrivilege,
		"always": fileaccess.TraverseAlways, "never": fileaccess.TraverseNever}
	missings = map[string]hostfs.Missing{"": hostfs.RefuseMissing, "refuse": hostfs.RefuseMissing,
		"synthesise": hostfs.SynthesiseMissing}
	handOuts = map[string]hostfs.HandOut{"": hostfs.HandOutNothing, "none": hostfs.HandOutNothing,
		"read": hostfs.HandOutReads, "write": hostfs.HandOutWrites}
)

// checkTrees validates the settings of all trees, sorted by name, and appends them to c.trees. Trees that contain
// each other are an error, and so is a mount over files of refmond or over the mount of an earlier tree. It ends at the
// first error. It opens no directory.
func (c *config) checkTrees() error {
	if err := oneSpelling(c.Trees, strings.EqualFold); err != nil {
		return fmt.Errorf("trees: %w", err)
	}
	// The links on the way to each directory are read once: the number of pairs is the square of that of trees.
	var trees []places
	var mounts []mountPoint
	for _, name := range slices.Sorted(maps.Keys(c.Trees)) {
		s := c.Trees[name]
		switch strings.ToUpper(name) { // the kernel has these names in \GLOBAL?? and \Device
		case "PIPE", "NAMEDPIPE", "NUL", "NULL", "GLOBALROOT":
			return fmt.Errorf("trees: %s: a device has this name: choose another", name)
		}
		t, err := s.check(name)
		if err != nil {
			return fmt.Errorf("trees: %s: %w", name, err)
		}
		at := placesOf(t.Path)
		for i, other := range trees {
			// Two trees with the same files would not know about each other's opens (F-127).
			if other.contain(at) || at.contain(other) {
				return fmt.Errorf("trees: %s: its path is, contains, or is below that of %s", name, c.trees[i].name)
			}
		}
		// Users with rights in a tree could replace refmond's own files there (L-76).
		if err := c.checkOutside(t.Path, "contains"); err != nil {
			return fmt.Errorf("trees: %s: path: %w", name, err)
		}
		for _, m := range []struct{ key, dir string }{{"mount", t.mount}, {"backup", t.backup}} {
			if m.dir == "" {
				continue
			}
			point := mountPoint{name, m.dir, placesOf(m.dir)}
			if err := c.checkCover(&point, mounts); err != nil {
				return fmt.Errorf("trees: %s: %s: %w", name, m.key, err)
			}
			mounts = append(mounts, point)
		}
		c.trees, trees = append(c.trees, t), append(trees, at)
	}
	return nil
}

// traverse returns the key traverse, or its default.
func (s *treeSettings) traverse() string {
	if s.Traverse == "" && s.Missing == "synthesise" {
		// A mode that closes a directory also closes the files below it, which no privilege passes (F-115).
		return "always"
	}
	return cmp.Or(s.Traverse, "privilege")
}

// check converts a tree's settings to its configuration, with defaults. check returns an error that names the first
// wrong setting; t is then partly set. The tree is not opened. An empty attribute becomes ntacl.Name. backup must be
// outside the tree and its mount, accessBased needs a share, and the keys of mountKey need a mount.
func (s *treeSettings) check(name string) (t treeConfig, err error) {
	t = treeConfig{name: name, exposed: s.Exposed, mount: cleanPath(s.Mount), hide: s.HideUnreadable,
		follow: s.FollowLinks, listed: s.ListDescriptors, backup: cleanPath(s.Backup)}
	t.Path, t.Attribute = filepath.Clean(s.Path), cmp.Or(s.Attribute, ntacl.Name)
	t.IgnorePosix, t.CaseInsensitive, t.AccessBased = s.IgnorePosix, s.CaseInsensitive, s.AccessBased
	var ok bool
	switch namespace, rest, _ := strings.Cut(t.Attribute, "."); {
	case name == "" || strings.ContainsAny(name, `\/:*?"<>|`):
		return t, errors.New("a name has no \\ / : * ? \" < > |")
	case !filepath.IsAbs(s.Path):
		return t, fmt.Errorf("path: %q, want one that begins with /", s.Path)
	case s.Mount != "" && !filepath.IsAbs(s.Mount):
		return t, fmt.Errorf("mount: %q, want one that begins with /", s.Mount)
	case t.mount != "" && covers(t.mount, t.Path):
		return t, fmt.Errorf("mount: %w", coverError(t.mount, t.Path))
	case s.Mount == "" && s.mountKey() != "":
		return t, fmt.Errorf("%s: it needs a mount: set the key mount of the tree", s.mountKey())
	case s.Backup != "" && !filepath.IsAbs(s.Backup):
		return t, fmt.Errorf("backup: %q, want one that begins with /", s.Backup)
	case t.backup != "" && (contains(t.Path, t.backup) ||
		t.mount != "" && (contains(t.mount, t.backup) || contains(t.backup, t.mount))):
		return t, fmt.Errorf("backup: %q is in the tree or in its mount, or contains the mount: want a directory elsewhere",
			s.Backup)
	case t.backup != "" && covers(t.backup, t.Path): // the path itself was refused before
		return t, fmt.Errorf("backup: %w", coverError(t.backup, t.Path))
	case rest == "" || !slices.Contains([]string{"security", "user", "trusted"}, namespace):
		return t, fmt.Errorf("attribute: %q, want a name such as %s, user.NTACL or trusted.NTACL", s.Attribute, ntacl.Name)
	}
	if t.Policy.Traverse, ok = traverses[s.traverse()]; !ok {
		return t, fmt.Errorf("traverse: %q, want privilege, always or never", s.Traverse)
	}
	if t.Missing, ok = missings[s.Missing]; !ok {
		return t, fmt.Errorf("missing: %q, want refuse or synthesise", s.Missing)
	}
	if t.modes, err = mount.ParseModePolicy(s.Mode); err != nil {
		return t, err
	}
	if t.HandOut, ok = handOuts[s.Descriptors]; !ok {
		return t, fmt.Errorf("descriptors: %q, want none, read or write", s.Descriptors)
	}
	if s.Share != "" {
		if t.Share, err = shares.ParseDescriptor(s.Share); err != nil {
			return t, fmt.Errorf("share: %w", err)
		}
	}
	if t.AccessBased && t.Share == nil {
		return t, errors.New("accessBased: it needs a share: set the key share of the tree")
	}
	if t.FileMode, err = permissions(s.FileMode); err != nil {
		return t, fmt.Errorf("fileMode: %w", err)
	}
	if t.DirectoryMode, err = permissions(s.DirectoryMode); err != nil {
		return t, fmt.Errorf("directoryMode: %w", err)
	}
	if s.Group != "" {
		gid, err := groupID(s.Group)
		if err != nil {
			return t, fmt.Errorf("group: %w", err)
		}
		t.groups = []uint32{gid}
	}
	return t, nil
}

// cleanPath returns a path without a slash at its end, repeated slashes and dots, and "" for "".
func cleanPath(path string) string {
	if path == "" {
		return ""
	}
	return filepath.Clean(path)
}

// permissions parses octal permission bits up to 777. It returns 0 for "", and an error for any other text. Bits above
// 777 are an error, so that there are no set-uid bits.
func permissions(text string) (uint32, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n > 0o777 {
		return 0, fmt.Errorf("%q, want permissions such as '0600'", text)
	}
	return uint32(n), nil
}

// groupID returns the gid of a number or of a group name, which it looks up. An unknown name is an error. A number
// need not belong to a group.
func groupID(name string) (uint32, error) {
	n, err := strconv.ParseUint(name, 10, 32)
	if err != nil {
		g, err := user.LookupGroup(name)
		if err != nil {
			return 0, err
		}
		if n, err = strconv.ParseUint(g.Gid, 10, 32); err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
	}
	return uint32(n), nil
}

// servedTree is an open tree with its configured name.
type servedTree struct {
	*hostfs.Tree
	name string
}

// openTrees opens the directories of all trees. After an error the caller closes those already open. A stale mount that
// cannot be removed is an error before any is opened.
func (s *service) openTrees(cfg *config, log *audit.Log) error {
	if err := removeStale(cfg.trees); err != nil {
		return err
	}
	for i := range cfg.trees {
		if err := s.openTree(&cfg.trees[i], log); err != nil {
			return fmt.Errorf("trees: %s: %w", cfg.trees[i].name, adviseTrees(err))
		}
	}
	return nil
}

// adviseTrees adds advice to the error of a system without openat2, and returns other errors unchanged.
func adviseTrees(err error) error {
	if errors.Is(err, unix.ENOSYS) {
		// RestrictSUIDSGID of the unit forbids openat2, except with the drop-in.
		return fmt.Errorf("%w: install the drop-in refmond-trees.conf for refmond's systemd unit; "+
			"without that unit the kernel is older than Linux 5.6, or a filter forbids the call", err)
	}
	return err
}

// checkUncovered returns an error if a tree's path lies in a mount of refmond. The tree would have only the files that
// this mount shows to our process, and descriptors that it may not read (M-39).
func checkUncovered(path string) error {
	at := mount.Showing(path)
	if at == "" {
		return nil
	}
	return fmt.Errorf("%s is in the mount of refmond on %s: name a path to the files below that mount, such as a bind "+
		"mount that was made before it in a directory that only root can enter", path, at)
}

// openTree opens one tree and adds it to s.trees. If users can reach the files without refmond, that is an error unless
// the configuration says exposed. An exposed tree is recorded in the audit log; a failure to store the record is an
// error. A tree that hands out no descriptors is only logged. After an error an opened tree stays in s.trees, for the
// caller to close.
func (s *service) openTree(c *treeConfig, log *audit.Log) error {
	c.Accounts = func(id uint32, group bool) sid.SID {
		if group {
			return s.store.GroupSID(id)
		}
		return s.store.UserSID(id)
	}
	c.Unbelieved = logUnbelieved(s.log, c.name)
	if err := checkUncovered(c.Path); err != nil {
		return err
	}
	t, err := hostfs.Open(c.Config)
	if err != nil {
		return err
	}
	s.trees = append(s.trees, servedTree{t, c.name})
	if _, err := t.HandsOut(); err != nil {
		s.log.Warn("clients get no file descriptors of a tree and use slower calls", "tree", c.name, "error", err)
	}
	open, err := t.Exposure(c.groups...)
	if err != nil || len(open) == 0 {
		return err
	}
	who := strings.Join(open, "; ")
	if !c.exposed {
		// Users who bypass refmond are checked by mode bits only (F-127).
		return fmt.Errorf("users can reach its files without refmond: %s: run chmod go= %s; refmon acl repair --rehash %s, "+
			"or chmod go= a directory above it (which closes a mount below that directory too), or set exposed: true",
			who, c.Path, c.Path)
	}
	s.log.Warn("users can reach the files of a tree without refmond", "tree", c.name, "by", who)
	if st := log.Write(audit.ShareExposed(audit.Origin{Names: log.Names}, c.name, c.Path, who)); st != ntstatus.Success {
		return st.Err()
	}
	return nil
}

// addTrees adds the trees to the kernel by name. It stops at the first error.
func (s *service) addTrees() error {
	for _, t := range s.trees {
		if err := s.System().AddTree(t.name, t.Tree); err != nil {
			return err
		}
	}
	return nil
}

// closeTrees closes the directories. Call it after the daemon has ended. A tree with open files is an error.
func (s *service) closeTrees() (err error) {
	for _, t := range s.trees {
		err = errors.Join(err, t.Close())
	}
	s.trees = nil
	return err
}
