package access_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

var benchDecision access.Decision

func BenchmarkCheck(b *testing.B) {
	d := benchSD(b, 900000)
	for _, n := range []int{20, 200, 1000} {
		tok := benchToken(b, n)
		for _, mode := range []struct {
			name string
			mask winnt.AccessMask
		}{{"explicit", winnt.FILE_READ_DATA}, {"maximum", winnt.MAXIMUM_ALLOWED}} {
			b.Run(fmt.Sprintf("10x%d/%s", n, mode.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					benchDecision, _ = access.Check(tok, d, mode.mask, winnt.FileObject)
				}
				if !benchDecision.Allowed() {
					b.Fatalf("the check denies, want a grant: %v", benchDecision)
				}
			})
		}
	}
}

func BenchmarkSeAccessCheck(b *testing.B) {
	r := &access.Request{Descriptor: benchSD(b, 900000), Subject: access.SubjectOf(benchToken(b, 20)), Desired: 1,
		Type: winnt.FileObject}
	b.ReportAllocs()
	for b.Loop() {
		benchDecision, _ = access.SeAccessCheck(r)
	}
}

// BenchmarkStages measures checks with labels, owners, restricted tokens, app containers and conditions, which should
// cost little.
func BenchmarkStages(b *testing.B) {
	for _, c := range []struct {
		name, sd string
		change   func(*token.Spec)
		desired  winnt.AccessMask
		want     bool
	}{
		{"label", "…(A;;FA;;;WD)S:(ML;;NW;;;HI)", nil, 1, true},
		{"owner", "U:(A;;FA;;;WD)", nil, 0x20001, true},
		{"restricted", "…(A;;FA;;;WD)", restricted(sid.Everyone), 1, true},
		{"container", "…(A;;FA;;;WD)(A;;FR;;;AC)", appContainer, 1, true},
		{"condition", `…(XA;;FA;;;WD;(@User.Title=="PM"))`, userClaims(texts("Title", "pm")), 1, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			spec := baseSpec()
			if c.change != nil {
				c.change(&spec)
			}
			tok, d := mustToken(b, spec), mustSD(b, c.sd)
			b.ReportAllocs()
			for b.Loop() {
				benchDecision, _ = access.Check(tok, d, c.desired, winnt.FileObject)
			}
			if benchDecision.Allowed() != c.want {
				b.Fatalf("allowed is not %t: %v", c.want, benchDecision)
			}
		})
	}
}

func BenchmarkCheckBytes(b *testing.B) {
	tok, raw := benchToken(b, 20), benchSD(b, 900000).Binary()
	b.ReportAllocs()
	for b.Loop() {
		benchDecision, _ = access.CheckBytes(tok, raw, winnt.FILE_READ_DATA, winnt.FileObject)
	}
	if !benchDecision.Allowed() {
		b.Fatalf("the check denies, want a grant: %v", benchDecision)
	}
}

// BenchmarkCold checks a million different descriptors in random order, on ordinary and on huge pages. As a unit of
// comparison it also measures the time of this machine to read one byte of each.
func BenchmarkCold(b *testing.B) {
	if testing.Short() {
		b.Skip("a million descriptors")
	}
	const n = 1 << 20
	all := make([]*sd.Descriptor, n)
	template := benchSD(b, 900000).Binary()
	var rids []int // offsets of the last sub-authorities of SIDs that are not the user's
	for i := 0; i+4 <= len(template); i += 4 {
		if v := binary.LittleEndian.Uint32(template[i:]); v >= 900000 && v < 900010 {
			rids = append(rids, i)
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range all {
		for k, at := range rids {
			binary.LittleEndian.PutUint32(template[at:], uint32(900000+16*i+k))
		}
		d, err := sd.Decode(template)
		if err != nil {
			b.Fatal(err)
		}
		all[i] = d
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	heap := float64(after.HeapAlloc-before.HeapAlloc) / float64(n*len(template))
	tok := benchToken(b, 20)
	order := rand.New(rand.NewPCG(1, 2)).Perm(n)
	for _, pages := range []string{"given", "huge"} {
		b.Run(pages, func(b *testing.B) {
			if pages == "huge" {
				collapse(b, all)
			}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				benchDecision, _ = access.Check(tok, all[order[i&(n-1)]], winnt.FILE_READ_DATA, winnt.FileObject)
				i++
			}
			b.ReportMetric(heap, "heap/bytes")
		})
		b.Run(pages+"/unit", func(b *testing.B) { // one read, which waits for the one before
			i := 0
			for b.Loop() {
				i += 1 + int(all[order[i&(n-1)]].RMControl())
			}
		})
	}
}

func BenchmarkExplain(b *testing.B) {
	r := &access.Request{Descriptor: benchSD(b, 900000), Subject: access.SubjectOf(benchToken(b, 20)), Desired: 1,
		Type: winnt.FileObject}
	b.ReportAllocs()
	for b.Loop() {
		benchDecision, _, _ = access.Explain(r)
	}
}
