package acltree

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Verb is what a [Step] does. The zero value grants.
type Verb uint8

// Verbs.
const (
	Grant  Verb = iota // adds to what the trustee is granted
	Set                // grants, in place of all earlier grants
	Deny               // denies
	Revoke             // removes grants and denials
)

// Step is one change of a DACL. The zero value is not valid: Trustee is required.
type Step struct {
	Verb    Verb
	Trustee sid.SID
	Rights  Rights // of Revoke: no rights means every entry of the trustee
	// Flags say which objects a new entry of a directory covers: ObjectInherit,
	// ContainerInherit, NoPropagateInherit and InheritOnly. A file ignores them.
	Flags uint8
	// Only limits Revoke to one kind of entries: [Grant] or [Deny]. nil: both.
	Only *Verb
}

// Rights are masks for one change. The zero value has no rights.
type Rights struct {
	Allow winnt.AccessMask // for an entry that grants
	// Deny is for an entry that denies, or to be taken from a grant. It leaves out
	// bits that other rights need as well (F-208).
	Deny winnt.AccessMask
}

// letters are the simple rights of icacls.
var letters = map[string]string{"F": "full", "M": "modify", "RX": "list", "R": "read", "W": "write", "D": "DELETE"}

// ParseRights parses rights joined by commas or "+": words (read, write, modify, full, list, control), the letters of
// icacls (F, M, RX, R, W, D), and the names that [words.Parse] accepts for files. It returns an error for an empty
// text and an empty name, and one with the name for an unknown right, a right of another type of object or one that
// entries cannot grant, such as MAXIMUM_ALLOWED. Allow always includes SYNCHRONIZE. Deny leaves out SYNCHRONIZE, and
// for writing READ_CONTROL, unless all rights are denied. Letters must be capital.
func ParseRights(text string) (r Rights, err error) {
	if strings.TrimSpace(text) == "" {
		return r, errors.New("the rights are missing: write, for example, bob:read or bob:modify")
	}
	for name := range strings.SplitSeq(strings.ReplaceAll(text, ",", "+"), "+") {
		if name = strings.TrimSpace(name); name == "" {
			return Rights{}, fmt.Errorf("rights %q: a right is missing before or after a comma or +", text)
		}
		if word, ok := letters[name]; ok {
			name = word
		}
		parsed, err := words.Parse(name)
		if err != nil {
			return Rights{}, err
		}
		if parsed[0].Managed() || parsed[0].CheckType(winnt.FileObject) != nil { // (B-91)
			return Rights{}, fmt.Errorf("rights %q: it is a right on objects of another type, not on files", name)
		}
		m := parsed[0].Mask(winnt.FileObject)
		m = winnt.FileObject.Mapping.Map(m)
		// No file has these rights, so a denial of them would deny nothing.
		if other := m &^ winnt.FileObject.Mapping.All; other != 0 {
			return Rights{}, fmt.Errorf("rights %q: an entry of a file cannot grant or deny 0x%x", name, uint32(other))
		}
		r.Allow |= m
		switch {
		case m == winnt.FileObject.Mapping.All || m == winnt.SYNCHRONIZE:
		case m == winnt.FileObject.Mapping.Write:
			// Reading needs READ_CONTROL too (F-208).
			m &^= winnt.READ_CONTROL | winnt.SYNCHRONIZE
		default:
			m &^= winnt.SYNCHRONIZE
		}
		r.Deny |= m
	}
	// Every handle that waits for its input and output needs SYNCHRONIZE (F-208).
	r.Allow |= winnt.SYNCHRONIZE
	return r, nil
}

// ErrNullDACL says that a file has no DACL to edit.
var ErrNullDACL = errors.New("it has no DACL, so everybody may do everything: give it one first, with refmon acl " +
	"reset or refmon acl set")

// ErrNothing says that a revocation concerns no entry.
var ErrNothing = errors.New("it has no own entry to revoke")

// Edit returns a [Change] that applies steps to the root of a tree, and renews the inherited entries of its descendants
// with [Renew]. The Change returns [ErrNullDACL] for a root without a DACL, and [ErrNothing] if a Revoke concerns no
// entry.
func Edit(steps []Step) Change {
	return func(n *Node) (*sd.Descriptor, bool, error) {
		if n.Path != "" {
			return Renew(n)
		}
		after, err := apply(n.first(n.Before, steps), n.Before, n.Directory, steps)
		return after, true, err
	}
}

// EditEach returns a [Change] that renews the inherited entries of every file of a tree and then applies steps to it.
// It also changes files below protected DACLs. A descendant without a DACL stays unchanged; the Change returns
// [ErrNullDACL] for a root without one. A Revoke that concerns no entry is not an error.
func EditEach(steps []Step) Change {
	return func(n *Node) (after *sd.Descriptor, descend bool, err error) {
		if after = n.Before; n.Path != "" {
			if after, _, err = Renew(n); err != nil || after.DACL() == nil {
				return after, true, err
			}
		}
		was := after
		d := n.first(was, steps)
		// One step at a time: a step that concerns no entry of this file does not stop the others (F-206).
		for i := range steps {
			next, err := apply(d, was, n.Directory, steps[i:i+1])
			switch {
			case errors.Is(err, ErrNothing):
			case err != nil:
				return nil, false, err
			default:
				d, after = next, next
			}
		}
		return after, true, nil
	}
}

// apply applies the steps to a copy of d, in order. It returns [ErrNullDACL] if d has no DACL, and otherwise the first
// error of a step, such as [ErrNothing]. was is the descriptor from which Node.first removed entries, or d itself.
func apply(d, was *sd.Descriptor, directory bool, steps []Step) (*sd.Descriptor, error) {
	if d.DACL() == nil {
		return nil, ErrNullDACL
	}
	e, l := sd.ListEditor{Container: directory}, d.DACL()
	for i := range steps {
		next, err := steps[i].on(e, l)
		if errors.Is(err, ErrNothing) && was != d {
			// The file server would go on deriving what Node.first removed, unless the result is stored (B-111).
			_, err = steps[i].on(e, was.DACL())
			next = l
		}
		if err != nil {
			return nil, err
		}
		l = next
	}
	var set sd.Control
	if directory {
		set = sd.DACLAutoInherited // New children mark what they inherit, so that -r can replace it (B-110).
	}
	return withDACL(d, l, set), nil
}

// first removes the entries for children that a file server derived from the mode or default ACL of a directory: those
// of Everyone, and those of CREATOR GROUP unless a revoke, grant or deny names it. The descriptor d of n stays
// unchanged if it is stored or has no DACL, or if n is not a directory. Inherited entries stay too.
func (n *Node) first(d *sd.Descriptor, steps []Step) *sd.Descriptor {
	if !n.Directory || n.Kept == nil || n.Kept.Raw != nil {
		return d
	}
	named := slices.ContainsFunc(steps, func(s Step) bool { return s.Trustee == sid.CreatorGroup })
	return ntacl.PassedOn(d, named)
}

// on applies the step to the DACL l and returns the changed list. l itself does not change. For a file, where
// e.Container is false, it ignores the step's inheritance flags. A revocation that changes nothing is [ErrNothing].
func (s *Step) on(e sd.ListEditor, l *sd.ACL) (*sd.ACL, error) {
	r := sd.Rule{Trustee: s.Trustee, Mask: s.Rights.Allow, Flags: s.Flags}
	if !e.Container {
		r.Flags = 0
	}
	switch s.Verb {
	case Grant:
		return addUntilStable(e, l, r)
	case Set:
		return e.Set(l, r)
	case Deny:
		r.Type, r.Mask = sd.AccessDenied, s.Rights.Deny
		return addUntilStable(e, l, r)
	}
	return s.revoke(e, l)
}

// addUntilStable adds a rule to l until another addition changes nothing, so that the same change made twice changes
// nothing the second time. An addition can bring entries together that only the next one merges.
func addUntilStable(e sd.ListEditor, l *sd.ACL, r sd.Rule) (*sd.ACL, error) {
	for range l.Len() + 2 { // every addition except the first and the last shortens the list
		next, err := e.Add(l, r)
		if err != nil || next.Equal(l) {
			return next, err
		}
		l = next
	}
	return l, nil
}

// revoke removes the trustee's explicit entries from l, or the step's rights from these entries. Without rights and
// Only, all types of entries are removed. With either, only plain allow and deny entries change, or those of the kind
// in Only. An entry loses its rights on the object and on all objects that inherit it. Inherited entries stay. l itself
// does not change. If no entry would change, the error is [ErrNothing], in whatever order the entries are.
func (s *Step) revoke(e sd.ListEditor, l *sd.ACL) (*sd.ACL, error) {
	out, err := l.Map(func(a sd.ACE) (sd.ACE, bool) {
		m, all := winnt.FileObject.Mapping.Map(a.Mask()), s.Rights.Allow
		if a.Type() == sd.AccessDenied && m != all {
			// A denial of a right that was not named stays, unless it denies what a grant of the name has (F-208).
			all = s.Rights.Deny
		}
		switch {
		case !s.concerns(a):
			return a, true
		case s.Rights == (Rights{}):
			return a, false
		case m&s.Rights.Deny == 0:
			return a, true
		default:
			// A generic right becomes the specific rights that remain. A grant whose other rights come with every
			// revoked right, such as SYNCHRONIZE, goes as a whole (F-208).
			return a.WithMask(m &^ s.Rights.Deny), m&^all != 0
		}
	})
	switch {
	case err != nil:
		return nil, err
	case out.Equal(l):
		return nil, ErrNothing
	case !e.Canonical(l):
		return nil, sd.ErrNotCanonical
	}
	return out, nil
}

// concerns reports whether a revocation changes an entry: an explicit one of the trustee, and with rights or Only a
// plain one, of the kind in Only.
func (s *Step) concerns(a sd.ACE) bool {
	return a.Flags()&sd.Inherited == 0 && a.SID() == s.Trustee &&
		(s.Rights == (Rights{}) && s.Only == nil ||
			a.Type() == sd.AccessAllowed && (s.Only == nil || *s.Only == Grant) ||
			a.Type() == sd.AccessDenied && (s.Only == nil || *s.Only == Deny))
}
