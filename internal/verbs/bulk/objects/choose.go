package objects

import (
	"bytes"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/winnt"
)

// Choice says which objects of a source a run is about. The zero value chooses all.
type Choice struct {
	Only    *winnt.ObjectType // of this type; nil: of any
	Type    *winnt.ObjectType // of objects that do not tell theirs
	Exclude Patterns
}

// Choose leaves out of a source what is not chosen. What cannot be read is left out only
// where it is known not to be chosen (U-105).
func Choose(s Source, c Choice) Source { return &chosen{Source: s, choice: c} }

// chosen is a source of which some objects are left out.
type chosen struct {
	Source
	choice Choice
}

// Next fills b, whose objects are chosen when they are read.
func (c *chosen) Next(b *Batch) error {
	err := c.Source.Next(b)
	b.choice = &c.choice
	return err
}

// has reports whether an object is chosen.
func (c *Choice) has(o *Object) bool {
	typ := o.Type
	if typ == nil && o.Err == nil {
		typ = c.Type
	}
	if c.Only != nil && typ != nil && typ != c.Only {
		return false
	}
	return !c.Exclude.above(o.Path)
}

// Patterns are globs: one without a slash is about the name of an object or of a
// directory above it, one with a slash about the whole path of either (U-106).
type Patterns []string

// Check finds a pattern that is no glob.
func (p Patterns) Check() error {
	for _, glob := range p {
		if _, err := path.Match(glob, ""); err != nil || glob == "" {
			return fmt.Errorf("glob %q: * stands for any text within a name, ? for one character, [a-z] for a range", glob)
		}
	}
	return nil
}

// match reports whether a pattern is about what a path names itself.
func (p Patterns) match(name string) bool {
	for _, glob := range p {
		at := name
		if !strings.Contains(glob, "/") {
			at = path.Base(name)
		}
		if ok, err := path.Match(glob, at); ok && err == nil {
			return true
		}
	}
	return false
}

// above reports whether a pattern is about a path or what lies above it.
func (p Patterns) above(name []byte) bool {
	if len(p) == 0 {
		return false
	}
	text := string(name)
	if !strings.Contains(text, "/") {
		text = strings.ReplaceAll(text, `\`, "/")
	}
	for i := 1; i <= len(text); i++ {
		if (i == len(text) || text[i] == '/') && p.match(text[:i]) {
			return true
		}
	}
	return false
}

// pruned is a tree of which a walk does not see all.
type pruned struct {
	ntacl.Tree
	root    string
	depth   int // levels below root that are visited; 0: all
	exclude Patterns
}

// List gives the children of a directory that are to be visited.
func (t pruned) List(dir string) ([]ntacl.Entry, error) {
	if t.depth > 0 && t.level(dir) >= t.depth {
		return nil, nil
	}
	list, err := t.Tree.List(dir)
	kept := list[:0]
	for _, e := range list {
		if !t.exclude.match(filepath.ToSlash(t.Join(dir, e.Name))) {
			kept = append(kept, e)
		}
	}
	return kept, err
}

// level tells how far a directory of the walk is below its root.
func (t pruned) level(dir string) int {
	below := bytes.Trim([]byte(filepath.ToSlash(strings.TrimPrefix(dir, t.root))), "/")
	if len(below) == 0 {
		return 0
	}
	return 1 + bytes.Count(below, []byte("/"))
}
