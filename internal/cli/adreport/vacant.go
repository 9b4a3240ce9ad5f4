package adreport

import (
	"context"

	"github.com/refmon/refmon/internal/cli/reach"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// maxVacant limits the accounts without a principal that are evaluated.
const maxVacant = 4096

// findVacant evaluates accounts that DACL entries name but no principal belongs to (B-53). They are groups without
// members and accounts missing from the directory. Each is evaluated as a user in that group alone; s.empty has the
// result. s.unevaluated counts the entries of accounts that no one logs on as, and of those after maxVacant accounts. A
// failed or cancelled search is an error.
func (s *side) findVacant(ctx context.Context) (err error) {
	d := s.search.Directory.Clone()
	d.Principals = nil
	v := &side{vacant: map[sid.SID]bool{}, classes: s.classes, targets: s.targets}
	s.empty = v
	known := map[sid.SID]bool{}
	for i := range s.search.Objects {
		for _, a := range s.search.Objects[i].Descriptor.DACL().All() {
			who := a.SID()
			if a.Flags()&sd.InheritOnly != 0 || v.vacant[who] || s.byDesign(who) || s.held(known, who) {
				continue
			}
			if len(v.vacant) < maxVacant {
				if _, _, err := d.AddStandIn(who.Clone()); err == nil {
					v.vacant[who.Clone()] = true
					continue
				}
			}
			s.unevaluated++
		}
	}
	v.search = &reach.Search{Directory: d, Objects: s.search.Objects, BlockOwner: s.search.BlockOwner}
	if len(d.Principals) == 0 {
		return nil
	}
	v.survey, err = v.search.Direct(ctx, func(object int, rights []reach.Right) error {
		v.keep(object, rights)
		return nil
	})
	return err
}

// noteUnevaluated adds a note about accounts of a state that findVacant did not evaluate. where names the state.
func (p *Page) noteUnevaluated(s *side, where string) {
	if s.unevaluated > 0 {
		p.Notes = append(p.Notes, where+plural(s.unevaluated, "entry for an account", "entries for accounts")+
			" that no principal has could not be evaluated.")
	}
}
