package acltree

import (
	"bytes"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
)

// failReads makes each reading of an attribute fail.
func (m *memory) failReads() {
	m.fail = func(op, _ string) error {
		if op == "read" {
			return errInjected
		}
		return nil
	}
}

// An attribute that cannot be read or decoded is an error. A hash that only the server can compute, and one over
// permissions that cannot be read, are errors before anything is written. An attribute keeps its version.
func TestKeepersReportUnusableAttributes(t *testing.T) {
	value := func(version uint16, hash byte) []byte {
		return check.Must((&ntacl.Attribute{Version: version, HashType: ntacl.HashSHA256, Hash: [64]byte{hash},
			Descriptor: sddl.MustParse("O:BAG:SYD:")}).Append(nil))
	}
	for name, c := range map[string]struct {
		raw         []byte
		unreadable  bool
		read, write error
	}{
		"no attribute":           {nil, true, errInjected, errInjected},
		"not an attribute":       {[]byte("x"), false, ntacl.ErrAttribute, ntacl.ErrAttribute},
		"the server's hash":      {value(3, 1), false, nil, ErrServerHash},
		"unreadable":             {value(3, 0), true, errInjected, nil},
		"unreadable permissions": {value(4, 0), true, errInjected, errInjected},
	} {
		m := newMemory()
		f := m.add("f", Regular, "")
		f.values[ntacl.Name] = c.raw
		if c.unreadable {
			m.failReads()
		}
		check.ErrorIs(t, check.Err(Offline{}.Read(f)), c.read, "%s: Read", name)
		check.ErrorIs(t, Offline{}.Write(f, &Kept{Raw: c.raw}, 4, sddl.MustParse("D:")), c.write, "%s: Write", name)
		check.That(t, bytes.Equal(f.values[ntacl.Name], c.raw) == (c.write != nil), "%s: the value is %x", name,
			f.values[ntacl.Name])
	}
	f := newMemory().add("f", Regular, "")
	f.values[MountAttribute] = []byte("x")
	check.That(t, check.Err(Mount{}.Read(f)) != nil, "a mount with an invalid descriptor: no error, want one")
}
