package ldap

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
)

// recorded makes the server replay the bytes of the first export for the second. The message ids are the same on each
// new connection.
func recorded(f *fake) {
	made := f.search
	var mu sync.Mutex
	kept := map[string][][]byte{}
	f.search = func(a asked) [][]byte {
		mu.Lock()
		defer mu.Unlock()
		key := fmt.Sprint(a.id, a.base, a.cookie)
		if kept[key] == nil {
			kept[key] = [][]byte{slices.Concat(made(a)...)}
		}
		return kept[key]
	}
}

// BenchmarkExport exports 100,000 accounts (with -short, 10,000) from recorded replies, over TLS on loopback. ns/op and
// cpu-s/op are for all accounts.
func BenchmarkExport(b *testing.B) {
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	f := generated(b, n)
	recorded(f)
	export := func() {
		d := f.directory(nil)
		var list People
		check.NoError(b, d.People(context.Background(), &list))
		if text := dirfile.Write(list.Accounts()); len(text) < 100*n {
			b.Fatal("no file")
		}
		_ = d.Close()
	}
	export()
	b.ReportAllocs()
	var before, after unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &before)
	for b.Loop() {
		export()
	}
	_ = unix.Getrusage(unix.RUSAGE_SELF, &after)
	spent := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(spent)/1e9/float64(b.N), "cpu-s/op")
}
