//go:build linux

package marshal

import (
	"encoding/binary"
	"testing"
	"unsafe"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// TestAttributesShareOneLimit checks that what the attributes of one list take counts together, up to a megabyte.
func TestAttributesShareOneLimit(t *testing.T) {
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
		check.That(t, st == c.want && r.left == c.left && (st != ntstatus.Success || len(got) == int(c.n)*c.size),
			"%d of %d bytes: %d, %v, %d left, want %v, %d left", c.n, c.size, len(got), st, r.left, c.want, c.left)
	}
	r.left = 9
	for _, c := range []struct {
		length byte
		want   ntstatus.Status
	}{{5, ntstatus.InvalidParameter},
		{6, ntstatus.InsufficientResources}, {4, ntstatus.Success}, {2, ntstatus.InsufficientResources}} {
		text := binary.LittleEndian.AppendUint64([]byte{c.length, 0, c.length, 0, 0, 0, 0, 0}, uint64(at))
		check.Equal(t, check.Status(r.text(text)), c.want, "text of %d bytes", c.length)
	}
	r.left = 16
	copy(b, "a\x00b\x00c\x00")
	for i, want := range []ntstatus.Status{ntstatus.Success, ntstatus.Success, ntstatus.InsufficientResources} {
		check.Equal(t, check.Status(r.terminated(at)), want, "terminated text %d of 6 bytes", i+1)
	}
	check.Equal(t, check.Status(r.terminated(0)), ntstatus.AccessViolation, "terminated text at 0")
}

// TestUnreadableStructuresAreAccessViolations checks the status of each structure at an address where there is no
// memory, and of an attribute with a value there.
func TestUnreadableStructuresAreAccessViolations(t *testing.T) {
	for name, capture := range captures {
		check.Equal(t, capture(&Memory{}, 0x1000), ntstatus.AccessViolation, "%s", name)
	}
	l := newLayout(t)
	head, name := l.counted("a")
	value := uint64(l.words(0x1000, 0x1000)) // length and address of a text; address and length of others
	for _, typ := range []claims.Type{claims.String, claims.SID, claims.Octets} {
		at := l.words(1|1<<32, uint64(l.words(head, name, uint64(typ), 1, value)))
		check.Equal(t, captures["token attributes"](&Memory{}, at), ntstatus.AccessViolation, "value of type %v", typ)
	}
}
