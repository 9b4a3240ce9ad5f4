package lsa

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// FuzzRecords checks that no stored bytes cause a panic, and that a parsed value survives encoding
// and parsing.
func FuzzRecords(f *testing.F) {
	f.Add([]byte(`{"name":"alice","rid":1001,"uid":1000,"hash":"$argon2id$v=19$m=8,t=1,p=1$AA$AA"}`)) // of an account
	f.Add([]byte(`{"name":"staff","sid":"S-1-5-32-544","members":["S-1-22-1-5"]}`))                   // of a group
	f.Add([]byte(`{"format":1,"machine":"S-1-5-21-1-2-3","next":1001,"maps":[{"low":1}]}`))           // of the store
	f.Add([]byte(`{"privileges":["SeTcbPrivilege"],"rights":["SeBatchLogonRight"]}`))                 // of rights
	f.Add([]byte(`{"count":3,"first":"2026-01-02T03:04:05Z","locked":"0001-01-01T00:00:00Z"}`))       // of failures
	f.Fuzz(func(t *testing.T, b []byte) {
		checkReencodes[Account](t, b)
		checkReencodes[Group](t, b)
		checkReencodes[meta](t, b)
		checkReencodes[failures](t, b)
		if r, err := decode[grantRecord](nil, nil, b); err == nil {
			if g, err := r.grant(); err == nil {
				if back, err := g.record().grant(); err != nil || back != g {
					t.Errorf("%v is read back as %v, %v, want %v, nil", g, back, err, g)
				}
			}
		}
	})
}

func checkReencodes[T any](t *testing.T, b []byte) {
	t.Helper()
	v, err := decode[T](nil, nil, b)
	if err != nil {
		return
	}
	text, err := json.Marshal(v)
	if err != nil {
		return // JSON cannot encode the year
	}
	w, err := decode[T](nil, nil, text)
	check.RequireThat(t, err == nil, "%s: %v", text, err)
	if other, _ := json.Marshal(w); !bytes.Equal(text, other) {
		t.Errorf("%s is read back as %s, want %s", text, other, other)
	}
}
