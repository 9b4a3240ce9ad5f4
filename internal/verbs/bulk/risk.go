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

// sizeAtLeast refuses runs that do not follow one another, and a file that is shorter than they are.
func sizeAtLeast(f *os.File, runs []int64) error {
	if len(runs) == 0 {
		return nil
	}
	if runs[0] < 0 || !slices.IsSorted(runs) {
		return errors.New("the checkpoint's runs do not follow one another: it was altered")
	}
	info, err := f.Stat()
	if err == nil && info.Size() < runs[len(runs)-1] {
		err = fmt.Errorf("%s has %d bytes, the checkpoint says %d: it is not that of this report",
			f.Name(), info.Size(), runs[len(runs)-1])
	}
	return err
}

// risk scores an object with a descriptor: who can write or control it, weighed
// by how many people that is. Fewer than half of the people is no risk of this
// kind: that is the purpose of shares.
func (r *Report) risk(d *sd.Descriptor, typ *winnt.ObjectType, counts []uint32) (score int, why string) {
	half := uint32((len(r.Directory.Principals) + 1) / 2)
	switch {
	case !d.HasDACL():
		return 8 * int(counts[0]), "no DACL: everybody can do everything"
	case counts[2] >= half && counts[2] > 1:
		return 4 * int(counts[2]), fmt.Sprintf("%d people can change its rights", counts[2])
	case counts[1] >= half && counts[1] > 1:
		return 2 * int(counts[1]), fmt.Sprintf("%d people can write", counts[1])
	}
	for _, a := range d.DACL().All() {
		writes := typ.Mapping.Map(a.Mask())&typ.Mapping.Write&^typ.Mapping.Read != 0
		if a.Type() == sd.AccessAllowed && outsider(a.SID()) && writes {
			return 1, r.Directory.Name(a.SID()) + " has writing rights by an entry"
		}
	}
	return 0, ""
}

// outsider reports whether a SID stands for users that the directory need not know.
func outsider(s sid.SID) bool { return s == sid.Anonymous || s == sid.Guests || s == sid.Everyone }

// unknown lists the accounts of a descriptor that have no name.
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
		if a.Type() == sd.AccessAllowed {
			m = typ.Mapping.Map(a.Mask())
		}
		note(a.SID(), m)
	}
	return out
}
