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

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// treeSettings are the keys of one tree.
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
}

// treeConfig is a tree that was checked.
type treeConfig struct {
	hostfs.Config
	name    string
	groups  []uint32 // may search the path
	exposed bool
	mount   string // where it is shown; "" nowhere
	hide    bool   // what its caller may not read is not listed there
	follow  bool   // the host's kernel follows its links there
}

var (
	traverses = map[string]fileaccess.Traverse{"": fileaccess.TraversePrivilege,
		"privilege": fileaccess.TraversePrivilege, "always": fileaccess.TraverseAlways, "never": fileaccess.TraverseNever}
	missings = map[string]hostfs.Missing{"": hostfs.RefuseMissing, "refuse": hostfs.RefuseMissing,
		"synthesise": hostfs.SynthesiseMissing}
	handOuts = map[string]hostfs.HandOut{"": hostfs.HandOutNothing, "none": hostfs.HandOutNothing,
		"read": hostfs.HandOutReads, "write": hostfs.HandOutWrites}
)

// checkTrees turns the settings of trees into what they mean.
func (c *config) checkTrees() error {
	for _, name := range slices.Sorted(maps.Keys(c.Trees)) {
		s := c.Trees[name]
		t, err := s.check(name)
		if err != nil {
			return fmt.Errorf("trees: %s: %w", name, err)
		}
		for _, other := range c.trees {
			// Two trees on the same files would not see each other's opens. F-127
			if within(other.Path, t.Path) || within(t.Path, other.Path) {
				return fmt.Errorf("trees: %s: its path is, contains, or is below that of %s", name, other.name)
			}
		}
		c.trees = append(c.trees, t)
	}
	return nil
}

func within(dir, path string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// check turns the settings of one tree into what they mean.
func (s *treeSettings) check(name string) (t treeConfig, err error) {
	t = treeConfig{name: name, exposed: s.Exposed, mount: s.Mount, hide: s.HideUnreadable,
		follow: s.FollowLinks}
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
	case rest == "" || !slices.Contains([]string{"security", "user", "trusted"}, namespace):
		return t, fmt.Errorf("attribute: %q, want a name such as %s, user.NTACL or trusted.NTACL", s.Attribute, ntacl.Name)
	}
	if t.Policy.Traverse, ok = traverses[s.Traverse]; !ok {
		return t, fmt.Errorf("traverse: %q, want privilege, always or never", s.Traverse)
	}
	if t.Missing, ok = missings[s.Missing]; !ok {
		return t, fmt.Errorf("missing: %q, want refuse or synthesise", s.Missing)
	}
	if t.HandOut, ok = handOuts[s.Descriptors]; !ok {
		return t, fmt.Errorf("descriptors: %q, want none, read or write", s.Descriptors)
	}
	if s.Share != "" {
		if t.Share, err = sddl.Parse(s.Share); err != nil {
			return t, fmt.Errorf("share: %w", err)
		}
	}
	if t.AccessBased && t.Share == nil {
		return t, errors.New("accessBased: it belongs to a share: give the tree one")
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

// permissions returns the bits that a text in octal says; 0 for none.
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

// groupID returns the number of a group, given by that or by name.
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

// servedTree is a tree that is held open.
type servedTree struct {
	*hostfs.Tree
	name string
}

// openTrees holds the directories of a configuration. On an error none is held.
func (s *service) openTrees(cfg *config, log *audit.Log) error {
	for i := range cfg.trees {
		if err := s.openTree(&cfg.trees[i], log); err != nil {
			return fmt.Errorf("trees: %s: %w", cfg.trees[i].name, err)
		}
	}
	return nil
}

func (s *service) openTree(c *treeConfig, log *audit.Log) error {
	c.Accounts = func(id uint32, group bool) sid.SID {
		if group {
			return s.store.GroupSID(id)
		}
		return s.store.UserSID(id)
	}
	t, err := hostfs.Open(c.Config)
	if err != nil {
		return err
	}
	s.trees = append(s.trees, servedTree{t, c.name})
	if _, err := t.HandsOut(); err != nil {
		s.log.Warn("clients get no descriptors of a tree's files, and read by calls", "tree", c.name, "error", err)
	}
	open, err := t.Exposure(c.groups...)
	if err != nil || len(open) == 0 {
		return err
	}
	who := strings.Join(open, "; ")
	if !c.exposed {
		// Who reaches the files without asking is decided by mode bits. F-127
		return fmt.Errorf("its files are reached without refmond: %s: chmod go= a directory on the way, or say exposed: true",
			who)
	}
	s.log.Warn("the files of a tree are reached without refmond", "tree", c.name, "by", who)
	if st := log.Write(audit.ShareExposed(audit.Origin{Names: log.Names}, c.name, c.Path, who)); st != ntstatus.Success {
		return st.Err()
	}
	return nil
}

// addTrees gives the trees their names.
func (s *service) addTrees() error {
	for _, t := range s.trees {
		if err := s.System().AddTree(t.name, t.Tree); err != nil {
			return err
		}
	}
	return nil
}

// closeTrees gives the directories up, after the daemon.
func (s *service) closeTrees() (err error) {
	for _, t := range s.trees {
		err = errors.Join(err, t.Close())
	}
	s.trees = nil
	return err
}
