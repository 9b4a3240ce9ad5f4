package lsa

import (
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
)

// FuzzNames checks that no name causes a panic or is found by itself.
func FuzzNames(f *testing.F) {
	f.Add(`HOST\alice`)
	f.Add("a@b@c")
	f.Add("\xff\\\x00")
	st, err := newInitialState(5)
	check.NoError(f, err)
	st.index()
	s := &Store{computer: "HOST"}
	s.now.Store(st)
	f.Fuzz(func(t *testing.T, name string) {
		if a, ok := s.LookupName(name); ok {
			if back, ok := s.LookupSID(a.SID); !ok || back != a {
				t.Errorf("LookupName(%q) = %+v, LookupSID of it = %+v, want the same account", name, a, back)
			}
		}
		if id, _, ok := s.find(st, &logon.Request{Name: name}); ok {
			t.Errorf("a logon as %q finds the account %v, want none", name, id)
		}
		for _, r := range fileaccess.ParseSubIDs(name) {
			check.That(t, r.First <= r.Last, "%q has the range %v, want First not above Last", name, r)
		}
	})
}
