package effective_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// newUsers returns n users, each in about twenty of 400 groups in addition to the usual ones, and descriptors of ten
// entries for groups and users.
func newUsers(n, descriptors int) ([]*token.Token, []*sd.Descriptor) {
	rng := rand.New(rand.NewPCG(1, 1))
	user := func(i int) sid.SID { return worldDomain.WithRID(uint32(100_000 + i)) }
	group := func(i int) sid.SID { return worldDomain.WithRID(uint32(2000 + i)) }
	tokens := make([]*token.Token, n)
	for i := range tokens {
		s := token.StandardUser(user(i))
		for range 20 {
			s.Groups = append(s.Groups, token.Group{SID: group(rng.IntN(400)), Attributes: token.GroupDefault})
		}
		tokens[i] = check.Must(token.New(s))
	}
	masks := []winnt.AccessMask{0x1200A9, 0x1301BF, 0x1F01FF, 0x120089, 0x120116}
	out := make([]*sd.Descriptor, descriptors)
	for i := range out {
		var aces []sd.ACE
		for j := range 10 {
			t, who := sd.AccessAllowed, group(rng.IntN(400))
			if j < 2 {
				t = sd.AccessDenied
			}
			if j%3 == 2 {
				who = user(rng.IntN(n))
			}
			aces = append(aces, check.Must(sd.NewACE(t, 0, masks[rng.IntN(len(masks))], who, sd.ACEExtra{})))
		}
		out[i] = sd.New(sd.Parts{Owner: user(rng.IntN(n)), Group: group(0), DACL: check.Must(sd.NewACL(aces...))})
	}
	return tokens, out
}

func BenchmarkAllowed(b *testing.B) {
	for _, c := range []struct {
		name   string
		rights []winnt.AccessMask
	}{
		{"read", []winnt.AccessMask{winnt.FILE_GENERIC_READ}},
		{"read+write+full", []winnt.AccessMask{winnt.FILE_GENERIC_READ, winnt.FILE_GENERIC_WRITE, winnt.FILE_ALL_ACCESS}},
	} {
		for _, n := range []int{256, 4096, 65536} {
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				tokens, ds := newUsers(n, 512)
				p := effective.Compile(tokens, effective.Config{})
				e := check.Must(effective.NewEvaluator(p, effective.Question{Type: winnt.FileObject, Rights: c.rights}))
				b.ReportAllocs()
				count := 0
				for i := 0; b.Loop(); i++ {
					count += len(e.Allowed(ds[i%len(ds)]))
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n*len(c.rights)), "ns/decision")
			})
		}
	}
}

func BenchmarkMaximum(b *testing.B) {
	tokens, ds := newUsers(4096, 512)
	e := check.Must(effective.NewEvaluator(effective.Compile(tokens, effective.Config{}),
		effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1}}))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		e.Maximum(ds[i%len(ds)])
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/decision")
}

func BenchmarkCompile(b *testing.B) {
	tokens, _ := newUsers(4096, 1)
	b.ReportAllocs()
	for b.Loop() {
		effective.Compile(tokens, effective.Config{})
	}
}

// An evaluator allocates nothing after its first call, which allocates its buffers.
func TestEvaluatorAllocatesNothing(t *testing.T) {
	tokens, ds := newUsers(300, 64)
	e := check.Must(effective.NewEvaluator(effective.Compile(tokens, effective.Config{}),
		effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{winnt.FILE_GENERIC_READ,
			winnt.FILE_ALL_ACCESS}}))
	run := func() {
		for _, d := range ds {
			e.Allowed(d)
			e.Maximum(d)
		}
	}
	run()
	n := testing.AllocsPerRun(10, run)
	check.That(t, n == 0, "Allowed and Maximum of %d descriptors: %v allocations, want none", len(ds), n)
}
