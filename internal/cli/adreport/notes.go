package adreport

import (
	"fmt"

	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// notes adds a line for everything that the report does not consider (B-50).
func (p *Page) notes(s *side, state *State) {
	add := func(n int, format string, a ...any) {
		if n > 0 {
			p.Notes = append(p.Notes, fmt.Sprintf(format, append([]any{n}, a...)...))
		}
	}
	if n := len(s.failed); n > 0 {
		p.Incomplete = true
		add(n, "%d of the %d objects could not be read and are in no answer; the first is %s: %v", len(state.Objects),
			s.failed[0].Path, s.failed[0].Err)
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
	add(classless, "%d objects have no objectClass in the file, such as %s. All words are tried on them, and "+
		"entries for their class do not count: export objectClass.", first)
	add(foreign, "%d objects are not objects of a directory. Only write DACL and write owner are tested on them.")
	add(open, "%d objects have no DACL, so everybody has every right on them.")
	add(p.Disabled, "%d accounts are disabled. They are nobody's starting point, and paths do not go through them.")
	add(inherit, "%d entries are only inherited by objects below. They count where the objects below have their copies.")
	add(typed, "%d entries are about one object type each. Each counts for the rights of steps that it concerns, and is "+
		"in the list of other entries if it concerns none.")
	add(p.steps, "%d entries allow or deny rights of steps. Only the rights that result from all entries of an object "+
		"are listed, and not the entries.")
	add(p.byDesign, "%d entries are for administrators, domain controllers and SYSTEM. The lists leave them out.")
	p.Notes = append(p.Notes,
		"User rights and local groups that group policies assign, logon sessions, certificate services and trusts are not "+
			"in the file. Operators' groups count with their default user rights on domain controllers.",
		"The rights of administrators are by design. The page names them and lists no rights of theirs.")
	if s.search.Directory.Domain.IsZero() {
		p.Notes = append(p.Notes, "The directory does not tell the SID of its domain, so that Domain Admins and others "+
			"that are known by a number in it are not recognised.")
	}
}
