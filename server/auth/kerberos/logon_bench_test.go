package kerberos

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// withGroups returns a change that gives the PAC n groups.
func withGroups(n int) func(*forge.PAC) {
	return func(p *forge.PAC) {
		p.Groups = nil
		for i := range n {
			p.Groups = append(p.Groups, forge.Group{RID: uint32(2000 + i), Attributes: 7})
		}
	}
}

// BenchmarkAccept takes tickets that the benchmark sealed, on all processors: logons a
// second of the acceptor alone, cryptography and PAC included.
func BenchmarkAccept(b *testing.B) {
	for _, groups := range []int{10, 1000} {
		b.Run(fmt.Sprint(groups, " groups"), func(b *testing.B) {
			blobs := make([][]byte, b.N)
			k := ticket()
			k.PAC = alicePAC(secret, withGroups(groups))
			for i := range blobs {
				k.At = noon.Add(time.Duration(i%200_000_000) * time.Microsecond)
				blobs[i] = k.Blob()
			}
			a := acceptor(b, nil)
			next := atomic.Int64{}
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := a.Accept(blobs[next.Add(1)-1], nil); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "logons/s")
		})
	}
}

// newTokenCreator returns a function that creates the token of a client with n groups from its parsed PAC. The time
// includes SID filtering, local groups and rights.
func newTokenCreator(tb testing.TB, n int) func() {
	store := openStore(tb)
	check.NoError(tb, store.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		e.AddGroup(lsa.Group{Name: "readers", Members: []sid.SID{domain.WithRID(2500)}})
		return nil
	}))
	k := ticket()
	k.PAC = alicePAC(secret, withGroups(n))
	taking := acceptor(tb, nil)
	a := Authority{Store: store, Tickets: func() *Acceptor { return taking }}
	c := check.Must(taking.Accept(k.Blob(), nil))
	return func() {
		r, st := a.logOnClient(c, &logon.Request{Package: logon.Ticket, Type: winnt.LOGON32_LOGON_NETWORK})
		check.Success(tb, st)
		if v, err := token.New(r.Token); err != nil || !v.Member(domain.WithRID(uint32(1999+n)), false) {
			tb.Fatal(err)
		}
	}
}

// TestTokenAllocationsIgnoreGroupCount checks that creating a token with 1,000 groups makes a constant number of
// allocations, none per group (docs/performance.md).
func TestTokenAllocationsIgnoreGroupCount(t *testing.T) {
	if got := testing.AllocsPerRun(20, newTokenCreator(t, 1000)); got > 55 { // 50, and a few more under the race detector
		t.Errorf("a token of 1,000 groups takes %.0f allocations, want at most 55", got)
	}
}

// BenchmarkTokenOfThousandGroups creates tokens with 1,000 groups. cpu-us/op is processor time, which the load of other
// programs changes little.
func BenchmarkTokenOfThousandGroups(b *testing.B) {
	once := newTokenCreator(b, 1000)
	b.ReportAllocs()
	var before, after unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &before)
	for b.Loop() {
		once()
	}
	_ = unix.Getrusage(unix.RUSAGE_SELF, &after)
	spent := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(spent)/1e3/float64(b.N), "cpu-us/op")
}

// BenchmarkTokenOfGroups creates tokens with increasing numbers of groups. The time grows linearly.
func BenchmarkTokenOfGroups(b *testing.B) {
	for _, n := range []int{1000, 5000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			once := newTokenCreator(b, n)
			b.ReportAllocs()
			for b.Loop() {
				once()
			}
		})
	}
}
