package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/directory/host"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// entries prints the descriptor that decided, entry by entry, what would grant the access, and the names of its SIDs.
func (q *pathQuestion) entries(std *streams, s *stored, o *accessquery.Open) error {
	if s.descriptor == nil {
		text := "it has no descriptor, and so grants nothing: refmon acl set --offline PATH SDDL stores one"
		if s.cause != nil {
			text = "its stored descriptor does not count, so that it refuses every user: " + s.cause.Error()
		}
		_, err := fmt.Fprintf(std.out, "%s: %s\n", printable(s.path), printable(text))
		return err
	}
	if o.Why == nil {
		return fmt.Errorf("%s: its descriptor cannot be explained", s.path)
	}
	if _, err := fmt.Fprintf(std.out, "%s: %s", std.paint(bold, printable(s.path)), std.shown(o.Why)); err != nil {
		return err
	}
	if !o.Why.Decision.Allowed() {
		if err := q.printChanges(std, &o.Check); err != nil {
			return err
		}
	}
	return std.printNames(s.descriptor, q.token.User().SID, q.names.Of)
}

// printChanges prints what would grant a denied question. It leaves out memberships in users, because no user is a
// group.
func (q *pathQuestion) printChanges(std *streams, r *access.Request) error {
	changes, err := access.Changes(r)
	if err != nil {
		return err
	}
	intro := "\nany one of these would grant it:\n"
	for _, c := range changes {
		if strings.Contains(c.String(), "a member of "+host.Users.String()+"-") {
			continue
		}
		if _, err := fmt.Fprint(std.out, intro, std.folded(printable(q.named(c.String())), 2)); err != nil {
			return err
		}
		intro = ""
	}
	return nil
}

// named returns a text with the names of its SIDs at the end.
func (q *pathQuestion) named(text string) string {
	var names []string
	for _, found := range sidText.FindAllString(text, -1) {
		s, err := sid.Parse(found)
		if name := q.names.Of(s); err == nil && name != "" && !slices.Contains(names, name) {
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

// printNames prints the names of a descriptor's and the user's SIDs that have one, with the alias by which SDDL writes
// them. user may be zero.
func (s *streams) printNames(d *sd.Descriptor, user sid.SID, nameOf func(sid.SID) string) error {
	// The names are below the table, because SDDL has SIDs and aliases only (U-121).
	found := map[sid.SID]string{}
	note := func(s sid.SID, what string) {
		if name := nameOf(s); name != "" && !s.IsZero() {
			if alias := sid.Alias(s, sid.SID{}); len(alias) == 2 {
				name += " (" + alias + ")"
			}
			if what != "" {
				name += ", " + what
			}
			if found[s] == "" || what != "" {
				found[s] = name
			}
		}
	}
	for _, a := range d.DACL().All() {
		note(a.SID(), "")
	}
	note(user, "")
	note(d.Group(), "owning group")
	note(d.Owner(), "owner")
	if len(found) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(s.out, "\nnames:"); err != nil {
		return err
	}
	for _, who := range slices.SortedFunc(maps.Keys(found), func(a, b sid.SID) int {
		return strings.Compare(a.String(), b.String())
	}) {
		if _, err := fmt.Fprintf(s.out, "  %-20s %s\n", who, printable(found[who])); err != nil {
			return err
		}
	}
	return nil
}
