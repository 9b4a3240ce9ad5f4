package reach

import (
	"slices"

	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// OfSteps reports, for each DACL entry of an object, whether the entry decides about a right that can be a step there
// (B-79). Such an entry allows every part of the right, alone or together with the other entries for its account. Or
// it denies a part of a right other than GenericAll. Inherit-only entries decide nothing. Call it after a search,
// with an index of Objects.
func (s *Search) OfSteps(object int) ([]bool, error) {
	m := s.mannerOf(object)
	list, err := s.asks(m)
	if err != nil {
		return nil, err
	}
	entries := s.Objects[object].Descriptor.DACL().Slice()
	of := make([]bool, len(entries))
	for i, a := range entries {
		of[i] = a.Flags()&sd.InheritOnly == 0 && slices.ContainsFunc(list, func(w kindWord) bool {
			// A denial of some bits of it leaves the other rights.
			if w.name == genericAll && a.Type().IsDeny() {
				return false
			}
			return !w.right.Managed() && about(entries, a, w.right.Parts(m.typ), &m)
		})
	}
	return of, nil
}

// about reports whether the DACL entry a decides about a right. The arguments parts and entries are the right's masks
// and the DACL; m states how the object is checked. A deny entry must concern one part. An allow entry must concern
// one part and, with its account's other allow entries, grant all parts.
func about(entries []sd.ACE, a sd.ACE, parts []words.Part, m *manner) bool {
	touches := slices.ContainsFunc(parts, func(p words.Part) bool { return covers(a, p, m) })
	if a.Type().IsDeny() || !touches {
		return touches
	}
	return !slices.ContainsFunc(parts, func(p words.Part) bool {
		return !slices.ContainsFunc(entries, func(b sd.ACE) bool {
			return b.SID() == a.SID() && !b.Type().IsDeny() && b.Flags()&sd.InheritOnly == 0 && covers(b, p, m)
		})
	})
}

// covers reports whether an entry grants a part of a right, or denies bits of it. An entry that denies needs only one
// bit of the part.
func covers(a sd.ACE, p words.Part, m *manner) bool {
	mask := m.typ.Mapping.Map(a.Mask()) & p.Mask
	if mask == 0 || !a.Type().IsDeny() && mask != p.Mask {
		return false
	}
	g, ok := a.ObjectType()
	return !ok || g == (winnt.GUID{}) || slices.Contains(p.Types, g)
}
