package lsa

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/strictyaml"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
)

// MaxFile is the size limit of an accounts file, in bytes.
const MaxFile = 64 << 20

// accountsFile is the form of the YAML file. It has no hashes: existing accounts keep their
// passwords, new accounts have none.
type accountsFile struct {
	Version  int           `json:"version"`
	Machine  sid.SID       `json:"machine"`
	Accounts []accountFile `json:"accounts"`
	Groups   []groupFile   `json:"groups"`
	Rights   []rightsFile  `json:"rights"`
	IDMaps   []IDMap       `json:"idMaps"`
}

// accountFile is an account in an export. It never has the password.
type accountFile struct {
	Name     string  `json:"name"`
	RID      uint32  `json:"rid"` // 0: Import assigns the next free RID
	UID      *uint32 `json:"uid"`
	FullName string  `json:"fullName"`
	Disabled bool    `json:"disabled"`
}

// groupFile is a group in an export.
type groupFile struct {
	Name    string   `json:"name"`
	SID     string   `json:"sid"` // "" for a new group of this computer
	GID     *uint32  `json:"gid"`
	Members []string `json:"members"` // names or SIDs
}

// rightsFile holds the privileges and logon rights of an account in an export.
type rightsFile struct {
	Who        string   `json:"who"` // a name or a SID
	Privileges []string `json:"privileges"`
	Rights     []string `json:"rights"`
}

// Import replaces the contents of the store by those of an accounts file, in the name of the SID by. Accounts, groups,
// rights and maps that the file does not have are deleted. A file without one of the four lists is an error. An account
// keeps its password if the store has one with the same RID and name. All others have no password. A store without
// accounts takes the machine SID from the file. A store with accounts refuses a file with another machine SID. Each
// difference is one change for Config.Audit. An error changes nothing.
func (s *Store) Import(by sid.SID, file []byte) error {
	f, err := readFile(file)
	if err != nil {
		return fmt.Errorf("accounts: %w", err)
	}
	err = s.Update(by, func(e *Edit) error {
		if err := f.apply(s, e.st); err != nil {
			return err
		}
		e.noteDifferences(s.now.Load())
		return nil
	})
	if err != nil {
		return fmt.Errorf("accounts: %w", err)
	}
	return nil
}

// readFile parses the YAML of an accounts file. It returns an error for a file above MaxFile, for an unknown key, for
// another version than 1 and for a missing list. An error may come with a partly filled file.
func readFile(file []byte) (f accountsFile, err error) {
	if len(file) > MaxFile {
		return f, fmt.Errorf("longer than %d bytes", MaxFile)
	}
	text, marks, err := strictyaml.JSON(file)
	if err != nil {
		return f, err
	}
	if err := strict.Unmarshal(text, &f); err != nil {
		return f, strict.Locate(text, marks, err)
	}
	if f.Version != 1 {
		return f, fmt.Errorf("version %d: want version: 1, the last line of an export: the file may have been cut off",
			f.Version)
	}
	// A file that was cut off would delete all rights, and nobody could log on.
	for _, list := range []struct {
		key     string
		missing bool
	}{{"accounts", f.Accounts == nil}, {"groups", f.Groups == nil}, {"rights", f.Rights == nil},
		{"idMaps", f.IDMaps == nil}} {
		if list.missing {
			return f, fmt.Errorf("no list %q: the file may have been cut off: for an empty list write %s: []", list.key,
				list.key)
		}
	}
	return f, nil
}

// apply replaces the accounts, groups, rights and maps of st by those of f. Accounts without a RID get the next ones.
// If RID and name are unchanged, the account keeps its password. After an error st must be dropped. Errors:
//   - another machine, if the store has accounts
//   - a repeated RID, or two entries for the rights of one SID
//   - an unknown account or right
func (f *accountsFile) apply(s *Store, st *state) error {
	if !f.Machine.IsZero() && f.Machine != st.machine {
		if len(st.accounts) > 0 {
			return fmt.Errorf("machine %v: this store is of %v and has accounts: restore a backup instead", f.Machine,
				st.machine)
		}
		st.machine = f.Machine
	}
	before, maps := st.accounts, st.maps
	st.accounts, st.groups, st.grants = map[uint32]Account{}, map[sid.SID]Group{}, map[sid.SID]Grant{}
	st.maps = f.IDMaps
	for _, a := range f.Accounts {
		if err := st.skipRID(a.RID); err != nil {
			return fmt.Errorf("account %q: %w", clip(a.Name), err)
		}
	}
	for _, a := range f.Accounts {
		if a.RID == 0 {
			a.RID = st.nextRID()
		}
		if _, twice := st.accounts[a.RID]; twice {
			return fmt.Errorf("account %q: RID %d occurs twice", clip(a.Name), a.RID)
		}
		old := before[a.RID]
		if key := strings.ToUpper(a.Name); strings.ToUpper(old.Name) != key { // compare names as [Edit.named] does
			old.Hash = "" // a RID with another name is another account, which gets no password
		}
		st.accounts[a.RID] = Account{Name: a.Name, RID: a.RID, UID: a.UID, FullName: a.FullName, Disabled: a.Disabled,
			Hash: old.Hash}
	}
	// Names of the host need valid maps.
	if err := st.validMaps(&state{maps: maps}, s.subids.Ranges()); err != nil {
		return err
	}
	if err := f.applyGroups(s, st); err != nil {
		return err
	}
	for _, r := range f.Rights {
		id, err := namedSID(s, st, r.Who)
		if err != nil {
			return fmt.Errorf("rights: %w", err)
		}
		if _, twice := st.grants[id]; twice {
			// The second entry would replace the first, and lose its rights, also those that deny a logon (L-38).
			return fmt.Errorf("rights of %q: %v has two entries: merge them", clip(r.Who), id)
		}
		if st.grants[id], err = (grantRecord{r.Privileges, r.Rights}).grant(); err != nil {
			return fmt.Errorf("rights of %q: %w", clip(r.Who), err)
		}
	}
	return nil
}

// applyGroups adds the groups of the file to st and indexes st. Its accounts and maps must be in st already. A
// group without a SID gets a new SID of this computer. Repeated members count once. A repeated or malformed SID and an
// unknown member are errors, and st is then partly changed.
func (f *accountsFile) applyGroups(s *Store, st *state) error {
	ids := make([]sid.SID, len(f.Groups))
	for i, g := range f.Groups {
		if g.SID != "" {
			id, err := sid.ParseStrict(g.SID)
			if err != nil {
				return fmt.Errorf("group %q: %w", clip(g.Name), err)
			}
			if ids[i] = id; id.Prefix() == st.machine {
				if err := st.skipRID(id.RID()); err != nil {
					return fmt.Errorf("group %q: %w", clip(g.Name), err)
				}
			}
		}
	}
	for i, g := range f.Groups {
		if ids[i].IsZero() {
			ids[i] = st.machine.WithRID(st.nextRID())
		}
		if _, twice := st.groups[ids[i]]; twice {
			return fmt.Errorf("group %q: %v occurs twice", clip(g.Name), ids[i])
		}
		st.groups[ids[i]] = Group{Name: g.Name, SID: ids[i], GID: g.GID}
	}
	st.index() // members may be named after accounts and groups of the whole file
	for i, g := range f.Groups {
		out := st.groups[ids[i]]
		members := make(map[sid.SID]bool, len(g.Members))
		for _, m := range g.Members {
			id, err := namedSID(s, st, m)
			if err != nil {
				return fmt.Errorf("group %q: %w", clip(g.Name), err)
			}
			if !members[id] {
				out.Members = append(out.Members, id)
			}
			members[id] = true
		}
		st.groups[out.SID] = out
	}
	return nil
}

// maxRID is the highest RID that an import may bring, that of a Windows domain. A higher one would leave no RIDs for
// new accounts.
const maxRID = 1<<30 - 1

// skipRID makes new accounts get RIDs after rid. A RID above maxRID is an error, unless the store has assigned it.
func (s *state) skipRID(rid uint32) error {
	if rid > maxRID && rid >= s.next {
		return fmt.Errorf("RID %d: want at most %d", rid, uint32(maxRID))
	}
	s.next = max(s.next, rid+1)
	return nil
}

// nextRID returns the next RID and increments it.
func (s *state) nextRID() uint32 {
	rid := s.next
	s.next++
	return rid
}

// namedSID returns the SID of a user or group that an imported file names. text is a SID, else a name in the file, a
// well-known name or a name of the host. Names match in any case. st is the indexed state of the file, so a name of the
// host gets the SID that its id has after the import (L-27). An unknown name is an error.
func namedSID(s *Store, st *state, text string) (sid.SID, error) {
	if id, err := sid.ParseStrict(text); err == nil && strings.HasPrefix(text, "S-") {
		return id, nil
	}
	if id, ok := st.names[strings.ToUpper(text)]; ok {
		return id, nil
	}
	if a, ok := logon.WellKnownName(text); ok {
		return a.SID, nil
	}
	if a, ok := s.hostNamed(st, s.cfg.Lookups, "", text, false); ok {
		return a.SID, nil
	}
	return sid.SID{}, fmt.Errorf("%q: no account or group has that name: write its SID", clip(text))
}

// Export writes the accounts, groups, rights and maps as a YAML file that [Store.Import] reads. It contains no
// password hashes (L-38). It returns the error of w.
func (s *Store) Export(w io.Writer) error {
	st := s.now.Load()
	var b strings.Builder
	fmt.Fprintf(&b, "# Accounts of %s. Passwords are not in this file: back the store up to keep them.\n", s.computer)
	fmt.Fprintf(&b, "machine: %v\n", st.machine)
	list(&b, "accounts", slices.Sorted(maps.Keys(st.accounts)), func(rid uint32) {
		a := st.accounts[rid]
		fmt.Fprintf(&b, "  - name: %s\n    rid: %d\n", quoted(a.Name), rid)
		optional(&b, "uid", a.UID)
		if a.FullName != "" {
			fmt.Fprintf(&b, "    fullName: %s\n", quoted(a.FullName))
		}
		if a.Disabled {
			b.WriteString("    disabled: true\n")
		}
	})
	list(&b, "groups", slices.SortedFunc(maps.Keys(st.groups), sid.SID.Compare), func(id sid.SID) {
		g := st.groups[id]
		fmt.Fprintf(&b, "  - name: %s\n    sid: %v\n", quoted(g.Name), id)
		optional(&b, "gid", g.GID)
		inner(&b, "members", g.Members, sid.SID.String)
	})
	list(&b, "rights", slices.SortedFunc(maps.Keys(st.grants), sid.SID.Compare), func(id sid.SID) {
		r := st.grants[id].record()
		fmt.Fprintf(&b, "  - who: %v\n", id)
		same := func(s string) string { return s }
		inner(&b, "privileges", r.Privileges, same)
		inner(&b, "rights", r.Rights, same)
	})
	list(&b, "idMaps", st.maps, func(m IDMap) {
		fmt.Fprintf(&b, "  - name: %s\n    domain: %v\n    low: %d\n    high: %d\n", quoted(m.Name), m.Domain, m.Low,
			m.High)
		if m.Backend != "" {
			fmt.Fprintf(&b, "    backend: %s\n", m.Backend)
		}
		for _, f := range []struct {
			key string
			n   uint32
		}{{"baseRid", m.BaseRID}, {"rangeSize", m.RangeSize}, {"index", m.Index}, {"number", m.Number}} {
			if f.n != 0 {
				fmt.Fprintf(&b, "    %s: %d\n", f.key, f.n)
			}
		}
	})
	b.WriteString("version: 1\n") // the last line, so that Import refuses a file that was cut off
	_, err := io.WriteString(w, b.String())
	return err
}

// list writes a YAML list for an export: a key with one item for each element of all, which each writes. It writes []
// if there are none.
func list[T any](b *strings.Builder, name string, all []T, each func(T)) {
	if len(all) == 0 {
		fmt.Fprintf(b, "%s: []\n", name)
		return
	}
	fmt.Fprintf(b, "%s:\n", name)
	for _, x := range all {
		each(x)
	}
}

// inner writes a YAML list of texts below a key of an item, for an export. It writes nothing for an empty list.
func inner[T any](b *strings.Builder, name string, all []T, text func(T) string) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "    %s:\n", name)
	for _, x := range all {
		fmt.Fprintf(b, "      - %s\n", text(x))
	}
}

// optional writes an optional number below a key of a YAML item, and nothing for nil.
func optional(b *strings.Builder, name string, id *uint32) {
	if id != nil {
		fmt.Fprintf(b, "    %s: %d\n", name, *id)
	}
}

// quoted writes a text as a JSON string, which is also a double-quoted YAML string.
func quoted(text string) string { return string(strict.AppendString(nil, text)) }
