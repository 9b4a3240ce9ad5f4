package people_test

import (
	"testing"

	"github.com/refmon/refmon/internal/verbs/bulk/people"
)

// FuzzDirectory: no panic, and what is accepted has a token each.
func FuzzDirectory(f *testing.F) {
	f.Add([]byte("domain: S-1-5-21-1-2-3\nusers:\n  - {name: a, sid: S-1-5-21-1-2-3-4, memberOf: [g], claims: {x: [1, 2]}}\ngroups:\n  - {name: g, sid: DU, memberOf: [g]}\n"))
	f.Add([]byte(`{"users":[{"name":"a","sid":"BA","claims":[{"name":"x","type":"sid","values":["BA"]}]}]}`))
	f.Add([]byte("name,sid,kind,memberOf,claims.x:int64,disabled\na,BA,,g;BU,1;2,false\ng,DU,group,g,,\n,S-1-5-21-1-2-3,domain,,,\n"))
	f.Add([]byte("users: *a\n"))      // an anchor that is not there
	f.Add([]byte("users: &a [*a]\n")) // one inside itself
	f.Fuzz(func(t *testing.T, file []byte) {
		d, err := people.Read(file)
		if err != nil {
			return
		}
		for _, p := range d.Principals {
			if p.Token == nil || p.Name == "" || d.Find(p.Name) < 0 {
				t.Errorf("principal %+v", p)
			}
		}
	})
}
