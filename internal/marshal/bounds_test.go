//go:build linux

package marshal

import (
	"testing"
	"unsafe"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestWhereNoProgramCanBe: the first pages, what goes round the end of the memory, and on 64 bits the system's half.
func TestWhereNoProgramCanBe(t *testing.T) {
	const last = ^uintptr(0)
	for _, c := range []struct {
		p    Address
		n    uintptr
		want bool
	}{
		{0, 0, true}, {0, 8, true}, {1, 1, true}, {lowest - 1, 1, true}, {lowest - 1, 2, true}, {lowest, 0, false},
		{lowest, 1, false}, {arena, arenaSize, false}, {Address(last), 2, true}, {Address(last - 7), 16, true},
		{arena, last - arena + 1, true},
	} {
		if got := c.p.bad(c.n); got != c.want {
			t.Errorf("%d bytes at %#x: bad %t, want %t", c.n, c.p, got, c.want)
		}
	}
	if unsafe.Sizeof(last) == 8 {
		end := Address(1)<<(31+16*(last>>63)) - 16 // of what a program has
		for n, want := range map[uintptr]bool{0: false, 1: false, 15: false, 16: true, 17: true} {
			if got := end.bad(n); got != want {
				t.Errorf("%d bytes at %#x: bad %t, want %t", n, end, got, want)
			}
		}
	}
}

// TestProbe: an output is aligned, and can be written from its first to its last byte; nothing needs no memory (O-3).
func TestProbe(t *testing.T) {
	mapArena(t)
	for _, c := range []struct {
		p        Address
		n, align uintptr
		want     ntstatus.Status
	}{
		{arena, 8, 4, ntstatus.Success}, {arena + 4, 8, 4, ntstatus.Success},
		{arena + 4, 8, 8, ntstatus.DatatypeMisalignment},
		{arena + 2, 4, 4, ntstatus.DatatypeMisalignment}, {arena + 1, 1, 1, ntstatus.Success},
		{arena + 1, 2, 2, ntstatus.DatatypeMisalignment}, {1, 4, 4, ntstatus.DatatypeMisalignment},
		{0, 4, 4, ntstatus.AccessViolation}, {4, 4, 4, ntstatus.AccessViolation}, {1, 0, 4, ntstatus.Success},
		{0, 0, 1, ntstatus.Success}, {arena + arenaSize - 4, 4, 4, ntstatus.Success},
		{arena + arenaSize - 4, 8, 4, ntstatus.AccessViolation}, {arena + arenaSize, 4, 4, ntstatus.AccessViolation},
		{arena, arenaSize, 1, ntstatus.Success}, {arena, arenaSize + 1, 1, ntstatus.AccessViolation},
	} {
		var m Memory
		if st := m.Probe(c.p, c.n, c.align); st != c.want {
			t.Errorf("%d bytes at %#x, at multiples of %d: %v, want %v", c.n, c.p, c.align, st, c.want)
		}
	}
	for p := Address(arena); p < arena+8; p++ {
		want := ntstatus.DatatypeMisalignment
		if p%4 == 0 {
			want = ntstatus.Success
		}
		var m Memory
		if a, b := m.ProbeHandle(p), m.ProbeU32(p); a != want || b != want {
			t.Errorf("a handle at %#x: %v, 32 bits: %v, want %v", p, a, b, want)
		}
	}
}

// TestSIDsInDescriptors: a SID is of revision 1 and has 15 subauthorities at most, by itself and in a descriptor.
func TestSIDsInDescriptors(t *testing.T) {
	l := newLayout(t)
	long := append([]byte{1, 15, 0, 0, 0, 0, 0, 5}, make([]byte, 60)...)
	for name, c := range map[string]struct {
		b    []byte
		want ntstatus.Status
	}{
		"whole":           {long, ntstatus.Success},
		"of revision 0":   {append([]byte{0}, long[1:]...), ntstatus.InvalidSID},
		"of revision 2":   {append([]byte{2}, long[1:]...), ntstatus.InvalidSID},
		"of one too many": {append([]byte{1, 16}, append(long[2:], 0, 0, 0, 0)...), ntstatus.InvalidSID},
	} {
		at := l.put(c.b)
		var m Memory
		if _, st := m.SIDAt(at); st != c.want {
			t.Errorf("a SID %s: %v, want %v", name, st, c.want)
		}
		if b, st := m.appendSID(nil, at); st != c.want || st == ntstatus.Success && string(b) != string(long) {
			t.Errorf("a SID %s in a descriptor: %x, %v, want %v", name, b, st, c.want)
		}
		owned := l.words(1, uint64(at), 0, 0, 0) // an absolute descriptor with this owner
		if _, st := m.DescriptorAt(owned); (st == ntstatus.Success) != (c.want == ntstatus.Success) {
			t.Errorf("a descriptor whose owner is %s: %v", name, st)
		}
	}
}

// TestAttributesShareABound: what the attributes of one list take counts together, up to a megabyte.
func TestAttributesShareABound(t *testing.T) {
	b := make([]byte, 3*maxClaims/2)
	at := Address(unsafe.Pointer(&b[0]))
	r := attributeReader{&Memory{}, maxClaims}
	for _, c := range []struct {
		n    uint32
		size int
		want ntstatus.Status
		left int
	}{
		{1, maxClaims + 1, ntstatus.InsufficientResources, maxClaims}, {1000, 8, ntstatus.Success, maxClaims - 8000},
		{1 << 31, 40, ntstatus.InsufficientResources, maxClaims - 8000}, {0, 40, ntstatus.Success, maxClaims - 8000},
		{1, maxClaims - 8000 + 1, ntstatus.InsufficientResources, maxClaims - 8000},
		{1, maxClaims - 8000, ntstatus.Success, 0}, {1, 1, ntstatus.InsufficientResources, 0},
	} {
		got, st := r.array(at, c.n, c.size)
		if st != c.want || r.left != c.left || st == ntstatus.Success && len(got) != int(c.n)*c.size {
			t.Errorf("%d of %d bytes: %d, %v, %d left, want %v, %d left", c.n, c.size, len(got), st, r.left, c.want, c.left)
		}
	}
}

// TestWrittenInformation: a default DACL and a list of attributes are read as they were written.
func TestWrittenInformation(t *testing.T) {
	l := newLayout(t)
	var m Memory
	a, err := sd.NewACE(sd.AccessAllowed, 0, 7, sid.Everyone, sd.ACEExtra{})
	if err != nil {
		t.Fatal(err)
	}
	list, err := sd.NewACL(a, a)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]*sd.ACL{"a DACL": list, "none": nil} {
		e := Encoder{Base: l.base()}
		l.used = 0
		e.TokenInformation(winnt.TokenDefaultDacl, want)
		got, st := m.DefaultDACLAt(l.put(e.Bytes))
		if st != ntstatus.Success || (got == nil) != (want == nil) || got != nil && got.Binary() != want.Binary() {
			t.Errorf("%s: %v, %v", name, got, st)
		}
	}
	attributes := []claims.Attribute{{Name: "a", Type: claims.Int64, Ints: []int64{1, -2}},
		{Name: "b", Type: claims.String, Flags: 2, Strings: []string{"x", ""}}}
	e := Encoder{Base: l.base()}
	l.used = 0
	e.TokenInformation(winnt.TokenSecurityAttributes, attributes)
	check(t, "attributes", attributes)(m.TokenAttributesAt(l.put(e.Bytes)))
}
