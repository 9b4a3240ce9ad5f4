// Package idmaps maps the uids and gids of a host to SIDs, from an export of refmond's accounts.
package idmaps

import (
	"fmt"
	"os"
	"slices"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/strictyaml"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sid"
)

// accountsFile is an export of refmond's accounts. Its fields have the names of the file.
type accountsFile struct {
	Version  int           `json:"version"`
	Machine  sid.SID       `json:"machine"`
	Accounts []hostAccount `json:"accounts"`
	Groups   []hostGroup   `json:"groups"`
	Rights   []hostRights  `json:"rights"`
	IDMaps   []hostIDMap   `json:"idMaps"`
}

// hostAccount is an account of the host. UID is nil if the account has no uid.
type hostAccount struct {
	Name     string  `json:"name"`
	RID      uint32  `json:"rid"`
	UID      *uint32 `json:"uid"`
	FullName string  `json:"fullName"`
	Disabled bool    `json:"disabled"`
}

// hostGroup is a group of the host. GID is nil if the group has no gid.
type hostGroup struct {
	Name    string   `json:"name"`
	SID     sid.SID  `json:"sid"`
	GID     *uint32  `json:"gid"`
	Members []string `json:"members"`
}

// hostRights holds the privileges and logon rights of an account. They do not affect ids.
type hostRights struct {
	Who        string   `json:"who"`
	Privileges []string `json:"privileges"`
	Rights     []string `json:"rights"`
}

// hostIDMap assigns the ids from Low to High to the accounts of a domain. Backend says how; "" is rid.
type hostIDMap struct {
	Domain    sid.SID `json:"domain"`
	Name      string  `json:"name"`
	Backend   string  `json:"backend"`
	Low       uint32  `json:"low"`
	High      uint32  `json:"high"`
	BaseRID   uint32  `json:"baseRid"`
	RangeSize uint32  `json:"rangeSize"`
	Index     uint32  `json:"index"`
	Number    uint32  `json:"number"`
}

// formula returns the range of ids of a map. ok is false for the backends ad and winbind, whose ids cannot be computed
// from the SID. A malformed domain or range and an unknown backend are errors.
func (m *hostIDMap) formula() (r fileaccess.IDRange, ok bool, err error) {
	if m.Domain.SubAuthorities() != 4 || m.Low > m.High {
		return r, false, fmt.Errorf("id map of %q: %d-%d of %v: want low <= high of S-1-5-21-x-y-z", m.Name, m.Low, m.High,
			m.Domain)
	}
	switch m.Backend {
	case "", "rid":
		return fileaccess.IDRange{Domain: m.Domain, First: m.Low, Last: m.High, FirstRID: m.BaseRID}, true, nil
	case "autorid":
		first := m.Low + m.Number*m.RangeSize
		if m.RangeSize == 0 || (uint64(m.Number)+1)*uint64(m.RangeSize) > uint64(m.High-m.Low)+1 {
			return r, false, fmt.Errorf("id map of %q: number %d is outside of %d-%d", m.Name, m.Number, m.Low, m.High)
		}
		if uint64(m.Index)*uint64(m.RangeSize) > uint64(^uint32(0)) {
			return r, false, fmt.Errorf("id map of %q: index %d has no RIDs of 32 bits", m.Name, m.Index)
		}
		return fileaccess.IDRange{Domain: m.Domain, First: first, Last: first + m.RangeSize - 1,
			FirstRID: m.Index * m.RangeSize}, true, nil
	case "ad", "winbind":
		// The directory file has the uid or gid of such accounts.
		return r, false, nil
	}
	return r, false, fmt.Errorf("id map of %q: backend %q: want rid, autorid, ad or winbind", m.Name, m.Backend)
}

// Read returns the function that maps uids and gids to SIDs by the rules of refmond. file is the output of `refmond
// account export`. An id is that of the account or group with this number, else of a domain account by an id map, else
// S-1-22-1-uid or S-1-22-2-gid. A subordinate id is always S-1-22-1-uid or S-1-22-2-gid, and uid 65534 is Anonymous. A
// malformed file is an error.
func Read(file []byte, subordinate []fileaccess.SubIDs) (ntacl.Accounts, error) {
	f, err := parse(file)
	if err != nil {
		return nil, err
	}
	var ranges []fileaccess.IDRange
	for i := range f.IDMaps {
		r, ok, err := f.IDMaps[i].formula()
		if err != nil {
			return nil, fmt.Errorf("id maps: %w", err)
		}
		if ok && !anySubordinate(subordinate, r.First, r.Last) {
			// A map that overlaps subordinate ids is not used, here as by refmond (L-54).
			ranges = append(ranges, r)
		}
	}
	known := [2]map[uint32]sid.SID{{}, {}}
	for _, a := range f.Accounts {
		if a.UID != nil && f.Machine.IsZero() {
			return nil, fmt.Errorf("id maps: account %q: the file has no machine SID for it", a.Name)
		}
		if a.UID != nil {
			known[0][*a.UID] = f.Machine.WithRID(a.RID)
		}
	}
	for _, g := range f.Groups {
		if g.GID != nil && g.SID.IsZero() {
			return nil, fmt.Errorf("id maps: group %q: the SID is missing", g.Name)
		}
		if g.GID != nil {
			known[1][*g.GID] = g.SID
		}
	}
	return func(id uint32, group bool) sid.SID {
		switch {
		case id == unmapped && !group:
			return sid.Anonymous
		case anySubordinate(subordinate, id, id):
			// A subordinate id is an account of no domain and no store, whatever they say (L-24).
			return other[kindOf(group)](id)
		}
		return sidOfID(id, kindOf(group), &known, ranges)
	}, nil
}

// anySubordinate reports whether one of the ids from first to last, both included, is subordinate.
func anySubordinate(subordinate []fileaccess.SubIDs, first, last uint32) bool {
	return slices.ContainsFunc(subordinate, func(s fileaccess.SubIDs) bool { return s.Overlaps(first, last) })
}

// other holds the functions that return the SIDs of a uid and of a gid which neither an account nor a map covers.
var other = [2]func(uint32) sid.SID{fileaccess.UnixUser, fileaccess.UnixGroup}

// kindOf returns the index of a kind of account in the id tables: 0 for users, 1 for groups.
func kindOf(group bool) int {
	if group {
		return 1
	}
	return 0
}

// maxSubIDs bounds a file of subordinate ids, in bytes.
const maxSubIDs = 16 << 20

// ReadSubIDs reads the subordinate ids of a host from files such as /etc/subuid. A missing file has none. An
// unreadable file, or one above maxSubIDs bytes, counts as all ids (L-24). It never fails.
func ReadSubIDs(names ...string) (all []fileaccess.SubIDs) {
	for _, name := range names {
		info, err := os.Stat(name)
		if err == nil && info.Size() > maxSubIDs {
			return []fileaccess.SubIDs{fileaccess.AllSubIDs}
		}
		text, err := os.ReadFile(name) //nolint:gosec // a file of the host
		switch {
		case err == nil:
			all = append(all, fileaccess.ParseSubIDs(string(text))...)
		case !os.IsNotExist(err):
			all = append(all, fileaccess.AllSubIDs)
		}
	}
	return all
}

// unmapped is the id that Linux shows for users and groups without a number in a user namespace.
const unmapped = 65534

// sidOfID returns the SID of an id: a known account's, else by a range, else S-1-22 (L-60). It always finds one. The
// first matching range counts.
func sidOfID(id uint32, kind int, known *[2]map[uint32]sid.SID, ranges []fileaccess.IDRange) sid.SID {
	if s, ok := known[kind][id]; ok {
		return s
	}
	for i := range ranges {
		if s, ok := ranges[i].SID(id); ok {
			return s
		}
	}
	return other[kind](id)
}

// parse reads an export of refmond's accounts in YAML or JSON. Another version than 1, and an unknown field, are
// errors. A malformed text is an error with its line.
func parse(file []byte) (*accountsFile, error) {
	text, marks, err := strictyaml.JSON(file)
	if err != nil {
		return nil, fmt.Errorf("id maps: %w", err)
	}
	var f accountsFile
	if err := strict.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("id maps: %w", strict.Locate(text, marks, err))
	}
	if f.Version != 1 {
		return nil, fmt.Errorf("id maps: version %d: want version: 1, the last line of an export: the file may have been "+
			"cut off", f.Version)
	}
	return &f, nil
}

// Name is an account or a group of refmond. The zero value is none.
type Name struct {
	Name  string
	SID   sid.SID
	Group bool
}

// ReadNames returns the accounts, then the groups, of the output of `refmond account export`, in its order. It leaves
// out an entry without a SID. A malformed file is an error.
func ReadNames(file []byte) ([]Name, error) {
	f, err := parse(file)
	if err != nil {
		return nil, err
	}
	var out []Name
	for _, a := range f.Accounts {
		if !f.Machine.IsZero() {
			out = append(out, Name{a.Name, f.Machine.WithRID(a.RID), false})
		}
	}
	for _, g := range f.Groups {
		if !g.SID.IsZero() {
			out = append(out, Name{g.Name, g.SID, true})
		}
	}
	return out, nil
}
