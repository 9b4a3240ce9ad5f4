package sidset_test

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sid"
)

func newRand(t testing.TB) *rand.Rand {
	return rand.New(rand.NewPCG(randtest.Seed(t), 1))
}

func account(rid uint32) sid.SID {
	s, _ := sid.New(5, 21, 1, 2, 3, rid)
	return s
}

// naive is the twin of Find.
func naive(list []sid.SID, x sid.SID) int {
	for i, s := range list {
		if s == x {
			return i
		}
	}
	return -1
}

func TestFindReturnsFirstIndex(t *testing.T) {
	r := newRand(t)
	for _, n := range []int{0, 1, 2, 3, 16, 17, 200, 1000} {
		list := make([]sid.SID, n)
		for i := range list {
			list[i] = account(r.Uint32N(uint32(n) + uint32(n)/2 + 1)) // some of them twice
		}
		s := sidset.New(list)
		check.Require(t, s.Len(), n, "length")
		for rid := range uint32(2*n + 10) {
			x := account(rid)
			got, want := s.Find(x.Hash(), x), naive(list, x)
			check.Require(t, got, want, "%d SIDs: Find(%v)", n, x)
			check.RequireThat(t, want < 0 || !s.Index().Absent(x.Hash()) && !s.Absent(x.Hash()),
				"%d SIDs: a first look says that %v is absent", n, x)
		}
		dups := map[int]int{}
		for at, first := range s.Duplicates() {
			dups[at] = first
		}
		for i, x := range list {
			first := naive(list, x)
			if got, ok := dups[i]; ok != (first != i) || ok && got != first {
				t.Fatalf("duplicate %d: %d, want %d", i, got, first)
			}
			check.Require(t, s.At(i), x, "At(%d)", i)
		}
	}
}

func TestNilSetIsEmpty(t *testing.T) {
	var s *sidset.Set
	check.That(t, s.Find(1, sid.Everyone) == -1 && s.Len() == 0 && s.Index().Absent(1),
		"a nil set must be empty: Find = -1, Len = 0, every SID absent")
	check.That(t, s.Absent(1), "in a nil set everything is absent")
	for h := range uint32(1000) {
		i, all := sidset.Anything()
		check.That(t, !i.Absent(h<<22|h) && !all.Absent(h<<22|h), "Anything must report no SID as absent")
	}
	for range s.Duplicates() {
		t.Error("a nil set has no duplicates")
	}
}

// SIDs with the same hash must be distinguished: collisions make a table slow, never wrong.
func TestEqualHashesAreDistinguished(t *testing.T) {
	r := newRand(t)
	seen := map[uint32]sid.SID{}
	var list []sid.SID
	for i := 0; i < 400_000 && len(list) < 8; i++ {
		x, _ := sid.New(5, 21, r.Uint32(), 2, 3, r.Uint32())
		if y, ok := seen[x.Hash()]; ok {
			list = append(list, x, y)
		}
		seen[x.Hash()] = x
	}
	t.Logf("%d colliding pairs of SIDs", len(list)/2)
	if len(list) == 0 {
		t.Skip("no collision found with this seed")
	}
	for i := 0; i < len(list); i += 2 {
		s := sidset.New(list[i : i+1])
		if x := list[i+1]; s.Find(x.Hash(), x) != -1 {
			t.Errorf("%v was taken for %v", x, list[i])
		}
	}
	s := sidset.New(list)
	for i, x := range list {
		check.That(t, s.Find(x.Hash(), x) == naive(list, x), "entry %d not found", i)
	}
	// A wrong hash may miss, but must not find another SID, nor run for ever.
	many := make([]sid.SID, 1000)
	for i := range many {
		many[i] = account(uint32(i))
	}
	s = sidset.New(many)
	for h := range uint32(5000) {
		if i := s.Find(h<<20|h, many[7]); i != -1 && i != 7 {
			t.Fatalf("found %d", i)
		}
	}
}

func TestBitsAreSetAndCleared(t *testing.T) {
	b := sidset.NewBits(130)
	b.Set(129)
	b.Set(3)
	b.Clear(3)
	for i := -2; i < 300; i++ {
		if b.Has(i) != (i == 129) {
			t.Errorf("bit %d is %v", i, b.Has(i))
		}
	}
	check.That(t, !sidset.Bits(nil).Has(0), "nil is all clear")
	// Each bit is set and cleared without a change of the others in its word.
	for n := range 194 {
		b := sidset.NewBits(n)
		if len(b) != (n+63)/64 {
			t.Errorf("%d bits take %d words, want %d", n, len(b), (n+63)/64)
		}
		for i := range n {
			if b.Set(i); !b.Has(i) || i > 0 && !b.Has(i-1) || b.Has(i+1) {
				t.Fatalf("bit %d of %d was set: %x", i, n, b)
			}
		}
		for i := range n {
			if b.Clear(i); b.Has(i) || i+1 < n && !b.Has(i+1) {
				t.Fatalf("bit %d of %d was cleared: %x", i, n, b)
			}
		}
	}
}

// The lookup of an empty slot must stay inlined in the callers of Find.
func TestSIDSetAbsentIsInlined(t *testing.T) {
	out, err := exec.Command("go", "build", "-gcflags=-m", ".").CombinedOutput()
	if err != nil {
		t.Skipf("the go command cannot build here: %v", err)
	}
	for _, f := range []string{"can inline (*Set).Find", "can inline Bits.Has", "can inline Index.Absent",
		"can inline (*Set).Absent"} {
		check.That(t, strings.Contains(string(out), f), "the compiler no longer says %q", f)
	}
}

var sinkInt int

func BenchmarkFind(b *testing.B) {
	for _, n := range []int{20, 200, 1000} {
		list := make([]sid.SID, n)
		for i := range list {
			list[i] = account(uint32(i))
		}
		s := sidset.New(list)
		miss, hit := account(uint32(n+5)), list[n/2]
		for name, x := range map[string]sid.SID{"miss": miss, "hit": hit} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				h := x.Hash()
				b.ReportAllocs()
				for b.Loop() {
					sinkInt = s.Find(h, x)
				}
			})
		}
	}
}

func BenchmarkMake1000(b *testing.B) {
	list := make([]sid.SID, 1000)
	for i := range list {
		list[i] = account(uint32(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		sinkInt = sidset.New(list).Len()
	}
}

func TestFindAllocatesNothing(t *testing.T) {
	s := sidset.New([]sid.SID{sid.Everyone, sid.Users})
	n := testing.AllocsPerRun(100, func() { sinkInt = s.Find(sid.Users.Hash(), sid.Users) })
	check.That(t, n == 0, "%v allocations, want 0", n)
}

// TestSIDWithZeroHashByteIsFound checks that a SID whose hash ends in a zero byte is found like any other, by both
// lookups, alone and among others, and that it is not confused with a missing one.
func TestSIDWithZeroHashByteIsFound(t *testing.T) {
	var list []sid.SID
	for i := uint32(0); len(list) < 9; i++ {
		if x, _ := sid.New(5, 21, i, 7, 9, i*2654435761); x.Hash()&0xFF == 0 {
			list = append(list, x)
		}
	}
	for n := 1; n < len(list); n++ {
		s := sidset.New(list[:n])
		for i, x := range list {
			want := naive(list[:n], x)
			if got := s.Find(x.Hash(), x); got != want || s.FindPresent(x.Hash(), x) != want {
				t.Errorf("%d SIDs: number %d is found at %d", n, i, got)
			}
			check.That(t, want < 0 || !s.Absent(x.Hash()) && !s.Index().Absent(x.Hash()),
				"%d SIDs: number %d is said to be absent", n, i)
		}
	}
	check.Equal(t, (*sidset.Set)(nil).FindPresent(list[0].Hash(), list[0]), -1, "found in no set at")
	twice := sidset.New([]sid.SID{list[0], list[0], list[1], list[0], list[1]})
	reported := 0
	for at, first := range twice.Duplicates() {
		if reported++; at != 1 || first != 0 {
			t.Errorf("entry %d is entry %d, want 1, 0", at, first)
		}
		break
	}
	check.That(t, reported == 1, "%d duplicates are reported to a caller that accepts one, want 1", reported)
}

func ExampleNew() {
	s := sidset.New([]sid.SID{sid.Everyone, sid.Users, sid.Everyone})
	for _, x := range []sid.SID{sid.Everyone, sid.Users, sid.Guests} {
		fmt.Println(x, s.Find(x.Hash(), x))
	}
	// Output:
	// S-1-1-0 0
	// S-1-5-32-545 1
	// S-1-5-32-546 -1
}
