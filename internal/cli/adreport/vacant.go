package adreport

import (
	"context"

	"github.com/refmon/refmon/internal/cli/reach"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// maxVacant limits the accounts without a principal that are evaluated.
const maxVacant = 4096

// vacant adds the rights of accounts that entries name and no principal's token has: groups without members, and
// accounts that the directory does not have (B-53). It evaluates each as a user who is in that group alone. Above
// maxVacant accounts it only counts them in a note. now is the report's current side. A search that fails or is
// cancelled is an error.
func (p *Page) vacant(ctx context.Context, now *side) error {
	d := now.search.Directory.Clone()
	d.Principals = nil
	v := &side{vacant: map[sid.SID]bool{}, classes: now.classes}
	known := map[sid.SID]bool{}
	left := 0
	for i := range now.search.Objects {
		for _, a := range now.search.Objects[i].Descriptor.DACL().All() {
			who := a.SID()
			if a.Flags()&sd.InheritOnly != 0 || v.vacant[who] || now.byDesign(who) || now.held(known, who) {
				continue
			}
			if len(v.vacant) >= maxVacant {
				left++
				continue
			}
			v.vacant[who.Clone()] = true
			if _, _, err := d.FindOrAdd(who.String()); err != nil {
				left++
			}
		}
	}
	if left > 0 {
		p.Notes = append(p.Notes, plural(left, "entry for an account", "entries for accounts")+
			" that no principal has could not be evaluated.")
	}
	if len(d.Principals) == 0 {
		return nil
	}
	v.search = &reach.Search{Directory: d, Objects: now.search.Objects, BlockOwner: now.search.BlockOwner}
	var err error
	v.survey, err = v.search.Direct(ctx, func(object int, rights []reach.Right) error {
		v.keep(object, rights)
		return nil
	})
	if err != nil {
		return err
	}
	p.Vacant, err = v.grants(v.rights)
	return err
}
