package dirfile_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
)

// FuzzDirectory checks that no file causes a panic, that time and memory are bounded, and that each accepted user has a
// token and is found by name.
func FuzzDirectory(f *testing.F) {
	f.Add([]byte("domain: S-1-5-21-1-2-3\nusers:\n  - {name: a, sid: S-1-5-21-1-2-3-4, memberOf: [g], claims: {x: " +
		"[1, 2]}}\n" +
		"groups:\n  - {name: g, sid: DU, memberOf: [g]}\n"))
	f.Add([]byte(`{"users":[{"name":"a","sid":"BA","claims":[{"name":"x","type":"sid","values":["BA"]}]}]}`))
	f.Add([]byte("name,sid,kind,memberOf,claims.x:int64,disabled\na,BA,,g;BU,1;2,false\ng,DU,group,g,,\n," +
		"S-1-5-21-1-2-3,domain,,,\n"))
	f.Add([]byte("logon: ntlm\ncomputer: S-1-5-21-1-2-3\nusers:\n  - {name: a, sid: S-1-5-21-1-2-3-4, memberOf: [BA]}\n"))
	f.Add([]byte("users: *a\n"))      // an anchor that is not there
	f.Add([]byte("users: &a [*a]\n")) // one inside itself
	// Aliases of aliases: 374 bytes were a gigabyte.
	nested := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'j'; c++ {
		before := string(c - 1)
		nested += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+before+",", 9), ",") + "]\n"
	}
	f.Add([]byte(nested))
	f.Add([]byte(strings.Repeat("[", 300)))
	f.Fuzz(func(t *testing.T, file []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		d, err := dirfile.Read(file)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 4096*uint64(len(file))+16<<20 ||
			time.Since(start) > 10*time.Second {
			t.Errorf("%d bytes of memory and %v for %d of the file", used, time.Since(start), len(file))
		}
		if err != nil {
			return
		}
		for i, p := range d.Principals {
			check.That(t, p.Token != nil && p.Name != "" && d.Find(p.Name) == i, "principal %+v", p)
		}
	})
}
