package words

import (
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// Part is one element of a right: a mask, and the object type that it is about, as a chain of GUIDs from the root of
// the object. Without types it is about the object itself.
type Part struct {
	Mask  winnt.AccessMask
	Types []winnt.GUID
}

// List returns the object type list of a part for the access check. It returns nil if the part is about the object
// itself.
func (p Part) List() []access.ObjectTypeEntry {
	if p.Types == nil {
		return nil
	}
	return Tree([][]winnt.GUID{p.Types})
}

// Right is a right to ask for, as the user named it. Its masks can depend on the type of object. The zero value asks
// for nothing, which the check denies.
type Right struct {
	Name  string // as the user wrote it, words in their own case
	typed string // of a word whose masks depend on the type of object; "": parts
	parts []Part

	managed bool
}

// typed are the words that mean something on every type of object.
var typed = [...]string{"read", "write", "modify", "full", "list", "control"}

// Words lists the words that mean something on every type of object.
const Words = "read, write, modify, full, list, control"

// Managed reports whether the descriptor in msDS-GroupMSAMembership decides, and not
// the object's own (B-10).
func (r Right) Managed() bool { return r.managed }

// TypeError is the error of a right that objects of a type do not have (B-91).
type TypeError struct{ text string }

// Error names the right and the type.
func (e *TypeError) Error() string { return e.text }

// CheckType returns a [TypeError] if objects of type t do not have the right: because a part has an object type, which
// only objects of a directory have, or because a documented name in it belongs to another type. The bits of such a
// right have another meaning on t (B-91). Rights for which [Right.Managed] is true are not on the object itself, and
// pass.
func (r Right) CheckType(t *winnt.ObjectType) error {
	if r.managed {
		return nil
	}
	limited := slices.ContainsFunc(r.parts, func(p Part) bool { return p.Types != nil })
	if limited && t != winnt.DirectoryServiceObject {
		return &TypeError{r.Name + " is a right on the objects of a directory, and this object has the type " + t.Name}
	}
	names, _, _ := strings.Cut(r.Name, ":")
	if name := sddl.RightOfOtherType(names, t); name != "" {
		return &TypeError{name + " is a right on objects of another type than " + t.Name}
	}
	return nil
}

// Any reports whether one part is enough. It is so for control, which is changing
// the DACL or taking ownership: either gives the other.
func (r Right) Any() bool { return r.typed == "control" }

// Parts returns what a right asks for on a type of object, generic bits not yet
// mapped. On files the words are the five that file managers offer: modify is
// reading, writing, executing and deleting, and list grants the rights of "list
// folder contents".
func (r Right) Parts(t *winnt.ObjectType) []Part {
	if r.typed == "control" { // either right gives the other (B-2)
		return []Part{{Mask: winnt.WRITE_DAC}, {Mask: winnt.WRITE_OWNER}}
	}
	if r.typed != "" {
		return []Part{{Mask: typedMask(r.typed, t)}}
	}
	return r.parts
}

// Mask returns the union of the bits of all parts of the right on a type of object, 0 if it has no part there.
func (r Right) Mask(t *winnt.ObjectType) (m winnt.AccessMask) {
	for _, p := range r.Parts(t) {
		m |= p.Mask
	}
	return m
}

// typedMask returns the mask of a word with one part on objects of type t. Every unknown word counts as "list".
func typedMask(word string, t *winnt.ObjectType) winnt.AccessMask {
	m := &t.Mapping
	switch word {
	case "read":
		return m.Read
	case "write":
		return m.Write
	case "modify":
		return m.Read | m.Write | m.Execute | winnt.DELETE
	case "full":
		return m.All
	}
	return m.Read | m.Execute // list
}

// Parse reads rights joined by "+", each a question of its own: a word, what
// [sddl.ParseRights] reads, or one of these with ":" and the name or GUID of an
// object type.
func Parse(text string) ([]Right, error) {
	var out []Right
	for part := range strings.SplitSeq(text, "+") {
		if strings.TrimSpace(part) == "" && part != text {
			return nil, fmt.Errorf(`rights %q: a right is missing before or after "+"`, text)
		}
		r, err := parseOne(part)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// parseOne parses one right: a word, a word for an object type as WORD:TYPE, or SDDL. Words match in upper and lower
// case. Name keeps the spelling of SDDL. An unknown word, an unknown type and a right without bits are errors.
func parseOne(text string) (Right, error) {
	for _, w := range typed {
		if strings.EqualFold(w, text) {
			return Right{Name: w, typed: w}, nil
		}
	}
	name, object, limited := strings.Cut(text, ":")
	var chain []winnt.GUID
	if limited {
		var err error
		if chain, err = Chain(object); err != nil {
			return Right{}, fmt.Errorf("rights %q: %w", text, err)
		}
	}
	if w, ok := directoryWord(name); ok {
		return w.right(text, chain)
	}
	m, err := sddl.ParseRights(name)
	if err != nil {
		return Right{}, unknown(name, err)
	}
	if m == 0 {
		return Right{}, fmt.Errorf("rights %q: it is empty", text)
	}
	return Right{Name: text, parts: []Part{{m, chain}}}, nil
}

// unknown returns the error of a right that nothing reads: a word that is joined
// like a name, the name that is near it, or else some of the words.
func unknown(name string, err error) error {
	list := strings.Split(strings.ReplaceAll(name, ",", "|"), "|")
	if len(list) > 1 && slices.ContainsFunc(list, func(part string) bool { return strings.TrimSpace(part) == "" }) {
		return fmt.Errorf(`rights %q: a right is missing before or after "|" or ","`, name)
	}
	for _, part := range list {
		// A name joined with a word has no other meaning than that word's, and would be near to itself.
		if len(list) > 1 && slices.ContainsFunc(All(), func(w string) bool { return strings.EqualFold(w, part) }) {
			return fmt.Errorf("rights %q: %s is a word: join words with +, as in %s", name, part,
				strings.Join(list, "+"))
		}
	}
	part := name[strings.LastIndexByte(name, '|')+1:]
	if near := Nearest(part, slices.Concat(All(), sddl.RightNames())); near != "" {
		return fmt.Errorf("rights %q: unknown right %q: did you mean %s?", name, part, near)
	}
	return fmt.Errorf("%w; the words are %s, and for a directory those of docs/bulk.md, such as AddMember", err, Words)
}

// On returns a right for each of several object types, given as chains, in place of the whole object. Without chains,
// for any right and for a managed word it returns r unchanged. Parts that already have a type stay as they are.
func (r Right) On(chains [][]winnt.GUID, t *winnt.ObjectType) Right {
	if len(chains) == 0 || r.Any() || r.managed {
		return r
	}
	out := Right{Name: r.Name}
	for _, p := range r.Parts(t) {
		if p.Types != nil {
			out.parts = append(out.parts, p)
			continue
		}
		for _, chain := range chains {
			out.parts = append(out.parts, Part{p.Mask, chain})
		}
	}
	return out
}

// Rooted returns a right that asks about an object of a class: class replaces the first GUID of each part's
// chain, or is the chain of a part without types. Rooted returns r itself if class is zero, and if [Right.Any] or
// [Right.Managed] is true.
func (r Right) Rooted(class winnt.GUID, t *winnt.ObjectType) Right {
	if class == (winnt.GUID{}) || r.Any() || r.managed {
		return r
	}
	out := Right{Name: r.Name}
	for _, p := range r.Parts(t) {
		chain := []winnt.GUID{class}
		if len(p.Types) > 1 {
			chain = append(chain, p.Types[1:]...)
		}
		out.parts = append(out.parts, Part{p.Mask, chain})
	}
	return out
}
