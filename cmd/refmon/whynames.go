package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// entries prints the descriptor that decided, entry by entry, what would grant the access, and the names of its SIDs. A
// descriptor that cannot be explained is an error. Without a descriptor it says so and returns nil.
func (q *pathQuestion) entries(std *streams, s *stored, o *accessquery.Open) error {
	if s.descriptor == nil {
		text := "it has no descriptor, and so grants nothing: refmon acl grant --offline PATH NAME:full stores one; " +
			"a mount with missing: synthesise derives one from the mode: ask with --missing synthesise --tree DIR"
		if s.cause != nil {
			text = "its stored descriptor is invalid, so it refuses every user: " + s.cause.Error()
		}
		_, err := fmt.Fprintf(std.out, "%s: %s\n", inLine(s.path), printable(text))
		return err
	}
	if o.Why == nil {
		return fmt.Errorf("%s: its descriptor cannot be explained", s.path)
	}
	why := std.shown(o.Why, q.user.nameOf)
	if _, err := fmt.Fprintf(std.out, "%s: %s", std.paint(bold, inLine(s.path)), why); err != nil {
		return err
	}
	if !o.Why.Decision.Allowed() {
		if err := printChanges(std, o.Check, q.user.nameOf, nil); err != nil {
			return err
		}
	}
	if err := std.printNames(s.descriptor, q.user.token.User().SID, q.user.nameOf); err != nil {
		return err
	}
	return std.denied(&denial{why: o.Why, request: &o.Check, nameOf: q.user.nameOf})
}

// namedText returns a text with the names of its SIDs at the end, except those that it has in brackets already. A SID
// without a name adds nothing.
func namedText(text string, nameOf func(sid.SID) string) string {
	var names []string
	for _, found := range sidText.FindAllString(text, -1) {
		s, err := sid.Parse(found)
		if err != nil {
			continue
		}
		name := inLine(nameOf(s))
		if name != "" && !slices.Contains(names, name) && !strings.Contains(text, "("+name+")") {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return text
	}
	return text + " (" + strings.Join(names, ", ") + ")"
}

// sidText matches a SID.
var sidText = regexp.MustCompile(`\bS-1(-[0-9]+)+\b`)

// printNames prints the names of the user, the owner and the owning group that have one, with the alias by which SDDL
// writes them. user may be zero. The answer itself has the names of entries (U-121).
func (s *streams) printNames(d *sd.Descriptor, user sid.SID, nameOf func(sid.SID) string) error {
	n := sidNames{nameOf: nameOf}
	n.add(user, "")
	n.add(d.Owner(), "owner")
	n.add(d.Group(), "owning group")
	return n.print(s)
}

// printAllNames prints the name of each SID in a descriptor that has one. It prints nothing if none has.
func (s *streams) printAllNames(d *sd.Descriptor, nameOf func(sid.SID) string) error {
	n := sidNames{nameOf: nameOf}
	n.add(d.Owner(), "owner")
	n.add(d.Group(), "owning group")
	for _, l := range [...]*sd.ACL{d.DACL(), d.SACL()} {
		for _, a := range l.All() {
			n.add(a.SID(), "")
		}
	}
	return n.print(s)
}

// sidNames collects SIDs with their names, each once. A SID without a name is left out.
type sidNames struct {
	nameOf func(sid.SID) string
	found  map[sid.SID]string // name, alias and roles
	width  int                // of the longest SID
}

// add records a SID and its name in a role, such as "owner", or "" for none. It ignores a zero SID, and one without a
// name. A later role is added after a comma.
func (n *sidNames) add(s sid.SID, role string) {
	if s.IsZero() || role == "" && n.found[s] != "" {
		return
	}
	text := n.found[s]
	if text == "" {
		if text = n.nameOf(s); text == "" {
			return
		}
		if alias := sid.Alias(s, sid.SID{}); len(alias) == 2 {
			text += " (" + alias + ")"
		}
	}
	if role != "" {
		text += ", " + role
	}
	if n.found == nil {
		n.found, n.width = map[sid.SID]string{}, 20
	}
	n.found[s], n.width = text, max(n.width, len(s.String()))
}

// print prints a line for each recorded SID, sorted by SID. It prints nothing if there are none. Lines that are too
// wide are folded.
func (n *sidNames) print(s *streams) error {
	if len(n.found) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(s.out, "\nnames:"); err != nil {
		return err
	}
	for _, who := range slices.SortedFunc(maps.Keys(n.found), func(a, b sid.SID) int {
		return strings.Compare(a.String(), b.String())
	}) {
		line := fmt.Sprintf("%-*s %s", n.width, who, inLine(n.found[who]))
		if _, err := fmt.Fprint(s.out, s.folded(line, 2)); err != nil {
			return err
		}
	}
	return nil
}
