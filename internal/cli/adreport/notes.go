package adreport

import (
	"fmt"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// notes adds a line for everything that the report does not consider (B-50). It sets Incomplete if objects or paths are
// missing. Several limits of a page, such as group policies, are notes in every case.
func (p *Page) notes(s *side, state *State) {
	add := func(n int, one, many, format string, a ...any) {
		if n > 0 {
			p.Notes = append(p.Notes, fmt.Sprintf(format, append([]any{plural(n, one, many)}, a...)...))
		}
	}
	if n := len(s.failed); n > 0 {
		p.Incomplete = true
		add(n, "object", "objects", "%s of %d could not be read and is in no answer; the first is %v",
			len(state.Objects), objects.AddPath(s.failed[0].Path, s.failed[0].Err))
	}
	if cut := s.survey.Cut(); cut != "" {
		p.Incomplete = true
		p.Notes = append(p.Notes, "The search for paths ended "+cut+": there may be more paths.")
	}
	classless, foreign, inherit, open, typed := 0, 0, 0, 0, 0
	first := ""
	for i := range s.search.Objects {
		o := &s.search.Objects[i]
		if o.Type != winnt.DirectoryServiceObject {
			foreign++
			continue
		}
		if o.Entry == nil || len(o.Entry.Classes) == 0 {
			if classless++; classless == 1 {
				first = o.Path
			}
		}
		if !o.Descriptor.HasDACL() {
			open++
		}
		for _, a := range o.Descriptor.DACL().All() {
			if a.Flags()&sd.InheritOnly != 0 {
				inherit++
			} else if words.Entry(a) != "" {
				typed++
			}
		}
	}
	add(classless, "object", "objects", "The file has no objectClass of %s, such as %s. All words are tried there, and "+
		"entries for the class are ignored: export objectClass.", first)
	add(foreign, "object", "objects", "Outside the directory: %s. Only write DACL and write owner are tested there.")
	add(open, "object", "objects", "Without a DACL: %s, on which everybody has every right.")
	add(p.Disabled, "account", "accounts", "Disabled: %s. No path starts there or goes through there.")
	add(inherit, "entry", "entries", "Only inherited by objects below: %s. Their copies on the objects below count.")
	add(typed, "entry", "entries", "About one object type each: %s. Each counts for the rights of steps that it "+
		"concerns, and is in the list of other entries if it concerns none.")
	add(p.steps, "entry", "entries", "About rights of steps: %s. The lists show the rights that result from all entries "+
		"of an object, and not the entries.")
	add(p.byDesign, "entry", "entries", "For administrators, domain controllers and SYSTEM: %s, which the lists leave "+
		"out.")
	p.Notes = append(p.Notes,
		"User rights and local groups that group policies assign, logon sessions, certificate services and trusts are not "+
			"in the file. Operators' groups count with their default user rights on domain controllers.",
		"The rights of administrators are by design. The page names them and lists no rights of theirs.")
	if s.search.Directory.Domain.IsZero() {
		p.Notes = append(p.Notes, "The directory does not tell the SID of its domain, so that Domain Admins and others "+
			"that are known by a number in it are not recognised.")
	}
}
