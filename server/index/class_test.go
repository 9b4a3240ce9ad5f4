package index_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/questions"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestRelevantDescriptorDecidesLikeWhole checks that the relevant part of a descriptor decides like the whole, for
// tokens and requests with every feature of the access check (N-1).
func TestRelevantDescriptorDecidesLikeWhole(t *testing.T) {
	w := questions.World{Rand: rand.New(rand.NewPCG(randtest.Seed(t), 40))}
	var drawn questions.Drawn
	differ := 0
	for range randtest.Count(t, "REFMON_RELEVANT", 4_000) {
		tok, err := token.New(w.Spec())
		if err != nil {
			continue
		}
		r := w.Request(w.Descriptor(), nil, tok)
		whole, err1 := access.SeAccessCheck(r)
		drawn.Add(r, whole.Allowed())
		part := *r
		part.Descriptor = index.Relevant(r.Descriptor)
		if part.Descriptor != nil && !part.Descriptor.Equal(r.Descriptor) {
			differ++
		}
		got, err2 := access.SeAccessCheck(&part)
		if whole.Status() != got.Status() || whole.Granted != got.Granted || (err1 == nil) != (err2 == nil) {
			t.Fatalf("decision by the descriptor: %v %v, by its relevant part: %v %v, want equal\n%x",
				whole.Status(), whole.Granted, got.Status(), got.Granted,
				r.Descriptor.Binary())
		}
	}
	check.That(t, differ >= 100, "%d descriptors have anything to leave out, want at least 100", differ)
	for _, name := range drawn.Lacks(50, "intent", "granted before") {
		t.Errorf("hardly a question had or gave: %s (%.3f)", name, drawn.Share(name))
	}
}

// TestClassIDIgnoresIrrelevantParts checks that irrelevant parts of a descriptor do not change the class ID, and that
// each relevant part does (N-1).
func TestClassIDIgnoresIrrelevantParts(t *testing.T) {
	name := func(text, share string, right string, m winnt.AccessMask, typ *winnt.ObjectType) string {
		var of *sd.Descriptor
		if share != "" {
			of = sddl.MustParse(share)
		}
		return index.NewClass(sddl.MustParse(text), of, right, m, typ).ID
	}
	const plain = "O:BAG:SYD:(A;;FR;;;WD)"
	want := name(plain, "", "read", winnt.FILE_GENERIC_READ, winnt.FileObject)
	for _, same := range []string{"O:BAG:BAD:(A;;FR;;;WD)", "O:BAG:SYD:AI(A;ID;FR;;;WD)", "O:BAG:SYD:P(A;OICI;FR;;;WD)",
		"O:BAG:SYD:(A;;FR;;;WD)(A;OICIIO;FA;;;BU)", "O:BAG:SYD:(A;;FR;;;WD)S:(AU;SAFA;FA;;;WD)",
		"O:BAG:SYD:(A;;FR;;;WD)S:(ML;OICIIO;NR;;;HI)"} {
		check.That(t, name(same, "", "FR", winnt.GENERIC_READ, winnt.FileObject) == want,
			"%s is of another class than %s", same, plain)
	}
	seen := map[string]bool{want: true}
	for _, other := range []string{
		name("O:SYG:SYD:(A;;FR;;;WD)", "", "read", winnt.FILE_GENERIC_READ, winnt.FileObject),
		name("O:BAD:(A;;FR;;;WD)", "", "read", winnt.FILE_GENERIC_READ, winnt.FileObject),
		name("O:BAG:SYD:(A;;FA;;;WD)", "", "read", winnt.FILE_GENERIC_READ, winnt.FileObject),
		name("O:BAG:SYD:(D;;FR;;;BG)(A;;FR;;;WD)", "", "read", winnt.FILE_GENERIC_READ, winnt.FileObject),
		name("O:BAG:SYD:(A;;FR;;;WD)(D;;FR;;;BG)", "", "read", winnt.FILE_GENERIC_READ, winnt.FileObject),
		name("O:BAG:SY", "", "read", winnt.FILE_GENERIC_READ, winnt.FileObject),
		name("O:BAG:SYD:", "", "read", winnt.FILE_GENERIC_READ, winnt.FileObject),
		name("O:BAG:SYD:(A;;FR;;;WD)S:(ML;;NR;;;HI)", "", "read", winnt.FILE_GENERIC_READ, winnt.FileObject),
		name(plain, "D:(A;;FR;;;WD)", "read", winnt.FILE_GENERIC_READ, winnt.FileObject),
		name(plain, "", "write", winnt.FILE_GENERIC_WRITE, winnt.FileObject),
		name(plain, "", "read", winnt.FILE_GENERIC_READ, winnt.KeyObject),
		index.NewClass(nil, nil, "read", winnt.FILE_GENERIC_READ, winnt.FileObject).ID,
	} {
		check.That(t, !seen[other], "two questions are of the class %s", other)
		seen[other] = true
	}
	check.That(t, index.Relevant(sddl.MustParse(plain)).Group() == sid.MustParse("S-1-0-0"), "the group is kept")
}

// TestClassIDIsStableAcrossReleases checks that a class ID is the same on every machine and in every release. It is a
// hash of its parts, each after its length. A folder's class hashes the ID and whether holders of the privilege pass, a
// class behind folders the folders' IDs in their order (N-1, N-15, N-44).
func TestClassIDIsStableAcrossReleases(t *testing.T) {
	hashed := func(b []byte) string {
		sum := sha256.Sum256(b)
		return base64.RawURLEncoding.EncodeToString(sum[:16])
	}
	d, share := sddl.MustParse("O:BAG:SYD:P(A;OICI;FR;;;WD)"), sddl.MustParse("O:SYG:SYD:(A;;FA;;;BA)")
	id := func(share *sd.Descriptor, mask winnt.AccessMask, o *winnt.ObjectType) string {
		var b []byte
		part := func(p []byte) { b = append(binary.LittleEndian.AppendUint32(b, uint32(len(p))), p...) }
		part([]byte("refmon class 1"))
		var numbers []byte
		for _, m := range []winnt.AccessMask{o.Mapping.Map(mask), o.Mapping.Read, o.Mapping.Write, o.Mapping.Execute,
			o.Mapping.All, o.Valid} {
			numbers = binary.LittleEndian.AppendUint32(numbers, uint32(m))
		}
		part(numbers)
		part(append([]byte{1}, index.Relevant(d).Binary()...))
		if share == nil {
			part([]byte{0})
		} else {
			part(append([]byte{1}, index.Relevant(share).Binary()...))
		}
		return hashed(b)
	}
	for _, c := range []struct {
		share *sd.Descriptor
		mask  winnt.AccessMask
		o     *winnt.ObjectType
	}{{nil, winnt.GENERIC_READ, winnt.FileObject}, {share, winnt.FILE_WRITE_DATA, winnt.FileObject},
		{share, winnt.GENERIC_ALL, winnt.DirectoryFileObject}} {
		if got, want := index.NewClass(d, c.share, "read", c.mask, c.o).ID, id(c.share, c.mask, c.o); got != want {
			t.Errorf("N-1: %v of %v: %s, want %s", c.mask, c.o, got, want)
		}
	}
	passes := id(nil, winnt.FILE_TRAVERSE, winnt.DirectoryFileObject)
	folders := map[bool]index.Class{}
	for _, holders := range []bool{false, true} {
		folders[holders] = index.NewPassing(d, holders)
		want := hashed(fmt.Appendf(nil, "refmon passing 1\x00%s\x00%t", passes, holders))
		if got := folders[holders]; got.ID != want || !got.Passing || got.Holders != holders || got.Through != nil {
			t.Errorf("N-15: traverse class with holders %t: %+v, want %s", holders, got, want)
		}
	}
	own := index.NewClass(d, nil, "read", winnt.GENERIC_READ, winnt.FileObject)
	first, second := folders[false], folders[true]
	if first.ID > second.ID {
		first, second = second, first
	}
	for name, c := range map[string]struct {
		behind []index.Class
		want   string
	}{
		"none": {nil, own.ID},
		"one":  {[]index.Class{second}, hashed([]byte("refmon behind 1\x00" + own.ID + "\x00" + second.ID))},
		"two": {[]index.Class{second, first, second}, hashed([]byte("refmon behind 1\x00" + own.ID + "\x00" + first.ID +
			"\x00" + second.ID))},
	} {
		check.Equal(t, own.Behind(c.behind).ID, c.want, "N-15: behind %s", name)
	}
}
