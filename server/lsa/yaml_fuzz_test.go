package lsa

import (
	"bytes"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// FuzzYAML checks that no file causes a panic, and that an imported state can be exported and imported again.
func FuzzYAML(f *testing.F) {
	f.Add([]byte(withLists("version: 1\naccounts:\n  - name: a\n    uid: 5\n")))
	f.Add([]byte(withLists("version: 1\ngroups:\n  - name: \"g\"\n    members: [a, S-1-1-0]\n")))
	f.Add([]byte(withLists("version: 1\nrights:\n  - who: Everyone\n    privileges: [SeTcbPrivilege]\n")))
	f.Add([]byte(withLists("version: 1\nidMaps:\n  - {name: C, domain: S-1-5-21-1-2-4, low: 1, high: 9, baseRid: 0}\n")))
	f.Add([]byte(withLists("version: 1\naccounts: [{name: a, rid: 4294967294}, {name: b}]\n"))) // the last RID
	f.Add([]byte(withLists("version: 1\nrights:\n  - who: dora\n    rights: [SeDenyNetworkLogonRight]\n" +
		"idMaps:\n  - {name: C, domain: S-1-5-21-1-2-4, low: 10, high: 19, baseRid: 0}\n")))
	s := &Store{computer: "HOST", cfg: Config{Lookups: hosts{users: map[string]uint32{"dora": 12}}}}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := readFile(b)
		if err != nil {
			return
		}
		st := check.Must(newInitialState(5))
		st.index()
		s.now.Store(st)
		made := st.clone()
		if file.apply(s, made) != nil || made.valid(made, nil) != nil {
			return
		}
		made.index()
		s.now.Store(made)
		var out bytes.Buffer
		check.NoError(t, s.Export(&out))
		back, err := readFile(out.Bytes())
		if err != nil {
			t.Fatalf("%v\n%s", err, out.Bytes())
		}
		second := made.clone()
		if err := back.apply(s, second); err != nil {
			t.Fatalf("%v\n%s", err, out.Bytes())
		}
		e := &Edit{store: s, st: second}
		if e.noteDifferences(made); len(e.changes) > 0 {
			t.Errorf("an import of the exported file changes %v, want no changes\n%s", e.changes, out.Bytes())
		}
	})
}
