package lsa

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/logon"
)

// FuzzRecords: no bytes of the store end the program, and what is read is written
// back as a value that is read alike.
func FuzzRecords(f *testing.F) {
	f.Add([]byte(`{"name":"alice","rid":1001,"uid":1000,"hash":"$argon2id$v=19$m=8,t=1,p=1$AA$AA"}`)) // of an account
	f.Add([]byte(`{"name":"staff","sid":"S-1-5-32-544","members":["S-1-22-1-5"]}`))                   // of a group
	f.Add([]byte(`{"format":1,"machine":"S-1-5-21-1-2-3","next":1001,"maps":[{"low":1}]}`))           // of the store
	f.Add([]byte(`{"privileges":["SeTcbPrivilege"],"rights":["SeBatchLogonRight"]}`))                 // of rights
	f.Add([]byte(`{"count":3,"first":"2026-01-02T03:04:05Z","locked":"0001-01-01T00:00:00Z"}`))       // of failures
	f.Fuzz(func(t *testing.T, b []byte) {
		again[Account](t, b)
		again[Group](t, b)
		again[meta](t, b)
		again[failures](t, b)
		if r, err := decode[grantRecord](nil, nil, b); err == nil {
			if g, err := r.grant(); err == nil {
				if back, err := g.record().grant(); err != nil || back != g {
					t.Errorf("%v is read back as %v, %v", g, back, err)
				}
			}
		}
	})
}

func again[T any](t *testing.T, b []byte) {
	t.Helper()
	v, err := decode[T](nil, nil, b)
	if err != nil {
		return
	}
	text, err := json.Marshal(v)
	if err != nil {
		return // a year beyond those of JSON
	}
	w, err := decode[T](nil, nil, text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if other, _ := json.Marshal(w); !bytes.Equal(text, other) {
		t.Errorf("%s is read back as %s", text, other)
	}
}

// FuzzYAML: no file ends the program, and a state that one makes goes out and in
// again.
func FuzzYAML(f *testing.F) {
	f.Add([]byte("version: 1\naccounts:\n  - name: a\n    uid: 5\n"))
	f.Add([]byte("version: 1\ngroups:\n  - name: \"g\"\n    members: [a, S-1-1-0]\n"))
	f.Add([]byte("version: 1\nrights:\n  - who: Everyone\n    privileges: [SeTcbPrivilege]\n"))
	f.Add([]byte("version: 1\nidMaps:\n  - {name: C, domain: S-1-5-21-1-2-4, low: 1, high: 9, baseRid: 0}\n"))
	f.Add([]byte("version: 1\naccounts: [{name: a, rid: 4294967294}, {name: b}]\n")) // the last RID
	s := &Store{computer: "HOST"}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := readFile(b)
		if err != nil {
			return
		}
		st, err := shipped(5)
		if err != nil {
			t.Fatal(err)
		}
		st.index()
		s.now.Store(st)
		made := st.clone()
		if file.apply(s, made) != nil || made.valid(made, nil) != nil {
			return
		}
		made.index()
		s.now.Store(made)
		var out bytes.Buffer
		if err := s.Export(&out); err != nil {
			t.Fatal(err)
		}
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
			t.Errorf("%v\n%s", e.changes, out.Bytes())
		}
	})
}

// FuzzHash: no text of a hash costs more than its bounds.
func FuzzHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=4294967295,t=4294967295,p=1$AAAAAAAAAAAAAAAAAAAAAA$AA")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parseHash(text)
		if err == nil && (h.String() != text || h.cost.Memory > mostMemory || h.cost.Passes > mostPasses) {
			t.Errorf("%q is read as %v", text, h)
		}
	})
}

// FuzzNames: no name ends the program or is found by itself.
func FuzzNames(f *testing.F) {
	f.Add(`HOST\alice`)
	f.Add("a@b@c")
	f.Add("\xff\\\x00")
	st, err := shipped(5)
	if err != nil {
		f.Fatal(err)
	}
	st.index()
	s := &Store{computer: "HOST"}
	s.now.Store(st)
	f.Fuzz(func(t *testing.T, name string) {
		if a, ok := s.LookupName(name); ok {
			if back, ok := s.LookupSID(a.SID); !ok || back != a {
				t.Errorf("%q is %+v, back %+v", name, a, back)
			}
		}
		if id, _, ok := s.find(st, &logon.Request{Name: name}); ok {
			t.Errorf("%q is the account %v", name, id)
		}
		for _, r := range fileaccess.ParseSubIDs(name) {
			if r.First > r.Last {
				t.Errorf("%q has the range %v", name, r)
			}
		}
	})
}
