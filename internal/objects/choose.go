package objects

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/refmon/refmon/winnt"
)

// Choice selects objects of a source. The zero value selects all.
type Choice struct {
	Only    *winnt.ObjectType // of this type; nil: of any
	Type    *winnt.ObjectType // of objects without a type of their own
	Exclude Patterns
	Names   []*Name // only objects with one of these names; nil: with any
	Heads   bool    // only the heads of domains

	// LeftOut gets the path of each object that is not selected, valid during the call. Calls can be concurrent. nil:
	// nothing.
	LeftOut func(path []byte)
}

// Choose returns a source with the objects of s that c selects. The result takes over s: do not read s afterwards. It
// keeps an unreadable object unless c is known to exclude it (U-105).
func Choose(s Source, c Choice) Source { return &chosen{Source: s, choice: c} }

// chosen is a source that skips the objects that its choice excludes.
type chosen struct {
	Source
	choice Choice
}

// Next fills b with all objects of the inner source. Batch.Each then skips those that are not selected, so a batch
// can be empty before the end.
func (c *chosen) Next(b *Batch) error {
	err := c.Source.Next(b)
	b.choice = &c.choice
	return err
}

// Halt stops the goroutines of the inner source, if it has any.
func (c *chosen) Halt() { Halt(c.Source) }

// has reports whether the choice selects an object: by type, path, name and domain head. An object with an unknown
// type passes the test of types. Each of Names counts the objects that it matches. An empty choice selects every
// object.
func (c *Choice) has(o *Object) bool {
	typ := o.Type
	if typ == nil && o.Err == nil {
		typ = c.Type
	}
	if c.Only != nil && typ != nil && typ != c.Only {
		return false
	}
	return !c.Exclude.Above(o.Path) && c.named(o) && (!c.Heads || isHead(string(o.Path), o.Entry))
}

// named reports whether an object has one of the names, and counts it for each name that it has. Without Names it is
// true. An object without a path has no name.
func (c *Choice) named(o *Object) bool {
	any := c.Names == nil
	for _, n := range c.Names {
		any = n.Is(string(o.Path), o.Entry) || any // each name counts what it finds
	}
	return any
}

// Patterns are globs. One without a slash matches the name of an object or of a directory above it. One with a slash
// matches the whole path of either (U-106).
type Patterns []string

// Check returns an error for the first pattern that is empty, not a glob, or has **, which would not cross a slash. nil
// means that all are valid.
func (p Patterns) Check() error {
	for _, glob := range p {
		if _, err := path.Match(glob, ""); err != nil || glob == "" {
			return fmt.Errorf("invalid glob %q: * matches any text within a name, ? one character, [a-z] a range", glob)
		}
		if CrossesFolders(glob) {
			return fmt.Errorf("invalid glob %q: %s", glob, NoCrossing)
		}
	}
	return nil
}

// NoCrossing says what to write instead of a glob that [CrossesFolders].
const NoCrossing = "* matches within one folder, so write a pattern for each level instead of **"

// CrossesFolders reports whether a glob has **, by which people mean any number of folders. A * after a backslash or in
// brackets stands for itself.
func CrossesFolders(glob string) bool {
	return strings.Contains(literals.ReplaceAllString(glob, "."), "**")
}

// literals matches the parts of a glob in which a * has no meaning: a character after a backslash, and a range.
var literals = regexp.MustCompile(`(?s)\\.|\[\^?(\\.|[^\\\]])*\]`)

// Match reports whether a pattern matches a path or its last name. It does not try the directories above. The path
// has slashes. An invalid pattern matches nothing.
func (p Patterns) Match(name string) bool {
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

// Above reports whether a pattern matches a path or one of the directories above it. A path without a slash may have
// backslashes. Without patterns it returns false. The path itself is tried last.
func (p Patterns) Above(name []byte) bool {
	if len(p) == 0 {
		return false
	}
	text := string(name)
	if !strings.Contains(text, "/") {
		text = strings.ReplaceAll(text, `\`, "/")
	}
	for i := 1; i <= len(text); i++ {
		if (i == len(text) || text[i] == '/') && p.Match(text[:i]) {
			return true
		}
	}
	return false
}
