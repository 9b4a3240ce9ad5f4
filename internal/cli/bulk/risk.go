package bulk

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// sizeAtLeast verifies that an aggregate's file is long enough to resume a run. The end offsets of its parts are in
// runs. It is an error if they are not ascending, the first is negative, or the file is shorter than the last.
// Without runs the result is nil.
func sizeAtLeast(f *os.File, runs []int64) error {
	if len(runs) == 0 {
		return nil
	}
	if runs[0] < 0 || !slices.IsSorted(runs) {
		return errors.New("the checkpoint's runs do not follow one another: it was altered")
	}
	info, err := f.Stat()
	if err == nil && info.Size() < runs[len(runs)-1] {
		err = fmt.Errorf("%s has %d bytes, but the checkpoint has %d: it belongs to another report",
			f.Name(), info.Size(), runs[len(runs)-1])
	}
	return err
}

// risk scores a descriptor by how many principals can write or control the object. counts are these numbers. The
// first case that applies counts:
//   - no DACL: the highest score
//   - more than one and at least half of the principals: a multiple of their number
//   - an entry that lets Anonymous, Guests or Everyone write the object itself: 1
//   - all others: 0, with why ""
//
// Unless the folders let others pass, the cases of the DACL and the entry are ignored.
func (r *Report) risk(x place, counts []uint32) (score int, why string) {
	d, typ := x.d, x.typ
	half := uint32((len(r.Directory.Principals) + 1) / 2)
	switch {
	case !d.HasDACL() && x.way.PassesOthers():
		return 8 * int(counts[0]), "no DACL: everybody can do everything"
	case counts[2] >= half && counts[2] > 1:
		return 4 * int(counts[2]), fmt.Sprintf("%d people can change its rights", counts[2])
	case counts[1] >= half && counts[1] > 1:
		return 2 * int(counts[1]), fmt.Sprintf("%d people can write", counts[1])
	}
	if !x.way.PassesOthers() { // users that the directory does not know have no rights there (B-20)
		return 0, ""
	}
	for _, a := range d.DACL().All() {
		writes := typ.Mapping.Map(a.Mask())&typ.Mapping.Write&^typ.Mapping.Read != 0
		if a.Type() == sd.AccessAllowed && a.Flags()&sd.InheritOnly == 0 && outsider(a.SID()) && writes {
			return 1, r.Directory.Name(a.SID()) + " has writing rights by an entry"
		}
	}
	return 0, ""
}

// outsider reports whether a SID includes users that the directory may not know.
func outsider(s sid.SID) bool { return s == sid.Anonymous || s == sid.Guests || s == sid.Everyone }

// unknown returns the accounts in a descriptor that the directory does not know, each once. Their rights are those
// that plain allow entries grant on the object itself; an owner without entries has 0. Only SIDs of the authorities 5
// and 22 count. Without such accounts the result is nil.
func (r *Report) unknown(d *sd.Descriptor, typ *winnt.ObjectType) (out []unknown) {
	note := func(s sid.SID, m winnt.AccessMask) {
		if s.IsZero() || r.Directory.Known(s) || s.Authority() != 5 && s.Authority() != 22 {
			return
		}
		text := s.String()
		for i := range out {
			if out[i].SID == text {
				out[i].Granted |= m
				return
			}
		}
		out = append(out, unknown{text, m})
	}
	note(d.Owner(), 0)
	for _, a := range d.DACL().All() {
		m := winnt.AccessMask(0)
		if a.Type() == sd.AccessAllowed && a.Flags()&sd.InheritOnly == 0 {
			m = typ.Mapping.Map(a.Mask())
		}
		note(a.SID(), m)
	}
	return out
}
