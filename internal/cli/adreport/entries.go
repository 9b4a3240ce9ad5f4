package adreport

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// reading is the rights that change nothing.
const reading = winnt.READ_CONTROL | winnt.SYNCHRONIZE | winnt.ADS_RIGHT_DS_READ_PROP |
	winnt.ADS_RIGHT_ACTRL_DS_LIST | winnt.ADS_RIGHT_DS_LIST_OBJECT

// entryList groups the DACL entries that open no attack path, for the report's table of other entries.
type entryList struct {
	at              map[string]int // the index in kinds, by the row's key
	kinds           []entryKind
	byDesign, steps int // entries that the list leaves out
}

// entryKind is a group of equal entries: its row in the table, and the indexes of the objects with such an entry, in
// ascending order.
type entryKind struct {
	row     EntryRow // without Objects, Important and Sample
	objects []int
}

// key returns the key by which equal entries are found in the other state: kind, account and rights. The case of the
// account's name is ignored.
func (e *EntryRow) key() string {
	return e.Kind + "\x00" + strings.ToLower(e.Account) + "\x00" + e.Rights
}

// otherEntries returns the DACL entries that open no attack path, grouped by equality. Entries for default
// administrators and entries that give a step of a path are only counted (B-79). Inherit-only entries are ignored. An
// object counts once in each group.
func (s *side) otherEntries() (list entryList, err error) {
	list.at = map[string]int{}
	typ := winnt.DirectoryServiceObject
	for i := range s.search.Objects {
		o := &s.search.Objects[i]
		ofSteps, err := s.search.OfSteps(i)
		if err != nil {
			return list, err
		}
		for e, a := range o.Descriptor.DACL().All() {
			switch {
			case a.Flags()&sd.InheritOnly != 0:
				continue
			case s.byDesign(a.SID()):
				list.byDesign++
				continue
			case ofSteps[e]:
				list.steps++
				continue
			}
			mask := typ.Mapping.Map(a.Mask())
			row := EntryRow{Account: s.search.Directory.Name(a.SID()), Kind: "allow", reads: mask&^reading == 0}
			row.Rights = rightsText(a, mask)
			if a.Type().IsDeny() {
				row.Kind = "deny"
			}
			key := row.key()
			n, ok := list.at[key]
			if !ok {
				n, list.at[key] = len(list.kinds), len(list.kinds)
				list.kinds = append(list.kinds, entryKind{row: row})
			}
			k := &list.kinds[n]
			if m := len(k.objects); m == 0 || k.objects[m-1] != i {
				k.objects = append(k.objects, i)
			}
		}
	}
	return list, nil
}

// rowsOf returns a table row for each group of the list, those with write rights first. keep selects the objects of a
// group; nil selects all. A group without selected objects has no row. A row's sample is an important object if there
// is one (B-122).
func (l *entryList) rowsOf(s *side, keep func(key string, objects []int) []int) (rows []EntryRow) {
	for _, k := range l.kinds {
		row, list := k.row, k.objects
		if keep != nil {
			list = keep(row.key(), list)
		}
		if len(list) == 0 {
			continue
		}
		names := s.objectNames(list)
		row.Objects, row.Important, row.Sample = names.Count, names.Important, names.List[0]
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b EntryRow) int {
		return cmp.Or(boolOrder(a.reads, b.reads), cmp.Compare(b.Objects, a.Objects), strings.Compare(a.Account, b.Account))
	})
	return rows
}

// boolOrder compares two booleans for sorting, false before true.
func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// rightsText returns the rights of an entry as text, with the object type that limits them. mask is the mapped mask of
// a.
func rightsText(a sd.ACE, mask winnt.AccessMask) string {
	text := entryRights(mask)
	if on := words.Entry(a); on != "" {
		text += " " + on
	}
	if a.Type().IsCallback() {
		text += ", on a condition"
	}
	return text
}

// entryBits names the bits of a mask in the words of a directory.
var entryBits = []struct {
	mask winnt.AccessMask
	name string
}{
	{0xF01FF, "generic all"},
	{0x20094, "generic read"},
	{winnt.WRITE_DAC, "write DACL"}, {winnt.WRITE_OWNER, "write owner"},
	{winnt.ADS_RIGHT_DS_CONTROL_ACCESS, "extended right"}, {winnt.ADS_RIGHT_DS_WRITE_PROP, "write property"},
	{winnt.ADS_RIGHT_DS_SELF, "validated write"}, {winnt.ADS_RIGHT_DS_CREATE_CHILD, "create child"},
	{winnt.ADS_RIGHT_DS_DELETE_CHILD, "delete child"}, {winnt.ADS_RIGHT_DS_DELETE_TREE, "delete tree"},
	{winnt.DELETE, "delete"}, {winnt.ADS_RIGHT_DS_READ_PROP, "read property"}, {winnt.READ_CONTROL, "read rights"},
	{winnt.ADS_RIGHT_ACTRL_DS_LIST, "list"}, {winnt.ADS_RIGHT_DS_LIST_OBJECT, "list object"},
}

// entryRights returns the names of the rights in a mask, separated by commas. Bits without a name follow as a
// hexadecimal number. It returns "" for 0.
func entryRights(m winnt.AccessMask) string {
	var all []string
	for _, b := range entryBits {
		if m&b.mask == b.mask {
			all = append(all, b.name)
			m &^= b.mask
		}
	}
	if m != 0 {
		all = append(all, fmt.Sprintf("%#x", uint32(m)))
	}
	return strings.Join(all, ", ")
}

// byDesign reports whether an account controls the directory by default: SYSTEM, and the administrator accounts and
// groups and the domain controllers of its domain. An account of another domain never does, whatever its RID (B-53). If
// the domain is unknown, the RID decides.
func (s *side) byDesign(who sid.SID) bool {
	if who == sid.LocalSystem || who == sid.Administrators || who == sid.EnterpriseDCs {
		return true
	}
	n := who.SubAuthorities()
	if who.Authority() != 5 || n < 2 || who.Sub(0) != 21 {
		return false
	}
	if d := s.search.Directory.Domain; !d.IsZero() && who.Prefix() != d {
		return false
	}
	switch who.Sub(n - 1) {
	case 500, 512, 516, 518, 519:
		return true
	}
	return false
}

// held reports whether any principal is or belongs to an account, so that an entry for it has effect. For SELF, OWNER
// RIGHTS and CREATOR OWNER it is always true. It caches the answers in known.
func (s *side) held(known map[sid.SID]bool, who sid.SID) bool {
	is, ok := known[who]
	if !ok {
		switch who {
		case sid.PrincipalSelf, sid.OwnerRights, sid.CreatorOwner:
			is = true
		}
		d := s.search.Directory
		for i := 0; !is && i < len(d.Principals); i++ {
			is = d.Principals[i].Token.Member(who, false)
		}
		known[who] = is
	}
	return is
}
