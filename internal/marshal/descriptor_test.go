//go:build linux

package marshal

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// TestInvalidSIDIsRefused checks that a SID is of revision 1 and has 15 subauthorities at most, by itself and in a
// descriptor.
func TestInvalidSIDIsRefused(t *testing.T) {
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
		check.Equal(t, check.Status(m.SIDAt(at)), c.want, "a SID %s", name)
		if b, st := m.appendSID(nil, at); st != c.want || st == ntstatus.Success && string(b) != string(long) {
			t.Errorf("a SID %s in a descriptor: %x, %v, want %v", name, b, st, c.want)
		}
		owned := l.words(1, uint64(at), 0, 0, 0) // an absolute descriptor with this owner
		if _, st := m.DescriptorAt(owned); (st == ntstatus.Success) != (c.want == ntstatus.Success) {
			t.Errorf("DescriptorAt, owner %s: %v, want %v", name, st, c.want)
		}
	}
}

// Cached descriptors are compared by all bytes, and both forms are captured equally. A list whose bit is clear is not
// read.
func TestDescriptorCacheComparesAllBytes(t *testing.T) {
	l := newLayout(t)
	var m Memory
	var all []*sd.Descriptor
	for _, text := range []string{"O:BAG:SYD:(A;;FA;;;WD)", "O:SYG:SYD:(A;;FA;;;WD)", "O:BAG:BAD:(A;;FA;;;WD)",
		"O:BAG:SYD:(A;;FR;;;WD)", "O:BAG:SYD:(D;;FA;;;WD)", "O:BAG:SYD:P(A;;FA;;;WD)", "O:BAG:SYS:(AU;SA;FA;;;WD)",
		"O:BA", "G:BA", "D:", "S:"} {
		all = append(all, sddl.MustParse(text))
	}
	all = append(all, sd.New(sd.Parts{Control: sd.RMControlValid, RMControl: 7}))
	for _, d := range append(all, all...) {
		relative := l.put(d.Binary())
		var parts [4]uint64
		if s := d.Owner(); !s.IsZero() {
			parts[0] = l.sid(s)
		}
		if s := d.Group(); !s.IsZero() {
			parts[1] = l.sid(s)
		}
		for i, list := range []*sd.ACL{d.SACL(), d.DACL()} {
			if list != nil {
				parts[2+i] = uint64(l.put([]byte(list.Binary())))
			}
		}
		head := 1 | uint64(d.RMControl())<<8 | uint64(d.Control()&^sd.SelfRelative)<<16
		absolute := l.words(head, parts[0], parts[1], parts[2], parts[3])
		for form, p := range map[string]Address{"self-relative": relative, "absolute": absolute} {
			got, st := m.DescriptorAt(p)
			if st != ntstatus.Success || !got.Equal(d) {
				t.Errorf("%s %x: got %x, %v, want an equal descriptor", form, d.Binary(), got.Binary(), st)
			}
		}
		l.used = 0
	}
	for form, p := range map[string]Address{"self-relative": l.words(1|uint64(sd.SelfRelative)<<16, 1<<62, 1<<30),
		"absolute": l.words(1, 0, 0, 1, 1)} {
		got, st := m.DescriptorAt(p)
		check.That(t, st == ntstatus.Success && got.SACL() == nil && got.DACL() == nil, "%s, bits clear: %v, %v", form, got,
			st)
	}
}
