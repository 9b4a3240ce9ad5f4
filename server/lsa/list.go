package lsa

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/sid"
)

// ListAccounts writes a table with a heading and a line for each account, sorted by RID: name, SID, uid, state
// (active, disabled, locked out, or no password) and full name. An empty cell is "-". It returns the error of w.
func (s *Store) ListAccounts(w io.Writer) error {
	st := s.now.Load()
	t := newTable(w, "NAME", "SID", "UID", "STATE", "FULL NAME")
	for _, rid := range slices.Sorted(maps.Keys(st.accounts)) {
		a := st.accounts[rid]
		t.row(a.Name, st.machine.WithRID(rid).String(), id(a.UID), s.stateOf(&a), a.FullName)
	}
	return t.Flush()
}

// ListGroups writes a table with a heading and a line for each member of each group, sorted by the group's SID.
// A group without members has one line with "-" as the member. It returns the error of w.
func (s *Store) ListGroups(w io.Writer) error {
	st := s.now.Load()
	t := newTable(w, "GROUP", "SID", "GID", "MEMBER", "MEMBER'S SID")
	for _, g := range slices.SortedFunc(maps.Keys(st.groups), sid.SID.Compare) {
		group := st.groups[g]
		if len(group.Members) == 0 {
			t.row(group.Name, g.String(), id(group.GID), "-", "-")
		}
		for _, m := range group.Members {
			t.row(group.Name, g.String(), id(group.GID), s.display(m), m.String())
		}
	}
	return t.Flush()
}

// ListRights writes a table with a heading and a line for each SID that has privileges or logon rights, sorted
// by SID. The name of an unknown SID is "-". It returns the error of w.
func (s *Store) ListRights(w io.Writer) error {
	st := s.now.Load()
	t := newTable(w, "WHO", "SID", "RIGHTS")
	for _, g := range slices.SortedFunc(maps.Keys(st.grants), sid.SID.Compare) {
		if st.grants[g] == (Grant{}) {
			continue // no rights, as for Guests in a new store
		}
		r := st.grants[g].record()
		t.row(s.display(g), g.String(), strings.Join(append(r.Privileges, r.Rights...), " "))
	}
	return t.Flush()
}

// stateOf returns the word that ListAccounts prints for an account's state. A disabled account is "disabled" even if it
// is also locked out. An account without a hash has no password. "active" is any other.
func (s *Store) stateOf(a *Account) string {
	switch {
	case a.Disabled:
		return "disabled"
	case s.throttle.locked(strings.ToUpper(a.Name), s.cfg.Now()):
		return "locked out"
	case a.Hash == "":
		return "no password"
	}
	return "active"
}

// display returns the name that tables show for a SID: DOMAIN\name of a well-known SID, one of this computer, or a
// domain user who logged on, "-" for any other. A name without a domain stands alone.
func (s *Store) display(id sid.SID) string {
	name, domain, ok := s.Account(id)
	switch {
	case !ok:
		return "-"
	case domain == "":
		return name
	}
	return domain + `\` + name
}

// table holds the rows of a table until Flush writes them in aligned columns.
type table struct {
	out  io.Writer
	rows [][]string
}

// newTable returns a table with the heads as its first row.
func newTable(w io.Writer, heads ...string) *table { return &table{w, [][]string{heads}} }

// row adds one line. It replaces control characters, and stores "-" for an empty cell. It changes cells.
func (t *table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = cmp.Or(printable.Line(c), "-")
	}
	t.rows = append(t.rows, cells)
}

// Flush writes all rows. It aligns by terminal columns, of which a Japanese character takes two. The last cell of a
// row is not padded. It returns the error of the output.
func (t *table) Flush() error {
	widths := map[int]int{}
	for _, row := range t.rows {
		for i, c := range row {
			widths[i] = max(widths[i], printable.Width(c))
		}
	}
	var b strings.Builder
	for _, row := range t.rows {
		last := len(row) - 1
		for i, c := range row[:last] {
			b.WriteString(c + strings.Repeat(" ", widths[i]-printable.Width(c)+2))
		}
		b.WriteString(row[last] + "\n")
	}
	_, err := io.WriteString(t.out, b.String())
	return err
}

// id formats a uid or gid for a table, "-" for nil.
func id(n *uint32) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatUint(uint64(*n), 10)
}

// Unlock clears the failed logons of an account in memory and in the file, so that its name is no longer locked
// (L-31). It does not enable a disabled account, and is not passed to Config.Audit. An unknown name is an error.
// If the file cannot be written, the failures stay.
func (s *Store) Unlock(name string) error {
	st := s.now.Load()
	a, ok := st.account(st.names[strings.ToUpper(name)])
	if !ok {
		return fmt.Errorf("account %q: no account has that name", clip(name))
	}
	if err := s.change(func(tx *bbolt.Tx) error { return forgetFailures(tx, a.RID) }); err != nil {
		return fmt.Errorf("account store: %w", err)
	}
	s.throttle.forget(strings.ToUpper(a.Name))
	return nil
}

// Revision returns the number of the file's last transaction, which grows with each change and each
// stored attempt to log on, and the file's size in bytes. It fails after Close.
func (s *Store) Revision() (revision, size int64, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		revision, size = int64(tx.ID()), tx.Size()
		return nil
	})
	return revision, size, err
}

// SID returns the SID that text means: a SID in the form S-1-…, or a name, which [Store.LookupName] looks up. An
// unknown name is an error. A SID need not belong to an account.
func (s *Store) SID(text string) (sid.SID, error) {
	if id, err := sid.ParseStrict(text); err == nil && strings.HasPrefix(text, "S-") {
		return id, nil
	}
	if a, ok := s.LookupName(text); ok {
		return a.SID, nil
	}
	return sid.SID{}, fmt.Errorf("%q: no account or group has that name: write its SID", clip(text))
}
