package winnt_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// Names prints a mask by the names of its bits, including the standard rights. Bits without a name are printed as
// numbers.
func TestMaskPrintsNamesOfBits(t *testing.T) {
	for m, want := range map[winnt.AccessMask]string{0: "0", 1: "FILE_READ_DATA", 0x10001: "FILE_READ_DATA|DELETE",
		0x1F0000: "DELETE|READ_CONTROL|WRITE_DAC|WRITE_OWNER|SYNCHRONIZE", 0x200200: "0x200|0x200000",
		0xF3000000: "ACCESS_SYSTEM_SECURITY|MAXIMUM_ALLOWED|GENERIC_ALL|GENERIC_EXECUTE|GENERIC_WRITE|GENERIC_READ"} {
		check.Equal(t, winnt.FileObject.Names(m), want, "FileObject.Names(%v)", m)
	}
	got := winnt.AccessMask(0x1F).Padded() + winnt.AccessMask(0x1F).String()
	check.That(t, got == "0x0000001f0x1f", "Padded and String of 0x1f: %s, want 0x0000001f and 0x1f", got)
	check.Equal(t, new(winnt.ObjectType).Names(0x20001), "0x1|READ_CONTROL", "Names of a type without rights")
}
